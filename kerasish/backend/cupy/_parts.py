"""Sums in two stages: blocks leave parts in memory, which are then added up in a fixed order."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.backend.contract.types import Array
from kerasish.backend.cupy._device import cp
from kerasish.backend.cupy._epilogue import ACTIVATIONS
from kerasish.backend.cupy._launch import FLOATS, Kernel, blocks, c_type

_SUM_PARTS = Kernel("bias.cu", "sum_parts", T=FLOATS)
_MANY_BLOCKS = 1 << 14


def wide_dtype(dtype: Any) -> Any:
    """The dtype that sums are taken in."""
    return np.dtype(np.float64 if dtype == np.float64 else np.float32)


def new_parts(number: int, count: int, dtype: Any) -> Array:
    """Memory for `number` parts of `count` sums of elements of `dtype`."""
    return cp.empty((number, count), wide_dtype(dtype))


def sum_parts(parts: Array, target: Array, bias: Array | None = None, activation: str = "linear") -> Array:
    """`activation(sum over parts + bias)`, into the contiguous array `target`, which is returned.

    `parts` is `(parts, target.size)`, the bias of the length of the last axis.
    """
    arguments = [
        parts,
        bias,
        target,
        np.int64(target.size),
        np.int32(target.shape[-1]),
        np.int32(len(parts)),
        np.int32(ACTIVATIONS[activation]),
    ]
    _SUM_PARTS((c_type(target.dtype),), min(blocks(target.size, 32), _MANY_BLOCKS), (32, 8), arguments)
    return target
