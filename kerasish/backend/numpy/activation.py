"""Activations: chains of in-place passes over blocks that fit in cache; softmaxes shifted by the maximum."""

from __future__ import annotations

import math

import numpy as np

from kerasish.backend.contract.types import Array
from kerasish.backend.numpy._erf import erf_block, erfinv_block
from kerasish.backend.numpy._widen import blockwise, narrow, widen

_SQRT_HALF = math.sqrt(0.5)
_SQRT_TWO_OVER_PI = math.sqrt(2 / math.pi)
_CUBIC = 0.044715
# Past this distance from 0, gelu and its gradient have reached their limits in every dtype.
_GELU_LIMIT = 40.0


def softmax(x: Array, *, axis: int) -> Array:
    """Shift by the maximum, exponentiate and divide by the sum, in one buffer."""
    if x.size == 0:
        return np.empty(x.shape, x.dtype)
    y = widen(x)
    with np.errstate(invalid="ignore"):
        y = np.asarray(y - y.max(axis=axis, keepdims=True))
        np.exp(y, out=y)
        y /= y.sum(axis=axis, keepdims=True)
    return narrow(y, x.dtype)


def softmax_backward(dy: Array, y: Array, *, axis: int) -> Array:
    """One dot product a slice, then two passes."""
    dy_wide, y_wide = widen(dy), widen(y)
    dx = dy_wide - np.expand_dims(_dot(dy_wide, y_wide, axis), axis)
    dx *= y_wide
    return narrow(dx, y.dtype)


def _dot(a: Array, b: Array, axis: int) -> Array:
    return np.vecdot(np.moveaxis(a, axis, -1), np.moveaxis(b, axis, -1))


def log_softmax(x: Array, *, axis: int) -> Array:
    """Shift by the maximum, then by the logarithm of the sum of exponentials."""
    if x.size == 0:
        return np.empty(x.shape, x.dtype)
    y = widen(x)
    with np.errstate(invalid="ignore"):
        y = np.asarray(y - y.max(axis=axis, keepdims=True))
        y -= np.log(np.exp(y).sum(axis=axis, keepdims=True))
    return narrow(y, x.dtype)


def log_softmax_backward(dy: Array, y: Array, *, axis: int) -> Array:
    """Recover the probabilities from the output."""
    dy_wide = widen(dy)
    dx = np.asarray(np.exp(widen(y)))
    dx *= dy_wide.sum(axis=axis, keepdims=True)
    np.subtract(dy_wide, dx, out=dx)
    return narrow(dx, y.dtype)


def sigmoid(x: Array) -> Array:
    """Let the exponential overflow: the reciprocal of infinity is the right limit."""
    return blockwise(_sigmoid, x)


def _sigmoid(x: Array, out: Array) -> None:
    with np.errstate(over="ignore"):
        np.negative(x, out=out)
        np.exp(out, out=out)
        out += 1
        np.reciprocal(out, out=out)


def relu(x: Array) -> Array:
    """One pass."""
    return np.maximum(x, 0, out=np.empty_like(x))


def softplus(x: Array) -> Array:
    """Take `log1p` from the vectorised `log` and a first-order correction of its rounded argument."""
    return blockwise(_softplus, x)


def _softplus(x: Array, out: Array) -> None:
    exponential = np.abs(x)
    np.negative(exponential, out=exponential)
    np.exp(exponential, out=exponential)
    argument = exponential + 1
    np.subtract(argument, 1, out=out)
    exponential -= out
    exponential /= argument
    np.log(argument, out=argument)
    np.maximum(x, 0, out=out)
    argument += exponential
    out += argument


def gelu(x: Array, *, approximate: bool) -> Array:
    """Multiply by the distribution function, below by no more than its last nonzero value."""
    return blockwise(_gelu_tanh if approximate else _gelu_erf, x)


def _gelu_erf(x: Array, out: Array) -> None:
    erf_block(x * _SQRT_HALF, out)
    _half_linear(x, out)


def _gelu_tanh(x: Array, out: Array) -> None:
    _tanh_of_cubic(_bounded(x), out)
    _half_linear(x, out)


def _half_linear(x: Array, out: Array) -> None:
    out += 1
    factor = np.maximum(x, -_GELU_LIMIT)
    factor *= 0.5
    out *= factor


def _bounded(x: Array) -> Array:
    bounded = np.minimum(x, _GELU_LIMIT)
    return np.maximum(bounded, -_GELU_LIMIT, out=bounded)


def _tanh_of_cubic(x: Array, out: Array) -> None:
    np.multiply(x, x, out=out)
    out *= _CUBIC * _SQRT_TWO_OVER_PI
    out += _SQRT_TWO_OVER_PI
    out *= x
    np.tanh(out, out=out)


def gelu_backward(dy: Array, x: Array, *, approximate: bool) -> Array:
    """Differentiate the formula that the forward kernel computes."""
    return blockwise(_gelu_tanh_backward if approximate else _gelu_erf_backward, x, dy)


def _gelu_erf_backward(x: Array, dy: Array, out: Array) -> None:
    bounded = _bounded(x)
    erf_block(bounded * _SQRT_HALF, out)
    out += 1
    out *= 0.5
    density = bounded * bounded
    density *= -0.5
    np.exp(density, out=density)
    density *= 1 / math.sqrt(2 * math.pi)
    density *= bounded
    out += density
    out *= dy


def _gelu_tanh_backward(x: Array, dy: Array, out: Array) -> None:
    bounded = _bounded(x)
    tanh = np.empty_like(bounded)
    _tanh_of_cubic(bounded, tanh)
    np.multiply(bounded, bounded, out=out)
    out *= 3 * _CUBIC * _SQRT_TWO_OVER_PI
    out += _SQRT_TWO_OVER_PI
    out *= bounded
    out *= 1 - tanh
    out += 1
    tanh += 1
    out *= tanh
    out *= 0.5
    out *= dy


def silu(x: Array) -> Array:
    """Divide by `1 + exp(-x)`, which may overflow: the quotient is then 0."""
    return blockwise(_silu, x)


def _silu(x: Array, out: Array) -> None:
    with np.errstate(over="ignore"):
        np.negative(x, out=out)
        np.exp(out, out=out)
        out += 1
        # Where the denominator is infinite the numerator must be finite.
        np.divide(np.maximum(x, -1000), out, out=out)


def elu(x: Array, *, alpha: float) -> Array:
    """Take `expm1` from the vectorised `tanh`: `2 t / (1 - t)` with `t = tanh(x / 2)`."""

    def block(x: Array, out: Array) -> None:
        np.minimum(x, 0, out=out)
        out *= 0.5
        np.tanh(out, out=out)
        denominator = 1 - out
        out /= denominator
        out *= 2 * alpha
        out += np.maximum(x, 0)

    return blockwise(block, x)


def erf(x: Array) -> Array:
    """Rational approximations."""
    return blockwise(erf_block, x)


def erfinv(x: Array) -> Array:
    """Quantile of the normal distribution, scaled."""
    return blockwise(erfinv_block, x)
