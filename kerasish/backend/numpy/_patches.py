"""Windows over channels-last arrays: sizes, blocks that stay in cache, shifted slices, patch matrices."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from math import prod

import numpy as np
from numpy.lib.stride_tricks import as_strided

from kerasish.backend.contract.types import Array, Padding

BLOCK_BYTES = 1 << 21
"""What a block's largest temporary may take: it is read again at once, so it should stay in cache."""

SHORT_RUN = 16
"""Elements in a row below which copying a run of the last axis costs more than its memory."""


def output_sizes(
    sizes: Sequence[int],
    window: Sequence[int],
    strides: Sequence[int],
    padding: Padding,
    dilation: Sequence[int],
) -> tuple[int, ...]:
    """Return how many windows fit along each spatial axis."""
    return tuple(
        max((size + before + after - (width - 1) * step - 1) // stride + 1, 0)
        for size, width, stride, (before, after), step in zip(sizes, window, strides, padding, dilation)
    )


def batch_blocks(count: int, item_bytes: int) -> Iterator[slice]:
    """Slices of the batch whose items take about `BLOCK_BYTES` together; at least one item each."""
    step = max(1, BLOCK_BYTES // max(item_bytes, 1))
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))


def batch_row_blocks(count: int, rows: int, row_bytes: int) -> Iterator[tuple[slice, slice]]:
    """Like `batch_blocks`, but an item larger than a block is also cut along its first spatial axis."""
    if rows * row_bytes <= BLOCK_BYTES:
        for items in batch_blocks(count, rows * row_bytes):
            yield items, slice(0, rows)
        return
    step = max(1, BLOCK_BYTES // row_bytes)
    for item in range(count):
        for start in range(0, rows, step):
            yield slice(item, item + 1), slice(start, min(start + step, rows))


def span(size: int, windows: int, offset: int, stride: int) -> tuple[slice, slice]:
    """Where element `offset` of each window lies: the windows that have it inside the array, and its places.

    Window `o` reads place `o * stride + offset` (the padding is already in `offset`, which may be negative).
    """
    first = max(0, -(offset // stride))
    last = min(windows, (size - 1 - offset) // stride + 1)
    if last <= first:
        return slice(0, 0), slice(0, 0)
    start = first * stride + offset
    return slice(first, last), slice(start, start + (last - first - 1) * stride + 1, stride)


def spans(
    sizes: Sequence[int],
    windows: Sequence[int],
    position: Sequence[int],
    strides: Sequence[int],
    padding: Padding,
    dilation: Sequence[int],
) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """`span` along every spatial axis, for one position in the window."""
    pairs = [
        span(size, count, p * step - before, stride)
        for size, count, p, stride, (before, _), step in zip(sizes, windows, position, strides, padding, dilation)
    ]
    return tuple(a for a, _ in pairs), tuple(b for _, b in pairs)


def positions(window: Sequence[int]) -> Iterator[tuple[int, ...]]:
    """Every position in the window, in row-major order."""
    return product(*map(range, window))


def pad(x: Array, padding: Padding, dtype: np.dtype) -> Array:
    """Return `x` in `dtype` with zeros around its spatial axes (a negative amount crops)."""
    if not any(map(any, padding)):
        return x.astype(dtype, copy=False)
    sizes = x.shape[1:-1]
    out = np.zeros((x.shape[0], *(max(s + a + b, 0) for s, (a, b) in zip(sizes, padding)), x.shape[-1]), dtype)
    pairs = [span(s, o, -a, 1) for s, o, (a, _) in zip(sizes, out.shape[1:], padding)]
    out[:, *(a for a, _ in pairs)] = x[:, *(b for _, b in pairs)]
    return out


def is_pointwise(window: Sequence[int], padding: Padding) -> bool:
    """Whether each window is one element of the array, so that the array is its own patch matrix."""
    return max(window) == 1 and not any(map(any, padding))


def patch_matrices(
    x: Array,
    window: tuple[int, ...],
    strides: tuple[int, ...],
    padding: Padding,
    dilation: tuple[int, ...],
    groups: int,
    dtype: np.dtype,
) -> Iterator[tuple[slice, slice, Array]]:
    """For each block (items, rows of the first spatial axis) `(groups, windows, prod(window) * channels)`.

    The choice, in order:
    - one-element windows without padding: a view of `x`, nothing is copied (a step between windows costs one
      copy);
    - the last window axis and the channels of a group make runs of at least `SHORT_RUN` elements: one row a
      window;
    - else one column a window, copied along the output row, where the runs are longer.
    The matrix is overwritten by the next block.
    """
    channels = x.shape[-1] // groups
    out = output_sizes(x.shape[1:-1], window, strides, padding, dilation)
    rank = len(window)
    depth = prod(window) * channels
    row_bytes = prod(out[1:]) * depth * groups * dtype.itemsize
    if prod(out) * depth * x.shape[0] == 0:
        return
    if is_pointwise(window, padding):
        steps = tuple(slice(None, None, s) for s in strides)
        for items, rows in batch_row_blocks(x.shape[0], out[0], row_bytes):
            block = x[items, *steps][:, rows].astype(dtype, copy=False)
            yield items, rows, block.reshape(-1, groups, channels).swapaxes(0, 1)
        return
    by_rows = channels * (window[-1] if dilation[-1] == 1 else 1) >= SHORT_RUN
    buffer = np.empty(0, dtype)
    source = -1
    padded: Array = None
    for items, rows in batch_row_blocks(x.shape[0], out[0], row_bytes):
        if items.start != source:
            padded = pad(x[items], padding, dtype)
            source = items.start
        s = padded.strides
        places = tuple(a * b for a, b in zip(s[1:-1], strides))
        offsets = tuple(a * b for a, b in zip(s[1:-1], dilation))
        view = as_strided(
            padded,
            (padded.shape[0], *out, *window, groups, channels),
            (s[0], *places, *offsets, channels * s[-1], s[-1]),
            writeable=False,
        )[:, rows]
        lead = tuple(range(rank + 1))
        inner = tuple(range(rank + 1, 2 * rank + 1))
        order = (2 * rank + 1, *lead, *inner, 2 * rank + 2) if by_rows else (2 * rank + 1, *inner, 2 * rank + 2, *lead)
        view = view.transpose(order)
        if buffer.size < view.size:
            buffer = np.empty(view.size, dtype)
        block = buffer[: view.size].reshape(view.shape)
        block[...] = view
        if by_rows:
            yield items, rows, block.reshape(groups, -1, depth)
        else:
            yield items, rows, block.reshape(groups, depth, -1).swapaxes(1, 2)
