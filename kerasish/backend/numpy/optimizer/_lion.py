"""Lion: steps of one length, in the direction of a moving average's sign."""

from __future__ import annotations

import numpy as np

from kerasish.backend.contract.types import Array, Scalar
from kerasish.backend.numpy.optimizer._averages import decay
from kerasish.backend.numpy.optimizer._blocks import run


def _lion(p: Array, g: Array, m: Array, t: Array, s: Array, rate: float, b1: float, b2: float) -> None:
    np.multiply(m, b1, out=t)
    np.multiply(g, 1.0 - b1, out=s)
    np.add(t, s, out=t)
    np.sign(t, out=t)
    np.multiply(t, rate, out=t)
    np.subtract(p, t, out=p)
    decay(m, g, t, b2)


def lion_update(param: Array, grad: Array, m: Array, *, learning_rate: Scalar, beta_1: Scalar, beta_2: Scalar) -> None:
    """Nine passes, two temporaries."""
    run(_lion, (param, grad, m), "wrw", 2, float(learning_rate), float(beta_1), float(beta_2))
