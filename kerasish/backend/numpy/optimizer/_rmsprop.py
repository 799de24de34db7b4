"""RMSprop: steps divided by a moving root mean square of the gradient."""

from __future__ import annotations

import numpy as np

from kerasish.backend.contract.types import Array, Scalar
from kerasish.backend.numpy.optimizer._adagrad import increment
from kerasish.backend.numpy.optimizer._averages import decay, decay_square
from kerasish.backend.numpy.optimizer._blocks import run


def _rmsprop_centered(g: Array, v: Array, a: Array, t: Array, rate: float, rho: float, epsilon: float) -> None:
    decay_square(v, g, t, rho)
    decay(a, g, t, rho)
    np.multiply(a, a, out=t)
    np.subtract(v, t, out=t)
    np.maximum(t, 0.0, out=t)
    increment(g, t, t, rate, epsilon)


def _momentum_step(p: Array, m: Array, increment: Array, momentum: float) -> None:
    np.multiply(m, momentum, out=m)
    np.add(m, increment, out=m)
    np.subtract(p, m, out=p)


def _rmsprop(p: Array, g: Array, v: Array, t: Array, rate: float, rho: float, epsilon: float) -> None:
    decay_square(v, g, t, rho)
    increment(g, v, t, rate, epsilon)
    np.subtract(p, t, out=p)


def _rmsprop_m(
    p: Array, g: Array, v: Array, m: Array, t: Array, rate: float, rho: float, epsilon: float, momentum: float
) -> None:
    decay_square(v, g, t, rho)
    increment(g, v, t, rate, epsilon)
    _momentum_step(p, m, t, momentum)


def _rmsprop_a(p: Array, g: Array, v: Array, a: Array, t: Array, rate: float, rho: float, epsilon: float) -> None:
    _rmsprop_centered(g, v, a, t, rate, rho, epsilon)
    np.subtract(p, t, out=p)


def _rmsprop_ma(
    p: Array,
    g: Array,
    v: Array,
    m: Array,
    a: Array,
    t: Array,
    rate: float,
    rho: float,
    epsilon: float,
    momentum: float,
) -> None:
    _rmsprop_centered(g, v, a, t, rate, rho, epsilon)
    _momentum_step(p, m, t, momentum)


def rmsprop_update(
    param: Array,
    grad: Array,
    velocity: Array,
    momentum_buffer: Array | None,
    average_gradient: Array | None,
    *,
    learning_rate: Scalar,
    rho: Scalar,
    momentum: Scalar,
    epsilon: Scalar,
) -> None:
    """Nine passes; three more centered, two more with momentum."""
    scalars = float(learning_rate), float(rho), float(epsilon)
    if momentum_buffer is None and average_gradient is None:
        run(_rmsprop, (param, grad, velocity), "wrw", 1, *scalars)
    elif average_gradient is None:
        run(_rmsprop_m, (param, grad, velocity, momentum_buffer), "wrww", 1, *scalars, float(momentum))
    elif momentum_buffer is None:
        run(_rmsprop_a, (param, grad, velocity, average_gradient), "wrww", 1, *scalars)
    else:
        slots = (velocity, momentum_buffer, average_gradient)
        run(_rmsprop_ma, (param, grad, *slots), "wrwww", 1, *scalars, float(momentum))
