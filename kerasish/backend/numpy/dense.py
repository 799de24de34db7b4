"""The dense layer: a GEMM, then bias and activation in place on its output."""

from __future__ import annotations

import numpy as np

from kerasish.backend.contract.types import Array
from kerasish.backend.numpy._epilogue import finish

_HALF = np.dtype(np.float16)


def dense(x: Array, kernel: Array, bias: Array | None, *, activation: str) -> Array:
    """One pass for the bias, one to four for the activation, no temporaries."""
    if x.dtype == _HALF:
        wide_bias = None if bias is None else bias.astype(np.float32)
        return dense(x.astype(np.float32), kernel.astype(np.float32), wide_bias, activation=activation).astype(_HALF)
    shape = x.shape
    rank = len(shape)
    y: Array = np.matmul(x if rank == 2 else x.reshape(int(np.prod(shape[:-1])), shape[-1]), kernel)
    finish(y, bias, activation)
    return y if rank == 2 else y.reshape((*shape[:-1], kernel.shape[1]))
