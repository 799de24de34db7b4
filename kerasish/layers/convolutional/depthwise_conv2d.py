"""`DepthwiseConv2D`: depthwise convolution over two spatial axes, such as those of images."""

from __future__ import annotations

from typing import Any

from kerasish.layers.convolutional.base_depthwise_conv import BaseDepthwiseConv


class DepthwiseConv2D(BaseDepthwiseConv):
    """Depthwise convolution over two spatial axes, such as those of images.

    Each channel is convolved by itself with `depth_multiplier` windows; then come bias and activation.

    Args:
        kernel_size: The height and width of the window, an int for both or one each.
        strides: The step of the window, an int or one for each axis.
        padding: "valid" (no padding) or "same" (`ceil(size / stride)` outputs, padded with zeros).
        depth_multiplier: The number of channels that the depthwise kernel makes of each input channel.
        data_format: "channels_last", "channels_first", or None for the default.
        dilation_rate: The distance between the elements that the window reads.
        activation: An activation function or its name; None for none.
        use_bias: Whether there is a bias.
        depthwise_initializer: Initializer of the depthwise kernel.
        bias_initializer: Initializer of the bias.
        depthwise_regularizer: Regularizer of the depthwise kernel.
        bias_regularizer: Regularizer of the bias.
        activity_regularizer: Regularizer of the outputs.
        depthwise_constraint: Constraint of the depthwise kernel.
        bias_constraint: Constraint of the bias.
        **kwargs: Arguments of `Layer`.

    Inputs have the shape `(batch, height, width, channels)`, outputs
    `(batch, new_height, new_width, channels * depth_multiplier)`; with "channels_first" the channels come second.
    The kernel has the shape `(*kernel_size, channels, depth_multiplier)` in either case.

    Raises:
        ValueError: If an argument is not one of these, or the inputs do not fit.

    >>> from kerasish import ops
    >>> DepthwiseConv2D(3, depth_multiplier=2)(ops.ones((2, 8, 8, 3))).shape
    (2, 6, 6, 6)
    """

    rank = 2

    def __init__(
        self,
        kernel_size: Any,
        strides: Any = (1, 1),
        padding: str = "valid",
        depth_multiplier: int = 1,
        data_format: str | None = None,
        dilation_rate: Any = (1, 1),
        activation: Any = None,
        use_bias: bool = True,
        depthwise_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        depthwise_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        depthwise_constraint: Any = None,
        bias_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            kernel_size=kernel_size,
            strides=strides,
            padding=padding,
            depth_multiplier=depth_multiplier,
            data_format=data_format,
            dilation_rate=dilation_rate,
            activation=activation,
            use_bias=use_bias,
            depthwise_initializer=depthwise_initializer,
            bias_initializer=bias_initializer,
            depthwise_regularizer=depthwise_regularizer,
            bias_regularizer=bias_regularizer,
            activity_regularizer=activity_regularizer,
            depthwise_constraint=depthwise_constraint,
            bias_constraint=bias_constraint,
            **kwargs,
        )
