"""Pooling over the whole space, for any number of spatial axes."""

from __future__ import annotations

from typing import Any

from kerasish import config
from kerasish.layers.convolutional.geometry import Shape, assemble, spatial_sizes
from kerasish.layers.input_spec import InputSpec
from kerasish.layers.layer import Layer


class BaseGlobalPooling(Layer):
    """The base of the layers that pool over all spatial axes at once.

    A subclass sets `rank`, the number of spatial axes, and writes `call`.

    Args:
        data_format: "channels_last", "channels_first", or None for the default.
        keepdims: Whether the spatial axes stay, with size 1.
        **kwargs: Arguments of `Layer`.
    """

    rank: int

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = config.check_data_format(data_format)
        self.keepdims = keepdims
        self.input_spec = InputSpec(ndim=self.rank + 2)

    @property
    def _spatial_axes(self) -> tuple[int, ...]:
        first = 2 if self.data_format == "channels_first" else 1
        return tuple(range(first, first + self.rank))

    def compute_output_shape(self, input_shape: Any) -> Shape:
        _, channels = spatial_sizes(input_shape, self.rank, self.data_format, self.name)
        return assemble(input_shape[0], (1,) * self.rank if self.keepdims else (), channels, self.data_format)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "data_format": self.data_format, "keepdims": self.keepdims}
