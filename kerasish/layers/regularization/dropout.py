"""`Dropout`: random elements become zero while training."""

from __future__ import annotations

from typing import Any

from kerasish import random
from kerasish.autodiff import Tensor
from kerasish.layers.regularization.noise import NoiseLayer


class Dropout(NoiseLayer):
    """In training, sets a random part of the elements to zero and scales the others by `1 / (1 - rate)`.

    Otherwise the inputs go through as they are. The shape stays.

    Args:
        rate: The probability of a zero, in [0, 1].
        noise_shape: The shape of the mask, which is broadcast to that of the inputs: `(None, 1, 8)` drops the
            same features in all steps. A None in it stands for the size of the inputs.
        seed: The seed of the random stream.

    Source: Srivastava et al., 2014, "Dropout: a simple way to prevent neural networks from overfitting".

    >>> from kerasish import ops
    >>> layer = Dropout(0.5, seed=1)
    >>> sorted(set(layer(ops.ones((50,)), training=True).tolist())), layer(ops.ones((2,))).tolist()
    ([0.0, 2.0], [1.0, 1.0])
    """

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        self.rate = self._checked("rate", rate)
        self.noise_shape = _checked_shape(noise_shape, self.name)

    def call(self, inputs: Any, training: bool = False) -> Tensor:
        if training and self.rate > 0:
            return random.dropout(inputs, self.rate, self._noise_shape(inputs), self.seed_generator)
        return inputs

    def _noise_shape(self, inputs: Tensor) -> Any:
        return self.noise_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed, "noise_shape": self.noise_shape}


def _checked_shape(noise_shape: Any, name: str) -> tuple[int | None, ...] | None:
    if noise_shape is None:
        return None
    sizes = tuple(noise_shape) if isinstance(noise_shape, (list, tuple)) else None
    if sizes is None or any(n is not None and (isinstance(n, bool) or not isinstance(n, int) or n < 1) for n in sizes):
        raise ValueError(
            f"Expected noise_shape of the layer {name!r} to be a tuple of positive ints and None. "
            f"Received: noise_shape={noise_shape!r}"
        )
    return sizes
