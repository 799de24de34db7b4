"""`Identity`: what goes in comes out."""

from __future__ import annotations

from typing import Any

from kerasish import tree
from kerasish.autodiff import KerasTensor
from kerasish.layers.layer import Layer


class Identity(Layer):
    """Hands its inputs, of any structure, through as they are.

    >>> from kerasish import ops
    >>> Identity()(ops.array([1.0, 2.0])).tolist()
    [1.0, 2.0]
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any) -> Any:
        return inputs

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def compute_output_spec(self, inputs: Any) -> Any:
        return tree.map_structure(lambda x: KerasTensor(x.shape, x.dtype), inputs)
