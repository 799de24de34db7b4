"""`UpSampling1D`, `2D`, `3D`: more elements along the spatial axes."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.autodiff import Tensor
from kerasish.layers.input_spec import InputSpec
from kerasish.layers.reshaping.borders import checked_ints, spatial_axes
from kerasish.layers.reshaping.moving import MovingLayer, checked_data_format

_INTERPOLATIONS = ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5")


class BaseUpSampling(MovingLayer):
    """What the upsampling layers share.

    Args:
        rank: The number of spatial axes.
        size: The factor of each.
        data_format: Where the channels are.
        **kwargs: The arguments of `Layer`.
    """

    def __init__(self, rank: int, size: Any, data_format: str | None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._factors = checked_ints(size, rank, "size", self.name, least=1)
        self.size: Any = self._factors
        self.data_format = checked_data_format(data_format, self.name)
        self.input_spec = InputSpec(ndim=rank + 2)

    def call(self, inputs: Any) -> Tensor:
        x = inputs
        for axis, factor in zip(spatial_axes(len(self._factors), self.data_format), self._factors):
            x = ops.repeat(x, factor, axis=axis)
        return x

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        shape = list(input_shape)
        for axis, factor in zip(spatial_axes(len(self._factors), self.data_format), self._factors):
            if shape[axis] is not None:
                shape[axis] *= factor
        return tuple(shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "size": self.size, "data_format": self.data_format}


class UpSampling1D(BaseUpSampling):
    """Repeats each step of sequences `(batch, steps, features)`.

    Args:
        size: How often.

    Raises:
        TypeError: If `size` is not an int.
        ValueError: If it is not positive.

    >>> from kerasish import ops
    >>> UpSampling1D(2)(ops.array([[[1.0], [2.0]]])).tolist()
    [[[1.0], [1.0], [2.0], [2.0]]]
    """

    def __init__(self, size: int = 2, **kwargs: Any) -> None:
        if isinstance(size, bool) or not isinstance(size, int):
            raise TypeError(f"Expected size of an UpSampling1D layer to be an int. Received: size={size!r}")
        super().__init__(1, size, "channels_last", **kwargs)
        self.size = size

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["data_format"]
        return config


class UpSampling2D(BaseUpSampling):
    """Enlarges images `(batch, rows, columns, channels)`.

    Args:
        size: The factors of rows and columns: an int for both, or a pair.
        data_format: "channels_last" or "channels_first"; by default the one that is configured.
        interpolation: "nearest", "bilinear", "bicubic", "lanczos3" or "lanczos5".

    >>> from kerasish import ops
    >>> UpSampling2D((1, 2))(ops.array([[[[1.0], [2.0]]]]))[0, 0, :, 0].tolist()
    [1.0, 1.0, 2.0, 2.0]
    """

    def __init__(
        self,
        size: Any = (2, 2),
        data_format: str | None = None,
        interpolation: str = "nearest",
        **kwargs: Any,
    ) -> None:
        super().__init__(2, size, data_format, **kwargs)
        self.interpolation = str(interpolation).lower()
        if self.interpolation not in _INTERPOLATIONS:
            raise ValueError(
                f"Expected interpolation of the layer {self.name!r} to be one of {_INTERPOLATIONS}. "
                f"Received: interpolation={interpolation!r}"
            )

    def call(self, inputs: Any) -> Tensor:
        if self.interpolation == "nearest":
            return super().call(inputs)
        rows, columns = spatial_axes(2, self.data_format)
        size = (inputs.shape[rows] * self._factors[0], inputs.shape[columns] * self._factors[1])
        return ops.image.resize(inputs, size, interpolation=self.interpolation, data_format=self.data_format)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "interpolation": self.interpolation}


class UpSampling3D(BaseUpSampling):
    """Repeats the planes of volumes `(batch, a, b, c, channels)`.

    Args:
        size: The three factors: an int for all, or three ints.
        data_format: "channels_last" or "channels_first"; by default the one that is configured.

    >>> from kerasish import ops
    >>> UpSampling3D(2)(ops.ones((1, 1, 2, 3, 1))).shape
    (1, 2, 4, 6, 1)
    """

    def __init__(self, size: Any = (2, 2, 2), data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(3, size, data_format, **kwargs)
