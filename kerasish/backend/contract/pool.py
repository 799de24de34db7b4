"""Pooling over one to three spatial axes, channels last.

`x` `(n, *spatial, c)`, `y` `(n, *out, c)` with `out = (size + before + after - window) // stride + 1` along
each axis. Padding takes no part: it is neither a maximum nor counted in a mean.
"""

from __future__ import annotations

from kerasish.backend.contract.types import Array, Padding


def max_pool(x: Array, *, window: tuple[int, ...], strides: tuple[int, ...], padding: Padding) -> Array:
    """Largest element of each window and channel; NaN where the window holds one. Dtype of `x`."""
    raise NotImplementedError


def max_pool_backward(
    dy: Array, x: Array, y: Array, *, window: tuple[int, ...], strides: tuple[int, ...], padding: Padding
) -> Array:
    """Gradient of `max_pool`, shape of `x`: `dy` goes to the first maximum of its window in row order."""
    raise NotImplementedError


def average_pool(x: Array, *, window: tuple[int, ...], strides: tuple[int, ...], padding: Padding) -> Array:
    """Mean of the elements of each window that lie inside `x`."""
    raise NotImplementedError


def average_pool_backward(
    dy: Array,
    *,
    input_shape: tuple[int, ...],
    window: tuple[int, ...],
    strides: tuple[int, ...],
    padding: Padding,
) -> Array:
    """Gradient of `average_pool`, shape `input_shape`: `dy` is shared evenly inside its window."""
    raise NotImplementedError
