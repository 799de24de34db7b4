"""Bias and activation after a product, in place and in one pass."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.backend.contract.types import Array
from kerasish.backend.cupy._launch import FLOATS, Kernel, blocks, c_type, contiguous

# As in kernels/activation.cuh.
ACTIVATIONS = {"linear": 0, "relu": 1, "sigmoid": 2, "tanh": 3}

_BIAS_ACTIVATION = Kernel("epilogue.cu", "bias_activation", T=FLOATS, VECTOR=("false", "true"))
_THREADS = 256
_ENOUGH_BLOCKS = 2048


def check_activation(activation: str) -> None:
    """Raise a ValueError for a name that no epilogue has."""
    if activation not in ACTIVATIONS:
        raise ValueError(f"The activation must be one of {list(ACTIVATIONS)}. Received: activation={activation!r}")


def finish(y: Array, bias: Array | None, activation: str) -> None:
    """`y = activation(y + bias)` in place, along the last axis.

    Args:
        y: At least 1-d with contiguous last axis; its leading axes must be one axis, or one axis and rows.
        bias: Of the length of the last axis and the dtype of `y`, or None.
        activation: "linear", "relu", "sigmoid" or "tanh".
    """
    if not y.size or (bias is None and activation == "linear"):
        return
    if y.flags.c_contiguous:
        columns = y.shape[-1]
        batch, rows = 1, y.size // columns
        batch_stride, row_stride = 0, columns
    else:
        view = y.reshape(1, *y.shape) if y.ndim == 2 else y
        if view.ndim != 3 or (view.shape[2] > 1 and view.strides[2] != y.itemsize):
            raise ValueError(
                "Rows (m, n) or (batch, m, n) with a contiguous last axis were expected. Received: an array of shape "
                f"{y.shape} and strides {y.strides}"
            )
        batch, rows, columns = view.shape
        batch_stride, row_stride = view.strides[0] // y.itemsize, view.strides[1] // y.itemsize
    if bias is not None:
        bias = contiguous(bias)
    width = 16 // y.itemsize
    addresses = y.data.ptr | (0 if bias is None else bias.data.ptr)
    vector = not (addresses % 16 or columns % width or row_stride % width or batch_stride % width)
    packs = columns // width if vector else columns
    across = min(_THREADS, 1 << max(0, packs - 1).bit_length())
    down = _THREADS // across
    grid_x = blocks(packs, across)
    grid_y = min(blocks(rows, down), max(1, _ENOUGH_BLOCKS // grid_x))
    grid_z = min(batch, max(1, _ENOUGH_BLOCKS // (grid_x * grid_y)))
    arguments: list[Any] = [y, bias]
    arguments += [np.int64(number) for number in (batch, rows, columns, batch_stride, row_stride)]
    arguments.append(np.int32(ACTIVATIONS[activation]))
    key = (c_type(y.dtype), "true" if vector else "false")
    _BIAS_ACTIVATION(key, (grid_x, grid_y, grid_z), (across, down), arguments)
