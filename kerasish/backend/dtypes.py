"""Dtype names, their promotion, and how Python values enter.

Dtypes are strings in the public interface ("float32"), as in Keras. Promotion follows the lattice that
Keras uses: Python numbers are weak, and an integer that meets a float takes the float's type (NumPy would
widen int64 with float32 to float64).
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from kerasish import config

FLOATS = ("bfloat16", "float16", "float32", "float64")
INTEGERS = ("uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64")
COMPLEX = ("complex64", "complex128")
ALLOWED = frozenset(("bool", "string", *FLOATS, *INTEGERS, *COMPLEX))

_ALIASES = {"float": "float32", "int": "int32", "half": "float16", "double": "float64", "str": "string"}
_NAMES: dict[Any, str] = {}


def dtype_name(dtype: np.dtype[Any]) -> str:
    """The name of a NumPy dtype, cached: `numpy.dtype.name` is computed in Python each time."""
    name = _NAMES.get(dtype)
    if name is None:
        name = _NAMES[dtype] = "string" if dtype.kind in "US" else dtype.name
    return name


@lru_cache(maxsize=512)
def _standardize(dtype: Any) -> str:
    if dtype is None:
        return config.floatx()
    if dtype is float:
        return config.floatx()
    if dtype is int:
        return "int32"
    if dtype is bool:
        return "bool"
    if dtype is str:
        return "string"
    if isinstance(dtype, str):
        name = _ALIASES.get(dtype, dtype)
    else:
        try:
            name = dtype_name(np.dtype(dtype))
        except TypeError:
            name = str(dtype)
    if name not in ALLOWED:
        raise ValueError(f"Invalid dtype. Expected one of {sorted(ALLOWED)}. Received: dtype={dtype!r}")
    return name


def standardize_dtype(dtype: Any) -> str:
    """The name of a dtype given as a name, a NumPy or Python type, or None (the default float).

    >>> standardize_dtype(int), standardize_dtype("float64")
    ('int32', 'float64')
    """
    if isinstance(dtype, str) and dtype in ALLOWED:
        return dtype
    if dtype is None or dtype is float:
        return config.floatx()
    return _standardize(dtype)


def is_float(dtype: str) -> bool:
    """Whether the name is that of a floating-point type."""
    return dtype in FLOATS


def numpy_dtype(dtype: Any) -> np.dtype[Any]:
    """The NumPy dtype of a name; bfloat16 comes from the package `ml_dtypes`."""
    name = standardize_dtype(dtype)
    if name == "bfloat16":
        try:
            import ml_dtypes
        except ImportError as error:
            raise ImportError(
                "The dtype bfloat16 needs the package ml_dtypes: pip install ml_dtypes (it comes with the "
                "extras cuda12 and cuda13)."
            ) from error
        return np.dtype(ml_dtypes.bfloat16)
    if name == "string":
        return np.dtype("U")
    return np.dtype(name)


def _promote(a: str, b: str) -> str:
    if a == b:
        return a
    if a == "bool":
        return b
    if b == "bool":
        return a
    if a in COMPLEX or b in COMPLEX:
        if a in COMPLEX and b in COMPLEX:
            return "complex128"
        wide = "complex128" in (a, b) or "float64" in (a, b)
        return "complex128" if wide else "complex64"
    if a in FLOATS and b in FLOATS:
        if {a, b} == {"float16", "bfloat16"}:
            return "float32"
        return max(a, b, key=FLOATS.index)
    if a in FLOATS:
        return a
    if b in FLOATS:
        return b
    merged = np.promote_types(a, b)
    return config.floatx() if merged.kind == "f" else merged.name


@lru_cache(maxsize=4096)
def _result_type(names: tuple[Any, ...], floatx: str) -> str:
    strong = [standardize_dtype(name) for name in names if name is not int and name is not float]
    result = strong[0] if strong else None
    for name in strong[1:]:
        assert result is not None
        result = _promote(result, name)
    if float in names and (result is None or (result not in FLOATS and result not in COMPLEX)):
        return floatx
    if int in names and (result is None or result == "bool"):
        return "int32"
    assert result is not None
    return result


def result_type(*dtypes: Any) -> str:
    """The dtype that values of these dtypes have together; `int` and `float` stand for Python numbers.

    >>> result_type("int64", "float32"), result_type("int32", float), result_type("float16", int)
    ('float32', 'float32', 'float16')
    """
    return _result_type(tuple(dtypes), config.floatx())
