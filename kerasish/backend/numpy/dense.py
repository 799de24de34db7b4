"""The dense layer: a GEMM, then bias and activation in place on its output."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.backend.contract.types import Array

_HALF = np.dtype(np.float16)
# Arrays, since a ufunc takes them faster than Python numbers.
_ZERO: dict[Any, Any] = {np.dtype(kind): np.zeros((), kind) for kind in (np.float32, np.float64)}
# exp of the negative of less than this overflows.
_LOWEST: dict[Any, Any] = {
    np.dtype(np.float32): np.array(-88.0, np.float32),
    np.dtype(np.float64): np.array(-709.0),
}


def dense(x: Array, kernel: Array, bias: Array | None, *, activation: str) -> Array:
    """One pass for the bias, one to four for the activation, no temporaries."""
    if x.dtype == _HALF:
        wide_bias = None if bias is None else bias.astype(np.float32)
        return dense(x.astype(np.float32), kernel.astype(np.float32), wide_bias, activation=activation).astype(_HALF)
    shape = x.shape
    rank = len(shape)
    y: Array = np.matmul(x if rank == 2 else x.reshape(int(np.prod(shape[:-1])), shape[-1]), kernel)
    if bias is not None:
        np.add(y, bias, y)
    if activation == "relu":
        np.maximum(y, _ZERO[y.dtype], out=y)
    elif activation == "tanh":
        np.tanh(y, y)
    elif activation == "sigmoid":
        np.maximum(y, _LOWEST[y.dtype], out=y)
        np.negative(y, y)
        np.exp(y, y)
        np.add(y, 1, y)
        np.reciprocal(y, y)
    return y if rank == 2 else y.reshape((*shape[:-1], kernel.shape[1]))
