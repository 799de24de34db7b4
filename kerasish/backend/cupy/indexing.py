"""Picking and putting, by kernels of our own.

An index out of bounds raises no error here, since finding it would stop the host until the device is done: what is
picked there is NaN (of integers the least one, or the largest of unsigned ones), what is put there is left out, as in
JAX. Integers and slices in a key, and axes, are checked. Sums of duplicates, and which of several updates stays, do
not depend on the order that threads come in. Boolean arrays in a key make a shape out of values: they wait for the
device, and cannot be captured in a graph; nor can arrays of the host, which are uploaded.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasish.backend.contract.types import Array
from kerasish.backend.cupy import _scatter, _sorting
from kerasish.backend.cupy._device import cp
from kerasish.backend.cupy._dtypes import is_float, lowest, wide
from kerasish.backend.cupy._gather import flat_ids, gather_along, gather_axis, put_rows
from kerasish.backend.cupy._key import Key
from kerasish.backend.cupy._launch import FLOATS, Kernel, blocks, c_type, contiguous

_COMBINE = Kernel("indexing.cu", "combine_runs", T=(*FLOATS, "long long", "unsigned long long"))
_COMBINATIONS = {"mul": np.int32(0), "max": np.int32(1), "min": np.int32(2)}
_THREADS = 256
_MOST_BLOCKS = 16384
_FEW = 16


def get_item(x: Array, *, key: tuple[Any, ...], copy: bool = False) -> Array:
    """A view for a key without arrays; else one gather of rows."""
    parts = Key(key, x.shape)
    view = x[parts.basic]
    if not parts.arrays:
        return view.copy() if copy else view
    lead, sizes, rest = parts.split(view.shape)
    if parts.scattered:
        view = cp.moveaxis(view, parts.axes, tuple(range(len(parts.axes))))
    y = gather_axis(view.reshape(*lead, math.prod(sizes), *rest), parts.ids(sizes), len(lead), wrap=False)
    return _placed(y.reshape(*lead, *parts.broadcast, *rest), parts)


def _placed(y: Array, parts: Key) -> Array:
    """The dimensions of the index arrays moved to where NumPy has them."""
    count = len(parts.broadcast)
    start = 0 if parts.scattered else parts.axes[0]
    if start == parts.position:
        return y
    return cp.moveaxis(y, tuple(range(start, start + count)), tuple(range(parts.position, parts.position + count)))


def _taken_apart(updates: Array, parts: Key, view_shape: tuple[int, ...]) -> Array:
    """What is put at a key, as rows (ids, width), the dimensions of the index arrays in front."""
    lead, _, rest = parts.split(view_shape)
    count = len(parts.broadcast)
    others = (*lead, *rest)
    shape = (*others[: parts.position], *parts.broadcast, *others[parts.position :])
    updates = cp.broadcast_to(_fitting(updates, len(shape)), shape)
    span = tuple(range(parts.position, parts.position + count))
    rows = cp.moveaxis(updates, span, tuple(range(count)))
    return rows.reshape(math.prod(parts.broadcast), math.prod(others))


def _fitting(updates: Array, ndim: int) -> Array:
    """Without leading dimensions of size 1 that the place for the updates lacks, as NumPy takes them."""
    while updates.ndim > ndim and updates.shape[0] == 1:
        updates = updates[0]
    return updates


def _gathered_in_front(view: Array, parts: Key) -> Array:
    return cp.moveaxis(view, parts.axes, tuple(range(len(parts.axes))))


def scatter_item(dy: Array, *, key: tuple[Any, ...], shape: tuple[int, ...]) -> Array:
    """A plain assignment without index arrays; else a sum of rows."""
    parts = Key(key, shape)
    if not parts.arrays:
        y = cp.zeros(shape, dy.dtype)
        if dy.size:
            y[parts.basic] = dy
        return y
    view_shape = np.broadcast_to(np.int8(0), shape)[parts.basic].shape
    _, sizes, _ = parts.split(view_shape)
    rows = _taken_apart(dy, parts, view_shape)
    summed = _scatter.add_rows(parts.ids(sizes), rows, math.prod(sizes))
    if parts.axes == tuple(range(len(sizes))) and view_shape == shape:
        return summed.reshape(shape)
    y = cp.zeros(shape, dy.dtype)
    front = _gathered_in_front(y[parts.basic], parts)
    if front.size:
        front[...] = summed.reshape(front.shape)
    return y


def set_item(x: Array, updates: Array, *, key: tuple[Any, ...]) -> Array:
    """A copy, then an assignment, of rows where the key holds arrays: the last one of duplicates stays."""
    parts = Key(key, x.shape)
    y = x.copy(order="C")
    view = y[parts.basic]
    if not parts.arrays:
        view[...] = _fitting(updates, view.ndim)
        return y
    _, sizes, _ = parts.split(view.shape)
    rows = _taken_apart(updates.astype(x.dtype, copy=False), parts, view.shape)
    front = _gathered_in_front(view, parts)
    flat = contiguous(front.reshape(math.prod(sizes), rows.shape[1]))
    put_rows(flat, parts.ids(sizes), rows)
    if front.size and not _shares(flat, y):
        front[...] = flat.reshape(front.shape)
    return y


def _shares(part: Array, whole: Array) -> bool:
    """Whether a contiguous array is a view: its memory begins within that of the whole."""
    start = whole.data.ptr
    return bool(start <= part.data.ptr < start + whole.nbytes)


def take(x: Array, indices: Array, *, axis: int) -> Array:
    """A gather of rows."""
    return gather_axis(x, indices, _axis(axis, x.ndim))


def _axis(axis: int, ndim: int) -> int:
    if not -ndim <= axis < ndim:
        raise np.exceptions.AxisError(axis, ndim)
    return axis % ndim


def take_backward(dy: Array, indices: Array, *, axis: int, shape: tuple[int, ...]) -> Array:
    """Brings the axis to the front and adds rows."""
    axis = _axis(axis, len(shape))
    before, after = shape[:axis], shape[axis + 1 :]
    span = tuple(range(axis, axis + indices.ndim))
    rows = cp.moveaxis(dy, span, tuple(range(indices.ndim))) if axis else dy
    width = math.prod(before + after)
    summed = _scatter.add_rows(indices.reshape(-1), rows.reshape(indices.size, width), shape[axis], wrap=True)
    if not axis:
        return summed.reshape(shape)
    return cp.moveaxis(summed.reshape(shape[axis], *before, *after), 0, axis)


def take_along_axis(x: Array, indices: Array, *, axis: int) -> Array:
    """One gather."""
    axis = _axis(axis, x.ndim)
    if indices.ndim != x.ndim:
        raise ValueError(
            "The indices must have as many dimensions as the array. "
            f"Received: x.shape={x.shape}, indices.shape={indices.shape}"
        )
    shape = np.broadcast_shapes(*[(*s[:axis], 1, *s[axis + 1 :]) for s in (x.shape, indices.shape)])
    wanted = (*shape[:axis], indices.shape[axis], *shape[axis + 1 :])
    source = (*shape[:axis], x.shape[axis], *shape[axis + 1 :])
    return gather_along(cp.broadcast_to(x, source), cp.broadcast_to(indices, wanted), axis)


def scatter_along_axis(dy: Array, indices: Array, *, axis: int, shape: tuple[int, ...]) -> Array:
    """Adds at flat positions."""
    axis = _axis(axis, len(shape))
    columns = []
    for d, size in enumerate(shape):
        own = [1] * len(shape)
        own[d] = size
        index = indices if d == axis else cp.arange(size, dtype=np.int32).reshape(own)
        columns.append(cp.broadcast_to(index, dy.shape))
    count = math.prod(shape)
    return _scatter.add_rows(flat_ids(columns, shape), dy.reshape(-1, 1), count).reshape(shape)


def _nd_ids(indices: Array, shape: tuple[int, ...]) -> Array:
    depth = indices.shape[-1]
    if not 0 < depth <= len(shape):
        raise IndexError(
            f"Expected as many numbers in an index as there are leading dimensions, 1 to {len(shape)}. "
            f"Received: indices.shape={indices.shape}, shape={shape}"
        )
    table = contiguous(indices).reshape(-1, depth)
    return flat_ids([table[:, d] for d in range(depth)], shape[:depth])


def gather_nd(x: Array, indices: Array) -> Array:
    """A gather of rows at flat positions of the leading dimensions."""
    depth = indices.shape[-1]
    ids = _nd_ids(indices, x.shape)
    rest = x.shape[depth:]
    y = gather_axis(x.reshape(math.prod(x.shape[:depth]), *rest), ids, 0, wrap=False)
    return y.reshape(*indices.shape[:-1], *rest)


def scatter_nd(indices: Array, values: Array, *, shape: tuple[int, ...]) -> Array:
    """Adds rows at flat positions of the leading dimensions."""
    ids, rows = _updates(indices, values, shape)
    return _scatter.add_rows(ids, rows, math.prod(shape[: indices.shape[-1]])).reshape(shape)


def _updates(indices: Array, values: Array, shape: tuple[int, ...]) -> tuple[Array, Array]:
    rest = shape[indices.shape[-1] :]
    ids = _nd_ids(indices, shape)
    values = cp.broadcast_to(values, indices.shape[:-1] + rest)
    return ids, values.reshape(ids.size, math.prod(rest))


def scatter_update(x: Array, indices: Array, updates: Array, *, reduction: str | None = None) -> Array:
    """A copy of `x`, into which rows are put, added or combined in order."""
    if reduction == "add":
        return x + scatter_nd(indices, updates, shape=x.shape).astype(x.dtype, copy=False)
    if reduction is not None and reduction not in _COMBINATIONS:
        raise ValueError(f"Expected a reduction of None, 'add', 'mul', 'max' or 'min'. Received: {reduction=}")
    y = x.copy(order="C")
    ids, rows = _updates(indices, updates.astype(x.dtype, copy=False), x.shape)
    flat = y.reshape(math.prod(x.shape[: indices.shape[-1]]), rows.shape[1])
    if reduction is None:
        put_rows(flat, ids, rows)
        return y
    return _combined(flat, ids, rows, reduction).reshape(x.shape)


def _combined(y: Array, ids: Array, rows: Array, reduction: str) -> Array:
    """`y`, or a copy in another dtype and back, with rows combined into it; duplicates one after the other."""
    if not rows.size or not y.size:
        return y
    dtype = y.dtype
    if not is_float(dtype):
        whole = np.dtype(np.uint64 if dtype == np.uint64 else np.int64)
        y, rows = y.astype(whole, copy=False), rows.astype(whole, copy=False)
    keys, order = _scatter._sorted(_scatter._keys(ids, len(y), False), len(y))
    grid = min(blocks(rows.size, _THREADS), _MOST_BLOCKS)
    sizes = np.int64(len(rows)), np.int64(rows.shape[1]), np.int64(len(y))
    _COMBINE((c_type(y.dtype),), grid, _THREADS, (keys, order, contiguous(rows), y, *sizes, _COMBINATIONS[reduction]))
    return y.astype(dtype, copy=False)


def one_hot(indices: Array, *, depth: int, dtype: Any) -> Array:
    """A comparison with each class."""
    return cp.equal(indices[..., None], cp.arange(depth, dtype=np.int64)).astype(dtype)


def sort(x: Array, *, axis: int) -> Array:
    """The elements at the positions that sort them."""
    axis = _axis(axis, x.ndim)
    moved = cp.moveaxis(x, axis, -1)
    return cp.moveaxis(gather_along(moved, _sorting.order_of(moved), x.ndim - 1), -1, axis)


def argsort(x: Array, *, axis: int) -> Array:
    """Positions sorted by the values and by themselves."""
    axis = _axis(axis, x.ndim)
    return contiguous(cp.moveaxis(_sorting.order_of(cp.moveaxis(x, axis, -1)), -1, axis))


def top_k(x: Array, *, k: int) -> tuple[Array, Array]:
    """For a few, one search for the largest after the other; else a sort of the reversed rows."""
    n = x.shape[-1]
    if not 0 <= k <= n:
        raise ValueError(f"Expected k between 0 and the size of the last axis. Received: k={k}, x.shape={x.shape}")
    if k <= _FEW:
        indices = _sorting.largest_few(x, k)
    else:
        # Reversing before and after a stable ascending sort keeps the lower index first among equals.
        indices = n - 1 - contiguous(_sorting.order_of(x[..., ::-1])[..., ::-1][..., :k])
    return gather_along(x, indices, x.ndim - 1), indices


def searchsorted(sorted_sequence: Array, values: Array, *, side: str) -> Array:
    """`cupy.searchsorted`, half precision as single."""
    if side not in ("left", "right"):
        raise ValueError(f"Expected a side of 'left' or 'right'. Received: side={side!r}")
    dtype = wide(np.result_type(sorted_sequence.dtype, values.dtype))
    sequence, sought = [x.astype(dtype, copy=False) for x in (sorted_sequence, values)]
    return cp.searchsorted(sequence, sought, side=side).astype(np.int32)


def segment_sum(data: Array, segment_ids: Array, *, num_segments: int) -> Array:
    """Adds rows at their segments."""
    summed = _scatter.add_rows(segment_ids, _rows(data), num_segments)
    return summed.reshape(num_segments, *data.shape[1:])


def _rows(data: Array) -> Array:
    return data.reshape(data.shape[0], math.prod(data.shape[1:]))


def segment_max(data: Array, segment_ids: Array, *, num_segments: int) -> Array:
    """Sorts the ids and takes the maximum over runs of rows."""
    rows = _rows(data)
    y = cp.empty((num_segments, rows.shape[1]), data.dtype)
    y.fill(lowest(data.dtype))
    return _combined(y, segment_ids, rows, "max").reshape(num_segments, *data.shape[1:])
