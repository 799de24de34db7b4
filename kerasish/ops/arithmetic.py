"""Functions of two tensors, element by element: sums, products, quotients, powers, integer arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.autodiff import Node, Primitive, Tensor, apply, convert_to_tensor, op
from kerasish.ops.binary import binary, broadcasted, fitted
from kerasish.ops.choice import EQUAL, MAXIMUM, MINIMUM, WHERE
from kerasish.ops.promotion import float_promoted, promoted


def _add_vjp(node: Node, dy: Tensor) -> tuple[Any, Any]:
    x1, x2 = node.inputs
    need1, need2 = node.needs
    return fitted(dy, x1) if need1 else None, fitted(dy, x2) if need2 else None


def _subtract_vjp(node: Node, dy: Tensor) -> tuple[Any, Any]:
    x1, x2 = node.inputs
    need1, need2 = node.needs
    return fitted(dy, x1) if need1 else None, apply(NEGATIVE, (fitted(dy, x2),)) if need2 else None


def _multiply_vjp(node: Node, dy: Tensor) -> tuple[Any, Any]:
    x1, x2 = node.inputs
    need1, need2 = node.needs
    return (
        fitted(apply(MULTIPLY, (dy, x2)), x1) if need1 else None,
        fitted(apply(MULTIPLY, (dy, x1)), x2) if need2 else None,
    )


def _divide_vjp(node: Node, dy: Tensor) -> tuple[Any, Any]:
    x1, x2 = node.inputs
    need1, need2 = node.needs
    quotient = apply(DIVIDE, (dy, x2))
    return (
        fitted(quotient, x1) if need1 else None,
        fitted(apply(NEGATIVE, (apply(MULTIPLY, (quotient, node.output)),)), x2) if need2 else None,
    )


def _power_vjp(node: Node, dy: Tensor) -> tuple[Any, Any]:
    x1, x2 = node.inputs
    d_x1 = d_x2 = None
    if node.needs[0]:
        if isinstance(x2, Tensor):
            # At an exponent of 0 the slope is 0, also where x1 ** -1 is infinite.
            lowered = apply(WHERE, (x2 == 0, 1, x2 - 1))
            d_x1 = fitted(dy * x2 * apply(POWER, (x1, lowered)), x1)
        elif x2 == 2:
            d_x1 = dy * x1 * 2
        else:
            d_x1 = dy * 0 if x2 == 0 else dy * apply(POWER, (x1, x2 - 1)) * x2
    if node.needs[1]:
        base = x1 if isinstance(x1, Tensor) else convert_to_tensor(x1, x2.dtype)
        logarithm = apply(LOG, (apply(WHERE, (base > 0, base, 1)),))
        d_x2 = fitted(dy * node.output * logarithm, x2)
    return d_x1, d_x2


def _mod_vjp(node: Node, dy: Tensor) -> tuple[Any, Any]:
    x1, x2 = node.inputs
    return (
        fitted(dy, x1) if node.needs[0] else None,
        fitted(-(dy * apply(FLOOR_DIVIDE, (x1, x2))), x2) if node.needs[1] else None,
    )


def _logaddexp_vjp(node: Node, dy: Tensor) -> tuple[Any, Any]:
    y = node.output
    return tuple(
        [  # type: ignore[return-value]
            fitted(dy * apply(EXP, (apply(SUBTRACT, (x, y)),)), x) if needed else None
            for x, needed in zip(node.inputs, node.needs)
        ]
    )


def _arctan2_vjp(node: Node, dy: Tensor) -> tuple[Any, Any]:
    x1, x2 = node.inputs
    scaled = dy / (x1 * x1 + x2 * x2)
    return (
        fitted(scaled * x2, x1) if node.needs[0] else None,
        fitted(-(scaled * x1), x2) if node.needs[1] else None,
    )


ADD = Primitive("add", _add_vjp, broadcasted)
SUBTRACT = Primitive("subtract", _subtract_vjp, broadcasted)
MULTIPLY = Primitive("multiply", _multiply_vjp, broadcasted)
DIVIDE = Primitive("divide", _divide_vjp, broadcasted)
FLOOR_DIVIDE = Primitive("floor_divide", infer=broadcasted)
MOD = Primitive("mod", _mod_vjp, broadcasted)
POWER = Primitive("power", _power_vjp, broadcasted)
LOGADDEXP = Primitive("logaddexp", _logaddexp_vjp, broadcasted)
ARCTAN2 = Primitive("arctan2", _arctan2_vjp, broadcasted)
NEGATIVE: Primitive = Primitive("negative", lambda node, dy: (apply(NEGATIVE, (dy,)),), lambda x: (x.shape, x.dtype))
EXP = Primitive("exp", lambda node, dy: (apply(MULTIPLY, (dy, node.output)),), lambda x: (x.shape, x.dtype))
LOG = Primitive("log", lambda node, dy: (apply(DIVIDE, (dy, node.inputs[0])),), lambda x: (x.shape, x.dtype))


@op
def add(x1: Any, x2: Any) -> Tensor:
    """Sum, `x1 + x2`.

    >>> add([1, 2], 0.5).tolist()
    [1.5, 2.5]
    """
    return binary(ADD, x1, x2)


@op
def subtract(x1: Any, x2: Any) -> Tensor:
    """Difference, `x1 - x2`.

    >>> subtract([1, 2], [3, 1]).tolist()
    [-2, 1]
    """
    return binary(SUBTRACT, x1, x2)


@op
def multiply(x1: Any, x2: Any) -> Tensor:
    """Product of elements, `x1 * x2`.

    >>> multiply([1, 2], [3, 4]).tolist()
    [3, 8]
    """
    return binary(MULTIPLY, x1, x2)


@op
def divide(x1: Any, x2: Any) -> Tensor:
    """Quotient, `x1 / x2`, as a float: integers divide in the default float.

    >>> divide([1, 2], 4).tolist()
    [0.25, 0.5]
    """
    if isinstance(x1, Tensor) and x1.array.dtype.kind == "f":
        return binary(DIVIDE, x1, x2)
    return apply(DIVIDE, tuple(float_promoted(x1, x2)))


@op
def true_divide(x1: Any, x2: Any) -> Tensor:
    """Quotient as a float: another name of `divide`.

    >>> true_divide(1, 2).item()
    0.5
    """
    return divide(x1, x2)


@op
def divide_no_nan(x1: Any, x2: Any) -> Tensor:
    """Quotient, `x1 / x2`, which is 0 where `x2` is 0.

    >>> divide_no_nan([1.0, 2.0], [0.0, 4.0]).tolist()
    [0.0, 0.5]
    """
    x1, x2 = float_promoted(x1, x2)
    zero = apply(EQUAL, (x2, 0))
    quotient = apply(DIVIDE, (x1, apply(WHERE, (zero, 1, x2))))
    return apply(WHERE, (zero, 0, quotient))


@op
def floor_divide(x1: Any, x2: Any) -> Tensor:
    """Quotient rounded down, `floor(x1 / x2)`. No gradient.

    >>> floor_divide([7, -7], 2).tolist()
    [3, -4]
    """
    return binary(FLOOR_DIVIDE, x1, x2)


@op
def mod(x1: Any, x2: Any) -> Tensor:
    """Remainder of `floor_divide`, `x1 - floor(x1 / x2) * x2`, with the sign of `x2`.

    >>> mod([7, -7], 3).tolist()
    [1, 2]
    """
    return binary(MOD, x1, x2)


@op
def fmod(x1: Any, x2: Any) -> Tensor:
    """Remainder of the quotient rounded towards 0, with the sign of `x1`.

    >>> fmod([7.0, -7.0], 3.0).tolist()
    [1.0, -1.0]
    """
    x1, x2 = promoted(x1, x2)
    remainder = apply(MOD, (abs(x1), abs(x2)))
    return apply(WHERE, (x1 < 0, -remainder, remainder))


@op
def power(x1: Any, x2: Any) -> Tensor:
    """Power, `x1 ** x2`.

    >>> power([1.0, 2.0, 3.0], 2).tolist()
    [1.0, 4.0, 9.0]
    """
    return binary(POWER, x1, x2)


@op
def logaddexp(x1: Any, x2: Any) -> Tensor:
    """`log(exp(x1) + exp(x2))` without overflow.

    >>> round(logaddexp(0.0, 0.0).item(), 4)
    0.6931
    """
    return apply(LOGADDEXP, tuple(float_promoted(x1, x2)))


@op
def logaddexp2(x1: Any, x2: Any) -> Tensor:
    """`log2(2**x1 + 2**x2)` without overflow.

    >>> logaddexp2(3.0, 3.0).item()
    4.0
    """
    x1, x2 = float_promoted(x1, x2)
    ln2 = float(np.log(2.0))
    return apply(LOGADDEXP, (x1 * ln2, x2 * ln2)) / ln2


@op
def arctan2(x1: Any, x2: Any) -> Tensor:
    """The angle of the point `(x2, x1)` in radians, in [-pi, pi].

    >>> arctan2(1.0, 0.0).item() * 2 == float(np.float32(np.pi))
    True
    """
    return apply(ARCTAN2, tuple(float_promoted(x1, x2)))


@op
def hypot(x1: Any, x2: Any) -> Tensor:
    """Length of the hypotenuse, `sqrt(x1**2 + x2**2)`, without overflow on the way.

    >>> hypot(3.0, 4.0).item()
    5.0
    """
    x1, x2 = [abs(x) for x in float_promoted(x1, x2)]
    larger, smaller = apply(MAXIMUM, (x1, x2)), apply(MINIMUM, (x1, x2))
    ratio = apply(DIVIDE, (smaller, apply(WHERE, (larger == 0, 1, larger))))
    return larger * apply(POWER, (ratio * ratio + 1.0, 0.5))


@op
def heaviside(x1: Any, x2: Any) -> Tensor:
    """The step function: 0 where `x1 < 0`, 1 where `x1 > 0`, `x2` where it is 0.

    >>> heaviside([-1.0, 0.0, 2.0], 0.5).tolist()
    [0.0, 0.5, 1.0]
    """
    x1, x2 = promoted(x1, x2)
    return apply(WHERE, (x1 > 0, 1, apply(WHERE, (x1 < 0, 0, x2))))


@op
def ldexp(x1: Any, x2: Any) -> Tensor:
    """`x1 * 2**x2`, with an integer exponent `x2`.

    >>> ldexp([1.0, 3.0], [3, -1]).tolist()
    [8.0, 1.5]
    """
    x1 = float_promoted(x1)[0]
    x2 = convert_to_tensor(x2)
    if x2.array.dtype.kind not in "iu":
        raise TypeError(f"ldexp: expected integer exponents x2. Received: x2.dtype={x2.dtype}")
    return x1 * apply(POWER, (2.0, convert_to_tensor(x2, x1.dtype)))


@op
def gcd(x1: Any, x2: Any) -> Tensor:
    """Greatest common divisor of integers. No gradient.

    >>> gcd([12, 7], 8).tolist()
    [4, 1]
    """
    return apply(GCD, tuple(_integers("gcd", x1, x2)))


@op
def lcm(x1: Any, x2: Any) -> Tensor:
    """Least common multiple of integers. No gradient.

    >>> lcm([4, 3], 6).tolist()
    [12, 6]
    """
    x1, x2 = _integers("lcm", x1, x2)
    divisor = apply(GCD, (x1, x2))
    return abs(apply(FLOOR_DIVIDE, (x1, apply(MAXIMUM, (divisor, 1)))) * x2)


def _integers(name: str, *operands: Any) -> list[Tensor]:
    tensors = promoted(*operands)
    if tensors[0].array.dtype.kind not in "iu":
        raise TypeError(f"{name}: expected integers. Received: dtype={tensors[0].dtype}")
    return tensors


GCD = Primitive("gcd", infer=broadcasted)
NEXTAFTER = Primitive("nextafter", infer=broadcasted)


@op
def nextafter(x1: Any, x2: Any) -> Tensor:
    """The next float after `x1` in the direction of `x2`. No gradient.

    >>> nextafter(1.0, 2.0).item() - 1.0 == float(np.finfo("float32").eps)
    True
    """
    return apply(NEXTAFTER, tuple(float_promoted(x1, x2)))
