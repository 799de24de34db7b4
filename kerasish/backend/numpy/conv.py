"""Convolutions: a GEMM for each block of patches; depthwise ones: a multiply-add for each kernel position.

Choice of the algorithm, measured on two cores with OpenBLAS:
- `conv`, `conv_backward_kernel`: patch matrices, see `_patches.patch_matrices`;
- `conv_backward_input`: with unit strides, when no more channels are gathered than scattered to (or the
  kernel has one element), it is `conv` of `dy` with the flipped kernel; else products are scattered, one
  shifted `+=` for each kernel position: of a GEMM a position, or, with fewer than `SHORT_RUN` input channels,
  of the planes of one GEMM for all.
"""

from __future__ import annotations

from math import prod

import numpy as np

from kerasish.backend.contract.types import Array, Padding
from kerasish.backend.numpy._epilogue import before_activation, finish, sum_rows
from kerasish.backend.numpy._patches import (
    SHORT_RUN,
    batch_blocks,
    batch_row_blocks,
    is_pointwise,
    output_sizes,
    patch_matrices,
    positions,
    spans,
)
from kerasish.backend.numpy._widen import narrow, wide_dtype, widen


def _along_row(vector: Array, width: int) -> Array:
    """Repeat `(channels,)` as `(width, channels)`, so that NumPy's inner loop runs along a whole row."""
    return np.repeat(vector[None], width, axis=0)


