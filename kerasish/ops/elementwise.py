"""Functions of one tensor, element by element: elementary functions and rounding."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasish.autodiff import Node, Primitive, Tensor, apply, convert_to_tensor, op
from kerasish.ops.arithmetic import EXP, LOG, NEGATIVE, POWER
from kerasish.ops.choice import WHERE
from kerasish.ops.promotion import as_float


def same(x: Any, **attrs: Any) -> tuple[Any, Any]:
    """The shape rule of a function that keeps shape and dtype."""
    return x.shape, x.dtype


def _rsqrt_vjp(node: Node, dy: Tensor) -> tuple[Tensor]:
    y = node.output
    return (dy * (y * y * y) * -0.5,)


ABS = Primitive("abs", lambda node, dy: (dy * apply(SIGN, node.inputs),), same)
SIGN: Primitive = Primitive("sign", infer=same)
EXPM1 = Primitive("expm1", lambda node, dy: (dy * (node.output + 1.0),), same)
LOG1P = Primitive("log1p", lambda node, dy: (dy / (node.inputs[0] + 1.0),), same)
LOG2 = Primitive("log2", lambda node, dy: (dy / (node.inputs[0] * math.log(2.0)),), same)
LOG10 = Primitive("log10", lambda node, dy: (dy / (node.inputs[0] * math.log(10.0)),), same)
SQRT = Primitive("sqrt", lambda node, dy: (dy * 0.5 / node.output,), same)
RSQRT = Primitive("rsqrt", _rsqrt_vjp, same)
SQUARE = Primitive("square", lambda node, dy: (dy * node.inputs[0] * 2,), same)
RECIPROCAL = Primitive("reciprocal", lambda node, dy: (-(dy * apply(SQUARE, (node.output,))),), same)
FLOOR = Primitive("floor", infer=same)
CEIL = Primitive("ceil", infer=same)
TRUNC = Primitive("trunc", infer=same)
ROUND = Primitive("round", infer=same)
CONJ: Primitive = Primitive("conj", lambda node, dy: (apply(CONJ, (dy,)),), same)


def _nan_to_num_vjp(node: Node, dy: Tensor) -> tuple[Tensor]:
    return (apply(WHERE, (apply(ISFINITE, node.inputs), dy, 0)),)


NAN_TO_NUM = Primitive("nan_to_num", _nan_to_num_vjp, same)
ISFINITE = Primitive("isfinite", infer=lambda x: (x.shape, np.dtype(bool)))


def _number(x: Any) -> Tensor:
    """A tensor of numbers: booleans become int32."""
    if not isinstance(x, Tensor):
        x = convert_to_tensor(x)
    return convert_to_tensor(x, "int32") if x.array.dtype.kind == "b" else x


@op
def negative(x: Any) -> Tensor:
    """`-x`.

    >>> negative([1, -2]).tolist()
    [-1, 2]
    """
    return apply(NEGATIVE, (_number(x),))


@op
def absolute(x: Any) -> Tensor:
    """Absolute value, `|x|`.

    >>> absolute([1, -2]).tolist()
    [1, 2]
    """
    return apply(ABS, (_number(x),))


@op
def sign(x: Any) -> Tensor:
    """-1, 0 or 1. No gradient.

    >>> sign([-3, 0, 2]).tolist()
    [-1, 0, 1]
    """
    return apply(SIGN, (_number(x),))


@op
def square(x: Any) -> Tensor:
    """`x * x`.

    >>> square([2, 3]).tolist()
    [4, 9]
    """
    return apply(SQUARE, (_number(x),))


@op
def conj(x: Any) -> Tensor:
    """Complex conjugate; real numbers stay as they are.

    >>> conj(2.0).item()
    2.0
    """
    return apply(CONJ, (_number(x),))


@op
def exp(x: Any) -> Tensor:
    """Exponential, `e**x`.

    >>> exp([0.0, 1.0]).tolist()[0]
    1.0
    """
    return apply(EXP, (as_float(x),))


@op
def expm1(x: Any) -> Tensor:
    """`e**x - 1`, accurate near 0.

    >>> expm1(0.0).item()
    0.0
    """
    return apply(EXPM1, (as_float(x),))


@op
def log(x: Any) -> Tensor:
    """Natural logarithm; `-inf` at 0, NaN below.

    >>> log(1.0).item()
    0.0
    """
    return apply(LOG, (as_float(x),))


@op
def log1p(x: Any) -> Tensor:
    """`log(1 + x)`, accurate near 0.

    >>> log1p(0.0).item()
    0.0
    """
    return apply(LOG1P, (as_float(x),))


@op
def log2(x: Any) -> Tensor:
    """Logarithm to base 2.

    >>> log2([1.0, 8.0]).tolist()
    [0.0, 3.0]
    """
    return apply(LOG2, (as_float(x),))


@op
def log10(x: Any) -> Tensor:
    """Logarithm to base 10.

    >>> log10([1.0, 100.0]).tolist()
    [0.0, 2.0]
    """
    return apply(LOG10, (as_float(x),))


@op
def sqrt(x: Any) -> Tensor:
    """Square root; NaN below 0.

    >>> sqrt([4.0, 9.0]).tolist()
    [2.0, 3.0]
    """
    return apply(SQRT, (as_float(x),))


@op
def rsqrt(x: Any) -> Tensor:
    """`1 / sqrt(x)`.

    >>> rsqrt(4.0).item()
    0.5
    """
    return apply(RSQRT, (as_float(x),))


@op
def reciprocal(x: Any) -> Tensor:
    """`1 / x`.

    >>> reciprocal([2.0, 4.0]).tolist()
    [0.5, 0.25]
    """
    return apply(RECIPROCAL, (as_float(x),))


@op
def floor(x: Any) -> Tensor:
    """The largest integer not above, as a float. No gradient.

    >>> floor([1.7, -1.2]).tolist()
    [1.0, -2.0]
    """
    return apply(FLOOR, (as_float(x),))


@op
def ceil(x: Any) -> Tensor:
    """The smallest integer not below, as a float. No gradient.

    >>> ceil([1.2, -1.7]).tolist()
    [2.0, -1.0]
    """
    return apply(CEIL, (as_float(x),))


@op
def trunc(x: Any) -> Tensor:
    """The integer part. No gradient.

    >>> trunc([1.7, -1.7]).tolist()
    [1.0, -1.0]
    """
    return apply(TRUNC, (_number(x),))


@op
def abs(x: Any) -> Tensor:
    """Absolute value: another name of `absolute`.

    >>> abs(-1.5).item()
    1.5
    """
    return absolute(x)


@op
def fabs(x: Any) -> Tensor:
    """Absolute value as a float.

    >>> fabs(-2).item()
    2.0
    """
    return apply(ABS, (as_float(x),))


@op
def conjugate(x: Any) -> Tensor:
    """Complex conjugate: another name of `conj`.

    >>> conjugate(2.0).item()
    2.0
    """
    return conj(x)


@op
def exp2(x: Any) -> Tensor:
    """`2**x`.

    >>> exp2([0.0, 3.0]).tolist()
    [1.0, 8.0]
    """
    return apply(POWER, (2.0, as_float(x)))


@op
def cbrt(x: Any) -> Tensor:
    """Cube root, of negative numbers too.

    >>> f"{cbrt(-8.0).item():.4f}"
    '-2.0000'
    """
    x = as_float(x)
    return apply(SIGN, (x,)) * apply(POWER, (apply(ABS, (x,)), 1.0 / 3.0))


@op
def round(x: Any, decimals: int = 0) -> Tensor:
    """Rounded to a number of decimals, halves to the even neighbour. No gradient.

    >>> round([0.5, 1.5, 2.26]).tolist()
    [0.0, 2.0, 2.0]
    """
    return apply(ROUND, (_number(x),), {"decimals": int(decimals)})


@op
def nan_to_num(x: Any, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None) -> Tensor:
    """NaN and the infinities replaced by finite numbers.

    Args:
        x: The tensor.
        nan: In place of NaN.
        posinf: In place of infinity; by default the largest number of the dtype.
        neginf: In place of minus infinity; by default the smallest number of the dtype.

    >>> nan_to_num([1.0, float("nan")]).tolist()
    [1.0, 0.0]
    """
    return apply(NAN_TO_NUM, (convert_to_tensor(x),), {"nan": nan, "posinf": posinf, "neginf": neginf})
