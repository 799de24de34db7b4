"""Making arrays, and rearranging their elements.

Axes are non-negative unless a kernel says otherwise. A rearrangement keeps the dtype, and may be a view of `x`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.backend.contract.types import Array, Scalar


def asarray(x: Any) -> Array:
    """An array of this backend from anything array-like; without a copy where that is possible."""
    raise NotImplementedError


def to_numpy(x: Array) -> np.ndarray[Any, Any]:
    """A NumPy array on the host; the memory of `x` itself where it lies there."""
    raise NotImplementedError


def owned(x: Array) -> Array:
    """A fresh contiguous copy."""
    raise NotImplementedError


def copy_into(destination: Array, source: Array) -> None:
    """Write the values of `source` into `destination`, in place, cast to its dtype. Shapes broadcast."""
    raise NotImplementedError


def zeros(shape: tuple[int, ...], *, dtype: Any) -> Array:
    """Zeros."""
    raise NotImplementedError


def ones(shape: tuple[int, ...], *, dtype: Any) -> Array:
    """Ones."""
    raise NotImplementedError


def full(shape: tuple[int, ...], *, value: Array | Scalar, dtype: Any) -> Array:
    """One value everywhere; an array of values broadcasts to the shape."""
    raise NotImplementedError


def arange(*, start: Scalar, stop: Scalar, step: Scalar, dtype: Any) -> Array:
    """`start, start + step, …` before `stop`: `(ceil((stop - start) / step),)`."""
    raise NotImplementedError


def linspace(start: Array | Scalar, stop: Array | Scalar, *, num: int, endpoint: bool, dtype: Any, axis: int) -> Array:
    """`num` evenly spaced values from `start` to `stop` along a new axis, the last one `stop` with `endpoint`."""
    raise NotImplementedError


def eye(*, rows: int, columns: int, k: int, dtype: Any) -> Array:
    """Ones on the `k`-th diagonal, zeros elsewhere: `(rows, columns)`."""
    raise NotImplementedError


def reshape(x: Array, *, shape: tuple[int, ...]) -> Array:
    """The elements in row-major order in another shape. One size may be -1."""
    raise NotImplementedError


def transpose(x: Array, *, axes: tuple[int, ...] | None = None) -> Array:
    """The dimensions in the order `axes`; reversed for None."""
    raise NotImplementedError


def broadcast_to(x: Array, *, shape: tuple[int, ...]) -> Array:
    """The array repeated along missing dimensions and those of size 1. Read-only where it is a view."""
    raise NotImplementedError


def concatenate(*xs: Array, axis: int) -> Array:
    """The arrays one after the other along an axis."""
    raise NotImplementedError


def split(x: Array, *, indices: tuple[int, ...], axis: int) -> tuple[Array, ...]:
    """The parts of `x` between the positions `indices` of an axis: one more part than positions."""
    raise NotImplementedError


def pad(x: Array, *, pad_width: tuple[tuple[int, int], ...], mode: str, value: Scalar = 0) -> Array:
    """Elements added before and after each dimension.

    `mode` is "constant" (`value`), "edge", "reflect", "symmetric" or "wrap", as in `numpy.pad`.
    """
    raise NotImplementedError


def flip(x: Array, *, axis: tuple[int, ...]) -> Array:
    """The elements in reverse order along each of the axes."""
    raise NotImplementedError


def roll(x: Array, *, shift: tuple[int, ...], axis: tuple[int, ...]) -> Array:
    """Elements moved on by `shift[i]` places along `axis[i]`; what leaves at the end comes in at the beginning."""
    raise NotImplementedError


def repeat(x: Array, *, repeats: int | tuple[int, ...], axis: int) -> Array:
    """Each slice along an axis `repeats` times, or the `i`-th slice `repeats[i]` times."""
    raise NotImplementedError


def tile(x: Array, *, repeats: tuple[int, ...]) -> Array:
    """The whole array `repeats[i]` times along dimension `i`; as many numbers as dimensions."""
    raise NotImplementedError


def tril(x: Array, *, k: int) -> Array:
    """Zeros above the `k`-th diagonal of the last two dimensions."""
    raise NotImplementedError


def triu(x: Array, *, k: int) -> Array:
    """Zeros below the `k`-th diagonal of the last two dimensions."""
    raise NotImplementedError
