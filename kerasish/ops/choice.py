"""Choosing between tensors, element by element: extrema, limits, conditions."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.autodiff import Node, Primitive, Tensor, apply, convert_to_tensor, op
from kerasish.ops.binary import binary, broadcasted, fitted, shape_of
from kerasish.ops.promotion import autocasted, fits, promoted


def _extremum_vjp(node: Node, dy: Tensor) -> tuple[Any, Any]:
    x1, x2 = node.inputs
    y = Tensor(node.results)
    is1, is2 = (apply(WHERE, (apply(EQUAL, (x, y)), 1.0, 0.0)) for x in (x1, x2))
    # Equal operands share the gradient.
    share = dy / convert_to_tensor(is1 + is2, dy.dtype)
    return (
        fitted(share * convert_to_tensor(is1, dy.dtype), x1) if node.needs[0] else None,
        fitted(share * convert_to_tensor(is2, dy.dtype), x2) if node.needs[1] else None,
    )


def _where_vjp(node: Node, dy: Tensor) -> tuple[Any, Any, Any]:
    condition, x1, x2 = node.inputs
    return (
        None,
        fitted(apply(WHERE, (condition, dy, 0)), x1) if node.needs[1] else None,
        fitted(apply(WHERE, (condition, 0, dy)), x2) if node.needs[2] else None,
    )


def _where_infer(condition: Any, x1: Any, x2: Any) -> tuple[Any, Any]:
    shape = np.broadcast_shapes(condition.shape, shape_of(x1), shape_of(x2))
    if hasattr(x1, "dtype") or hasattr(x2, "dtype"):
        return shape, x1.dtype if hasattr(x1, "dtype") else x2.dtype
    return shape, np.result_type(np.asarray(x1), np.asarray(x2))


def _clip_vjp(node: Node, dy: Tensor) -> tuple[Any, Any, Any]:
    x, x_min, x_max = node.inputs
    above, below = x > x_max, x < x_min
    d_x = d_min = d_max = None
    if node.needs[0]:
        d_x = apply(WHERE, (above, 0, apply(WHERE, (below, 0, dy))))
        d_x = fitted(d_x, x)
    if node.needs[1]:
        d_min = fitted(apply(WHERE, (below, apply(WHERE, (x_min > x_max, 0, dy)), 0)), x_min)
    if node.needs[2]:
        d_max = fitted(apply(WHERE, (apply(MAXIMUM, (x, x_min)) > x_max, dy, 0)), x_max)
    return d_x, d_min, d_max


def _clip_infer(x: Any, x_min: Any, x_max: Any) -> tuple[Any, Any]:
    return np.broadcast_shapes(x.shape, shape_of(x_min), shape_of(x_max)), x.dtype


MAXIMUM = Primitive("maximum", _extremum_vjp, broadcasted)
MINIMUM = Primitive("minimum", _extremum_vjp, broadcasted)
WHERE = Primitive("where", _where_vjp, _where_infer)
CLIP = Primitive("clip", _clip_vjp, _clip_infer)
EQUAL = Primitive("equal", infer=lambda x1, x2: (broadcasted(x1, x2)[0], np.dtype(bool)))


@op
def maximum(x1: Any, x2: Any) -> Tensor:
    """The larger of two, element by element; NaN where either is. Equal operands share the gradient.

    >>> maximum([1, 5], 3).tolist()
    [3, 5]
    """
    return binary(MAXIMUM, x1, x2)


@op
def minimum(x1: Any, x2: Any) -> Tensor:
    """The smaller of two, element by element; NaN where either is. Equal operands share the gradient.

    >>> minimum([1, 5], 3).tolist()
    [1, 3]
    """
    return binary(MINIMUM, x1, x2)


@op
def fmax(x1: Any, x2: Any) -> Tensor:
    """The larger of two, element by element; where one is NaN, the other.

    >>> fmax([1.0, float("nan")], 0.5).tolist()
    [1.0, 0.5]
    """
    x1, x2 = promoted(x1, x2)
    return apply(WHERE, (x2 != x2, x1, apply(WHERE, (x1 != x1, x2, apply(MAXIMUM, (x1, x2))))))


@op
def fmin(x1: Any, x2: Any) -> Tensor:
    """The smaller of two, element by element; where one is NaN, the other.

    >>> fmin([1.0, float("nan")], 0.5).tolist()
    [0.5, 0.5]
    """
    x1, x2 = promoted(x1, x2)
    return apply(WHERE, (x2 != x2, x1, apply(WHERE, (x1 != x1, x2, apply(MINIMUM, (x1, x2))))))


@op
def where(condition: Any, x1: Any = None, x2: Any = None) -> Any:
    """`x1` where the condition holds, `x2` elsewhere; the indices of what holds when neither is given.

    Args:
        condition: Booleans, or numbers that are taken for true where they are not 0.
        x1: The values where it holds.
        x2: The values elsewhere.

    >>> where([True, False], [1, 2], 0.5).tolist()
    [1.0, 0.5]
    """
    if x1 is None and x2 is None:
        from kerasish.ops.sorting import nonzero

        return nonzero(condition)
    if x1 is None or x2 is None:
        raise ValueError(f"where: expected both x1 and x2, or neither. Received: x1={x1!r}, x2={x2!r}")
    if not isinstance(condition, Tensor):
        condition = convert_to_tensor(condition)
    if isinstance(x1, Tensor) and isinstance(x2, Tensor) and x1.array.dtype is x2.array.dtype:
        return apply(WHERE, (condition, x1, x2))
    return apply(WHERE, (condition, *promoted(x1, x2)))


@op
def clip(x: Any, x_min: Any, x_max: Any) -> Tensor:
    """The values, brought into the interval [x_min, x_max].

    >>> clip([-2, 0, 5], -1, 1).tolist()
    [-1, 0, 1]
    """
    if not isinstance(x, Tensor):
        x = convert_to_tensor(x)
    if x.array.dtype.kind == "b":
        x = convert_to_tensor(x, "int32")
    x = autocasted(x)
    low, high = [bound if fits(x.array, bound) else convert_to_tensor(bound, x.dtype) for bound in (x_min, x_max)]
    return apply(CLIP, (x, low, high))
