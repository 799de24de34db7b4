"""Convolutions: dense, grouped, depthwise, separable and transposed."""

from __future__ import annotations

from typing import Any

from kerasish.autodiff import Node, Primitive, Tensor, apply, convert_to_tensor, op
from kerasish.ops.dense import ACTIVATIONS, BIAS_ACTIVATION_BACKWARD
from kerasish.ops.promotion import autocasted
from kerasish.ops.windows import (
    channels_back,
    channels_last,
    padding_pairs,
    per_axis,
    reach,
    require_windows,
    window_count,
)


def _geometry(attrs: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in attrs.items() if name in ("strides", "padding", "dilation", "groups")}


def _output_sizes(x: Any, kernel: Any, attrs: dict[str, Any]) -> tuple[int, ...]:
    spans = reach(kernel.shape[:-2], attrs["dilation"])
    return tuple(map(window_count, x.shape[1:-1], attrs["padding"], spans, attrs["strides"]))


def _conv_vjp(node: Node, dy: Tensor) -> tuple[Any, ...]:
    x, kernel, _ = node.inputs
    need_x, need_kernel, need_bias = node.needs
    activation, d_bias = node.attrs["activation"], None
    if need_bias or activation != "linear":
        attrs = {"activation": activation, "bias": need_bias}
        dy, d_bias = apply(BIAS_ACTIVATION_BACKWARD, (dy, node.output), attrs)
    geometry = _geometry(node.attrs)
    d_x = d_kernel = None
    if need_x:
        d_x = apply(CONV_BACKWARD_INPUT, (dy, kernel), {"input_shape": x.array.shape, **geometry})
    if need_kernel:
        d_kernel = apply(CONV_BACKWARD_KERNEL, (x, dy), {"kernel_shape": kernel.array.shape, **geometry})
    return d_x, d_kernel, d_bias


def _conv_infer(x: Any, kernel: Any, bias: Any, **attrs: Any) -> tuple[Any, Any]:
    return (x.shape[0], *_output_sizes(x, kernel, attrs), kernel.shape[-1]), x.dtype


def _backward_input_vjp(node: Node, g: Tensor) -> tuple[Any, ...]:
    dy, kernel = node.inputs
    geometry = _geometry(node.attrs)
    return (
        apply(CONV, (g, kernel, None), {**geometry, "activation": "linear"}) if node.needs[0] else None,
        apply(CONV_BACKWARD_KERNEL, (g, dy), {"kernel_shape": kernel.array.shape, **geometry})
        if node.needs[1]
        else None,
    )


def _backward_kernel_vjp(node: Node, g: Tensor) -> tuple[Any, ...]:
    x, dy = node.inputs
    geometry = _geometry(node.attrs)
    return (
        apply(CONV_BACKWARD_INPUT, (dy, g), {"input_shape": x.array.shape, **geometry}) if node.needs[0] else None,
        apply(CONV, (x, g, None), {**geometry, "activation": "linear"}) if node.needs[1] else None,
    )


def _input_shape(dy: Any, kernel: Any, *, input_shape: Any, **attrs: Any) -> tuple[Any, Any]:
    return input_shape, dy.dtype


def _kernel_shape(x: Any, dy: Any, *, kernel_shape: Any, **attrs: Any) -> tuple[Any, Any]:
    return kernel_shape, x.dtype


CONV = Primitive("conv", _conv_vjp, _conv_infer)
"""Convolution, bias and activation: inputs `(x, kernel, bias or None)`, channels last."""
CONV_BACKWARD_INPUT = Primitive("conv_backward_input", _backward_input_vjp, _input_shape)
"""The adjoint of the convolution in its input, which is a transposed convolution: inputs `(dy, kernel)`."""
CONV_BACKWARD_KERNEL = Primitive("conv_backward_kernel", _backward_kernel_vjp, _kernel_shape)


def _depthwise_vjp(node: Node, dy: Tensor) -> tuple[Any, ...]:
    x, kernel = node.inputs
    need_x, need_kernel = node.needs
    attrs = node.attrs
    return (
        apply(DEPTHWISE_BACKWARD_INPUT, (dy, kernel), {"input_shape": x.array.shape, **attrs}) if need_x else None,
        apply(DEPTHWISE_BACKWARD_KERNEL, (x, dy), {"kernel_shape": kernel.array.shape, **attrs})
        if need_kernel
        else None,
    )


