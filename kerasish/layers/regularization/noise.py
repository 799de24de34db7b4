"""What the layers that add noise share: the check of their rate, and their random stream."""

from __future__ import annotations

from typing import Any

from kerasish.layers.layer import Layer
from kerasish.random import SeedGenerator


class NoiseLayer(Layer):
    """The base of layers that do something random in training, and nothing otherwise.

    Args:
        seed: The seed of the random stream; None for a different one each time.
        **kwargs: The arguments of `Layer`.
    """

    def __init__(self, seed: int | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self.supports_masking = True

    def _checked(self, name: str, value: Any) -> Any:
        """A number in [0, 1]; with one above 0 comes a random stream."""
        if isinstance(value, bool) or not hasattr(value, "__float__") or not 0 <= value <= 1:
            raise ValueError(
                f"Expected {name} of the layer {self.name!r} to be a number between 0 and 1. Received: {name}={value!r}"
            )
        if value > 0:
            self.seed_generator = SeedGenerator(self.seed)
        self._build_at_init()
        return value

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape
