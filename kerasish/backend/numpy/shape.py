"""Making arrays, and rearranging their elements; views wherever there is one."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from kerasish.backend.contract.types import Array, Scalar


def asarray(x: Any) -> Array:
    """`numpy.asarray`; DLPack for what lies in memory but has no NumPy interface."""
    if hasattr(x, "__dlpack__") and not hasattr(x, "__array__"):
        return np.from_dlpack(x)
    return np.asarray(x)


def to_numpy(x: Array) -> np.ndarray[Any, Any]:
    """The array itself."""
    return np.asarray(x)


def owned(x: Array) -> Array:
    """`numpy.array` in row-major order."""
    return np.array(x, order="C")


def copy_into(destination: Array, source: Array) -> None:
    """An assignment, which costs half of what `numpy.copyto` does on small arrays."""
    destination[...] = source


def zeros(shape: tuple[int, ...], *, dtype: Any) -> Array:
    """`numpy.zeros`."""
    return np.zeros(shape, dtype)


def ones(shape: tuple[int, ...], *, dtype: Any) -> Array:
    """`numpy.ones`."""
    return np.ones(shape, dtype)


def full(shape: tuple[int, ...], *, value: Array | Scalar, dtype: Any) -> Array:
    """`numpy.full`."""
    return np.full(shape, value, dtype)


def arange(*, start: Scalar, stop: Scalar, step: Scalar, dtype: Any) -> Array:
    """`numpy.arange`."""
    return np.arange(start, stop, step, dtype=dtype)


def linspace(start: Array | Scalar, stop: Array | Scalar, *, num: int, endpoint: bool, dtype: Any, axis: int) -> Array:
    """`numpy.linspace`."""
    return np.linspace(start, stop, num, endpoint=endpoint, dtype=dtype, axis=axis)


def eye(*, rows: int, columns: int, k: int, dtype: Any) -> Array:
    """`numpy.eye`."""
    return np.eye(rows, columns, k, dtype)


def reshape(x: Array, *, shape: tuple[int, ...]) -> Array:
    """A view where the strides allow it."""
    return x.reshape(shape)


def transpose(x: Array, *, axes: tuple[int, ...] | None = None) -> Array:
    """A view."""
    return x.transpose(axes)


def broadcast_to(x: Array, *, shape: tuple[int, ...]) -> Array:
    """A view with strides of zero."""
    if not x.ndim and x.dtype.kind in "fiub":
        # Gradients of scalar losses come this way at every step: a fifth of the cost of `numpy.broadcast_to`.
        view: Array = np.ndarray(shape, x.dtype, x, 0, (0,) * len(shape))
        view.flags.writeable = False
        return view
    return np.broadcast_to(x, shape)


def concatenate(*xs: Array, axis: int) -> Array:
    """`numpy.concatenate`."""
    return np.concatenate(xs, axis)


def split(x: Array, *, indices: tuple[int, ...], axis: int) -> tuple[Array, ...]:
    """Views."""
    lead = (slice(None),) * axis
    bounds = (0, *indices, x.shape[axis])
    return tuple([x[(*lead, slice(start, stop))] for start, stop in pairwise(bounds)])


def pad(x: Array, *, pad_width: tuple[tuple[int, int], ...], mode: str, value: Scalar = 0) -> Array:
    """One allocation and one copy for a constant; `numpy.pad` for the rest."""
    if mode != "constant":
        return np.pad(x, pad_width, mode)  # type: ignore[call-overload]
    shape = tuple([before + size + after for size, (before, after) in zip(x.shape, pad_width)])
    y = np.full(shape, value, x.dtype) if value else np.zeros(shape, x.dtype)
    y[tuple([slice(before, before + size) for size, (before, _) in zip(x.shape, pad_width)])] = x
    return y


def flip(x: Array, *, axis: tuple[int, ...]) -> Array:
    """A view with negative strides."""
    return np.flip(x, axis)


def roll(x: Array, *, shift: tuple[int, ...], axis: tuple[int, ...]) -> Array:
    """`numpy.roll`."""
    return np.roll(x, shift, axis)


def repeat(x: Array, *, repeats: int | tuple[int, ...], axis: int) -> Array:
    """`numpy.repeat`."""
    return np.repeat(x, repeats, axis)


def tile(x: Array, *, repeats: tuple[int, ...]) -> Array:
    """`numpy.tile`."""
    return np.tile(x, repeats)


def tril(x: Array, *, k: int) -> Array:
    """`numpy.tril`."""
    return np.tril(x, k)


def triu(x: Array, *, k: int) -> Array:
    """`numpy.triu`."""
    return np.triu(x, k)
