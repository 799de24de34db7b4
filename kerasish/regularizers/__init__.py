"""Regularizers: penalties on weights or outputs that are added to the loss."""

from __future__ import annotations

from typing import Any

from kerasish.regularizers.norms import L1, L1L2, L2
from kerasish.regularizers.orthogonal import OrthogonalRegularizer
from kerasish.regularizers.regularizer import Regularizer
from kerasish.saving.serialization_lib import deserialize_keras_object, get_from_family, serialize_keras_object

l1 = L1
l2 = L2
l1_l2 = L1L2
orthogonal_regularizer = OrthogonalRegularizer

ALL_OBJECTS: dict[str, Any] = {
    "L1": L1,
    "L2": L2,
    "L1L2": L1L2,
    "OrthogonalRegularizer": OrthogonalRegularizer,
    "l1": L1,
    "l2": L2,
    "l1_l2": L1L2,
    "l1l2": L1L2,
    "orthogonal_regularizer": OrthogonalRegularizer,
}
"""The names that a config may use, and what they stand for."""


def serialize(regularizer: Any) -> Any:
    """The config of a regularizer.

    >>> serialize(L2(0.5))["config"]
    {'l2': 0.5}
    """
    return serialize_keras_object(regularizer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The regularizer of a config."""
    return deserialize_keras_object(config, custom_objects, family="regularizers")


def get(identifier: Any) -> Any:
    """The regularizer of a name, a config, a class or a function; None for None.

    Raises:
        ValueError: If it is none of these.

    >>> get("l2").l2
    0.01
    """
    return get_from_family(identifier, "regularizers", "regularizer")


__all__ = [
    "L1",
    "L1L2",
    "L2",
    "OrthogonalRegularizer",
    "Regularizer",
    "deserialize",
    "get",
    "l1",
    "l1_l2",
    "l2",
    "orthogonal_regularizer",
    "serialize",
]
