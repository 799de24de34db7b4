"""Questions about dtypes that NumPy cannot answer for bfloat16, which it does not count among the floats."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)


def is_bfloat16(x: Any) -> bool:
    """Whether an array, or a NumPy number, is of bfloat16."""
    return bool(x.dtype == BFLOAT16) if hasattr(x, "dtype") else False


def is_float(dtype: Any) -> bool:
    """Whether a dtype is of floating point and one that kernels are made for."""
    return dtype.kind == "f" or dtype == BFLOAT16


def is_half(dtype: Any) -> bool:
    """Whether a dtype is of floating point in 16 bits."""
    return dtype == np.float16 or dtype == BFLOAT16


def wide(dtype: Any) -> Any:
    """The dtype that sums are taken in."""
    return np.dtype(np.float32) if is_half(dtype) else dtype


def largest(dtype: Any) -> float:
    """The largest finite number of a floating-point dtype."""
    return float(ml_dtypes.finfo(dtype).max)


def lowest(dtype: Any) -> Any:
    """What no number of the dtype lies below: -inf, or the least integer."""
    if is_float(dtype):
        return -np.inf
    return False if dtype == np.bool_ else np.iinfo(dtype).min


def like(number: Any, x: Any) -> Any:
    """A Python number as an operand beside an array: NumPy and CuPy would make float32 of it and bfloat16."""
    return x.dtype.type(number) if x.dtype == BFLOAT16 and type(number) in (bool, int, float) else number
