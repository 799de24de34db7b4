"""Images: other sizes, margins, patches, grey."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from kerasish import config
from kerasish.autodiff import Tensor, convert_to_tensor, op
from kerasish.backend import K
from kerasish.backend.dtypes import FLOATS, INTEGERS
from kerasish.ops.blocks import patches
from kerasish.ops.choice import clip
from kerasish.ops.elementwise import round as round_
from kerasish.ops.indexing import take
from kerasish.ops.matmul import einsum
from kerasish.ops.promotion import as_float
from kerasish.ops.reduction import sum as reduce_sum
from kerasish.ops.tiling import pad
from kerasish.ops.windows import channels_back, channels_last

INTERPOLATIONS = ("bilinear", "nearest", "lanczos3", "lanczos5", "bicubic")


def _triangle(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.maximum(0, 1 - x)


def _cubic(x: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    """Keys's cubic with a = -1/2."""
    near = (1.5 * x - 2.5) * x * x + 1
    far = ((-0.5 * x + 2.5) * x - 4) * x + 2
    return np.where(x >= 2, 0, np.where(x >= 1, far, near))


def _lanczos(x: np.ndarray[Any, Any], radius: int) -> np.ndarray[Any, Any]:
    return np.where(x < radius, np.sinc(x) * np.sinc(x / radius), 0)


_FILTERS = {
    "bilinear": _triangle,
    "bicubic": _cubic,
    "lanczos3": lambda x: _lanczos(x, 3),
    "lanczos5": lambda x: _lanczos(x, 5),
}


@lru_cache(maxsize=128)
def _weights(source: int, target: int, interpolation: str, antialias: bool) -> np.ndarray[Any, Any]:
    """The share of each source pixel in each target pixel along an axis: `(source, target)`."""
    step = source / target
    scale = max(step, 1.0) if antialias else 1.0
    centres = (np.arange(target) + 0.5) * step - 0.5
    weights = _FILTERS[interpolation](np.abs(centres - np.arange(source)[:, None]) / scale)
    total = weights.sum(0)
    # Near the border the filter hangs over; what lies inside is scaled up to a sum of one.
    return np.where(np.abs(total) > 1e-4, weights / np.where(total == 0, 1, total), 0)


def _resized_axis(x: Tensor, axis: int, target: int, interpolation: str, antialias: bool) -> Tensor:
    source = x.shape[axis]
    if source == target:
        return x
    if interpolation == "nearest":
        rows = np.floor((np.arange(target) + 0.5) * (source / target)).astype(np.int32)
        return take(x, np.minimum(rows, source - 1), axis=axis)
    weights = Tensor(K.asarray(_weights(source, target, interpolation, antialias).astype(x.array.dtype)))
    return einsum("bhwc,hn->bnwc" if axis == 1 else "bhwc,wn->bhnc", x, weights)


def _batch(name: str, images: Tensor, data_format: str | None) -> tuple[Tensor, bool, bool]:
    """Images as `(batch, h, w, c)`, whether the channels were moved, and whether the batch was added."""
    single = images.array.ndim == 3
    if not single and images.array.ndim != 4:
        raise ValueError(
            f"{name}: images must have three dimensions, or four with a batch. Received: images.shape={images.shape}"
        )
    x, moved = channels_last(images.reshape((1, *images.shape)) if single else images, data_format)
    return x, moved, single


def _unbatch(x: Tensor, moved: bool, single: bool) -> Tensor:
    x = channels_back(x, moved)
    return x.reshape(x.shape[1:]) if single else x


