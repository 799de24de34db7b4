"""Axes and shapes as they are given, brought to numbers or refused by the name of the function."""

from __future__ import annotations

from typing import Any

from kerasish.autodiff import Tensor


def one_axis(name: str, axis: Any, rank: int) -> int:
    """An axis as a number in [0, rank), or an error that names the function."""
    try:
        whole = axis.__index__()
    except (AttributeError, TypeError) as error:
        raise TypeError(f"{name}: expected axis to be an int. Received: axis={axis!r}") from error
    if not -rank <= whole < rank:
        raise ValueError(f"{name}: expected an axis in [{-rank}, {rank}). Received: axis={axis}")
    return whole % rank if whole < 0 else whole


def many_axes(name: str, axis: Any, rank: int) -> tuple[int, ...]:
    """Axes as distinct numbers in [0, rank); None stands for all of them."""
    if axis is None:
        return tuple(range(rank))
    given = axis if isinstance(axis, (tuple, list)) else (axis,)
    axes = tuple([one_axis(name, a, rank) for a in given])
    if len(set(axes)) != len(axes):
        raise ValueError(f"{name}: an axis is given twice. Received: axis={axis!r}")
    return axes


def sizes_of(name: str, shape: Any) -> tuple[int, ...]:
    """A shape as a tuple of ints."""
    if isinstance(shape, Tensor):
        shape = shape.tolist()
    given = shape if isinstance(shape, (tuple, list)) else (shape,)
    try:
        return tuple([size.__index__() for size in given])
    except (AttributeError, TypeError) as error:
        raise TypeError(f"{name}: expected a shape of ints. Received: shape={shape!r}") from error
