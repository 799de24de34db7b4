"""`Flatten`: each sample as one vector."""

from __future__ import annotations

import math
from typing import Any

from kerasish import ops
from kerasish.autodiff import Tensor
from kerasish.layers.input_spec import InputSpec
from kerasish.layers.reshaping.moving import MovingLayer, checked_data_format


class Flatten(MovingLayer):
    """Each sample as one vector: `(batch, a, b, ...)` becomes `(batch, a * b * ...)`.

    Args:
        data_format: "channels_last", or "channels_first" to put the channels last before flattening, so that both
            layouts give the same vector. By default the one that is configured.

    >>> from kerasish import ops
    >>> Flatten()(ops.ones((2, 3, 4))).shape
    (2, 12)
    """

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = checked_data_format(data_format, self.name)
        self.input_spec = InputSpec(min_ndim=1)

    def call(self, inputs: Any) -> Tensor:
        rank = inputs.ndim
        if rank > 2 and self.data_format == "channels_first":
            inputs = ops.transpose(inputs, (0, *range(2, rank), 1))
        return ops.reshape(inputs, (inputs.shape[0], math.prod(inputs.shape[1:])))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        sizes = input_shape[1:]
        return input_shape[0], None if None in sizes else math.prod(sizes)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format}
