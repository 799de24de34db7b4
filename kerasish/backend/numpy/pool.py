"""Pooling: one axis after the other for the values, shifted slices for the gradients, by batch blocks."""

from __future__ import annotations

from collections.abc import Callable
from math import prod
from typing import Any

import numpy as np

from kerasish.backend.contract.types import Array, Padding
from kerasish.backend.numpy._mask import keep
from kerasish.backend.numpy._patches import batch_blocks, output_sizes, positions, span, spans
from kerasish.backend.numpy._widen import narrow, wide_dtype, widen


def _reduce_axis(
    x: Array,
    axis: int,
    windows: int,
    width: int,
    stride: int,
    before: int,
    combine: Callable[..., Any],
    identity: Any,
) -> Array:
    """Combine the `width` shifted slices of one axis: a maximum or a sum over a box is separable."""
    size = x.shape[axis]
    lead = (slice(None),) * axis
    result: Array = None
    # An inner offset touches every window when there is no padding, so the first slice can be taken as it is.
    for offset in range(width):
        source, place = span(size, windows, offset - before, stride)
        part = x[(*lead, place)]
        if result is None:
            if part.shape[axis] == windows:
                result = part if width == 1 else part.copy()
                continue
            result = np.full((*x.shape[:axis], windows, *x.shape[axis + 1 :]), identity, x.dtype)
        target = result[(*lead, source)]
        combine(target, part, out=target)
    return result


def _lowest(dtype: np.dtype) -> Any:
    return -np.inf if np.issubdtype(dtype, np.inexact) else np.iinfo(dtype).min


def max_pool(x: Array, *, window: tuple[int, ...], strides: tuple[int, ...], padding: Padding) -> Array:
    """Pairwise maximum of shifted slices, one spatial axis after the other."""
    sizes = x.shape[1:-1]
    out = output_sizes(sizes, window, strides, padding, (1,) * len(window))
    y = np.empty((x.shape[0], *out, x.shape[-1]), x.dtype)
    if y.size == 0:
        return y
    for items in batch_blocks(x.shape[0], prod(x.shape[1:]) * x.itemsize):
        block = x[items]
        for axis, (count, width, stride, (before, _)) in enumerate(zip(out, window, strides, padding), 1):
            block = _reduce_axis(block, axis, count, width, stride, before, np.maximum, _lowest(x.dtype))
        y[items] = block
    return y


def max_pool_backward(
    dy: Array, x: Array, y: Array, *, window: tuple[int, ...], strides: tuple[int, ...], padding: Padding
) -> Array:
    """For each position in order: the windows that equal their maximum there and have not been served yet."""
    wide = wide_dtype(dy.dtype)
    sizes, out = x.shape[1:-1], y.shape[1:-1]
    unit = (1,) * len(window)
    dx = np.zeros(x.shape, wide)
    for items in batch_blocks(x.shape[0], prod(x.shape[1:]) * wide.itemsize):
        block, best, gradient, target = x[items], y[items], widen(dy[items]), dx[items]
        waiting = np.ones(best.shape, np.bool_)
        for position in positions(window):
            source, place = spans(sizes, out, position, strides, padding, unit)
            free = waiting[:, *source]
            hit = np.equal(block[:, *place], best[:, *source])
            np.logical_and(hit, free, hit)
            np.logical_xor(free, hit, free)
            target[:, *place] += keep(gradient[:, *source], hit)
    return narrow(dx, dy.dtype)


def _counts(
    sizes: tuple[int, ...],
    out: tuple[int, ...],
    window: tuple[int, ...],
    strides: tuple[int, ...],
    padding: Padding,
    dtype: np.dtype,
) -> Array:
    """How many elements of the array each window holds: `(*out, 1)`; 1 where there are none."""
    total = np.ones((1,), dtype)
    for size, count, width, stride, (before, _) in zip(sizes, out, window, strides, padding):
        start = np.arange(count) * stride - before
        inside = np.minimum(start + width, size) - np.maximum(start, 0)
        total = np.multiply.outer(total, np.maximum(inside, 1).astype(dtype))
    return total[0, ..., None]


def average_pool(x: Array, *, window: tuple[int, ...], strides: tuple[int, ...], padding: Padding) -> Array:
    """Sum of shifted slices, one spatial axis after the other, divided by how many there were."""
    wide = wide_dtype(x.dtype)
    sizes = x.shape[1:-1]
    out = output_sizes(sizes, window, strides, padding, (1,) * len(window))
    y = np.empty((x.shape[0], *out, x.shape[-1]), wide)
    if y.size == 0:
        return narrow(y, x.dtype)
    share = 1 / _counts(sizes, out, window, strides, padding, wide)
    for items in batch_blocks(x.shape[0], prod(x.shape[1:]) * wide.itemsize):
        block = widen(x[items])
        for axis, (count, width, stride, (before, _)) in enumerate(zip(out, window, strides, padding), 1):
            block = _reduce_axis(block, axis, count, width, stride, before, np.add, 0)
        np.multiply(block, share, y[items])
    return narrow(y, x.dtype)


def average_pool_backward(
    dy: Array,
    *,
    input_shape: tuple[int, ...],
    window: tuple[int, ...],
    strides: tuple[int, ...],
    padding: Padding,
) -> Array:
    """The share of each window, spread one spatial axis after the other."""
    wide = wide_dtype(dy.dtype)
    sizes, out = input_shape[1:-1], dy.shape[1:-1]
    dx = np.zeros(input_shape, wide)
    if dy.size == 0 or dx.size == 0:
        return narrow(dx, dy.dtype)
    share = 1 / _counts(sizes, out, window, strides, padding, wide)
    for items in batch_blocks(dy.shape[0], prod(input_shape[1:]) * wide.itemsize):
        block = widen(dy[items]) * share
        for axis in range(len(window), 0, -1):
            shape = (*block.shape[:axis], sizes[axis - 1], *block.shape[axis + 1 :])
            spread = dx[items] if axis == 1 else np.zeros(shape, wide)
            lead = (slice(None),) * axis
            for offset in range(window[axis - 1]):
                source, place = span(sizes[axis - 1], out[axis - 1], offset - padding[axis - 1][0], strides[axis - 1])
                spread[(*lead, place)] += block[(*lead, source)]
            block = spread
    return narrow(dx, dy.dtype)
