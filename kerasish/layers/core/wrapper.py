"""`Wrapper`: the base of layers around another layer."""

from __future__ import annotations

from typing import Any

from kerasish.layers.layer import Layer
from kerasish.saving.serialization_lib import deserialize_keras_object, serialize_keras_object


class Wrapper(Layer):
    """The base of layers that change how another layer is called.

    Args:
        layer: The layer inside.

    >>> from kerasish import layers
    >>> class Twice(Wrapper):
    ...     def call(self, inputs):
    ...         return self.layer(self.layer(inputs))
    >>> Twice(layers.Dense(3)).layer.units
    3
    """

    def __init__(self, layer: Layer, **kwargs: Any) -> None:
        if not isinstance(layer, Layer):
            raise ValueError(
                f"Expected the layer inside a {type(self).__name__} to be a layer. Received: {layer!r} "
                f"(of type {type(layer).__name__})"
            )
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape: Any = None) -> None:
        if not self.layer.built:
            self.layer.build(input_shape)
            self.layer.built = True

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "layer": serialize_keras_object(self.layer)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        config = dict(config)
        return cls(deserialize_keras_object(config.pop("layer"), custom_objects, family="layers"), **config)
