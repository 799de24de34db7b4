"""Sorting along the last axis by kernels of our own: CuPy's waits for the device, and is not stable for every dtype.

Keys of 64 bits with the position beside them go through a bitonic network: in shared memory up to 2048 elements, and
for longer rows the far steps in device memory.
"""

from __future__ import annotations

import numpy as np

from kerasish.backend.contract.types import Array
from kerasish.backend.cupy._device import cp
from kerasish.backend.cupy._dtypes import is_half
from kerasish.backend.cupy._launch import Kernel, blocks, c_type, contiguous

_SORTED = ("float", "double", "long long", "unsigned long long")
_ENCODE = Kernel("sort.cu", "encode", T=_SORTED)
_CHUNKS = Kernel("sort.cu", "sort_chunks")
_EXCHANGE = Kernel("sort.cu", "exchange")
_LARGEST = Kernel("sort.cu", "largest_few", T=_SORTED)
_CHUNK = 2048
_THREADS = 256
_MOST_BLOCKS = 16384
_LONGEST = 2**30


def _comparable(x: Array) -> Array:
    """The values in one of the dtypes that there are keys for, contiguous."""
    if x.dtype == np.complex64 or x.dtype == np.complex128:
        raise TypeError(f"Complex numbers have no order on this backend. Received: dtype={x.dtype.name}")
    if is_half(x.dtype):
        return contiguous(x.astype(np.float32))
    if x.dtype.kind in "iub":
        return contiguous(x.astype(np.uint64 if x.dtype == np.uint64 else np.int64, copy=False))
    return contiguous(x)


def order_of(x: Array) -> Array:
    """The int32 positions that sort the last axis in ascending order, of equals the first one first."""
    n = x.shape[-1] if x.ndim else 1
    if not x.size:
        return cp.empty(x.shape, np.int32)
    if n > _LONGEST:
        raise ValueError(f"Expected at most {_LONGEST} elements to be sorted along an axis. Received: {x.shape=}")
    x = _comparable(x)
    rows = x.size // n
    padded = 1 << (n - 1).bit_length()
    total = rows * padded
    keys, places = cp.empty(total, np.uint64), cp.empty(total, np.int32)
    sizes = np.int64(rows), np.int32(n), np.int32(padded)
    _ENCODE((c_type(x.dtype),), min(blocks(total, _THREADS), _MOST_BLOCKS), _THREADS, (x, keys, places, *sizes))
    # A chunk holds whole rows where they are short.
    chunk = max(2, min(_CHUNK, 1 << (total - 1).bit_length()))
    layout = keys, places, np.int64(total), np.int32(padded)
    grid = blocks(total, chunk)
    if padded > 1:
        _CHUNKS((), grid, chunk // 2, (*layout, np.int32(2), np.int32(min(chunk, padded))))
    k = 2 * chunk
    while k <= padded:
        j = k // 2
        while j >= chunk:
            pairs = min(blocks(total // 2, _THREADS), _MOST_BLOCKS)
            _EXCHANGE((), pairs, _THREADS, (*layout, np.int32(k), np.int32(j)))
            j //= 2
        _CHUNKS((), grid, chunk // 2, (*layout, np.int32(k), np.int32(k)))
        k *= 2
    return places.reshape(rows, padded)[:, :n].reshape(x.shape)


def largest_few(x: Array, k: int) -> Array:
    """The int32 positions of the k largest elements of the last axis, of equals the first one first; for a small k."""
    places = cp.empty((*x.shape[:-1], k), np.int32)
    if places.size:
        x = _comparable(x)
        n = x.shape[-1]
        rows = x.size // n
        args = (x, places, np.int64(rows), np.int32(n), np.int32(k))
        _LARGEST((c_type(x.dtype),), min(rows, _MOST_BLOCKS), _THREADS, args)
    return places
