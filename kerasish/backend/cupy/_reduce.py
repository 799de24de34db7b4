"""Sums and extrema of floats along any axes, and counts of flags, by kernels of our own.

An array is seen as (outer, n, inner), n being neighbouring axes that are reduced together; where others are reduced
too, one group follows the other. Few results of many elements are made in two stages. How the work is divided depends
on the shape alone, so that the same array gives the same bits on every GPU.
"""

from __future__ import annotations

import math
from itertools import groupby
from typing import Any

import numpy as np

from kerasish.backend.contract.types import Array
from kerasish.backend.cupy._device import cp
from kerasish.backend.cupy._dtypes import wide
from kerasish.backend.cupy._launch import FLOATS, Kernel, blocks, c_type, contiguous

_TYPES = (*FLOATS, "int", "unsigned char")
_OPERATIONS = ("Add", "Max", "Min")
_HALVES = ("__half", "__nv_bfloat16")


def _there_is(T: str, O: str, OP: str, **_: str) -> bool:
    if OP == "Add" and ((T in _HALVES and O == "float") or (O in _HALVES and T == "float")):
        return True
    if OP == "Add" and (T, O) == ("unsigned char", "int"):
        return True
    return T == O and T != "unsigned char" and (T in FLOATS or OP == "Add")


_ROWS = Kernel("reduction.cu", "reduce_rows", where=_there_is, T=_TYPES, O=_TYPES, OP=_OPERATIONS)
_COLUMNS = Kernel("reduction.cu", "reduce_columns", where=_there_is, T=_TYPES, O=_TYPES, OP=_OPERATIONS, N=("1", "4"))
_SCAN_ROWS = Kernel("reduction.cu", "scan_rows", T=FLOATS, OP=("Add", "Multiply"))
_SCAN_COLUMNS = Kernel("reduction.cu", "scan_columns", T=FLOATS, OP=("Add", "Multiply"))
_THREADS = 256
_ENOUGH_BLOCKS = 1024
_ROW_PART = 4096
_COLUMN_PART = 64
_MOST_PARTS = 1024


def reduced(x: Array, axes: tuple[int, ...], operation: str, *, divisor: float = 0.0, dtype: Any = None) -> Array:
    """The array without the axes, which are distinct and not negative.

    Args:
        x: Floats, or bytes that are summed as int32. Not empty along the axes.
        axes: At least one axis.
        operation: "Add", "Max" or "Min".
        divisor: What the sums are divided by; 0 for nothing.
        dtype: Of the result; that of `x` by default.
    """
    dtype = x.dtype if dtype is None else dtype
    order = sorted(range(x.ndim), key=lambda axis: -x.strides[axis])
    if (not x.flags.c_contiguous and not x.transpose(order).flags.c_contiguous) or x.flags.c_contiguous:
        order = list(range(x.ndim))
    memory = contiguous(x.transpose(order))
    kept = [axis for axis in order if axis not in axes]
    shape = tuple([x.shape[axis] for axis in kept])
    if not math.prod(shape):
        result = cp.empty(shape, dtype)
    else:
        result = _groups(memory, [axis in axes for axis in order], operation, divisor, dtype).reshape(shape)
    return result if kept == sorted(kept) else result.transpose([kept.index(axis) for axis in sorted(kept)])


def _groups(x: Array, dropped: list[bool], operation: str, divisor: float, dtype: Any) -> Array:
    """One group of neighbouring axes after the other, from the last to the first; flat."""
    sizes = []
    # Axes of size 1 part no neighbours.
    real = [(drop, size) for drop, size in zip(dropped, x.shape) if size != 1]
    for drop, group in groupby(real, key=lambda pair: pair[0]):
        sizes.append((drop, math.prod(size for _, size in group)))
    if not any(drop for drop, _ in sizes):
        # Each result is of one element.
        sizes.append((True, 1))
    inner = 1
    while sizes:
        drop, n = sizes.pop()
        if not drop:
            inner *= n
            continue
        last = not any(d for d, _ in sizes)
        partial = wide(x.dtype) if operation == "Add" and x.dtype != np.uint8 else x.dtype
        out = dtype if last else np.dtype(np.int32) if x.dtype == np.uint8 else partial
        x = _axis(x, math.prod(size for _, size in sizes), n, inner, operation, divisor if last else 0.0, out)
    return x


def _axis(x: Array, outer: int, n: int, inner: int, operation: str, divisor: float, dtype: Any) -> Array:
    """The middle of (outer, n, inner), which lies in row-major order."""
    parts = _parts(outer, n, inner)
    if parts == 1:
        return _launch(x, outer, n, inner, n, 1, operation, divisor, dtype)
    # Parts of whole vectors.
    chunk = blocks(blocks(n, parts), 1024) * 1024 if inner == 1 else blocks(n, parts)
    parts = blocks(n, chunk)
    between = x.dtype if operation != "Add" else np.dtype(np.int32) if x.dtype == np.uint8 else wide(x.dtype)
    partial = _launch(x, outer, n, inner, chunk, parts, operation, 0.0, between)
    return _launch(partial, outer, parts, inner, parts, 1, operation, divisor, dtype)


def _parts(outer: int, n: int, inner: int) -> int:
    tasks = outer if inner == 1 else outer * blocks(inner, 32)
    smallest = _ROW_PART if inner == 1 else _COLUMN_PART
    return max(1, min(_ENOUGH_BLOCKS // max(1, tasks), n // smallest, _MOST_PARTS))


def _launch(
    x: Array, outer: int, n: int, inner: int, chunk: int, parts: int, operation: str, divisor: float, dtype: Any
) -> Array:
    y = cp.empty(outer * parts * inner, dtype)
    key = c_type(x.dtype), c_type(y.dtype), operation
    sums = np.int32 if x.dtype in (np.uint8, np.int32) else wide(x.dtype).type
    if inner == 1:
        pack = 16 // x.itemsize
        vectors = n >= 32 * pack and n % pack == 0 and chunk % pack == 0 and x.data.ptr % 16 == 0
        lanes = min(32, 1 << (n - 1).bit_length()) if chunk <= 1024 else _THREADS
        grid = blocks(outer * parts, _THREADS // lanes)
        args = np.int64(outer), np.int64(n), np.int64(chunk), np.int32(parts), np.int32(vectors), sums(divisor)
        _ROWS(key, grid, (lanes, _THREADS // lanes), (x, y, *args))
        return y
    pack = 4 if inner % 4 == 0 and x.data.ptr % (4 * x.itemsize) == 0 else 1
    across = blocks(inner, 32 * pack)
    layout = np.int64(n), np.int64(inner), np.int64(chunk), np.int64(across)
    _COLUMNS((*key, str(pack)), (outer * across, parts), (32, 8), (x, y, *layout, sums(divisor)))
    return y


def scanned(x: Array, axis: int, operation: str) -> Array:
    """Running sums ("Add") or products ("Multiply") of floats along an axis."""
    x = contiguous(x)
    y = cp.empty(x.shape, x.dtype)
    if not x.size:
        return y
    n, inner = x.shape[axis], math.prod(x.shape[axis + 1 :])
    outer = x.size // (n * inner)
    key = c_type(x.dtype), operation
    if inner == 1:
        _SCAN_ROWS(key, outer, _THREADS, (x, y, np.int64(n)))
    else:
        args = np.int64(outer), np.int64(n), np.int64(inner)
        _SCAN_COLUMNS(key, min(blocks(outer * inner, _THREADS), 16384), _THREADS, (x, y, *args))
    return y
