"""The dense layer: a GEMM, then bias and activation in place on its output."""

from __future__ import annotations

from math import prod

import numpy as np

from kerasish.backend.contract.types import Array
from kerasish.backend.numpy._epilogue import before_activation, finish, sum_rows
from kerasish.backend.numpy._widen import narrow

_HALF = np.dtype(np.float16)


def dense(x: Array, kernel: Array, bias: Array | None, *, activation: str) -> Array:
    """One pass for the bias, one to four for the activation, no temporaries."""
    if x.dtype == _HALF:
        wide_bias = None if bias is None else bias.astype(np.float32)
        return dense(x.astype(np.float32), kernel.astype(np.float32), wide_bias, activation=activation).astype(_HALF)
    shape = x.shape
    rank = len(shape)
    y: Array = np.dot(x if rank == 2 else x.reshape(prod(shape[:-1]), shape[-1]), kernel)
    finish(y, bias, activation)
    return y if rank == 2 else y.reshape((*shape[:-1], kernel.shape[1]))


def dense_backward(
    dy: Array, x: Array, kernel: Array, y: Array, *, activation: str, needs: tuple[bool, bool, bool]
) -> tuple[Array | None, Array | None, Array | None]:
    """One pass for the activation, then one GEMM or a product with ones for each gradient."""
    if x.dtype == _HALF:
        wide = [array.astype(np.float32) for array in (dy, x, kernel, y)]
        grads = dense_backward(*wide, activation=activation, needs=needs)
        dx, dkernel, dbias = [None if grad is None else narrow(grad, _HALF) for grad in grads]
        return dx, dkernel, dbias
    g = before_activation(dy, y, activation)
    shape = x.shape
    rank = len(shape)
    if rank != 2:
        g = g.reshape(prod(shape[:-1]), g.shape[-1])
        x = x.reshape(len(g), shape[-1])
    need_x, need_kernel, need_bias = needs
    dx = dkernel = dbias = None
    if need_x:
        dx = np.dot(g, kernel.T)
        dx = dx if rank == 2 else dx.reshape(shape)
    if need_kernel:
        dkernel = np.dot(x.T, g)
    if need_bias:
        dbias = sum_rows(g)
    return dx, dkernel, dbias