def _depthwise_infer(x: Any, kernel: Any, **attrs: Any) -> tuple[Any, Any]:
    return (x.shape[0], *_output_sizes(x, kernel, attrs), kernel.shape[-2] * kernel.shape[-1]), x.dtype


def _depthwise_backward_input_vjp(node: Node, g: Tensor) -> tuple[Any, ...]:
    dy, kernel = node.inputs
    geometry = _geometry(node.attrs)
    return (
        apply(DEPTHWISE_CONV, (g, kernel), geometry) if node.needs[0] else None,
        apply(DEPTHWISE_BACKWARD_KERNEL, (g, dy), {"kernel_shape": kernel.array.shape, **geometry})
        if node.needs[1]
        else None,
    )


def _depthwise_backward_kernel_vjp(node: Node, g: Tensor) -> tuple[Any, ...]:
    x, dy = node.inputs
    geometry = _geometry(node.attrs)
    return (
        apply(DEPTHWISE_BACKWARD_INPUT, (dy, g), {"input_shape": x.array.shape, **geometry}) if node.needs[0] else None,
        apply(DEPTHWISE_CONV, (x, g), geometry) if node.needs[1] else None,
    )


DEPTHWISE_CONV = Primitive("depthwise_conv", _depthwise_vjp, _depthwise_infer)
DEPTHWISE_BACKWARD_INPUT = Primitive("depthwise_conv_backward_input", _depthwise_backward_input_vjp, _input_shape)
DEPTHWISE_BACKWARD_KERNEL = Primitive("depthwise_conv_backward_kernel", _depthwise_backward_kernel_vjp, _kernel_shape)


def _operands(name: str, inputs: Any, kernel: Any, data_format: str | None) -> tuple[Tensor, Tensor, bool]:
    """Both as tensors of the kernel's dtype, channels last, with their ranks checked."""
    x, kernel = convert_to_tensor(inputs), autocasted(convert_to_tensor(kernel))
    rank = x.array.ndim
    if not 3 <= rank <= 5:
        raise ValueError(
            f"{name}: inputs must have a batch axis, one to three spatial axes, and channels. "
            f"Received: inputs.shape={x.shape}"
        )
    if kernel.array.ndim != rank:
        raise ValueError(
            f"{name}: the kernel must have as many dimensions as the inputs, {rank}. "
            f"Received: kernel.shape={kernel.shape}, inputs.shape={x.shape}"
        )
    x, moved = channels_last(convert_to_tensor(x, kernel.dtype), data_format)
    return x, kernel, moved


def _attributes(
    name: str, x: Tensor, kernel: Tensor, strides: Any, padding: Any, dilation_rate: Any, causal: bool = False
) -> dict[str, Any]:
    sizes = x.array.shape[1:-1]
    strides = per_axis(strides, len(sizes), "strides", name)
    dilation = per_axis(dilation_rate, len(sizes), "dilation_rate", name)
    spans = reach(kernel.array.shape[:-2], dilation)
    pairs = padding_pairs(padding, sizes, spans, strides, name, causal)
    require_windows(name, sizes, pairs, spans, strides, x.array.shape)
    return {"strides": strides, "padding": pairs, "dilation": dilation}


