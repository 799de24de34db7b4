"""Losses of regression, as metrics."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.autodiff import Tensor
from kerasish.losses.reduction import paired
from kerasish.losses.regression import (
    cosine_similarity as negative_cosine,
)
from kerasish.losses.regression import (
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)
from kerasish.metrics.reduction import BuiltInMean, Mean


def cosine_similarity(y_true: Any, y_pred: Any, axis: int = -1) -> Tensor:
    """The cosine of the angle between targets and predictions (the loss of this name is its negative).

    >>> cosine_similarity([[1.0, 0.0]], [[2.0, 0.0]]).tolist()
    [1.0]
    """
    return -negative_cosine(y_true, y_pred, axis=axis)


class MeanSquaredError(BuiltInMean):
    """The mean of `(y_true - y_pred) ** 2`.

    Args:
        name: A name.
        dtype: See `Metric`.

    >>> float(MeanSquaredError()([[0.0, 2.0]], [[1.0, 0.0]]))
    2.5
    """

    _direction = "down"

    def __init__(self, name: str | None = "mean_squared_error", dtype: Any = None) -> None:
        super().__init__(mean_squared_error, name, dtype)


class RootMeanSquaredError(Mean):
    """The root of the mean of `(y_true - y_pred) ** 2`.

    Args:
        name: A name.
        dtype: See `Metric`.

    >>> float(RootMeanSquaredError()([[0.0, 2.0]], [[2.0, 0.0]]))
    2.0
    """

    _direction = "down"

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name, dtype=dtype)

    def update_state(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> None:
        """Add the samples of a batch.

        Args:
            y_true: The targets.
            y_pred: The predictions.
            sample_weight: The weights of the samples, or of the elements.
        """
        y_true, y_pred = paired(y_true, ops.cast(y_pred, self._dtype))
        super().update_state(ops.square(y_pred - y_true), sample_weight=sample_weight)

    def result(self) -> Tensor:
        """The root of the mean."""
        return ops.sqrt(super().result())


class MeanAbsoluteError(BuiltInMean):
    """The mean of `|y_true - y_pred|`.

    Args:
        name: A name.
        dtype: See `Metric`.

    >>> float(MeanAbsoluteError()([[0.0, 2.0]], [[1.0, 0.0]]))
    1.5
    """

    _direction = "down"

    def __init__(self, name: str | None = "mean_absolute_error", dtype: Any = None) -> None:
        super().__init__(mean_absolute_error, name, dtype)


class MeanAbsolutePercentageError(BuiltInMean):
    """The mean of `100 * |y_true - y_pred| / |y_true|`.

    Args:
        name: A name.
        dtype: See `Metric`.

    >>> float(MeanAbsolutePercentageError()([[2.0, 4.0]], [[1.0, 4.0]]))
    25.0
    """

    _direction = "down"

    def __init__(self, name: str | None = "mean_absolute_percentage_error", dtype: Any = None) -> None:
        super().__init__(mean_absolute_percentage_error, name, dtype)


class MeanSquaredLogarithmicError(BuiltInMean):
    """The mean of `(log(y_true + 1) - log(y_pred + 1)) ** 2`.

    Args:
        name: A name.
        dtype: See `Metric`.

    >>> float(MeanSquaredLogarithmicError()([[0.0]], [[0.0]]))
    0.0
    """

    _direction = "down"

    def __init__(self, name: str | None = "mean_squared_logarithmic_error", dtype: Any = None) -> None:
        super().__init__(mean_squared_logarithmic_error, name, dtype)


class LogCoshError(BuiltInMean):
    """The mean of `log(cosh(y_pred - y_true))`.

    Args:
        name: A name.
        dtype: See `Metric`.

    >>> round(float(LogCoshError()([[0.0]], [[1.0]])), 4)
    0.4338
    """

    _direction = "down"

    def __init__(self, name: str | None = "logcosh", dtype: Any = None) -> None:
        super().__init__(log_cosh, name, dtype)


class CosineSimilarity(BuiltInMean):
    """The mean cosine of the angle between targets and predictions.

    Args:
        name: A name.
        dtype: See `Metric`.
        axis: The axis of the vectors.

    >>> float(CosineSimilarity()([[1.0, 0.0]], [[2.0, 0.0]]))
    1.0
    """

    _direction = "up"
    unwritten = {"axis": -1}

    def __init__(self, name: str | None = "cosine_similarity", dtype: Any = None, axis: int = -1) -> None:
        super().__init__(cosine_similarity, name, dtype, axis=axis)
