"""`ActivityRegularization`: a penalty on what passes through."""

from __future__ import annotations

from typing import Any

from kerasish import regularizers
from kerasish.layers.layer import Layer


class ActivityRegularization(Layer):
    """Hands its inputs through, and adds `l1 * sum(|x|) + l2 * sum(x**2)`, divided by the batch, to the loss.

    Args:
        l1: The factor of the absolute values.
        l2: The factor of the squares.

    >>> from kerasish import ops
    >>> layer = ActivityRegularization(l1=0.5)
    >>> _ = layer(ops.ones((2, 3)))
    >>> float(layer.losses[0])
    1.5
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.supports_masking = True
        self.l1 = l1
        self.l2 = l2
        self._build_at_init()

    def call(self, inputs: Any) -> Any:
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.pop("activity_regularizer", None)
        return {**config, "l1": self.l1, "l2": self.l2}
