"""`GlobalMaxPooling1D`, `GlobalMaxPooling2D`, `GlobalMaxPooling3D`: the maximum over all of space."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.autodiff import Tensor
from kerasish.layers.pooling.base_global_pooling import BaseGlobalPooling


class GlobalMaxPooling1D(BaseGlobalPooling):
    """The maximum of each channel over all steps.

    Args:
        data_format: "channels_last", "channels_first", or None for the default.
        keepdims: Whether the spatial axes stay, with size 1.
        **kwargs: Arguments of `Layer`.

    Inputs have the shape `(batch, steps, channels)`, outputs `(batch, channels)`, or as the inputs
    with spatial sizes of 1; with "channels_first" the channels come second.

    >>> from kerasish import ops
    >>> GlobalMaxPooling1D()(ops.ones((2, 4, 3))).shape
    (2, 3)
    """

    rank = 1

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(data_format, keepdims, **kwargs)

    def call(self, inputs: Any) -> Tensor:
        return ops.max(inputs, axis=self._spatial_axes, keepdims=self.keepdims)


class GlobalMaxPooling2D(BaseGlobalPooling):
    """The maximum of each channel over all rows and columns.

    Args:
        data_format: "channels_last", "channels_first", or None for the default.
        keepdims: Whether the spatial axes stay, with size 1.
        **kwargs: Arguments of `Layer`.

    Inputs have the shape `(batch, height, width, channels)`, outputs `(batch, channels)`, or as the inputs
    with spatial sizes of 1; with "channels_first" the channels come second.

    >>> from kerasish import ops
    >>> GlobalMaxPooling2D()(ops.ones((2, 4, 4, 3))).shape
    (2, 3)
    """

    rank = 2

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(data_format, keepdims, **kwargs)

    def call(self, inputs: Any) -> Tensor:
        return ops.max(inputs, axis=self._spatial_axes, keepdims=self.keepdims)


class GlobalMaxPooling3D(BaseGlobalPooling):
    """The maximum of each channel over all of a volume.

    Args:
        data_format: "channels_last", "channels_first", or None for the default.
        keepdims: Whether the spatial axes stay, with size 1.
        **kwargs: Arguments of `Layer`.

    Inputs have the shape `(batch, depth, height, width, channels)`, outputs `(batch, channels)`, or as the inputs
    with spatial sizes of 1; with "channels_first" the channels come second.

    >>> from kerasish import ops
    >>> GlobalMaxPooling3D()(ops.ones((2, 4, 4, 4, 3))).shape
    (2, 3)
    """

    rank = 3

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(data_format, keepdims, **kwargs)

    def call(self, inputs: Any) -> Tensor:
        return ops.max(inputs, axis=self._spatial_axes, keepdims=self.keepdims)
