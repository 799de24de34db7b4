"""What all convolutional layers share: a window that slides, a bias, an activation."""

from __future__ import annotations

from typing import Any

from kerasish import activations, config, constraints, initializers, ops, regularizers
from kerasish.autodiff import Tensor, Variable
from kerasish.layers.convolutional.geometry import (
    Shape,
    assemble,
    padding_mode,
    spatial_sizes,
    window_counts,
)
from kerasish.layers.input_spec import InputSpec
from kerasish.layers.layer import Layer
from kerasish.ops.windows import per_axis

FUSED = {
    activations.linear: "linear",
    activations.relu: "relu",
    activations.sigmoid: "sigmoid",
    activations.tanh: "tanh",
}
"""The activations that `ops.conv_bias` takes in the kernel of the convolution."""


class Convolutional(Layer):
    """The base of convolutional layers.

    A subclass sets `rank`, the number of spatial axes, says in `_output_channels` how many channels come out,
    makes its kernels in `build` and ends it with `_add_bias`.

    Args:
        kernel_size: The size of the window, an int or one for each spatial axis.
        strides: The step of the window.
        padding: "valid", "same", or another of `paddings`.
        data_format: "channels_last", "channels_first", or None for the default.
        dilation_rate: The distance between the elements that a window reads.
        activation: An activation function or its name; None for none.
        use_bias: Whether there is a bias.
        bias_initializer: Initializer of the bias.
        bias_regularizer: Regularizer of the bias.
        bias_constraint: Constraint of the bias.
        **kwargs: Arguments of `Layer`.
    """

    rank: int
    paddings: tuple[str, ...] = ("valid", "same")

    def __init__(
        self,
        *,
        kernel_size: Any,
        strides: Any,
        padding: str,
        data_format: str | None,
        dilation_rate: Any,
        activation: Any,
        use_bias: bool,
        bias_initializer: Any,
        bias_regularizer: Any,
        bias_constraint: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.kernel_size = per_axis(kernel_size, self.rank, "kernel_size", self.name)
        self.strides = per_axis(strides, self.rank, "strides", self.name)
        self.dilation_rate = per_axis(dilation_rate, self.rank, "dilation_rate", self.name)
        self.padding = padding_mode(padding, self.name, self.paddings)
        self.data_format = config.check_data_format(data_format)
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.bias_initializer = initializers.get(bias_initializer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.bias_constraint = constraints.get(bias_constraint)
        self.bias: Variable | None = None
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _require_steps_or_holes(self) -> None:
        if max(self.strides) > 1 and max(self.dilation_rate) > 1:
            raise ValueError(
                f"The layer {self.name!r} cannot have strides above 1 and a dilation_rate above 1 at once. "
                f"Received: strides={self.strides}, dilation_rate={self.dilation_rate}"
            )

    def _input_channels(self, input_shape: Any) -> int:
        """The channels of the inputs, once it is certain that the inputs fit."""
        _, channels = spatial_sizes(input_shape, self.rank, self.data_format, self.name)
        if channels is None:
            raise ValueError(
                f"The layer {self.name!r} must know how many channels its inputs have before its kernel is made. "
                f"Received: input_shape={tuple(input_shape)}"
            )
        self.compute_output_shape(input_shape)
        return channels

    def _fix_channels(self, channels: int) -> None:
        axis = 1 if self.data_format == "channels_first" else -1
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={axis: channels})

    def _add_bias(self, channels: int) -> None:
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(channels,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def _output_channels(self, channels: int | None) -> int | None:
        raise NotImplementedError

    def _finish(self, outputs: Tensor) -> Tensor:
        """Bias and activation, for operations that do not take them in their kernel."""
        if self.bias is not None:
            bias: Any = self.bias
            if self.data_format == "channels_first":
                bias = ops.reshape(bias, (-1, *(1,) * self.rank))
            outputs = outputs + bias
        return outputs if self.activation is activations.linear else self.activation(outputs)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        sizes, channels = spatial_sizes(input_shape, self.rank, self.data_format, self.name)
        counts = window_counts(sizes, self.kernel_size, self.strides, self.padding, self.dilation_rate, self.name)
        return assemble(input_shape[0], counts, self._output_channels(channels), self.data_format)

    def _bias_config(self) -> dict[str, Any]:
        return {
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "bias_constraint": constraints.serialize(self.bias_constraint),
        }

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "padding": self.padding,
            "data_format": self.data_format,
            "dilation_rate": self.dilation_rate,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            **self._bias_config(),
        }
