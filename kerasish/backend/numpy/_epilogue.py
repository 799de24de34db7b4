"""Bias and activation after a product, and their gradient: in place, in few passes."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.backend.contract.types import Array

# Arrays, since a ufunc takes them faster than Python numbers.
ZERO: dict[Any, Any] = {np.dtype(kind): np.zeros((), kind) for kind in (np.float16, np.float32, np.float64)}
# exp of the negative of less than this overflows.
_LOWEST: dict[Any, Any] = {
    np.dtype(np.float32): np.array(-88.0, np.float32),
    np.dtype(np.float64): np.array(-709.0),
}


def finish(y: Array, bias: Array | None, activation: str) -> None:
    """Add the bias to `y` and take its activation, in place; float32 or float64."""
    if bias is not None:
        np.add(y, bias, y)
    if activation == "relu":
        np.maximum(y, ZERO[y.dtype], out=y)
    elif activation == "tanh":
        np.tanh(y, y)
    elif activation == "sigmoid":
        np.maximum(y, _LOWEST[y.dtype], out=y)
        np.negative(y, y)
        np.exp(y, y)
        np.add(y, 1, y)
        np.reciprocal(y, y)


def before_activation(dy: Array, y: Array, activation: str) -> Array:
    """The gradient before the activation, from that after it and the output; `dy` itself for "linear"."""
    if activation == "relu":
        return np.multiply(dy, np.greater(y, ZERO[y.dtype]))
    if activation == "sigmoid":
        slope = np.subtract(1, y)
        np.multiply(slope, y, slope)
        return np.multiply(slope, dy, slope)
    if activation == "tanh":
        slope = np.multiply(y, y)
        np.subtract(1, slope, slope)
        return np.multiply(slope, dy, slope)
    return dy


_LONG_COLUMN = 16
_ONES: dict[Any, Any] = {}


def sum_rows(rows: Array) -> Array:
    """The sum of the rows of a matrix; over many rows a product with ones, which BLAS runs at memory speed."""
    count = len(rows)
    if count < _LONG_COLUMN or not rows.shape[1]:
        return np.add.reduce(rows, 0)
    ones = _ONES.get(rows.dtype)
    if ones is None or len(ones) < count:
        ones = _ONES[rows.dtype] = np.ones(count, rows.dtype)
    return np.dot(ones[:count], rows)
