"""Convolutions: which of the ways to compute them is taken, and the gradient of bias and activation."""

from __future__ import annotations

from functools import cache
from math import prod
from typing import Any

import numpy as np

from kerasish.backend.contract.types import Array, Padding
from kerasish.backend.cupy import _cudnn, _depthwise, _implicit
from kerasish.backend.cupy._device import cp
from kerasish.backend.cupy._epilogue import ACTIVATIONS, check_activation, finish
from kerasish.backend.cupy._gemm import gemm
from kerasish.backend.cupy._implicit import Window
from kerasish.backend.cupy._launch import FLOATS, Kernel, blocks, c_type, contiguous
from kerasish.backend.cupy._parts import new_parts, sum_parts
from kerasish.backend.cupy._window import across_and_down, lanes
from kerasish.backend.numpy._patches import is_pointwise, output_sizes

_LANES = {"float": "4", "double": "2", "__half": "8", "__nv_bfloat16": "8"}
_BIAS = Kernel(
    "bias.cu",
    "bias_activation_backward",
    where=lambda T, N: N in ("1", _LANES[T]),
    T=FLOATS,
    N=("1", "2", "4", "8"),
)
_ROWS_A_THREAD = 4
_MANY_BLOCKS = 1056

# From how many columns of the result on the time saved by the library's product pays for writing and reading the
# patches. For half precision that is so where its kernels use instructions that ours do not (compute capability 9).
_WIDE_ENOUGH = {"float16": 256, "bfloat16": 256, "float32": 128, "float64": 64}
_HALVES = ("float16", "bfloat16")


@cache
def _capability(device: int) -> int:
    return int(cp.cuda.Device(device).compute_capability)


def _choose(
    dtype: Any,
    window: tuple[int, ...],
    strides: tuple[int, ...],
    padding: Padding,
    groups: int,
    group_inputs: int,
    columns: int,
    library: _cudnn.Convolution | None = None,
) -> str:
    """How a convolution, or one of its gradients, is computed.

    - "gemm": a window of one element which is the array as it is;
    - "depthwise": each group has one input channel;
    - "cudnn": that option is installed and has a plan for `library`, the problem as it knows it;
    - "columns": patches are laid out, then multiplied by the library: with many `columns` in the result;
    - "implicit": patches are found while they are multiplied.
    """
    if groups == 1 and is_pointwise(window, padding) and max(strides) == 1:
        return "gemm"
    if groups > 1 and group_inputs == 1:
        return "depthwise"
    if library is not None and _cudnn.plan(library) is not None:
        return "cudnn"
    if groups > 1:
        return "implicit"
    name = np.dtype(dtype).name
    if columns < _WIDE_ENOUGH[name]:
        return "implicit"
    if name in _HALVES and _capability(cp.cuda.runtime.getDevice()) < 90:
        return "implicit"
    return "columns"


def _library(
    kind: str, dtype: Any, batch: int, inputs: int, outputs: int, groups: int, geometry: Window
) -> _cudnn.Convolution | None:
    """The problem as cuDNN knows it; `inputs` are those of a group."""
    return _cudnn.convolution(kind, dtype, batch, (inputs * groups, outputs), groups, *geometry)


