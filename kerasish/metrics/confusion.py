"""Counts of true and false positives and negatives at thresholds, which many metrics are made of."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish import config, ops
from kerasish.autodiff import Tensor, Variable, convert_to_tensor
from kerasish.losses.reduction import squeeze_or_expand_to_same_rank

LOWEST = -1e10
"""What predictions beyond the k greatest are set to; also the threshold that all others exceed."""

KINDS = ("tp", "fp", "tn", "fn")


def checked_thresholds(thresholds: Any, default: float) -> list[float]:
    """Thresholds as a list: one number, several, or the default for None.

    Raises:
        ValueError: If one lies outside of [0, 1].
    """
    if thresholds is None:
        return [default]
    values = list(thresholds) if isinstance(thresholds, (list, tuple, np.ndarray)) else [thresholds]
    if not values or any(value is None or not 0 <= value <= 1 for value in values):
        raise ValueError(f"Thresholds must lie in [0, 1]. Received: thresholds={thresholds!r}")
    return values


def evenly_spread(thresholds: list[float]) -> bool:
    """Whether the thresholds are 0, 1 / (n - 1), …, 1, for n of at least 3."""
    count = len(thresholds)
    if count < 3:
        return False
    return np.allclose(thresholds, np.arange(count, dtype=np.float32) / (count - 1), atol=config.epsilon())


def spread_thresholds(count: int) -> list[float]:
    """`count` thresholds spread evenly over [0, 1].

    >>> spread_thresholds(3)
    [0.0, 0.5, 1.0]
    """
    return [0.0, *[(i + 1) * 1.0 / (count - 1) for i in range(count - 2)], 1.0]


class ConfusionCounter:
    """Adds the counts of a batch to variables.

    A prediction is positive at a threshold that it exceeds. Where the thresholds are spread evenly, each prediction
    is put into the bucket between two of them, and the counts are sums over the buckets above: the work does not
    grow with the number of thresholds.

    Args:
        thresholds: The thresholds, in ascending order for the buckets.
        even: Whether they are spread evenly over [0, 1].
        top_k: How many predictions of a sample can be positive.
        class_id: The class that is looked at.
        multi_label: Whether each label gets counts of its own: the variables are `(thresholds, labels)`.
    """

    def __init__(
        self,
        thresholds: list[float],
        even: bool,
        top_k: int | None = None,
        class_id: int | None = None,
        multi_label: bool = False,
    ) -> None:
        self.count = len(thresholds)
        self.even = even
        self.below_zero = thresholds[0] < 0.0 or thresholds[-1] > 1.0
        self.thresholds = np.asarray(thresholds, np.float32)
        self.top_k = top_k
        self.class_id = class_id
        self.multi_label = multi_label

    def update(
        self,
        variables: dict[str, Variable],
        y_true: Any,
        y_pred: Any,
        sample_weight: Any = None,
        label_weights: Any = None,
    ) -> None:
        """Add the counts of a batch.

        Args:
            variables: The variables to add to, by kind: "tp", "fp", "tn", "fn".
            y_true: The labels: 0, or anything else for 1.
            y_pred: The predictions.
            sample_weight: The weights of the samples, or of the elements.
            label_weights: The weights of the labels, the last axis.
        """
        dtype = next(iter(variables.values())).dtype
        y_pred = convert_to_tensor(y_pred, dtype)
        y_true = convert_to_tensor(y_true, dtype)
        y_pred, y_true = squeeze_or_expand_to_same_rank(y_pred, y_true)
        weight = None
        if sample_weight is not None:
            weight = ops.expand_dims(convert_to_tensor(sample_weight, dtype), -1)
            _, weight = squeeze_or_expand_to_same_rank(y_true, weight, expand_rank_1=False)
        if self.top_k is not None:
            y_pred = self._only_top(y_pred, self.top_k)
        if self.class_id is not None:
            if len(y_pred.shape) == 1:
                raise ValueError(
                    "With class_id, predictions must have the shape (samples, classes). "
                    f"Received: y_pred.shape={y_pred.shape}"
                )
            y_true, y_pred = y_true[..., self.class_id, None], y_pred[..., self.class_id, None]
        if weight is not None:
            weight = ops.broadcast_to(weight, y_pred.shape)
        if label_weights is not None:
            label_weights = ops.broadcast_to(convert_to_tensor(label_weights, dtype), y_pred.shape)
            weight = label_weights if weight is None else weight * label_weights
        true = ops.cast(ops.not_equal(y_true, 0), dtype)
        # Column 0 holds the weight of what is true, column 1 of what is false.
        sides = ops.stack([true, 1.0 - true], axis=-1)
        if weight is not None:
            sides = sides * ops.expand_dims(weight, -1)
        labels = y_pred.shape[-1] if self.multi_label else 1
        y_pred = ops.reshape(y_pred, (-1, labels))
        sides = ops.reshape(sides, (-1, labels, 2))
        positive = self._by_buckets(y_pred, sides) if self.even else self._by_comparison(y_pred, sides)
        if not self.multi_label:
            positive, sides = positive[:, 0], sides[:, 0]
        tp, fp = positive[..., 0], positive[..., 1]
        if "tp" in variables:
            variables["tp"].assign_add(tp)
        if "fp" in variables:
            variables["fp"].assign_add(fp)
        if "tn" in variables or "fn" in variables:
            totals = ops.sum(sides, axis=0)
            if "tn" in variables:
                variables["tn"].assign_add(totals[..., 1] - fp)
            if "fn" in variables:
                variables["fn"].assign_add(totals[..., 0] - tp)

    @staticmethod
    def _only_top(y_pred: Tensor, k: int) -> Tensor:
        _, indices = ops.top_k(y_pred, k)
        chosen = ops.sum(ops.one_hot(indices, y_pred.shape[-1], dtype=y_pred.dtype), axis=-2)
        return ops.where(ops.greater(chosen, 0), y_pred, LOWEST)

    def _by_comparison(self, y_pred: Tensor, sides: Tensor) -> Tensor:
        """The positive weights `(thresholds, labels, 2)`: each prediction is compared with each threshold."""
        thresholds = convert_to_tensor(self.thresholds.reshape(-1, 1, 1), y_pred.dtype)
        above = ops.cast(ops.greater(y_pred, thresholds), y_pred.dtype)
        if y_pred.shape[-1] == 1:
            return ops.expand_dims(ops.matmul(above[..., 0], sides[:, 0]), 1)
        return ops.einsum("tnl,nls->tls", above, sides)

    def _by_buckets(self, y_pred: Tensor, sides: Tensor) -> Tensor:
        """The positive weights `(thresholds, labels, 2)`: sums over buckets, from above."""
        samples, labels = y_pred.shape
        # Not-a-number exceeds nothing.
        y_pred = ops.clip(ops.nan_to_num(y_pred, nan=0.0), 0.0, 1.0)
        bucket = ops.ceil(y_pred * float(self.count - 1)) - 1.0
        if self.below_zero:
            bucket = ops.maximum(bucket, 0.0)
        # One bucket more, the first, for what exceeds no threshold.
        bucket = ops.cast(bucket, "int32") + 1
        if labels > 1:
            bucket = bucket + ops.arange(labels, dtype="int32") * (self.count + 1)
        sums = ops.segment_sum(
            ops.reshape(sides, (samples * labels, 2)),
            ops.reshape(bucket, (-1,)),
            num_segments=labels * (self.count + 1),
        )
        sums = ops.reshape(sums, (labels, self.count + 1, 2))[:, 1:]
        above = ops.flip(ops.cumsum(ops.flip(sums, axis=1), axis=1), axis=1)
        return ops.transpose(above, (1, 0, 2))
