"""Hinge losses, for classes of -1 and 1 and for one-hot codes."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.autodiff import Tensor
from kerasish.losses.loss import BuiltInLoss
from kerasish.losses.reduction import paired


def _signs(y_true: Tensor) -> Tensor:
    """Labels of 0 and 1 become -1 and 1; others stay.

    Whether all labels are such is found on the device, without reading a value back.
    """
    binary = ops.all(ops.logical_or(ops.equal(y_true, 0), ops.equal(y_true, 1)))
    return ops.where(binary, y_true * 2.0 - 1.0, y_true)


def _hinge(y_true: Tensor, y_pred: Tensor) -> Tensor:
    return ops.maximum(1.0 - _signs(y_true) * y_pred, 0.0)


def hinge(y_true: Any, y_pred: Any) -> Tensor:
    """`mean(max(1 - y_true * y_pred, 0))` over the last axis.

    Args:
        y_true: Labels of -1 and 1, or of 0 and 1, which then stand for -1 and 1.
        y_pred: The predictions, of the same shape.

    >>> hinge([[0.0, 1.0]], [[0.5, 0.5]]).tolist()
    [1.0]
    """
    return ops.mean(_hinge(*paired(y_true, y_pred)), axis=-1)


def _squared_hinge(y_true: Tensor, y_pred: Tensor) -> Tensor:
    return ops.square(_hinge(y_true, y_pred))


def squared_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """`mean(max(1 - y_true * y_pred, 0) ** 2)` over the last axis; labels as in `hinge`.

    >>> squared_hinge([[0.0, 1.0]], [[0.5, 0.5]]).tolist()
    [1.25]
    """
    return ops.mean(_squared_hinge(*paired(y_true, y_pred)), axis=-1)


def categorical_hinge(y_true: Any, y_pred: Any) -> Tensor:
    """`max(neg - pos + 1, 0)`: the best wrong prediction against that of the true class.

    `pos = sum(y_true * y_pred)` and `neg = max((1 - y_true) * y_pred)` over the last axis.

    >>> categorical_hinge([[0.0, 1.0]], [[0.5, 0.75]]).tolist()
    [0.75]
    """
    y_true, y_pred = paired(y_true, y_pred)
    pos = ops.sum(y_true * y_pred, axis=-1)
    neg = ops.max((1.0 - y_true) * y_pred, axis=-1)
    return ops.maximum(neg - pos + 1.0, 0.0)


class Hinge(BuiltInLoss):
    """`mean(max(1 - y_true * y_pred, 0))`: see `hinge`.

    Args:
        reduction: See `Loss`.
        name: A name.
        dtype: See `Loss`.

    >>> float(Hinge()([[0.0, 1.0]], [[0.5, 0.5]]))
    1.0
    """

    elementwise = staticmethod(_hinge)

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = "hinge", dtype: Any = None
    ) -> None:
        super().__init__(hinge, reduction, name, dtype)


class SquaredHinge(BuiltInLoss):
    """`mean(max(1 - y_true * y_pred, 0) ** 2)`. Arguments as in `Hinge`.

    >>> float(SquaredHinge()([[0.0, 1.0]], [[0.5, 0.5]]))
    1.25
    """

    elementwise = staticmethod(_squared_hinge)

    def __init__(
        self, reduction: str | None = "sum_over_batch_size", name: str | None = "squared_hinge", dtype: Any = None
    ) -> None:
        super().__init__(squared_hinge, reduction, name, dtype)


class CategoricalHinge(BuiltInLoss):
    """`max(neg - pos + 1, 0)`: see `categorical_hinge`. Arguments as in `Hinge`.

    >>> float(CategoricalHinge()([[0.0, 1.0]], [[0.5, 0.75]]))
    0.75
    """

    def __init__(
        self,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = "categorical_hinge",
        dtype: Any = None,
    ) -> None:
        super().__init__(categorical_hinge, reduction, name, dtype)
