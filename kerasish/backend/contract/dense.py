"""The dense layer as one kernel."""

from __future__ import annotations

from kerasish.backend.contract.types import Array


def dense(x: Array, kernel: Array, bias: Array | None, *, activation: str) -> Array:
    """`activation(x @ kernel + bias)`: `(..., d), (d, u), (u,) -> (..., u)`.

    The activation is "linear", "relu", "sigmoid" or "tanh". Its gradient is `dense_backward`.
    """
    raise NotImplementedError


def dense_backward(
    dy: Array, x: Array, kernel: Array, y: Array, *, activation: str, needs: tuple[bool, bool, bool]
) -> tuple[Array | None, Array | None, Array | None]:
    """Gradients of `dense` for `x`, `kernel` and `bias`, each None unless `needs` asks for it.

    `y` is the output, from which the slope of the activation is found. With `g = dy * activation'` of shape
    `(rows, u)`: `dx = g kernel^T`, `dkernel = x^T g`, `dbias = sum of the rows of g`.
    """
    raise NotImplementedError
