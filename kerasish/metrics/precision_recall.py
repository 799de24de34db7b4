"""Counts of hits and misses at thresholds, and the ratios of two of them."""

from __future__ import annotations

from typing import Any, ClassVar

from kerasish import ops
from kerasish.autodiff import Tensor
from kerasish.metrics.confusion import LOWEST, ConfusionCounter, checked_thresholds, evenly_spread
from kerasish.metrics.metric import Metric


class ConfusionCount(Metric):
    """The number of one kind of hit or miss, weighted, at each threshold.

    Args:
        thresholds: A threshold in [0, 1] or a list of them, by default 0.5; a prediction above it is positive.
        name: A name.
        dtype: See `Metric`.

    Raises:
        ValueError: If a threshold lies outside of [0, 1].
    """

    kind: ClassVar[str]

    def __init__(self, thresholds: Any = None, name: str | None = None, dtype: Any = None) -> None:
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds = thresholds
        self.thresholds = checked_thresholds(thresholds, 0.5)
        self._counter = ConfusionCounter(self.thresholds, evenly_spread(self.thresholds))
        self.accumulator = self.add_variable((len(self.thresholds),), "zeros", name="accumulator")

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add the samples of a batch.

        Args:
            y_true: The labels, 0 or 1.
            y_pred: The predictions, of the same shape.
            sample_weight: The weights of the samples, or of the elements.
        """
        self._counter.update({self.kind: self.accumulator}, y_true, y_pred, sample_weight)

    def result(self) -> Tensor:
        """The count, or one for each threshold."""
        return self.accumulator[0] if len(self.thresholds) == 1 else ops.copy(self.accumulator)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "thresholds": self.init_thresholds}


class FalsePositives(ConfusionCount):
    """The number of labels of 0 that are predicted as 1.

    Args:
        thresholds: A threshold in [0, 1] or a list of them, by default 0.5; a prediction above it is positive.
        name: A name.
        dtype: See `Metric`.

    >>> float(FalsePositives()([0, 1, 1, 1], [0.9, 0.8, 0.6, 0.2]))
    1.0
    """

    kind = "fp"


class FalseNegatives(ConfusionCount):
    """The number of labels of 1 that are predicted as 0.

    Args:
        thresholds: A threshold in [0, 1] or a list of them, by default 0.5; a prediction above it is positive.
        name: A name.
        dtype: See `Metric`.

    >>> float(FalseNegatives()([0, 1, 1, 1], [0.9, 0.8, 0.6, 0.2]))
    1.0
    """

    kind = "fn"


class TrueNegatives(ConfusionCount):
    """The number of labels of 0 that are predicted as 0.

    Args:
        thresholds: A threshold in [0, 1] or a list of them, by default 0.5; a prediction above it is positive.
        name: A name.
        dtype: See `Metric`.

    >>> float(TrueNegatives()([0, 1, 1, 1], [0.9, 0.8, 0.6, 0.2]))
    0.0
    """

    kind = "tn"


class TruePositives(ConfusionCount):
    """The number of labels of 1 that are predicted as 1.

    Args:
        thresholds: A threshold in [0, 1] or a list of them, by default 0.5; a prediction above it is positive.
        name: A name.
        dtype: See `Metric`.

    >>> float(TruePositives()([0, 1, 1, 1], [0.9, 0.8, 0.6, 0.2]))
    2.0
    """

    kind = "tp"


class _Ratio(Metric):
    """`tp / (tp + others)`."""

    _direction = "up"
    _other: ClassVar[tuple[str, str]]

    def __init__(
        self,
        thresholds: Any = None,
        top_k: int | None = None,
        class_id: int | None = None,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(name=name, dtype=dtype)
        self.init_thresholds = thresholds
        self.top_k = top_k
        self.class_id = class_id
        self.thresholds = checked_thresholds(thresholds, 0.5 if top_k is None else LOWEST)
        self._counter = ConfusionCounter(self.thresholds, evenly_spread(self.thresholds), top_k, class_id)
        shape = (len(self.thresholds),)
        self.true_positives = self.add_variable(shape, "zeros", name="true_positives")
        kind, name = self._other
        setattr(self, name, self.add_variable(shape, "zeros", name=name))
        self._counts = {"tp": self.true_positives, kind: getattr(self, name)}

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add the samples of a batch.

        Args:
            y_true: The labels, 0 or 1.
            y_pred: The predictions, of the same shape.
            sample_weight: The weights of the samples, or of the elements.
        """
        self._counter.update(self._counts, y_true, y_pred, sample_weight)

    def result(self) -> Tensor:
        """The ratio, or one for each threshold; 0 where nothing was counted."""
        other = getattr(self, self._other[1])
        ratio = ops.divide_no_nan(self.true_positives, self.true_positives + other)
        return ratio[0] if len(self.thresholds) == 1 else ratio

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "thresholds": self.init_thresholds,
            "top_k": self.top_k,
            "class_id": self.class_id,
        }


class Precision(_Ratio):
    """How many of the positive predictions are right: `tp / (tp + fp)`.

    Args:
        thresholds: A threshold in [0, 1] or a list of them, by default 0.5; a prediction above it is positive.
        top_k: How many predictions of a sample, the greatest, can be positive; all of them are, by default.
        class_id: The class that is looked at, by default all.
        name: A name.
        dtype: See `Metric`.

    Raises:
        ValueError: If a threshold lies outside of [0, 1].

    >>> round(float(Precision()([0, 1, 1, 1], [0.9, 0.8, 0.6, 0.2])), 4)
    0.6667
    """

    _other = ("fp", "false_positives")


class Recall(_Ratio):
    """How many of the true labels are found: `tp / (tp + fn)`.

    Args:
        thresholds: A threshold in [0, 1] or a list of them, by default 0.5; a prediction above it is positive.
        top_k: How many predictions of a sample, the greatest, can be positive; all of them are, by default.
        class_id: The class that is looked at, by default all.
        name: A name.
        dtype: See `Metric`.

    Raises:
        ValueError: If a threshold lies outside of [0, 1].

    >>> round(float(Recall()([0, 1, 1, 1], [0.9, 0.8, 0.6, 0.2])), 4)
    0.6667
    """

    _other = ("fn", "false_negatives")
