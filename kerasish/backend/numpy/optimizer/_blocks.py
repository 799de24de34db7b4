"""Running an update rule over buffers: in blocks, with one scratch buffer a thread.

A rule is a function of blocks in one wide dtype. `run` feeds it: blocks are views of the buffers, or, where a buffer
is in half precision, wide copies that are written back.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish.backend.contract.types import Array, Scalar
from kerasish.backend.numpy._widen import wide_dtype

# Larger than a first-level cache: in blocks that small, the cost of a NumPy call outweighs what the cache saves.
BLOCK = 65536
_MOST_LENGTHS = 64


class _Scratch(threading.local):
    """The reusable temporaries of a thread, by dtype."""

    def __init__(self) -> None:
        self.buffers: dict[Any, Array] = {}
        self.rows_of: dict[tuple[int, int, Any], list[Array]] = {}

    def rows(self, count: int, length: int, dtype: Any) -> Array:
        """`count` contiguous rows of at least `length` elements."""
        have = self.buffers.get(dtype)
        if have is None or have.shape[0] < count or have.shape[1] < length:
            rows = count if have is None else max(count, have.shape[0])
            columns = length if have is None else max(length, have.shape[1])
            have = self.buffers[dtype] = np.empty((rows, columns), dtype)
            self.rows_of.clear()
        return have

    def vectors(self, count: int, length: int, dtype: Any) -> list[Array]:
        """`count` vectors of `length` elements."""
        found = self.rows_of.get((count, length, dtype))
        if found is None:
            if len(self.rows_of) >= _MOST_LENGTHS:
                self.rows_of.clear()
            rows = self.rows(count, length, dtype)
            found = self.rows_of[count, length, dtype] = [rows[i, :length] for i in range(count)]
        return found


_scratch = _Scratch()


def run(rule: Callable[..., None], arrays: tuple[Array, ...], changed: str, scratch: int, *scalars: Scalar) -> None:
    """Run `rule(*blocks, *temporaries, *scalars)`; `changed` marks the buffers it writes to with "w"."""
    size = arrays[0].size
    dtype = arrays[0].dtype
    if size <= BLOCK and dtype.itemsize >= 4:
        for array in arrays:
            if array.dtype is not dtype:
                break
        else:
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                rule(*arrays, *_scratch.vectors(scratch, size, dtype), *scalars)
            return
    dtype = wide_dtype(dtype)
    halves = [i for i, array in enumerate(arrays) if array.dtype.itemsize < 4]
    rows = _scratch.rows(scratch + len(halves), min(size, BLOCK), dtype)
    # A diverging run shows in its loss; one NumPy warning for each overflowing block would add nothing.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for start in range(0, size, BLOCK):
            stop = min(start + BLOCK, size)
            blocks = [array[start:stop] for array in arrays]
            temporaries = [rows[i, : stop - start] for i in range(scratch)]
            for row, i in enumerate(halves, scratch):
                wide = rows[row, : stop - start]
                wide[...] = blocks[i]
                blocks[i] = wide
            rule(*blocks, *temporaries, *scalars)
            for i in halves:
                if changed[i] == "w":
                    arrays[i][start:stop] = blocks[i]
