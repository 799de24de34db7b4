"""Batch, layer and root-mean-square normalization.

Statistics are float32 (float64 for float64 inputs); `y` and the gradients of `x` have the dtype of `x`, the
gradients of the parameters the dtype of the parameter (of the statistics where there is no parameter). `mean`
and the biased `variance` of an empty slice are 0.
"""

from __future__ import annotations

from kerasish.backend.contract.types import Array


def batch_norm(
    x: Array, gamma: Array | None, beta: Array | None, *, axis: int, epsilon: float
) -> tuple[Array, Array, Array, Array]:
    """`y = (x - mean) * rstd * gamma + beta` over all axes but `axis`; `(y, mean, variance, rstd)`.

    `gamma`, `beta` and the three statistics are (C,); `rstd = 1 / sqrt(variance + epsilon)`, `variance` is
    biased. Source: Ioffe and Szegedy, 2015, arXiv:1502.03167.
    """
    raise NotImplementedError


def batch_norm_backward(
    dy: Array, x: Array, gamma: Array | None, mean: Array, rstd: Array, *, axis: int
) -> tuple[Array, Array, Array]:
    """Gradients `(dx, dgamma, dbeta)` of `batch_norm`, through the statistics as well.

    With `n` values a channel and `xhat = (x - mean) * rstd`: `dbeta = sum(dy)`, `dgamma = sum(dy * xhat)`,
    `dx = gamma * rstd * (dy - dbeta / n - xhat * dgamma / n)`. `dgamma` and `dbeta` (C,) are given in any
    case.
    """
    raise NotImplementedError


def layer_norm(
    x: Array, gamma: Array | None, beta: Array | None, *, axes: tuple[int, ...], epsilon: float
) -> tuple[Array, Array, Array]:
    """`y = (x - mean) * rstd * gamma + beta` over `axes`, for each position of the others; `(y, mean, rstd)`.

    `gamma` and `beta` have the sizes of `x` along `axes`, in the order of `axes`. The statistics keep the
    reduced axes with size 1. Source: Ba, Kiros and Hinton, 2016, arXiv:1607.06450.
    """
    raise NotImplementedError


def layer_norm_backward(
    dy: Array, x: Array, gamma: Array | None, mean: Array, rstd: Array, *, axes: tuple[int, ...]
) -> tuple[Array, Array, Array]:
    """Gradients `(dx, dgamma, dbeta)` of `layer_norm`.

    With `g = dy * gamma` and averages over `axes`: `dx = rstd * (g - average(g) - xhat * average(g * xhat))`.
    `dgamma = sum(dy * xhat)` and `dbeta = sum(dy)` over the other axes, shaped as `gamma`, are given in any
    case.
    """
    raise NotImplementedError


def rms_norm(x: Array, scale: Array | None, *, axes: tuple[int, ...], epsilon: float) -> tuple[Array, Array]:
    """`y = x * rstd * scale` with `rstd = 1 / sqrt(average(x**2) + epsilon)` over `axes`; `(y, rstd)`.

    `scale` has the sizes of `x` along `axes`, in their order; `rstd` keeps the reduced axes with size 1.
    Source: Zhang and Sennrich, 2019, arXiv:1910.07467.
    """
    raise NotImplementedError


def rms_norm_backward(
    dy: Array, x: Array, scale: Array | None, rstd: Array, *, axes: tuple[int, ...]
) -> tuple[Array, Array]:
    """Gradients `(dx, dscale)` of `rms_norm`.

    With `g = dy * scale` and `xhat = x * rstd`: `dx = rstd * (g - xhat * average(g * xhat))`, averages over
    `axes`; `dscale = sum(dy * xhat)` over the other axes, shaped as `scale`, is given in any case.
    """
    raise NotImplementedError
