"""Losses of overlap, for image segmentation: Dice and Tversky."""

from __future__ import annotations

from typing import Any

from kerasish import config, ops
from kerasish.autodiff import Tensor
from kerasish.losses.loss import BuiltInLoss
from kerasish.losses.reduction import paired

Axis = int | list[int] | tuple[int, ...] | None


def _axes(axis: Axis) -> Any:
    return tuple(axis) if isinstance(axis, list) else axis


def dice(y_true: Any, y_pred: Any, axis: Axis = None) -> Tensor:
    """`1 - 2 * sum(y_true * y_pred) / (sum(y_true) + sum(y_pred))`, over the axes (by default all).

    >>> round(float(dice([[1.0, 0.0]], [[1.0, 1.0]])), 4)
    0.3333
    """
    y_true, y_pred = paired(y_true, y_pred)
    axes = _axes(axis)
    overlap = ops.sum(y_true * y_pred, axis=axes)
    total = ops.sum(y_true, axis=axes) + ops.sum(y_pred, axis=axes)
    return 1.0 - overlap * 2.0 / (total + config.epsilon())


def tversky(y_true: Any, y_pred: Any, alpha: float = 0.5, beta: float = 0.5, axis: Axis = None) -> Tensor:
    """`1 - o / (o + alpha * missed + beta * false)`, over the axes (by default all).

    `o = sum(y_true * y_pred)`, `missed = sum(y_true * (1 - y_pred))`, `false = sum((1 - y_true) * y_pred)`.
    With `alpha = beta = 0.5` it is the Dice loss. Source: Salehi et al., 2017.

    >>> round(float(tversky([[1.0, 0.0]], [[1.0, 1.0]], beta=1.0)), 4)
    0.5
    """
    y_true, y_pred = paired(y_true, y_pred)
    axes = _axes(axis)
    overlap = ops.sum(y_true * y_pred, axis=axes)
    missed = ops.sum(y_true * (1.0 - y_pred), axis=axes)
    false = ops.sum((1.0 - y_true) * y_pred, axis=axes)
    return 1.0 - overlap / (overlap + missed * alpha + false * beta + config.epsilon())


class Dice(BuiltInLoss):
    """The Dice loss: see `dice`.

    Args:
        reduction: See `Loss`.
        name: A name.
        axis: The axes over which the overlap is summed; by default all.
        dtype: See `Loss`.

    >>> round(float(Dice()([[1.0, 0.0]], [[1.0, 1.0]])), 4)
    0.3333
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "dice",
        axis: Axis = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(dice, reduction, name, dtype, axis=axis)


class Tversky(BuiltInLoss):
    """The Tversky loss: see `tversky`.

    Args:
        alpha: The weight of what is missed.
        beta: The weight of what is found by mistake.
        reduction: See `Loss`.
        name: A name.
        axis: The axes over which the overlap is summed; by default all.
        dtype: See `Loss`.

    >>> round(float(Tversky(beta=1.0)([[1.0, 0.0]], [[1.0, 1.0]])), 4)
    0.5
    """

    def __init__(
        self,
        alpha: float = 0.5,
        beta: float = 0.5,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "tversky",
        axis: Axis = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(tversky, reduction, name, dtype, alpha=alpha, beta=beta, axis=axis)
