"""Selecting elements by a mask without a branch per element."""

from __future__ import annotations

import numpy as np

from kerasish.backend.contract.types import Array


def keep(x: Array, mask: Array) -> Array:
    """Return the floats `x` where `mask` is true, else zero, as a new array.

    An "and" of the bits with all ones or all zeros: as fast as a product, but an infinity outside the mask
    becomes zero, not NaN; `np.where` takes several times as long when the mask is irregular.
    """
    bits = np.dtype(f"i{x.dtype.itemsize}")
    result = np.negative(mask.view(np.int8), dtype=bits)
    np.bitwise_and(result, x.view(bits), result)
    return result.view(x.dtype)
