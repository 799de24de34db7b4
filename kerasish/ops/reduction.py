"""Along axes: sums, products, extrema, truth, and running sums and products."""

from __future__ import annotations

import builtins
import math
from typing import Any

import numpy as np

from kerasish.autodiff import Node, Primitive, Tensor, apply, convert_to_tensor, op
from kerasish.backend.dtypes import standardize_dtype
from kerasish.ops.arithmetic import MULTIPLY
from kerasish.ops.axes import many_axes, one_axis
from kerasish.ops.choice import EQUAL, MAXIMUM, MINIMUM, WHERE
from kerasish.ops.flipping import FLIP
from kerasish.ops.gradients import RESHAPE, SUM, reduced, reduced_shape, spread
from kerasish.ops.joining import CONCATENATE
from kerasish.ops.promotion import as_float


def _extremum_vjp(node: Node, dy: Tensor) -> tuple[Tensor]:
    (x,) = node.inputs
    shape, axis = x.array.shape, node.attrs["axis"]
    kept = {"shape": reduced_shape(shape, axis, True)}
    best = apply(RESHAPE, (Tensor(node.results),), kept)
    hit = convert_to_tensor(apply(EQUAL, (Tensor(x.array), best)), x.dtype)
    # Equal elements share the gradient.
    count = apply(SUM, (hit,), {"axis": axis, "keepdims": True})
    return (apply(MULTIPLY, (apply(RESHAPE, (dy,), kept), hit / count)),)


def _mean_vjp(node: Node, dy: Tensor) -> tuple[Tensor]:
    shape, axis = node.inputs[0].array.shape, node.attrs["axis"]
    count = math.prod(shape if axis is None else [shape[d] for d in axis])
    return (spread(dy * (1.0 / builtins.max(count, 1)), shape, axis, node.attrs["keepdims"]),)


def _shifted_product(x: Tensor, axis: int, backwards: bool) -> Tensor:
    """The product of all elements before each one (behind it, for `backwards`) along an axis."""
    lead = (slice(None),) * axis
    ones = Tensor(x.array[(*lead, slice(0, 1))] * 0 + 1)
    if backwards:
        x = apply(FLIP, (x,), {"axis": (axis,)})
    running = apply(CUMPROD, (x,), {"axis": axis})
    y = apply(CONCATENATE, (ones, running[(*lead, slice(0, -1))]), {"axis": axis})
    return apply(FLIP, (y,), {"axis": (axis,)}) if backwards else y


def _prod_vjp(node: Node, dy: Tensor) -> tuple[Tensor]:
    (x,) = node.inputs
    shape, axis = x.array.shape, node.attrs["axis"]
    axes = tuple(range(len(shape))) if axis is None else axis
    if not axes or not x.size:
        return (spread(dy, shape, axis, node.attrs["keepdims"]),)
    from kerasish.ops.shape import TRANSPOSE

    order = tuple([d for d in range(len(shape)) if d not in axes]) + axes
    moved = apply(TRANSPOSE, (x,), {"axes": order})
    flat = apply(RESHAPE, (moved,), {"shape": (*moved.array.shape[: len(shape) - len(axes)], -1)})
    last = flat.array.ndim - 1
    # The product of all others, which is right also where an element is 0.
    others = _shifted_product(flat, last, False) * _shifted_product(flat, last, True)
    others = apply(RESHAPE, (others,), {"shape": moved.array.shape})
    back = tuple([order.index(d) for d in range(len(shape))])
    others = apply(TRANSPOSE, (others,), {"axes": back})
    return (spread(dy, shape, axis, node.attrs["keepdims"]) * others,)


def _backward_sum(x: Tensor, axis: int) -> Tensor:
    flipped = apply(FLIP, (x,), {"axis": (axis,)})
    return apply(FLIP, (apply(CUMSUM, (flipped,), {"axis": axis}),), {"axis": (axis,)})


def _cumprod_vjp(node: Node, dy: Tensor) -> tuple[Tensor]:
    (x,) = node.inputs
    axis = node.attrs["axis"]
    zero = x == 0
    seen = apply(CUMSUM, (convert_to_tensor(zero, "int32"),), {"axis": axis})
    first = apply(WHERE, (zero, seen, 0)) == 1
    nonzero = apply(WHERE, (zero, 1, x))
    # Before the first zero, each product is divided by its element; at the zero, the products without it
    # count; behind it, all products are 0.
    before = _backward_sum(dy * node.output, axis) / nonzero
    without = apply(CUMPROD, (apply(WHERE, (first, 1, x)),), {"axis": axis})
    behind = apply(WHERE, (seen > 0, dy * without, 0))
    at = _backward_sum(behind, axis)
    return (apply(WHERE, (first, at, apply(WHERE, (seen > 0, 0, before)))),)


