"""Picking and putting, with NumPy's indexing; duplicates add up at flat positions."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.backend.contract.types import Array

_FULL = slice(None)


def get_item(x: Array, *, key: tuple[Any, ...], copy: bool = False) -> Array:
    """A view where NumPy can give one."""
    y = np.asarray(x[key])
    return y.copy() if copy and y.base is not None else y


def scatter_item(dy: Array, *, key: tuple[Any, ...], shape: tuple[int, ...]) -> Array:
    """A plain assignment unless an integer array may pick an element twice."""
    arrays = [part for part in key if isinstance(part, np.ndarray)]
    out: Array
    if all(part.dtype == np.bool_ for part in arrays) or dy.size == 0:
        out = np.zeros(shape, dy.dtype)
        if dy.size:
            out[key] = dy
        return out
    whole = [part is Ellipsis or (isinstance(part, slice) and part == _FULL) for part in key[1:]]
    if isinstance(key[0], np.ndarray) and all(whole):
        return take_backward(dy, key[0], axis=0, shape=shape)
    size = int(np.prod(shape))
    positions = np.arange(size).reshape(shape)[key]
    return _add_rows(positions.ravel(), dy.reshape(-1, 1), size).reshape(shape)


def _add_rows(ids: Array, rows: Array, count: int) -> Array:
    """Zeros of shape (count, width) with `rows[i]` added at `ids[i]`.

    At flat positions `numpy.add.at` runs in a plain C loop, several times faster than on rows.
    """
    width = rows.shape[1]
    half = rows.dtype == np.float16
    out = np.zeros(count * width, np.float32 if half else rows.dtype)
    positions = ids.astype(np.intp, copy=False)
    if width != 1:
        positions = (positions[:, None] * width + np.arange(width)).reshape(-1)
    np.add.at(out, positions, rows.reshape(-1).astype(out.dtype, copy=False))
    return (out.astype(np.float16) if half else out).reshape(count, width)


def _wrapped(indices: Array, size: int) -> Array:
    return np.where(indices < 0, indices + size, indices) if indices.dtype.kind == "i" else indices


def set_item(x: Array, updates: Array, *, key: tuple[Any, ...]) -> Array:
    """A copy, then an assignment."""
    out = np.array(x)
    out[key] = updates
    return out


def take(x: Array, indices: Array, *, axis: int) -> Array:
    """`numpy.take` copies whole slices at once."""
    return np.asarray(np.take(x, indices, axis=axis))


def take_backward(dy: Array, indices: Array, *, axis: int, shape: tuple[int, ...]) -> Array:
    """Brings the axis to the front and adds rows."""
    axis %= len(shape)
    ids = _wrapped(indices, shape[axis]).ravel()
    before, after = shape[:axis], shape[axis + 1 :]
    span = tuple(range(axis, axis + indices.ndim))
    rows = np.moveaxis(dy, span, tuple(range(indices.ndim))) if axis else dy
    width = int(np.prod(before + after))
    summed = _add_rows(ids, rows.reshape(len(ids), width), shape[axis])
    if not axis:
        return summed.reshape(shape)
    return np.moveaxis(summed.reshape((shape[axis], *before, *after)), 0, axis)


def take_along_axis(x: Array, indices: Array, *, axis: int) -> Array:
    """`numpy.take_along_axis`."""
    return np.take_along_axis(x, indices, axis=axis)


def scatter_along_axis(dy: Array, indices: Array, *, axis: int, shape: tuple[int, ...]) -> Array:
    """Adds at flat positions."""
    axis %= len(shape)
    positions = np.zeros((1,) * len(shape), np.int64)
    for dimension, size in enumerate(shape):
        if dimension == axis:
            index = _wrapped(indices, size)
        else:
            own = [1] * len(shape)
            own[dimension] = size
            index = np.arange(size).reshape(own)
        positions = positions * size + index
    positions = np.broadcast_to(positions, dy.shape)
    size = int(np.prod(shape))
    return _add_rows(positions.ravel(), dy.reshape(-1, 1), size).reshape(shape)


def _split(indices: Array, shape: tuple[int, ...]) -> tuple[Array, ...]:
    return tuple([_wrapped(indices[..., d], shape[d]) for d in range(indices.shape[-1])])


def gather_nd(x: Array, indices: Array) -> Array:
    """Advanced indexing by the columns of the indices."""
    return np.asarray(x[_split(indices, x.shape)])


def scatter_nd(indices: Array, values: Array, *, shape: tuple[int, ...]) -> Array:
    """Adds rows at flat positions of the leading dimensions."""
    depth = indices.shape[-1]
    lead, rest = shape[:depth], shape[depth:]
    ids = np.zeros(indices.shape[:-1], np.int64)
    for size, index in zip(lead, _split(indices, shape), strict=True):
        if index.size and (index.min() < 0 or index.max() >= size):
            raise IndexError(f"An index is out of bounds for a dimension of size {size} of shape {shape}.")
        ids = ids * size + index
    width = int(np.prod(rest))
    values = np.broadcast_to(values, ids.shape + rest)
    return _add_rows(ids.ravel(), values.reshape(ids.size, width), int(np.prod(lead))).reshape(shape)


def scatter_update(x: Array, indices: Array, updates: Array, *, reduction: str | None = None) -> Array:
    """A copy of `x`, then an assignment or an unbuffered ufunc."""
    out = np.array(x)
    if reduction == "add":
        out += scatter_nd(indices, updates, shape=x.shape).astype(x.dtype, copy=False)
        return out
    where = _split(indices, x.shape)
    if reduction is None:
        out[where] = updates
    elif reduction == "mul":
        np.multiply.at(out, where, updates)
    elif reduction == "max":
        np.maximum.at(out, where, updates)
    else:
        np.minimum.at(out, where, updates)
    return out


def one_hot(indices: Array, *, depth: int, dtype: Any) -> Array:
    """Writes the ones alone."""
    ids = indices.ravel()
    out = np.zeros((ids.size, depth), dtype)
    inside = (ids >= 0) & (ids < depth)
    if inside.all():
        out[np.arange(ids.size), ids] = 1
    else:
        rows = np.flatnonzero(inside)
        out[rows, ids[rows]] = 1
    return out.reshape((*indices.shape, depth))


def sort(x: Array, *, axis: int) -> Array:
    """`numpy.sort`."""
    return np.sort(x, axis=axis)


def argsort(x: Array, *, axis: int) -> Array:
    """A stable sort."""
    return np.argsort(x, axis=axis, kind="stable").astype(np.int32)


_FEW = 8


def top_k(x: Array, *, k: int) -> tuple[Array, Array]:
    """For a few, one `argmax` after the other; else, or where the lowest value hides what was taken, a sort."""
    n = x.shape[-1]
    if 0 < k <= _FEW and n > 4 * k and x.size and x.dtype.kind in "iuf":
        lowest = -np.inf if x.dtype.kind == "f" else np.iinfo(x.dtype).min
        rest = np.array(x)
        indices = np.empty((*x.shape[:-1], k), np.int32)
        for position in range(k):
            best = rest.argmax(axis=-1, keepdims=True)
            indices[..., position : position + 1] = best
            np.put_along_axis(rest, best, lowest, axis=-1)
        values = np.take_along_axis(x, indices, axis=-1)
        if not (values == lowest).any():
            return values, indices
    # Reversing before and after a stable ascending sort keeps the lower index first among equals.
    order = np.argsort(x[..., ::-1], axis=-1, kind="stable")[..., ::-1][..., :k]
    indices = (n - 1 - order).astype(np.int32)
    return np.take_along_axis(x, indices, axis=-1), indices


def searchsorted(sorted_sequence: Array, values: Array, *, side: str) -> Array:
    """`numpy.searchsorted`."""
    kind: Any = side
    return np.asarray(np.searchsorted(sorted_sequence, values, side=kind)).astype(np.int32)


def segment_sum(data: Array, segment_ids: Array, *, num_segments: int) -> Array:
    """Adds rows at their segments."""
    ids, rows = _inside(data, segment_ids, num_segments)
    return _add_rows(ids, rows, num_segments).reshape((num_segments, *data.shape[1:]))


def _inside(data: Array, segment_ids: Array, num_segments: int) -> tuple[Array, Array]:
    rows = data.reshape(data.shape[0], int(np.prod(data.shape[1:])))
    inside = (segment_ids >= 0) & (segment_ids < num_segments)
    return (segment_ids, rows) if inside.all() else (segment_ids[inside], rows[inside])


def segment_max(data: Array, segment_ids: Array, *, num_segments: int) -> Array:
    """Sorts the ids and takes the maximum over runs of rows."""
    ids, rows = _inside(data, segment_ids, num_segments)
    lowest = -np.inf if data.dtype.kind == "f" else np.iinfo(data.dtype).min
    out = np.full((num_segments, rows.shape[1]), lowest, data.dtype)
    if rows.size:
        order = np.argsort(ids, kind="stable")
        arranged = ids[order]
        starts = np.flatnonzero(np.concatenate(([True], arranged[1:] != arranged[:-1])))
        out[arranged[starts]] = np.maximum.reduceat(rows[order], starts, axis=0)
    return out.reshape((num_segments, *data.shape[1:]))
