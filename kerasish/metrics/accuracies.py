"""Accuracies: how often predictions match targets."""

from __future__ import annotations

from typing import Any

from kerasish import config, ops
from kerasish.autodiff import Tensor, convert_to_tensor
from kerasish.losses.reduction import paired, squeeze_or_expand_to_same_rank
from kerasish.metrics.reduction import BuiltInMean


def _matches(a: Any, b: Any) -> Tensor:
    return ops.cast(ops.equal(a, b), config.floatx())


def accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """1 where a prediction equals the target, else 0.

    >>> accuracy([1, 2], [1, 3]).tolist()
    [1.0, 0.0]
    """
    return _matches(*paired(y_true, y_pred))


def binary_accuracy(y_true: Any, y_pred: Any, threshold: float = 0.5) -> Tensor:
    """1 where a prediction lies on the same side of the threshold as the label (0 or 1), else 0.

    >>> binary_accuracy([[1.0], [0.0]], [[0.7], [0.9]]).tolist()
    [[1.0], [0.0]]
    """
    y_true, y_pred = convert_to_tensor(y_true), convert_to_tensor(y_pred)
    y_true, y_pred = squeeze_or_expand_to_same_rank(y_true, y_pred)
    return _matches(y_true, ops.cast(ops.greater(y_pred, threshold), y_true.dtype))


def categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """1 where the greatest prediction is that of the true class, else 0.

    Args:
        y_true: One-hot codes, `(..., C)`.
        y_pred: Predictions, `(..., C)`.

    Returns:
        A tensor `(...)`.

    >>> categorical_accuracy([[0.0, 1.0], [1.0, 0.0]], [[0.3, 0.7], [0.4, 0.6]]).tolist()
    [1.0, 0.0]
    """
    return _matches(ops.argmax(y_true, axis=-1), ops.argmax(y_pred, axis=-1))


def sparse_categorical_accuracy(y_true: Any, y_pred: Any) -> Tensor:
    """1 where the greatest prediction is that of the true class number, else 0.

    Args:
        y_true: Class numbers, `(...)` or `(..., 1)`.
        y_pred: Predictions, `(..., C)`.

    Returns:
        A tensor `(...)`.

    >>> sparse_categorical_accuracy([1, 0], [[0.3, 0.7], [0.4, 0.6]]).tolist()
    [1.0, 0.0]
    """
    y_true, y_pred = convert_to_tensor(y_true), convert_to_tensor(y_pred)
    shape = y_true.array.shape
    if len(shape) == y_pred.array.ndim and shape[-1] == 1:
        y_true = ops.squeeze(y_true, -1)
        shape = shape[:-1]
    matches = _matches(y_true, ops.argmax(y_pred, axis=-1))
    return ops.squeeze(matches, -1) if len(shape) > 1 and shape[-1] == 1 else matches


def _in_top_k(classes: Tensor, y_pred: Tensor, k: int) -> Tensor:
    """Whether each class is among the k greatest predictions, for any number of leading dimensions."""
    shape = classes.shape
    if len(y_pred.shape) > 2:
        y_pred = ops.reshape(y_pred, (-1, y_pred.shape[-1]))
    if len(shape) > 1:
        classes = ops.reshape(classes, (-1,))
    matches = ops.cast(ops.in_top_k(ops.cast(classes, "int32"), y_pred, k=k), config.floatx())
    return ops.reshape(matches, shape) if len(shape) > 1 else matches


def top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5) -> Tensor:
    """1 where the true class is among the k greatest predictions, else 0; shapes as in `categorical_accuracy`.

    >>> top_k_categorical_accuracy([[0.0, 0.0, 1.0]], [[0.5, 0.2, 0.3]], k=2).tolist()
    [1.0]
    """
    return _in_top_k(ops.argmax(y_true, axis=-1), convert_to_tensor(y_pred), k)


