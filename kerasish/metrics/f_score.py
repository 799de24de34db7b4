"""F-scores: harmonic means of precision and recall."""

from __future__ import annotations

from typing import Any

from kerasish import config, ops
from kerasish.autodiff import Tensor, convert_to_tensor
from kerasish.metrics.metric import Metric

AVERAGES = (None, "micro", "macro", "weighted")


class FBetaScore(Metric):
    """`(1 + beta ** 2) * precision * recall / (beta ** 2 * precision + recall)`.

    Args:
        average: None (a score for each class), "micro" (of all classes together), "macro" (the mean of the scores),
            or "weighted" (their mean, weighted by how often each class occurs).
        beta: How much more recall counts than precision.
        threshold: What a prediction must exceed to count; by default the greatest of a sample counts.
        name: A name.
        dtype: See `Metric`.

    Raises:
        ValueError: If an argument is out of its range.

    >>> score = FBetaScore(average="macro", beta=2.0)
    >>> round(float(score([[1.0, 0.0], [0.0, 1.0]], [[0.9, 0.1], [0.6, 0.4]])), 3)
    0.417
    """

    _direction = "up"

    def __init__(
        self,
        average: str | None = None,
        beta: float = 1.0,
        threshold: float | None = None,
        name: str | None = "fbeta_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if average not in AVERAGES:
            raise ValueError(f"average must be one of {AVERAGES}. Received: average={average!r}")
        if not isinstance(beta, float) or beta <= 0.0:
            raise ValueError(f"beta must be a positive float. Received: beta={beta!r}")
        if threshold is not None and not (isinstance(threshold, float) and 0.0 < threshold <= 1.0):
            raise ValueError(f"threshold must be a float in (0, 1], or None. Received: threshold={threshold!r}")
        self.average = average
        self.beta = beta
        self.threshold = threshold
        self._built = False

    def _build(self, y_true_shape: tuple[int, ...], y_pred_shape: tuple[int, ...]) -> None:
        if len(y_pred_shape) != 2 or len(y_true_shape) != 2:
            raise ValueError(
                f"{type(self).__name__} takes targets and predictions of shape (samples, classes). "
                f"Received: y_true.shape={y_true_shape}, y_pred.shape={y_pred_shape}"
            )
        shape = () if self.average == "micro" else (y_pred_shape[-1],)
        self.true_positives = self.add_variable(shape, "zeros", dtype=self.dtype, name="true_positives")
        self.false_positives = self.add_variable(shape, "zeros", dtype=self.dtype, name="false_positives")
        self.false_negatives = self.add_variable(shape, "zeros", dtype=self.dtype, name="false_negatives")
        self.intermediate_weights = self.add_variable(shape, "zeros", dtype=self.dtype, name="intermediate_weights")
        self._built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add the samples of a batch.

        Args:
            y_true: The targets, one-hot or multi-hot, `(samples, classes)`.
            y_pred: The predictions, of the same shape.
            sample_weight: The weights of the samples.
        """
        y_true = convert_to_tensor(y_true, self._dtype)
        y_pred = convert_to_tensor(y_pred, self._dtype)
        if not self._built:
            self._build(y_true.shape, y_pred.shape)
        if self.threshold is None:
            greatest = ops.max(y_pred, axis=-1, keepdims=True)
            # A sample of zeros predicts no class, rather than all of them.
            hits = ops.logical_and(ops.greater_equal(y_pred, greatest), ops.greater(ops.absolute(y_pred), 1e-9))
        else:
            hits = ops.greater(y_pred, self.threshold)
        y_pred = ops.cast(hits, self._dtype)
        weight = None
        if sample_weight is not None:
            weight = ops.expand_dims(convert_to_tensor(sample_weight, self._dtype), 1)
        axis = None if self.average == "micro" else 0

        def total(values: Tensor) -> Tensor:
            return ops.sum(values if weight is None else values * weight, axis=axis)

        both, true, predicted = total(y_pred * y_true), total(y_true), total(y_pred)
        self.true_positives.assign_add(both)
        self.false_positives.assign_add(predicted - both)
        self.false_negatives.assign_add(true - both)
        self.intermediate_weights.assign_add(true)

    def result(self) -> Tensor:
        """The score, or one for each class."""
        least = config.epsilon()
        precision = self.true_positives / (self.true_positives + self.false_positives + least)
        recall = self.true_positives / (self.true_positives + self.false_negatives + least)
        square = self.beta**2
        score = precision * recall / (precision * square + recall + least) * (1 + square)
        if self.average == "weighted":
            weights = self.intermediate_weights / (ops.sum(self.intermediate_weights) + least)
            return ops.sum(score * weights)
        return score if self.average is None else ops.mean(score)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "average": self.average,
            "beta": self.beta,
            "threshold": self.threshold,
        }


class F1Score(FBetaScore):
    """`2 * precision * recall / (precision + recall)`.

    Args:
        average: See `FBetaScore`.
        threshold: See `FBetaScore`.
        name: A name.
        dtype: See `Metric`.

    >>> round(float(F1Score(average="micro")([[1.0, 0.0], [0.0, 1.0]], [[0.9, 0.1], [0.6, 0.4]])), 3)
    0.5
    """

    def __init__(
        self,
        average: str | None = None,
        threshold: float | None = None,
        name: str | None = "f1_score",
        dtype: Any = None,
    ) -> None:
        super().__init__(average=average, beta=1.0, threshold=threshold, name=name, dtype=dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        config = super().get_config()
        del config["beta"]
        return config
