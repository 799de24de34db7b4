"""The depthwise convolution layer over any number of spatial axes."""

from __future__ import annotations

from typing import Any

from kerasish import constraints, initializers, ops, regularizers
from kerasish.autodiff import Tensor
from kerasish.layers.convolutional.base import Convolutional
from kerasish.layers.convolutional.geometry import positive, with_layer_name


class BaseDepthwiseConv(Convolutional):
    """The base of `DepthwiseConv1D` and `DepthwiseConv2D`.

    Args:
        depth_multiplier: The number of output channels for each input channel.
        depthwise_initializer: Initializer of the kernel.
        depthwise_regularizer: Regularizer of the kernel.
        depthwise_constraint: Constraint of the kernel.
        **kwargs: Arguments of `Convolutional`.
    """

    def __init__(
        self,
        *,
        depth_multiplier: int,
        depthwise_initializer: Any,
        depthwise_regularizer: Any,
        depthwise_constraint: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.depth_multiplier = positive(depth_multiplier, "depth_multiplier", self.name)
        self.depthwise_initializer = initializers.get(depthwise_initializer)
        self.depthwise_regularizer = regularizers.get(depthwise_regularizer)
        self.depthwise_constraint = constraints.get(depthwise_constraint)

    def build(self, input_shape: Any) -> None:
        channels = self._input_channels(input_shape)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(*self.kernel_size, channels, self.depth_multiplier),
            initializer=self.depthwise_initializer,
            regularizer=self.depthwise_regularizer,
            constraint=self.depthwise_constraint,
        )
        self._add_bias(channels * self.depth_multiplier)
        self._fix_channels(channels)

    def call(self, inputs: Any) -> Tensor:
        return with_layer_name(self, lambda: self._outputs(inputs), inputs)

    def _outputs(self, inputs: Any) -> Tensor:
        outputs = ops.depthwise_conv(
            inputs,
            self.kernel,
            strides=self.strides,
            padding=self.padding,
            data_format=self.data_format,
            dilation_rate=self.dilation_rate,
        )
        return self._finish(outputs)

    def _output_channels(self, channels: int | None) -> int | None:
        return None if channels is None else channels * self.depth_multiplier

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "depth_multiplier": self.depth_multiplier,
            "depthwise_initializer": initializers.serialize(self.depthwise_initializer),
            "depthwise_regularizer": regularizers.serialize(self.depthwise_regularizer),
            "depthwise_constraint": constraints.serialize(self.depthwise_constraint),
        }
