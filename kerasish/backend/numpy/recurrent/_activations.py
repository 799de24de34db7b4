"""The activations of recurrent cells, in place, and their slopes by their outputs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kerasish.backend.contract.types import Array


def _tanh(z: Array) -> None:
    np.tanh(z, out=z)


def _relu(z: Array) -> None:
    np.maximum(z, 0.0, out=z)


def _sigmoid(z: Array) -> None:
    np.negative(z, out=z)
    np.exp(z, out=z)
    np.add(z, 1.0, out=z)
    np.reciprocal(z, out=z)


def _hard_sigmoid(z: Array) -> None:
    np.multiply(z, 1.0 / 6.0, out=z)
    np.add(z, 0.5, out=z)
    np.maximum(z, 0.0, out=z)
    np.minimum(z, 1.0, out=z)


def _linear(z: Array) -> None:
    pass


def _tanh_slope(y: Array) -> Array:
    slope = y * y
    return np.subtract(1.0, slope, out=slope)


def _relu_slope(y: Array) -> Array:
    return (y > 0).astype(y.dtype)


def _sigmoid_slope(y: Array) -> Array:
    slope = 1.0 - y
    slope *= y
    return slope


def _hard_sigmoid_slope(y: Array) -> Array:
    slope = ((y > 0) & (y < 1)).astype(y.dtype)
    slope *= 1.0 / 6.0
    return slope


def _linear_slope(y: Array) -> Array:
    return np.ones_like(y)


_ACTIVATIONS: dict[str, tuple[Callable[[Array], None], Callable[[Array], Array]]] = {
    "tanh": (_tanh, _tanh_slope),
    "relu": (_relu, _relu_slope),
    "sigmoid": (_sigmoid, _sigmoid_slope),
    "hard_sigmoid": (_hard_sigmoid, _hard_sigmoid_slope),
    "linear": (_linear, _linear_slope),
}
"""Each activation in place, and its derivative as a new array, written in terms of its output."""


def activation_and_slope(
    kernel: str, name: str, recurrent: bool = False
) -> tuple[Callable[[Array], None], Callable[[Array], Array]]:
    """The activation of this name and its slope, or an error that names the kernel and the argument."""
    if name not in _ACTIVATIONS or (name == "hard_sigmoid" and not recurrent):
        argument = "recurrent_activation" if recurrent else "activation"
        names = [known for known in _ACTIVATIONS if recurrent or known != "hard_sigmoid"]
        raise ValueError(f"{kernel}: expected {argument} to be one of {names}. Received: {argument}={name!r}")
    return _ACTIVATIONS[name]
