"""Softmax, its logarithm, and sparsemax."""

from __future__ import annotations

import math
import warnings
from typing import Any

from kerasish.autodiff import Node, Primitive, Tensor, apply, convert_to_tensor, fused, op, state
from kerasish.ops.choice import maximum, where
from kerasish.ops.elementwise import exp
from kerasish.ops.promotion import as_float
from kerasish.ops.reduction import cumsum
from kerasish.ops.reduction import sum as reduce_sum
from kerasish.ops.shape import transpose
from kerasish.ops.sorting import sort
from kerasish.ops.spacing import arange


def _same(x: Any, **attrs: Any) -> tuple[Any, Any]:
    return x.shape, x.dtype


def _same_as_first(dy: Any, y: Any, **attrs: Any) -> tuple[Any, Any]:
    return dy.shape, dy.dtype


def _softmax_vjp(node: Node, dy: Tensor) -> tuple[Tensor]:
    return (apply(SOFTMAX_BACKWARD, (dy, node.output), node.attrs),)


def _log_softmax_vjp(node: Node, dy: Tensor) -> tuple[Tensor]:
    return (apply(LOG_SOFTMAX_BACKWARD, (dy, node.output), node.attrs),)


def _softmax_gradient(dy: Tensor, y: Tensor, *, axis: int) -> Tensor:
    return y * (dy - reduce_sum(dy * y, axis=axis, keepdims=True))


def _log_softmax_gradient(dy: Tensor, y: Tensor, *, axis: int) -> Tensor:
    return dy - exp(y) * reduce_sum(dy, axis=axis, keepdims=True)


SOFTMAX, SOFTMAX_BACKWARD = fused(
    "softmax",
    "softmax_backward",
    _softmax_vjp,
    _softmax_gradient,
    _same,
    _same_as_first,
)
LOG_SOFTMAX, LOG_SOFTMAX_BACKWARD = fused(
    "log_softmax",
    "log_softmax_backward",
    _log_softmax_vjp,
    _log_softmax_gradient,
    _same,
    _same_as_first,
)


def checked_axis(axis: int, x: Tensor, name: str) -> int:
    """The axis counted from the front; an error names the operation."""
    rank = x.array.ndim
    if not -rank <= axis < rank:
        raise ValueError(f"{name}: expected an axis in [{-rank}, {rank}). Received: axis={axis}, x.shape={x.shape}")
    return int(axis % rank)


def _over_axes(primitive: Primitive, x: Tensor, axis: Any, name: str) -> Tensor:
    """A softmax over several axes at once: they are brought to the end and flattened."""
    rank = x.array.ndim
    axes = tuple(range(rank)) if axis is None else tuple([checked_axis(a, x, name) for a in axis])
    rest = [a for a in range(rank) if a not in axes]
    order = (*rest, *axes)
    moved = transpose(x, order)
    lead = [x.shape[a] for a in rest]
    flat = apply(primitive, (moved.reshape((*lead, math.prod(x.shape[a] for a in axes))),), {"axis": len(lead)})
    inverse = sorted(range(rank), key=order.__getitem__)
    return transpose(flat.reshape(moved.shape), inverse)


@op
def softmax(x: Any, axis: Any = -1) -> Tensor:
    """`exp(x) / sum(exp(x))` along an axis, without overflow.

    Args:
        x: The logits.
        axis: The axis, a tuple of axes that are normalized together, or None for all of them.

    Raises:
        ValueError: If an axis is out of range.

    >>> softmax([0.0, 0.0]).tolist()
    [0.5, 0.5]
    """
    x = as_float(x)
    if not isinstance(axis, int):
        return _over_axes(SOFTMAX, x, axis, "softmax")
    axis = checked_axis(axis, x, "softmax")
    if x.shape[axis] == 1 and not state.abstract:
        warnings.warn(
            f"A softmax over an axis of size 1 is 1 everywhere (x.shape={x.shape}, axis={axis}). "
            "A sigmoid may be what is meant.",
            stacklevel=3,
        )
    return apply(SOFTMAX, (x,), {"axis": axis})


@op
def log_softmax(x: Any, axis: Any = -1) -> Tensor:
    """`x - log(sum(exp(x)))` along an axis (or several), without overflow.

    >>> log_softmax([0.0, 0.0]).numpy().round(4).tolist()
    [-0.6930999755859375, -0.6930999755859375]
    """
    x = as_float(x)
    if not isinstance(axis, int):
        return _over_axes(LOG_SOFTMAX, x, axis, "log_softmax")
    return apply(LOG_SOFTMAX, (x,), {"axis": checked_axis(axis, x, "log_softmax")})


@op
def sparsemax(x: Any, axis: int = -1) -> Tensor:
    """The point of the probability simplex that is nearest to `x`. Source: arXiv:1602.02068.

    `max(x - tau, 0)`, with the threshold `tau` for which the sum along the axis is 1. (Keras 3.15 takes another
    threshold where more than one element is positive, with which the sum is not 1.)

    >>> sparsemax([1.0, 0.5, -1.0]).tolist()
    [0.75, 0.25, 0.0]
    """
    x = as_float(x)
    axis = checked_axis(axis, x, "sparsemax")
    fixed = Tensor(x.array)
    ordered = -sort(-fixed, axis=axis)
    sums = cumsum(ordered, axis=axis)
    ranks = arange(1, x.shape[axis] + 1, dtype=x.dtype).reshape([-1 if d == axis else 1 for d in range(x.ndim)])
    count = reduce_sum(convert_to_tensor(ordered * ranks > sums - 1, x.dtype), axis=axis, keepdims=True)
    floor = reduce_sum(where(ranks == count, ordered, 0.0), axis=axis, keepdims=True)
    support = convert_to_tensor(fixed >= floor, x.dtype)
    tau = (reduce_sum(x * support, axis=axis, keepdims=True) - 1) / reduce_sum(support, axis=axis, keepdims=True)
    return maximum(x - tau, 0)
