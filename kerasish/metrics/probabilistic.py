"""Losses of distributions, as metrics."""

from __future__ import annotations

from typing import Any

from kerasish.losses.crossentropy import (
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from kerasish.losses.divergence import kl_divergence, poisson
from kerasish.metrics.reduction import BuiltInMean


class KLDivergence(BuiltInMean):
    """The mean of `sum(y_true * log(y_true / y_pred))`.

    Args:
        name: A name.
        dtype: See `Metric`.

    >>> round(float(KLDivergence()([[1.0, 0.0]], [[0.5, 0.5]])), 4)
    0.6931
    """

    _direction = "down"

    def __init__(self, name: str | None = "kl_divergence", dtype: Any = None) -> None:
        super().__init__(kl_divergence, name, dtype)


class Poisson(BuiltInMean):
    """The mean of `y_pred - y_true * log(y_pred)`.

    Args:
        name: A name.
        dtype: See `Metric`.

    >>> round(float(Poisson()([[2.0]], [[1.0]])), 4)
    1.0
    """

    _direction = "down"

    def __init__(self, name: str | None = "poisson", dtype: Any = None) -> None:
        super().__init__(poisson, name, dtype)


class BinaryCrossentropy(BuiltInMean):
    """The mean of `-y_true * log(p) - (1 - y_true) * log(1 - p)`.

    Args:
        name: A name.
        dtype: See `Metric`.
        from_logits: Whether the predictions are logits.
        label_smoothing: How far labels are smoothed, from 0 to 1.

    >>> round(float(BinaryCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
    0.6931
    """

    _direction = "down"

    def __init__(
        self,
        name: str | None = "binary_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
    ) -> None:
        super().__init__(binary_crossentropy, name, dtype, from_logits=from_logits, label_smoothing=label_smoothing)


class CategoricalCrossentropy(BuiltInMean):
    """The mean of `-sum(y_true * log(p))`, for one-hot codes.

    Args:
        name: A name.
        dtype: See `Metric`.
        from_logits: Whether the predictions are logits.
        label_smoothing: How far labels are smoothed, from 0 to 1.
        axis: The axis of the classes.

    >>> round(float(CategoricalCrossentropy()([[0.0, 1.0]], [[0.5, 0.5]])), 4)
    0.6931
    """

    _direction = "down"

    def __init__(
        self,
        name: str | None = "categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        label_smoothing: float = 0,
        axis: int = -1,
    ) -> None:
        super().__init__(
            categorical_crossentropy, name, dtype, from_logits=from_logits, label_smoothing=label_smoothing, axis=axis
        )


class SparseCategoricalCrossentropy(BuiltInMean):
    """The mean of `-log(p[y_true])`, for class numbers.

    Args:
        name: A name.
        dtype: See `Metric`.
        from_logits: Whether the predictions are logits.
        ignore_class: The number of a class that does not count.
        axis: The axis of the classes.

    >>> round(float(SparseCategoricalCrossentropy()([1], [[0.5, 0.5]])), 4)
    0.6931
    """

    _direction = "down"

    def __init__(
        self,
        name: str | None = "sparse_categorical_crossentropy",
        dtype: Any = None,
        from_logits: bool = False,
        ignore_class: int | None = None,
        axis: int = -1,
    ) -> None:
        super().__init__(
            sparse_categorical_crossentropy, name, dtype, from_logits=from_logits, ignore_class=ignore_class, axis=axis
        )
