"""Convolutions over one to three spatial axes, channels last, and the gradient of bias and activation.

Shapes: `x` `(n, *spatial, c)`, `dy` and `y` `(n, *out, outputs)`. `strides` and `dilation` hold one step,
`padding` one pair of zeros before and after, for each spatial axis (a negative amount crops). Along each axis
`out = (size + before + after - (k - 1) * dilation - 1) // stride + 1`. As in Keras, "convolution" is a
cross-correlation: the kernel is not flipped.
"""

from __future__ import annotations

from kerasish.backend.contract.types import Array, Padding


def conv(
    x: Array,
    kernel: Array,
    bias: Array | None,
    *,
    strides: tuple[int, ...],
    padding: Padding,
    dilation: tuple[int, ...],
    groups: int,
    activation: str,
) -> Array:
    """`activation(sum_pi x[n, o * strides + p * dilation - before, i] * kernel[p, i, j] + bias[j])`.

    Kernel `(*k, c / groups, outputs)`, bias `(outputs,)` or None; result `(n, *out, outputs)`. With groups,
    output channel `j` reads only the channels of its own group. The activation is "linear", "relu", "sigmoid"
    or "tanh".
    """
    raise NotImplementedError


def conv_backward_input(
    dy: Array,
    kernel: Array,
    *,
    input_shape: tuple[int, ...],
    strides: tuple[int, ...],
    padding: Padding,
    dilation: tuple[int, ...],
    groups: int,
) -> Array:
    """Gradient of the linear `conv` towards `x`: shape `input_shape` `(n, *spatial, c)`, dtype of `dy`.

    It is also the forward pass of a transposed convolution. Places that no window reads get zero.
    """
    raise NotImplementedError


def conv_backward_kernel(
    x: Array,
    dy: Array,
    *,
    kernel_shape: tuple[int, ...],
    strides: tuple[int, ...],
    padding: Padding,
    dilation: tuple[int, ...],
    groups: int,
) -> Array:
    """Gradient of the linear `conv` towards the kernel: shape `kernel_shape`, dtype of `x`."""
    raise NotImplementedError


def depthwise_conv(
    x: Array, kernel: Array, *, strides: tuple[int, ...], padding: Padding, dilation: tuple[int, ...]
) -> Array:
    """Convolve each channel by itself: kernel `(*k, c, multiplier)`, result `(n, *out, c * multiplier)`.

    Output channel `i * multiplier + m` is channel `i` convolved with `kernel[..., i, m]`.
    """
    raise NotImplementedError


def depthwise_conv_backward_input(
    dy: Array,
    kernel: Array,
    *,
    input_shape: tuple[int, ...],
    strides: tuple[int, ...],
    padding: Padding,
    dilation: tuple[int, ...],
) -> Array:
    """Gradient of `depthwise_conv` towards `x`: shape `input_shape`, dtype of `dy`."""
    raise NotImplementedError


def depthwise_conv_backward_kernel(
    x: Array,
    dy: Array,
    *,
    kernel_shape: tuple[int, ...],
    strides: tuple[int, ...],
    padding: Padding,
    dilation: tuple[int, ...],
) -> Array:
    """Gradient of `depthwise_conv` towards the kernel: shape `kernel_shape`, dtype of `x`."""
    raise NotImplementedError


def bias_activation_backward(dy: Array, y: Array, *, activation: str, bias: bool) -> tuple[Array, Array | None]:
    """Gradients before the activation and of the bias, from the output `y` of `conv` or `dense`.

    `dpre = dy * activation'`, with the slope taken from `y`: 1 for "linear", `y > 0` for "relu", `y * (1 -
    y)` for "sigmoid", `1 - y ** 2` for "tanh"; shape and dtype of `dy`, and for "linear" `dy` itself. `dbias`
    is the sum of `dpre` over all axes but the last, or None without `bias`.
    """
    raise NotImplementedError
