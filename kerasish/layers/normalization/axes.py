"""The axes that a normalization layer works along."""

from __future__ import annotations

from typing import Any

Shape = tuple[int | None, ...]


def given_axes(axis: Any, layer_name: str) -> int | list[int]:
    """An int, or the list of a list or tuple of ints.

    Raises:
        TypeError: If it is something else.

    >>> given_axes((1, 2), "layer_normalization")
    [1, 2]
    """
    if isinstance(axis, (list, tuple)) and axis and all(isinstance(a, int) for a in axis):
        return list(axis)
    if not isinstance(axis, int):
        raise TypeError(
            f"Expected axis of the layer {layer_name!r} to be an int or a list or tuple of ints. "
            f"Received: axis={axis!r}"
        )
    return axis


def require_axes(axis: Any, input_shape: Any, layer_name: str) -> tuple[int, ...]:
    """The axes counted from the front, in rising order.

    Raises:
        ValueError: If one lies outside the inputs, or comes twice.

    >>> require_axes([-1, 1], (None, 4, 5), "layer_normalization")
    (1, 2)
    """
    rank = len(input_shape)
    axes = (axis,) if isinstance(axis, int) else tuple(axis)
    if any(not -rank <= a < rank for a in axes):
        raise ValueError(
            f"The axis of the layer {layer_name!r} is out of bounds for its inputs of {rank} dimensions. "
            f"Received: axis={axis}, input_shape={tuple(input_shape)}"
        )
    found = sorted({a % rank for a in axes})
    if len(found) != len(axes):
        raise ValueError(
            f"The axes of the layer {layer_name!r} must be different ones. "
            f"Received: axis={axis}, input_shape={tuple(input_shape)}"
        )
    return tuple(found)


def require_sizes(axis: Any, input_shape: Any, layer_name: str) -> tuple[int, ...]:
    """The sizes of the inputs along the axes, in the order in which the axes are given.

    Raises:
        ValueError: If an axis is out of bounds, or a size is not known.

    >>> require_sizes(-1, (None, 4, 5), "layer_normalization")
    (5,)
    """
    require_axes(axis, input_shape, layer_name)
    sizes = tuple([input_shape[a] for a in ((axis,) if isinstance(axis, int) else axis)])
    if None in sizes:
        raise ValueError(
            f"The layer {layer_name!r} must know the size of its inputs along axis {axis} before its weights are "
            f"made. Received: input_shape={tuple(input_shape)}"
        )
    return sizes
