"""The activation functions that are not functions of `kerasish.ops` as they stand."""

from __future__ import annotations

from typing import Any

from kerasish import ops


def relu(x: Any, negative_slope: float = 0.0, max_value: float | None = None, threshold: float = 0.0) -> Any:
    """The rectified linear unit: `max(x, 0)`, or with its arguments

    `x` from the threshold up to `max_value`, `max_value` above, and `negative_slope * (x - threshold)` below.

    Args:
        x: A tensor.
        negative_slope: The slope below the threshold.
        max_value: The greatest value, or None.
        threshold: Where the function starts to rise.

    >>> relu([-2.0, 0.5, 9.0]).tolist()
    [0.0, 0.5, 9.0]
    >>> relu([-2.0, 0.5, 9.0], negative_slope=0.5, max_value=6.0, threshold=1.0).tolist()
    [-1.5, -0.25, 6.0]
    """
    if not negative_slope and max_value is None and not threshold:
        return ops.relu(x)
    if negative_slope and max_value is None and not threshold:
        return ops.leaky_relu(x, negative_slope=negative_slope)
    y = ops.where(ops.greater(x, threshold), x, 0) if threshold else ops.relu(x)
    if max_value is not None:
        y = ops.clip(y, 0, max_value)
    if negative_slope:
        below = ops.relu(ops.subtract(threshold, x)) if threshold else ops.relu(ops.negative(x))
        y = ops.subtract(y, ops.multiply(below, negative_slope))
    return y


def gelu(x: Any, approximate: bool = False) -> Any:
    """The Gaussian error linear unit, `x * P(X <= x)` for a standard normal X.

    Args:
        x: A tensor.
        approximate: Whether to use the approximation by tanh.

    >>> gelu([-1.0, 0.0, 1.0]).numpy().round(3).tolist()
    [-0.1589999943971634, 0.0, 0.8410000205039978]
    """
    return ops.gelu(x, approximate=approximate)


def exponential(x: Any) -> Any:
    """`exp(x)`.

    >>> exponential([0.0]).tolist()
    [1.0]
    """
    return ops.exp(x)


def linear(x: Any) -> Any:
    """The input itself.

    >>> linear(3.0)
    3.0
    """
    return x


def mish(x: Any) -> Any:
    """`x * tanh(softplus(x))`. Source: Misra, 2019.

    >>> mish([0.0, 1.0]).numpy().round(3).tolist()
    [0.0, 0.8650000095367432]
    """
    return ops.multiply(x, ops.tanh(ops.softplus(x)))
