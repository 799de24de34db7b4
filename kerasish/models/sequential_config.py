"""Sequential models to configs and back, in the format of Keras 3."""

from __future__ import annotations

from typing import Any

from kerasish import dtype_policies
from kerasish.layers.core.input_layer import InputLayer
from kerasish.layers.layer import Layer
from kerasish.saving.layer_entries import operation_from_entry
from kerasish.saving.legacy_config import upgrade_sequential_config
from kerasish.saving.object_registration import CustomObjectScope
from kerasish.saving.serialization_lib import serialize_keras_object


def sequential_config(model: Any) -> dict[str, Any]:
    """The layers of a Sequential model, as values of JSON.

    Args:
        model: The model.
    """
    config: dict[str, Any] = {
        "name": model.name,
        "trainable": model.trainable,
        "dtype": dtype_policies.serialize(model.dtype_policy),
        "layers": [serialize_keras_object(layer) for layer in model._stack],
    }
    first = model._stack[0] if model._stack else None
    if isinstance(first, InputLayer):
        config["build_input_shape"] = list(first.batch_shape)
    return config


def sequential_from_config(cls: type, config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The model of a config, by Keras 3 or an earlier version.

    Args:
        cls: The class to make.
        config: What `sequential_config` gave, or what a version of Keras wrote (Keras 1 and 2.0 wrote a list).
        custom_objects: Classes and functions by name.
    """
    with CustomObjectScope(custom_objects):
        config = upgrade_sequential_config(config)
        entries = config.get("layers")
        if not isinstance(entries, list):
            raise ValueError(
                f"Expected the config of a Sequential model to have a list `layers`. Received: layers={entries!r}"
            )
        model = cls(name=config.get("name"))
        for entry in entries:
            layer, _ = operation_from_entry(entry)
            if not isinstance(layer, Layer):
                raise ValueError(f"A Sequential model is made of layers. Received: {layer!r}")
            model.add(layer, rebuild=False)
        shape = config.get("build_input_shape")
        if model._stack and isinstance(model._stack[0], InputLayer):
            model._rebuild()
        elif isinstance(shape, (list, tuple)) and shape and model._stack:
            model.build(tuple(shape))
        if config.get("trainable") is False:
            # The layers have their own flags: only that of the model itself is set.
            model._trainable = False
        return model
