"""`Activation`: an activation function as a layer."""

from __future__ import annotations

from typing import Any

from kerasish import activations
from kerasish.autodiff import Tensor
from kerasish.layers.layer import Layer


class Activation(Layer):
    """An activation function, applied to the inputs. The shape stays.

    Args:
        activation: The function, or its name.

    >>> from kerasish import ops
    >>> Activation("relu")(ops.array([-1.0, 2.0])).tolist()
    [0.0, 2.0]
    """

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self.activation = activations.get(activation)
        self._build_at_init()

    def call(self, inputs: Any) -> Tensor:
        return self.activation(inputs)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "activation": activations.serialize(self.activation)}
