"""Cross-entropies that look past easy or doubtful samples: focal, generalized."""

from __future__ import annotations

from typing import Any

from kerasish import config, ops
from kerasish.autodiff import Tensor, convert_to_tensor
from kerasish.losses.crossentropy import checked_classes, smoothed_binary, smoothed_classes
from kerasish.losses.loss import BuiltInLoss
from kerasish.losses.reduction import paired


def binary_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    apply_class_balancing: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """The binary cross-entropy times `(1 - p_t) ** gamma`, averaged over an axis.

    `p_t` is the probability that is predicted for the true label. Source: Lin et al., 2018.

    Args:
        y_true: Labels of 0 and 1.
        y_pred: Predictions of the same shape.
        apply_class_balancing: Whether labels of 1 weigh `alpha` and those of 0 weigh `1 - alpha`.
        alpha: See above.
        gamma: How strongly easy samples are played down.
        from_logits: Whether `y_pred` holds logits.
        label_smoothing: How far labels are drawn towards 0.5, from 0 to 1.
        axis: The axis of the mean.

    >>> round(binary_focal_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).item(), 4)
    0.1733
    """
    y_true, y_pred = paired(y_true, y_pred)
    y_true = smoothed_binary(y_true, label_smoothing)
    if from_logits:
        y_pred = ops.sigmoid(y_pred)
    losses = ops.binary_crossentropy(y_true, y_pred, from_logits=False)
    p_t = y_true * y_pred + (1.0 - y_true) * (1.0 - y_pred)
    losses = ops.power(1.0 - p_t, gamma) * losses
    if apply_class_balancing:
        losses = (y_true * alpha + (1.0 - y_true) * (1.0 - alpha)) * losses
    return ops.mean(losses, axis=axis)


def categorical_focal_crossentropy(
    y_true: Any,
    y_pred: Any,
    alpha: float = 0.25,
    gamma: float = 2.0,
    from_logits: bool = False,
    label_smoothing: float = 0.0,
    axis: int = -1,
) -> Tensor:
    """`-sum(alpha * (1 - p) ** gamma * y_true * log(p))` over the axis of the classes.

    Args:
        y_true: One-hot codes.
        y_pred: Predictions of the same shape: probabilities p, or logits, with `p = softmax(y_pred)`.
        alpha: A factor, or one for each class.
        gamma: How strongly easy samples are played down.
        from_logits: Whether `y_pred` holds logits.
        label_smoothing: How far labels are drawn towards the uniform distribution, from 0 to 1.
        axis: The axis of the classes.

    >>> round(categorical_focal_crossentropy([[0.0, 1.0]], [[0.5, 0.5]]).item(), 4)
    0.0433
    """
    y_pred = convert_to_tensor(y_pred)
    y_true = convert_to_tensor(y_true, y_pred.dtype)
    checked_classes("categorical_focal_crossentropy", y_pred, axis)
    y_true = smoothed_classes(y_true, label_smoothing)
    if from_logits:
        y_pred = ops.softmax(y_pred, axis=axis)
    p = y_pred / ops.sum(y_pred, axis=axis, keepdims=True)
    p = ops.clip(p, config.epsilon(), 1.0 - config.epsilon())
    weight = ops.power(1.0 - p, gamma) * (convert_to_tensor(alpha, p.dtype) if not _number(alpha) else alpha)
    return -ops.sum(weight * y_true * ops.log(p), axis=axis)


def _number(value: Any) -> bool:
    return isinstance(value, (int, float))


def categorical_generalized_cross_entropy(y_true: Any, y_pred: Any, q: float) -> Tensor:
    """`(1 - p ** q) / q`, with p the probability of the true class: bears noisy labels.

    Between the cross-entropy (q to 0) and the mean absolute error (q to 1). Source: Zhang and Sabuncu, 2018.

    Args:
        y_true: Class numbers, `(...)`.
        y_pred: Probabilities, `(..., C)`.
        q: A number between 0 and 1.

    >>> categorical_generalized_cross_entropy([1], [[0.75, 0.25]], 0.5).tolist()
    [1.0]
    """
    y_pred = convert_to_tensor(y_pred)
    one_hot = ops.one_hot(ops.cast(y_true, "int32"), y_pred.shape[-1], dtype=y_pred.dtype)
    p = ops.sum(y_pred * one_hot, axis=-1)
    return (1.0 - ops.power(p, q)) / q


class BinaryFocalCrossentropy(BuiltInLoss):
    """The binary cross-entropy times `(1 - p_t) ** gamma`: see `binary_focal_crossentropy`.

    Args:
        apply_class_balancing: Whether labels of 1 weigh `alpha` and those of 0 weigh `1 - alpha`.
        alpha: See above.
        gamma: How strongly easy samples are played down.
        from_logits: Whether the predictions are logits.
        label_smoothing: How far labels are drawn towards 0.5, from 0 to 1.
        axis: The axis of the mean.
        reduction: See `Loss`.
        name: A name.
        dtype: See `Loss`.

    >>> round(float(BinaryFocalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
    0.1733
    """

    def __init__(
        self,
        apply_class_balancing: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "binary_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            binary_focal_crossentropy,
            reduction,
            name,
            dtype,
            apply_class_balancing=apply_class_balancing,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalFocalCrossentropy(BuiltInLoss):
    """The cross-entropy times `alpha * (1 - p) ** gamma`: see `categorical_focal_crossentropy`.

    Args:
        alpha: A factor, or one for each class.
        gamma: How strongly easy samples are played down.
        from_logits: Whether the predictions are logits.
        label_smoothing: How far labels are drawn towards the uniform distribution, from 0 to 1.
        axis: The axis of the classes.
        reduction: See `Loss`.
        name: A name.
        dtype: See `Loss`.

    >>> round(float(CategoricalFocalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
    0.0433
    """

    def __init__(
        self,
        alpha: float = 0.25,
        gamma: float = 2.0,
        from_logits: bool = False,
        label_smoothing: float = 0.0,
        axis: int = -1,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_focal_crossentropy",
        dtype: Any = None,
    ) -> None:
        super().__init__(
            categorical_focal_crossentropy,
            reduction,
            name,
            dtype,
            alpha=alpha,
            gamma=gamma,
            from_logits=from_logits,
            label_smoothing=label_smoothing,
            axis=axis,
        )


class CategoricalGeneralizedCrossEntropy(BuiltInLoss):
    """`(1 - p ** q) / q`: see `categorical_generalized_cross_entropy`.

    Args:
        q: A number between 0 and 1.
        reduction: See `Loss`.
        name: A name.
        dtype: See `Loss`.

    Raises:
        ValueError: If q lies outside of (0, 1).

    >>> float(CategoricalGeneralizedCrossEntropy(q=0.5)([1], [[0.75, 0.25]]))
    1.0
    """

    def __init__(
        self,
        q: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_generalized_cross_entropy",
        dtype: Any = None,
    ) -> None:
        if not 0 < q < 1:
            raise ValueError(f"q must lie between 0 and 1. Received: q={q}")
        super().__init__(categorical_generalized_cross_entropy, reduction, name, dtype, q=q)
