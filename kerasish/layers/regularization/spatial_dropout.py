"""`SpatialDropout1D`, `2D`, `3D`: dropout of whole feature maps."""

from __future__ import annotations

from typing import Any

from kerasish.autodiff import Tensor
from kerasish.layers.input_spec import InputSpec
from kerasish.layers.regularization.dropout import Dropout
from kerasish.layers.reshaping.moving import checked_data_format


class BaseSpatialDropout(Dropout):
    """What the layers share that drop whole feature maps: a sample keeps or loses a channel everywhere.

    Args:
        rank: The number of spatial axes.
        rate: The probability that a channel is dropped.
        data_format: Where the channels are.
        seed: The seed of the random stream.
        name: The layer's name.
        dtype: A dtype or a dtype policy.
        **kwargs: The other arguments of `Layer`.
    """

    def __init__(
        self,
        rank: int,
        rate: float,
        data_format: str | None,
        seed: int | None,
        name: str | None,
        dtype: Any,
        **kwargs: Any,
    ) -> None:
        super().__init__(rate, seed=seed, name=name, dtype=dtype, **kwargs)
        self.data_format = checked_data_format(data_format, self.name)
        self.input_spec = InputSpec(ndim=rank + 2)

    def _noise_shape(self, inputs: Tensor) -> tuple[int, ...]:
        shape = inputs.shape
        ones = (1,) * (len(shape) - 2)
        return (*shape[:2], *ones) if self.data_format == "channels_first" else (shape[0], *ones, shape[-1])

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["noise_shape"]
        # Keras's own layer takes no such argument.
        if config["trainable"]:
            del config["trainable"]
        return {**config, "data_format": self.data_format}


class SpatialDropout1D(BaseSpatialDropout):
    """Drops whole features of sequences `(batch, steps, features)` in training.

    Args:
        rate: The probability that a feature is dropped.
        seed: The seed of the random stream.
        name: The layer's name.
        dtype: A dtype or a dtype policy.

    Source: Tompson et al., 2014, "Efficient object localization using convolutional networks".

    >>> from kerasish import ops
    >>> y = SpatialDropout1D(0.5, seed=1)(ops.ones((1, 3, 8)), training=True)
    >>> y[0, 0].tolist() == y[0, 2].tolist()
    True
    """

    def __init__(
        self, rate: float, seed: int | None = None, name: str | None = None, dtype: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(1, rate, "channels_last", seed, name, dtype, **kwargs)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["data_format"]
        return config


class SpatialDropout2D(BaseSpatialDropout):
    """Drops whole feature maps of images `(batch, rows, columns, channels)` in training.

    Args:
        rate: The probability that a feature map is dropped.
        data_format: "channels_last" or "channels_first"; by default the one that is configured.
        seed: The seed of the random stream.
        name: The layer's name.
        dtype: A dtype or a dtype policy.

    Source: Tompson et al., 2014, "Efficient object localization using convolutional networks".

    >>> from kerasish import ops
    >>> y = SpatialDropout2D(0.5, seed=1)(ops.ones((1, 3, 3, 8)), training=True)
    >>> y[0, 0, 0].tolist() == y[0, 2, 1].tolist()
    True
    """

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: int | None = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(2, rate, data_format, seed, name, dtype, **kwargs)


class SpatialDropout3D(BaseSpatialDropout):
    """Drops whole feature maps of volumes `(batch, a, b, c, channels)` in training.

    Args:
        rate: The probability that a feature map is dropped.
        data_format: "channels_last" or "channels_first"; by default the one that is configured.
        seed: The seed of the random stream.
        name: The layer's name.
        dtype: A dtype or a dtype policy.

    Source: Tompson et al., 2014, "Efficient object localization using convolutional networks".

    >>> from kerasish import ops
    >>> SpatialDropout3D(0.5, seed=1)(ops.ones((1, 3, 3, 3, 8)), training=True).shape
    (1, 3, 3, 3, 8)
    """

    def __init__(
        self,
        rate: float,
        data_format: str | None = None,
        seed: int | None = None,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(3, rate, data_format, seed, name, dtype, **kwargs)
