"""Cross-entropies: binary, categorical, and of class numbers."""

from __future__ import annotations

import warnings
from typing import Any

from kerasish import ops
from kerasish.autodiff import Tensor, convert_to_tensor
from kerasish.losses.loss import BuiltInLoss
from kerasish.losses.reduction import paired


def smoothed_binary(y_true: Tensor, label_smoothing: float) -> Tensor:
    """Labels drawn towards 0.5."""
    return y_true * (1.0 - label_smoothing) + 0.5 * label_smoothing if label_smoothing else y_true


def _binary(
    y_true: Tensor, y_pred: Tensor, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Tensor:
    return ops.binary_crossentropy(smoothed_binary(y_true, label_smoothing), y_pred, from_logits=from_logits)


def binary_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Tensor:
    """`mean(-y_true * log(p) - (1 - y_true) * log(1 - p))` over an axis.

    Args:
        y_true: Labels of 0 and 1 (or probabilities).
        y_pred: Predictions of the same shape: probabilities p, or with `from_logits` logits, `p = sigmoid(y_pred)`.
        from_logits: Whether `y_pred` holds logits.
        label_smoothing: How far labels are drawn towards 0.5, from 0 to 1.
        axis: The axis of the mean.

    >>> round(binary_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).item(), 4)
    0.6931
    """
    y_true, y_pred = paired(y_true, y_pred)
    return ops.mean(_binary(y_true, y_pred, from_logits, label_smoothing), axis=axis)


def checked_classes(name: str, y_pred: Tensor, axis: Any) -> None:
    """Refuse an axis that is no number, and warn of predictions that have one class only."""
    if isinstance(axis, bool):
        raise ValueError(f"{name}: axis must be an integer. Received: axis={axis!r}")
    if y_pred.shape and y_pred.shape[-1] == 1:
        warnings.warn(
            f"The loss {name} expects one column for each of several classes: for two classes in one column, use "
            f"binary_crossentropy. Received: y_pred.shape={y_pred.shape}",
            SyntaxWarning,
            stacklevel=3,
        )


def smoothed_classes(y_true: Tensor, label_smoothing: float) -> Tensor:
    """One-hot codes drawn towards the uniform distribution."""
    if not label_smoothing:
        return y_true
    return y_true * (1.0 - label_smoothing) + label_smoothing / y_true.shape[-1]


def categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, label_smoothing: float = 0.0, axis: int = -1
) -> Tensor:
    """`-sum(y_true * log(p))` over the axis of the classes.

    Args:
        y_true: One-hot codes (or distributions).
        y_pred: Predictions of the same shape: probabilities p, or logits, with `p = softmax(y_pred)`.
        from_logits: Whether `y_pred` holds logits.
        label_smoothing: How far labels are drawn towards the uniform distribution, from 0 to 1.
        axis: The axis of the classes.

    >>> round(categorical_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).item(), 4)
    0.6931
    """
    y_pred = convert_to_tensor(y_pred)
    y_true = convert_to_tensor(y_true, y_pred.dtype)
    checked_classes("categorical_crossentropy", y_pred, axis)
    return ops.categorical_crossentropy(
        smoothed_classes(y_true, label_smoothing), y_pred, from_logits=from_logits, axis=axis
    )


def sparse_categorical_crossentropy(
    y_true: Any, y_pred: Any, from_logits: bool = False, ignore_class: int | None = None, axis: int = -1
) -> Tensor:
    """`-log(p[y_true])`, p along the axis of the classes.

    Args:
        y_true: Class numbers, of the shape of `y_pred` without the axis, or with 1 there.
        y_pred: Probabilities p, or logits, with `p = softmax(y_pred)`.
        from_logits: Whether `y_pred` holds logits.
        ignore_class: The number of a class that does not count: its loss is 0 and masked.
        axis: The axis of the classes.

    >>> round(sparse_categorical_crossentropy([1], [[0.5, 0.5]]).item(), 4)
    0.6931
    """
    y_true, y_pred = convert_to_tensor(y_true), convert_to_tensor(y_pred)
    if y_true.array.ndim == y_pred.array.ndim and y_true.array.shape[axis] == 1:
        y_true = ops.squeeze(y_true, axis=axis)
    if ignore_class is None:
        return ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)
    valid = ops.not_equal(y_true, ignore_class)
    y_true = ops.where(valid, y_true, 0)
    y_pred = ops.where(ops.expand_dims(valid, axis), y_pred, 0.0)
    losses = ops.sparse_categorical_crossentropy(y_true, y_pred, from_logits=from_logits, axis=axis)
    losses = ops.where(valid, losses, 0.0)
    losses._keras_mask = valid
    return losses


class BinaryCrossentropy(BuiltInLoss):
    """`-y_true * log(p) - (1 - y_true) * log(1 - p)`: see `binary_crossentropy`.

    Args:
        from_logits: Whether the predictions are logits.
        label_smoothing: How far labels are drawn towards 0.5, from 0 to 1.
        axis: The axis of the mean.
        reduction: See `Loss`.
        name: A name.
        dtype: See `Loss`.

    >>> round(float(BinaryCrossentropy(from_logits=True)([[0.0, 1.0]], [[0.0, 0.0]])), 4)
    0.6931
    """

    elementwise = staticmethod(_binary)

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            binary_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalCrossentropy(BuiltInLoss):
    """`-sum(y_true * log(p))` for one-hot codes: see `categorical_crossentropy`.

    Args:
        from_logits: Whether the predictions are logits.
        label_smoothing: How far labels are drawn towards the uniform distribution, from 0 to 1.
        axis: The axis of the classes.
        reduction: See `Loss`.
        name: A name.
        dtype: See `Loss`.

    >>> round(float(CategoricalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
    0.6931
    """

    def __init__(
        self,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class SparseCategoricalCrossentropy(BuiltInLoss):
    """`-log(p[y_true])` for class numbers: see `sparse_categorical_crossentropy`.

    Args:
        from_logits: Whether the predictions are logits.
        ignore_class: The number of a class that does not count.
        reduction: See `Loss`.
        axis: The axis of the classes.
        name: A name.
        dtype: See `Loss`.

    >>> round(float(SparseCategoricalCrossentropy()([1, 0], [[0.5, 0.5], [0.5, 0.5]])), 4)
    0.6931
    """

    unwritten = {"axis": -1}

    def __init__(
        self,
        from_logits: bool = False,
        ignore_class: int | None = None,
        reduction: str | None = "sum_over_batch_size",
        axis: int = -1,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            sparse_categorical_crossentropy,
            reduction,
            name,
            dtype,
            from_logits=from_logits,
            ignore_class=ignore_class,
            axis=axis,
        )
