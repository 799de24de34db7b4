"""Element by element, as CuPy's universal functions.

Where those compute otherwise than the reference does, or have no bfloat16, kernels of our own and detours are taken:
`floor_divide`, `mod` and `nextafter` of floats, `nan_to_num`, `round`, `where`. Floats so small that their leading bit
is not set (denormal ones) count as zero in single precision, because CuPy compiles so. An integer to the power of a
negative one in an array, which NumPy refuses, gives 0, or 1 and -1 of themselves: values are not looked at on the host.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish.backend.contract.types import Array, Scalar
from kerasish.backend.cupy._device import cp
from kerasish.backend.cupy._dtypes import is_bfloat16, is_float, largest, like
from kerasish.backend.cupy._launch import FLOATS, Kernel, blocks, c_type, contiguous

_BINARY = Kernel("elementwise.cu", "binary", T=FLOATS, OP=("FLOOR_DIVIDE", "MOD", "NEXT_AFTER"))
_REPLACE = Kernel("elementwise.cu", "replace_nonfinite", T=FLOATS)
_THREADS = 256
_MOST_BLOCKS = 4096


def _pair(x1: Array | Scalar, x2: Array | Scalar) -> tuple[Any, Any]:
    """The operands as CuPy is to see them: it takes a Python number beside bfloat16 for float32."""
    if not isinstance(x2, cp.ndarray):
        return (x1, like(x2, x1)) if isinstance(x1, cp.ndarray) else (x1, cp.asarray(x2))
    return (x1, x2) if isinstance(x1, cp.ndarray) else (like(x1, x2), x2)


def _truth(x: Array | Scalar) -> Any:
    if not isinstance(x, cp.ndarray):
        return bool(x)
    return x if x.dtype == np.bool_ else cp.not_equal(x, x.dtype.type(0))


def _operand(x: Any, dtype: Any, shape: tuple[int, ...]) -> tuple[Any, Any, Any]:
    """Address, number and step, as the kernel takes an operand."""
    wide = np.float64 if dtype == np.float64 else np.float32
    if not isinstance(x, cp.ndarray):
        return None, wide(x), np.int32(0)
    x = x.astype(dtype, copy=False)
    if x.size == 1:
        return x, wide(0), np.int32(0)
    return contiguous(cp.broadcast_to(x, shape)), wide(0), np.int32(1)


def _binary(operation: str, function: Callable[..., Any], x1: Array | Scalar, x2: Array | Scalar) -> Array:
    x1, x2 = _pair(x1, x2)
    arrays = [x for x in (x1, x2) if isinstance(x, cp.ndarray)]
    dtype = arrays[0].dtype if len(arrays) == 1 else np.result_type(arrays[0].dtype, arrays[1].dtype)
    if not is_float(dtype):
        return function(x1, x2)
    shape = np.broadcast_shapes(*[x.shape for x in arrays])
    y = cp.empty(shape, dtype)
    if y.size:
        left, left_number, left_step = _operand(x1, dtype, shape)
        right, right_number, right_step = _operand(x2, dtype, shape)
        grid = min(blocks(y.size, _THREADS), _MOST_BLOCKS)
        args = (left, right, y, left_number, right_number, left_step, right_step, np.int64(y.size))
        _BINARY((c_type(dtype), operation), grid, _THREADS, args)
    return y


def identity(x: Array) -> Array:
    """No copy."""
    return x


def cast(x: Array, *, dtype: Any) -> Array:
    """One pass unless the dtype is right already."""
    return x.astype(dtype, copy=False)


def negative(x: Array) -> Array:
    """`cupy.negative`."""
    return cp.negative(x)


def abs(x: Array) -> Array:
    """`cupy.absolute`."""
    return cp.absolute(x)


def sign(x: Array) -> Array:
    """`cupy.sign`."""
    return cp.sign(x)


def exp(x: Array) -> Array:
    """`cupy.exp`."""
    return cp.exp(x)


def expm1(x: Array) -> Array:
    """`cupy.expm1`."""
    return cp.expm1(x)


def log(x: Array) -> Array:
    """`cupy.log`."""
    return cp.log(x)


def log1p(x: Array) -> Array:
    """`cupy.log1p`."""
    return cp.log1p(x)


def log2(x: Array) -> Array:
    """`cupy.log2`."""
    return cp.log2(x)


def log10(x: Array) -> Array:
    """`cupy.log10`."""
    return cp.log10(x)


def sqrt(x: Array) -> Array:
    """`cupy.sqrt`."""
    return cp.sqrt(x)


def square(x: Array) -> Array:
    """`cupy.square`."""
    return cp.square(x)


def reciprocal(x: Array) -> Array:
    """`cupy.reciprocal`."""
    return cp.reciprocal(x)


def sin(x: Array) -> Array:
    """`cupy.sin`."""
    return cp.sin(x)


def cos(x: Array) -> Array:
    """`cupy.cos`."""
    return cp.cos(x)


def tan(x: Array) -> Array:
    """`cupy.tan`."""
    return cp.tan(x)


def arcsin(x: Array) -> Array:
    """`cupy.arcsin`."""
    return cp.arcsin(x)


def arccos(x: Array) -> Array:
    """`cupy.arccos`."""
    return cp.arccos(x)


def arctan(x: Array) -> Array:
    """`cupy.arctan`."""
    return cp.arctan(x)


def sinh(x: Array) -> Array:
    """`cupy.sinh`."""
    return cp.sinh(x)


def cosh(x: Array) -> Array:
    """`cupy.cosh`."""
    return cp.cosh(x)


def tanh(x: Array) -> Array:
    """`cupy.tanh`."""
    return cp.tanh(x)


def arcsinh(x: Array) -> Array:
    """`cupy.arcsinh`."""
    return cp.arcsinh(x)


def arccosh(x: Array) -> Array:
    """`cupy.arccosh`."""
    return cp.arccosh(x)


def arctanh(x: Array) -> Array:
    """`cupy.arctanh`."""
    return cp.arctanh(x)


def floor(x: Array) -> Array:
    """`cupy.floor`."""
    return cp.floor(x)


def ceil(x: Array) -> Array:
    """`cupy.ceil`."""
    return cp.ceil(x)


def trunc(x: Array) -> Array:
    """`cupy.trunc`."""
    return cp.trunc(x)


def bitwise_not(x: Array) -> Array:
    """`cupy.bitwise_not`."""
    return cp.bitwise_not(x)


def rsqrt(x: Array) -> Array:
    """The root, inverted in place."""
    root = cp.sqrt(x)
    return cp.reciprocal(root, out=root)


def conj(x: Array) -> Array:
    """The array itself unless it is complex."""
    return cp.conj(x) if x.dtype.kind == "c" else x


def round(x: Array, *, decimals: int) -> Array:
    """`cupy.rint`, or `cupy.round` in at least single precision."""
    if x.dtype.kind in "iu" and decimals >= 0:
        return x.copy()
    if x.dtype.kind not in "fcV":
        return cp.round(x, decimals)
    if not decimals:
        return cp.rint(x)
    if x.dtype.itemsize == 2:
        return cp.round(x.astype(np.float32), decimals).astype(x.dtype)
    return cp.round(x, decimals)


def signbit(x: Array) -> Array:
    """`cupy.signbit`."""
    return cp.signbit(x)


def isnan(x: Array) -> Array:
    """`cupy.isnan`."""
    return cp.isnan(x)


def isinf(x: Array) -> Array:
    """`cupy.isinf`."""
    return cp.isinf(x)


def isfinite(x: Array) -> Array:
    """`cupy.isfinite`."""
    return cp.isfinite(x)


def logical_not(x: Array) -> Array:
    """`cupy.logical_not`."""
    return cp.equal(x, x.dtype.type(0)) if is_bfloat16(x) else cp.logical_not(x)


def add(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`cupy.add`."""
    return cp.add(*_pair(x1, x2))


