"""Amounts along spatial axes: how the layers that crop, pad and upsample read their arguments."""

from __future__ import annotations

from typing import Any


def checked_ints(value: Any, length: int, argument: str, name: str, least: int = 0) -> tuple[int, ...]:
    """An int or a tuple of ints as a tuple of a length.

    >>> checked_ints(2, 3, "size", "up", least=1)
    (2, 2, 2)
    """
    values = (value,) * length if isinstance(value, int) else tuple(value) if hasattr(value, "__len__") else ()
    if len(values) != length or any(not isinstance(n, int) or isinstance(n, bool) or n < least for n in values):
        raise ValueError(
            f"Expected {argument} of the layer {name!r} to be an int of at least {least}, or {length} of them. "
            f"Received: {argument}={value!r}"
        )
    return values


def checked_borders(value: Any, rank: int, argument: str, name: str) -> tuple[tuple[int, int], ...]:
    """What to take off or put on at the two ends of each spatial axis.

    An int serves all ends; a tuple has, for each axis, an int for both ends or a pair.

    >>> checked_borders(((1, 2), 3), 2, "padding", "pad")
    ((1, 2), (3, 3))
    """
    values = (value,) * rank if isinstance(value, int) else tuple(value) if hasattr(value, "__len__") else ()
    if len(values) != rank:
        raise ValueError(
            f"Expected {argument} of the layer {name!r} to be an int, {rank} ints, or {rank} pairs of ints. "
            f"Received: {argument}={value!r}"
        )
    return tuple([checked_ints(ends, 2, argument, name) for ends in values])  # type: ignore[misc]


def spatial_axes(rank: int, data_format: str) -> range:
    """The positions of the spatial axes.

    >>> list(spatial_axes(2, "channels_first"))
    [2, 3]
    """
    first = 2 if data_format == "channels_first" else 1
    return range(first, first + rank)
