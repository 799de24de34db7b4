"""The dense layer as one kernel."""

from __future__ import annotations

from kerasish.backend.contract.types import Array


def dense(x: Array, kernel: Array, bias: Array | None, *, activation: str) -> Array:
    """`activation(x @ kernel + bias)`: `(..., d), (d, u), (u,) -> (..., u)`.

    The activation is "linear", "relu", "sigmoid" or "tanh". Its gradient is `bias_activation_backward`
    (family conv), then a product with each operand (`matmul`, `contract_leading`).
    """
    raise NotImplementedError
