"""`AUC`: the area under a curve of two ratios over all thresholds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasish import config, ops
from kerasish.autodiff import Tensor, convert_to_tensor
from kerasish.metrics.confusion import ConfusionCounter, evenly_spread, spread_thresholds
from kerasish.metrics.metric import Metric

CURVES = ("ROC", "PR", "PRGAIN")
METHODS = ("interpolation", "majoring", "minoring")


class AUC(Metric):
    """The area under the ROC or the precision-recall curve, by a sum over thresholds.

    Args:
        num_thresholds: The number of thresholds, more than 1: the more, the closer to the true area.
        curve: "ROC" (recall over the rate of false positives), "PR" (precision over recall), or "PRGAIN" (gains of
            both: Flach and Kull, 2015).
        summation_method: "interpolation" (the middle of two heights; for PR by Davis and Goadrich, 2006),
            "minoring" (the smaller height) or "majoring" (the greater).
        name: A name.
        dtype: See `Metric`.
        thresholds: Thresholds in (0, 1) to use instead of evenly spread ones.
        multi_label: Whether there is one curve for each label, of which the areas are averaged.
        num_labels: The number of labels, if it shall be known before the first batch.
        label_weights: The weights of the labels.
        from_logits: Whether predictions are logits.

    Raises:
        ValueError: If an argument is out of its range.

    >>> auc = AUC(num_thresholds=3)
    >>> float(auc([0, 0, 1, 1], [0.0, 0.5, 0.3, 0.9]))
    0.75
    """

    _direction = "up"

    def __init__(
        self,
        num_thresholds: int = 200,
        curve: str = "ROC",
        summation_method: str = "interpolation",
        name: str | None = None,
        dtype: Any = None,
        thresholds: Sequence[float] | None = None,
        multi_label: bool = False,
        num_labels: int | None = None,
        label_weights: Any = None,
        from_logits: bool = False,
    ) -> None:
        if str(curve).upper() not in CURVES:
            raise ValueError(f"curve must be one of {CURVES}. Received: curve={curve!r}")
        if str(summation_method).lower() not in METHODS:
            raise ValueError(f"summation_method must be one of {METHODS}. Received: {summation_method!r}")
        if num_labels and not multi_label:
            raise ValueError(f"num_labels is for multi_label=True only. Received: num_labels={num_labels}")
        super().__init__(name=name, dtype=dtype)
        self._given_thresholds = thresholds is not None
        if thresholds is not None:
            inner = sorted(float(t) for t in thresholds)
            even = evenly_spread([0.0, *inner, 1.0])
        else:
            if num_thresholds <= 1:
                raise ValueError(f"num_thresholds must be at least 2. Received: num_thresholds={num_thresholds}")
            inner = spread_thresholds(num_thresholds)[1:-1]
            even = True
        # The outer thresholds lie beyond all predictions, whatever the rounding.
        self.thresholds = [0.0 - config.epsilon(), *inner, 1.0 + config.epsilon()]
        self.num_thresholds = len(self.thresholds)
        self.curve = str(curve).upper()
        self.summation_method = str(summation_method).lower()
        self.multi_label = multi_label
        self.num_labels = num_labels
        self.label_weights = None if label_weights is None else convert_to_tensor(label_weights, self.dtype)
        self.from_logits = from_logits
        self._counter = ConfusionCounter(self.thresholds, even, multi_label=multi_label)
        self._built = False
        if not multi_label:
            self._build(())
        elif num_labels:
            self._build((num_labels,))

    def _build(self, labels: tuple[int, ...]) -> None:
        shape = (self.num_thresholds, *labels)
        self.true_positives = self.add_variable(shape, "zeros", name="true_positives")
        self.false_positives = self.add_variable(shape, "zeros", name="false_positives")
        self.true_negatives = self.add_variable(shape, "zeros", name="true_negatives")
        self.false_negatives = self.add_variable(shape, "zeros", name="false_negatives")
        self._built = True

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add the samples of a batch.

        Args:
            y_true: The labels, 0 or 1.
            y_pred: The predictions, of the same shape: `(samples, labels)` with multi_label.
            sample_weight: The weights of the samples, or of the elements.
        """
        y_pred = convert_to_tensor(y_pred)
        if self.multi_label and len(y_pred.shape) != 2:
            raise ValueError(
                "AUC: with multi_label=True, predictions must have the shape (samples, labels). "
                f"Received: y_pred.shape={y_pred.shape}"
            )
        if not self._built:
            self._build((y_pred.shape[1],))
        if self.from_logits:
            y_pred = ops.sigmoid(y_pred)
        counts = {
            "tp": self.true_positives,
            "fp": self.false_positives,
            "tn": self.true_negatives,
            "fn": self.false_negatives,
        }
        # The weights of the labels of separate curves count when the areas are averaged.
        label_weights = None if self.multi_label else self.label_weights
        self._counter.update(counts, y_true, y_pred, sample_weight, label_weights)

    def _interpolated_pr(self) -> Tensor:
        """The areas of the parts of the precision-recall curve, where tp and fp change linearly between thresholds."""
        tp, positive = self.true_positives, self.true_positives + self.false_positives
        d_tp = tp[:-1] - tp[1:]
        slope = ops.divide_no_nan(d_tp, ops.maximum(positive[:-1] - positive[1:], 0.0))
        intercept = tp[1:] - slope * positive[1:]
        both = ops.logical_and(ops.greater(positive[:-1], 0.0), ops.greater(positive[1:], 0.0))
        ratio = ops.where(both, ops.divide_no_nan(positive[:-1], ops.maximum(positive[1:], 0.0)), 1.0)
        area = slope * (d_tp + intercept * ops.log(ratio))
        return ops.divide_no_nan(area, ops.maximum(tp[1:] + self.false_negatives[1:], 0.0))

    def _curve(self) -> tuple[Tensor, Tensor]:
        """The points of the curve: x and y at each threshold."""
        tp, fp, tn, fn = self.true_positives, self.false_positives, self.true_negatives, self.false_negatives
        recall = ops.divide_no_nan(tp, tp + fn)
        if self.curve == "ROC":
            return ops.divide_no_nan(fp, fp + tn), recall
        if self.curve == "PR":
            return recall, ops.divide_no_nan(tp, tp + fp)
        odds = ops.divide_no_nan(tp + fn, tn + fp)
        nothing = ops.equal(tp, 0.0)
        recall_gain = ops.where(nothing, 0.0, 1.0 - odds * ops.divide_no_nan(fn, tp))
        precision_gain = ops.where(nothing, 1.0, 1.0 - odds * ops.divide_no_nan(fp, tp))
        return ops.maximum(recall_gain, 0.0), precision_gain

    def result(self) -> Tensor:
        """The area, or the mean of those of the labels."""
        if not self._built:
            return convert_to_tensor(0.0, self.dtype)
        if self.curve == "PR" and self.summation_method == "interpolation":
            parts = self._interpolated_pr()
        else:
            x, y = self._curve()
            if self.summation_method == "interpolation":
                heights = (y[:-1] + y[1:]) / 2.0
            elif self.summation_method == "minoring":
                heights = ops.minimum(y[:-1], y[1:])
            else:
                heights = ops.maximum(y[:-1], y[1:])
            parts = (x[:-1] - x[1:]) * heights
        if not self.multi_label:
            return ops.sum(parts)
        areas = ops.sum(parts, axis=0)
        if self.label_weights is None:
            return ops.mean(areas)
        return ops.divide_no_nan(ops.sum(areas * self.label_weights), ops.sum(self.label_weights))

    def get_config(self) -> dict[str, Any]:
        """The arguments; the thresholds only where they were given."""
        config = {
            **super().get_config(),
            "num_thresholds": self.num_thresholds,
            "curve": self.curve,
            "summation_method": self.summation_method,
            "multi_label": self.multi_label,
            "num_labels": self.num_labels,
            "label_weights": None if self.label_weights is None else self.label_weights.tolist(),
            "from_logits": self.from_logits,
        }
        if self._given_thresholds:
            config["thresholds"] = self.thresholds[1:-1]
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> AUC:
        """The metric of a config."""
        from kerasish.saving.serialization_lib import deserialize_keras_object

        weights = deserialize_keras_object(config.get("label_weights"))
        if isinstance(weights, (Tensor, np.ndarray)):
            weights = weights.tolist()
        return cls(**{**config, "label_weights": weights} if "label_weights" in config else config)
