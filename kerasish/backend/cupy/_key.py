"""A key of `x[key]` taken apart: a view that the host knows the shape of, and index arrays of the device."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasish.backend.contract.types import Array
from kerasish.backend.cupy._device import cp
from kerasish.backend.cupy._gather import flat_ids

_FULL = slice(None)


class _Pick:
    """An index array, and the part of the basic key that makes the dimension which it indexes."""

    def __init__(self, array: Array, basic: Any = _FULL) -> None:
        self.array = array
        self.basic = basic


class Key:
    """A key for an array of a shape.

    Attributes:
        basic: The key with each index array replaced by a full slice (a flag, by a new dimension). `x[basic]`
            is a view.
        arrays: The index arrays, integers; a boolean array gives one for each of its dimensions.
        axes: The dimension of the view that each array indexes.
        broadcast: The shape that the arrays broadcast to.
        position: Where the dimensions of `broadcast` stand in the result.
        scattered: Whether the indexed dimensions of the view have others between them.
    """

    def __init__(self, key: tuple[Any, ...], shape: tuple[int, ...]) -> None:
        parts = _expanded(key, shape)
        picks = [part for part in parts if isinstance(part, _Pick)]
        self.basic = tuple([part.basic if isinstance(part, _Pick) else part for part in parts])
        self.arrays = arrays = [pick.array for pick in picks]
        self.axes: tuple[int, ...] = ()
        if not arrays:
            return
        axes, advanced = [], []
        dimension = 0
        for place, part in enumerate(parts):
            if isinstance(part, _Pick):
                axes.append(dimension)
            if isinstance(part, (int, np.integer, _Pick)):
                # NumPy counts a number beside an index array among the arrays.
                advanced.append(place)
            if not isinstance(part, (int, np.integer)):
                dimension += 1
        self.axes = tuple(axes)
        self.broadcast = _broadcast(arrays)
        together = advanced[-1] - advanced[0] == len(advanced) - 1
        before = [part for part in parts[: advanced[0]] if not isinstance(part, _Pick)]
        self.position = len(before) if together else 0
        self.scattered = axes[-1] - axes[0] != len(axes) - 1

    def split(self, view: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
        """The sizes of a view before, at and after the indexed dimensions; these first where they are scattered."""
        sizes = tuple([view[axis] for axis in self.axes])
        others = tuple([size for axis, size in enumerate(view) if axis not in self.axes])
        lead = 0 if self.scattered else self.axes[0]
        return others[:lead], sizes, others[lead:]

    def ids(self, sizes: tuple[int, ...]) -> Array:
        """Flat positions in the indexed dimensions, -1 out of bounds."""
        if math.prod(self.broadcast) and not math.prod(sizes):
            raise IndexError(f"Nothing can be picked from dimensions without elements. Received: sizes {sizes}")
        return flat_ids([cp.broadcast_to(array, self.broadcast) for array in self.arrays], sizes)


def _broadcast(arrays: list[Array]) -> tuple[int, ...]:
    try:
        return np.broadcast_shapes(*[array.shape for array in arrays])
    except ValueError:
        raise IndexError(
            "The index arrays of a key must broadcast together. "
            f"Received: arrays of shapes {[array.shape for array in arrays]}"
        ) from None


def _expanded(key: tuple[Any, ...], shape: tuple[int, ...]) -> list[Any]:
    """One part for each dimension, or None for a new one: ints, slices and picks by integer arrays of the device."""
    parts = [_part(part) for part in key]
    used = sum(_dimensions(part) for part in parts)
    if used > len(shape) or sum(part is Ellipsis for part in parts) > 1:
        raise IndexError(f"Too many indices for an array of {len(shape)} dimensions. Received: key={key!r}")
    fill = [_FULL] * (len(shape) - used)
    if not any(part is Ellipsis for part in parts):
        parts.append(Ellipsis)
    result: list[Any] = []
    dimension = 0
    for part in parts:
        if part is Ellipsis:
            result += fill
            dimension += len(fill)
        elif isinstance(part, cp.ndarray) and part.dtype == np.bool_:
            sizes = shape[dimension : dimension + part.ndim]
            if part.shape != sizes:
                raise IndexError(
                    f"A boolean index must have the shape of what it picks from, {sizes}. Received: {part.shape}"
                )
            result += _true_positions(part)
            dimension += part.ndim
        else:
            result.append(_Pick(part) if isinstance(part, cp.ndarray) else part)
            dimension += part is not None
    return result


def _part(part: Any) -> Any:
    if isinstance(part, (np.ndarray, list)):
        part = np.asarray(part)
        part = cp.asarray(part if part.size or part.dtype == np.bool_ else part.astype(np.int32))
    if isinstance(part, (bool, np.bool_)):
        part = cp.asarray(np.asarray(part))
    if isinstance(part, cp.ndarray) and part.dtype.kind not in "iub":
        raise IndexError(f"Expected index arrays of integers or booleans. Received: dtype={part.dtype.name}")
    return part


def _dimensions(part: Any) -> int:
    if part is None or part is Ellipsis:
        return 0
    return part.ndim if isinstance(part, cp.ndarray) and part.dtype == np.bool_ else 1


def _true_positions(mask: Array) -> list[Any]:
    if mask.ndim:
        return [_Pick(positions) for positions in cp.nonzero(mask)]
    return [_Pick(cp.zeros(int(mask), np.int32), None)]
