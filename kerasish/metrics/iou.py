"""Intersections over unions, from a confusion matrix."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasish import config, ops
from kerasish.autodiff import Tensor, convert_to_tensor
from kerasish.metrics.metric import Metric


class IoU(Metric):
    """`tp / (tp + fp + fn)`, averaged over the classes that are looked at and that occur.

    Args:
        num_classes: The number of classes. Labels and predictions outside of them do not count.
        target_class_ids: The classes that are looked at.
        name: A name.
        dtype: The dtype of the counts; by default int32.
        ignore_class: A class whose elements do not count.
        sparse_y_true: Whether labels are class numbers, rather than one-hot codes.
        sparse_y_pred: Whether predictions are class numbers, rather than scores of the classes.
        axis: The axis of the classes, in codes and scores.

    Raises:
        ValueError: If there is no such class.

    >>> round(float(IoU(num_classes=2, target_class_ids=[0])([0, 0, 1, 1], [0, 1, 0, 1])), 4)
    0.3333
    """

    _direction = "up"

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(name=name, dtype=dtype or "int32")
        if not target_class_ids or not all(0 <= number < num_classes for number in target_class_ids):
            raise ValueError(
                f"target_class_ids must be numbers of the {num_classes} classes. "
                f"Received: target_class_ids={target_class_ids}"
            )
        self.num_classes = num_classes
        self.target_class_ids = list(target_class_ids)
        self.ignore_class = ignore_class
        self.sparse_y_true = sparse_y_true
        self.sparse_y_pred = sparse_y_pred
        self.axis = axis
        self.total_cm = self.add_variable(
            (num_classes, num_classes), "zeros", dtype=self.dtype, name="total_confusion_matrix"
        )

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add the elements of a batch.

        Args:
            y_true: The labels.
            y_pred: The predictions.
            sample_weight: The weights of the elements.
        """
        if not self.sparse_y_true:
            y_true = ops.argmax(y_true, axis=self.axis)
        if not self.sparse_y_pred:
            y_pred = ops.argmax(y_pred, axis=self.axis)
        y_true = ops.reshape(ops.cast(y_true, "int32"), (-1,))
        y_pred = ops.reshape(ops.cast(y_pred, "int32"), (-1,))
        weight = self._weights(sample_weight, y_true)
        if self.ignore_class is not None:
            weight = ops.where(ops.not_equal(y_true, self.ignore_class), weight, 0)
        classes = self.num_classes
        known = ops.logical_and(ops.greater_equal(y_true, 0), ops.less(y_true, classes))
        known = ops.logical_and(known, ops.logical_and(ops.greater_equal(y_pred, 0), ops.less(y_pred, classes)))
        # A pair outside of the matrix gets a place outside of it too, and is left out.
        place = ops.where(known, y_true * classes + y_pred, -1)
        counts = ops.segment_sum(weight, place, num_segments=classes * classes)
        self.total_cm.assign_add(ops.reshape(counts, (classes, classes)))

    def _weights(self, sample_weight: Any, y_true: Tensor) -> Tensor:
        if sample_weight is None:
            return ops.ones(y_true.shape, dtype=self.dtype)
        weight = convert_to_tensor(sample_weight)
        if weight.dtype.startswith("float") and "int" in self.dtype and not isinstance(sample_weight, (int, list)):
            warnings.warn(
                f"The metric {self.name!r} counts in {self.dtype}: weights of {weight.dtype} are cut to integers. "
                "Give it a float dtype, or integer weights.",
                stacklevel=4,
            )
        weight = convert_to_tensor(weight, self.dtype)
        if len(weight.shape) > 1:
            weight = ops.reshape(weight, (-1,))
        return ops.broadcast_to(weight, y_true.shape)

    def result(self) -> Tensor:
        """The mean over the classes; 0 where none occurs."""
        matrix = ops.cast(self.total_cm, "float32")
        hits = ops.diagonal(matrix)
        union = ops.sum(matrix, axis=0) + ops.sum(matrix, axis=1) - hits
        chosen = np.asarray(self.target_class_ids, np.int32)
        hits, union = ops.take(hits, chosen, axis=0), ops.take(union, chosen, axis=0)
        occurs = ops.greater(union, 1e-9)
        ratios = ops.where(occurs, hits / (union + config.epsilon()), 0.0)
        return ops.sum(ratios) / (ops.sum(ops.cast(occurs, "float32")) + config.epsilon())

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {
            **super().get_config(),
            "num_classes": self.num_classes,
            "target_class_ids": self.target_class_ids,
            "ignore_class": self.ignore_class,
            "sparse_y_true": self.sparse_y_true,
            "sparse_y_pred": self.sparse_y_pred,
            "axis": self.axis,
        }

    def _config_without(self, *keys: str) -> dict[str, Any]:
        return {key: value for key, value in IoU.get_config(self).items() if key not in keys}


