"""`MaxPooling1D`, `MaxPooling2D`, `MaxPooling3D`: the maximum of windows."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.layers.pooling.base_pooling import BasePooling


class MaxPooling1D(BasePooling):
    """The largest element of each window of steps, channel by channel.

    Args:
        pool_size: The size of the window.
        strides: Its step; None takes `pool_size`.
        padding: "valid" (windows inside) or "same" (`ceil(size / stride)` windows); padding is never a maximum.
        data_format: "channels_last", "channels_first", or None for the default.
        name: The layer's name.
        **kwargs: Arguments of `Layer`.

    Inputs have the shape `(batch, steps, channels)`; the outputs differ in the sizes
    in between. With "channels_first" the channels come second.

    Raises:
        ValueError: If an argument is not one of these, or no window fits into the inputs.

    >>> from kerasish import ops
    >>> MaxPooling1D(2)(ops.array([[[1.0], [3.0], [2.0], [0.0]]])).tolist()
    [[[3.0], [2.0]]]
    """

    rank = 1
    _pool = staticmethod(ops.max_pool)

    def __init__(
        self,
        pool_size: Any = 2,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


class MaxPooling2D(BasePooling):
    """The largest element of each window of images, channel by channel.

    Args:
        pool_size: The size of the window, an int or 2 of them.
        strides: Its step; None takes `pool_size`.
        padding: "valid" (windows inside) or "same" (`ceil(size / stride)` windows); padding is never a maximum.
        data_format: "channels_last", "channels_first", or None for the default.
        name: The layer's name.
        **kwargs: Arguments of `Layer`.

    Inputs have the shape `(batch, height, width, channels)`; the outputs differ in the sizes
    in between. With "channels_first" the channels come second.

    Raises:
        ValueError: If an argument is not one of these, or no window fits into the inputs.

    >>> from kerasish import ops
    >>> MaxPooling2D(2)(ops.ones((2, 4, 6, 3))).shape
    (2, 2, 3, 3)
    """

    rank = 2
    _pool = staticmethod(ops.max_pool)

    def __init__(
        self,
        pool_size: Any = (2, 2),
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


class MaxPooling3D(BasePooling):
    """The largest element of each window of volumes, channel by channel.

    Args:
        pool_size: The size of the window, an int or 3 of them.
        strides: Its step; None takes `pool_size`.
        padding: "valid" (windows inside) or "same" (`ceil(size / stride)` windows); padding is never a maximum.
        data_format: "channels_last", "channels_first", or None for the default.
        name: The layer's name.
        **kwargs: Arguments of `Layer`.

    Inputs have the shape `(batch, depth, height, width, channels)`; the outputs differ in the sizes
    in between. With "channels_first" the channels come second.

    Raises:
        ValueError: If an argument is not one of these, or no window fits into the inputs.

    >>> from kerasish import ops
    >>> MaxPooling3D(2)(ops.ones((2, 4, 6, 8, 3))).shape
    (2, 2, 3, 4, 3)
    """

    rank = 3
    _pool = staticmethod(ops.max_pool)

    def __init__(
        self,
        pool_size: Any = (2, 2, 2),
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)