def sparse_top_k_categorical_accuracy(y_true: Any, y_pred: Any, k: int = 5, from_sorted_ids: bool = False) -> Tensor:
    """1 where the true class number is among the k greatest predictions, else 0.

    Args:
        y_true: Class numbers, `(...)`.
        y_pred: Predictions, `(..., C)`; with `from_sorted_ids` class numbers, the best first.
        k: How many predictions count.
        from_sorted_ids: See above.

    >>> sparse_top_k_categorical_accuracy([2], [[0.5, 0.2, 0.3]], k=2).tolist()
    [1.0]
    """
    y_true, y_pred = convert_to_tensor(y_true), convert_to_tensor(y_pred)
    if not from_sorted_ids:
        return _in_top_k(y_true, y_pred, k)
    found = ops.any(ops.equal(ops.expand_dims(y_true, -1), y_pred[..., :k]), axis=-1)
    return ops.cast(found, config.floatx())


class Accuracy(BuiltInMean):
    """How often predictions equal targets.

    Args:
        name: A name.
        dtype: See `Metric`.

    >>> float(Accuracy()([1, 2], [1, 3]))
    0.5
    """

    _direction = "up"

    def __init__(self, name: str | None = "accuracy", dtype: Any = None) -> None:
        super().__init__(accuracy, name, dtype)


class BinaryAccuracy(BuiltInMean):
    """How often predictions lie on the same side of the threshold as labels of 0 and 1.

    Args:
        name: A name.
        dtype: See `Metric`.
        threshold: The threshold.

    >>> float(BinaryAccuracy()([[1.0], [0.0]], [[0.7], [0.9]]))
    0.5
    """

    _direction = "up"

    def __init__(self, name: str | None = "binary_accuracy", dtype: Any = None, threshold: float = 0.5) -> None:
        super().__init__(binary_accuracy, name, dtype, threshold=threshold)


class CategoricalAccuracy(BuiltInMean):
    """How often the greatest prediction is that of the true class, given as a one-hot code.

    Args:
        name: A name.
        dtype: See `Metric`.

    >>> float(CategoricalAccuracy()([[0.0, 1.0], [1.0, 0.0]], [[0.3, 0.7], [0.4, 0.6]]))
    0.5
    """

    _direction = "up"

    def __init__(self, name: str | None = "categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(categorical_accuracy, name, dtype)


class SparseCategoricalAccuracy(BuiltInMean):
    """How often the greatest prediction is that of the true class, given as a number.

    Args:
        name: A name.
        dtype: See `Metric`.

    >>> float(SparseCategoricalAccuracy()([1, 0], [[0.3, 0.7], [0.4, 0.6]]))
    0.5
    """

    _direction = "up"

    def __init__(self, name: str | None = "sparse_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(sparse_categorical_accuracy, name, dtype)


class TopKCategoricalAccuracy(BuiltInMean):
    """How often the true class, given as a one-hot code, is among the k greatest predictions.

    Args:
        k: How many predictions count.
        name: A name.
        dtype: See `Metric`.

    >>> float(TopKCategoricalAccuracy(k=2)([[0.0, 0.0, 1.0]], [[0.5, 0.2, 0.3]]))
    1.0
    """

    _direction = "up"

    def __init__(self, k: int = 5, name: str | None = "top_k_categorical_accuracy", dtype: Any = None) -> None:
        super().__init__(top_k_categorical_accuracy, name, dtype, k=k)


class SparseTopKCategoricalAccuracy(BuiltInMean):
    """How often the true class, given as a number, is among the k greatest predictions.

    Args:
        k: How many predictions count.
        name: A name.
        dtype: See `Metric`.
        from_sorted_ids: Whether the predictions are class numbers, the best first.

    >>> float(SparseTopKCategoricalAccuracy(k=2)([2], [[0.5, 0.2, 0.3]]))
    1.0
    """

    _direction = "up"
    unwritten = {"from_sorted_ids": False}

    def __init__(
        self,
        k: int = 5,
        name: str | None = "sparse_top_k_categorical_accuracy",
        dtype: Any = None,
        from_sorted_ids: bool = False,
    ) -> None:
        super().__init__(sparse_top_k_categorical_accuracy, name, dtype, k=k, from_sorted_ids=from_sorted_ids)
