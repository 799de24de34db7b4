"""`ReLU`: the rectifier, with its variants."""

from __future__ import annotations

from typing import Any

from kerasish import activations
from kerasish.autodiff import Tensor
from kerasish.layers.layer import Layer


class ReLU(Layer):
    """The rectifier: `x` above the threshold (at most `max_value`), else `negative_slope * (x - threshold)`.

    Args:
        max_value: The largest value of the output; None for no limit.
        negative_slope: The slope below the threshold.
        threshold: The value below which the output is damped.

    Raises:
        ValueError: If one of them is negative.

    >>> from kerasish import ops
    >>> ReLU(max_value=2.0)(ops.array([-1.0, 1.0, 3.0])).tolist()
    [0.0, 1.0, 2.0]
    """

    def __init__(
        self, max_value: float | None = None, negative_slope: float = 0.0, threshold: float = 0.0, **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        for name, value in (("max_value", max_value), ("negative_slope", negative_slope), ("threshold", threshold)):
            if (value is None and name != "max_value") or (value is not None and value < 0):
                raise ValueError(
                    f"Expected {name} of the layer {self.name!r} not to be negative. Received: {name}={value!r}"
                )
        self.max_value = max_value
        self.negative_slope = negative_slope
        self.threshold = threshold
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any) -> Tensor:
        return activations.relu(
            inputs, negative_slope=self.negative_slope, max_value=self.max_value, threshold=self.threshold
        )

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "max_value": self.max_value,
            "negative_slope": self.negative_slope,
            "threshold": self.threshold,
        }
