"""Losses of regression."""

from __future__ import annotations

import math
from typing import Any

from kerasish import config, ops
from kerasish.autodiff import Tensor
from kerasish.losses.loss import BuiltInLoss
from kerasish.losses.reduction import paired


def _squared_error(y_true: Tensor, y_pred: Tensor) -> Tensor:
    return ops.square(y_true - y_pred)


def mean_squared_error(y_true: Any, y_pred: Any) -> Tensor:
    """`mean((y_true - y_pred) ** 2)` over the last axis.

    Args:
        y_true: The targets, `(..., d)`.
        y_pred: The predictions, `(..., d)`.

    Returns:
        A tensor `(...)`.

    >>> mean_squared_error([[0.0, 2.0]], [[1.0, 0.0]]).tolist()
    [2.5]
    """
    return ops.mean(_squared_error(*paired(y_true, y_pred)), axis=-1)


def _absolute_error(y_true: Tensor, y_pred: Tensor) -> Tensor:
    return ops.absolute(y_true - y_pred)


def mean_absolute_error(y_true: Any, y_pred: Any) -> Tensor:
    """`mean(|y_true - y_pred|)` over the last axis; shapes as in `mean_squared_error`.

    >>> mean_absolute_error([[0.0, 2.0]], [[1.0, 0.0]]).tolist()
    [1.5]
    """
    return ops.mean(_absolute_error(*paired(y_true, y_pred)), axis=-1)


def _percentage_error(y_true: Tensor, y_pred: Tensor) -> Tensor:
    return ops.absolute((y_true - y_pred) / ops.maximum(ops.absolute(y_true), config.epsilon())) * 100.0


def mean_absolute_percentage_error(y_true: Any, y_pred: Any) -> Tensor:
    """`100 * mean(|y_true - y_pred| / max(|y_true|, epsilon))` over the last axis.

    >>> mean_absolute_percentage_error([[2.0, 4.0]], [[1.0, 4.0]]).tolist()
    [25.0]
    """
    return ops.mean(_percentage_error(*paired(y_true, y_pred)), axis=-1)


def _squared_logarithmic_error(y_true: Tensor, y_pred: Tensor) -> Tensor:
    least = config.epsilon()
    return ops.square(ops.log(ops.maximum(y_pred, least) + 1.0) - ops.log(ops.maximum(y_true, least) + 1.0))


def mean_squared_logarithmic_error(y_true: Any, y_pred: Any) -> Tensor:
    """`mean((log(y_true + 1) - log(y_pred + 1)) ** 2)` over the last axis; negative values count as 0.

    >>> mean_squared_logarithmic_error([[0.0]], [[1.718281828]]).numpy().round(4).tolist()
    [1.0]
    """
    return ops.mean(_squared_logarithmic_error(*paired(y_true, y_pred)), axis=-1)


def _huber(y_true: Tensor, y_pred: Tensor, delta: float = 1.0) -> Tensor:
    error = y_pred - y_true
    size = ops.absolute(error)
    return ops.where(size <= delta, ops.square(error) * 0.5, size * delta - 0.5 * delta * delta)


def huber(y_true: Any, y_pred: Any, delta: float = 1.0) -> Tensor:
    """Squares for small errors, lines for large ones, averaged over the last axis.

    `0.5 * e ** 2` where `|e| <= delta`, else `delta * |e| - 0.5 * delta ** 2`.

    >>> huber([[0.0, 0.0]], [[1.0, 3.0]]).tolist()
    [1.5]
    """
    return ops.mean(_huber(*paired(y_true, y_pred), delta=delta), axis=-1)


def _log_cosh(y_true: Tensor, y_pred: Tensor) -> Tensor:
    error = y_pred - y_true
    return error + ops.softplus(error * -2.0) - math.log(2.0)


