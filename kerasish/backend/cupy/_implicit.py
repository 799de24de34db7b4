"""Convolutions as products of matrices: patches found while they are loaded, or laid out first for a library.

Both take one group of images of any number of spatial axes. Channels are grouped: `(…, groups * channels)`.
"""

from __future__ import annotations

from math import prod
from typing import Any, NamedTuple

import numpy as np

from kerasish.backend.contract.types import Array, Padding
from kerasish.backend.cupy._device import cp
from kerasish.backend.cupy._gemm import gemm
from kerasish.backend.cupy._launch import FLOATS, Kernel, blocks, c_type, contiguous
from kerasish.backend.cupy._parts import new_parts, sum_parts, wide_dtype
from kerasish.backend.cupy._window import THREADS, batches, chunk, grid, window_arguments

_TILES = {
    "float": (("128", "64"),),
    "double": (("64", "64"),),
    "__half": (("128", "64"), ("128", "128")),
    "__nv_bfloat16": (("128", "64"), ("128", "128")),
}

_IMPLICIT = Kernel(
    "implicit_gemm.cu",
    "implicit_gemm",
    where=lambda T, MODE, BM, BN: (BM, BN) in _TILES[T],
    T=FLOATS,
    MODE=("FORWARD", "INPUT", "KERNEL"),
    BM=("64", "128"),
    BN=("64", "128"),
)
_IM2COL = Kernel("im2col.cu", "im2col", E=("unsigned short", "unsigned int", "unsigned long long", "Chunk"))

_STAGES = 3
_ROW = 64
# Blocks that keep a large GPU busy, two on each multiprocessor. Sums are cut accordingly, and by a fixed number, so
# that results are the same on all devices.
_WAVE = 264
_FEWEST_STEPS = 4
_MOST_SPLITS = 64

COLUMN_BYTES = 64 << 20
"""What a matrix of patches may take: about what stays in the cache of a large GPU."""


class Window(NamedTuple):
    """How windows lie over an image."""

    sizes: tuple[int, ...]
    out: tuple[int, ...]
    window: tuple[int, ...]
    strides: tuple[int, ...]
    padding: Padding
    dilation: tuple[int, ...]

    @property
    def taps(self) -> int:
        """Elements of a window."""
        return prod(self.window)


