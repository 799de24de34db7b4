"""Correlations between targets and predictions."""

from __future__ import annotations

from typing import Any

from kerasish import config, ops
from kerasish.autodiff import Tensor
from kerasish.losses.reduction import paired
from kerasish.metrics.reduction import BuiltInMean


def pearson_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """The mean of the product of targets and predictions that are brought to mean 0 and deviation 1.

    >>> pearson_correlation([[0.0, 1.0, 2.0]], [[1.0, 3.0, 5.0]]).numpy().round(4).tolist()
    [1.0]
    """
    y_true, y_pred = paired(y_true, y_pred)
    y_true = y_true - ops.mean(y_true, axis=axis, keepdims=True)
    y_pred = y_pred - ops.mean(y_pred, axis=axis, keepdims=True)
    y_true = y_true / ops.std(y_true, axis=axis, keepdims=True)
    y_pred = y_pred / ops.std(y_pred, axis=axis, keepdims=True)
    return ops.mean(y_true * y_pred, axis=axis)


def concordance_correlation(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """`2 * covariance / (variances + (difference of the means) ** 2)`: also the scale and the offset must agree.

    >>> concordance_correlation([[0.0, 1.0, 2.0]], [[0.0, 1.0, 2.0]]).numpy().round(4).tolist()
    [1.0]
    """
    y_true, y_pred = paired(y_true, y_pred)
    true_mean = ops.mean(y_true, axis=axis, keepdims=True)
    pred_mean = ops.mean(y_pred, axis=axis, keepdims=True)
    spread = ops.var(y_true, axis=axis, keepdims=True) + ops.var(y_pred, axis=axis, keepdims=True)
    # The offset of y_true does not matter: the deviations of y_pred, which it multiplies, have the mean 0.
    product = (y_true - pred_mean) * (y_pred - pred_mean)
    norm = spread + ops.square(true_mean - pred_mean)
    return ops.mean(product * 2.0 / (norm + config.epsilon()), axis=axis)


class PearsonCorrelation(BuiltInMean):
    """The mean Pearson correlation of the samples, from -1 to 1.

    Args:
        name: A name.
        dtype: See `Metric`.
        axis: The axis along which values correlate.

    >>> round(float(PearsonCorrelation()([[0.0, 1.0, 2.0]], [[1.0, 3.0, 5.0]])), 4)
    1.0
    """

    _direction = "up"

    def __init__(self, name: str | None = "pearson_correlation", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(pearson_correlation, name, dtype, axis=axis)


class ConcordanceCorrelation(BuiltInMean):
    """The mean concordance correlation of the samples, from -1 to 1. Source: Lin, 1989.

    Args:
        name: A name.
        dtype: See `Metric`.
        axis: The axis along which values correlate.

    >>> round(float(ConcordanceCorrelation()([[0.0, 1.0, 2.0]], [[0.0, 1.0, 2.0]])), 4)
    1.0
    """

    _direction = "up"

    def __init__(self, name: str | None = "concordance_correlation", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(concordance_correlation, name, dtype, axis=axis)