def log_cosh(y_true: Any, y_pred: Any) -> Tensor:
    """`mean(log(cosh(y_pred - y_true)))` over the last axis.

    >>> log_cosh([[0.0]], [[1.0]]).numpy().round(4).tolist()
    [0.43380001187324524]
    """
    return ops.mean(_log_cosh(*paired(y_true, y_pred)), axis=-1)


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """The cosine of the angle between targets and predictions, negated: -1 where they point one way.

    >>> cosine_similarity([[1.0, 0.0]], [[2.0, 0.0]]).tolist()
    [-1.0]
    """
    y_true, y_pred = paired(y_true, y_pred)
    return -ops.sum(ops.normalize(y_true, axis=axis) * ops.normalize(y_pred, axis=axis), axis=axis)


class MeanSquaredError(BuiltInLoss):
    """`mean((y_true - y_pred) ** 2)`.

    Args:
        reduction: See `Loss`.
        name: A name.
        dtype: See `Loss`.

    >>> float(MeanSquaredError()([[0.0, 2.0]], [[1.0, 0.0]]))
    2.5
    """

    elementwise = staticmethod(_squared_error)

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_squared_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(mean_squared_error, reduction, name, dtype)


class MeanAbsoluteError(BuiltInLoss):
    """`mean(|y_true - y_pred|)`. Arguments as in `MeanSquaredError`.

    >>> float(MeanAbsoluteError()([[0.0, 2.0]], [[1.0, 0.0]]))
    1.5
    """

    elementwise = staticmethod(_absolute_error)

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_absolute_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(mean_absolute_error, reduction, name, dtype)


class MeanAbsolutePercentageError(BuiltInLoss):
    """`100 * mean(|y_true - y_pred| / |y_true|)`. Arguments as in `MeanSquaredError`.

    >>> float(MeanAbsolutePercentageError()([[2.0, 4.0]], [[1.0, 4.0]]))
    25.0
    """

    elementwise = staticmethod(_percentage_error)

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_absolute_percentage_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(mean_absolute_percentage_error, reduction, name, dtype)


class MeanSquaredLogarithmicError(BuiltInLoss):
    """`mean((log(y_true + 1) - log(y_pred + 1)) ** 2)`. Arguments as in `MeanSquaredError`.

    >>> float(MeanSquaredLogarithmicError()([[0.0]], [[0.0]]))
    0.0
    """

    elementwise = staticmethod(_squared_logarithmic_error)

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "mean_squared_logarithmic_error",
        dtype: Any = None,
    ) -> None:
        super().__init__(mean_squared_logarithmic_error, reduction, name, dtype)


class Huber(BuiltInLoss):
    """Squares for errors up to `delta`, lines beyond: see `huber`.

    Args:
        delta: Where the square ends.
        reduction: See `Loss`.
        name: A name.
        dtype: See `Loss`.

    >>> float(Huber()([[0.0, 0.0]], [[1.0, 3.0]]))
    1.5
    """

    elementwise = staticmethod(_huber)
    unwritten = {"delta": 1.0}

    def __init__(
        self,
        delta: float = 1.0,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "huber_loss",
        dtype: Any = None,
    ) -> None:
        super().__init__(huber, reduction, name, dtype, delta=delta)


class LogCosh(BuiltInLoss):
    """`mean(log(cosh(y_pred - y_true)))`. Arguments as in `MeanSquaredError`.

    >>> round(float(LogCosh()([[0.0]], [[1.0]])), 4)
    0.4338
    """

    elementwise = staticmethod(_log_cosh)

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = "log_cosh", dtype: Any = None
    ) -> None:
        super().__init__(log_cosh, reduction, name, dtype)


class CosineSimilarity(BuiltInLoss):
    """The negated cosine of the angle between targets and predictions.

    Args:
        axis: The axis of the vectors.
        reduction: See `Loss`.
        name: A name.
        dtype: See `Loss`.

    >>> float(CosineSimilarity()([[1.0, 0.0]], [[2.0, 0.0]]))
    -1.0
    """

    unwritten = {"axis": -1}

    def __init__(
        self,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "cosine_similarity",
        dtype: Any = None,
    ) -> None:
        super().__init__(cosine_similarity, reduction, name, dtype, axis=axis)
