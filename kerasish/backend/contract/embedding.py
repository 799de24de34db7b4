"""Rows of a table by index, and the sum of rows by index."""

from __future__ import annotations

from kerasish.backend.contract.types import Array


def gather(table: Array, indices: Array) -> Array:
    """Rows of a table: `rows[i..., d...] = table[indices[i...], d...]`.

    `table` is (R, D...) with any number of trailing dimensions, `indices` integers of any shape; the result
    is (*indices.shape, D...) in the dtype of `table`. Indices outside of 0..R-1 are undefined behaviour that
    no kernel has to check; on NumPy an index past the end raises IndexError.
    """
    raise NotImplementedError


def scatter_add(updates: Array, indices: Array, *, rows: int) -> Array:
    """Sum of the updates that share an index: the gradient of `gather` with respect to its table.

    `updates` is (*indices.shape, D...), `indices` integers; the result is (rows, D...) in the dtype of
    `updates`, 0 in the rows that no index names. Half precision is summed in float32. Indices outside of
    0..rows-1 are undefined behaviour; on NumPy an index past the end raises IndexError.
    """
    raise NotImplementedError
