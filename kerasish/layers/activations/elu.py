"""`ELU`: the exponential linear unit."""

from __future__ import annotations

from typing import Any

from kerasish import activations
from kerasish.autodiff import Tensor
from kerasish.layers.layer import Layer


class ELU(Layer):
    """`x` where it is positive, else `alpha * (exp(x) - 1)`.

    Args:
        alpha: The value that the output tends to far below zero, negated.

    Source: Clevert et al., 2016, "Fast and accurate deep network learning by exponential linear units".

    >>> from kerasish import ops
    >>> ELU()(ops.array([2.0, -100.0])).tolist()
    [2.0, -1.0]
    """

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = alpha
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any) -> Tensor:
        return activations.elu(inputs, alpha=self.alpha)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "alpha": self.alpha}
