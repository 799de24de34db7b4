"""Normalization: rows by a team each, channels by blocks whose partial results a second kernel joins.

No sum depends on the order in which blocks run, so results are the same each time.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasish.backend.contract.types import Array
from kerasish.backend.cupy._device import cp
from kerasish.backend.cupy._launch import FLOATS, Kernel, blocks, c_type, contiguous
from kerasish.backend.cupy._rows import (
    BOOLS,
    MAP_THREADS,
    TEAMS,
    alike,
    cast,
    columns_launch,
    pack_width,
    reduction_chunks,
    rows_launch,
    wide_dtype,
)

_WIDE = ("float", "double")


def _parameter_type(T: str, P: str, **_: str) -> bool:
    """Parameters have the type of the data, or that in which half precision is computed."""
    return P == T or (P == "float" and T in ("__half", "__nv_bfloat16"))


_PACKED: dict[str, Any] = {"T": FLOATS, "PACKED": BOOLS}
_PARAMETERS: dict[str, Any] = {"T": FLOATS, "P": FLOATS, "PACKED": BOOLS}
_COLUMNS_MOMENTS = Kernel("batch_norm.cu", "columns_moments", **_PACKED)
_PLANES_MOMENTS = Kernel("batch_norm.cu", "planes_moments", **_PACKED)
_JOIN_MOMENTS = Kernel("batch_norm.cu", "join_moments", W=_WIDE)
_COLUMNS_NORMALIZE = Kernel("batch_norm.cu", "columns_normalize", where=_parameter_type, **_PARAMETERS)
_PLANES_NORMALIZE = Kernel("batch_norm.cu", "planes_normalize", where=_parameter_type, **_PARAMETERS)
_COLUMNS_SLOPES = Kernel("batch_norm.cu", "columns_slopes", **_PACKED)
_PLANES_SLOPES = Kernel("batch_norm.cu", "planes_slopes", **_PACKED)
_JOIN_SLOPES = Kernel("batch_norm.cu", "join_slopes", W=_WIDE)
_COLUMNS_BACKWARD = Kernel("batch_norm.cu", "columns_backward", where=_parameter_type, **_PARAMETERS)
_PLANES_BACKWARD = Kernel("batch_norm.cu", "planes_backward", where=_parameter_type, **_PARAMETERS)

_ROWS: dict[str, Any] = {"T": FLOATS, "P": FLOATS, "TEAM": TEAMS, "CENTRED": BOOLS}
_NORMALIZE_ROWS = Kernel("normalization.cu", "normalize_rows", where=_parameter_type, **_ROWS)
_ROWS_BACKWARD = Kernel("normalization.cu", "normalize_rows_backward", where=_parameter_type, **_ROWS)
_ROWS_PARAMETERS = Kernel("normalization.cu", "normalize_rows_parameters", T=FLOATS, PACKED=BOOLS, CENTRED=BOOLS)
_JOIN_PARAMETERS = Kernel(
    "normalization.cu",
    "join_parameters",
    W=_WIDE,
    P=FLOATS,
    where=lambda W, P: P == W or (W == "float" and P != "double"),
)

_JOIN_THREADS = 128
# One warp a channel.
_JOINED_BY_BLOCK = _JOIN_THREADS // 32


def batch_norm(
    x: Array, gamma: Array | None, beta: Array | None, *, axis: int, epsilon: float
) -> tuple[Array, Array, Array, Array]:
    """One pass for the moments of chunks, which are joined, and one for the result."""
    outer, channels, inner = _around(x, axis)
    x = contiguous(x)
    wide = wide_dtype(x)
    y = cp.empty(x.shape, x.dtype)
    mean, variance, rstd = (cp.empty(channels, wide) for _ in range(3))
    if not channels:
        return y, mean, variance, rstd
    kind, count = c_type(x.dtype), np.int64(channels)
    gamma, beta, parameter = _parameters(x, gamma, beta)
    launch: Any
    args: tuple[Any, ...]
    sizes: tuple[Any, ...]
    if inner == 1:
        launch = columns_launch(outer, channels, x, reduce=True)
        partial = cp.empty((2, channels, launch.chunks), wide)
        args = (x, partial[0], partial[1], np.int64(outer), count, launch.chunk)
        _COLUMNS_MOMENTS((kind, launch.packed), launch.grid, launch.block, args)
        chunk = launch.chunk
    else:
        width, packed = pack_width(inner, x)
        chunks, pack_chunk = reduction_chunks(outer * inner // width, channels)
        partial = cp.empty((2, channels, chunks), wide)
        sizes = (np.int64(outer), count, np.int64(inner), np.int64(pack_chunk))
        _PLANES_MOMENTS((kind, packed), (channels, chunks), MAP_THREADS, (x, partial[0], partial[1], *sizes))
        chunk = np.int64(pack_chunk * width)
    sizes = (count, np.int64(outer * inner), chunk, np.int32(partial.shape[2]))
    _JOIN_MOMENTS(
        (c_type(wide),),
        blocks(channels, _JOINED_BY_BLOCK),
        _JOIN_THREADS,
        (partial[0], partial[1], mean, variance, rstd, *sizes, np.float64(epsilon)),
    )
    arrays = (x, gamma, beta, mean, rstd, y)
    if x.size and inner == 1:
        launch = columns_launch(outer, channels, x, reduce=False)
        args = (*arrays, np.int64(outer), count, launch.chunk)
        _COLUMNS_NORMALIZE((kind, parameter, launch.packed), launch.grid, launch.block, args)
    elif x.size:
        grid = blocks(x.size // width, MAP_THREADS)
        args = (*arrays, np.int64(x.size), count, np.int64(inner))
        _PLANES_NORMALIZE((kind, parameter, packed), grid, MAP_THREADS, args)
    return y, mean, variance, rstd


def batch_norm_backward(
    dy: Array, x: Array, gamma: Array | None, mean: Array, rstd: Array, *, axis: int
) -> tuple[Array, Array, Array]:
    """One pass for the two sums, one for the gradient of the input."""
    outer, channels, inner = _around(x, axis)
    dtype = x.dtype
    x, dy = alike(x, dy)
    wide = wide_dtype(x)
    mean, rstd = cast(mean, wide), cast(rstd, wide)
    dx = cp.empty(x.shape, x.dtype)
    dgamma, dbeta = cp.empty(channels, wide), cp.empty(channels, wide)
    result = wide if gamma is None else gamma.dtype
    if not channels:
        return dx.astype(dtype, copy=False), dgamma.astype(result, copy=False), dbeta.astype(result, copy=False)
    kind, count = c_type(x.dtype), np.int64(channels)
    gamma, _, parameter = _parameters(x, gamma, None)
    launch: Any
    args: tuple[Any, ...]
    sizes: tuple[Any, ...]
    if inner == 1:
        launch = columns_launch(outer, channels, x, dy, reduce=True)
        partial = cp.empty((2, channels, launch.chunks), wide)
        args = (dy, x, mean, partial[0], partial[1], np.int64(outer), count, launch.chunk)
        _COLUMNS_SLOPES((kind, launch.packed), launch.grid, launch.block, args)
    else:
        width, packed = pack_width(inner, x, dy)
        chunks, chunk = reduction_chunks(outer * inner // width, channels)
        partial = cp.empty((2, channels, chunks), wide)
        sizes = (np.int64(outer), count, np.int64(inner), np.int64(chunk))
        args = (dy, x, mean, partial[0], partial[1], *sizes)
        _PLANES_SLOPES((kind, packed), (channels, chunks), MAP_THREADS, args)
    args = (partial[0], partial[1], rstd, dgamma, dbeta, count, np.int32(partial.shape[2]))
    _JOIN_SLOPES((c_type(wide),), blocks(channels, _JOINED_BY_BLOCK), _JOIN_THREADS, args)
    arrays = (dy, x, gamma, mean, rstd, dgamma, dbeta, dx)
    if x.size and inner == 1:
        launch = columns_launch(outer, channels, x, dy, reduce=False)
        args = (*arrays, np.int64(outer), count, launch.chunk)
        _COLUMNS_BACKWARD((kind, parameter, launch.packed), launch.grid, launch.block, args)
    elif x.size:
        grid = blocks(x.size // width, MAP_THREADS)
        args = (*arrays, np.int64(x.size), count, np.int64(inner))
        _PLANES_BACKWARD((kind, parameter, packed), grid, MAP_THREADS, args)
    return dx.astype(dtype, copy=False), dgamma.astype(result, copy=False), dbeta.astype(result, copy=False)


def _around(x: Array, axis: int) -> tuple[int, int, int]:
    axis %= x.ndim
    return math.prod(x.shape[:axis]), x.shape[axis], math.prod(x.shape[axis + 1 :])


def _parameters(x: Array, *given: Array | None) -> tuple[Any, ...]:
    """The parameters, contiguous, in one type that the kernels take beside that of `x`, and its name."""
    wide = wide_dtype(x)
    dtypes = {parameter.dtype for parameter in given if parameter is not None}
    dtype = x.dtype if dtypes <= {x.dtype} else wide
    return *(None if parameter is None else cast(parameter, dtype) for parameter in given), c_type(dtype)


def layer_norm(
    x: Array, gamma: Array | None, beta: Array | None, *, axes: tuple[int, ...], epsilon: float
) -> tuple[Array, Array, Array]:
    """Mean, then variance, then the result: one pass over memory, and two more over the cache."""
    y, mean, rstd = _normalize(x, gamma, beta, axes, epsilon, "true")
    return y, mean, rstd


def rms_norm(x: Array, scale: Array | None, *, axes: tuple[int, ...], epsilon: float) -> tuple[Array, Array]:
    """One pass over memory, and one more over the cache."""
    y, _, rstd = _normalize(x, scale, None, axes, epsilon, "false")
    return y, rstd


def layer_norm_backward(
    dy: Array, x: Array, gamma: Array | None, mean: Array, rstd: Array, *, axes: tuple[int, ...]
) -> tuple[Array, Array, Array]:
    """Normalize again rather than keep the normalized input."""
    dx, dgamma, dbeta = _normalize_backward(dy, x, gamma, mean, rstd, axes, "true")
    return dx, dgamma, dbeta


def rms_norm_backward(
    dy: Array, x: Array, scale: Array | None, rstd: Array, *, axes: tuple[int, ...]
) -> tuple[Array, Array]:
    """Normalize again rather than keep the normalized input."""
    dx, dscale, _ = _normalize_backward(dy, x, scale, None, rstd, axes, "false")
    return dx, dscale


def _normalize(
    x: Array, gamma: Array | None, beta: Array | None, axes: tuple[int, ...], epsilon: float, centred: str
) -> tuple[Array, Any, Array]:
    layout = _Layout(x, axes)
    x = layout.flat(x)
    wide = wide_dtype(x)
    y = cp.empty(x.shape, x.dtype)
    mean = cp.empty(layout.statistics, wide) if centred == "true" else None
    rstd = cp.empty(layout.statistics, wide)
    if layout.rows:
        gamma, beta, parameter = _parameters(x, gamma, beta)
        launch = rows_launch(layout.rows, layout.count, x.itemsize)
        sizes = (np.int64(layout.rows), np.int64(layout.count), np.float64(epsilon), launch.lanes)
        key = (c_type(x.dtype), parameter, launch.team, centred)
        _NORMALIZE_ROWS(key, launch.grid, launch.threads, (x, gamma, beta, y, mean, rstd, *sizes))
    return layout.restored(y), mean, rstd


def _normalize_backward(
    dy: Array,
    x: Array,
    gamma: Array | None,
    mean: Array | None,
    rstd: Array,
    axes: tuple[int, ...],
    centred: str,
) -> tuple[Array, Array, Any]:
    layout = _Layout(x, axes)
    dtype = x.dtype
    x, dy = alike(layout.flat(x), layout.flat(dy))
    wide = wide_dtype(x)
    rstd = cast(rstd, wide)
    mean = None if mean is None else cast(mean, wide)
    dx = cp.empty(x.shape, x.dtype)
    result = wide if gamma is None else gamma.dtype
    narrow = result if result == wide or (wide == np.float32 and result.itemsize == 2) else wide
    dgamma = cp.empty(layout.parameter, narrow)
    dbeta = cp.empty(layout.parameter, narrow) if centred == "true" else None
    sizes = (np.int64(layout.rows), np.int64(layout.count))
    kind = c_type(x.dtype)
    args: tuple[Any, ...]
    if x.size:
        gamma, parameter = _parameters(x, gamma)
        rows = rows_launch(layout.rows, layout.count, x.itemsize)
        args = (dy, x, gamma, mean, rstd, dx, *sizes, rows.lanes)
        _ROWS_BACKWARD((kind, parameter, rows.team, centred), rows.grid, rows.threads, args)
    if layout.count:
        columns = columns_launch(layout.rows, layout.count, x, dy, reduce=True)
        partial = cp.empty((2, layout.count, columns.chunks), wide)
        partial_dbeta = partial[1] if centred == "true" else None
        args = (dy, x, mean, rstd, partial[0], partial_dbeta, *sizes, columns.chunk)
        _ROWS_PARAMETERS((kind, columns.packed, centred), columns.grid, columns.block, args)
        args = (partial[0], partial_dbeta, dgamma, dbeta, np.int64(layout.count), np.int32(columns.chunks))
        key = (c_type(wide), c_type(narrow))
        _JOIN_PARAMETERS(key, blocks(layout.count, _JOINED_BY_BLOCK), _JOIN_THREADS, args)
    if dbeta is not None:
        dbeta = dbeta.astype(result, copy=False)
    return layout.restored(dx).astype(dtype, copy=False), dgamma.astype(result, copy=False), dbeta


class _Layout:
    """An array seen as rows to be normalized: `axes`, in their order, come last."""

    def __init__(self, x: Array, axes: tuple[int, ...]) -> None:
        reduced = [axis % x.ndim for axis in axes]
        self.order = tuple([axis for axis in range(x.ndim) if axis not in reduced] + reduced)
        self.parameter = tuple([x.shape[axis] for axis in reduced])
        self.statistics = tuple([1 if axis in reduced else size for axis, size in enumerate(x.shape)])
        self.rows = math.prod(self.statistics)
        self.count = math.prod(self.parameter)
        self.moved = self.order != tuple(range(x.ndim))

    def flat(self, x: Array) -> Array:
        """The array, contiguous, with `axes` last; itself where it is so."""
        return contiguous(x.transpose(self.order) if self.moved else x)

    def restored(self, y: Array) -> Array:
        """Undo the transpose."""
        if not self.moved:
            return y
        back = [self.order.index(axis) for axis in range(y.ndim)]
        return contiguous(y.transpose(back))
