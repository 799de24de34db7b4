"""Initializers whose variance follows the number of inputs and outputs of a layer: Glorot, He, LeCun."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, ClassVar

from kerasish import random
from kerasish.autodiff import Tensor
from kerasish.backend.dtypes import standardize_dtype
from kerasish.initializers.random import RandomInitializer

MODES = ("fan_in", "fan_out", "fan_avg")
DISTRIBUTIONS = ("uniform", "truncated_normal", "untruncated_normal")

_TRUNCATED_STDDEV = 0.87962566103423978
"""The standard deviation of the standard normal distribution cut at -2 and 2."""


def compute_fans(
    shape: Any, input_axes: Sequence[int] | None = None, output_axes: Sequence[int] | None = None
) -> tuple[int, int]:
    """How many inputs each output of a weight has, and how many outputs each input.

    A matrix is `(inputs, outputs)`, a convolution kernel `(*window, inputs, outputs)`.

    >>> compute_fans((5, 7)), compute_fans((3, 3, 5, 7)), compute_fans((4,)), compute_fans(())
    ((5, 7), (45, 63), (4, 4), (1, 1))
    """
    shape = tuple(shape)
    if input_axes is not None and output_axes is not None:
        return math.prod(shape[axis] for axis in input_axes), math.prod(shape[axis] for axis in output_axes)
    if len(shape) < 2:
        fan = int(shape[0]) if shape else 1
        return fan, fan
    window = math.prod(shape[:-2])
    return int(shape[-2] * window), int(shape[-1] * window)


class VarianceScaling(RandomInitializer):
    """Random numbers of variance `scale / n`, where n is a number of connections.

    `n` is the number of inputs of each output ("fan_in"), that of the outputs of each input ("fan_out"), or
    their mean ("fan_avg"). A uniform distribution is that over ±sqrt(3 * scale / n).

    Args:
        scale: A positive factor.
        mode: "fan_in", "fan_out" or "fan_avg".
        distribution: "truncated_normal" (or "normal", its name in Keras 2), "untruncated_normal" or "uniform".
        seed: See `RandomInitializer`.
        input_axes: The axes of the weight that count as inputs; by default the last but one and the window.
        output_axes: The axes that count as outputs; by default the last and the window.

    Raises:
        ValueError: If the scale is not positive, or the mode or the distribution is another one.

    >>> VarianceScaling(2.0, mode="fan_out", distribution="uniform", seed=1)((3, 4)).shape
    (3, 4)
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Any = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        if not scale > 0.0:
            raise ValueError(f"scale must be positive. Received: scale={scale}")
        if mode not in MODES:
            raise ValueError(f"mode must be one of {MODES}. Received: mode={mode!r}")
        given, distribution = distribution, distribution.lower()
        if distribution == "normal":
            distribution = "truncated_normal"
        if distribution not in DISTRIBUTIONS:
            raise ValueError(f"distribution must be one of {DISTRIBUTIONS}. Received: distribution={given!r}")
        self.scale = scale
        self.mode = mode
        self.distribution = distribution
        self.input_axes = input_axes
        self.output_axes = output_axes
        super().__init__(seed)

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        """A tensor of this shape with random values."""
        shape, dtype = tuple(shape), standardize_dtype(dtype)
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        connections = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, connections)
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return random.uniform(shape, -limit, limit, dtype=dtype, seed=self.seed)
        if self.distribution == "untruncated_normal":
            return random.normal(shape, 0.0, math.sqrt(variance), dtype=dtype, seed=self.seed)
        stddev = math.sqrt(variance) / _TRUNCATED_STDDEV
        return random.truncated_normal(shape, 0.0, stddev, dtype=dtype, seed=self.seed)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "scale": self.scale,
            "mode": self.mode,
            "distribution": self.distribution,
            "input_axes": self.input_axes,
            "output_axes": self.output_axes,
        }


class _Preset(VarianceScaling):
    """A `VarianceScaling` whose scale, mode and distribution are given."""

    _preset: ClassVar[tuple[float, str, str]]

    def __init__(
        self,
        seed: Any = None,
        input_axes: Sequence[int] | None = None,
        output_axes: Sequence[int] | None = None,
    ) -> None:
        super().__init__(*self._preset, seed=seed, input_axes=input_axes, output_axes=output_axes)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        config = super().get_config()
        return {key: config[key] for key in ("seed", "input_axes", "output_axes")}


class GlorotUniform(_Preset):
    """Uniform over ±sqrt(6 / (inputs + outputs)): Glorot and Bengio, 2010.

    Args:
        seed: See `RandomInitializer`.
        input_axes: See `VarianceScaling`.
        output_axes: See `VarianceScaling`.

    >>> bool(abs(GlorotUniform(seed=1)((3, 3)).numpy()).max() <= 1.0)
    True
    """

    _preset = (1.0, "fan_avg", "uniform")


class GlorotNormal(_Preset):
    """Truncated normal of variance 2 / (inputs + outputs): Glorot and Bengio, 2010.

    Args:
        seed: See `RandomInitializer`.
        input_axes: See `VarianceScaling`.
        output_axes: See `VarianceScaling`.

    >>> GlorotNormal(seed=1)((3, 4)).dtype
    'float32'
    """

    _preset = (1.0, "fan_avg", "truncated_normal")


class LecunNormal(_Preset):
    """Truncated normal of variance 1 / inputs: LeCun et al., 1998; what `selu` wants.

    Args:
        seed: See `RandomInitializer`.
        input_axes: See `VarianceScaling`.
        output_axes: See `VarianceScaling`.

    >>> LecunNormal(seed=1)((3, 4)).shape
    (3, 4)
    """

    _preset = (1.0, "fan_in", "truncated_normal")


class LecunUniform(_Preset):
    """Uniform over ±sqrt(3 / inputs): LeCun et al., 1998.

    Args:
        seed: See `RandomInitializer`.
        input_axes: See `VarianceScaling`.
        output_axes: See `VarianceScaling`.

    >>> bool(abs(LecunUniform(seed=1)((3, 4)).numpy()).max() <= 1.0)
    True
    """

    _preset = (1.0, "fan_in", "uniform")


class HeNormal(_Preset):
    """Truncated normal of variance 2 / inputs: He et al., 2015; what `relu` wants.

    Args:
        seed: See `RandomInitializer`.
        input_axes: See `VarianceScaling`.
        output_axes: See `VarianceScaling`.

    >>> HeNormal(seed=1)((3, 3, 2, 4)).shape
    (3, 3, 2, 4)
    """

    _preset = (2.0, "fan_in", "truncated_normal")


class HeUniform(_Preset):
    """Uniform over ±sqrt(6 / inputs): He et al., 2015.

    Args:
        seed: See `RandomInitializer`.
        input_axes: See `VarianceScaling`.
        output_axes: See `VarianceScaling`.

    >>> bool(abs(HeUniform(seed=1)((6, 4)).numpy()).max() <= 1.0)
    True
    """

    _preset = (2.0, "fan_in", "uniform")
