"""`Masking`: steps to leave out, marked by their values."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.autodiff import Tensor
from kerasish.layers.layer import Layer
from kerasish.saving.serialization_lib import deserialize_keras_object


class Masking(Layer):
    """Marks the steps whose features all have one value; the layers that follow leave them out.

    The inputs have the shape `(batch, steps, features)`; the mask is false where a step is left out, and the
    features of such a step become zero.

    Args:
        mask_value: The value.

    >>> from kerasish import ops
    >>> masked = Masking()(ops.array([[[1.0, 0.0], [0.0, 0.0]]]))
    >>> masked._keras_mask.tolist()
    [[True, False]]
    """

    def __init__(self, mask_value: Any = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.mask_value = deserialize_keras_object(mask_value) if isinstance(mask_value, dict) else mask_value
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any) -> Tensor:
        kept = ops.any(ops.not_equal(inputs, self.mask_value), axis=-1, keepdims=True)
        return ops.where(kept, inputs, ops.zeros_like(inputs))

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return ops.any(ops.not_equal(inputs, self.mask_value), axis=-1)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "mask_value": self.mask_value}
