"""The dense layer: a GEMM, then bias and activation in place on its output."""

from __future__ import annotations

from math import prod

import numpy as np

from kerasish.backend.contract.types import Array
from kerasish.backend.numpy._epilogue import before_activation, finish, sum_rows
from kerasish.backend.numpy._widen import narrow, widen

_HALF = np.dtype(np.float16)


def dense(x: Array, kernel: Array, bias: Array | None, *, activation: str) -> Array:
    """One pass for the bias, one to four for the activation, no temporaries."""
    if x.dtype == _HALF:
        wide_bias = None if bias is None else bias.astype(np.float32)
        return dense(x.astype(np.float32), kernel.astype(np.float32), wide_bias, activation=activation).astype(_HALF)
    shape = x.shape
    rank = len(shape)
    y: Array = np.matmul(x if rank == 2 else x.reshape(prod(shape[:-1]), shape[-1]), kernel)
    finish(y, bias, activation)
    return y if rank == 2 else y.reshape((*shape[:-1], kernel.shape[1]))


def dense_backward(
    dy: Array, x: Array, kernel: Array, y: Array, *, activation: str, needs: tuple[bool, bool, bool]
) -> tuple[Array | None, Array | None, Array | None]:
    """One pass for the activation, then one GEMM or a product with ones for each gradient."""
    dtype = x.dtype
    g = before_activation(widen(dy), widen(y), activation)
    shape = x.shape
    rows = g if g.ndim == 2 else g.reshape(prod(g.shape[:-1]), g.shape[-1])
    need_x, need_kernel, need_bias = needs
    dx = dkernel = dbias = None
    if need_x:
        dx = narrow(np.matmul(rows, widen(kernel).T), dtype)
        dx = dx if len(shape) == 2 else dx.reshape(shape)
    if need_kernel:
        inputs = widen(x)
        inputs = inputs if len(shape) == 2 else inputs.reshape(prod(shape[:-1]), shape[-1])
        dkernel = narrow(np.matmul(inputs.T, rows), dtype)
    if need_bias:
        dbias = narrow(sum_rows(rows), dtype)
    return dx, dkernel, dbias
