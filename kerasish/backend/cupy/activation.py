"""Activations in one pass; softmaxes in one pass over memory, since rows are read again from the cache."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasish.backend.contract.types import Array
from kerasish.backend.cupy._device import cp
from kerasish.backend.cupy._launch import FLOATS, Kernel, blocks, c_type, contiguous
from kerasish.backend.cupy._rows import BOOLS, MAP_THREADS, TEAMS, alike, map_grid, rows_launch, wide_dtype

_FORMULAS = ("Relu", "Sigmoid", "Softplus", "GeluErf", "GeluTanh", "Silu", "Elu", "Erf", "Erfinv")
_SLOPES = ("SoftmaxSlope", "LogSoftmaxSlope")

_ACTIVATION = Kernel("activation.cu", "activation", T=FLOATS, FORMULA=_FORMULAS)
_ACTIVATION_BACKWARD = Kernel("activation.cu", "activation_backward", T=FLOATS, FORMULA=("GeluErf", "GeluTanh"))
_SOFTMAX = Kernel("softmax.cu", "softmax", T=FLOATS, TEAM=TEAMS, LOG=BOOLS)
_SOFTMAX_CHUNKS = Kernel("softmax.cu", "softmax_chunks", T=FLOATS)
_SOFTMAX_INSIDE = Kernel("softmax.cu", "softmax_inside", T=FLOATS, LOG=BOOLS)
_BACKWARD = Kernel("softmax.cu", "softmax_backward", T=FLOATS, TEAM=TEAMS, SLOPE=_SLOPES)
_BACKWARD_CHUNKS = Kernel("softmax.cu", "softmax_backward_chunks", T=FLOATS, SLOPE=_SLOPES)
_BACKWARD_INSIDE = Kernel("softmax.cu", "softmax_backward_inside", T=FLOATS, SLOPE=_SLOPES)

_THREADS = 256
# A few rows that are longer than this are split among blocks.
_LONG_ROW = 32768
_FEW_ROWS = 128
_SHORTEST_CHUNK = 8192
_CHUNKED_BLOCKS = 512


def softmax(x: Array, *, axis: int) -> Array:
    """Maximum and sum are found together, with one exponential an element."""
    return _softmax(x, axis, "false")


def log_softmax(x: Array, *, axis: int) -> Array:
    """As `softmax`, without the last exponential."""
    return _softmax(x, axis, "true")


def softmax_backward(dy: Array, y: Array, *, axis: int) -> Array:
    """A sum along the axis and a pass."""
    return _softmax_backward(dy, y, axis, "SoftmaxSlope")


def log_softmax_backward(dy: Array, y: Array, *, axis: int) -> Array:
    """A sum along the axis and a pass, which recovers the probabilities."""
    return _softmax_backward(dy, y, axis, "LogSoftmaxSlope")


def _softmax(x: Array, axis: int, log: str) -> Array:
    if x.size == 0:
        return cp.empty(x.shape, x.dtype)
    axis %= x.ndim
    outer, count, inner = _around(x, axis)
    if not _stays_inside(outer, count, inner):
        moved = cp.ascontiguousarray(cp.moveaxis(x, axis, -1))
        return cp.ascontiguousarray(cp.moveaxis(_softmax(moved, -1, log), -1, axis))
    x = contiguous(x)
    y = cp.empty(x.shape, x.dtype)
    kind = c_type(x.dtype)
    args: tuple[Any, ...]
    if inner > 1:
        args = (x, y, np.int64(outer), np.int64(count), np.int64(inner))
        _SOFTMAX_INSIDE((kind, log), blocks(outer * inner, _THREADS), _THREADS, args)
        return y
    launch = rows_launch(outer, count, x.itemsize)
    chunk = _chunk(outer, count)
    chunks = blocks(count, chunk)
    found = None
    if chunks > 1:
        found = cp.empty((outer, chunks, 2), wide_dtype(x))
        args = (x, found, np.int64(count), np.int64(chunk))
        _SOFTMAX_CHUNKS((kind,), (outer, chunks), launch.threads, args)
    args = (x, y, found, np.int64(outer), np.int64(count), np.int64(chunk), launch.lanes)
    _SOFTMAX((kind, launch.team, log), (launch.grid, chunks), launch.threads, args)
    return y


def _softmax_backward(dy: Array, y: Array, axis: int, slope: str) -> Array:
    if y.size == 0:
        return cp.empty(y.shape, y.dtype)
    axis %= y.ndim
    outer, count, inner = _around(y, axis)
    if not _stays_inside(outer, count, inner):
        dy, y = (cp.ascontiguousarray(cp.moveaxis(array, axis, -1)) for array in (dy, y))
        return cp.ascontiguousarray(cp.moveaxis(_softmax_backward(dy, y, -1, slope), -1, axis))
    dtype = y.dtype
    y, dy = alike(y, dy)
    dx = cp.empty(y.shape, y.dtype)
    kind = c_type(y.dtype)
    args: tuple[Any, ...]
    if inner > 1:
        args = (dy, y, dx, np.int64(outer), np.int64(count), np.int64(inner))
        _BACKWARD_INSIDE((kind, slope), blocks(outer * inner, _THREADS), _THREADS, args)
        return dx.astype(dtype, copy=False)
    launch = rows_launch(outer, count, y.itemsize)
    chunk = _chunk(outer, count)
    chunks = blocks(count, chunk)
    found = None
    if chunks > 1:
        found = cp.empty((outer, chunks), wide_dtype(y))
        args = (dy, y, found, np.int64(count), np.int64(chunk))
        _BACKWARD_CHUNKS((kind, slope), (outer, chunks), launch.threads, args)
    args = (dy, y, dx, found, np.int64(outer), np.int64(count), np.int64(chunk), launch.lanes)
    _BACKWARD((kind, launch.team, slope), (launch.grid, chunks), launch.threads, args)
    return dx.astype(dtype, copy=False)


def _around(x: Array, axis: int) -> tuple[int, int, int]:
    return math.prod(x.shape[:axis]), x.shape[axis], math.prod(x.shape[axis + 1 :])


def _stays_inside(outer: int, count: int, inner: int) -> bool:
    """Whether the axis is best left where it is: neighbours must fill a warp, and positions the device."""
    return inner == 1 or (inner >= 16 and (count <= 256 or outer * inner >= 16384))


def _chunk(rows: int, count: int) -> int:
    """How much of a row a block takes: all of it, unless few rows would leave most of the device idle."""
    if rows > _FEW_ROWS or count < _LONG_ROW:
        return count
    share = blocks(count, blocks(_CHUNKED_BLOCKS, rows))
    # A multiple of every pack, so that chunks are aligned where the row is.
    return max(_SHORTEST_CHUNK, blocks(share, 16) * 16)


def sigmoid(x: Array) -> Array:
    """One pass."""
    return _activation("Sigmoid", x)


def relu(x: Array) -> Array:
    """One pass; integers too."""
    return _activation("Relu", x) if x.dtype.kind not in "iu" else cp.maximum(x, 0)


def softplus(x: Array) -> Array:
    """One pass."""
    return _activation("Softplus", x)


def gelu(x: Array, *, approximate: bool) -> Array:
    """One pass."""
    return _activation("GeluTanh" if approximate else "GeluErf", x)


def gelu_backward(dy: Array, x: Array, *, approximate: bool) -> Array:
    """One pass, which computes the distribution function again."""
    dtype = x.dtype
    x, dy = alike(x, dy)
    dx = cp.empty(x.shape, x.dtype)
    if x.size:
        key = (c_type(x.dtype), "GeluTanh" if approximate else "GeluErf")
        _ACTIVATION_BACKWARD(key, map_grid(x), MAP_THREADS, (dy, x, dx, np.int64(x.size)))
    return dx.astype(dtype, copy=False)


def silu(x: Array) -> Array:
    """One pass."""
    return _activation("Silu", x)


def elu(x: Array, *, alpha: float) -> Array:
    """One pass."""
    return _activation("Elu", x, alpha)


def erf(x: Array) -> Array:
    """One pass."""
    return _activation("Erf", x)


def erfinv(x: Array) -> Array:
    """One pass, in float64."""
    return _activation("Erfinv", x)


def _activation(formula: str, x: Array, parameter: float = 0.0) -> Array:
    x = contiguous(x)
    y = cp.empty(x.shape, x.dtype)
    if x.size:
        args = (x, y, np.int64(x.size), np.float64(parameter))
        _ACTIVATION((c_type(x.dtype), formula), map_grid(x), MAP_THREADS, args)
    return y