class BinaryIoU(IoU):
    """The intersection over union of two classes, of which one is predicted above a threshold.

    Args:
        target_class_ids: The classes that are looked at.
        threshold: From which prediction on the class is 1.
        name: A name.
        dtype: See `IoU`.

    >>> round(float(BinaryIoU(threshold=0.3)([0, 1, 0, 1], [0.1, 0.2, 0.4, 0.7])), 4)
    0.3333
    """

    def __init__(
        self,
        target_class_ids: Sequence[int] = (0, 1),
        threshold: float = 0.5,
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(num_classes=2, target_class_ids=target_class_ids, name=name, dtype=dtype)
        self.threshold = threshold

    def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
        """Add the elements of a batch.

        Args:
            y_true: The labels, 0 or 1.
            y_pred: The predictions.
            sample_weight: The weights of the elements.
        """
        predicted = ops.greater_equal(convert_to_tensor(y_pred, "float32"), self.threshold)
        super().update_state(y_true, predicted, sample_weight)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        kept = {"target_class_ids": self.target_class_ids, "threshold": self.threshold}
        return {**Metric.get_config(self), **kept}


class MeanIoU(IoU):
    """The intersection over union, averaged over all classes that occur.

    Args:
        num_classes: See `IoU`.
        name: A name.
        dtype: See `IoU`.
        ignore_class: See `IoU`.
        sparse_y_true: See `IoU`.
        sparse_y_pred: See `IoU`.
        axis: See `IoU`.

    >>> round(float(MeanIoU(num_classes=2)([0, 0, 1, 1], [0, 1, 0, 1])), 4)
    0.3333
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_true: bool = True,
        sparse_y_pred: bool = True,
        axis: int = -1,
    ) -> None:
        super().__init__(
            num_classes=num_classes,
            target_class_ids=range(num_classes),
            name=name,
            dtype=dtype,
            ignore_class=ignore_class,
            sparse_y_true=sparse_y_true,
            sparse_y_pred=sparse_y_pred,
            axis=axis,
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return self._config_without("target_class_ids")


class OneHotIoU(IoU):
    """`IoU` for labels that are one-hot codes.

    Args:
        num_classes: See `IoU`.
        target_class_ids: See `IoU`.
        name: A name.
        dtype: See `IoU`.
        ignore_class: See `IoU`.
        sparse_y_pred: See `IoU`.
        axis: See `IoU`.

    >>> float(OneHotIoU(2, [1])([[1, 0], [0, 1]], [[0.7, 0.3], [0.2, 0.8]])) > 0.999
    True
    """

    def __init__(
        self,
        num_classes: int,
        target_class_ids: Sequence[int],
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(
            num_classes=num_classes,
            target_class_ids=target_class_ids,
            name=name,
            dtype=dtype,
            ignore_class=ignore_class,
            sparse_y_true=False,
            sparse_y_pred=sparse_y_pred,
            axis=axis,
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return self._config_without("sparse_y_true")


class OneHotMeanIoU(MeanIoU):
    """`MeanIoU` for labels that are one-hot codes.

    Args:
        num_classes: See `IoU`.
        name: A name.
        dtype: See `IoU`.
        ignore_class: See `IoU`.
        sparse_y_pred: See `IoU`.
        axis: See `IoU`.

    >>> float(OneHotMeanIoU(2)([[1, 0], [0, 1]], [[0.7, 0.3], [0.2, 0.8]])) > 0.999
    True
    """

    def __init__(
        self,
        num_classes: int,
        name: str | None = None,
        dtype: Any = None,
        ignore_class: int | None = None,
        sparse_y_pred: bool = False,
        axis: int = -1,
    ) -> None:
        super().__init__(
            num_classes=num_classes,
            name=name,
            dtype=dtype,
            ignore_class=ignore_class,
            sparse_y_true=False,
            sparse_y_pred=sparse_y_pred,
            axis=axis,
        )

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return self._config_without("target_class_ids", "sparse_y_true")