def subtract(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`cupy.subtract`."""
    return cp.subtract(*_pair(x1, x2))


def multiply(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`cupy.multiply`."""
    return cp.multiply(*_pair(x1, x2))


def divide(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`cupy.divide`."""
    return cp.divide(*_pair(x1, x2))


def floor_divide(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """A kernel for floats, where CuPy rounds the quotient up; `cupy.floor_divide` for integers."""
    return _binary("FLOOR_DIVIDE", cp.floor_divide, x1, x2)


def mod(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """A kernel for floats, exact where CuPy subtracts a rounded product; `cupy.remainder` for integers."""
    return _binary("MOD", cp.remainder, x1, x2)


def power(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`cupy.power`; a square is a product."""
    if type(x2) in (int, float) and x2 == 2 and isinstance(x1, cp.ndarray) and x1.dtype.kind in "fV":
        return cp.square(x1)
    if type(x2) is int and x2 < 0 and x1.dtype.kind in "iu":
        raise ValueError(
            "Integers to negative integer powers are not allowed: cast the base to a float. "
            f"Received: x1.dtype={x1.dtype.name}, x2={x2}"
        )
    return cp.power(*_pair(x1, x2))


def maximum(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`cupy.maximum`."""
    return cp.maximum(*_pair(x1, x2))


def minimum(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`cupy.minimum`."""
    return cp.minimum(*_pair(x1, x2))


def logaddexp(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`cupy.logaddexp`."""
    return cp.logaddexp(*_pair(x1, x2))


def arctan2(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`cupy.arctan2`."""
    return cp.arctan2(*_pair(x1, x2))


def gcd(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`cupy.gcd`."""
    return cp.gcd(*_pair(x1, x2))


def nextafter(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """By the bits: CuPy's flushes the smallest floats to zero."""
    return _binary("NEXT_AFTER", cp.nextafter, x1, x2)


def bitwise_and(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`cupy.bitwise_and`."""
    return cp.bitwise_and(*_pair(x1, x2))


def bitwise_or(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`cupy.bitwise_or`."""
    return cp.bitwise_or(*_pair(x1, x2))


def bitwise_xor(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`cupy.bitwise_xor`."""
    return cp.bitwise_xor(*_pair(x1, x2))


def left_shift(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`cupy.left_shift`."""
    return cp.left_shift(*_pair(x1, x2))


def right_shift(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`cupy.right_shift`."""
    return cp.right_shift(*_pair(x1, x2))


def logical_and(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`cupy.logical_and`."""
    return cp.logical_and(*_pair(x1, x2))


def logical_or(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`cupy.logical_or`."""
    return cp.logical_or(*_pair(x1, x2))


def logical_xor(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """Of their truth, as booleans."""
    return cp.logical_xor(_truth(x1), _truth(x2))


def equal(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`cupy.equal`."""
    return cp.equal(*_pair(x1, x2))


def not_equal(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`cupy.not_equal`."""
    return cp.not_equal(*_pair(x1, x2))


def less(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`cupy.less`."""
    return cp.less(*_pair(x1, x2))


def less_equal(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`cupy.less_equal`."""
    return cp.less_equal(*_pair(x1, x2))


def greater(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`cupy.greater`."""
    return cp.greater(*_pair(x1, x2))


def greater_equal(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`cupy.greater_equal`."""
    return cp.greater_equal(*_pair(x1, x2))


def where(condition: Array, x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`cupy.where`; bfloat16 as the integers of its bits."""
    if not isinstance(x1, cp.ndarray) and not isinstance(x2, cp.ndarray):
        return cp.where(condition, x1, x2)
    x1, x2 = _pair(x1, x2)
    if not is_bfloat16(x1) or not is_bfloat16(x2):
        return cp.where(condition, x1, x2)
    dtype = x1.dtype
    return cp.where(condition, _bits(x1), _bits(x2)).view(dtype)


def _bits(x: Any) -> Any:
    return x.view(np.uint16)


def clip(x: Array, x_min: Array | Scalar, x_max: Array | Scalar) -> Array:
    """Two passes; `x_max` wins where the bounds cross."""
    return minimum(maximum(x, x_min), x_max)


def nan_to_num(x: Array, *, nan: float, posinf: float | None, neginf: float | None) -> Array:
    """One pass over floats; integers have nothing to replace."""
    if not is_float(x.dtype):
        return x.copy()
    y = cp.empty(x.shape, x.dtype)
    if x.size:
        wide = np.float64 if x.dtype == np.float64 else np.float32
        limit = largest(x.dtype)
        above = limit if posinf is None else posinf
        below = -limit if neginf is None else neginf
        grid = min(blocks(x.size, _THREADS), _MOST_BLOCKS)
        args = (contiguous(x), y, wide(nan), wide(above), wide(below), np.int64(x.size))
        _REPLACE((c_type(x.dtype),), grid, _THREADS, args)
    return y
