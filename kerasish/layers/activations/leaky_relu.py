"""`LeakyReLU`: a rectifier that lets a little through."""

from __future__ import annotations

import warnings
from typing import Any

from kerasish import activations
from kerasish.autodiff import Tensor
from kerasish.layers.layer import Layer


class LeakyReLU(Layer):
    """`x` where it is positive, else `negative_slope * x`.

    Args:
        negative_slope: The slope below zero.

    Raises:
        ValueError: If the slope is negative.

    >>> from kerasish import ops
    >>> LeakyReLU(negative_slope=0.5)(ops.array([-2.0, 3.0])).tolist()
    [-1.0, 3.0]
    """

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        if "alpha" in kwargs:
            negative_slope = kwargs.pop("alpha")
            warnings.warn("LeakyReLU calls `alpha` `negative_slope` now.", DeprecationWarning, stacklevel=2)
        super().__init__(**kwargs)
        if negative_slope is None or negative_slope < 0:
            raise ValueError(
                f"Expected negative_slope of the layer {self.name!r} not to be negative. "
                f"Received: negative_slope={negative_slope!r}"
            )
        self.negative_slope = negative_slope
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any) -> Tensor:
        return activations.leaky_relu(inputs, negative_slope=self.negative_slope)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "negative_slope": self.negative_slope}
