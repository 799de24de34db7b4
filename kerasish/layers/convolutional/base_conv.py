"""The convolution layer over any number of spatial axes."""

from __future__ import annotations

from typing import Any

from kerasish import constraints, initializers, ops, regularizers
from kerasish.autodiff import Tensor
from kerasish.layers.convolutional.base import FUSED, Convolutional
from kerasish.layers.convolutional.geometry import positive, with_layer_name
from kerasish.layers.core.lora import LoRA


class BaseConv(Convolutional, LoRA):
    """The base of `Conv1D`, `Conv2D` and `Conv3D`.

    Args:
        filters: The number of output channels.
        kernel_size: As in `Convolutional`, and so are the arguments up to `activation`.
        groups: How many groups the channels are split into; each is convolved by itself.
        kernel_initializer: Initializer of the kernel.
        kernel_regularizer: Regularizer of the kernel.
        kernel_constraint: Constraint of the kernel.
        lora_rank: The rank of a low-rank adaptation of the kernel; None for none.
        lora_alpha: The scale of the adaptation is `lora_alpha / lora_rank`.
        **kwargs: Arguments of `Convolutional`.
    """

    def __init__(
        self,
        *,
        filters: int,
        groups: int,
        kernel_initializer: Any,
        kernel_regularizer: Any,
        kernel_constraint: Any,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = positive(filters, "filters", self.name)
        self.groups = positive(groups, "groups", self.name)
        if self.filters % self.groups:
            raise ValueError(
                f"Expected filters of the layer {self.name!r} to be a multiple of groups. "
                f"Received: filters={filters}, groups={groups}"
            )
        self._require_steps_or_holes()
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self._init_lora(lora_rank, lora_alpha)

    def build(self, input_shape: Any) -> None:
        channels = self._input_channels(input_shape)
        if channels % self.groups:
            raise ValueError(
                f"Expected the channels of the inputs of the layer {self.name!r} to be a multiple of its "
                f"{self.groups} groups. Received: {channels} channels, input_shape={tuple(input_shape)}"
            )
        self._kernel = self.add_weight(
            name="kernel",
            shape=(*self.kernel_size, channels // self.groups, self.filters),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self._add_bias(self.filters)
        self._fix_channels(channels)
        self._build_lora()

    def convolution_op(self, inputs: Any, kernel: Any) -> Tensor:
        """The convolution alone. A subclass may override it, to change the kernel before it is used."""
        return self._convolve(inputs, kernel, None, "linear")

    def _convolve(self, inputs: Any, kernel: Any, bias: Any, activation: str) -> Tensor:
        return ops.conv_bias(
            inputs,
            kernel,
            bias,
            strides=self.strides,
            padding=self.padding,
            data_format=self.data_format,
            dilation_rate=self.dilation_rate,
            groups=self.groups,
            activation=activation,
        )

    def call(self, inputs: Any) -> Tensor:
        return with_layer_name(self, lambda: self._outputs(inputs), inputs)

    def _outputs(self, inputs: Any) -> Tensor:
        kernel = self._adapted() if self.lora_enabled else self._kernel
        if type(self).convolution_op is not BaseConv.convolution_op:
            return self._finish(self.convolution_op(inputs, kernel))
        fused = FUSED.get(self.activation)
        if fused is not None:
            return self._convolve(inputs, kernel, self.bias, fused)
        return self.activation(self._convolve(inputs, kernel, self.bias, "linear"))

    def _output_channels(self, channels: int | None) -> int:
        return self.filters

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "groups": self.groups,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            **self._lora_config(),
        }