def _truth(x: Any, *, axis: Any = None, keepdims: bool = False) -> tuple[Any, Any]:
    return reduced_shape(x.shape, axis, keepdims), np.dtype(bool)


def _position(x: Any, *, axis: int) -> tuple[Any, Any]:
    return (*x.shape[:axis], *x.shape[axis + 1 :]), np.dtype(np.int32)


def _running(x: Any, *, axis: int) -> tuple[Any, Any]:
    return x.shape, x.dtype


MEAN = Primitive("mean", _mean_vjp, reduced)
MAX = Primitive("max", _extremum_vjp, reduced)
MIN = Primitive("min", _extremum_vjp, reduced)
PROD = Primitive("prod", _prod_vjp, reduced)
ANY = Primitive("any", infer=_truth)
ALL = Primitive("all", infer=_truth)
COUNT_NONZERO = Primitive(
    "count_nonzero",
    infer=lambda x, *, axis=None, keepdims=False: (reduced_shape(x.shape, axis, keepdims), np.dtype(np.int32)),
)
ARGMAX = Primitive("argmax", infer=_position)
ARGMIN = Primitive("argmin", infer=_position)
CUMSUM = Primitive("cumsum", lambda node, dy: (_backward_sum(dy, node.attrs["axis"]),), _running)
CUMPROD = Primitive("cumprod", _cumprod_vjp, _running)


def axes_of(name: str, axis: Any, rank: int) -> tuple[int, ...] | None:
    """The axes of a reduction: None for all of them."""
    return None if axis is None else many_axes(name, axis, rank)


def reduce(primitive: Primitive, x: Tensor, axis: Any, keepdims: bool) -> Tensor:
    """Apply a reduction along axes."""
    axes = axes_of(primitive.name, axis, x.array.ndim)
    return apply(primitive, (x,), {"axis": axes, "keepdims": builtins.bool(keepdims)})


_SUMMED_IN = {"bool": "int32", "int8": "int32", "int16": "int32", "uint8": "uint32", "uint16": "uint32"}


def summable(x: Any) -> Tensor:
    """A tensor in the dtype that its sums have: small integers are summed as int32 or uint32."""
    if not isinstance(x, Tensor):
        x = convert_to_tensor(x)
    wide = None if x.array.dtype.kind == "f" else _SUMMED_IN.get(x.dtype)
    return x if wide is None else convert_to_tensor(x, wide)


