"""`GlobalAveragePooling1D`, `GlobalAveragePooling2D`, `GlobalAveragePooling3D`: the mean over all of space."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.autodiff import Tensor
from kerasish.layers.pooling.base_global_pooling import BaseGlobalPooling


class GlobalAveragePooling1D(BaseGlobalPooling):
    """The mean of each channel over all steps.

    Args:
        data_format: "channels_last", "channels_first", or None for the default.
        keepdims: Whether the spatial axes stay, with size 1.
        **kwargs: Arguments of `Layer`.

    Inputs have the shape `(batch, steps, channels)`, outputs `(batch, channels)`, or as the inputs
    with spatial sizes of 1; with "channels_first" the channels come second.

    With a mask `(batch, steps)`, the mean is that of the steps where it is true; the mask ends here.

    >>> from kerasish import ops
    >>> GlobalAveragePooling1D()(ops.ones((2, 4, 3))).shape
    (2, 3)
    """

    rank = 1

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(data_format, keepdims, **kwargs)
        self.supports_masking = True

    def call(self, inputs: Any, mask: Any = None) -> Tensor:
        axis = self._spatial_axes[0]
        if mask is None:
            return ops.mean(inputs, axis=axis, keepdims=self.keepdims)
        seen = ops.cast(ops.expand_dims(mask, 3 - axis), "bool")
        total = ops.sum(ops.where(seen, inputs, 0.0), axis=axis, keepdims=self.keepdims)
        return total / ops.sum(ops.cast(seen, inputs.dtype), axis=axis, keepdims=self.keepdims)

    def compute_mask(self, inputs: Any, mask: Any = None) -> None:
        return None


class GlobalAveragePooling2D(BaseGlobalPooling):
    """The mean of each channel over all rows and columns.

    Args:
        data_format: "channels_last", "channels_first", or None for the default.
        keepdims: Whether the spatial axes stay, with size 1.
        **kwargs: Arguments of `Layer`.

    Inputs have the shape `(batch, height, width, channels)`, outputs `(batch, channels)`, or as the inputs
    with spatial sizes of 1; with "channels_first" the channels come second.

    >>> from kerasish import ops
    >>> GlobalAveragePooling2D()(ops.ones((2, 4, 4, 3))).shape
    (2, 3)
    """

    rank = 2

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(data_format, keepdims, **kwargs)

    def call(self, inputs: Any) -> Tensor:
        return ops.mean(inputs, axis=self._spatial_axes, keepdims=self.keepdims)


class GlobalAveragePooling3D(BaseGlobalPooling):
    """The mean of each channel over all of a volume.

    Args:
        data_format: "channels_last", "channels_first", or None for the default.
        keepdims: Whether the spatial axes stay, with size 1.
        **kwargs: Arguments of `Layer`.

    Inputs have the shape `(batch, depth, height, width, channels)`, outputs `(batch, channels)`, or as the inputs
    with spatial sizes of 1; with "channels_first" the channels come second.

    >>> from kerasish import ops
    >>> GlobalAveragePooling3D()(ops.ones((2, 4, 4, 4, 3))).shape
    (2, 3)
    """

    rank = 3

    def __init__(self, data_format: str | None = None, keepdims: bool = False, **kwargs: Any) -> None:
        super().__init__(data_format, keepdims, **kwargs)

    def call(self, inputs: Any) -> Tensor:
        return ops.mean(inputs, axis=self._spatial_axes, keepdims=self.keepdims)
