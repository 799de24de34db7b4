"""What the layers share that move elements and do not compute with them."""

from __future__ import annotations

from typing import Any

from kerasish.autodiff import KerasTensor
from kerasish.backend.dtypes import is_float
from kerasish.layers.layer import Layer


class MovingLayer(Layer):
    """The base of layers that keep the dtype of integers and bools, because they only move elements.

    A subclass writes `compute_output_shape(input_shape)`.
    """

    def compute_output_spec(self, inputs: KerasTensor) -> KerasTensor:
        dtype = self.compute_dtype if self.autocast and is_float(inputs.dtype) else inputs.dtype
        return KerasTensor(self.compute_output_shape(inputs.shape), dtype)


def checked_data_format(data_format: Any, name: str) -> str:
    """ "channels_last" or "channels_first"; the configured one for None.

    >>> checked_data_format("channels_first", "flatten")
    'channels_first'
    """
    from kerasish import config

    if data_format is None:
        return config.image_data_format()
    wanted = str(data_format).lower()
    if wanted not in ("channels_last", "channels_first"):
        raise ValueError(
            f'Expected data_format of the layer {name!r} to be "channels_last" or "channels_first". '
            f"Received: data_format={data_format!r}"
        )
    return wanted
