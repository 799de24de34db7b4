"""Moving averages of a block, in place."""

from __future__ import annotations

import numpy as np

from kerasish.backend.contract.types import Array, Scalar


def move(average: Array, value: Array, t: Array, weight: Scalar) -> None:
    """`average += weight * (value - average)`."""
    np.subtract(value, average, out=t)
    np.multiply(t, weight, out=t)
    np.add(average, t, out=average)


def move_square(average: Array, g: Array, t: Array, weight: Scalar) -> None:
    """`average += weight * (g^2 - average)`."""
    np.multiply(g, g, out=t)
    np.subtract(t, average, out=t)
    np.multiply(t, weight, out=t)
    np.add(average, t, out=average)


def decay_square(average: Array, g: Array, t: Array, rho: float) -> None:
    """`average = rho * average + (1 - rho) * g^2`."""
    np.multiply(g, g, out=t)
    np.multiply(t, 1.0 - rho, out=t)
    np.multiply(average, rho, out=average)
    np.add(average, t, out=average)


def decay(average: Array, value: Array, t: Array, rho: float) -> None:
    """`average = rho * average + (1 - rho) * value`."""
    np.multiply(value, 1.0 - rho, out=t)
    np.multiply(average, rho, out=average)
    np.add(average, t, out=average)
