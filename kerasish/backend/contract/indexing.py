"""Picking elements and putting them back: slices, gathers, scatters, sorting, segments.

Where an array of indices is out of bounds, a CPU raises IndexError. A GPU does not wait to look: what is picked there
is NaN (the least signed integer, the largest unsigned one, True), and what is put there is left out.
"""

from __future__ import annotations

from typing import Any

from kerasish.backend.contract.types import Array


def get_item(x: Array, *, key: tuple[Any, ...], copy: bool = False) -> Array:
    """`x[key]`. The key holds ints, slices, None, Ellipsis and integer or boolean arrays.

    A key without arrays gives a view of `x`, unless `copy` is set. An int out of bounds raises IndexError.
    """
    raise NotImplementedError


def scatter_item(dy: Array, *, key: tuple[Any, ...], shape: tuple[int, ...]) -> Array:
    """Zeros of `shape`, with `dy` added at `[key]`: what is picked twice adds up. The gradient of `get_item`."""
    raise NotImplementedError


def set_item(x: Array, updates: Array, *, key: tuple[Any, ...]) -> Array:
    """A copy of `x` with `updates` put at `[key]`."""
    raise NotImplementedError


def take(x: Array, indices: Array, *, axis: int) -> Array:
    """Slices of `x` along an axis: shape `x.shape[:axis] + indices.shape + x.shape[axis + 1:]`.

    Negative indices count from the end.
    """
    raise NotImplementedError


def take_backward(dy: Array, indices: Array, *, axis: int, shape: tuple[int, ...]) -> Array:
    """The gradient of `take` for its `x` of that shape: slices picked twice add up."""
    raise NotImplementedError


def take_along_axis(x: Array, indices: Array, *, axis: int) -> Array:
    """`y[..., i, ...] = x[..., indices[..., i, ...], ...]`; the other dimensions broadcast."""
    raise NotImplementedError


def scatter_along_axis(dy: Array, indices: Array, *, axis: int, shape: tuple[int, ...]) -> Array:
    """The gradient of `take_along_axis` for its `x` of that shape: duplicates add up."""
    raise NotImplementedError


def gather_nd(x: Array, indices: Array) -> Array:
    """`y[i...] = x[indices[i..., 0], indices[i..., 1], ...]`: shape `indices.shape[:-1] + x.shape[R:]`.

    `R = indices.shape[-1]` is the number of leading dimensions of `x` that are indexed.
    """
    raise NotImplementedError


def scatter_nd(indices: Array, values: Array, *, shape: tuple[int, ...]) -> Array:
    """Zeros of `shape`, with `values[i...]` added at `[indices[i..., 0], ...]`: duplicates add up."""
    raise NotImplementedError


def scatter_update(x: Array, indices: Array, updates: Array, *, reduction: str | None = None) -> Array:
    """A copy of `x` with `updates[i...]` put at `[indices[i..., 0], ...]`.

    `reduction` says how an update meets what is there: None replaces it (the last duplicate stays),
    "add", "mul", "max" and "min" combine.
    """
    raise NotImplementedError


def one_hot(indices: Array, *, depth: int, dtype: Any) -> Array:
    """Shape `indices.shape + (depth,)`: one at each index, zeros elsewhere and for indices outside [0, depth)."""
    raise NotImplementedError


def sort(x: Array, *, axis: int) -> Array:
    """The elements in ascending order along an axis; NaN comes last."""
    raise NotImplementedError


def argsort(x: Array, *, axis: int) -> Array:
    """The int32 indices that sort along an axis in ascending order; ties keep their order."""
    raise NotImplementedError


def top_k(x: Array, *, k: int) -> tuple[Array, Array]:
    """The k largest elements of the last axis in descending order, and their int32 indices.

    Of equal elements the one with the lower index comes first.
    """
    raise NotImplementedError


def searchsorted(sorted_sequence: Array, values: Array, *, side: str) -> Array:
    """The int32 positions at which values would go into a sorted 1-d array: the shape of `values`."""
    raise NotImplementedError


def segment_sum(data: Array, segment_ids: Array, *, num_segments: int) -> Array:
    """`y[s] = sum of data[i] with segment_ids[i] == s`: shape `(num_segments,) + data.shape[1:]`.

    Ids outside [0, num_segments) are left out.
    """
    raise NotImplementedError


def segment_max(data: Array, segment_ids: Array, *, num_segments: int) -> Array:
    """The largest `data[i]` with `segment_ids[i] == s`; the lowest value of the dtype (-inf) where there is none."""
    raise NotImplementedError