@op
def resize(
    images: Any,
    size: Any,
    interpolation: str = "bilinear",
    antialias: bool = False,
    crop_to_aspect_ratio: bool = False,
    pad_to_aspect_ratio: bool = False,
    fill_mode: str = "constant",
    fill_value: float = 0.0,
    data_format: str | None = None,
) -> Tensor:
    """Images in another size. Pixels are squares; the centre of pixel `i` lies at `i + 1/2`.

    Args:
        images: `(batch, h, w, c)` or `(h, w, c)`; the channels before `h` with "channels_first".
        size: The new height and width.
        interpolation: "bilinear", "nearest", "bicubic" (Keys, a = -1/2), "lanczos3" or "lanczos5".
        antialias: Whether the filter is widened where images get smaller.
        crop_to_aspect_ratio: Whether the largest centred part with the new aspect ratio is taken.
        pad_to_aspect_ratio: Whether margins are added so as to have the new aspect ratio.
        fill_mode: "constant".
        fill_value: The value of these margins.
        data_format: "channels_last", "channels_first", or None for the default.

    Returns:
        Images of the new size, in the same dtype: integers are rounded, and clipped to what it holds.

    Raises:
        ValueError: If the rank or an argument does not fit.

    >>> resize([[[1.0], [3.0]]], (1, 4), interpolation="nearest").numpy()[0, :, 0].tolist()
    [1.0, 1.0, 3.0, 3.0]
    """
    if interpolation not in INTERPOLATIONS:
        raise ValueError(
            f"resize: interpolation must be one of {INTERPOLATIONS}. Received: interpolation={interpolation!r}"
        )
    if fill_mode != "constant":
        raise ValueError(f"resize: fill_mode must be 'constant'. Received: fill_mode={fill_mode!r}")
    if crop_to_aspect_ratio and pad_to_aspect_ratio:
        raise ValueError("resize: only one of crop_to_aspect_ratio and pad_to_aspect_ratio can be true. Received: both")
    if len(size) != 2 or min(size) < 1:
        raise ValueError(f"resize: size must be a height and a width of at least 1. Received: size={size!r}")
    target_h, target_w = int(size[0]), int(size[1])
    given = convert_to_tensor(images)
    x, moved, single = _batch("resize", given if interpolation == "nearest" else as_float(given), data_format)
    h, w = x.shape[1:3]
    if crop_to_aspect_ratio:
        crop_h = max(min(h, int(float(w * target_h) / target_w)), 1)
        crop_w = max(min(w, int(float(h * target_w) / target_h)), 1)
        top, left = (h - crop_h) // 2, (w - crop_w) // 2
        x = x[:, top : top + crop_h, left : left + crop_w]
    elif pad_to_aspect_ratio:
        top = (max(h, int(float(w * target_h) / target_w)) - h) // 2
        left = 0 if top else (max(w, int(float(h * target_w) / target_h)) - w) // 2
        x = pad(x, ((0, 0), (top, top), (left, left), (0, 0)), constant_values=fill_value)
    if interpolation != "nearest" and x.dtype in ("float16", "bfloat16"):
        x = convert_to_tensor(x, "float32")
    for axis, target in ((1, target_h), (2, target_w)):
        x = _resized_axis(x, axis, target, interpolation, bool(antialias))
    return _unbatch(_restored(x, given.dtype), moved, single)


def _restored(x: Tensor, dtype: str) -> Tensor:
    """The result in the dtype of the images; integers are rounded and do not wrap around."""
    if dtype in INTEGERS and x.dtype != dtype:
        limits = np.iinfo(dtype)
        x = clip(round_(x), float(limits.min), float(limits.max))
    return convert_to_tensor(x, dtype)


def _margins(name: str, what: str, before: Any, after: Any, change: Any, axis: str) -> tuple[int, int]:
    """Two amounts, of which one may follow from the change of the size."""
    if [before, after, change].count(None) != 1:
        raise ValueError(
            f"{name}: exactly two of the {axis}'s {what} before, {what} after and target must be given. "
            f"Received: before={before}, after={after}, target given: {change is not None}"
        )
    if before is None:
        before = change - after
    elif after is None:
        after = change - before
    if before < 0 or after < 0:
        raise ValueError(f"{name}: a {what} would be negative. Received: {axis}: before={before}, after={after}")
    return int(before), int(after)


