"""Two ratios against each other: the best of one, where the other reaches a value."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.autodiff import Tensor, Variable
from kerasish.metrics.confusion import ConfusionCounter, spread_thresholds
from kerasish.metrics.metric import Metric


def _share(part: Variable, rest: Variable) -> Tensor:
    return ops.divide_no_nan(part, part + rest)


class SensitivitySpecificityBase(Metric):
    """Counts at thresholds spread evenly over [0, 1], and the best of one ratio where another reaches a value.

    Args:
        value: The value, from 0 to 1.
        num_thresholds: The number of thresholds.
        class_id: The class that is looked at, by default all.
        name: A name.
        dtype: See `Metric`.

    Raises:
        ValueError: If the value lies outside of [0, 1], or there is no threshold.
    """

    _direction = "up"
    _argument = "value"

    def __init__(
        self,
        value: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        if not 0 <= value <= 1:
            raise ValueError(f"{self._argument} must lie in [0, 1]. Received: {self._argument}={value}")
        if num_thresholds <= 0:
            raise ValueError(f"num_thresholds must be at least 1. Received: num_thresholds={num_thresholds}")
        self.value = value
        self.num_thresholds = num_thresholds
        self.class_id = class_id
        self.thresholds = [0.5] if num_thresholds == 1 else spread_thresholds(num_thresholds)
        self._counter = ConfusionCounter(self.thresholds, num_thresholds > 1, class_id=class_id)
        shape = (len(self.thresholds),)
        self.true_positives = self.add_variable(shape, "zeros", name="true_positives")
        self.false_positives = self.add_variable(shape, "zeros", name="false_positives")
        self.true_negatives = self.add_variable(shape, "zeros", name="true_negatives")
        self.false_negatives = self.add_variable(shape, "zeros", name="false_negatives")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add the samples of a batch.

        Args:
            y_true: The labels, 0 or 1.
            y_pred: The predictions, of the same shape.
            sample_weight: The weights of the samples, or of the elements.
        """
        counts = {
            "tp": self.true_positives,
            "fp": self.false_positives,
            "tn": self.true_negatives,
            "fn": self.false_negatives,
        }
        self._counter.update(counts, y_true, y_pred, sample_weight)

    def _ratios(self) -> tuple[Tensor, Tensor]:
        """The ratio that must reach the value, and the one of which the best is wanted."""
        raise NotImplementedError

    def _recall(self) -> Tensor:
        return _share(self.true_positives, self.false_negatives)

    def _specificity(self) -> Tensor:
        return _share(self.true_negatives, self.false_positives)

    def _precision(self) -> Tensor:
        return _share(self.true_positives, self.false_positives)

    def result(self) -> Tensor:
        """The best of the second ratio; 0 where the first reaches the value nowhere."""
        bound, wanted = self._ratios()
        return ops.max(ops.where(ops.greater_equal(bound, self.value), wanted, 0.0))

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "class_id": self.class_id,
            "num_thresholds": self.num_thresholds,
            self._argument: self.value,
        }


class SensitivityAtSpecificity(SensitivitySpecificityBase):
    """The best sensitivity `tp / (tp + fn)` where the specificity `tn / (tn + fp)` reaches a value.

    Args:
        specificity: The value, from 0 to 1.
        num_thresholds: The number of thresholds, spread evenly over [0, 1].
        class_id: The class that is looked at, by default all.
        name: A name.
        dtype: See `Metric`.

    Raises:
        ValueError: If the value lies outside of [0, 1], or there is no threshold.

    >>> metric = SensitivityAtSpecificity(0.7)
    >>> round(float(metric([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.9])), 4)
    0.5
    """

    _argument = "specificity"

    def __init__(
        self,
        specificity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(specificity, num_thresholds=num_thresholds, class_id=class_id, name=name, dtype=dtype)
        self.specificity = specificity

    def _ratios(self) -> tuple[Tensor, Tensor]:
        return self._specificity(), self._recall()


class SpecificityAtSensitivity(SensitivitySpecificityBase):
    """The best specificity `tn / (tn + fp)` where the sensitivity `tp / (tp + fn)` reaches a value.

    Args:
        sensitivity: The value, from 0 to 1.
        num_thresholds: The number of thresholds, spread evenly over [0, 1].
        class_id: The class that is looked at, by default all.
        name: A name.
        dtype: See `Metric`.

    Raises:
        ValueError: If the value lies outside of [0, 1], or there is no threshold.

    >>> metric = SpecificityAtSensitivity(0.7)
    >>> round(float(metric([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.9])), 4)
    0.3333
    """

    _argument = "sensitivity"

    def __init__(
        self,
        sensitivity: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(sensitivity, num_thresholds=num_thresholds, class_id=class_id, name=name, dtype=dtype)
        self.sensitivity = sensitivity

    def _ratios(self) -> tuple[Tensor, Tensor]:
        return self._recall(), self._specificity()


class PrecisionAtRecall(SensitivitySpecificityBase):
    """The best precision `tp / (tp + fp)` where the recall `tp / (tp + fn)` reaches a value.

    Args:
        recall: The value, from 0 to 1.
        num_thresholds: The number of thresholds, spread evenly over [0, 1].
        class_id: The class that is looked at, by default all.
        name: A name.
        dtype: See `Metric`.

    Raises:
        ValueError: If the value lies outside of [0, 1], or there is no threshold.

    >>> metric = PrecisionAtRecall(0.7)
    >>> round(float(metric([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.9])), 4)
    0.5
    """

    _argument = "recall"

    def __init__(
        self,
        recall: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(recall, num_thresholds=num_thresholds, class_id=class_id, name=name, dtype=dtype)
        self.recall = recall

    def _ratios(self) -> tuple[Tensor, Tensor]:
        return self._recall(), self._precision()


class RecallAtPrecision(SensitivitySpecificityBase):
    """The best recall `tp / (tp + fn)` where the precision `tp / (tp + fp)` reaches a value.

    Args:
        precision: The value, from 0 to 1.
        num_thresholds: The number of thresholds, spread evenly over [0, 1].
        class_id: The class that is looked at, by default all.
        name: A name.
        dtype: See `Metric`.

    Raises:
        ValueError: If the value lies outside of [0, 1], or there is no threshold.

    >>> metric = RecallAtPrecision(0.7)
    >>> round(float(metric([0, 0, 0, 1, 1], [0.0, 0.3, 0.8, 0.3, 0.9])), 4)
    0.5
    """

    _argument = "precision"

    def __init__(
        self,
        precision: float,
        num_thresholds: int = 200,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(precision, num_thresholds=num_thresholds, class_id=class_id, name=name, dtype=dtype)
        self.precision = precision

    def _ratios(self) -> tuple[Tensor, Tensor]:
        return self._precision(), self._recall()
