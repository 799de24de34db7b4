"""Joining tensors along an axis, and splitting them: concatenate, stack, split, unstack."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasish.autodiff import Node, Primitive, Tensor, apply, convert_to_tensor, op
from kerasish.ops.axes import one_axis, sizes_of
from kerasish.ops.gradients import RESHAPE, zeros_of
from kerasish.ops.promotion import promoted
from kerasish.ops.shape import ravel, tensor_of


def _concatenate_vjp(node: Node, dy: Tensor) -> tuple[Any, ...]:
    axis, position, parts = node.attrs["axis"], 0, []
    lead = (builtins.slice(None),) * axis
    for x, needed in zip(node.inputs, node.needs):
        size = x.array.shape[axis]
        parts.append(dy[(*lead, builtins.slice(position, position + size))] if needed else None)
        position += size
    return tuple(parts)


def _concatenate_infer(*xs: Any, axis: int) -> tuple[Any, Any]:
    first = xs[0].shape
    for x in xs[1:]:
        same = len(x.shape) == len(first)
        if not same or any(a != b for d, (a, b) in enumerate(zip(first, x.shape)) if d != axis):
            raise ValueError(
                "concatenate: expected the same shape but for the axis. "
                f"Received: shapes={[x.shape for x in xs]}, axis={axis}"
            )
    return (*first[:axis], builtins.sum(x.shape[axis] for x in xs), *first[axis + 1 :]), xs[0].dtype


def _split_vjp(node: Node, *dys: Tensor | None) -> tuple[Tensor]:
    parts = [Tensor(y) for y in node.results]
    grads = [zeros_of(y) if dy is None else dy for y, dy in zip(parts, dys)]
    return (apply(CONCATENATE, tuple(grads), {"axis": node.attrs["axis"]}),)


CONCATENATE = Primitive("concatenate", _concatenate_vjp, _concatenate_infer)
SPLIT = Primitive("split", _split_vjp)


@op
def concatenate(xs: Sequence[Any], axis: int = 0) -> Tensor:
    """Tensors one after the other along an axis.

    Args:
        xs: The tensors: one shape but for the axis, brought to one dtype.
        axis: The axis.

    >>> concatenate([[1, 2], [3]]).tolist()
    [1, 2, 3]
    """
    tensors = promoted(*[convert_to_tensor(x) for x in xs]) if len(xs) else []
    if not tensors:
        raise ValueError(f"concatenate: expected at least one tensor. Received: xs={xs!r}")
    return apply(CONCATENATE, tuple(tensors), {"axis": one_axis("concatenate", axis, tensors[0].array.ndim)})


@op
def append(x1: Any, x2: Any, axis: int | None = None) -> Tensor:
    """`x2` after `x1` along an axis; both flattened for None.

    >>> append([1, 2], [3]).tolist()
    [1, 2, 3]
    """
    x1, x2 = convert_to_tensor(x1), convert_to_tensor(x2)
    return concatenate([ravel(x1), ravel(x2)]) if axis is None else concatenate([x1, x2], axis)


@op
def stack(x: Sequence[Any], axis: int = 0) -> Tensor:
    """Tensors of one shape along a new axis.

    >>> stack([[1, 2], [3, 4]], axis=1).tolist()
    [[1, 3], [2, 4]]
    """
    tensors = promoted(*[convert_to_tensor(member) for member in x]) if len(x) else []
    if not tensors or any(t.array.shape != tensors[0].array.shape for t in tensors):
        raise ValueError(
            f"stack: expected tensors of one shape, at least one. Received: shapes={[t.array.shape for t in tensors]}"
        )
    given = tensors[0].array.shape
    place = one_axis("stack", axis, len(given) + 1)
    shape = {"shape": (*given[:place], 1, *given[place:])}
    return apply(CONCATENATE, tuple([apply(RESHAPE, (t,), shape) for t in tensors]), {"axis": place})


@op
def hstack(xs: Sequence[Any]) -> Tensor:
    """Tensors side by side: along the second axis, or the first of vectors.

    >>> hstack([[1, 2], [3]]).tolist()
    [1, 2, 3]
    """
    tensors = [_at_least(x, 1) for x in xs]
    return concatenate(tensors, 0 if tensors and tensors[0].ndim == 1 else 1)


@op
def vstack(xs: Sequence[Any]) -> Tensor:
    """Tensors one under the other: along the first axis, vectors as rows.

    >>> vstack([[1, 2], [3, 4]]).tolist()
    [[1, 2], [3, 4]]
    """
    return concatenate([_at_least(x, 2) for x in xs], 0)


@op
def dstack(xs: Sequence[Any]) -> Tensor:
    """Tensors one behind the other: along the third axis.

    >>> dstack([[1, 2], [3, 4]]).tolist()
    [[[1, 3], [2, 4]]]
    """
    return concatenate([_at_least(x, 3) for x in xs], 2)


def _at_least(x: Any, rank: int) -> Tensor:
    x = tensor_of(x)
    shape = x.array.shape
    if len(shape) >= rank:
        return x
    if rank == 3:
        shape = (1, shape[0] if shape else 1, 1) if len(shape) < 2 else (*shape, 1)
    else:
        shape = (1,) * (rank - len(shape)) + shape
    return apply(RESHAPE, (x,), {"shape": shape})


@op
def split(x: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """A tensor cut along an axis.

    Args:
        x: The tensor.
        indices_or_sections: Into how many equal parts, or the positions to cut at.
        axis: The axis.

    >>> [part.tolist() for part in split([1, 2, 3, 4], 2)]
    [[1, 2], [3, 4]]
    """
    return _split("split", x, indices_or_sections, axis, equal=True)


@op
def array_split(x: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """A tensor cut along an axis; the first parts are larger by one where it does not divide.

    >>> [part.tolist() for part in array_split([1, 2, 3], 2)]
    [[1, 2], [3]]
    """
    return _split("array_split", x, indices_or_sections, axis, equal=False)


def _split(name: str, x: Any, indices_or_sections: Any, axis: int, equal: bool) -> list[Tensor]:
    x = tensor_of(x)
    place = one_axis(name, axis, x.array.ndim)
    size = x.array.shape[place]
    if isinstance(indices_or_sections, (int, np.integer)):
        count = int(indices_or_sections)
        if count < 1 or (equal and size % count):
            raise ValueError(
                f"{name}: expected a number of parts that divides the size {size} of axis {axis}. "
                f"Received: indices_or_sections={count}, x.shape={x.shape}"
            )
        width, extra = divmod(size, count)
        cuts = [i * width + builtins.min(i, extra) for i in range(1, count)]
    else:
        cuts = [
            builtins.min(builtins.max(cut + size if cut < 0 else cut, 0), size)
            for cut in sizes_of(name, indices_or_sections)
        ]
    return list(apply(SPLIT, (x,), {"indices": tuple(cuts), "axis": place}))


@op
def hsplit(x: Any, indices_or_sections: int | Sequence[int]) -> list[Tensor]:
    """A tensor cut along the second axis, or the first of a vector.

    >>> [part.tolist() for part in hsplit([1, 2], 2)]
    [[1], [2]]
    """
    x = convert_to_tensor(x)
    return _split("hsplit", x, indices_or_sections, 0 if x.ndim == 1 else 1, equal=True)


@op
def vsplit(x: Any, indices_or_sections: int | Sequence[int]) -> list[Tensor]:
    """A tensor cut along the first axis.

    >>> [part.tolist() for part in vsplit([[1], [2]], 2)]
    [[[1]], [[2]]]
    """
    return _split("vsplit", x, indices_or_sections, 0, equal=True)


@op
def dsplit(x: Any, indices_or_sections: int | Sequence[int]) -> list[Tensor]:
    """A tensor cut along the third axis.

    >>> [part.shape for part in dsplit([[[1, 2]]], 2)]
    [(1, 1, 1), (1, 1, 1)]
    """
    return _split("dsplit", x, indices_or_sections, 2, equal=True)


@op
def unstack(x: Any, num: int | None = None, axis: int = 0) -> list[Tensor]:
    """The slices along an axis, without it.

    Args:
        x: The tensor.
        num: How many slices there are, if one wants it checked.
        axis: The axis.

    >>> [part.tolist() for part in unstack([[1, 2], [3, 4]])]
    [[1, 2], [3, 4]]
    """
    x = tensor_of(x)
    place = one_axis("unstack", axis, x.array.ndim)
    shape = x.array.shape
    if num is not None and num != shape[place]:
        raise ValueError(f"unstack: expected num to be the size of the axis. Received: {num=}, x.shape={shape}")
    rest = {"shape": (*shape[:place], *shape[place + 1 :])}
    parts = apply(SPLIT, (x,), {"indices": tuple(range(1, shape[place])), "axis": place}) if shape[place] else ()
    return [apply(RESHAPE, (part,), rest) for part in parts]
