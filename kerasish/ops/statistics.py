"""Statistics along axes: variance, weighted means, logarithms of sums; and reductions that pass over NaN."""

from __future__ import annotations

import math
from typing import Any

from kerasish.autodiff import Tensor, apply, convert_to_tensor, op
from kerasish.ops.arithmetic import EXP, LOG
from kerasish.ops.choice import WHERE, where
from kerasish.ops.comparison import ISNAN, isfinite
from kerasish.ops.elementwise import SQRT
from kerasish.ops.gradients import RESHAPE, reduced_shape
from kerasish.ops.promotion import as_float, float_promoted
from kerasish.ops.reduction import all as all_of
from kerasish.ops.reduction import argmax, argmin, axes_of, cumprod, cumsum, mean, prod
from kerasish.ops.reduction import max as max_of
from kerasish.ops.reduction import min as min_of
from kerasish.ops.reduction import sum as sum_of


def _widened(x: Any) -> tuple[Tensor, str | None]:
    """A float tensor as it is computed with, and the dtype to come back to: half precision widens to float32."""
    x = as_float(x)
    narrow = x.array.dtype.itemsize == 2
    return (convert_to_tensor(x, "float32"), x.dtype) if narrow else (x, None)


def _narrowed(y: Tensor, dtype: str | None) -> Tensor:
    return y if dtype is None else convert_to_tensor(y, dtype)


