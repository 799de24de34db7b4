"""Shapes and structures of shapes, as `build` and `compute_output_shape` take them."""

from __future__ import annotations

from typing import Any


def is_shape(value: Any) -> bool:
    """Whether the value can be a shape rather than a size."""
    return isinstance(value, (tuple, list))


def as_shape(value: Any) -> Any:
    """Lists from JSON back into tuples: a shape, or a structure of shapes."""
    if isinstance(value, dict):
        return {key: as_shape(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        if all(size is None or isinstance(size, int) for size in value):
            return tuple(value)
        return [as_shape(member) for member in value]
    return value


def shape_tree(shapes: Any) -> Any:
    """The structure of a structure of shapes, in which a shape is a leaf."""
    if isinstance(shapes, dict):
        return {key: shape_tree(shape) for key, shape in shapes.items()}
    if isinstance(shapes, (list, tuple)) and shapes and isinstance(shapes[0], (list, tuple)):
        return type(shapes)([shape_tree(shape) for shape in shapes])
    return None
