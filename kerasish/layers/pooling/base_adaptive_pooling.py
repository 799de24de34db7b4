"""Pooling to a given size, for any number of spatial axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerasish import config
from kerasish.autodiff import Tensor
from kerasish.layers.convolutional.geometry import Shape, assemble, spatial_sizes
from kerasish.layers.input_spec import InputSpec
from kerasish.layers.layer import Layer
from kerasish.ops.windows import per_axis


class BaseAdaptivePooling(Layer):
    """The base of the layers whose windows are sized so that the outputs have a given size.

    Along an axis of `size` elements, window `i` of `n` runs from `floor(i * size / n)` to
    `ceil((i + 1) * size / n)`. A subclass sets `rank`, the number of spatial axes, and `_pool`, the function of
    `kerasish.ops`.

    Args:
        output_size: The spatial sizes of the outputs, an int or one for each axis.
        data_format: "channels_last", "channels_first", or None for the default.
        **kwargs: Arguments of `Layer`.
    """

    rank: int
    _pool: Callable[..., Tensor]

    def __init__(self, output_size: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.output_size = per_axis(output_size, self.rank, "output_size", self.name)
        self.data_format = config.check_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Any) -> Tensor:
        return type(self)._pool(inputs, self.output_size, self.data_format)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        _, channels = spatial_sizes(input_shape, self.rank, self.data_format, self.name)
        return assemble(input_shape[0], self.output_size, channels, self.data_format)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "output_size": self.output_size, "data_format": self.data_format}