@op
def var(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Variance along axes: the mean of `(x - mean(x))**2`.

    Args:
        x: The tensor.
        axis: An axis, or several; None for all.
        keepdims: Whether the reduced dimensions stay, with size 1.

    >>> var([1.0, 3.0]).item()
    1.0
    """
    x, dtype = _widened(x)
    centred = x - mean(x, axis, keepdims=True)
    return _narrowed(mean(centred * centred, axis, keepdims), dtype)


@op
def std(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Standard deviation along axes: the square root of `var`.

    >>> std([1.0, 3.0]).item()
    1.0
    """
    return apply(SQRT, (var(x, axis, keepdims),))


@op
def average(x: Any, axis: Any = None, weights: Any = None) -> Tensor:
    """Weighted mean, `sum(x * weights) / sum(weights)`; the plain mean without weights.

    Args:
        x: The tensor.
        axis: An axis, or several; None for all.
        weights: Of the shape of `x`, or a vector along the one axis.

    >>> average([1.0, 4.0], weights=[2.0, 1.0]).item()
    2.0
    """
    if weights is None:
        return mean(x, axis)
    x, w = float_promoted(x, weights)
    if w.shape != x.shape:
        axes = axes_of("average", axis, x.ndim)
        if axes is None or len(axes) != 1 or w.shape != (x.shape[axes[0]],):
            raise ValueError(
                "average: expected weights of the shape of x, or a vector along one axis. "
                f"Received: x.shape={x.shape}, weights.shape={w.shape}, axis={axis}"
            )
        column = tuple([size if d == axes[0] else 1 for d, size in enumerate(x.shape)])
        w = apply(RESHAPE, (w,), {"shape": column}) + x * 0
    return sum_of(x * w, axis) / sum_of(w, axis)


@op
def logsumexp(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """`log(sum(exp(x)))` along axes, without overflow.

    Args:
        x: The tensor.
        axis: An axis, or several; None for all.
        keepdims: Whether the reduced dimensions stay, with size 1.

    >>> logsumexp([1000.0, 1000.0]).item() - 1000.0 < 0.6932
    True
    """
    x, dtype = _widened(x)
    axes = axes_of("logsumexp", axis, x.ndim)
    top = max_of(Tensor(x.array), axes, keepdims=True, initial=-math.inf)
    top = apply(WHERE, (isfinite(top), top, 0))
    y = apply(LOG, (sum_of(apply(EXP, (x - top,)), axes, keepdims=True),)) + top
    if not keepdims:
        y = apply(RESHAPE, (y,), {"shape": reduced_shape(x.array.shape, axes, False)})
    return _narrowed(y, dtype)


@op
def moments(x: Any, axes: Any, keepdims: bool = False, synchronized: bool = False) -> tuple[Tensor, Tensor]:
    """Mean and variance along axes.

    Args:
        x: The tensor.
        axes: An axis, or several.
        keepdims: Whether the reduced dimensions stay, with size 1.
        synchronized: Kept for Keras's signature: statistics are those of this process.

    >>> [y.item() for y in moments([1.0, 3.0], 0)]
    [2.0, 1.0]
    """
    if synchronized:
        raise NotImplementedError(f"moments: synchronized=True needs replicas. Received: {synchronized=}")
    return mean(x, axes, keepdims), var(x, axes, keepdims)


def _without_nan(x: Any, filler: Any) -> tuple[Tensor, Tensor]:
    """The tensor with another number in place of NaN, and where NaN was."""
    x = convert_to_tensor(x)
    gone = apply(ISNAN, (x,))
    return (apply(WHERE, (gone, filler, x)) if x.array.dtype.kind == "f" else x), gone


@op
def nansum(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Sum along axes, with NaN taken for 0.

    >>> nansum([1.0, float("nan")]).item()
    1.0
    """
    return sum_of(_without_nan(x, 0)[0], axis, keepdims)


@op
def nanprod(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Product along axes, with NaN taken for 1.

    >>> nanprod([2.0, float("nan")]).item()
    2.0
    """
    return prod(_without_nan(x, 1)[0], axis, keepdims)


@op
def nancumsum(x: Any, axis: int | None = None, dtype: Any = None) -> Tensor:
    """Running sum along an axis, with NaN taken for 0.

    >>> nancumsum([1.0, float("nan"), 2.0]).tolist()
    [1.0, 1.0, 3.0]
    """
    return cumsum(_without_nan(x, 0)[0], axis, dtype)


@op
def nancumprod(x: Any, axis: int | None = None, dtype: Any = None) -> Tensor:
    """Running product along an axis, with NaN taken for 1.

    >>> nancumprod([2.0, float("nan"), 3.0]).tolist()
    [2.0, 2.0, 6.0]
    """
    return cumprod(_without_nan(x, 1)[0], axis, dtype)


@op
def nanmean(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Mean along axes of what is not NaN; NaN where nothing is left.

    >>> nanmean([1.0, float("nan"), 3.0]).item()
    2.0
    """
    filled, gone = _without_nan(as_float(x), 0)
    count = sum_of(where(gone, 0.0, 1.0), axis, keepdims)
    return sum_of(filled, axis, keepdims) / convert_to_tensor(count, filled.dtype)


@op
def nanvar(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Variance along axes of what is not NaN; NaN where nothing is left.

    >>> nanvar([1.0, float("nan"), 3.0]).item()
    1.0
    """
    x, dtype = _widened(x)
    centred = x - nanmean(x, axis, keepdims=True)
    return _narrowed(nanmean(centred * centred, axis, keepdims), dtype)


@op
def nanstd(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Standard deviation along axes of what is not NaN.

    >>> nanstd([1.0, float("nan"), 3.0]).item()
    1.0
    """
    return apply(SQRT, (nanvar(x, axis, keepdims),))


def _nan_extremum(reduce: Any, filler: float, x: Any, axis: Any, keepdims: bool) -> Tensor:
    filled, gone = _without_nan(x, filler)
    y = reduce(filled, axis, keepdims)
    if filled.array.dtype.kind != "f":
        return y
    return apply(WHERE, (all_of(gone, axis, keepdims), math.nan, y))


@op
def nanmax(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Largest element along axes that is not NaN; NaN where nothing is left.

    >>> nanmax([1.0, float("nan")]).item()
    1.0
    """
    return _nan_extremum(max_of, -math.inf, x, axis, keepdims)


@op
def nanmin(x: Any, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Smallest element along axes that is not NaN; NaN where nothing is left.

    >>> nanmin([1.0, float("nan")]).item()
    1.0
    """
    return _nan_extremum(min_of, math.inf, x, axis, keepdims)


def _nan_position(find: Any, filler: float, x: Any, axis: int | None, keepdims: bool) -> Tensor:
    filled, gone = _without_nan(x, filler)
    return apply(WHERE, (all_of(gone, axis, keepdims), -1, find(filled, axis, keepdims)))


@op
def nanargmax(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Position of the largest element along an axis that is not NaN; -1 where nothing is left.

    >>> nanargmax([float("nan"), 1.0, 2.0]).item()
    2
    """
    return _nan_position(argmax, -math.inf, x, axis, keepdims)


@op
def nanargmin(x: Any, axis: int | None = None, keepdims: bool = False) -> Tensor:
    """Position of the smallest element along an axis that is not NaN; -1 where nothing is left.

    >>> nanargmin([float("nan"), 1.0, 2.0]).item()
    1
    """
    return _nan_position(argmin, math.inf, x, axis, keepdims)
