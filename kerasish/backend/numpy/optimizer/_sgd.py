"""Gradient descent, plain or with momentum."""

from __future__ import annotations

import numpy as np

from kerasish.backend.contract.types import Array, Scalar
from kerasish.backend.numpy.optimizer._blocks import run


def descend(p: Array, g: Array, t: Array, rate: float) -> None:
    np.multiply(g, rate, out=t)
    np.subtract(p, t, out=p)


def _sgd_momentum(p: Array, g: Array, m: Array, t: Array, rate: float, momentum: float) -> None:
    np.multiply(g, rate, out=t)
    np.multiply(m, momentum, out=m)
    np.subtract(m, t, out=m)
    np.add(p, m, out=p)


def _sgd_nesterov(p: Array, g: Array, m: Array, t: Array, rate: float, momentum: float) -> None:
    np.multiply(g, rate, out=t)
    np.multiply(m, momentum, out=m)
    np.subtract(m, t, out=m)
    np.subtract(p, t, out=p)
    np.multiply(m, momentum, out=t)
    np.add(p, t, out=p)


def sgd_update(
    param: Array,
    grad: Array,
    momentum_buffer: Array | None,
    *,
    learning_rate: Scalar,
    momentum: Scalar,
    nesterov: bool,
) -> None:
    """Two passes without momentum, four with it, six with Nesterov's."""
    rate = float(learning_rate)
    if momentum_buffer is None:
        run(descend, (param, grad), "wr", 1, rate)
    else:
        rule = _sgd_nesterov if nesterov else _sgd_momentum
        run(rule, (param, grad, momentum_buffer), "wrw", 1, rate, float(momentum))
