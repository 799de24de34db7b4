"""Pooling over windows, for any number of spatial axes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerasish import config
from kerasish.autodiff import Tensor
from kerasish.layers.convolutional.geometry import (
    Shape,
    assemble,
    padding_mode,
    spatial_sizes,
    window_counts,
    with_layer_name,
)
from kerasish.layers.input_spec import InputSpec
from kerasish.layers.layer import Layer
from kerasish.ops.windows import per_axis


class BasePooling(Layer):
    """The base of the layers that take the maximum or the mean of windows.

    A subclass sets `rank`, the number of spatial axes, and `_pool`, the function of `kerasish.ops`.

    Args:
        pool_size: The size of the window, an int or one for each spatial axis.
        strides: Its step; None takes `pool_size`.
        padding: "valid" or "same".
        data_format: "channels_last", "channels_first", or None for the default.
        name: The layer's name.
        **kwargs: Arguments of `Layer`.
    """

    rank: int
    _pool: Callable[..., Tensor]

    def __init__(
        self, pool_size: Any, strides: Any, padding: str, data_format: str | None, name: str | None, **kwargs: Any
    ) -> None:
        super().__init__(name=name, **kwargs)
        self.pool_size = per_axis(pool_size, self.rank, "pool_size", self.name)
        self.strides = self.pool_size if strides is None else per_axis(strides, self.rank, "strides", self.name)
        self.padding = padding_mode(padding, self.name)
        self.data_format = config.check_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def call(self, inputs: Any) -> Tensor:
        pool = type(self)._pool
        return with_layer_name(
            self, lambda: pool(inputs, self.pool_size, self.strides, self.padding, self.data_format), inputs
        )

    def compute_output_shape(self, input_shape: Any) -> Shape:
        sizes, channels = spatial_sizes(input_shape, self.rank, self.data_format, self.name)
        counts = window_counts(sizes, self.pool_size, self.strides, self.padding, (1,) * self.rank, self.name)
        return assemble(input_shape[0], counts, channels, self.data_format)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "pool_size": self.pool_size,
            "padding": self.padding,
            "strides": self.strides,
            "data_format": self.data_format,
        }
