"""Random initializers of a given distribution, and the base of all random ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish import random
from kerasish.autodiff import Tensor
from kerasish.backend.dtypes import standardize_dtype
from kerasish.initializers.initializer import Initializer
from kerasish.ops.seeds import make_default_seed
from kerasish.saving.serialization_lib import deserialize_keras_object, serialize_keras_object


class RandomInitializer(Initializer):
    """The base of the initializers that draw random numbers.

    Args:
        seed: An integer (every call then gives the same numbers), a `SeedGenerator` (each call gives new ones),
            or None: an integer drawn when the initializer is made, repeatable after
            `kerasish.utils.set_random_seed`.
    """

    def __init__(self, seed: Any = None) -> None:
        self._init_seed = seed
        if isinstance(seed, dict):
            seed = self._init_seed = deserialize_keras_object(seed)
        if seed is None:
            seed = make_default_seed()
        elif isinstance(seed, (int, np.integer)) and not isinstance(seed, bool):
            seed = int(seed)
        elif not isinstance(seed, random.SeedGenerator):
            raise ValueError(
                f"{type(self).__name__}: expected seed to be an integer, a kerasish.random.SeedGenerator or None. "
                f"Received: seed={seed!r}"
            )
        self.seed = seed

    def get_config(self) -> dict[str, Any]:
        """The arguments; the seed as it was given."""
        return {"seed": serialize_keras_object(self._init_seed)}


class RandomNormal(RandomInitializer):
    """Numbers of a normal distribution.

    Args:
        mean: Its mean.
        stddev: Its standard deviation.
        seed: See `RandomInitializer`.

    >>> RandomNormal(stddev=0.1, seed=1)((2, 3)).shape
    (2, 3)
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None) -> None:
        self.mean = mean
        self.stddev = stddev
        super().__init__(seed)

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        """A tensor of this shape with random values."""
        return random.normal(tuple(shape), self.mean, self.stddev, dtype=standardize_dtype(dtype), seed=self.seed)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "mean": self.mean, "stddev": self.stddev}


class TruncatedNormal(RandomInitializer):
    """Numbers of a normal distribution, those more than two standard deviations off drawn again.

    Args:
        mean: The mean before the cut.
        stddev: The standard deviation before the cut.
        seed: See `RandomInitializer`.

    >>> float(abs(TruncatedNormal(stddev=1.0, seed=1)((100,)).numpy()).max()) <= 2.0
    True
    """

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None) -> None:
        self.mean = mean
        self.stddev = stddev
        super().__init__(seed)

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        """A tensor of this shape with random values."""
        return random.truncated_normal(
            tuple(shape), self.mean, self.stddev, dtype=standardize_dtype(dtype), seed=self.seed
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "mean": self.mean, "stddev": self.stddev}


class RandomUniform(RandomInitializer):
    """Numbers spread evenly over [minval, maxval).

    Args:
        minval: The lower end.
        maxval: The upper end.
        seed: See `RandomInitializer`.

    >>> float(RandomUniform(2.0, 3.0, seed=1)((100,)).numpy().min()) >= 2.0
    True
    """

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: Any = None) -> None:
        self.minval = minval
        self.maxval = maxval
        super().__init__(seed)

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        """A tensor of this shape with random values."""
        return random.uniform(tuple(shape), self.minval, self.maxval, dtype=standardize_dtype(dtype), seed=self.seed)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "minval": self.minval, "maxval": self.maxval}
