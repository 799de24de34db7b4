"""`AlphaDropout`: dropout that keeps mean and variance, for SELU networks."""

from __future__ import annotations

from typing import Any

from kerasish import ops, random
from kerasish.autodiff import Tensor
from kerasish.layers.regularization.noise import NoiseLayer

_LIMIT = -1.6732632423543772848170429916717 * 1.0507009873554804934193349852946
"""What SELU tends to far below zero: the value of dropped elements."""


class AlphaDropout(NoiseLayer):
    """In training, sets random elements to SELU's negative limit and rescales so that mean and variance stay.

    Args:
        rate: The probability of being dropped, in [0, 1].
        noise_shape: The shape of the mask, which is broadcast; a None in it stands for the size of the inputs.
        seed: The seed of the random stream.

    Source: Klambauer et al., 2017, "Self-normalizing neural networks".

    >>> from kerasish import ops
    >>> AlphaDropout(0.5, seed=1)(ops.ones((2,))).tolist()
    [1.0, 1.0]
    """

    def __init__(self, rate: float, noise_shape: Any = None, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        self.rate = self._checked("rate", rate)
        self.noise_shape = None if noise_shape is None else tuple(noise_shape)

    def call(self, inputs: Any, training: bool = False) -> Tensor:
        if not training or self.rate == 0:
            return inputs
        shape = inputs.shape
        if self.noise_shape is not None:
            shape = tuple([given if size is None else size for size, given in zip(self.noise_shape, shape)])
        drawn = random.uniform(shape, dtype="float32", seed=self.seed_generator)
        kept = ops.cast(ops.greater_equal(drawn, self.rate), inputs.dtype)
        variance = (1 - self.rate) * (1 + self.rate * _LIMIT**2)
        scale = variance**-0.5 if variance else 0.0
        return scale * (inputs * kept + _LIMIT * (1 - kept)) - scale * _LIMIT * self.rate

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed, "noise_shape": self.noise_shape}
