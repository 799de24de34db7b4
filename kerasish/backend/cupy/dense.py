"""The dense layer: a product whose epilogue adds the bias and takes the activation."""

from __future__ import annotations

from kerasish.backend.contract.types import Array
from kerasish.backend.cupy._gemm import gemm
from kerasish.backend.cupy.conv import bias_activation_backward
from kerasish.backend.cupy.linalg import contract_leading


def dense(x: Array, kernel: Array, bias: Array | None, *, activation: str) -> Array:
    """One product; the library's epilogue takes bias and relu, a pass of its own the other activations."""
    return gemm(x, kernel, bias=bias, activation=activation)


def dense_backward(
    dy: Array, x: Array, kernel: Array, y: Array, *, activation: str, needs: tuple[bool, bool, bool]
) -> tuple[Array | None, Array | None, Array | None]:
    """One pass for the slope of the activation and the gradient of the bias, then one product for each other one."""
    need_x, need_kernel, need_bias = needs
    g, dbias = bias_activation_backward(dy, y, activation=activation, bias=need_bias)
    dx = gemm(g, kernel.T) if need_x else None
    dkernel = contract_leading(x, g) if need_kernel else None
    return dx, dkernel, dbias