@op
def pad_images(
    images: Any,
    top_padding: int | None = None,
    left_padding: int | None = None,
    bottom_padding: int | None = None,
    right_padding: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Tensor:
    """Zeros around images. Two of the three arguments of each direction are given.

    Args:
        images: `(batch, h, w, c)` or `(h, w, c)`; the channels before `h` with "channels_first".
        top_padding: Rows above.
        left_padding: Columns to the left.
        bottom_padding: Rows below.
        right_padding: Columns to the right.
        target_height: The new height.
        target_width: The new width.
        data_format: "channels_last", "channels_first", or None for the default.

    Raises:
        ValueError: If not exactly two arguments of a direction are given, or an amount is negative.

    >>> pad_images([[[1.0]]], 0, 1, target_height=1, target_width=3).numpy()[0, :, 0].tolist()
    [0.0, 1.0, 0.0]
    """
    name = "pad_images"
    x, moved, single = _batch(name, convert_to_tensor(images), data_format)
    h, w = x.shape[1:3]
    rows = None if target_height is None else target_height - h
    columns = None if target_width is None else target_width - w
    vertical = _margins(name, "padding", top_padding, bottom_padding, rows, "height")
    horizontal = _margins(name, "padding", left_padding, right_padding, columns, "width")
    return _unbatch(pad(x, ((0, 0), vertical, horizontal, (0, 0))), moved, single)


@op
def crop_images(
    images: Any,
    top_cropping: int | None = None,
    left_cropping: int | None = None,
    bottom_cropping: int | None = None,
    right_cropping: int | None = None,
    target_height: int | None = None,
    target_width: int | None = None,
    data_format: str | None = None,
) -> Tensor:
    """Images without their margins. Two of the three arguments of each direction are given.

    Args:
        images: `(batch, h, w, c)` or `(h, w, c)`; the channels before `h` with "channels_first".
        top_cropping: Rows dropped above.
        left_cropping: Columns dropped to the left.
        bottom_cropping: Rows dropped below.
        right_cropping: Columns dropped to the right.
        target_height: The new height.
        target_width: The new width.
        data_format: "channels_last", "channels_first", or None for the default.

    Raises:
        ValueError: If not exactly two arguments of a direction are given, an amount is negative, or nothing
            would be left.

    >>> crop_images([[[1.0], [2.0], [3.0]]], 0, 1, target_height=1, target_width=1).tolist()
    [[[2.0]]]
    """
    name = "crop_images"
    x, moved, single = _batch(name, convert_to_tensor(images), data_format)
    h, w = x.shape[1:3]
    rows = None if target_height is None else h - target_height
    columns = None if target_width is None else w - target_width
    top, bottom = _margins(name, "cropping", top_cropping, bottom_cropping, rows, "height")
    left, right = _margins(name, "cropping", left_cropping, right_cropping, columns, "width")
    if top + bottom >= h or left + right >= w:
        raise ValueError(
            f"{name}: nothing would be left. Received: images.shape={tuple(convert_to_tensor(images).shape)}, "
            f"rows cropped={top + bottom}, columns cropped={left + right}"
        )
    return _unbatch(x[:, top : h - bottom, left : w - right], moved, single)


@op
def extract_patches(
    images: Any,
    size: Any,
    strides: Any = None,
    dilation_rate: Any = 1,
    padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:
    """The windows of images, each flattened into channels (row, column, channel in row-major order).

    Args:
        images: `(batch, h, w, c)` or `(h, w, c)`; the channels before `h` with "channels_first".
        size: The height and width of the window, or one int for both.
        strides: Its step; None takes `size`.
        dilation_rate: The distance between the elements that a window reads.
        padding: "valid" or "same".
        data_format: "channels_last", "channels_first", or None for the default.

    Returns:
        `(batch, rows, columns, height * width * c)`, or with the channels before the rows.

    Raises:
        ValueError: If the rank does not fit, or no window fits.

    >>> extract_patches([[[1.0], [2.0]], [[3.0], [4.0]]], 2).tolist()
    [[[1.0, 2.0, 3.0, 4.0]]]
    """
    name = "extract_patches"
    x, moved, single = _batch(name, as_float(images), data_format)
    return _unbatch(patches(name, x, size, strides, dilation_rate, padding, 2), moved, single)


@op
def rgb_to_grayscale(images: Any, data_format: str | None = None) -> Tensor:
    """The luminance `0.2989 R + 0.587 G + 0.114 B`, with one channel. Integers are rounded down.

    Args:
        images: `(batch, h, w, 3)` or `(h, w, 3)`; the channels before `h` with "channels_first".
        data_format: "channels_last", "channels_first", or None for the default.

    Raises:
        ValueError: If the rank does not fit, or there are not three channels.

    >>> rgb_to_grayscale([[[1.0, 0.0, 0.0]]]).numpy().round(4).tolist()
    [[[0.2989000082015991]]]
    """
    given = convert_to_tensor(images)
    config.check_data_format(data_format)
    x, moved, single = _batch("rgb_to_grayscale", as_float(given), data_format)
    if x.shape[-1] != 3:
        raise ValueError(f"rgb_to_grayscale: images must have three channels. Received: images.shape={given.shape}")
    weights = Tensor(K.asarray(np.array([0.2989, 0.5870, 0.1140], x.array.dtype)))
    y = reduce_sum(x * weights, axis=-1, keepdims=True)
    return _unbatch(y if given.dtype in FLOATS else convert_to_tensor(y, given.dtype), moved, single)
