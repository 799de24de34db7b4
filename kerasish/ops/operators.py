"""Python's operators for tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerasish.autodiff import KerasTensor, Primitive, Tensor, apply, install_operators
from kerasish.ops.arithmetic import (
    ADD,
    DIVIDE,
    MULTIPLY,
    SUBTRACT,
    add,
    divide,
    floor_divide,
    mod,
    multiply,
    power,
    subtract,
)
from kerasish.ops.comparison import (
    equal,
    greater,
    greater_equal,
    less,
    less_equal,
    logical_and,
    logical_not,
    logical_or,
    logical_xor,
    not_equal,
)
from kerasish.ops.creation import cast
from kerasish.ops.elementwise import absolute, negative, round
from kerasish.ops.indexing import get_item
from kerasish.ops.joining import stack
from kerasish.ops.products import matmul
from kerasish.ops.shape import reshape, transpose

FUNCTIONS: dict[str, Callable[..., Any]] = {
    "absolute": absolute,
    "add": add,
    "cast": cast,
    "divide": divide,
    "equal": equal,
    "floor_divide": floor_divide,
    "get_item": get_item,
    "greater": greater,
    "greater_equal": greater_equal,
    "less": less,
    "less_equal": less_equal,
    "logical_and": logical_and,
    "logical_not": logical_not,
    "logical_or": logical_or,
    "logical_xor": logical_xor,
    "matmul": matmul,
    "mod": mod,
    "multiply": multiply,
    "negative": negative,
    "not_equal": not_equal,
    "power": power,
    "reshape": reshape,
    "round": round,
    "stack": stack,
    "subtract": subtract,
    "transpose": transpose,
}


def _direct(primitive: Primitive, function: Callable[..., Any]) -> Callable[..., Any]:
    """An operator that goes straight to its primitive for two float tensors of one dtype, or one and a number."""

    def operator(self: Tensor, other: Any) -> Any:
        dtype = self.array.dtype
        if dtype.kind == "f":
            if isinstance(other, Tensor):
                if other.array.dtype is dtype:
                    return apply(primitive, (self, other))
            elif type(other) is float or type(other) is int:
                return apply(primitive, (self, other))
        return function(self, other)

    return operator


install_operators(Tensor, FUNCTIONS)
Tensor.__add__ = _direct(ADD, add)  # type: ignore[method-assign]
Tensor.__sub__ = _direct(SUBTRACT, subtract)  # type: ignore[method-assign]
Tensor.__mul__ = _direct(MULTIPLY, multiply)  # type: ignore[method-assign]
Tensor.__truediv__ = _direct(DIVIDE, divide)  # type: ignore[method-assign]
install_operators(KerasTensor, FUNCTIONS)
