"""Element by element, as NumPy's universal functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.backend.contract.types import Array, Scalar


def _array(y: Any) -> Array:
    """An array without dimensions in place of the scalar that NumPy makes of it."""
    return y if type(y) is np.ndarray else np.asarray(y)


def identity(x: Array) -> Array:
    """No copy."""
    return x


def cast(x: Array, *, dtype: Any) -> Array:
    """Quiet where a float does not fit."""
    if x.dtype == dtype:
        return x
    if x.dtype.kind == "f":
        with np.errstate(all="ignore"):
            return x.astype(dtype)
    return x.astype(dtype)


def negative(x: Array) -> Array:
    """`numpy.negative`."""
    return _array(np.negative(x))


def abs(x: Array) -> Array:
    """`numpy.absolute`."""
    return _array(np.absolute(x))


def sign(x: Array) -> Array:
    """`numpy.sign`."""
    return _array(np.sign(x))


def exp(x: Array) -> Array:
    """`numpy.exp`, quiet."""
    with np.errstate(all="ignore"):
        return _array(np.exp(x))


def expm1(x: Array) -> Array:
    """`numpy.expm1`, quiet."""
    with np.errstate(all="ignore"):
        return _array(np.expm1(x))


def log(x: Array) -> Array:
    """`numpy.log`, quiet."""
    with np.errstate(all="ignore"):
        return _array(np.log(x))


def log1p(x: Array) -> Array:
    """`numpy.log1p`, quiet."""
    with np.errstate(all="ignore"):
        return _array(np.log1p(x))


def log2(x: Array) -> Array:
    """`numpy.log2`, quiet."""
    with np.errstate(all="ignore"):
        return _array(np.log2(x))


def log10(x: Array) -> Array:
    """`numpy.log10`, quiet."""
    with np.errstate(all="ignore"):
        return _array(np.log10(x))


def sqrt(x: Array) -> Array:
    """`numpy.sqrt`, quiet."""
    with np.errstate(all="ignore"):
        return _array(np.sqrt(x))


def rsqrt(x: Array) -> Array:
    """One temporary, inverted in place."""
    with np.errstate(all="ignore"):
        root = _array(np.sqrt(x))
        return np.reciprocal(root, root)


def square(x: Array) -> Array:
    """`numpy.square`."""
    return _array(np.square(x))


def reciprocal(x: Array) -> Array:
    """`numpy.reciprocal`, quiet."""
    with np.errstate(all="ignore"):
        return _array(np.reciprocal(x))


def sin(x: Array) -> Array:
    """`numpy.sin`, quiet."""
    with np.errstate(all="ignore"):
        return _array(np.sin(x))


def cos(x: Array) -> Array:
    """`numpy.cos`, quiet."""
    with np.errstate(all="ignore"):
        return _array(np.cos(x))


def tan(x: Array) -> Array:
    """`numpy.tan`, quiet."""
    with np.errstate(all="ignore"):
        return _array(np.tan(x))


def arcsin(x: Array) -> Array:
    """`numpy.arcsin`, quiet."""
    with np.errstate(all="ignore"):
        return _array(np.arcsin(x))


def arccos(x: Array) -> Array:
    """`numpy.arccos`, quiet."""
    with np.errstate(all="ignore"):
        return _array(np.arccos(x))


def arctan(x: Array) -> Array:
    """`numpy.arctan`."""
    return _array(np.arctan(x))


def sinh(x: Array) -> Array:
    """`numpy.sinh`, quiet."""
    with np.errstate(all="ignore"):
        return _array(np.sinh(x))


def cosh(x: Array) -> Array:
    """`numpy.cosh`, quiet."""
    with np.errstate(all="ignore"):
        return _array(np.cosh(x))


def tanh(x: Array) -> Array:
    """`numpy.tanh`."""
    return _array(np.tanh(x))


def arcsinh(x: Array) -> Array:
    """`numpy.arcsinh`."""
    return _array(np.arcsinh(x))


def arccosh(x: Array) -> Array:
    """`numpy.arccosh`, quiet."""
    with np.errstate(all="ignore"):
        return _array(np.arccosh(x))


def arctanh(x: Array) -> Array:
    """`numpy.arctanh`, quiet."""
    with np.errstate(all="ignore"):
        return _array(np.arctanh(x))


def floor(x: Array) -> Array:
    """`numpy.floor`."""
    return _array(np.floor(x))


def ceil(x: Array) -> Array:
    """`numpy.ceil`."""
    return _array(np.ceil(x))


def trunc(x: Array) -> Array:
    """`numpy.trunc`."""
    return _array(np.trunc(x))


def conj(x: Array) -> Array:
    """`numpy.conj`."""
    return _array(np.conj(x))


def bitwise_not(x: Array) -> Array:
    """`numpy.bitwise_not`."""
    return _array(np.bitwise_not(x))


def round(x: Array, *, decimals: int) -> Array:
    """`numpy.round`, quiet."""
    with np.errstate(all="ignore"):
        return _array(np.round(x, decimals))


def signbit(x: Array) -> Array:
    """`numpy.signbit`."""
    return _array(np.signbit(x))


def isnan(x: Array) -> Array:
    """`numpy.isnan`."""
    return _array(np.isnan(x))


def isinf(x: Array) -> Array:
    """`numpy.isinf`."""
    return _array(np.isinf(x))


def isfinite(x: Array) -> Array:
    """`numpy.isfinite`."""
    return _array(np.isfinite(x))


def logical_not(x: Array) -> Array:
    """`numpy.logical_not`."""
    return _array(np.logical_not(x))


def add(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`numpy.add`."""
    return _array(np.add(x1, x2))