def _rows(x: Array) -> Array:
    """`(…, channels)` as a matrix."""
    return contiguous(x).reshape(prod(x.shape[:-1]), x.shape[-1])


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
    """Bias and activation are taken while the sums are in registers, or by the library."""
    check_activation(activation)
    kernel = kernel.astype(x.dtype, copy=False)
    bias = None if bias is None else bias.astype(x.dtype, copy=False)
    window, inputs = kernel.shape[:-2], kernel.shape[-2]
    sizes = x.shape[1:-1]
    out = output_sizes(sizes, window, strides, padding, dilation)
    y = cp.empty((x.shape[0], *out, kernel.shape[-1]), x.dtype)
    if not y.size:
        return y
    geometry = Window(sizes, out, window, strides, padding, dilation)
    library = _library("forward", x.dtype, x.shape[0], inputs, y.shape[-1], groups, geometry) if x.size else None
    way = _choose(x.dtype, window, strides, padding, groups, inputs, y.shape[-1], library) if x.size else "implicit"
    if way == "gemm":
        gemm(_rows(x), contiguous(kernel).reshape(kernel.shape[-2:]), out=_rows(y), bias=bias, activation=activation)
    elif way == "depthwise":
        taps = kernel.reshape(*window, groups, kernel.shape[-1] // groups)
        _depthwise.forward(x, taps, bias, y, geometry, activation)
    elif library is not None and way == "cudnn":
        _cudnn.conv(library, x, kernel, y)
        finish(y, bias, activation)
    elif way == "columns":
        _implicit.columns_forward(x, kernel, bias, y, geometry, activation)
    else:
        _implicit.forward(x, kernel, bias, y, geometry, groups, activation)
    return y


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
    """Each place collects from the windows that read it; laid out patches are those of `dy` with a flipped kernel."""
    kernel = kernel.astype(dy.dtype, copy=False)
    input_shape = tuple(input_shape)
    if not dy.size or not prod(input_shape):
        return cp.zeros(input_shape, dy.dtype)
    window, inputs = kernel.shape[:-2], kernel.shape[-2]
    sizes, out = input_shape[1:-1], dy.shape[1:-1]
    geometry = Window(sizes, out, window, strides, padding, dilation)
    library = _library("input", dy.dtype, dy.shape[0], inputs, kernel.shape[-1], groups, geometry)
    way = _choose(dy.dtype, window, strides, padding, groups, inputs, inputs, library)
    dx = cp.empty(input_shape, dy.dtype)
    if way == "gemm":
        gemm(_rows(dy), kernel.reshape(kernel.shape[-2:]).T, out=_rows(dx))
    elif way == "depthwise":
        taps = kernel.reshape(*window, groups, kernel.shape[-1] // groups)
        _depthwise.backward_input(dy, taps, dx, geometry)
    elif library is not None and way == "cudnn":
        _cudnn.conv_backward_input(library, dy, kernel, dx)
    elif way == "columns" and max(strides) == 1:
        flipped = kernel[(slice(None, None, -1),) * len(window)].swapaxes(-1, -2)
        around = tuple(
            [
                ((width - 1) * step - before, size + before - count)
                for width, step, (before, _), size, count in zip(window, dilation, padding, sizes, out)
            ]
        )
        reverse = Window(out, sizes, window, strides, around, dilation)
        _implicit.columns_forward(dy, flipped, None, dx, reverse, "linear")
    else:
        _implicit.backward_input(dy, kernel, dx, geometry, groups)
    return dx


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
    """Sums over all windows, shared among blocks whose parts are added up in a fixed order."""
    dy = dy.astype(x.dtype, copy=False)
    kernel_shape = tuple(kernel_shape)
    if not x.size or not dy.size or not prod(kernel_shape):
        return cp.zeros(kernel_shape, x.dtype)
    window, inputs, outputs = kernel_shape[:-2], kernel_shape[-2], kernel_shape[-1]
    geometry = Window(x.shape[1:-1], dy.shape[1:-1], window, strides, padding, dilation)
    library = _library("kernel", x.dtype, x.shape[0], inputs, outputs, groups, geometry)
    way = _choose(x.dtype, window, strides, padding, groups, inputs, outputs, library)
    if way == "gemm":
        return gemm(_rows(x).T, _rows(dy)).reshape(kernel_shape)
    if library is not None and way == "cudnn":
        return _cudnn.conv_backward_kernel(library, x, dy)
    if way == "columns":
        return _implicit.columns_backward_kernel(x, dy, kernel_shape, geometry)
    dkernel = cp.empty(kernel_shape, x.dtype)
    if way == "depthwise":
        _depthwise.backward_kernel(x, dy, dkernel.reshape(*window, groups, outputs // groups), geometry)
    else:
        _implicit.backward_kernel(x, dy, dkernel, geometry, groups)
    return dkernel


def depthwise_conv(
    x: Array, kernel: Array, *, strides: tuple[int, ...], padding: Padding, dilation: tuple[int, ...]
) -> Array:
    """A thread computes neighbouring channels of some neighbouring places."""
    window, multiplier = kernel.shape[:-2], kernel.shape[-1]
    sizes = x.shape[1:-1]
    out = output_sizes(sizes, window, strides, padding, dilation)
    y = cp.empty((x.shape[0], *out, x.shape[-1] * multiplier), x.dtype)
    if y.size:
        kernel = kernel.astype(x.dtype, copy=False)
        _depthwise.forward(x, kernel, None, y, Window(sizes, out, window, strides, padding, dilation), "linear")
    return y


def depthwise_conv_backward_input(
    dy: Array,
    kernel: Array,
    *,
    input_shape: tuple[int, ...],
    strides: tuple[int, ...],
    padding: Padding,
    dilation: tuple[int, ...],
) -> Array:
    """Each place collects from the windows that read it."""
    input_shape = tuple(input_shape)
    if not dy.size or not prod(input_shape):
        return cp.zeros(input_shape, dy.dtype)
    dx = cp.empty(input_shape, dy.dtype)
    geometry = Window(input_shape[1:-1], dy.shape[1:-1], kernel.shape[:-2], strides, padding, dilation)
    _depthwise.backward_input(dy, kernel.astype(dy.dtype, copy=False), dx, geometry)
    return dx


def depthwise_conv_backward_kernel(
    x: Array,
    dy: Array,
    *,
    kernel_shape: tuple[int, ...],
    strides: tuple[int, ...],
    padding: Padding,
    dilation: tuple[int, ...],
) -> Array:
    """Sums over all windows in two stages."""
    kernel_shape = tuple(kernel_shape)
    if not x.size or not dy.size or not prod(kernel_shape):
        return cp.zeros(kernel_shape, x.dtype)
    dkernel = cp.empty(kernel_shape, x.dtype)
    geometry = Window(x.shape[1:-1], dy.shape[1:-1], kernel_shape[:-2], strides, padding, dilation)
    _depthwise.backward_kernel(x, dy.astype(x.dtype, copy=False), dkernel, geometry)
    return dkernel


def bias_activation_backward(dy: Array, y: Array, *, activation: str, bias: bool) -> tuple[Array, Array | None]:
    """One pass for both; the sums of the blocks are added up after it."""
    check_activation(activation)
    linear = activation == "linear"
    if linear and not bias:
        return dy, None
    columns = dy.shape[-1]
    if not dy.size:
        return (dy if linear else cp.empty(dy.shape, dy.dtype)), (cp.zeros(columns, dy.dtype) if bias else None)
    source = contiguous(dy)
    output = None if linear else contiguous(y.astype(dy.dtype, copy=False))
    dpre = None if linear else cp.empty(dy.shape, dy.dtype)
    rows = dy.size // columns
    width = lanes(columns, dy.dtype, source, output)
    across, down = across_and_down(columns // width)
    grid_x = blocks(columns // width, across)
    grid_y = min(blocks(rows, down * _ROWS_A_THREAD), max(1, _MANY_BLOCKS // grid_x))
    parts = new_parts(grid_y, columns, dy.dtype) if bias else None
    numbers = [np.int64(rows), np.int32(columns), np.int32(ACTIVATIONS[activation])]
    key = (c_type(dy.dtype), str(width))
    _BIAS(key, (grid_x, grid_y), (across, down), [source, output, dpre, parts, *numbers])
    dbias = None
    if parts is not None:
        one = grid_y == 1 and parts.dtype == dy.dtype
        dbias = parts.reshape(columns) if one else sum_parts(parts, cp.empty(columns, dy.dtype))
    return (dy if dpre is None else dpre), dbias
