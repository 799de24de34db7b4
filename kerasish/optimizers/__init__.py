"""Optimizers."""

from typing import Any

from kerasish.optimizers import schedules
from kerasish.optimizers.adadelta import Adadelta
from kerasish.optimizers.adagrad import Adagrad
from kerasish.optimizers.adam import Adam
from kerasish.optimizers.adamax import Adamax
from kerasish.optimizers.adamw import AdamW
from kerasish.optimizers.ftrl import Ftrl
from kerasish.optimizers.lion import Lion
from kerasish.optimizers.loss_scale_optimizer import LossScaleOptimizer
from kerasish.optimizers.nadam import Nadam
from kerasish.optimizers.optimizer import Optimizer
from kerasish.optimizers.rmsprop import RMSprop
from kerasish.optimizers.sgd import SGD
from kerasish.saving.serialization_lib import get_from_family, serialize_keras_object

_CLASSES = (SGD, RMSprop, Adam, AdamW, Adagrad, Adadelta, Adamax, Nadam, Ftrl, Lion, LossScaleOptimizer)
ALL_OBJECTS: dict[str, Any] = {cls.__name__: cls for cls in _CLASSES}
ALL_OBJECTS.update({cls.__name__.lower(): cls for cls in _CLASSES})


def serialize(optimizer: Optimizer) -> dict[str, Any]:
    """The config of an optimizer."""
    return serialize_keras_object(optimizer)


def deserialize(config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
    """The optimizer of a config; built-in names are found in any case."""
    name = config.get("class_name")
    if isinstance(name, str) and name.lower() in ALL_OBJECTS:
        config = {**config, "class_name": name.lower()}
    return get_from_family(config, "optimizers", "optimizer", custom_objects)


def get(identifier: Any) -> Optimizer:
    """An optimizer from an optimizer, a name, a config or a class.

    >>> get("adam").name
    'adam'
    """
    if isinstance(identifier, dict):
        return deserialize(identifier)
    if isinstance(identifier, str):
        identifier = identifier.lower() if identifier.lower() in ALL_OBJECTS else identifier
    optimizer = get_from_family(identifier, "optimizers", "optimizer")
    if not isinstance(optimizer, Optimizer):
        raise ValueError(
            f"Cannot interpret this optimizer: expected a name, a config or an Optimizer. Received: {identifier!r}"
        )
    return optimizer


__all__ = [
    "SGD",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Adamax",
    "Ftrl",
    "Lion",
    "LossScaleOptimizer",
    "Nadam",
    "Optimizer",
    "RMSprop",
    "deserialize",
    "get",
    "schedules",
    "serialize",
]
