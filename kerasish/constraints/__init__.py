"""Constraints: what weights are put through after each update."""

from __future__ import annotations

from typing import Any

from kerasish.constraints.constraint import Constraint
from kerasish.constraints.nonnegative import NonNeg
from kerasish.constraints.norms import MaxNorm, MinMaxNorm, UnitNorm
from kerasish.saving.serialization_lib import deserialize_keras_object, get_from_family, serialize_keras_object

max_norm = MaxNorm
min_max_norm = MinMaxNorm
non_neg = NonNeg
unit_norm = UnitNorm

ALL_OBJECTS: dict[str, Any] = {
    "MaxNorm": MaxNorm,
    "MinMaxNorm": MinMaxNorm,
    "NonNeg": NonNeg,
    "UnitNorm": UnitNorm,
    "max_norm": MaxNorm,
    "maxnorm": MaxNorm,
    "min_max_norm": MinMaxNorm,
    "non_neg": NonNeg,
    "nonneg": NonNeg,
    "unit_norm": UnitNorm,
    "unitnorm": UnitNorm,
}
"""The names that a config may use (the run-together ones are of Keras 1), and what they stand for."""


def serialize(constraint: Any) -> Any:
    """The config of a constraint.

    >>> serialize(UnitNorm())["config"]
    {'axis': 0}
    """
    return serialize_keras_object(constraint)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The constraint of a config."""
    return deserialize_keras_object(config, custom_objects, family="constraints")


def get(identifier: Any) -> Any:
    """The constraint of a name, a config, a class or a function; None for None.

    Raises:
        ValueError: If it is none of these.

    >>> get("max_norm").max_value
    2
    """
    return get_from_family(identifier, "constraints", "constraint")


__all__ = [
    "Constraint",
    "MaxNorm",
    "MinMaxNorm",
    "NonNeg",
    "UnitNorm",
    "deserialize",
    "get",
    "max_norm",
    "min_max_norm",
    "non_neg",
    "serialize",
    "unit_norm",
]
