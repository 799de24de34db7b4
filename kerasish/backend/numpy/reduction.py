"""Along axes, by NumPy's reductions."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.backend.contract.types import Array

Axes = tuple[int, ...] | None

_SUM: Any = np.add.reduce
_PRODUCT: Any = np.multiply.reduce
_MAX: Any = np.maximum.reduce
_MIN: Any = np.minimum.reduce
_ANY: Any = np.logical_or.reduce
_ALL: Any = np.logical_and.reduce


def _array(y: Any) -> Array:
    return y if type(y) is np.ndarray else np.asarray(y)


def _wide(x: Array) -> Any:
    """The dtype that sums are taken in."""
    return np.float32 if x.dtype.itemsize == 2 and x.dtype.kind not in "iub" else x.dtype


def _narrowed(y: Any, x: Array) -> Array:
    if y.dtype != x.dtype:
        with np.errstate(over="ignore"):
            y = y.astype(x.dtype)
    return _array(y)


def sum(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """`numpy.sum`, pairwise along contiguous memory."""
    return _narrowed(_SUM(x, axis, _wide(x), None, keepdims), x)


def mean(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """The sum, scaled in place."""
    total = _array(_SUM(x, axis, _wide(x), None, keepdims))
    if x.size:
        np.divide(total, x.size / total.size, total)
    elif total.size:
        # The mean of nothing.
        total.fill(np.nan)
    return _narrowed(total, x)


def prod(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """`numpy.prod`."""
    with np.errstate(all="ignore"):
        return _narrowed(_PRODUCT(x, axis, _wide(x), None, keepdims), x)


def max(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """`numpy.max`."""
    return _array(_MAX(x, axis, None, None, keepdims))


def min(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """`numpy.min`."""
    return _array(_MIN(x, axis, None, None, keepdims))


def any(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """`numpy.any`."""
    return _array(_ANY(x, axis, None, None, keepdims))


def all(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """`numpy.all`."""
    return _array(_ALL(x, axis, None, None, keepdims))


def count_nonzero(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """`numpy.count_nonzero`."""
    return np.asarray(np.count_nonzero(x, axis, keepdims=keepdims), np.int32)


def argmax(x: Array, *, axis: int) -> Array:
    """`numpy.argmax`."""
    return np.asarray(np.argmax(x, axis), np.int32)


def argmin(x: Array, *, axis: int) -> Array:
    """`numpy.argmin`."""
    return np.asarray(np.argmin(x, axis), np.int32)


def cumsum(x: Array, *, axis: int) -> Array:
    """`numpy.cumsum`."""
    return _narrowed(np.add.accumulate(x, axis, _wide(x)), x)


def cumprod(x: Array, *, axis: int) -> Array:
    """`numpy.cumprod`."""
    with np.errstate(all="ignore"):
        return _narrowed(np.multiply.accumulate(x, axis, _wide(x)), x)
