"""Arithmetic dtypes: half precision (and integers) are computed in float32, float64 stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish.backend.contract.types import Array

BLOCK = 16384
"""Elements that a chain of passes handles at a time, so that its temporaries stay in cache."""


def wide_dtype(dtype: Any) -> np.dtype:
    """Return float64 for float64, float32 for everything else."""
    return np.dtype(np.float64 if dtype == np.float64 else np.float32)


def widen(x: Array) -> Array:
    """Return `x` in the dtype it is computed in; `x` itself where that is its own dtype."""
    return x.astype(wide_dtype(x.dtype), copy=False)


def narrow(y: Array, dtype: Any) -> Array:
    """Return `y` rounded to `dtype`; what is too large becomes infinite without a warning."""
    if y.dtype == dtype:
        return y
    with np.errstate(over="ignore"):
        return y.astype(dtype)


def blockwise(function: Callable[..., None], *arrays: Array) -> Array:
    """Run `function(*blocks, out)` over blocks of equally shaped arrays; shape and dtype of the first one.

    The blocks are contiguous, 1-d and wide; `function` fills `out` and must not write to the others.
    """
    first = arrays[0]
    flat = [a.reshape(-1) for a in arrays]
    out = np.empty(first.shape, first.dtype)
    flat_out = out.reshape(-1)
    wide = wide_dtype(first.dtype)
    direct = wide == first.dtype
    for start in range(0, first.size, BLOCK):
        blocks = [a[start : start + BLOCK].astype(wide, copy=False) for a in flat]
        target = flat_out[start : start + BLOCK]
        if direct:
            function(*blocks, target)
        else:
            result = np.empty(target.shape, wide)
            function(*blocks, result)
            with np.errstate(over="ignore"):
                target[...] = result
    return out
