"""Pooling: one thread for some neighbouring channels of a place, in both directions."""

from __future__ import annotations

from math import prod

import numpy as np

from kerasish.backend.contract.types import Array, Padding
from kerasish.backend.cupy._device import cp
from kerasish.backend.cupy._launch import FLOATS, Kernel, c_type, contiguous
from kerasish.backend.cupy._window import THREADS, batches, grid, lanes, window_arguments
from kerasish.backend.numpy._patches import output_sizes

_LANES = {"float": "4", "double": "2", "__half": "8", "__nv_bfloat16": "8"}


def _has(T: str, N: str) -> bool:
    return N in ("1", _LANES.get(T))


_WIDTHS = ("1", "2", "4", "8")
_INTEGERS = ("int", "long long", "unsigned long long")
_MAX = Kernel("pool.cu", "max_pool", where=_has, T=(*FLOATS, *_INTEGERS), N=_WIDTHS)
_MAX_BACKWARD = Kernel("pool.cu", "max_pool_backward", where=_has, T=FLOATS, N=_WIDTHS)
_AVERAGE = Kernel("pool.cu", "average_pool", where=_has, T=FLOATS, N=_WIDTHS)
_AVERAGE_BACKWARD = Kernel("pool.cu", "average_pool_backward", where=_has, T=FLOATS, N=_WIDTHS)


def _run(
    kernel: Kernel,
    sources: tuple[Array, ...],
    target: Array,
    sizes: tuple[int, ...],
    out: tuple[int, ...],
    window: tuple[int, ...],
    strides: tuple[int, ...],
    padding: Padding,
) -> Array:
    """Launch for batches of images; `target` is written."""
    channels = target.shape[-1]
    integer = target.dtype.kind in "iu"
    width = 1 if integer else lanes(channels, target.dtype, *sources)
    key = (c_type(target.dtype), str(width))
    geometry = window_arguments(sizes, out, window, strides, padding, (1,) * len(window))
    for items in batches(len(target), (*sizes, channels), (*out, channels)):
        block = target[items]
        count = block.size // width
        arguments = [*[source[items] for source in sources], block, np.uint32(count), np.int32(channels), *geometry]
        kernel(key, grid(count), THREADS, arguments)
    return target


def _comparable(x: Array) -> Array:
    """Integers in one of the types that the kernel is made for."""
    if x.dtype.kind not in "iu" or x.dtype.name in ("int32", "int64", "uint64"):
        return x
    return x.astype(np.int64 if x.dtype == np.uint32 else np.int32)


def max_pool(x: Array, *, window: tuple[int, ...], strides: tuple[int, ...], padding: Padding) -> Array:
    """One read of each window."""
    sizes = x.shape[1:-1]
    out = output_sizes(sizes, window, strides, padding, (1,) * len(window))
    shape = (x.shape[0], *out, x.shape[-1])
    if not prod(shape):
        return cp.empty(shape, x.dtype)
    source = contiguous(_comparable(x))
    y = _run(_MAX, (source,), cp.empty(shape, source.dtype), sizes, out, window, strides, padding)
    return y.astype(x.dtype, copy=False)


def max_pool_backward(
    dy: Array, x: Array, y: Array, *, window: tuple[int, ...], strides: tuple[int, ...], padding: Padding
) -> Array:
    """Each place looks at the windows that hold it; where it is a maximum, at the elements before it."""
    if not x.size or not dy.size:
        return cp.zeros(x.shape, dy.dtype)
    sources = (contiguous(dy), contiguous(x.astype(dy.dtype, copy=False)), contiguous(y.astype(dy.dtype, copy=False)))
    dx = cp.empty(x.shape, dy.dtype)
    return _run(_MAX_BACKWARD, sources, dx, x.shape[1:-1], y.shape[1:-1], window, strides, padding)


def average_pool(x: Array, *, window: tuple[int, ...], strides: tuple[int, ...], padding: Padding) -> Array:
    """One read of each window, summed in float32 or float64."""
    sizes = x.shape[1:-1]
    out = output_sizes(sizes, window, strides, padding, (1,) * len(window))
    y = cp.empty((x.shape[0], *out, x.shape[-1]), x.dtype)
    return _run(_AVERAGE, (contiguous(x),), y, sizes, out, window, strides, padding) if y.size else y


def average_pool_backward(
    dy: Array,
    *,
    input_shape: tuple[int, ...],
    window: tuple[int, ...],
    strides: tuple[int, ...],
    padding: Padding,
) -> Array:
    """Each place adds up the shares of the windows that hold it."""
    dx = cp.empty(input_shape, dy.dtype)
    if not dx.size or not dy.size:
        dx.fill(0)
        return dx
    sizes, out = tuple(input_shape[1:-1]), dy.shape[1:-1]
    return _run(_AVERAGE_BACKWARD, (contiguous(dy),), dx, sizes, out, window, strides, padding)
