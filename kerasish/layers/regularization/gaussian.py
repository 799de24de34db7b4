"""`GaussianNoise` and `GaussianDropout`: noise of a normal distribution while training."""

from __future__ import annotations

import math
from typing import Any

from kerasish import random
from kerasish.autodiff import Tensor
from kerasish.layers.regularization.noise import NoiseLayer


class GaussianNoise(NoiseLayer):
    """In training, adds noise with mean 0. Otherwise the inputs go through as they are.

    Args:
        stddev: The standard deviation of the noise, in [0, 1].
        seed: The seed of the random stream.

    >>> from kerasish import ops
    >>> GaussianNoise(0.1, seed=1)(ops.ones((2,))).tolist()
    [1.0, 1.0]
    """

    def __init__(self, stddev: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        self.stddev = self._checked("stddev", stddev)

    def call(self, inputs: Any, training: bool = False) -> Tensor:
        if training and self.stddev > 0:
            return inputs + random.normal(
                inputs.shape, stddev=self.stddev, dtype=self.compute_dtype, seed=self.seed_generator
            )
        return inputs

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "stddev": self.stddev, "seed": self.seed}


class GaussianDropout(NoiseLayer):
    """In training, multiplies with noise of mean 1 and standard deviation `sqrt(rate / (1 - rate))`.

    Args:
        rate: The dropout rate with the same variance, in [0, 1).
        seed: The seed of the random stream.

    Source: Srivastava et al., 2014, "Dropout: a simple way to prevent neural networks from overfitting".

    >>> from kerasish import ops
    >>> GaussianDropout(0.5, seed=1)(ops.ones((2,))).tolist()
    [1.0, 1.0]
    """

    def __init__(self, rate: float, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        self.rate = self._checked("rate", rate)
        if rate == 1:
            raise ValueError(f"Expected rate of the layer {self.name!r} to be below 1. Received: rate={rate!r}")

    def call(self, inputs: Any, training: bool = False) -> Tensor:
        if training and self.rate > 0:
            stddev = math.sqrt(self.rate / (1.0 - self.rate))
            return inputs * random.normal(
                inputs.shape, mean=1.0, stddev=stddev, dtype=self.compute_dtype, seed=self.seed_generator
            )
        return inputs

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "rate": self.rate, "seed": self.seed}
