"""The common dtype of operands, before they meet in a kernel."""

from __future__ import annotations

from typing import Any

from kerasish import config
from kerasish.autodiff import CAST, Tensor, apply, convert_to_tensor
from kerasish.autodiff.state import state
from kerasish.backend.dtypes import FLOATS, dtype_name, numpy_dtype, result_type


def autocasted(x: Tensor) -> Tensor:
    """The tensor as it enters an operation: a float variable in the compute dtype of its layer."""
    wanted = state.autocast
    if wanted is not None and getattr(x, "autocast", False) and x.dtype != wanted and x.dtype in FLOATS:
        return apply(CAST, (x,), {"dtype": numpy_dtype(wanted)})
    return x


def fits(array: Any, number: Any) -> bool:
    """Whether a Python number can enter a kernel beside the array as it is, taking the array's dtype."""
    kind = array.dtype.kind
    if kind == "f" or kind == "c":
        return type(number) is float or type(number) is int
    return type(number) is int and kind in "iu"


def _weak(x: Any) -> Any:
    """What stands for an operand in the promotion of dtypes."""
    if type(x) is float:
        return float
    if type(x) is int:
        return int if -(2**31) <= x < 2**31 else "int64"
    return x.dtype


def promoted(*operands: Any) -> list[Tensor]:
    """The operands as tensors of their common dtype; Python numbers are weak."""
    tensors = [x if type(x) in (int, float) else autocasted(convert_to_tensor(x)) for x in operands]
    dtype = numpy_dtype(result_type(*[_weak(x) for x in tensors]))
    return [to_dtype(x, dtype) for x in tensors]


def to_dtype(x: Any, dtype: Any) -> Tensor:
    """The tensor in a NumPy dtype; itself where that is its own."""
    if not isinstance(x, Tensor):
        return convert_to_tensor(x, dtype_name(dtype))
    return x if x.array.dtype == dtype else apply(CAST, (x,), {"dtype": dtype})


def as_float(x: Any) -> Tensor:
    """A tensor of floats (or complex numbers): integers and booleans become the default float."""
    if not isinstance(x, Tensor):
        x = convert_to_tensor(x)
    return x if x.array.dtype.kind not in "iub" else to_dtype(x, numpy_dtype(config.floatx()))


def float_promoted(*operands: Any) -> list[Tensor]:
    """The operands as tensors of their common dtype, which is the default float where that is an integer."""
    tensors = promoted(*operands)
    return [as_float(x) for x in tensors] if tensors[0].array.dtype.kind in "iub" else tensors