def subtract(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`numpy.subtract`."""
    return _array(np.subtract(x1, x2))


def multiply(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`numpy.multiply`."""
    return _array(np.multiply(x1, x2))


def divide(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`numpy.divide`; a nonzero number needs no guard."""
    if type(x2) is float and x2:
        return _array(np.divide(x1, x2))
    with np.errstate(all="ignore"):
        return _array(np.divide(x1, x2))


def floor_divide(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`numpy.floor_divide`, quiet."""
    with np.errstate(all="ignore"):
        return _array(np.floor_divide(x1, x2))


def mod(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`numpy.mod`, quiet."""
    with np.errstate(all="ignore"):
        return _array(np.mod(x1, x2))


def power(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`numpy.power`, quiet."""
    with np.errstate(all="ignore"):
        return _array(np.power(x1, x2))


def maximum(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`numpy.maximum`."""
    return _array(np.maximum(x1, x2))


def minimum(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`numpy.minimum`."""
    return _array(np.minimum(x1, x2))


def logaddexp(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`numpy.logaddexp`, quiet."""
    with np.errstate(all="ignore"):
        return _array(np.logaddexp(x1, x2))


def arctan2(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`numpy.arctan2`."""
    return _array(np.arctan2(x1, x2))


def gcd(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`numpy.gcd`."""
    return _array(np.gcd(x1, x2))


def nextafter(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`numpy.nextafter`."""
    return _array(np.nextafter(x1, x2))


def bitwise_and(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`numpy.bitwise_and`."""
    return _array(np.bitwise_and(x1, x2))


def bitwise_or(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`numpy.bitwise_or`."""
    return _array(np.bitwise_or(x1, x2))


def bitwise_xor(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`numpy.bitwise_xor`."""
    return _array(np.bitwise_xor(x1, x2))


def left_shift(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`numpy.left_shift`."""
    return _array(np.left_shift(x1, x2))


def right_shift(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`numpy.right_shift`."""
    return _array(np.right_shift(x1, x2))


def logical_and(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`numpy.logical_and`."""
    return _array(np.logical_and(x1, x2))


def logical_or(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`numpy.logical_or`."""
    return _array(np.logical_or(x1, x2))


def logical_xor(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`numpy.logical_xor`."""
    return _array(np.logical_xor(x1, x2))


def equal(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`numpy.equal`."""
    return _array(np.equal(x1, x2))


def not_equal(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`numpy.not_equal`."""
    return _array(np.not_equal(x1, x2))


def less(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`numpy.less`."""
    return _array(np.less(x1, x2))


def less_equal(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`numpy.less_equal`."""
    return _array(np.less_equal(x1, x2))


def greater(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`numpy.greater`."""
    return _array(np.greater(x1, x2))


def greater_equal(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`numpy.greater_equal`."""
    return _array(np.greater_equal(x1, x2))


def where(condition: Array, x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`numpy.where`."""
    return np.where(condition, x1, x2)


def clip(x: Array, x_min: Array | Scalar, x_max: Array | Scalar) -> Array:
    """Two passes; `x_max` wins where the bounds cross."""
    return _array(np.minimum(np.maximum(x, x_min), x_max))


def nan_to_num(x: Array, *, nan: float, posinf: float | None, neginf: float | None) -> Array:
    """`numpy.nan_to_num`."""
    return _array(np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf))
