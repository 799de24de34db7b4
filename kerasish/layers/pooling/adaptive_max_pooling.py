"""`AdaptiveMaxPooling1D`, `…2D` and `…3D`: the maximum of windows of adapted size."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.layers.pooling.base_adaptive_pooling import BaseAdaptivePooling


class AdaptiveMaxPooling1D(BaseAdaptivePooling):
    """The maximum of windows of steps, sized so that the outputs have a given size.

    Args:
        output_size: The number of steps of the outputs.
        data_format: "channels_last", "channels_first", or None for the default.
        **kwargs: Arguments of `Layer`.

    Inputs have the shape `(batch, steps, channels)`, outputs `(batch, *output_size, channels)`; with
    "channels_first" the channels come second.

    >>> from kerasish import ops
    >>> AdaptiveMaxPooling1D(2)(ops.ones((2, 5, 3))).shape
    (2, 2, 3)
    """

    rank = 1
    _pool = staticmethod(ops.adaptive_max_pool)

    def __init__(self, output_size: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(output_size, data_format, **kwargs)


class AdaptiveMaxPooling2D(BaseAdaptivePooling):
    """The maximum of windows of images, sized so that the outputs have a given size.

    Args:
        output_size: The spatial sizes of the outputs, an int or 2 of them.
        data_format: "channels_last", "channels_first", or None for the default.
        **kwargs: Arguments of `Layer`.

    Inputs have the shape `(batch, height, width, channels)`, outputs `(batch, *output_size, channels)`; with
    "channels_first" the channels come second.

    >>> from kerasish import ops
    >>> AdaptiveMaxPooling2D(2)(ops.ones((2, 5, 5, 3))).shape
    (2, 2, 2, 3)
    """

    rank = 2
    _pool = staticmethod(ops.adaptive_max_pool)

    def __init__(self, output_size: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(output_size, data_format, **kwargs)


class AdaptiveMaxPooling3D(BaseAdaptivePooling):
    """The maximum of windows of volumes, sized so that the outputs have a given size.

    Args:
        output_size: The spatial sizes of the outputs, an int or 3 of them.
        data_format: "channels_last", "channels_first", or None for the default.
        **kwargs: Arguments of `Layer`.

    Inputs have the shape `(batch, depth, height, width, channels)`, outputs `(batch, *output_size, channels)`; with
    "channels_first" the channels come second.

    >>> from kerasish import ops
    >>> AdaptiveMaxPooling3D(2)(ops.ones((2, 5, 5, 5, 3))).shape
    (2, 2, 2, 2, 3)
    """

    rank = 3
    _pool = staticmethod(ops.adaptive_max_pool)

    def __init__(self, output_size: Any, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(output_size, data_format, **kwargs)
