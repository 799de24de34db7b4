"""Random numbers that depend on (seed, stream, step, element) only, the same bits on every device.

All kernels draw from Philox4x64-10 (Salmon et al., 2011, "Parallel random numbers: as easy as 1, 2, 3")
exactly as `numpy.random.Philox(key=(seed, stream), counter=(0, 0, step, 0))` does. `seed`, `stream` and
`step` are taken modulo 2**64; `step` may be a 0-d integer array. The scheme, for an array of any shape in
row-major (C) order:

- Block `b` is the 256-bit output of Philox with key `(seed, stream)` and counter `(b + 1, 0, step, 0)`, low
  word first: NumPy counts up before it draws, hence `b + 1`. It holds four 64-bit words.
- `word64[i]` is word `i % 4` of block `i // 4`.
- `word32[i]` is half of `word64[i // 2]`: the low 32 bits for even `i`, the high 32 bits for odd `i`.
- uniform float32 `u[i] = (word32[i] >> 8) * 2**-24`; float16 `(word32[i] >> 21) * 2**-11`;
  float64 `(word64[i] >> 11) * 2**-53`. Each is exact in its dtype, at least 0 and less than 1. In what
  follows a float16 result starts from the float32 uniforms.
- normal: elements `2 i` and `2 i + 1` come from the uniforms `a = u[2 i]` and `b = u[2 i + 1]` (Box and
  Muller): `r = sqrt(-2 * log(1 - a))`, `z[2 i] = r * cos(2 pi b)`, `z[2 i + 1] = r * sin(2 pi b)`, in
  float64, then rounded. Where the number of elements is odd, the last sine is dropped.
- truncated normal: `z[i] = sqrt(2) * erfinv(erf(sqrt(2)) * (2 u[i] - 1))`, clipped to [-2, 2], in float64,
  then rounded.
- dropout keeps element `i` where the float32 uniform `u[i] >= rate`, that is where
  `word32[i] >= ceil(rate * 2**24) * 2**8`, whatever the dtype of `x`.
"""

from __future__ import annotations

from typing import Any

from kerasish.backend.contract.types import Array, Scalar


def random_bits(*, seed: int, stream: int, step: Scalar, shape: tuple[int, ...]) -> Array:
    """`word32` as a uint32 array."""
    raise NotImplementedError


def random_uniform(*, seed: int, stream: int, step: Scalar, shape: tuple[int, ...], dtype: Any) -> Array:
    """Uniform floats in [0, 1); `dtype` is float16, float32 or float64."""
    raise NotImplementedError


def random_normal(*, seed: int, stream: int, step: Scalar, shape: tuple[int, ...], dtype: Any) -> Array:
    """Standard normal floats; `dtype` is float16, float32 or float64."""
    raise NotImplementedError


def random_truncated_normal(*, seed: int, stream: int, step: Scalar, shape: tuple[int, ...], dtype: Any) -> Array:
    """Standard normal floats conditioned on [-2, 2]; `dtype` is float16, float32 or float64."""
    raise NotImplementedError


def dropout(
    x: Array, *, rate: float, seed: int, stream: int, step: Scalar, noise_shape: tuple[int, ...] | None
) -> Array:
    """`y = x / (1 - rate)` where the uniform is at least `rate`, 0 elsewhere; shape and dtype of `x`.

    `rate` is in [0, 1]; 1 gives zeros. `noise_shape`, of the rank of `x`, is the shape of the uniforms, which
    broadcast to `x` (None: the shape of `x`).
    """
    raise NotImplementedError


def dropout_backward(
    dy: Array, *, rate: float, seed: int, stream: int, step: Scalar, noise_shape: tuple[int, ...] | None
) -> Array:
    """Gradient of `dropout`: the same mask and the same factor, applied to `dy`."""
    raise NotImplementedError
