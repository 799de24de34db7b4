"""`Cropping1D`, `2D`, `3D`: less at the borders."""

from __future__ import annotations

from typing import Any

from kerasish.autodiff import Tensor
from kerasish.layers.input_spec import InputSpec
from kerasish.layers.reshaping.borders import checked_borders, spatial_axes
from kerasish.layers.reshaping.moving import MovingLayer, checked_data_format


class BaseCropping(MovingLayer):
    """What the cropping layers share.

    Args:
        rank: The number of spatial axes.
        cropping: What to take off at the ends of each.
        data_format: Where the channels are.
        **kwargs: The arguments of `Layer`.
    """

    def __init__(self, rank: int, cropping: Any, data_format: str | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._borders = checked_borders(cropping, rank, "cropping", self.name)
        self.cropping: tuple[Any, ...] = self._borders
        self.data_format = checked_data_format(data_format, self.name)
        self.input_spec = InputSpec(ndim=rank + 2)

    def call(self, inputs: Any) -> Tensor:
        self.compute_output_shape(inputs.shape)
        key = [slice(None)] * inputs.ndim
        for axis, (before, after) in zip(spatial_axes(len(self._borders), self.data_format), self._borders):
            key[axis] = slice(before, inputs.shape[axis] - after)
        return inputs[tuple(key)]

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        shape = list(input_shape)
        for axis, ends in zip(spatial_axes(len(self._borders), self.data_format), self._borders):
            if shape[axis] is not None:
                shape[axis] -= sum(ends)
                if shape[axis] <= 0:
                    raise ValueError(
                        f"The layer {self.name!r} takes off all of axis {axis}: cropping={self._borders}. "
                        f"Received: input_shape={tuple(input_shape)}"
                    )
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "cropping": self.cropping, "data_format": self.data_format}


class Cropping1D(BaseCropping):
    """Takes steps off both ends of sequences `(batch, steps, features)`.

    Args:
        cropping: How many at the start and at the end: an int for both, or a pair.

    >>> from kerasish import ops
    >>> Cropping1D((1, 2))(ops.ones((1, 6, 2))).shape
    (1, 3, 2)
    """

    def __init__(self, cropping: Any = (1, 1), **kwargs: Any) -> None:
        super().__init__(1, (cropping,), "channels_last", **kwargs)
        self.cropping = self._borders[0]

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["data_format"]
        return config


class Cropping2D(BaseCropping):
    """Takes rows and columns off images `(batch, rows, columns, channels)`.

    Args:
        cropping: An int for all sides, two ints (rows, columns), or two pairs ((top, bottom), (left, right)).
        data_format: "channels_last" or "channels_first"; by default the one that is configured.

    >>> from kerasish import ops
    >>> Cropping2D(((1, 0), (2, 2)))(ops.ones((1, 5, 6, 3))).shape
    (1, 4, 2, 3)
    """

    def __init__(self, cropping: Any = ((0, 0), (0, 0)), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(2, cropping, data_format, **kwargs)


class Cropping3D(BaseCropping):
    """Takes planes off volumes `(batch, a, b, c, channels)`.

    Args:
        cropping: An int for all sides, three ints, or three pairs.
        data_format: "channels_last" or "channels_first"; by default the one that is configured.

    >>> from kerasish import ops
    >>> Cropping3D(1)(ops.ones((1, 5, 6, 3, 2))).shape
    (1, 3, 4, 1, 2)
    """

    def __init__(self, cropping: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(3, cropping, data_format, **kwargs)
