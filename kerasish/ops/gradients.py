"""What gradients are written with: the undoing of broadcasting, and the sum and the view that do it."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.autodiff import Node, Primitive, Tensor, apply
from kerasish.backend import K


def reduced_shape(shape: tuple[int, ...], axis: tuple[int, ...] | None, keepdims: bool) -> tuple[int, ...]:
    """The shape of a reduction along axes (all of them for None)."""
    if axis is None:
        return (1,) * len(shape) if keepdims else ()
    if keepdims:
        return tuple([1 if d in axis else size for d, size in enumerate(shape)])
    return tuple([size for d, size in enumerate(shape) if d not in axis])


def reduced(x: Any, *, axis: tuple[int, ...] | None = None, keepdims: bool = False) -> tuple[Any, Any]:
    """The shape rule of reductions."""
    return reduced_shape(x.shape, axis, keepdims), x.dtype


def spread(y: Tensor, shape: tuple[int, ...], axis: tuple[int, ...] | None, keepdims: bool) -> Tensor:
    """The result of a reduction along axes, repeated over the dimensions that were reduced."""
    if not keepdims and axis is not None and len(axis) < len(shape):
        y = apply(RESHAPE, (y,), {"shape": reduced_shape(shape, axis, True)})
    return apply(BROADCAST_TO, (y,), {"shape": shape})


def _sum_vjp(node: Node, dy: Tensor) -> tuple[Tensor]:
    (x,) = node.inputs
    return (spread(dy, x.array.shape, node.attrs.get("axis"), node.attrs.get("keepdims", False)),)


SUM = Primitive("sum", _sum_vjp, reduced)
RESHAPE: Primitive = Primitive(
    "reshape", lambda node, dy: (apply(RESHAPE, (dy,), {"shape": node.inputs[0].array.shape}),)
)
BROADCAST_TO = Primitive(
    "broadcast_to",
    lambda node, dy: (unbroadcast(dy, node.inputs[0].array.shape),),
    lambda x, *, shape: (np.broadcast_shapes(x.shape, shape), x.dtype),
)


def unbroadcast(dy: Tensor, shape: tuple[int, ...]) -> Tensor:
    """A gradient summed over the dimensions along which an operand of this shape was repeated."""
    given = dy.array.shape
    if given == shape:
        return dy
    extra = len(given) - len(shape)
    axes = tuple([d for d, size in enumerate(given) if d < extra or (shape[d - extra] == 1 and size != 1)])
    if len(axes) == extra:
        return apply(SUM, (dy,), {"axis": axes, "keepdims": False})
    total = apply(SUM, (dy,), {"axis": axes, "keepdims": True})
    return apply(RESHAPE, (total,), {"shape": shape}) if extra else total


def zeros_of(x: Tensor) -> Tensor:
    """Zeros of the shape and dtype of a tensor."""
    return Tensor(K.zeros(x.array.shape, dtype=x.array.dtype))