@op
def conv(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Tensor:
    """Convolution over one, two or three spatial axes (a cross-correlation: the kernel is not flipped).

    `y[n, o, j] = sum over p, i of x[n, o * strides + p * dilation_rate - before, i] * kernel[p, i, j]`

    Args:
        inputs: `(batch, *spatial, channels)`, or `(batch, channels, *spatial)` with "channels_first".
        kernel: `(*window, channels / groups, outputs)`. That it has fewer input channels than `inputs` makes
            the convolution a grouped one.
        strides: The step of the window, an int or one for each spatial axis.
        padding: "valid" (none) or "same" (`ceil(size / stride)` outputs, the odd zero at the end).
        data_format: "channels_last", "channels_first", or None for the default.
        dilation_rate: The distance between the elements that a window reads, an int or one for each axis.

    Returns:
        A tensor of shape `(batch, *out, outputs)`, in the dtype of the kernel.

    Raises:
        ValueError: If ranks or channels do not fit, or no window fits into the inputs.

    >>> conv([[[1.0], [2.0], [3.0]]], [[[1.0]], [[1.0]]]).tolist()
    [[[3.0], [5.0]]]
    """
    x, kernel, moved = _operands("conv", inputs, kernel, data_format)
    groups = _groups("conv", x, kernel)
    attrs = _attributes("conv", x, kernel, strides, padding, dilation_rate)
    y = apply(CONV, (x, kernel, None), {**attrs, "groups": groups, "activation": "linear"})
    return channels_back(y, moved)


def _groups(name: str, x: Tensor, kernel: Tensor) -> int:
    channels, per_group, outputs = x.array.shape[-1], kernel.array.shape[-2], kernel.array.shape[-1]
    groups, rest = divmod(channels, per_group) if per_group else (1, channels)
    if rest or not groups or outputs % groups:
        raise ValueError(
            f"{name}: the channels of the inputs must be a multiple of the kernel's input channels, and the "
            "kernel's outputs a multiple of that factor, the number of groups. "
            f"Received: channels={channels}, kernel.shape={kernel.shape}"
        )
    return groups


@op
def conv_bias(
    inputs: Any,
    kernel: Any,
    bias: Any = None,
    *,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
    groups: int = 1,
    activation: str = "linear",
) -> Tensor:
    """Convolution, bias and activation in one kernel: what the convolution layers call.

    An extension of `keras.ops`. Arguments are those of `conv`, and:

    Args:
        inputs: As in `conv`.
        kernel: As in `conv`.
        bias: `(outputs,)`, or None.
        strides: As in `conv`.
        padding: As in `conv`, or, over one spatial axis, "causal": no output sees what comes after it.
        data_format: As in `conv`.
        dilation_rate: As in `conv`.
        groups: How many groups the channels are split into.
        activation: "linear", "relu", "sigmoid" or "tanh".

    Raises:
        ValueError: If ranks, channels, the bias or the groups do not fit, or no window fits into the inputs.

    >>> conv_bias([[[1.0], [2.0]]], [[[1.0]], [[-1.0]]], [0.5], padding="causal", activation="relu").tolist()
    [[[0.0], [0.0]]]
    """
    if activation not in ACTIVATIONS:
        raise ValueError(f"conv_bias: activation must be one of {ACTIVATIONS}. Received: activation={activation!r}")
    x, kernel, moved = _operands("conv_bias", inputs, kernel, data_format)
    if _groups("conv_bias", x, kernel) != groups:
        raise ValueError(
            "conv_bias: the kernel must have channels / groups input channels. "
            f"Received: channels={x.shape[-1]}, groups={groups}, kernel.shape={kernel.shape}"
        )
    if bias is not None:
        bias = convert_to_tensor(autocasted(convert_to_tensor(bias)), kernel.dtype)
        if bias.array.shape != kernel.array.shape[-1:]:
            raise ValueError(
                f"conv_bias: expected a bias of shape {kernel.shape[-1:]}. Received: bias.shape={bias.shape}"
            )
    attrs = _attributes("conv_bias", x, kernel, strides, padding, dilation_rate, causal=True)
    y = apply(CONV, (x, kernel, bias), {**attrs, "groups": groups, "activation": activation})
    return channels_back(y, moved)


def _require_channels(name: str, x: Tensor, kernel: Tensor, position: int) -> None:
    if x.array.shape[-1] != kernel.array.shape[position]:
        raise ValueError(
            f"{name}: the channels of the inputs must be those of the kernel, {kernel.array.shape[position]}. "
            f"Received: channels={x.array.shape[-1]}, kernel.shape={kernel.shape}"
        )


@op
def depthwise_conv(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Tensor:
    """Convolution of each channel by itself.

    `y[n, o, i * m + k]` is channel `i` convolved with `kernel[..., i, k]`, for `m` kernels a channel.

    Args:
        inputs: `(batch, *spatial, channels)`, or `(batch, channels, *spatial)` with "channels_first".
        kernel: `(*window, channels, m)`.
        strides: As in `conv`.
        padding: As in `conv`, or "causal" over one spatial axis.
        data_format: As in `conv`.
        dilation_rate: As in `conv`.

    Returns:
        A tensor of shape `(batch, *out, channels * m)`.

    Raises:
        ValueError: If ranks or channels do not fit, or no window fits into the inputs.

    >>> depthwise_conv([[[1.0, 2.0], [3.0, 4.0]]], [[[1.0], [10.0]]]).tolist()
    [[[1.0, 20.0], [3.0, 40.0]]]
    """
    x, kernel, moved = _operands("depthwise_conv", inputs, kernel, data_format)
    _require_channels("depthwise_conv", x, kernel, -2)
    attrs = _attributes("depthwise_conv", x, kernel, strides, padding, dilation_rate, causal=True)
    return channels_back(apply(DEPTHWISE_CONV, (x, kernel), attrs), moved)


@op
def separable_conv(
    inputs: Any,
    depthwise_kernel: Any,
    pointwise_kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Tensor:
    """A depthwise convolution, then one with windows of a single element.

    Args:
        inputs: As in `depthwise_conv`.
        depthwise_kernel: `(*window, channels, m)`.
        pointwise_kernel: `(1, …, channels * m, outputs)`.
        strides: Those of the depthwise convolution.
        padding: That of the depthwise convolution.
        data_format: As in `conv`.
        dilation_rate: That of the depthwise convolution.

    >>> separable_conv([[[1.0, 2.0]]], [[[1.0], [10.0]]], [[[1.0], [1.0]]]).tolist()
    [[[21.0]]]
    """
    y = depthwise_conv(inputs, depthwise_kernel, strides, padding, data_format, dilation_rate)
    return conv(y, pointwise_kernel, data_format=data_format)


@op
def conv_transpose(
    inputs: Any,
    kernel: Any,
    strides: Any = 1,
    padding: str = "valid",
    output_padding: Any = None,
    data_format: str | None = None,
    dilation_rate: Any = 1,
) -> Tensor:
    """Transposed convolution: the adjoint of `conv` in its input, which makes images larger.

    With `k = (window - 1) * dilation_rate + 1`, the output has `size * strides` elements along an axis for
    "same", `(size - 1) * strides + max(k, strides)` for "valid"; with an output padding,
    `(size - 1) * strides + k % 2 + output_padding` for "same" and `(size - 1) * strides + k + output_padding`
    for "valid".

    Args:
        inputs: `(batch, *spatial, channels)`, or `(batch, channels, *spatial)` with "channels_first".
        kernel: `(*window, outputs, channels)`.
        strides: The factor by which the inputs are spread, an int or one for each spatial axis.
        padding: "valid" or "same".
        output_padding: Elements added at the end of the output, an int or one for each axis; None for the
            sizes above.
        data_format: As in `conv`.
        dilation_rate: As in `conv`.

    Raises:
        ValueError: If ranks or channels do not fit, or the padding is another one.

    >>> conv_transpose([[[1.0], [2.0]]], [[[1.0]], [[1.0]]], strides=2).tolist()
    [[[1.0], [1.0], [2.0], [2.0]]]
    """
    name = "conv_transpose"
    x, kernel, moved = _operands(name, inputs, kernel, data_format)
    _require_channels(name, x, kernel, -1)
    rank = x.array.ndim - 2
    strides = per_axis(strides, rank, "strides", name)
    dilation = per_axis(dilation_rate, rank, "dilation_rate", name)
    extra: Any = (None,) * rank
    if output_padding is not None:
        extra = per_axis(output_padding, rank, "output_padding", name, least=0)
    sizes, pairs = [], []
    spans = reach(kernel.array.shape[:-2], dilation)
    for size, span, stride, more in zip(x.array.shape[1:-1], spans, strides, extra, strict=True):
        target, before = transposed_size(size, span, stride, padding, more)
        sizes.append(target)
        pairs.append((before, (size - 1) * stride + span - target - before))
    attrs = {"strides": strides, "padding": tuple(pairs), "dilation": dilation, "groups": 1}
    shape = (x.array.shape[0], *sizes, kernel.array.shape[-2])
    return channels_back(apply(CONV_BACKWARD_INPUT, (x, kernel), {"input_shape": shape, **attrs}), moved)


def transposed_size(size: int, span: int, stride: int, padding: str, output_padding: int | None) -> tuple[int, int]:
    """The output size of a transposed convolution along an axis, and how much is cut off before it.

    >>> transposed_size(4, 3, 2, "same", None)
    (8, 0)
    """
    mode = padding.lower() if isinstance(padding, str) else padding
    if mode == "valid":
        after = max(span, stride) - span if output_padding is None else output_padding
        return (size - 1) * stride + span + after, 0
    if mode != "same":
        raise ValueError(f"conv_transpose: padding must be 'valid' or 'same'. Received: padding={padding!r}")
    # Elements around the spread inputs, of which at most `span - 1` are put before them.
    around = stride + span - 2 if output_padding is None else span + span % 2 - 2 + output_padding
    left = min(around // 2 + around % 2, span - 1)
    return (size - 1) * stride + 2 + around - span, span - 1 - left
