"""FTRL: the regularized leader, per coordinate."""

from __future__ import annotations

import numpy as np

from kerasish.backend.contract.types import Array, Scalar
from kerasish.backend.numpy.optimizer._blocks import run


def _power(x: Array, exponent: float, out: Array) -> None:
    if exponent == 0.5:
        np.sqrt(x, out=out)
    else:
        np.power(x, exponent, out=out)


def _ftrl(
    p: Array,
    g: Array,
    a: Array,
    linear: Array,
    t: Array,
    s: Array,
    rate: float,
    exponent: float,
    l1: float,
    l2: float,
    shrinkage: float,
) -> None:
    np.add(linear, g, out=linear)
    np.multiply(p, 2.0 * shrinkage, out=t)
    np.add(linear, t, out=linear)
    _power(a, exponent, t)
    np.multiply(g, g, out=s)
    np.add(a, s, out=a)
    _power(a, exponent, s)
    np.subtract(s, t, out=t)
    np.multiply(t, 1.0 / rate, out=t)
    np.multiply(t, p, out=t)
    np.subtract(linear, t, out=linear)
    np.multiply(s, 1.0 / rate, out=s)
    np.add(s, 2.0 * l2, out=s)
    np.minimum(linear, l1, out=t)
    np.maximum(t, -l1, out=t)
    np.subtract(t, linear, out=t)
    np.divide(t, s, out=p)


def ftrl_update(
    param: Array,
    grad: Array,
    accumulator: Array,
    linear: Array,
    *,
    learning_rate: Scalar,
    learning_rate_power: Scalar,
    l1_regularization_strength: Scalar,
    l2_regularization_strength: Scalar,
    l2_shrinkage_regularization_strength: Scalar,
    beta: Scalar,
) -> None:
    """Seventeen passes, two temporaries; roots for powers at the usual exponent."""
    rate = float(learning_rate)
    if rate <= 0.0:
        raise ValueError(f"ftrl_update: expected a learning rate above 0. Received: learning_rate={rate}")
    scalars = (
        rate,
        -float(learning_rate_power),
        float(l1_regularization_strength),
        float(l2_regularization_strength) + float(beta) / (2.0 * rate),
        float(l2_shrinkage_regularization_strength),
    )
    run(_ftrl, (param, grad, accumulator, linear), "wrww", 2, *scalars)
