"""Activation functions, by name or as functions."""

from __future__ import annotations

from typing import Any

from kerasish.activations.activations import exponential, gelu, linear, mish, relu
from kerasish.ops import (
    celu,
    elu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_tanh,
    leaky_relu,
    log_sigmoid,
    log_softmax,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softmax,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    tanh,
    tanh_shrink,
    threshold,
)
from kerasish.saving.object_registration import get_registered_name
from kerasish.saving.serialization_lib import deserialize_keras_object, resolve, serialize_keras_object

hard_swish = hard_silu
swish = silu

_FUNCTIONS = (
    celu,
    elu,
    exponential,
    gelu,
    glu,
    hard_shrink,
    hard_sigmoid,
    hard_silu,
    hard_tanh,
    leaky_relu,
    linear,
    log_sigmoid,
    log_softmax,
    mish,
    relu,
    relu6,
    selu,
    sigmoid,
    silu,
    soft_shrink,
    softmax,
    softplus,
    softsign,
    sparse_plus,
    sparse_sigmoid,
    sparsemax,
    squareplus,
    tanh,
    tanh_shrink,
    threshold,
)

ALL_OBJECTS: dict[str, Any] = {function.__name__: function for function in _FUNCTIONS}
"""The names that a config may use, and what they stand for."""

# TensorFlow 2.0 wrote its own name of the softmax into some files.
ALL_OBJECTS.update({"hard_swish": hard_silu, "softmax_v2": softmax, "swish": silu})


def serialize(activation: Any) -> Any:
    """The name of an activation function of kerasish, or the config of one of the user's own.

    Raises:
        ValueError: If it is neither a named function nor an object with a config.

    >>> serialize(relu), serialize(swish)
    ('relu', 'silu')
    """
    name = getattr(activation, "__name__", None)
    if name in ALL_OBJECTS and getattr(activation, "__module__", "").startswith("kerasish."):
        return name
    config = serialize_keras_object(activation)
    if not isinstance(config, dict) or "config" not in config:
        raise ValueError(f"Expected an activation function. Received: activation={activation!r}")
    if config["class_name"] == "function":
        config["config"] = get_registered_name(activation)
    return config


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The activation function of a name or a config; a layer such as `LeakyReLU` may serve as one too."""
    if isinstance(config, str):
        return resolve(config, "activations", custom_objects=custom_objects)
    of_function = not isinstance(config, dict) or config.get("class_name") == "function"
    family = "activations" if of_function else "layers"
    return deserialize_keras_object(config, custom_objects, family=family)


def get(identifier: Any) -> Any:
    """The activation function of a name, a config or a function; `linear` for None.

    Raises:
        ValueError: If it is none of these.

    >>> get("relu") is relu, get(None) is linear
    (True, True)
    """
    if identifier is None:
        return linear
    if isinstance(identifier, (str, dict)):
        return deserialize(identifier)
    if callable(identifier):
        return identifier
    raise ValueError(
        f"Cannot interpret this activation: expected a name, a config or a function. Received: {identifier!r}"
    )


__all__ = [
    "celu",
    "deserialize",
    "elu",
    "exponential",
    "gelu",
    "get",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "serialize",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh",
    "tanh_shrink",
    "threshold",
]
