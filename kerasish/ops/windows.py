"""The geometry of convolutions and poolings: steps, padding, output sizes, the place of the channels."""

from __future__ import annotations

from typing import Any

from kerasish import config
from kerasish.autodiff import Tensor
from kerasish.ops.shape import transpose

Pairs = tuple[tuple[int, int], ...]


def per_axis(value: Any, rank: int, argument: str, name: str, least: int = 1) -> tuple[int, ...]:
    """One int for each spatial axis, from an int or a sequence of `rank` ints.

    >>> per_axis(2, 3, "strides", "conv")
    (2, 2, 2)
    """
    values = (value,) * rank if isinstance(value, int) else value
    try:
        sizes = tuple([size.__index__() for size in values])
    except (AttributeError, TypeError):
        sizes = ()
    if len(sizes) != rank or min(sizes, default=least) < least:
        raise ValueError(
            f"{name}: {argument} must be an int of at least {least} or a sequence of {rank} of them. "
            f"Received: {argument}={value!r}"
        )
    return sizes


def reach(window: tuple[int, ...], dilation: tuple[int, ...]) -> tuple[int, ...]:
    """How many elements a dilated window spans: `(k - 1) * d + 1`.

    >>> reach((3, 3), (1, 2))
    (3, 5)
    """
    return tuple([(k - 1) * d + 1 for k, d in zip(window, dilation, strict=True)])


def padding_pairs(
    padding: Any,
    sizes: tuple[int, ...],
    spans: tuple[int, ...],
    strides: tuple[int, ...],
    name: str,
    causal: bool = False,
) -> Pairs:
    """How much is added before and after each spatial axis.

    "same" gives `ceil(size / stride)` windows, with the odd element of padding at the end; "causal" puts
    `span - 1` elements before a single axis, so that no window reads ahead.

    >>> padding_pairs("same", (5,), (4,), (1,), "conv")
    ((1, 2),)
    """
    mode = padding.lower() if isinstance(padding, str) else padding
    if mode == "valid":
        return ((0, 0),) * len(sizes)
    if mode == "same":
        pairs = []
        for size, span, stride in zip(sizes, spans, strides, strict=True):
            total = max((-(-size // stride) - 1) * stride + span - size, 0)
            pairs.append((total // 2, total - total // 2))
        return tuple(pairs)
    if mode == "causal" and causal and len(sizes) == 1:
        return ((spans[0] - 1, 0),)
    choices = "'valid', 'same' or 'causal'" if causal and len(sizes) == 1 else "'valid' or 'same'"
    raise ValueError(f"{name}: padding must be {choices}. Received: padding={padding!r}")


def window_count(size: int, pair: tuple[int, int], span: int, stride: int) -> int:
    """How many windows fit along an axis: `(size + before + after - span) // stride + 1`, at least 0.

    >>> window_count(5, (0, 0), 3, 2)
    2
    """
    return max((size + pair[0] + pair[1] - span) // stride + 1, 0)


def require_windows(
    name: str, sizes: tuple[int, ...], pairs: Pairs, spans: tuple[int, ...], strides: tuple[int, ...], shape: Any
) -> None:
    """Raise an error where no window fits into an axis that has elements."""
    for size, pair, span, stride in zip(sizes, pairs, spans, strides, strict=True):
        if size and not window_count(size, pair, span, stride):
            raise ValueError(
                f"{name}: the output would be empty: a window that spans {spans} elements does not fit into the "
                f"spatial sizes {sizes}. Received: inputs.shape={tuple(shape)}"
            )


def channels_last(x: Tensor, data_format: str | None) -> tuple[Tensor, bool]:
    """The tensor with its channels at the end, and whether they were moved there."""
    if config.check_data_format(data_format) == "channels_last":
        return x, False
    return transpose(x, (0, *range(2, x.array.ndim), 1)), True


def channels_back(x: Tensor, moved: bool) -> Tensor:
    """The channels back in second place, if they were moved."""
    if not moved:
        return x
    return transpose(x, (0, x.array.ndim - 1, *range(1, x.array.ndim - 1)))