def _by_group(matrix: Array, groups: int) -> Array:
    """`(..., groups * channels) -> (groups, rows, channels)`, a view."""
    return matrix.reshape(prod(matrix.shape[:-1]), groups, matrix.shape[-1] // groups).swapaxes(0, 1)


def conv(
    x: Array,
    kernel: Array,
    bias: Array | None,
    *,
    strides: tuple[int, ...],
    padding: Padding,
    dilation: tuple[int, ...],
    groups: int,
    activation: str,
) -> Array:
    """One GEMM for each block of patches; bias and activation while the block is in cache."""
    wide = wide_dtype(x.dtype)
    window = kernel.shape[:-2]
    out = output_sizes(x.shape[1:-1], window, strides, padding, dilation)
    y = np.empty((x.shape[0], *out, kernel.shape[-1]), wide)
    matrix = _by_group(np.ascontiguousarray(widen(kernel)), groups)
    wide_bias = None if bias is None else _along_row(widen(bias), out[-1])
    if matrix.shape[1] == 0:
        y[...] = 0
        finish(y, wide_bias, activation)
    for items, rows, patches in patch_matrices(x, window, strides, padding, dilation, groups, wide):
        block = y[items, rows]
        if groups == 1:
            np.matmul(patches[0], matrix[0], out=block.reshape(-1, block.shape[-1]))
        else:
            np.matmul(patches, matrix, out=_by_group(block, groups))
        finish(block, wide_bias, activation)
    return narrow(y, x.dtype)


def conv_backward_input(
    dy: Array,
    kernel: Array,
    *,
    input_shape: tuple[int, ...],
    strides: tuple[int, ...],
    padding: Padding,
    dilation: tuple[int, ...],
    groups: int,
) -> Array:
    """A convolution with the flipped kernel, or a GEMM and a shifted `+=` for each kernel position."""
    window = kernel.shape[:-2]
    inputs, outputs = kernel.shape[-2], kernel.shape[-1] // groups
    rank = len(window)
    sizes = input_shape[1:-1]
    unit = max(strides) == 1
    if unit and (is_pointwise(window, padding) or outputs <= inputs):
        flipped = kernel[(slice(None, None, -1),) * rank].reshape(*window, inputs, groups, outputs)
        flipped = np.moveaxis(flipped, -1, -3).swapaxes(-1, -2).reshape(*window, outputs, groups * inputs)
        reach = tuple((k - 1) * d for k, d in zip(window, dilation))
        # The trailing amount follows from the input size: positions that no window reads get zero.
        around = tuple(
            (r - before, size + before - count)
            for r, (before, _), size, count in zip(reach, padding, sizes, dy.shape[1:-1])
        )
        return conv(
            dy,
            flipped,
            None,
            strides=strides,
            padding=around,
            dilation=dilation,
            groups=groups,
            activation="linear",
        )
    wide = wide_dtype(dy.dtype)
    dx = np.zeros(input_shape, wide)
    if dy.size and dx.size:
        scatter = _scatter_planes if groups == 1 and inputs < SHORT_RUN else _scatter_positions
        scatter(dx, dy, widen(kernel), strides, padding, dilation, groups)
    return narrow(dx, dy.dtype)


def _scatter_positions(
    dx: Array,
    dy: Array,
    kernel: Array,
    strides: tuple[int, ...],
    padding: Padding,
    dilation: tuple[int, ...],
    groups: int,
) -> None:
    *window, inputs, channels = kernel.shape
    taps = np.ascontiguousarray(kernel).reshape(prod(window), inputs, groups, channels // groups)
    taps = taps.transpose(0, 2, 3, 1)
    out = dy.shape[1:-1]
    row_bytes = prod(out[1:]) * max(dx.shape[-1], channels) * dx.itemsize
    for items, rows in batch_row_blocks(dy.shape[0], out[0], row_bytes):
        block = widen(dy[items, rows])
        left = _by_group(block, groups)
        step = np.empty((*block.shape[:-1], dx.shape[-1]), dx.dtype)
        shifted = ((padding[0][0] - rows.start * strides[0], 0), *padding[1:])
        target = dx[items]
        for tap, position in zip(taps, positions(window)):
            source, place = spans(dx.shape[1:-1], block.shape[1:-1], position, strides, shifted, dilation)
            np.matmul(left, tap, out=_by_group(step, groups))
            target[:, *place] += step[:, *source]


def _scatter_planes(
    dx: Array,
    dy: Array,
    kernel: Array,
    strides: tuple[int, ...],
    padding: Padding,
    dilation: tuple[int, ...],
    groups: int,
) -> None:
    """Channels first in between, so that the short axis is not the innermost one."""
    *window, inputs, channels = kernel.shape
    matrix = np.ascontiguousarray(kernel).reshape(prod(window) * inputs, channels)
    out = dy.shape[1:-1]
    for items, rows in batch_row_blocks(dy.shape[0], out[0], prod(out[1:]) * len(matrix) * dx.itemsize):
        block = widen(dy[items, rows])
        steps = np.matmul(matrix, _by_group(block, 1)[0].T)
        steps = steps.reshape(prod(window), inputs, *block.shape[:-1])
        shifted = ((padding[0][0] - rows.start * strides[0], 0), *padding[1:])
        target = dx[items]
        planes = np.zeros((inputs, *target.shape[:-1]), dx.dtype)
        for step, position in zip(steps, positions(window)):
            source, place = spans(dx.shape[1:-1], block.shape[1:-1], position, strides, shifted, dilation)
            planes[:, :, *place] += step[:, :, *source]
        target += np.moveaxis(planes, 0, -1)


def conv_backward_kernel(
    x: Array,
    dy: Array,
    *,
    kernel_shape: tuple[int, ...],
    strides: tuple[int, ...],
    padding: Padding,
    dilation: tuple[int, ...],
    groups: int,
) -> Array:
    """Transposed patches times `dy`, added up over the blocks."""
    wide = wide_dtype(x.dtype)
    window = kernel_shape[:-2]
    outputs = kernel_shape[-1] // groups
    total = np.zeros((groups, prod(kernel_shape[:-1]), outputs), wide)
    for items, rows, patches in patch_matrices(x, window, strides, padding, dilation, groups, wide):
        total += np.matmul(patches.swapaxes(1, 2), _by_group(widen(dy[items, rows]), groups))
    return narrow(total.swapaxes(0, 1).reshape(kernel_shape), x.dtype)


def depthwise_conv(
    x: Array, kernel: Array, *, strides: tuple[int, ...], padding: Padding, dilation: tuple[int, ...]
) -> Array:
    """One multiply-add of a shifted slice for each kernel position, in blocks of the batch."""
    wide = wide_dtype(x.dtype)
    window, multiplier = kernel.shape[:-2], kernel.shape[-1]
    sizes = x.shape[1:-1]
    out = output_sizes(sizes, window, strides, padding, dilation)
    channels = x.shape[-1] * multiplier
    y = np.zeros((x.shape[0], *out, channels), wide)
    taps = widen(kernel).reshape(prod(window), channels)
    for items in batch_blocks(x.shape[0], prod(sizes) * channels * wide.itemsize):
        block = _repeat(widen(x[items]), multiplier)
        target = y[items]
        product = np.empty(target.size, wide)
        for tap, position in zip(taps, positions(window)):
            source, place = spans(sizes, out, position, strides, padding, dilation)
            _multiply_add(target[:, *source], block[:, *place], tap, product)
    return narrow(y, x.dtype)


def _multiply_add(target: Array, x: Array, tap: Array, buffer: Array) -> None:
    """`target += x * tap`, the product in a buffer whose pages are already there."""
    product = buffer[: x.size].reshape(x.shape)
    np.multiply(x, _along_row(tap, x.shape[-2]), product)
    np.add(target, product, target)


def _repeat(x: Array, multiplier: int) -> Array:
    return x if multiplier == 1 else np.repeat(x, multiplier, axis=-1)


def depthwise_conv_backward_input(
    dy: Array,
    kernel: Array,
    *,
    input_shape: tuple[int, ...],
    strides: tuple[int, ...],
    padding: Padding,
    dilation: tuple[int, ...],
) -> Array:
    """One shifted `+=` of `dy` times the kernel for each kernel position, in blocks of the batch."""
    wide = wide_dtype(dy.dtype)
    window, multiplier = kernel.shape[:-2], kernel.shape[-1]
    sizes, out, channels = input_shape[1:-1], dy.shape[1:-1], dy.shape[-1]
    dx = np.zeros(input_shape, wide)
    taps = widen(kernel).reshape(prod(window), channels)
    for items in batch_blocks(dy.shape[0], prod(sizes) * channels * wide.itemsize):
        block = widen(dy[items])
        target = dx[items] if multiplier == 1 else np.zeros((len(block), *sizes, channels), wide)
        product = np.empty(block.size, wide)
        for tap, position in zip(taps, positions(window)):
            source, place = spans(sizes, out, position, strides, padding, dilation)
            _multiply_add(target[:, *place], block[:, *source], tap, product)
        if multiplier > 1:
            np.sum(target.reshape(*target.shape[:-1], input_shape[-1], multiplier), axis=-1, out=dx[items])
    return narrow(dx, dy.dtype)


def depthwise_conv_backward_kernel(
    x: Array,
    dy: Array,
    *,
    kernel_shape: tuple[int, ...],
    strides: tuple[int, ...],
    padding: Padding,
    dilation: tuple[int, ...],
) -> Array:
    """One product of a shifted slice with `dy`, summed over the windows, for each kernel position."""
    wide = wide_dtype(x.dtype)
    window, multiplier = kernel_shape[:-2], kernel_shape[-1]
    sizes, out, channels = x.shape[1:-1], dy.shape[1:-1], dy.shape[-1]
    total = np.zeros((prod(window), channels), wide)
    for items in batch_blocks(x.shape[0], prod(sizes) * channels * wide.itemsize):
        block, gradient = _repeat(widen(x[items]), multiplier), widen(dy[items])
        for tap, position in zip(total, positions(window)):
            source, place = spans(sizes, out, position, strides, padding, dilation)
            tap += _sum_rows(block[:, *place] * gradient[:, *source])
    return narrow(total.reshape(kernel_shape), x.dtype)


def _sum_rows(x: Array) -> Array:
    """Sum over all axes but the last."""
    return sum_rows(x.reshape(prod(x.shape[:-1]), x.shape[-1]))


def bias_activation_backward(dy: Array, y: Array, *, activation: str, bias: bool) -> tuple[Array, Array | None]:
    """One to three passes for the activation, in place on the result; one for the bias."""
    gradient = before_activation(widen(dy), widen(y), activation)
    dbias = narrow(_sum_rows(gradient), dy.dtype) if bias else None
    return (dy if activation == "linear" else narrow(gradient, dy.dtype)), dbias
