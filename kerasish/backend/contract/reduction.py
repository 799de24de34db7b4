"""Along axes: sums, products, extrema, truth, and their running forms.

`axis` is a tuple of non-negative axes, or None for all of them; `keepdims` keeps the reduced dimensions with size 1.
The dtype stays that of `x` unless a kernel says otherwise; half precision is summed and multiplied in float32.
"""

from __future__ import annotations

from kerasish.backend.contract.types import Array

Axes = tuple[int, ...] | None


def sum(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """Sum; 0 of no elements, and `any` of booleans."""
    raise NotImplementedError


def mean(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """Arithmetic mean of floats; NaN of no elements."""
    raise NotImplementedError


def prod(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """Product; 1 of no elements."""
    raise NotImplementedError


def max(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """Largest element, NaN where there is one. A ValueError for no elements."""
    raise NotImplementedError


def min(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """Smallest element, NaN where there is one. A ValueError for no elements."""
    raise NotImplementedError


def any(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """Whether one element is true (nonzero). Booleans."""
    raise NotImplementedError


def all(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """Whether every element is true (nonzero). Booleans."""
    raise NotImplementedError


def count_nonzero(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """How many elements are nonzero. int32."""
    raise NotImplementedError


def argmax(x: Array, *, axis: int) -> Array:
    """Position of the largest element along an axis, the first of equals; that of a NaN if there is one. int32."""
    raise NotImplementedError


def argmin(x: Array, *, axis: int) -> Array:
    """Position of the smallest element along an axis, the first of equals; that of a NaN if there is one. int32."""
    raise NotImplementedError


def cumsum(x: Array, *, axis: int) -> Array:
    """Running sum along an axis: the `i`-th result is the sum up to and with element `i`."""
    raise NotImplementedError


def cumprod(x: Array, *, axis: int) -> Array:
    """Running product along an axis: the `i`-th result is the product up to and with element `i`."""
    raise NotImplementedError
