"""Rows picked and put by index, whatever the dtype: the moves that indexing and padding are made of.

A GPU cannot raise an error without waiting for it, so an index out of bounds does what it does in JAX: what is picked
there is NaN (the least number of a signed integer, the largest of an unsigned one, True), what is put there is left
out.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasish.backend.contract.types import Array
from kerasish.backend.cupy._device import cp
from kerasish.backend.cupy._dtypes import is_float
from kerasish.backend.cupy._launch import Kernel, blocks, c_type, contiguous

_UNITS = {1: "unsigned char", 2: "unsigned short", 4: "unsigned int", 8: "unsigned long long", 16: "Unit16"}
_INTEGERS = ("int", "long long")
_ROWS = Kernel("indexing.cu", "gather_rows", U=tuple(_UNITS.values()), I=_INTEGERS)
_ALONG = Kernel("indexing.cu", "gather_along", U=tuple(_UNITS.values()), I=_INTEGERS)
_COMBINE = Kernel("indexing.cu", "combine_ids", I=_INTEGERS)
_ELECT = Kernel("indexing.cu", "elect_last")
_PUT = Kernel("indexing.cu", "put_rows", U=tuple(_UNITS.values()))
_THREADS = 256
_MOST_BLOCKS = 16384


def _fill(dtype: Any) -> np.uint64:
    """The bits that stand where an index was out of bounds, repeated to 8 bytes."""
    if is_float(dtype) or dtype.kind == "c":
        part = np.dtype(np.float32 if dtype == np.complex64 else np.float64) if dtype.kind == "c" else dtype
        value = np.array(np.nan).astype(part)
    elif dtype.kind == "b":
        value = np.array(True)
    else:
        limits = np.iinfo(dtype)
        value = np.array(limits.max if dtype.kind == "u" else limits.min, dtype)
    return np.frombuffer(value.tobytes() * (8 // value.itemsize), np.uint64)[0]


def _unit(width: int, *arrays: Array) -> int:
    """The size of the largest unit that rows of so many bytes, and where arrays begin, are multiples of."""
    return math.gcd(16, width, *[array.data.ptr for array in arrays])


def _integers(indices: Array) -> Array:
    if indices.dtype == np.int32 or indices.dtype == np.int64:
        return indices
    if indices.dtype.kind not in "iub":
        raise IndexError(f"Expected indices of an integer dtype. Received: dtype={indices.dtype.name}")
    return indices.astype(np.int64 if indices.dtype.itemsize >= 4 else np.int32)


def _layout(rows: int, units: int) -> tuple[int, tuple[int, int]]:
    across = min(_THREADS, 1 << max(0, units - 1).bit_length())
    return min(blocks(rows, _THREADS // across), _MOST_BLOCKS), (across, _THREADS // across)


def gather_axis(x: Array, indices: Array, axis: int, *, wrap: bool = True) -> Array:
    """`x.take(indices, axis)`; negative indices count from the end with `wrap`."""
    before, size, after = x.shape[:axis], x.shape[axis], x.shape[axis + 1 :]
    if indices.size and not size:
        raise IndexError(f"Nothing can be taken along an axis without elements. Received: {x.shape=}, {axis=}")
    indices = contiguous(_integers(indices))
    y = cp.empty((*before, *indices.shape, *after), x.dtype)
    if not y.size:
        return y
    x = contiguous(x)
    width = math.prod(after) * x.itemsize
    unit = _unit(width, x, y)
    outer, units = math.prod(before), width // unit
    grid, block = _layout(outer * indices.size, units)
    sizes = np.int64(outer), np.int64(size), np.int64(indices.size), np.int64(units)
    key = _UNITS[unit], c_type(indices.dtype)
    _ROWS(key, grid, block, (x, indices, y, *sizes, np.int32(wrap), _fill(x.dtype)))
    return y


def gather_along(x: Array, indices: Array, axis: int) -> Array:
    """`numpy.take_along_axis` with dimensions that are equal but for the axis."""
    shape = tuple([n if d == axis else x.shape[d] for d, n in enumerate(indices.shape)])
    indices = contiguous(_integers(indices))
    y = cp.empty(shape, x.dtype)
    if not y.size:
        return y
    if not x.shape[axis]:
        raise IndexError(f"Nothing can be taken along an axis without elements. Received: {x.shape=}, {axis=}")
    x = contiguous(x)
    inner = math.prod(shape[axis + 1 :])
    sizes = np.int64(x.shape[axis]), np.int64(shape[axis]), np.int64(inner), np.int64(y.size)
    grid = min(blocks(y.size, _THREADS), _MOST_BLOCKS)
    _ALONG((_UNITS[x.itemsize], c_type(indices.dtype)), grid, _THREADS, (x, indices, y, *sizes, _fill(x.dtype)))
    return y


def flat_ids(columns: list[Array], sizes: tuple[int, ...]) -> Array:
    """Positions in the flat order of dimensions of these sizes, -1 where an index is out of bounds. 1-d, int64.

    The columns, one a dimension, have one shape.
    """
    ids = None
    for column, size in zip(columns, sizes, strict=True):
        column = _integers(column)
        step = 1
        if column.ndim == 1 and column.strides[0] > 0 and column.strides[0] % column.itemsize == 0:
            step = column.strides[0] // column.itemsize
        else:
            column = contiguous(column)
        following = cp.empty(column.size, np.int64)
        if column.size:
            grid = min(blocks(column.size, _THREADS), _MOST_BLOCKS)
            args = (column, np.int64(step), ids, following, np.int64(column.size), np.int64(size))
            _COMBINE((c_type(column.dtype),), grid, _THREADS, args)
        ids = following
    assert ids is not None
    return ids


def put_rows(y: Array, ids: Array, rows: Array) -> None:
    """Write `rows[i]` to `y[ids[i]]` in place, the last one where ids are equal.

    Args:
        y: Contiguous, (count, width).
        ids: As `flat_ids` gives them.
        rows: (n, width), of the dtype of `y`.
    """
    if not rows.size or not y.size:
        return
    rows = contiguous(rows)
    winners = cp.full(len(y), -1, np.int32)
    n = np.int64(len(ids))
    _ELECT((), min(blocks(len(ids), _THREADS), _MOST_BLOCKS), _THREADS, (ids, winners, n))
    width = rows.shape[1] * rows.itemsize
    unit = _unit(width, rows, y)
    grid, block = _layout(len(ids), width // unit)
    _PUT((_UNITS[unit],), grid, block, (ids, winners, rows, y, n, np.int64(width // unit)))
