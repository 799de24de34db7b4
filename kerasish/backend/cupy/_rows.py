"""How the threads of the device are laid over rows and columns; the kernels are those of `rows.cuh`, `columns.cuh`."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from kerasish.backend.contract.types import Array
from kerasish.backend.cupy._launch import blocks, contiguous

TEAMS = ("Lanes", "WholeBlock")
"""Who shares a row: lanes of a warp or a block."""

BOOLS = ("false", "true")

_PACK_BYTES = 16
_COLUMN_THREADS = 256
# Enough to fill the largest devices several times over. A constant, so that sums have one order on all of them.
_ENOUGH_BLOCKS = 1024
_LARGEST_GRID_Y = 65535


MAP_THREADS = 256
"""The threads of a block of an elementwise kernel, see `map_grid`."""


def map_grid(x: Array) -> int:
    """The blocks of a kernel that gives each thread 16 bytes."""
    return blocks(x.nbytes, _PACK_BYTES * MAP_THREADS)


class Rows(NamedTuple):
    """A launch over rows: which team, the grid, the threads of a block, and the lanes of a team."""

    team: str
    grid: int
    threads: int
    lanes: Any


def rows_launch(rows: int, count: int, itemsize: int) -> Rows:
    """Lay teams over `rows` rows of `count` elements."""
    row_bytes = count * itemsize
    # The same bound as in first_pack.
    packs = max(1, count if row_bytes < 16 * _PACK_BYTES else blocks(row_bytes, _PACK_BYTES))
    if packs <= 128:
        lanes = min(32, 1 << (packs - 1).bit_length())
        return Rows("Lanes", blocks(rows, 128 // lanes), 128, np.int32(lanes))
    threads = min(512, max(128, blocks(packs, 128) * 32))
    return Rows("WholeBlock", rows, threads, np.int32(0))


class Columns(NamedTuple):
    """A launch over columns: the grid, the block, how many rows a chunk has, how many chunks there are, if in packs."""

    grid: tuple[int, int]
    block: tuple[int, int]
    chunk: Any
    chunks: int
    packed: str


def columns_launch(rows: int, count: int, *arrays: Array, reduce: bool) -> Columns:
    """Lay blocks over a matrix (rows, count) that the arrays hold, in few chunks if they are to be reduced."""
    width, packed = pack_width(count, *arrays)
    across = min(32, 1 << (count // width - 1).bit_length())
    down = _COLUMN_THREADS // across
    tiles = blocks(count, across * width)
    if reduce:
        chunks, chunk = reduction_chunks(rows, tiles, down)
    else:
        # What belongs to a column is read once a thread: the more rows it has, the better, if the device is filled.
        steps = 16 if tiles * blocks(rows, 16 * down) >= 2 * _ENOUGH_BLOCKS else 4
        chunk = blocks(rows, min(blocks(rows, steps * down), _LARGEST_GRID_Y))
        chunks = blocks(rows, chunk)
    return Columns((tiles, chunks), (across, down), np.int64(chunk), chunks, packed)


def reduction_chunks(steps: int, lines: int, threads: int = MAP_THREADS) -> tuple[int, int]:
    """Into how many chunks, and of how many steps, `lines` sums are split that a block's threads take together."""
    chunk = blocks(steps, min(blocks(steps, 4 * threads), blocks(_ENOUGH_BLOCKS, lines)))
    return blocks(steps, chunk), chunk


def pack_width(count: int, *arrays: Array) -> tuple[int, str]:
    """The elements of a pack of 16 bytes, if packs fit in lines of `count` elements of all arrays, else 1."""
    width = _PACK_BYTES // arrays[0].itemsize
    if count % width == 0 and not any(array.data.ptr % _PACK_BYTES for array in arrays):
        return width, "true"
    return 1, "false"


def wide_dtype(x: Array) -> Any:
    """The dtype in which an array is computed with: float64 for float64, float32 for everything else."""
    return np.dtype(np.float64 if x.dtype == np.float64 else np.float32)


def alike(like: Array, *others: Array) -> tuple[Array, ...]:
    """Contiguous arrays of one dtype: that of `like`, or where they differ the one it is computed in."""
    dtype = like.dtype if all(other.dtype == like.dtype for other in others) else wide_dtype(like)
    return tuple(cast(array, dtype) for array in (like, *others))


def cast(x: Array, dtype: Any) -> Array:
    """The array in row-major order and of this dtype; itself where it is so."""
    return contiguous(x) if x.dtype == dtype else x.astype(dtype, order="C")
