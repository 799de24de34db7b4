"""Arrays of labels and of features, prepared with NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np


def to_categorical(x: Any, num_classes: int | None = None) -> np.ndarray:
    """One-hot vectors of integer classes, for losses such as categorical cross-entropy.

    `y[..., c] = 1` where `x[...] == c`, and 0 elsewhere.

    Args:
        x: array-like of integers from 0 to `num_classes - 1`, of any shape. A last axis of size 1 is dropped.
        num_classes: the number of classes, by default the largest class plus one.

    Returns:
        A float64 array of the shape of `x` with a last axis of size `num_classes`.

    Raises:
        ValueError: `x` holds something else than integers, or a class outside of the range.

    >>> to_categorical([0, 2, 1])
    array([[1., 0., 0.],
           [0., 0., 1.],
           [0., 1., 0.]])
    >>> to_categorical([[1], [0]], num_classes=4).shape
    (2, 4)
    """
    classes = _as_classes(x)
    shape = classes.shape
    if len(shape) > 1 and shape[-1] == 1:
        shape = shape[:-1]
    classes = classes.reshape(-1)
    low, high = (int(classes.min()), int(classes.max())) if classes.size else (0, -1)
    if not num_classes:
        if not classes.size:
            raise ValueError(f"`num_classes` must be given where `x` is empty. Received: {x=}, {num_classes=}")
        num_classes = high + 1
    elif isinstance(num_classes, bool) or int(num_classes) != num_classes or num_classes < 0:
        raise ValueError(f"`num_classes` must be a positive integer or None. Received: {num_classes=}")
    num_classes = int(num_classes)
    if low < 0 or high >= num_classes:
        raise ValueError(
            f"`x` must hold classes from 0 to num_classes - 1 = {num_classes - 1}. "
            f"Received: x with values from {low} to {high}, num_classes={num_classes}"
        )
    one_hot = np.zeros((classes.size, num_classes))
    one_hot[np.arange(classes.size), classes] = 1
    return one_hot.reshape((*shape, num_classes))


def _as_classes(x: Any) -> np.ndarray:
    try:
        given = np.asarray(x)
        classes = given.astype("int64")
    except (TypeError, ValueError, OverflowError, RuntimeWarning) as error:
        raise ValueError(f"`x` must be an array of integers. Received: x={x!r}") from error
    if given.dtype.kind == "f" and not (given == classes).all():
        raise ValueError(f"`x` must hold integers, the indices of the classes. Received: x={x!r}")
    return classes


def normalize(x: Any, axis: int | tuple[int, int] | None = -1, order: float | str | None = 2) -> np.ndarray:
    """Divide an array by its norm along an axis; vectors of norm 0 stay as they are.

    `y = x / (sum(|x| ** order, axis) ** (1 / order))`

    Args:
        x: array-like of numbers.
        axis: the axis of the vectors. Two axes, or None for a matrix, stand for the matrix norms of
            `numpy.linalg.norm`.
        order: the order of the norm, as in `numpy.linalg.norm`.

    Returns:
        An array of the shape of `x`, except that a NumPy vector of shape `(n,)` becomes `(1, n)`, as in
        Keras. Floats keep their dtype, integers become float64.

    Raises:
        ValueError: `x` has no such axis, or there is no norm of this order.

    >>> normalize([[3.0, 4.0], [0.0, 0.0]])
    array([[0.6, 0.8],
           [0. , 0. ]])
    >>> normalize([[1.0, 2.0], [3.0, 6.0]], axis=0, order=1)
    array([[0.25, 0.25],
           [0.75, 0.75]])
    """
    array = np.asarray(x)
    if array.dtype.kind not in "biufc":
        raise ValueError(f"`x` must be an array of numbers. Received: x={x!r}")
    try:
        norm = np.asarray(np.linalg.norm(array, order, axis, keepdims=True))  # type: ignore[arg-type]
    except (ValueError, TypeError) as error:
        raise ValueError(
            f"`x` cannot be normalized: {error}. Received: x with shape {array.shape}, axis={axis!r}, order={order!r}"
        ) from error
    normal = array / np.where(norm == 0, norm.dtype.type(1), norm)
    return normal[np.newaxis] if isinstance(x, np.ndarray) and x.ndim == 1 else normal
