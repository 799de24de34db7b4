"""Counter-based random numbers, from one NumPy Philox a thread whose state is set before each draw."""

from __future__ import annotations

import math
import threading
from functools import cache
from typing import Any, cast

import numpy as np

from kerasish.backend.contract.types import Array, Scalar
from kerasish.backend.numpy._erf import erfinv_block
from kerasish.backend.numpy._widen import BLOCK, narrow

_WORD = 2**64 - 1
_ERF_SQRT_2 = math.erf(math.sqrt(2))


class _Generator(threading.local):
    """A Philox and the state that it is given: assigning it is ten times cheaper than a new generator."""

    def __init__(self) -> None:
        self.philox = np.random.Philox(key=0)
        self.state = cast(Any, self.philox.state)
        self.counter = [0, 0, 0, 0]
        self.key = [0, 0]
        self.state["state"] = {"counter": self.counter, "key": self.key}


@cache
def _generator() -> _Generator:
    # Made when the first number is drawn: `numpy.random` takes a while to import.
    return _Generator()


def _words(count: int, seed: int, stream: int, step: Scalar) -> Array:
    generator = _generator()
    generator.key[:] = (int(seed) & _WORD, int(stream) & _WORD)
    generator.counter[2] = int(step) & _WORD
    generator.philox.state = generator.state
    return generator.philox.random_raw(count)


def _halves(count: int, seed: int, stream: int, step: Scalar) -> Array:
    words = _words((count + 1) // 2, seed, stream, step)
    return words.astype("<u8", copy=False).view("<u4")[:count]


def random_bits(*, seed: int, stream: int, step: Scalar, shape: tuple[int, ...]) -> Array:
    """View each 64-bit word as its two halves."""
    return _halves(math.prod(shape), seed, stream, step).reshape(shape)


def random_uniform(*, seed: int, stream: int, step: Scalar, shape: tuple[int, ...], dtype: Any) -> Array:
    """Shift away the bits that the significand does not hold, then scale by a power of two."""
    return _uniform(math.prod(shape), seed, stream, step, np.dtype(dtype)).reshape(shape)


def _uniform(count: int, seed: int, stream: int, step: Scalar, dtype: np.dtype) -> Array:
    if dtype == np.float64:
        words = _words(count, seed, stream, step)
        words >>= np.uint64(11)
        return words.view(np.int64) * 2.0**-53
    halves = _halves(count, seed, stream, step)
    bits = np.finfo(dtype).nmant + 1
    halves >>= np.uint32(32 - bits)
    # The signed conversion is vectorised, the unsigned one is not.
    uniform = halves.view(np.int32).astype(np.float32)
    uniform *= np.float32(2.0**-bits)
    return narrow(uniform, dtype)


def _source_dtype(dtype: Any) -> np.dtype:
    return np.dtype(np.float64 if np.dtype(dtype) == np.float64 else np.float32)


def random_normal(*, seed: int, stream: int, step: Scalar, shape: tuple[int, ...], dtype: Any) -> Array:
    """Box and Muller in float64, on blocks that stay in cache."""
    count = math.prod(shape)
    uniform = _uniform(count + count % 2, seed, stream, step, _source_dtype(dtype))
    normal = np.empty(uniform.shape, dtype)
    for start in range(0, uniform.size, BLOCK):
        block = uniform[start : start + BLOCK].astype(np.float64, copy=False)
        target = normal[start : start + BLOCK]
        radius = 1 - block[0::2]
        np.log(radius, out=radius)
        radius *= -2
        np.sqrt(radius, out=radius)
        angle = block[1::2] * (2 * math.pi)
        target[0::2] = radius * np.cos(angle)
        target[1::2] = radius * np.sin(angle)
    return normal[:count].reshape(shape)


def random_truncated_normal(*, seed: int, stream: int, step: Scalar, shape: tuple[int, ...], dtype: Any) -> Array:
    """Inverse distribution function, in float64."""
    count = math.prod(shape)
    uniform = _uniform(count, seed, stream, step, _source_dtype(dtype))
    normal = np.empty(uniform.shape, dtype)
    for start in range(0, count, BLOCK):
        block = uniform[start : start + BLOCK].astype(np.float64)
        block *= 2
        block -= 1
        block *= _ERF_SQRT_2
        erfinv_block(block, block)
        block *= math.sqrt(2)
        normal[start : start + BLOCK] = np.clip(block, -2, 2, out=block)
    return normal.reshape(shape)


def dropout(
    x: Array, *, rate: float, seed: int, stream: int, step: Scalar, noise_shape: tuple[int, ...] | None
) -> Array:
    """Compare the raw bits with the rate, scale, and clear what is dropped."""
    shape = x.shape if noise_shape is None else tuple(noise_shape)
    threshold = math.ceil(rate * 2**24) << 8
    if threshold >= 2**32:
        return np.zeros(x.shape, x.dtype)
    keep = _halves(math.prod(shape), seed, stream, step) >= np.uint32(threshold)
    with np.errstate(over="ignore", invalid="ignore"):
        y = np.multiply(x, x.dtype.type(1 / (1 - rate)), out=np.empty(x.shape, x.dtype))
    # Clearing the bits, unlike a product with 0, also drops infinities and NaN, and is faster than `where=`.
    bits = y.view(f"u{y.itemsize}")
    bits *= keep.reshape(shape)
    return y


def dropout_backward(
    dy: Array, *, rate: float, seed: int, stream: int, step: Scalar, noise_shape: tuple[int, ...] | None
) -> Array:
    """Dropout is linear and its mask depends on the counter only: the gradient is dropout itself."""
    return dropout(dy, rate=rate, seed=seed, stream=stream, step=step, noise_shape=noise_shape)
