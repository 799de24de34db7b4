"""`Conv3DTranspose`: transposed convolution over three spatial axes, such as those of volumes."""

from __future__ import annotations

from typing import Any

from kerasish.layers.convolutional.base_conv_transpose import BaseConvTranspose


class Conv3DTranspose(BaseConvTranspose):
    """Transposed convolution over three spatial axes, such as those of volumes.

    The adjoint of a convolution in its inputs: each input adds a scaled window to the outputs.

    Args:
        filters: The number of output channels.
        kernel_size: The size of the window, an int or one for each axis.
        strides: The factor by which the inputs are spread, an int or one for each axis.
        padding: "valid" or "same"; "same" gives `size * stride` outputs along each axis.
        data_format: "channels_last", "channels_first", or None for the default.
        output_padding: Elements added at the end of each axis of the outputs, below the strides; None to find them.
        dilation_rate: The distance between the elements that the window reads.
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

    Inputs have the shape `(batch, depth, height, width, channels)`, outputs
    `(batch, new_depth, new_height, new_width, filters)`; with "channels_first" the channels come second.
    The kernel has the shape `(*kernel_size, filters, channels)` in either case.

    Raises:
        ValueError: If an argument is not one of these, or the inputs do not fit.

    >>> from kerasish import ops
    >>> Conv3DTranspose(4, 3, strides=2)(ops.ones((2, 8, 8, 8, 3))).shape
    (2, 17, 17, 17, 4)
    """

    rank = 3

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = (1, 1, 1),
        padding: str = "valid",
        data_format: str | None = None,
        output_padding: Any = None,
        dilation_rate: Any = (1, 1, 1),
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
            output_padding=output_padding,
            dilation_rate=dilation_rate,
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
