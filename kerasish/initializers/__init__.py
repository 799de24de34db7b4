"""Initializers: what gives weights their first values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish.autodiff import Tensor, convert_to_tensor
from kerasish.backend.dtypes import standardize_dtype
from kerasish.initializers.constants import Constant, Identity, Ones, Zeros
from kerasish.initializers.fourier import STFT
from kerasish.initializers.initializer import Initializer
from kerasish.initializers.orthogonals import Orthogonal
from kerasish.initializers.random import RandomNormal, RandomUniform, TruncatedNormal
from kerasish.initializers.variance_scaling import (
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    LecunNormal,
    LecunUniform,
    VarianceScaling,
)
from kerasish.saving.serialization_lib import deserialize_keras_object, get_from_family, serialize_keras_object

IdentityInitializer = identity = Identity
OrthogonalInitializer = orthogonal = Orthogonal
STFTInitializer = stft = STFT
constant = Constant
glorot_normal = GlorotNormal
glorot_uniform = GlorotUniform
he_normal = HeNormal
he_uniform = HeUniform
lecun_normal = LecunNormal
lecun_uniform = LecunUniform
ones = Ones
random_normal = RandomNormal
random_uniform = RandomUniform
truncated_normal = TruncatedNormal
variance_scaling = VarianceScaling
zeros = Zeros

_ALIASES = {
    Constant: ("constant",),
    GlorotNormal: ("glorot_normal",),
    GlorotUniform: ("glorot_uniform",),
    HeNormal: ("he_normal",),
    HeUniform: ("he_uniform",),
    Identity: ("identity", "IdentityInitializer"),
    LecunNormal: ("lecun_normal",),
    LecunUniform: ("lecun_uniform",),
    Ones: ("ones", "one"),
    Orthogonal: ("orthogonal", "OrthogonalInitializer"),
    RandomNormal: ("random_normal", "normal"),
    RandomUniform: ("random_uniform", "uniform"),
    STFT: ("stft", "STFTInitializer"),
    TruncatedNormal: ("truncated_normal",),
    VarianceScaling: ("variance_scaling",),
    Zeros: ("zeros", "zero"),
}

ALL_OBJECTS: dict[str, Any] = {name: cls for cls, aliases in _ALIASES.items() for name in (cls.__name__, *aliases)}
"""The names that a config may use, and what they stand for."""


def serialize(initializer: Any) -> Any:
    """The config of an initializer.

    >>> serialize(Zeros())["class_name"]
    'Zeros'
    """
    return serialize_keras_object(initializer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The initializer of a config."""
    return deserialize_keras_object(config, custom_objects, family="initializers")


def _from_values(values: Any) -> Callable[..., Tensor]:
    tensor = convert_to_tensor(values)

    def initialize(shape: Any, dtype: Any = None) -> Tensor:
        if tuple(shape) != tuple(tensor.shape):
            raise ValueError(
                f"The array given as initializer has the shape {tuple(tensor.shape)}: a weight needs the same. "
                f"Received: shape={tuple(shape)}"
            )
        return convert_to_tensor(tensor, standardize_dtype(dtype))

    return initialize


def get(identifier: Any) -> Any:
    """The initializer of a name, a config, a class, a function `(shape, dtype)`, or an array of values.

    Raises:
        ValueError: If it is none of these.

    >>> get("glorot_uniform")
    <GlorotUniform(seed=None, input_axes=None, output_axes=None)>
    """
    if isinstance(identifier, (Tensor, np.ndarray, np.generic)):
        return _from_values(identifier)
    return get_from_family(identifier, "initializers", "initializer")


__all__ = [
    "STFT",
    "Constant",
    "GlorotNormal",
    "GlorotUniform",
    "HeNormal",
    "HeUniform",
    "Identity",
    "IdentityInitializer",
    "Initializer",
    "LecunNormal",
    "LecunUniform",
    "Ones",
    "Orthogonal",
    "OrthogonalInitializer",
    "RandomNormal",
    "RandomUniform",
    "STFTInitializer",
    "TruncatedNormal",
    "VarianceScaling",
    "Zeros",
    "constant",
    "deserialize",
    "get",
    "glorot_normal",
    "glorot_uniform",
    "he_normal",
    "he_uniform",
    "identity",
    "lecun_normal",
    "lecun_uniform",
    "ones",
    "orthogonal",
    "random_normal",
    "random_uniform",
    "serialize",
    "stft",
    "truncated_normal",
    "variance_scaling",
    "zeros",
]