def _padded(x: Array, groups: int) -> Array:
    """Channels of each group up to a multiple of 16 bytes, filled with zeros, and the whole aligned to them."""
    x = contiguous(x)
    channels = x.shape[-1] // groups
    width = -(-channels // chunk(x.dtype)) * chunk(x.dtype)
    if width == channels:
        return x if x.data.ptr % 16 == 0 else x.copy()
    result = cp.zeros((*x.shape[:-1], groups, width), x.dtype)
    result[..., :channels] = x.reshape(*x.shape[:-1], groups, channels)
    return result.reshape(*x.shape[:-1], groups * width)


def _padded_kernel(kernel: Array, groups: int) -> Array:
    """`(taps, inputs, outputs)` with both kinds of channels filled up."""
    *window, inputs, outputs = kernel.shape
    kernel = _padded(kernel.reshape(prod(window), inputs, outputs), groups)
    width = -(-inputs // chunk(kernel.dtype)) * chunk(kernel.dtype)
    if width == inputs:
        return kernel
    result = cp.zeros((kernel.shape[0], width, kernel.shape[2]), kernel.dtype)
    result[:, :inputs] = kernel
    return result


class _Launch(NamedTuple):
    """A tile size, and among how many blocks each sum is shared."""

    key: tuple[str, ...]
    tiles: int
    splits: int
    shared: int


def _plan(mode: str, dtype: Any, height: int, columns: int, depth: int, others: int) -> _Launch:
    name = c_type(dtype)
    tile = _TILES[name][-1 if columns > 64 else 0]
    rows, width = int(tile[0]), int(tile[1])
    tiles = blocks(height, rows) * blocks(columns, width)
    itemsize = int(np.dtype(dtype).itemsize)
    steps = blocks(depth * itemsize, _ROW)
    splits = max(1, min(_WAVE // (tiles * others), steps // _FEWEST_STEPS, _MOST_SPLITS))

    def tile_bytes(size: int, along: bool) -> int:
        return size * (_ROW + 16) if along else _ROW // itemsize * (size * itemsize + 16)

    shared = _STAGES * (tile_bytes(rows, mode != "KERNEL") + tile_bytes(width, mode == "INPUT"))
    return _Launch((name, mode, *tile), tiles, splits, shared)


def _launch(
    plan: _Launch,
    arrays: tuple[Array | None, ...],
    images: int,
    groups: int,
    inputs: int,
    outputs: int,
    rows: int,
    columns: int,
    relu: bool,
    window: Window,
    phases: int = 1,
) -> None:
    numbers = (images, groups, inputs, outputs, rows, columns, plan.splits, relu)
    arguments = [*arrays, *[np.int32(number) for number in numbers], *window_arguments(*window)]
    _IMPLICIT(plan.key, (plan.tiles, 1, groups * phases * plan.splits), THREADS, arguments, plan.shared)


def forward(
    x: Array, kernel: Array, bias: Array | None, y: Array, window: Window, groups: int, activation: str
) -> None:
    """Write the convolution to the contiguous, non-empty array `y`."""
    columns = y.shape[-1] // groups
    x, kernel = _padded(x, groups), _padded_kernel(kernel, groups)
    inputs, outputs = kernel.shape[1], kernel.shape[2] // groups
    bias = None if bias is None else contiguous(bias)
    for items in batches(len(y), x.shape[1:], y.shape[1:]):
        source, target = x[items], y[items]
        plan = _plan("FORWARD", y.dtype, target.size // y.shape[-1], columns, window.taps * inputs, groups)
        # The other activations, which are rare here, would make each product's code several times as long.
        finished = plan.splits == 1 and activation in ("linear", "relu")
        parts = None if finished else new_parts(plan.splits, target.size, y.dtype)
        arrays = (source, kernel, bias, target, parts)
        _launch(plan, arrays, len(target), groups, inputs, outputs, inputs, columns, activation == "relu", window)
        if parts is not None:
            sum_parts(parts, target, bias, activation)


def backward_input(dy: Array, kernel: Array, dx: Array, window: Window, groups: int) -> None:
    """Write the gradient of the input to the contiguous, non-empty array `dx`."""
    columns = dx.shape[-1] // groups
    dy, kernel = _padded(dy, groups), _padded_kernel(kernel, groups)
    inputs, outputs = kernel.shape[1], kernel.shape[2] // groups
    phases = prod(window.strides)
    rows = prod([-(-size // stride) for size, stride in zip(window.sizes, window.strides)])
    taps = prod([-(-width // stride) for width, stride in zip(window.window, window.strides)])
    for items in batches(len(dx), dx.shape[1:], dy.shape[1:]):
        source, target = dy[items], dx[items]
        plan = _plan("INPUT", dx.dtype, len(target) * rows, columns, taps * outputs, groups * phases)
        parts = new_parts(plan.splits, target.size, dx.dtype) if plan.splits > 1 else None
        arrays = (source, kernel, None, target, parts)
        _launch(plan, arrays, len(target), groups, inputs, outputs, inputs, columns, False, window, phases)
        if parts is not None:
            sum_parts(parts, target)


def backward_kernel(x: Array, dy: Array, dkernel: Array, window: Window, groups: int) -> None:
    """Write the gradient of the kernel to the contiguous, non-empty array `dkernel`."""
    rows, columns = dkernel.shape[-2], dkernel.shape[-1] // groups
    x, dy = _padded(x, groups), _padded(dy, groups)
    inputs, outputs = x.shape[-1] // groups, dy.shape[-1] // groups
    runs = list(batches(len(x), x.shape[1:], dy.shape[1:]))
    depth = dy[runs[0]].size // dy.shape[-1]
    plan = _plan("KERNEL", x.dtype, window.taps * inputs, columns, depth, groups)
    parts = None
    if plan.splits * len(runs) > 1:
        parts = new_parts(plan.splits * len(runs), dkernel.size, x.dtype)
    for number, items in enumerate(runs):
        part = None if parts is None else parts[number * plan.splits :]
        arrays = (x[items], dy[items], None, dkernel, part)
        images = items.stop - items.start
        _launch(plan, arrays, images, groups, inputs, outputs, rows, columns, False, window)
    if parts is not None:
        sum_parts(parts, dkernel)


class _Columns:
    """The patches of all windows, `(windows, taps * channels)`, some rows at a time."""

    def __init__(self, x: Array, window: Window) -> None:
        self._x = contiguous(x)
        self._channels = x.shape[-1]
        self._depth = window.taps * self._channels
        self._geometry = window_arguments(*window)
        self.rows = len(x) * prod(window.out)
        step = max(1, COLUMN_BYTES // (self._depth * x.itemsize))
        self.starts = range(0, self.rows, step)
        self._buffer = cp.empty((min(step, self.rows), self._depth), x.dtype)

    def block(self, start: int) -> tuple[slice, Array]:
        """The rows from `start` on, until the next block is asked for."""
        stop = min(start + self.starts.step, self.rows)
        columns = self._buffer[: stop - start]
        itemsize, channels = columns.itemsize, self._channels
        element = {2: "unsigned short", 4: "unsigned int", 8: "unsigned long long"}[itemsize]
        if channels * itemsize % 16 == 0 and self._x.data.ptr % 16 == 0:
            element, channels = "Chunk", channels * itemsize // 16
        count = columns.size // self._channels * channels
        numbers = [np.uint32(count), np.uint32(start), np.int32(channels)]
        _IM2COL((element,), grid(count), THREADS, [self._x, columns, *numbers, *self._geometry])
        return slice(start, stop), columns


def columns_forward(x: Array, kernel: Array, bias: Array | None, y: Array, window: Window, activation: str) -> None:
    """As `forward` without groups."""
    columns = _Columns(x, window)
    matrix = contiguous(kernel).reshape(-1, kernel.shape[-1])
    target = y.reshape(-1, y.shape[-1])
    for start in columns.starts:
        rows, block = columns.block(start)
        gemm(block, matrix, out=target[rows], bias=bias, activation=activation)


def columns_backward_kernel(x: Array, dy: Array, kernel_shape: tuple[int, ...], window: Window) -> Array:
    """As `backward_kernel` without groups; the result is returned."""
    columns = _Columns(x, window)
    gradient = contiguous(dy).reshape(-1, dy.shape[-1])
    if len(columns.starts) == 1:
        return gemm(columns.block(0)[1].T, gradient).reshape(kernel_shape)
    total = cp.empty((prod(kernel_shape[:-1]), kernel_shape[-1]), wide_dtype(x.dtype))
    for start in columns.starts:
        rows, block = columns.block(start)
        gemm(block.T, gradient[rows], out=total, beta=0.0 if start == 0 else 1.0, dtype=total.dtype)
    return total.astype(x.dtype, copy=False).reshape(kernel_shape)
