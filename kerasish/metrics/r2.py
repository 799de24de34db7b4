"""`R2Score`: the coefficient of determination."""

from __future__ import annotations

import warnings
from typing import Any

from kerasish import ops
from kerasish.autodiff import Tensor, convert_to_tensor
from kerasish.losses.reduction import squeeze_or_expand_to_same_rank
from kerasish.metrics.metric import Metric

AGGREGATIONS = (None, "uniform_average", "variance_weighted_average")


class R2Score(Metric):
    """`1 - sum((y_true - y_pred) ** 2) / sum((y_true - mean(y_true)) ** 2)`, for each output.

    Args:
        class_aggregation: None (a score for each output), "uniform_average" or "variance_weighted_average".
        num_regressors: The number of independent variables; above 0 the adjusted score is given,
            `1 - (1 - r2) * (n - 1) / (n - num_regressors - 1)`.
        name: A name.
        dtype: See `Metric`.

    Raises:
        ValueError: If the aggregation is another one, or the number is negative.

    >>> round(float(R2Score()([[1.0], [2.0], [3.0]], [[1.0], [2.0], [4.0]])), 4)
    0.5
    """

    _direction = "up"

    def __init__(
        self,
        class_aggregation: str | None = "uniform_average",
        num_regressors: int = 0,
        name: str | None = "r2_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if class_aggregation not in AGGREGATIONS:
            raise ValueError(
                f"class_aggregation must be one of {AGGREGATIONS}. Received: class_aggregation={class_aggregation!r}"
            )
        if num_regressors < 0:
            raise ValueError(f"num_regressors must be at least 0. Received: num_regressors={num_regressors}")
        self.class_aggregation = class_aggregation
        self.num_regressors = num_regressors
        self.num_samples = self.add_variable((), "zeros", name="num_samples")
        self._built = False

    def _build(self, y_true_shape: tuple[int, ...], y_pred_shape: tuple[int, ...]) -> None:
        if len(y_pred_shape) != 2 or len(y_true_shape) != 2:
            raise ValueError(
                "R2Score takes targets and predictions of shape (samples, outputs). "
                f"Received: y_true.shape={y_true_shape}, y_pred.shape={y_pred_shape}"
            )
        shape = (y_pred_shape[-1],)
        self.squared_sum = self.add_variable(shape, "zeros", name="squared_sum")
        self.sum = self.add_variable(shape, "zeros", name="sum")
        self.total_mse = self.add_variable(shape, "zeros", name="residual")
        self.count = self.add_variable(shape, "zeros", name="count")
        self._built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add the samples of a batch.

        Args:
            y_true: The targets, `(samples, outputs)`.
            y_pred: The predictions, of the same shape.
            sample_weight: The weights of the samples, or of the elements.
        """
        y_true = convert_to_tensor(y_true, self._dtype)
        y_pred = convert_to_tensor(y_pred, self._dtype)
        y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
        if not self._built:
            self._build(y_true.shape, y_pred.shape)
        weight = convert_to_tensor(1.0 if sample_weight is None else sample_weight, self._dtype)
        if len(weight.shape) == 1:
            weight = ops.expand_dims(weight, 1)
        weight = ops.broadcast_to(weight, y_true.shape)
        weighted = y_true * weight
        self.sum.assign_add(ops.sum(weighted, axis=0))
        self.squared_sum.assign_add(ops.sum(y_true * weighted, axis=0))
        self.total_mse.assign_add(ops.sum(ops.square(y_true - y_pred) * weight, axis=0))
        self.count.assign_add(ops.sum(weight, axis=0))
        self.num_samples.assign_add(float(y_true.array.size))

    def result(self) -> Tensor:
        """The score, or one for each output."""
        if not self._built:
            return convert_to_tensor(0.0, self._dtype)
        total = self.squared_sum - self.sum * ops.divide_no_nan(self.sum, self.count)
        # Targets that are all alike have no score but 0 (and a perfect one of nothing is not a number).
        constant = ops.equal(total, 0.0)
        ratio = ops.divide_no_nan(self.total_mse, total)
        undefined = ops.where(ops.equal(self.total_mse, 0.0), float("nan"), 0.0)
        scores = ops.where(constant, undefined, 1.0 - ratio)
        if self.class_aggregation == "uniform_average":
            score = ops.mean(scores)
        elif self.class_aggregation == "variance_weighted_average":
            score = ops.divide_no_nan(ops.sum(total * scores), ops.sum(total))
        else:
            score = scores
        return self._adjusted(score) if self.num_regressors else score

    def _adjusted(self, score: Tensor) -> Tensor:
        samples = float(self.num_samples)
        if self.num_regressors >= samples - 1:
            warnings.warn(
                "The adjusted R2 score needs more samples than independent variables: the plain score is given. "
                f"Received: num_regressors={self.num_regressors}, samples={int(samples)}",
                stacklevel=3,
            )
            return score
        return 1.0 - (1.0 - score) * (samples - 1.0) / (samples - self.num_regressors - 1.0)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "class_aggregation": self.class_aggregation,
            "num_regressors": self.num_regressors,
        }
