"""Hinge losses, as metrics."""

from __future__ import annotations

from typing import Any

from kerasish.losses.hinges import categorical_hinge, hinge, squared_hinge
from kerasish.metrics.reduction import BuiltInMean


class Hinge(BuiltInMean):
    """The mean of `max(1 - y_true * y_pred, 0)`, for labels of -1 and 1 (or 0 and 1).

    Args:
        name: A name.
        dtype: See `Metric`.

    >>> float(Hinge()([[0.0, 1.0]], [[0.5, 0.5]]))
    1.0
    """

    _direction = "down"

    def __init__(self, name: str | None = "hinge", dtype: Any = None) -> None:
        super().__init__(hinge, name, dtype)


class SquaredHinge(BuiltInMean):
    """The mean of `max(1 - y_true * y_pred, 0) ** 2`.

    Args:
        name: A name.
        dtype: See `Metric`.

    >>> float(SquaredHinge()([[0.0, 1.0]], [[0.5, 0.5]]))
    1.25
    """

    _direction = "down"

    def __init__(self, name: str | None = "squared_hinge", dtype: Any = None) -> None:
        super().__init__(squared_hinge, name, dtype)


class CategoricalHinge(BuiltInMean):
    """The mean of `max(neg - pos + 1, 0)`: the best wrong prediction against that of the true class.

    Args:
        name: A name.
        dtype: See `Metric`.

    >>> float(CategoricalHinge()([[0.0, 1.0]], [[0.5, 0.75]]))
    0.75
    """

    _direction = "down"

    def __init__(self, name: str | None = "categorical_hinge", dtype: Any = None) -> None:
        super().__init__(categorical_hinge, name, dtype)
