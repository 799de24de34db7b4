"""`Conv1DTranspose`: transposed convolution over one spatial axis, such as time."""

from __future__ import annotations

from typing import Any

from kerasish.layers.convolutional.base_conv_transpose import BaseConvTranspose


class Conv1DTranspose(BaseConvTranspose):
    """Transposed convolution over one spatial axis, such as time.

    The adjoint of a convolution in its inputs: each input adds a scaled window to the outputs.

    Args:
        filters: The number of output channels.
        kernel_size: The size of the window.
        strides: The factor by which the inputs are spread.
        padding: "valid" or "same"; "same" gives `size * stride` outputs along each axis.
        output_padding: Elements added at the end of each axis of the outputs, below the strides; None to find them.
        data_format: "channels_last", "channels_first", or None for the default.
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

    Inputs have the shape `(batch, steps, channels)`, outputs
    `(batch, new_steps, filters)`; with "channels_first" the channels come second.
    The kernel has the shape `(*kernel_size, filters, channels)` in either case.

    Raises:
        ValueError: If an argument is not one of these, or the inputs do not fit.

    >>> from kerasish import ops
    >>> Conv1DTranspose(4, 3, strides=2)(ops.ones((2, 8, 3))).shape
    (2, 17, 4)
    """

    rank = 1

    def __init__(
        self,
        filters: int,
        kernel_size: Any,
        strides: Any = 1,
        padding: str = "valid",
        output_padding: Any = None,
        data_format: str | None = None,
        dilation_rate: Any = 1,
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
            output_padding=output_padding,
            data_format=data_format,
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