@op
def sum(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Sum along axes.

    Args:
        x: The tensor.
        axis: An axis, or several; None for all.
        keepdims: Whether the reduced dimensions stay, with size 1.

    >>> sum([[1, 2], [3, 4]], axis=0).tolist()
    [4, 6]
    """
    return reduce(SUM, summable(x), axis, keepdims)


@op
def mean(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Arithmetic mean along axes, as a float.

    Args:
        x: The tensor.
        axis: An axis, or several; None for all.
        keepdims: Whether the reduced dimensions stay, with size 1.

    >>> mean([[1, 2], [3, 4]], axis=0).tolist()
    [2.0, 3.0]
    """
    return reduce(MEAN, as_float(x), axis, keepdims)


@op
def prod(x: Any, axis: Any = None, keepdims: bool = False, dtype: Any = None) -> Tensor:
    """Product along axes.

    Args:
        x: The tensor.
        axis: An axis, or several; None for all.
        keepdims: Whether the reduced dimensions stay, with size 1.
        dtype: The dtype of the product.

    >>> prod([[1, 2], [3, 4]], axis=0).tolist()
    [3, 8]
    """
    return reduce(PROD, summable(x) if dtype is None else convert_to_tensor(x, dtype), axis, keepdims)


def _extremum(primitive: Primitive, other: Primitive, x: Any, axis: Any, keepdims: bool, initial: Any) -> Tensor:
    x = convert_to_tensor(x)
    axes = axes_of(primitive.name, axis, x.array.ndim)
    empty = any_of(size == 0 for d, size in enumerate(x.array.shape) if axes is None or d in axes)
    if empty and initial is None:
        raise ValueError(f"{primitive.name}: no elements to choose from. Received: x.shape={x.shape}, axis={axis}")
    if initial is None:
        return apply(primitive, (x,), {"axis": axes, "keepdims": builtins.bool(keepdims)})
    start = convert_to_tensor(initial, x.dtype)
    if empty:
        from kerasish.ops.shape import broadcast_to

        return broadcast_to(start, reduced_shape(x.array.shape, axes, keepdims))
    return apply(other, (reduce(primitive, x, axis, keepdims), start))


any_of = builtins.any


@op
def max(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Tensor:
    """Largest element along axes; equal ones share the gradient.

    Args:
        x: The tensor.
        axis: An axis, or several; None for all.
        keepdims: Whether the reduced dimensions stay, with size 1.
        initial: The least that the result can be, and the result for no elements.

    Raises:
        ValueError: For no elements and no `initial`.

    >>> max([[1, 2], [4, 3]], axis=1).tolist()
    [2, 4]
    """
    return _extremum(MAX, MAXIMUM, x, axis, keepdims, initial)


@op
def min(x: Any, axis: Any = None, keepdims: bool = False, initial: Any = None) -> Tensor:
    """Smallest element along axes; equal ones share the gradient.

    Args:
        x: The tensor.
        axis: An axis, or several; None for all.
        keepdims: Whether the reduced dimensions stay, with size 1.
        initial: The most that the result can be, and the result for no elements.

    Raises:
        ValueError: For no elements and no `initial`.

    >>> min([[1, 2], [4, 3]], axis=1).tolist()
    [1, 3]
    """
    return _extremum(MIN, MINIMUM, x, axis, keepdims, initial)


@op
def amax(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Largest element along axes: another name of `max`.

    >>> amax([1, 3, 2]).item()
    3
    """
    return max(x, axis, keepdims)


@op
def amin(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Smallest element along axes: another name of `min`.

    >>> amin([1, 3, 2]).item()
    1
    """
    return min(x, axis, keepdims)


@op
def ptp(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The range of the values along axes: the largest less the smallest.

    >>> ptp([1, 5, 3]).item()
    4
    """
    x = convert_to_tensor(x)
    return max(x, axis, keepdims) - min(x, axis, keepdims)


@op
def any(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Whether one element along the axes is true (nonzero). No gradient.

    >>> any([[True, False], [False, False]], axis=1).tolist()
    [True, False]
    """
    return reduce(ANY, convert_to_tensor(x), axis, keepdims)


@op
def all(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Whether every element along the axes is true (nonzero). No gradient.

    >>> all([[True, False], [True, True]], axis=1).tolist()
    [False, True]
    """
    return reduce(ALL, convert_to_tensor(x), axis, keepdims)


@op
def count_nonzero(x: Any, axis: Any = None) -> Tensor:
    """How many elements along the axes are not 0, as int32. No gradient.

    >>> count_nonzero([[0, 1], [2, 3]], axis=0).tolist()
    [1, 2]
    """
    return reduce(COUNT_NONZERO, convert_to_tensor(x), axis, False)


def _arg(primitive: Primitive, x: Any, axis: int | None, keepdims: bool) -> Tensor:
    x = convert_to_tensor(x)
    shape = x.array.shape
    if axis is None:
        y = apply(primitive, (apply(RESHAPE, (x,), {"shape": (x.size,)}),), {"axis": 0})
        return apply(RESHAPE, (y,), {"shape": (1,) * len(shape)}) if keepdims else y
    place = one_axis(primitive.name, axis, len(shape))
    y = apply(primitive, (x,), {"axis": place})
    return apply(RESHAPE, (y,), {"shape": reduced_shape(shape, (place,), True)}) if keepdims else y


@op
def argmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Position of the largest element along an axis, the first of equals, as int32. No gradient.

    Args:
        x: The tensor.
        axis: The axis; None for the flattened tensor.
        keepdims: Whether the axis stays, with size 1.

    >>> argmax([[1, 3, 2]], axis=-1).tolist()
    [1]
    """
    return _arg(ARGMAX, x, axis, keepdims)


@op
def argmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Position of the smallest element along an axis, the first of equals, as int32. No gradient.

    Args:
        x: The tensor.
        axis: The axis; None for the flattened tensor.
        keepdims: Whether the axis stays, with size 1.

    >>> argmin([[2, 1, 3]], axis=-1).tolist()
    [1]
    """
    return _arg(ARGMIN, x, axis, keepdims)


def _cumulate(primitive: Primitive, x: Any, axis: int | None, dtype: Any) -> Tensor:
    x = convert_to_tensor(x, None if dtype is None else standardize_dtype(dtype))
    if x.array.dtype.kind == "b":
        x = convert_to_tensor(x, "int32")
    if axis is None:
        x, axis = apply(RESHAPE, (x,), {"shape": (x.size,)}), 0
    return apply(primitive, (x,), {"axis": one_axis(primitive.name, axis, x.array.ndim)})


@op
def cumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Tensor:
    """Running sum along an axis; of the flattened tensor for None.

    >>> cumsum([1, 2, 3]).tolist()
    [1, 3, 6]
    """
    return _cumulate(CUMSUM, x, axis, dtype)


@op
def cumprod(x: Any, axis: int | None = None, dtype: Any = None) -> Tensor:
    """Running product along an axis; of the flattened tensor for None.

    >>> cumprod([1, 2, 3]).tolist()
    [1, 2, 6]
    """
    return _cumulate(CUMPROD, x, axis, dtype)
