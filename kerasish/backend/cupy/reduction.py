"""Along axes: floats by kernels of our own, integers by CuPy's reductions.

CuPy's add up half precision in it where it uses CUB, leave the whole of a large array to one block where it does not,
and lack bfloat16 here and there.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish.backend.contract.types import Array
from kerasish.backend.cupy._device import cp
from kerasish.backend.cupy._dtypes import is_float, is_half
from kerasish.backend.cupy._reduce import reduced, scanned

Axes = tuple[int, ...] | None


def _axes(x: Array, axis: Axes) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(x.ndim))
    axes = []
    for each in axis:
        if not -x.ndim <= each < x.ndim:
            raise np.exceptions.AxisError(each, x.ndim)
        axes.append(each % x.ndim)
    if len(set(axes)) != len(axes):
        raise ValueError(f"Each axis can be given once. Received: axis={axis}")
    return tuple(axes)


def _shape(x: Array, axes: tuple[int, ...], keepdims: bool) -> tuple[int, ...]:
    """The shape of a reduction."""
    if keepdims:
        return tuple([1 if axis in axes else size for axis, size in enumerate(x.shape)])
    return tuple([size for axis, size in enumerate(x.shape) if axis not in axes])


def _kept(y: Array, x: Array, axes: tuple[int, ...], keepdims: bool) -> Array:
    return cp.expand_dims(y, tuple(sorted(axes))) if keepdims and axes else y


def _count(x: Array, axes: tuple[int, ...]) -> int:
    return math.prod([int(x.shape[axis]) for axis in axes])


def sum(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """A kernel for floats; `cupy.sum` in the dtype of the array for integers."""
    axes = _axes(x, axis)
    if x.dtype.kind == "b":
        return any(x, axis=axis, keepdims=keepdims)
    if not axes:
        return x.copy(order="C")
    if not is_float(x.dtype):
        return cp.sum(x, axis=axes, dtype=x.dtype, keepdims=keepdims).astype(x.dtype, copy=False)
    if not _count(x, axes):
        return cp.zeros(_shape(x, axes, keepdims), x.dtype)
    return _kept(reduced(x, axes, "Add"), x, axes, keepdims)


def mean(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """The sum, divided before it is rounded to half precision."""
    axes = _axes(x, axis)
    if not axes:
        return x.copy(order="C")
    count = _count(x, axes)
    if not count:
        y = cp.empty(_shape(x, axes, keepdims), x.dtype)
        y.fill(np.nan)
        return y
    if not is_float(x.dtype):
        return cp.sum(x, axis=axes, keepdims=keepdims) / count
    return _kept(reduced(x, axes, "Add", divisor=count), x, axes, keepdims)


def prod(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """`cupy.prod`, in single precision for half."""
    axes = _axes(x, axis)
    if x.dtype.kind == "b":
        return all(x, axis=axis, keepdims=keepdims)
    if not axes:
        return x.copy(order="C")
    if is_half(x.dtype):
        return cp.prod(x.astype(np.float32), axis=axes, keepdims=keepdims).astype(x.dtype)
    return cp.prod(x, axis=axes, dtype=x.dtype, keepdims=keepdims).astype(x.dtype, copy=False)


def max(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """A kernel for floats; `cupy.max` for integers."""
    return _extremum(x, axis, keepdims, "Max", "maximum", cp.max)


def min(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """A kernel for floats; `cupy.min` for integers."""
    return _extremum(x, axis, keepdims, "Min", "minimum", cp.min)


def _extremum(x: Array, axis: Axes, keepdims: bool, operation: str, name: str, function: Callable[..., Any]) -> Array:
    axes = _axes(x, axis)
    if not axes:
        return x.copy(order="C")
    shape = _shape(x, axes, keepdims)
    if not _count(x, axes) and 0 not in shape:
        raise ValueError(f"The {name} of no elements has no identity. Received: x.shape={x.shape}, axis={axis}")
    if not _count(x, axes):
        return cp.empty(shape, x.dtype)
    if not is_float(x.dtype):
        return function(x, axis=axes, keepdims=keepdims)
    return _kept(reduced(x, axes, operation), x, axes, keepdims)


def any(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """Whether the count is not zero."""
    return cp.not_equal(count_nonzero(x, axis=axis, keepdims=keepdims), np.int32(0))


def all(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """Whether the count is that of all elements."""
    count = _count(x, _axes(x, axis))
    return cp.equal(count_nonzero(x, axis=axis, keepdims=keepdims), np.int32(count))


def count_nonzero(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """The sum of the flags, as bytes."""
    axes = _axes(x, axis)
    flags = x if x.dtype == np.bool_ else cp.not_equal(x, x.dtype.type(0))
    if not axes:
        return flags.astype(np.int32)
    if not _count(x, axes):
        return cp.zeros(_shape(x, axes, keepdims), np.int32)
    return _kept(reduced(flags.view(np.uint8), axes, "Add", dtype=np.dtype(np.int32)), x, axes, keepdims)


def argmax(x: Array, *, axis: int) -> Array:
    """`cupy.argmax`; bfloat16 as single."""
    return _position(cp.argmax, x, axis)


def argmin(x: Array, *, axis: int) -> Array:
    """`cupy.argmin`; bfloat16 as single."""
    return _position(cp.argmin, x, axis)


def _position(function: Callable[..., Any], x: Array, axis: int) -> Array:
    if not -x.ndim <= axis < x.ndim:
        raise np.exceptions.AxisError(axis, x.ndim)
    if not x.shape[axis]:
        raise ValueError(f"No elements have no extremum. Received: x.shape={x.shape}, axis={axis}")
    if not x.size:
        return cp.empty(_shape(x, _axes(x, (axis,)), False), np.int32)
    return function(x.astype(np.float32) if is_half(x.dtype) else x, axis=axis).astype(np.int32)


def cumsum(x: Array, *, axis: int) -> Array:
    """A kernel for floats; `cupy.cumsum` for integers."""
    return _running(x, axis, "Add", cp.cumsum)


def cumprod(x: Array, *, axis: int) -> Array:
    """A kernel for floats; `cupy.cumprod` for integers."""
    return _running(x, axis, "Multiply", cp.cumprod)


def _running(x: Array, axis: int, operation: str, function: Callable[..., Any]) -> Array:
    (axis,) = _axes(x, (axis,))
    if is_float(x.dtype):
        return scanned(x, axis, operation)
    if x.dtype == np.bool_:
        return cp.not_equal(function(x, axis=axis, dtype=np.int32), np.int32(0))
    return function(x, axis=axis, dtype=x.dtype)
