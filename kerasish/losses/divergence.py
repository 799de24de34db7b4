"""Losses between distributions and of counts: Kullback-Leibler, Poisson."""

from __future__ import annotations

from typing import Any

from kerasish import config, ops
from kerasish.autodiff import Tensor
from kerasish.losses.loss import BuiltInLoss
from kerasish.losses.reduction import paired


def kl_divergence(y_true: Any, y_pred: Any) -> Tensor:
    """`sum(y_true * log(y_true / y_pred))` over the last axis, both clipped to [epsilon, 1].

    Args:
        y_true: The true distributions, `(..., d)`.
        y_pred: The predicted ones, `(..., d)`.

    Returns:
        A tensor `(...)`.

    >>> round(kl_divergence([[1.0, 0.0]], [[0.5, 0.5]]).item(), 4)
    0.6931
    """
    y_true, y_pred = paired(y_true, y_pred)
    y_true = ops.clip(y_true, config.epsilon(), 1.0)
    y_pred = ops.clip(y_pred, config.epsilon(), 1.0)
    return ops.sum(y_true * ops.log(y_true / y_pred), axis=-1)


def _poisson(y_true: Tensor, y_pred: Tensor) -> Tensor:
    return y_pred - y_true * ops.log(y_pred + config.epsilon())


def poisson(y_true: Any, y_pred: Any) -> Tensor:
    """`mean(y_pred - y_true * log(y_pred))` over the last axis: the loss of predicted rates of counts.

    >>> round(poisson([[2.0]], [[1.0]]).item(), 4)
    1.0
    """
    return ops.mean(_poisson(*paired(y_true, y_pred)), axis=-1)


class KLDivergence(BuiltInLoss):
    """`sum(y_true * log(y_true / y_pred))`: see `kl_divergence`.

    Args:
        reduction: See `Loss`.
        name: A name.
        dtype: See `Loss`.

    >>> round(float(KLDivergence()([[1.0, 0.0]], [[0.5, 0.5]])), 4)
    0.6931
    """

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = "kl_divergence", dtype: Any = None
    ) -> None:
        super().__init__(kl_divergence, reduction, name, dtype)


class Poisson(BuiltInLoss):
    """`mean(y_pred - y_true * log(y_pred))`. Arguments as in `KLDivergence`.

    >>> round(float(Poisson()([[2.0]], [[1.0]])), 4)
    1.0
    """

    elementwise = staticmethod(_poisson)

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = "poisson", dtype: Any = None
    ) -> None:
        super().__init__(poisson, reduction, name, dtype)
