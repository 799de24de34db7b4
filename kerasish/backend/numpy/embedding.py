"""Embedding look-up and its gradient."""

from __future__ import annotations

import math

import numpy as np

from kerasish.backend.contract.types import Array
from kerasish.backend.numpy._widen import narrow, wide_dtype


def gather(table: Array, indices: Array) -> Array:
    """Copy whole rows."""
    return np.asarray(np.take(table, indices, axis=0))


def scatter_add(updates: Array, indices: Array, *, rows: int) -> Array:
    """Add element by element at flat offsets, the form of `np.add.at` that runs in a plain C loop."""
    row_shape = updates.shape[indices.ndim :]
    size = math.prod(row_shape)
    wide = wide_dtype(updates.dtype) if updates.dtype.kind == "f" else updates.dtype
    total = np.zeros(rows * size, wide)
    offsets = indices.reshape(-1).astype(np.intp)
    # A negative offset would wrap around to the end only for some elements of its row.
    if offsets.size and (offsets.max() >= rows or offsets.min() < -rows):
        raise IndexError(f"An index is out of bounds for {rows} rows. Received: indices={indices}")
    if size != 1:
        offsets = (offsets[:, None] * size + np.arange(size)).reshape(-1)
    np.add.at(total, offsets, updates.reshape(-1).astype(wide, copy=False))
    return narrow(total.reshape(rows, *row_shape), updates.dtype)
