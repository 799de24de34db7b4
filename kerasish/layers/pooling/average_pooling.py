"""`AveragePooling1D`, `AveragePooling2D`, `AveragePooling3D`: the mean of windows."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.layers.pooling.base_pooling import BasePooling


class AveragePooling1D(BasePooling):
    """The mean of the elements of each window of steps, channel by channel.

    Args:
        pool_size: The size of the window.
        strides: Its step; None takes `pool_size`.
        padding: "valid" (windows inside) or "same" (`ceil(size / stride)` windows); padding is not counted.
        data_format: "channels_last", "channels_first", or None for the default.
        name: The layer's name.
        **kwargs: Arguments of `Layer`.

    Inputs have the shape `(batch, steps, channels)`; the outputs differ in the sizes
    in between. With "channels_first" the channels come second.

    Raises:
        ValueError: If an argument is not one of these, or no window fits into the inputs.

    >>> from kerasish import ops
    >>> AveragePooling1D(2)(ops.array([[[1.0], [3.0], [2.0], [0.0]]])).tolist()
    [[[2.0], [1.0]]]
    """

    rank = 1
    _pool = staticmethod(ops.average_pool)

    def __init__(
        self,
        pool_size: Any,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


class AveragePooling2D(BasePooling):
    """The mean of the elements of each window of images, channel by channel.

    Args:
        pool_size: The size of the window, an int or 2 of them.
        strides: Its step; None takes `pool_size`.
        padding: "valid" (windows inside) or "same" (`ceil(size / stride)` windows); padding is not counted.
        data_format: "channels_last", "channels_first", or None for the default.
        name: The layer's name.
        **kwargs: Arguments of `Layer`.

    Inputs have the shape `(batch, height, width, channels)`; the outputs differ in the sizes
    in between. With "channels_first" the channels come second.

    Raises:
        ValueError: If an argument is not one of these, or no window fits into the inputs.

    >>> from kerasish import ops
    >>> AveragePooling2D(2)(ops.ones((2, 4, 6, 3))).shape
    (2, 2, 3, 3)
    """

    rank = 2
    _pool = staticmethod(ops.average_pool)

    def __init__(
        self,
        pool_size: Any,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)


class AveragePooling3D(BasePooling):
    """The mean of the elements of each window of volumes, channel by channel.

    Args:
        pool_size: The size of the window, an int or 3 of them.
        strides: Its step; None takes `pool_size`.
        padding: "valid" (windows inside) or "same" (`ceil(size / stride)` windows); padding is not counted.
        data_format: "channels_last", "channels_first", or None for the default.
        name: The layer's name.
        **kwargs: Arguments of `Layer`.

    Inputs have the shape `(batch, depth, height, width, channels)`; the outputs differ in the sizes
    in between. With "channels_first" the channels come second.

    Raises:
        ValueError: If an argument is not one of these, or no window fits into the inputs.

    >>> from kerasish import ops
    >>> AveragePooling3D(2)(ops.ones((2, 4, 6, 8, 3))).shape
    (2, 2, 3, 4, 3)
    """

    rank = 3
    _pool = staticmethod(ops.average_pool)

    def __init__(
        self,
        pool_size: Any,
        strides: Any = None,
        padding: str = "valid",
        data_format: str | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(pool_size, strides, padding, data_format, name, **kwargs)
