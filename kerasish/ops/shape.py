"""Another shape for the same elements: reshape, transpose, new and dropped dimensions, broadcasting."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from kerasish.autodiff import Node, Primitive, Tensor, Variable, apply, convert_to_tensor, op
from kerasish.ops.axes import many_axes, one_axis, sizes_of
from kerasish.ops.gradients import BROADCAST_TO, RESHAPE

COPY = Primitive("owned", lambda node, dy: (dy,), lambda x: (x.shape, x.dtype))


def tensor_of(x: Any) -> Tensor:
    """A tensor that may be viewed: the value of a variable changes in place, so that of a variable is a copy."""
    if not isinstance(x, Tensor):
        return convert_to_tensor(x)
    return apply(COPY, (x,)) if isinstance(x, Variable) else x


def _transpose_vjp(node: Node, dy: Tensor) -> tuple[Tensor]:
    axes = node.attrs["axes"]
    back = [0] * len(axes)
    for position, axis in enumerate(axes):
        back[axis] = position
    return (apply(TRANSPOSE, (dy,), {"axes": tuple(back)}),)


TRANSPOSE = Primitive("transpose", _transpose_vjp)


@op
def reshape(x: Any, newshape: Any) -> Tensor:
    """The elements in row-major order in another shape. One size may be -1.

    >>> reshape([1, 2, 3, 4], (2, -1)).tolist()
    [[1, 2], [3, 4]]
    """
    x = tensor_of(x)
    shape = sizes_of("reshape", newshape)
    if -1 in shape:
        known = -math.prod(shape)
        if shape.count(-1) > 1 or (x.size % known if known else x.size):
            raise ValueError(
                f"reshape: cannot bring {x.size} elements into the shape. Received: x.shape={x.shape}, newshape={shape}"
            )
        if known:
            shape = tuple([x.size // known if size == -1 else size for size in shape])
        else:
            shape = tuple([0 if size == -1 else size for size in shape])
    elif math.prod(shape) != x.size:
        raise ValueError(
            f"reshape: cannot bring {x.size} elements into the shape. Received: x.shape={x.shape}, newshape={shape}"
        )
    return apply(RESHAPE, (x,), {"shape": shape})


@op
def ravel(x: Any) -> Tensor:
    """All elements in one dimension, in row-major order.

    >>> ravel([[1, 2], [3, 4]]).tolist()
    [1, 2, 3, 4]
    """
    x = tensor_of(x)
    return apply(RESHAPE, (x,), {"shape": (x.size,)})


@op
def transpose(x: Any, axes: Sequence[int] | None = None) -> Tensor:
    """The dimensions in another order, by default reversed.

    Args:
        x: The tensor.
        axes: For each dimension of the result, that of `x` it is.

    >>> transpose([[1, 2], [3, 4]]).tolist()
    [[1, 3], [2, 4]]
    """
    x = tensor_of(x)
    rank = x.array.ndim
    order = tuple(range(rank))[::-1] if axes is None else many_axes("transpose", tuple(axes), rank)
    if len(order) != rank:
        raise ValueError(f"transpose: expected {rank} axes. Received: axes={axes}, x.shape={x.shape}")
    return apply(TRANSPOSE, (x,), {"axes": order})


@op
def swapaxes(x: Any, axis1: int, axis2: int) -> Tensor:
    """Two dimensions in each other's place.

    >>> swapaxes([[1, 2], [3, 4]], 0, 1).tolist()
    [[1, 3], [2, 4]]
    """
    x = tensor_of(x)
    rank = x.array.ndim
    a, b = one_axis("swapaxes", axis1, rank), one_axis("swapaxes", axis2, rank)
    order = list(range(rank))
    order[a], order[b] = b, a
    return apply(TRANSPOSE, (x,), {"axes": tuple(order)})


@op
def moveaxis(x: Any, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    """Dimensions moved to other places; the others keep their order.

    >>> moveaxis([[[1, 2]]], -1, 0).shape
    (2, 1, 1)
    """
    x = tensor_of(x)
    rank = x.array.ndim
    sources, targets = many_axes("moveaxis", source, rank), many_axes("moveaxis", destination, rank)
    if len(sources) != len(targets):
        raise ValueError(f"moveaxis: expected as many sources as destinations. Received: {source=}, {destination=}")
    order = [d for d in range(rank) if d not in sources]
    for target, origin in sorted(zip(targets, sources)):
        order.insert(target, origin)
    return apply(TRANSPOSE, (x,), {"axes": tuple(order)})


@op
def expand_dims(x: Any, axis: int | Sequence[int]) -> Tensor:
    """New dimensions of size 1.

    >>> expand_dims([1, 2], -1).tolist()
    [[1], [2]]
    """
    x = tensor_of(x)
    count = len(axis) if isinstance(axis, (tuple, list)) else 1
    new = many_axes("expand_dims", axis, x.array.ndim + count)
    sizes = iter(x.array.shape)
    shape = tuple([1 if d in new else next(sizes) for d in range(x.array.ndim + count)])
    return apply(RESHAPE, (x,), {"shape": shape})


@op
def squeeze(x: Any, axis: int | Sequence[int] | None = None) -> Tensor:
    """Dimensions of size 1 removed: all of them, or those given.

    >>> squeeze([[1, 2]], 0).tolist()
    [1, 2]
    """
    x = tensor_of(x)
    given = x.array.shape
    gone = [d for d, size in enumerate(given) if size == 1] if axis is None else many_axes("squeeze", axis, len(given))
    for d in gone:
        if given[d] != 1:
            raise ValueError(f"squeeze: expected a dimension of size 1. Received: axis={axis}, x.shape={given}")
    return apply(RESHAPE, (x,), {"shape": tuple([size for d, size in enumerate(given) if d not in gone])})


@op
def broadcast_to(x: Any, shape: Any) -> Tensor:
    """The tensor repeated along missing dimensions and those of size 1.

    >>> broadcast_to([1, 2], (2, 2)).tolist()
    [[1, 2], [1, 2]]
    """
    return apply(BROADCAST_TO, (tensor_of(x),), {"shape": sizes_of("broadcast_to", shape)})
