"""What the kernels over windows share: their arguments, and how the work is cut."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from math import prod
from typing import Any

import numpy as np

from kerasish.backend.contract.types import Array, Padding

THREADS = 256
_MANY_BLOCKS = 1 << 16
_INDEXED = 1 << 31


def chunk(dtype: Any) -> int:
    """How many elements fill 16 bytes."""
    return 16 // int(np.dtype(dtype).itemsize)


def lanes(width: int, dtype: Any, *arrays: Array | None) -> int:
    """How many neighbours along a contiguous axis of length `width` are loaded at once: those in 16 bytes, or one."""
    count = chunk(dtype)
    aligned = all(array is None or array.data.ptr % 16 == 0 for array in arrays)
    return count if width % count == 0 and aligned else 1


def grid(count: int) -> int:
    """How many blocks run a loop over `count` elements."""
    return min(max(1, -(-count // THREADS)), _MANY_BLOCKS)


def across_and_down(packs: int) -> tuple[int, int]:
    """Threads of a block along a row and along a column of a matrix of `packs` columns."""
    across = min(32, 1 << max(0, packs - 1).bit_length())
    return across, THREADS // across


def batches(count: int, *image_shapes: tuple[int, ...]) -> Iterator[slice]:
    """Slices of the batch that 32-bit numbers can index, for arrays whose images have these shapes.

    Raises:
        ValueError: A single image is too large.
    """
    largest = max(prod(shape) for shape in image_shapes)
    if largest >= _INDEXED:
        raise ValueError(
            f"An image of a batch may have up to {_INDEXED - 1} elements on the GPU. Received: shapes {image_shapes}"
        )
    step = (_INDEXED - 1) // max(largest, 1)
    for start in range(0, count, step):
        yield slice(start, min(start + step, count))


@lru_cache(maxsize=4096)
def window_arguments(
    sizes: tuple[int, ...],
    out: tuple[int, ...],
    window: tuple[int, ...],
    strides: tuple[int, ...],
    padding: Padding,
    dilation: tuple[int, ...],
) -> tuple[np.int32, ...]:
    """`WINDOW_PARAMETERS` of kernels/window.cuh: one to three axes, after as many of size 1 as are missing."""
    numbers = [1, 1, 1, 1, 0, 1] * (3 - len(sizes))
    for size, count, width, stride, (before, _), step in zip(sizes, out, window, strides, padding, dilation):
        numbers += [size, count, width, stride, before, step]
    return tuple([np.int32(number) for number in numbers])
