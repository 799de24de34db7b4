"""`Conv2D`: convolution over two spatial axes, such as those of images."""

from __future__ import annotations

from typing import Any

from kerasish.layers.convolutional.base_conv import BaseConv


class Conv2D(BaseConv):
    """Convolution over two spatial axes, such as those of images.

    `activation(sum over the window and the channels of inputs * kernel + bias)`, at each place of the window.

    Args:
        filters: The number of output channels.
        kernel_size: The height and width of the window, an int for both or one each.
        strides: The step of the window, an int or one for each axis.
        padding: "valid" (no padding) or "same" (`ceil(size / stride)` outputs, padded with zeros).
        data_format: "channels_last", "channels_first", or None for the default.
        dilation_rate: The distance between the elements that the window reads.
        groups: How many groups the channels are split into; each is convolved by itself.
        activation: An activation function or its name; None for none.
        use_bias: Whether there is a bias.
        kernel_initializer: Initializer of the kernel.
        bias_initializer: Initializer of the bias.
        kernel_regularizer: Regularizer of the kernel.
        bias_regularizer: Regularizer of the bias.
        activity_regularizer: Regularizer of the outputs.
        kernel_constraint: Constraint of the kernel.
        bias_constraint: Constraint of the bias.
        **kwargs: Arguments of `Layer`.

    Inputs have the shape `(batch, height, width, channels)`, outputs
    `(batch, new_height, new_width, filters)`; with "channels_first" the channels come second.
    The kernel has the shape `(*kernel_size, channels / groups, filters)` in either case.

    Raises:
        ValueError: If an argument is not one of these, or the inputs do not fit.

    >>> from kerasish import ops
    >>> Conv2D(4, 3)(ops.ones((2, 8, 8, 3))).shape
    (2, 6, 6, 4)
    """

    rank = 2

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: str = "valid",
        data_format: str | None = None,
        dilation_rate: Any = (1, 1),
        groups: int = 1,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            filters=filters,
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            data_format=data_format,
            dilation_rate=dilation_rate,
            groups=groups,
            activation=activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            kernel_constraint=kernel_constraint,
            bias_constraint=bias_constraint,
            **kwargs,
        )
