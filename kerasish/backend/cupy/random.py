"""Random numbers: one thread computes a Philox block of eight 32-bit (or four 64-bit) numbers.

Bits, uniforms and masks are those of NumPy, bit for bit; normals agree to the last bits of float64.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasish.backend.contract.types import Array, Scalar
from kerasish.backend.cupy._device import cp
from kerasish.backend.cupy._launch import FLOATS, Kernel, blocks, c_type, contiguous

__all__ = [
    "dropout",
    "dropout_backward",
    "random_bits",
    "random_normal",
    "random_truncated_normal",
    "random_uniform",
]

_DRAWN = ("float", "double", "__half")


def _is_made(DRAW: str, T: str) -> bool:
    return (DRAW == "Bits") == (T == "unsigned int")


_DRAW = Kernel("random.cu", "draw", where=_is_made, DRAW=("Bits", "Uniform", "Normal"), T=("unsigned int", *_DRAWN))
_TRUNCATED = Kernel("random.cu", "draw_truncated", T=_DRAWN)
_BLOCKS = Kernel("random.cu", "dropout_blocks", T=FLOATS)
_BROADCAST = Kernel("random.cu", "dropout_broadcast", T=FLOATS, INDEX=("unsigned int", "long long"))

_THREADS = 256
_MOST_BLOCKS = 4096
_WORD = 2**64 - 1
_DIMENSIONS = 4
_KINDS = {"int32": np.int32(1), "uint32": np.int32(2), "int64": np.int32(3), "uint64": np.int32(3)}


def _state(seed: int, stream: int, step: Scalar) -> tuple[Any, ...]:
    """The arguments of a kernel that say which numbers are drawn; a step on the device is read there."""
    key = np.uint64(int(seed) & _WORD), np.uint64(int(stream) & _WORD)
    if not isinstance(step, cp.ndarray):
        return *key, None, np.int32(0), np.uint64(int(step) & _WORD)
    if step.dtype.name not in _KINDS:
        step = step.astype(np.int64)
    return *key, step, _KINDS[step.dtype.name], np.uint64(0)


def _draw(
    kernel: Kernel, key: tuple[str, ...], seed: int, stream: int, step: Scalar, shape: tuple[int, ...], dtype: Any
) -> Array:
    dtype = np.dtype(dtype)
    out = cp.empty(shape, dtype)
    if out.size:
        grid = min(blocks(out.size, _THREADS * (4 if dtype.itemsize == 8 else 8)), _MOST_BLOCKS)
        kernel((*key, c_type(dtype)), grid, _THREADS, (out, np.int64(out.size), *_state(seed, stream, step)))
    return out


def random_bits(*, seed: int, stream: int, step: Scalar, shape: tuple[int, ...]) -> Array:
    """The words as they are."""
    return _draw(_DRAW, ("Bits",), seed, stream, step, shape, np.uint32)


def random_uniform(*, seed: int, stream: int, step: Scalar, shape: tuple[int, ...], dtype: Any) -> Array:
    """Shift away the bits that the significand does not hold, then scale by a power of two."""
    return _draw(_DRAW, ("Uniform",), seed, stream, step, shape, dtype)


def random_normal(*, seed: int, stream: int, step: Scalar, shape: tuple[int, ...], dtype: Any) -> Array:
    """Box and Muller in float64."""
    return _draw(_DRAW, ("Normal",), seed, stream, step, shape, dtype)


def random_truncated_normal(*, seed: int, stream: int, step: Scalar, shape: tuple[int, ...], dtype: Any) -> Array:
    """Inverse distribution function, in float64."""
    return _draw(_TRUNCATED, (), seed, stream, step, shape, dtype)


def _merged(shape: tuple[int, ...], noise_shape: tuple[int, ...]) -> tuple[list[int], list[int]]:
    """Sizes and strides in the noise of the fewest dimensions that say the same."""
    sizes: list[int] = []
    repeated: list[bool] = []
    for size, noise in zip(shape, noise_shape, strict=True):
        if size == 1:
            continue
        if sizes and repeated[-1] == (noise == 1):
            sizes[-1] *= size
        else:
            sizes.append(size)
            repeated.append(noise == 1)
    strides = []
    stride = 1
    for size, same in zip(reversed(sizes), reversed(repeated)):
        strides.append(0 if same else stride)
        stride *= 1 if same else size
    return sizes, strides[::-1]


def dropout(
    x: Array, *, rate: float, seed: int, stream: int, step: Scalar, noise_shape: tuple[int, ...] | None
) -> Array:
    """One pass, which computes the mask of eight elements at a time; with a noise shape, its bits are drawn first."""
    threshold = math.ceil(rate * 2**24) << 8
    if threshold >= 2**32 or not x.size:
        return cp.zeros(x.shape, x.dtype)
    with np.errstate(over="ignore"):
        factor = np.float64(x.dtype.type(1 / (1 - rate)))
    x = contiguous(x)
    y = cp.empty(x.shape, x.dtype)
    common = np.int64(x.size), factor, np.uint32(threshold)
    if noise_shape is None or tuple(noise_shape) == x.shape:
        grid = min(blocks(x.size, 8 * _THREADS), _MOST_BLOCKS)
        _BLOCKS((c_type(x.dtype),), grid, _THREADS, (x, y, *common, *_state(seed, stream, step)))
        return y
    bits = random_bits(seed=seed, stream=stream, step=step, shape=tuple(noise_shape))
    sizes, strides = _merged(x.shape, bits.shape)
    if len(sizes) > _DIMENSIONS:
        bits = contiguous(cp.broadcast_to(bits, x.shape))
        sizes, strides = [x.size], [1]
    missing = _DIMENSIONS - len(sizes)
    sizes, strides = [1] * missing + sizes, [0] * missing + strides
    key = c_type(x.dtype), "unsigned int" if x.size < 2**32 else "long long"
    layout = [np.int64(number) for number in (*sizes[1:], *strides)]
    _BROADCAST(key, min(blocks(x.size, _THREADS), _MOST_BLOCKS), _THREADS, (x, bits, y, *common, *layout))
    return y


def dropout_backward(
    dy: Array, *, rate: float, seed: int, stream: int, step: Scalar, noise_shape: tuple[int, ...] | None
) -> Array:
    """Dropout is linear and its mask depends on the counter only: the gradient is dropout itself."""
    return dropout(dy, rate=rate, seed=seed, stream=stream, step=step, noise_shape=noise_shape)
