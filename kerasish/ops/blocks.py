"""Blocks of images as channels or columns, and back."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish import config
from kerasish.autodiff import Tensor, apply, convert_to_tensor, op
from kerasish.backend import K
from kerasish.ops.conv import CONV, CONV_BACKWARD_INPUT
from kerasish.ops.shape import transpose
from kerasish.ops.windows import padding_pairs, per_axis, reach, require_windows, window_count


def _four(name: str, x: Any) -> Tensor:
    x = convert_to_tensor(x)
    if x.array.ndim != 4:
        raise ValueError(f"{name}: expected a tensor with four dimensions. Received: x.shape={x.shape}")
    return x


def _block_size(name: str, block_size: Any) -> int:
    if not isinstance(block_size, int) or block_size < 2:
        raise ValueError(f"{name}: block_size must be an int of at least 2. Received: block_size={block_size!r}")
    return block_size


@op
def depth_to_space(x: Any, block_size: int, data_format: str | None = "channels_last") -> Tensor:
    """Channels spread over blocks of pixels: `(n, h, w, c) -> (n, h * b, w * b, c / b**2)`.

    Args:
        x: Images, `(n, h, w, c)`, or `(n, c, h, w)` with "channels_first".
        block_size: The side `b` of a block. With "channels_last" the channel counts fastest in a block.
        data_format: "channels_last" or "channels_first".

    Raises:
        ValueError: If the rank is not 4, or the channels are no multiple of `b**2`.

    >>> depth_to_space([[[[1.0, 2.0, 3.0, 4.0]]]], 2).tolist()
    [[[[1.0], [2.0]], [[3.0], [4.0]]]]
    """
    name = "depth_to_space"
    x, b = _four(name, x), _block_size(name, block_size)
    last = config.check_data_format(data_format) == "channels_last"
    n, *rest = x.shape
    h, w, c = rest if last else (*rest[1:], rest[0])
    if c % (b * b):
        raise ValueError(f"{name}: the channels must be a multiple of block_size**2. Received: x.shape={x.shape}")
    c //= b * b
    if last:
        return transpose(x.reshape((n, h, w, b, b, c)), (0, 1, 3, 2, 4, 5)).reshape((n, h * b, w * b, c))
    return transpose(x.reshape((n, c, b, b, h, w)), (0, 1, 4, 2, 5, 3)).reshape((n, c, h * b, w * b))


@op
def space_to_depth(x: Any, block_size: int, data_format: str | None = "channels_last") -> Tensor:
    """Blocks of pixels gathered into channels, the inverse of `depth_to_space`.

    Args:
        x: Images, `(n, h, w, c)`, or `(n, c, h, w)` with "channels_first".
        block_size: The side `b` of a block; the result is `(n, h / b, w / b, c * b**2)`.
        data_format: "channels_last" or "channels_first".

    Raises:
        ValueError: If the rank is not 4, or a side is no multiple of `b`.

    >>> space_to_depth([[[[1.0], [2.0]], [[3.0], [4.0]]]], 2).tolist()
    [[[[1.0, 2.0, 3.0, 4.0]]]]
    """
    name = "space_to_depth"
    x, b = _four(name, x), _block_size(name, block_size)
    last = config.check_data_format(data_format) == "channels_last"
    n, *rest = x.shape
    h, w, c = rest if last else (*rest[1:], rest[0])
    if h % b or w % b:
        raise ValueError(f"{name}: height and width must be multiples of block_size. Received: x.shape={x.shape}")
    h, w = h // b, w // b
    if last:
        return transpose(x.reshape((n, h, b, w, b, c)), (0, 1, 3, 2, 4, 5)).reshape((n, h, w, c * b * b))
    return transpose(x.reshape((n, c, h, b, w, b)), (0, 1, 3, 5, 2, 4)).reshape((n, c * b * b, h, w))


def patch_kernel(window: tuple[int, ...], channels: int, dtype: Any, channel_first: bool) -> Tensor:
    """A convolution kernel that copies each element of a window into an output channel of its own."""
    count = int(np.prod(window)) * channels
    eye = np.eye(count, dtype=dtype).reshape((*window, channels, count))
    if channel_first:
        # Output channels count the elements of a window fastest: (channel, *window) in row-major order.
        eye = np.moveaxis(eye.reshape((*window, channels, *window, channels)), -1, len(window) + 1)
        eye = eye.reshape((*window, channels, count))
    return Tensor(K.asarray(eye))


@op
def unfold(x: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    """The windows of images as columns: `(n, c, h, w) -> (n, c * kh * kw, windows)`.

    Args:
        x: Images, channels first.
        kernel_size: The height and width of the window, or one int for both.
        dilation: The distance between the elements that a window reads.
        padding: Zeros around each side.
        stride: The step of the window.

    Raises:
        ValueError: If the rank is not 4, or no window fits.

    >>> unfold([[[[1.0, 2.0], [3.0, 4.0]]]], 2).tolist()
    [[[1.0], [2.0], [3.0], [4.0]]]
    """
    name = "unfold"
    x = _four(name, x)
    window, attrs = _window(name, kernel_size, dilation, padding, stride)
    n, c = x.shape[:2]
    spans = reach(window, attrs["dilation"])
    require_windows(name, x.shape[2:], attrs["padding"], spans, attrs["strides"], x.shape)
    kernel = patch_kernel(window, c, x.array.dtype, channel_first=True)
    y = apply(CONV, (transpose(x, (0, 2, 3, 1)), kernel, None), {**attrs, "activation": "linear"})
    return transpose(y.reshape((n, -1, y.shape[-1])), (0, 2, 1))


@op
def fold(x: Any, output_size: Any, kernel_size: Any, dilation: Any = 1, padding: Any = 0, stride: Any = 1) -> Tensor:
    """The sum of columns at the places that `unfold` takes them from: `(n, c * kh * kw, windows) -> (n, c, h, w)`.

    Args:
        x: The columns.
        output_size: The height and width of the images, or one int for both.
        kernel_size: As in `unfold`.
        dilation: As in `unfold`.
        padding: As in `unfold`.
        stride: As in `unfold`.

    Raises:
        ValueError: If the shape of the columns does not fit.

    >>> fold([[[1.0], [2.0], [3.0], [4.0]]], 2, 2).tolist()
    [[[[1.0, 2.0], [3.0, 4.0]]]]
    """
    name = "fold"
    x = convert_to_tensor(x)
    window, attrs = _window(name, kernel_size, dilation, padding, stride)
    size = per_axis(output_size, 2, "output_size", name)
    counts = tuple(map(window_count, size, attrs["padding"], reach(window, attrs["dilation"]), attrs["strides"]))
    area = window[0] * window[1]
    if x.array.ndim != 3 or x.shape[1] % area or x.shape[2] != counts[0] * counts[1]:
        raise ValueError(
            f"{name}: expected columns of shape (batch, channels * {area}, {counts[0] * counts[1]}). "
            f"Received: x.shape={x.shape}"
        )
    n, rows, _ = x.shape
    kernel = patch_kernel(window, rows // area, x.array.dtype, channel_first=True)
    dy = transpose(x, (0, 2, 1)).reshape((n, *counts, rows))
    y = apply(CONV_BACKWARD_INPUT, (dy, kernel), {"input_shape": (n, *size, rows // area), **attrs})
    return transpose(y, (0, 3, 1, 2))


def _window(
    name: str, kernel_size: Any, dilation: Any, padding: Any, stride: Any
) -> tuple[tuple[int, ...], dict[str, Any]]:
    amounts = per_axis(padding, 2, "padding", name, least=0)
    return per_axis(kernel_size, 2, "kernel_size", name), {
        "strides": per_axis(stride, 2, "stride", name),
        "padding": tuple([(amount, amount) for amount in amounts]),
        "dilation": per_axis(dilation, 2, "dilation", name),
        "groups": 1,
    }


def patches(name: str, images: Tensor, size: Any, strides: Any, dilation_rate: Any, padding: str, rank: int) -> Tensor:
    """The windows of channels-last images, flattened into channels."""
    window = per_axis(size, rank, "size", name)
    steps = window if strides is None else per_axis(strides, rank, "strides", name)
    dilation = per_axis(dilation_rate, rank, "dilation_rate", name)
    sizes, spans = images.shape[1:-1], reach(window, dilation)
    pairs = padding_pairs(padding, sizes, spans, steps, name)
    require_windows(name, sizes, pairs, spans, steps, images.shape)
    kernel = patch_kernel(window, images.shape[-1], images.array.dtype, channel_first=False)
    attrs = {"strides": steps, "padding": pairs, "dilation": dilation, "groups": 1, "activation": "linear"}
    return apply(CONV, (images, kernel, None), attrs)
