"""Sums of rows by their ids, in an order that does not depend on the device: no atomic additions.

The ids are sorted by a stable sort of our own, since the library's waits for the device; then chunks of the sorted
rows are summed in parallel, and the sums that cross chunks are joined in order.
"""

from __future__ import annotations

import numpy as np

from kerasish.backend.contract.types import Array
from kerasish.backend.cupy._device import cp
from kerasish.backend.cupy._launch import FLOATS, Kernel, blocks, c_type, contiguous

_KEYS = Kernel("scatter.cu", "keys_of_ids", INDEX=("int", "long long"))
_RANK = Kernel("scatter.cu", "sort_by_rank")
_COUNT = Kernel("scatter.cu", "count_digits")
_SCAN = Kernel("scatter.cu", "scan_digits")
_MOVE = Kernel("scatter.cu", "move_keys")
_SUMMED = (*FLOATS, "int", "long long")
_CHUNKS = Kernel("scatter.cu", "sum_chunks", T=_SUMMED, N=("1", "4"))
_JOIN = Kernel("scatter.cu", "join_chunks", T=_SUMMED, N=("1", "4"))

_THREADS = 256
_FEW = 1024
_TILE = 2048
_DIGIT_BITS = 8
_SUM_THREADS = 128
_SHORTEST_CHUNK = 32
_MOST_ROWS = 2**30
_MOST_IDS = 2**32 - 2


def add_rows(ids: Array, rows: Array, count: int, *, wrap: bool = False) -> Array:
    """Zeros of shape (count, width) with `rows[i]` added at `ids[i]`.

    Args:
        ids: The ids (n,), of any integer dtype; those outside of 0..count-1 are left out.
        rows: The rows (n, width).
        count: The number of rows of the result.
        wrap: Whether negative ids count from the end.
    """
    n, width = rows.shape
    if n > _MOST_ROWS or count > _MOST_IDS:
        raise ValueError(
            f"Expected at most {_MOST_ROWS} rows to be added up, to at most {_MOST_IDS} rows. "
            f"Received: rows.shape={rows.shape}, count={count}"
        )
    out = cp.zeros((count, width), rows.dtype)
    if not n or not width or not count:
        return out
    if rows.dtype.kind == "c":
        part = np.float32 if rows.dtype.itemsize == 8 else np.float64
        halves = contiguous(rows).view(part).reshape(n, 2 * width)
        return add_rows(ids, halves, count, wrap=wrap).view(rows.dtype).reshape(count, width)
    if rows.dtype.kind in "biu" and rows.dtype.name not in ("int32", "int64"):
        return add_rows(ids, rows.astype(np.int64), count, wrap=wrap).astype(rows.dtype)
    keys, order = _sorted(_keys(ids, count, wrap), count)
    _sum_runs(keys, order, contiguous(rows), out)
    return out


def _keys(ids: Array, count: int, wrap: bool) -> Array:
    if ids.dtype.name not in ("int32", "int64"):
        ids = ids.astype(np.int64)
    n = ids.size
    keys = cp.empty(n, np.uint32)
    arguments = contiguous(ids), keys, np.int32(n), np.int64(count), np.int32(wrap)
    _KEYS((c_type(ids.dtype),), blocks(n, _THREADS), _THREADS, arguments)
    return keys


def _sorted(keys: Array, count: int) -> tuple[Array, Array]:
    """The keys, which are 0..count, in ascending order, and where each was; equal ones stay in order."""
    n = keys.size
    size = np.int32(n)
    if n <= _FEW:
        arranged, order = cp.empty(n, np.uint32), cp.empty(n, np.int32)
        _RANK((), blocks(n, _THREADS), _THREADS, (keys, arranged, order, size))
        return arranged, order
    tiles = blocks(n, _TILE)
    digits = 2**_DIGIT_BITS
    counts, totals = cp.empty((digits, tiles), np.int32), cp.empty(digits, np.int32)
    spare, order, spare_order = cp.empty(n, np.uint32), None, None
    for shift in range(0, count.bit_length(), _DIGIT_BITS):
        if spare_order is None:
            spare_order = cp.empty(n, np.int32)
        layout = np.int32(tiles), np.int32(shift)
        _COUNT((), tiles, _THREADS, (keys, counts, size, *layout))
        _SCAN((), digits, _THREADS, (counts, totals, layout[0]))
        _MOVE((), tiles, _THREADS, (keys, order, spare, spare_order, counts, totals, size, *layout))
        keys, spare = spare, keys
        order, spare_order = spare_order, order
    return keys, order


def _sum_runs(keys: Array, order: Array, rows: Array, out: Array) -> None:
    n, width = rows.shape
    # Longer chunks where there are many rows: a run over all of them is joined one chunk after the other.
    length = max(_SHORTEST_CHUNK, 1 << (n.bit_length() // 2 - 3 if n.bit_length() >= 6 else 0))
    chunks = blocks(n, length)
    pack = 4 if width % 4 == 0 and rows.data.ptr % (4 * rows.dtype.itemsize) == 0 else 1
    key = c_type(rows.dtype), str(pack)
    sums = rows.dtype if rows.dtype.itemsize >= 4 else np.float32
    heads, tails = cp.empty((chunks, width), sums), cp.empty((chunks, width), sums)
    grid = blocks(chunks * (width // pack), _SUM_THREADS)
    last = np.int64(width), np.uint32(len(out)), np.int32(length), np.int32(chunks)
    _CHUNKS(key, grid, _SUM_THREADS, (rows, keys, order, out, heads, tails, np.int32(n), *last))
    if chunks > 1:
        _JOIN(key, grid, _SUM_THREADS, (keys, out, heads, tails, *last))
