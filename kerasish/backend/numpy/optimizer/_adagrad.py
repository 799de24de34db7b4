"""Adagrad and Adadelta: steps divided by the root of summed squares, or of their moving average."""

from __future__ import annotations

import numpy as np

from kerasish.backend.contract.types import Array, Scalar
from kerasish.backend.numpy.optimizer._averages import decay_square
from kerasish.backend.numpy.optimizer._blocks import run


def increment(g: Array, denominator: Array, t: Array, rate: float, epsilon: float) -> None:
    np.add(denominator, epsilon, out=t)
    np.sqrt(t, out=t)
    np.divide(g, t, out=t)
    np.multiply(t, rate, out=t)


def _adagrad(p: Array, g: Array, a: Array, t: Array, rate: float, epsilon: float) -> None:
    np.multiply(g, g, out=t)
    np.add(a, t, out=a)
    increment(g, a, t, rate, epsilon)
    np.subtract(p, t, out=p)


def adagrad_update(param: Array, grad: Array, accumulator: Array, *, learning_rate: Scalar, epsilon: Scalar) -> None:
    """Seven passes."""
    run(_adagrad, (param, grad, accumulator), "wrw", 1, float(learning_rate), float(epsilon))


def _adadelta(
    p: Array, g: Array, a: Array, d: Array, t: Array, s: Array, rate: float, rho: float, epsilon: float
) -> None:
    decay_square(a, g, t, rho)
    np.add(d, epsilon, out=s)
    np.add(a, epsilon, out=t)
    # One root of the quotient instead of the quotient of two roots.
    np.divide(s, t, out=s)
    np.sqrt(s, out=s)
    np.multiply(s, g, out=s)
    decay_square(d, s, t, rho)
    np.multiply(s, rate, out=s)
    np.subtract(p, s, out=p)


def adadelta_update(
    param: Array,
    grad: Array,
    accumulated_grad: Array,
    accumulated_delta: Array,
    *,
    learning_rate: Scalar,
    rho: Scalar,
    epsilon: Scalar,
) -> None:
    """Fifteen passes, two temporaries."""
    arrays = (param, grad, accumulated_grad, accumulated_delta)
    run(_adadelta, arrays, "wrww", 2, float(learning_rate), float(rho), float(epsilon))
