"""The shapes of layers that slide a window over their inputs, where sizes may be unknown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerasish.ops.windows import reach

Shape = tuple[int | None, ...]


def spatial_sizes(input_shape: Any, rank: int, data_format: str, layer_name: str) -> tuple[Shape, int | None]:
    """The spatial sizes and the channels of an input shape, whose rank is checked.

    >>> spatial_sizes((None, 3, 28, 28), 2, "channels_first", "conv2d")
    ((28, 28), 3)
    """
    shape = tuple(input_shape)
    if len(shape) != rank + 2:
        raise ValueError(
            f"The layer {layer_name!r} expects inputs with a batch axis, {rank} spatial axes and channels. "
            f"Received: input_shape={shape}"
        )
    return (shape[2:], shape[1]) if data_format == "channels_first" else (shape[1:-1], shape[-1])


def assemble(batch: int | None, sizes: Any, channels: int | None, data_format: str) -> Shape:
    """A shape from its parts.

    >>> assemble(None, (28, 28), 3, "channels_first")
    (None, 3, 28, 28)
    """
    return (batch, channels, *sizes) if data_format == "channels_first" else (batch, *sizes, channels)


def window_counts(
    sizes: Shape,
    window: tuple[int, ...],
    strides: tuple[int, ...],
    padding: str,
    dilation: tuple[int, ...],
    layer_name: str,
) -> Shape:
    """How many windows fit along each axis; unknown where the size is.

    Raises:
        ValueError: If none fits.

    >>> window_counts((28, None), (3, 3), (2, 2), "valid", (1, 1), "conv2d")
    (13, None)
    """
    counts: list[int | None] = []
    for size, span, stride in zip(sizes, reach(window, dilation), strides, strict=True):
        if size is None:
            counts.append(None)
            continue
        counts.append((size - span) // stride + 1 if padding == "valid" else -(-size // stride))
        if counts[-1] is not None and counts[-1] <= 0:
            raise ValueError(
                f"The output of the layer {layer_name!r} would be empty: no window of {window} elements"
                f"{f' with dilation_rate={dilation}' if max(dilation) > 1 else ''} fits into the spatial sizes "
                f"{sizes} with padding={padding!r}. Received: spatial sizes {sizes}"
            )
    return tuple(counts)


def positive(value: Any, argument: str, layer_name: str) -> int:
    """The value as an int of at least 1, or an error that names the layer.

    >>> positive(3, "filters", "conv2d")
    3
    """
    if isinstance(value, bool) or not hasattr(value, "__index__") or value.__index__() <= 0:
        raise ValueError(
            f"Expected {argument} of the layer {layer_name!r} to be a positive int. Received: {argument}={value!r}"
        )
    return value.__index__()


def padding_mode(value: Any, layer_name: str, choices: tuple[str, ...] = ("valid", "same")) -> str:
    """The padding in lower case, or an error that names the layer.

    >>> padding_mode("SAME", "conv2d")
    'same'
    """
    mode = value.lower() if isinstance(value, str) else value
    if mode not in choices:
        raise ValueError(
            f"Expected padding of the layer {layer_name!r} to be one of {choices}. Received: padding={value!r}"
        )
    return mode


def with_layer_name(layer: Any, compute: Callable[[], Any], inputs: Any) -> Any:
    """The value of `compute`; inputs that do not fit are reported with the name of the layer."""
    try:
        return compute()
    except ValueError:
        layer.compute_output_shape(tuple(inputs.shape))
        raise
