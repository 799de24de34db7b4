"""Embedding look-up and its gradient. Both take whole rows; the gradient is the same in each run."""

from __future__ import annotations

import math

import numpy as np

from kerasish.backend.contract.types import Array
from kerasish.backend.cupy._device import cp
from kerasish.backend.cupy._launch import Kernel, blocks, c_type, contiguous
from kerasish.backend.cupy._scatter import add_rows

__all__ = ["gather", "scatter_add"]

_UNITS = {
    16: "Sixteen",
    8: "unsigned long long",
    4: "unsigned int",
    2: "unsigned short",
    1: "unsigned char",
}
_GATHER = Kernel("embedding.cu", "gather_rows", UNIT=tuple(_UNITS.values()), INDEX=("int", "long long"))

_THREADS = 256
_MOST_BLOCKS = 4096


def gather(table: Array, indices: Array) -> Array:
    """One pass; rows outside of the table are zeros, since nothing can be raised from the device."""
    table = contiguous(table)
    row_shape = table.shape[1:]
    out = cp.empty((*indices.shape, *row_shape), table.dtype)
    if not out.size:
        return out
    if not table.size:
        out[...] = 0
        return out
    if indices.dtype.name not in ("int32", "int64"):
        indices = indices.astype(np.int64)
    row_bytes = math.prod(row_shape) * table.dtype.itemsize
    # The largest power of two that rows and both ends begin at.
    unit = math.gcd(16, row_bytes, table.data.ptr, out.data.ptr)
    units = row_bytes // unit
    total = indices.size * units
    arguments = table, contiguous(indices), out, np.int64(total), np.int64(units), np.int64(table.shape[0])
    key = _UNITS[unit], c_type(indices.dtype)
    _GATHER(key, min(blocks(total, _THREADS), _MOST_BLOCKS), _THREADS, arguments)
    return out


def scatter_add(updates: Array, indices: Array, *, rows: int) -> Array:
    """Sort the indices, then sum runs of rows; negative indices count from the end, others outside are left out."""
    row_shape = updates.shape[indices.ndim :]
    flat = updates.reshape(indices.size, math.prod(row_shape))
    return add_rows(indices.reshape(-1), flat, rows, wrap=True).reshape(rows, *row_shape)
