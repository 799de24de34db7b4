"""`ZeroPadding1D`, `2D`, `3D`: zeros at the borders."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.autodiff import Tensor
from kerasish.layers.input_spec import InputSpec
from kerasish.layers.reshaping.borders import checked_borders, spatial_axes
from kerasish.layers.reshaping.moving import MovingLayer, checked_data_format


class BaseZeroPadding(MovingLayer):
    """What the padding layers share.

    Args:
        rank: The number of spatial axes.
        padding: How many zeros to put at the ends of each.
        data_format: Where the channels are.
        **kwargs: The arguments of `Layer`.
    """

    def __init__(self, rank: int, padding: Any, data_format: str | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._borders = checked_borders(padding, rank, "padding", self.name)
        self.padding: tuple[Any, ...] = self._borders
        self.data_format = checked_data_format(data_format, self.name)
        self.input_spec = InputSpec(ndim=rank + 2)

    def call(self, inputs: Any) -> Tensor:
        kept = ((0, 0),)
        if self.data_format == "channels_first":
            return ops.pad(inputs, kept + kept + self._borders)
        return ops.pad(inputs, kept + self._borders + kept)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        shape = list(input_shape)
        for axis, ends in zip(spatial_axes(len(self._borders), self.data_format), self._borders):
            if shape[axis] is not None:
                shape[axis] += sum(ends)
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "padding": self.padding, "data_format": self.data_format}


class ZeroPadding1D(BaseZeroPadding):
    """Puts zeros at both ends of sequences `(batch, steps, features)`.

    Args:
        padding: How many at the start and at the end: an int for both, or a pair.
        data_format: "channels_last" or "channels_first"; by default the one that is configured.

    >>> from kerasish import ops
    >>> ZeroPadding1D((1, 0))(ops.ones((1, 2, 1))).tolist()
    [[[0.0], [1.0], [1.0]]]
    """

    def __init__(self, padding: Any = 1, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(1, (padding,), data_format, **kwargs)
        self.padding = self._borders[0]


class ZeroPadding2D(BaseZeroPadding):
    """Puts rows and columns of zeros around images `(batch, rows, columns, channels)`.

    Args:
        padding: An int for all sides, two ints (rows, columns), or two pairs ((top, bottom), (left, right)).
        data_format: "channels_last" or "channels_first"; by default the one that is configured.

    >>> from kerasish import ops
    >>> ZeroPadding2D(((1, 0), (2, 2)))(ops.ones((1, 5, 6, 3))).shape
    (1, 6, 10, 3)
    """

    def __init__(self, padding: Any = (1, 1), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(2, padding, data_format, **kwargs)


class ZeroPadding3D(BaseZeroPadding):
    """Puts planes of zeros around volumes `(batch, a, b, c, channels)`.

    Args:
        padding: An int for all sides, three ints, or three pairs.
        data_format: "channels_last" or "channels_first"; by default the one that is configured.

    >>> from kerasish import ops
    >>> ZeroPadding3D(1)(ops.ones((1, 5, 6, 3, 2))).shape
    (1, 7, 8, 5, 2)
    """

    def __init__(self, padding: Any = ((1, 1), (1, 1), (1, 1)), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(3, padding, data_format, **kwargs)
