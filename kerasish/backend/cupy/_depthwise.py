"""Convolutions of each channel by itself."""

from __future__ import annotations

from math import prod

import numpy as np

from kerasish.backend.contract.types import Array
from kerasish.backend.cupy._epilogue import ACTIVATIONS
from kerasish.backend.cupy._implicit import Window
from kerasish.backend.cupy._launch import FLOATS, Kernel, blocks, c_type, contiguous
from kerasish.backend.cupy._parts import new_parts, sum_parts
from kerasish.backend.cupy._window import THREADS, across_and_down, batches, grid, lanes, window_arguments

_LANES = {"float": "4", "double": "2", "__half": "8", "__nv_bfloat16": "8"}
_WIDTHS = ("1", "2", "4", "8")


def _has(T: str, N: str) -> bool:
    return N in ("1", _LANES[T])


_FORWARD = Kernel("depthwise.cu", "depthwise", where=_has, T=FLOATS, N=_WIDTHS)
_BACKWARD_INPUT = Kernel("depthwise.cu", "depthwise_backward_input", where=_has, T=FLOATS, N=_WIDTHS)
_BACKWARD_KERNEL = Kernel("depthwise.cu", "depthwise_backward_kernel", T=FLOATS, N=("1", "2"))

# As STRIP and TAPS in kernels/depthwise.cu.
_STRIP = 4
_TAPS = 9

_ROWS_A_THREAD = 8
_MANY_BLOCKS = 1056


def forward(x: Array, kernel: Array, bias: Array | None, y: Array, window: Window, activation: str) -> None:
    """Write the convolution to the contiguous, non-empty array `y`; kernel `(*k, c, multiplier)`."""
    channels, multiplier = kernel.shape[-2:]
    x, kernel = contiguous(x), contiguous(kernel)
    bias = None if bias is None else contiguous(bias)
    width = lanes(channels, x.dtype, x, kernel) if multiplier == 1 else 1
    geometry = window_arguments(*window)
    lines = prod(window.out[:-1]) * blocks(window.out[-1], _STRIP) * (y.shape[-1] // width)
    for items in batches(len(y), x.shape[1:], y.shape[1:]):
        target = y[items]
        count = len(target) * lines
        numbers = [np.uint32(count), np.int32(channels), np.int32(multiplier), np.int32(ACTIVATIONS[activation])]
        arguments = [x[items], kernel, bias, target, *numbers, *geometry]
        _FORWARD((c_type(x.dtype), str(width)), grid(count), THREADS, arguments)


def backward_input(dy: Array, kernel: Array, dx: Array, window: Window) -> None:
    """Write the gradient of the input to the contiguous, non-empty array `dx`."""
    channels, multiplier = kernel.shape[-2:]
    dy, kernel = contiguous(dy), contiguous(kernel)
    width = lanes(channels, dy.dtype, dy, kernel) if multiplier == 1 else 1
    geometry = window_arguments(*window)
    lines = prod(window.sizes[:-1]) * blocks(window.sizes[-1], _STRIP) * (channels // width)
    for items in batches(len(dx), dx.shape[1:], dy.shape[1:]):
        target = dx[items]
        count = len(target) * lines
        numbers = [np.uint32(count), np.int32(channels), np.int32(multiplier)]
        arguments = [dy[items], kernel, target, *numbers, *geometry]
        _BACKWARD_INPUT((c_type(dy.dtype), str(width)), grid(count), THREADS, arguments)


def backward_kernel(x: Array, dy: Array, dkernel: Array, window: Window) -> None:
    """Write the gradient of the kernel to the contiguous, non-empty array `dkernel`."""
    channels, multiplier = dkernel.shape[-2:]
    x, dy = contiguous(x), contiguous(dy)
    pairs = multiplier == 1 and channels % 2 == 0 and (x.data.ptr | dy.data.ptr) % (2 * x.itemsize) == 0
    width = 2 if pairs else 1
    outputs = channels * multiplier
    packs = outputs // width
    across, down = across_and_down(packs)
    runs = list(batches(len(x), x.shape[1:], dy.shape[1:]))
    grid_x, grid_z = blocks(packs, across), blocks(window.taps, _TAPS)
    places = dy[runs[0]].size // outputs
    grid_y = min(blocks(places, down * _ROWS_A_THREAD), max(1, _MANY_BLOCKS // (grid_x * grid_z)))
    parts = new_parts(grid_y * len(runs), dkernel.size, x.dtype)
    geometry = window_arguments(*window)
    for number, items in enumerate(runs):
        gradient = dy[items]
        numbers = [np.uint32(gradient.size // outputs), np.int32(channels), np.int32(multiplier)]
        arguments = [x[items], gradient, parts[number * grid_y :], *numbers, *geometry]
        _BACKWARD_KERNEL((c_type(x.dtype), str(width)), (grid_x, grid_y, grid_z), (across, down), arguments)
    sum_parts(parts, dkernel)
