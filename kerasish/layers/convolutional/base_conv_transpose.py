"""The transposed convolution layer over any number of spatial axes."""

from __future__ import annotations

from typing import Any

from kerasish import constraints, initializers, ops, regularizers
from kerasish.autodiff import Tensor
from kerasish.layers.convolutional.base import Convolutional
from kerasish.layers.convolutional.geometry import Shape, assemble, positive, spatial_sizes
from kerasish.ops.conv import transposed_size
from kerasish.ops.windows import per_axis, reach


class BaseConvTranspose(Convolutional):
    """The base of `Conv1DTranspose`, `Conv2DTranspose` and `Conv3DTranspose`.

    Args:
        filters: The number of output channels.
        output_padding: Elements added at the end of the outputs, below the strides; None to find them.
        kernel_initializer: Initializer of the kernel.
        kernel_regularizer: Regularizer of the kernel.
        kernel_constraint: Constraint of the kernel.
        **kwargs: Arguments of `Convolutional`.
    """

    def __init__(
        self,
        *,
        filters: int,
        output_padding: Any,
        kernel_initializer: Any,
        kernel_regularizer: Any,
        kernel_constraint: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.filters = positive(filters, "filters", self.name)
        self.output_padding: tuple[int, ...] | None = None
        if output_padding is not None:
            self.output_padding = per_axis(output_padding, self.rank, "output_padding", self.name, least=0)
            if any(extra >= stride for extra, stride in zip(self.output_padding, self.strides, strict=True)):
                raise ValueError(
                    f"Expected output_padding of the layer {self.name!r} to be below strides along each axis. "
                    f"Received: output_padding={self.output_padding}, strides={self.strides}"
                )
        self._require_steps_or_holes()
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)

    def build(self, input_shape: Any) -> None:
        channels = self._input_channels(input_shape)
        self.kernel = self.add_weight(
            name="kernel",
            shape=(*self.kernel_size, self.filters, channels),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self._add_bias(self.filters)
        self._fix_channels(channels)

    def call(self, inputs: Any) -> Tensor:
        outputs = ops.conv_transpose(
            inputs,
            self.kernel,
            strides=self.strides,
            padding=self.padding,
            output_padding=self.output_padding,
            data_format=self.data_format,
            dilation_rate=self.dilation_rate,
        )
        return self._finish(outputs)

    def _output_channels(self, channels: int | None) -> int:
        return self.filters

    def compute_output_shape(self, input_shape: Any) -> Shape:
        sizes, _ = spatial_sizes(input_shape, self.rank, self.data_format, self.name)
        extra: Any = self.output_padding or (None,) * self.rank
        spans = reach(self.kernel_size, self.dilation_rate)
        targets = [
            None if size is None else transposed_size(size, span, stride, self.padding, more)[0]
            for size, span, stride, more in zip(sizes, spans, self.strides, extra, strict=True)
        ]
        return assemble(input_shape[0], targets, self.filters, self.data_format)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "filters": self.filters,
            "output_padding": self.output_padding,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
        }
