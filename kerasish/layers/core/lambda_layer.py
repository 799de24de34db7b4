"""`Lambda`: a function as a layer."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from kerasish import tree
from kerasish.layers.layer import Layer
from kerasish.saving.serialization_lib import deserialize_keras_object, serialize_keras_object


class Lambda(Layer):
    """A function of tensors as a layer. For anything with weights, write a layer of your own.

    A model with a Lambda can be saved when the function has a name: register it with
    `@kerasish.saving.register_keras_serializable()`, or pass it in `custom_objects` when loading. A Python lambda
    cannot be saved: that would put byte code into the file.

    Args:
        function: The function, `function(inputs, **arguments)`. It gets `mask` and `training` where it takes them.
        output_shape: The shape of the output without the batch, or a function from the input's shape; by default
            it is found by running the function on shapes.
        mask: A mask of the output, or a function `(inputs, mask) -> mask`.
        arguments: Further arguments of the function.

    >>> from kerasish import ops
    >>> Lambda(lambda x: x**2)(ops.array([2.0, 3.0])).tolist()
    [4.0, 9.0]
    """

    def __init__(
        self,
        function: Callable[..., Any],
        output_shape: Any = None,
        mask: Any = None,
        arguments: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not callable(function):
            raise ValueError(
                f"Expected the function of the layer {self.name!r} to be callable. Received: function={function!r}"
            )
        self.function = function
        self.arguments = dict(arguments or {})
        self.mask = mask
        self.supports_masking = mask is not None
        self._output_shape = output_shape
        names = _argument_names(function)
        self._takes_training = "training" in names
        self._takes_mask = "mask" in names

    def call(self, inputs: Any, mask: Any = None, training: bool | None = None) -> Any:
        arguments = dict(self.arguments)
        if self._takes_mask:
            arguments["mask"] = mask
        if self._takes_training:
            arguments["training"] = training
        return self.function(inputs, **arguments)

    def compute_output_shape(self, input_shape: Any) -> Any:
        if self._output_shape is None:
            return super().compute_output_shape(input_shape)
        if callable(self._output_shape):
            return self._output_shape(input_shape)
        batch = tree.flatten(input_shape)[0]
        return (batch, *self._output_shape)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        if self._output_shape is None:
            return self._traced_output_spec(args, kwargs)
        return super().compute_output_spec(*args, **kwargs)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return self.mask(inputs, previous_mask) if callable(self.mask) else self.mask

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), "function": self._serialized(self.function)}
        if self._output_shape is not None:
            config["output_shape"] = self._serialized(self._output_shape)
        if self.mask is not None:
            config["mask"] = self._serialized(self.mask)
        return {**config, "arguments": serialize_keras_object(self.arguments)}

    def _serialized(self, value: Any) -> Any:
        if getattr(value, "__name__", None) == "<lambda>":
            raise ValueError(
                f"The layer {self.name!r} holds a Python lambda, which cannot be saved. Write the function with `def` "
                "and register it with @kerasish.saving.register_keras_serializable(), or write a layer. "
                f"Received: {value!r}"
            )
        return serialize_keras_object(value)

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None, safe_mode: bool | None = None
    ) -> Lambda:
        config = dict(config)
        for key in ("function", "output_shape", "mask", "arguments"):
            if key in config:
                config[key] = deserialize_keras_object(config[key], custom_objects, safe_mode is not False)
        return cls(**config)


def _argument_names(function: Callable[..., Any]) -> list[str]:
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # some functions written in C have no signature
        return []
