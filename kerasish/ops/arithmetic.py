"""Functions of two tensors, element by element: arithmetic, extrema, choice."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.autodiff import Node, Primitive, Tensor, apply, convert_to_tensor, op
from kerasish.ops.gradients import unbroadcast
from kerasish.ops.promotion import autocasted, fits, float_promoted, promoted


def shape_of(x: Any) -> tuple[int, ...]:
    """The shape of an array, or that of a number."""
    return x.shape if hasattr(x, "shape") else ()


def broadcasted(x1: Any, x2: Any) -> tuple[Any, Any]:
    """The shape rule of a function of two arrays (or one and a number) that keeps their dtype."""
    if not hasattr(x1, "shape"):
        return x2.shape, x2.dtype
    if not hasattr(x2, "shape") or x1.shape == x2.shape:
        return x1.shape, x1.dtype
    return np.broadcast_shapes(x1.shape, x2.shape), x1.dtype


def binary(primitive: Primitive, x1: Any, x2: Any) -> Tensor:
    """Apply a function of two operands, brought to one dtype unless they have it already."""
    if isinstance(x1, Tensor):
        if isinstance(x2, Tensor):
            if x1.array.dtype is x2.array.dtype:
                return apply(primitive, (x1, x2))
        elif fits(x1.array, x2):
            return apply(primitive, (x1, x2))
    elif isinstance(x2, Tensor) and fits(x2.array, x1):
        return apply(primitive, (x1, x2))
    return apply(primitive, tuple(promoted(x1, x2)))


def fitted(gradient: Tensor, x: Any) -> Tensor:
    """A gradient in the shape of the operand that it belongs to."""
    return gradient if gradient.array.shape == x.array.shape else unbroadcast(gradient, x.array.shape)


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


def _extremum_vjp(node: Node, dy: Tensor) -> tuple[Any, Any]:
    x1, x2 = node.inputs
    y = Tensor(node.results)
    is1, is2 = (apply(WHERE, (apply(EQUAL, (x, y)), 1.0, 0.0)) for x in (x1, x2))
    # Equal operands share the gradient.
    share = dy / convert_to_tensor(is1 + is2, dy.dtype)
    return (
        fitted(share * convert_to_tensor(is1, dy.dtype), x1) if node.needs[0] else None,
        fitted(share * convert_to_tensor(is2, dy.dtype), x2) if node.needs[1] else None,
    )


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


def _where_vjp(node: Node, dy: Tensor) -> tuple[Any, Any, Any]:
    condition, x1, x2 = node.inputs
    return (
        None,
        fitted(apply(WHERE, (condition, dy, 0)), x1) if node.needs[1] else None,
        fitted(apply(WHERE, (condition, 0, dy)), x2) if node.needs[2] else None,
    )


def _where_infer(condition: Any, x1: Any, x2: Any) -> tuple[Any, Any]:
    shape = np.broadcast_shapes(condition.shape, shape_of(x1), shape_of(x2))
    if hasattr(x1, "dtype") or hasattr(x2, "dtype"):
        return shape, x1.dtype if hasattr(x1, "dtype") else x2.dtype
    return shape, np.result_type(np.asarray(x1), np.asarray(x2))


def _clip_vjp(node: Node, dy: Tensor) -> tuple[Any, Any, Any]:
    x, x_min, x_max = node.inputs
    above, below = x > x_max, x < x_min
    d_x = d_min = d_max = None
    if node.needs[0]:
        d_x = apply(WHERE, (above, 0, apply(WHERE, (below, 0, dy))))
        d_x = fitted(d_x, x)
    if node.needs[1]:
        d_min = fitted(apply(WHERE, (below, apply(WHERE, (x_min > x_max, 0, dy)), 0)), x_min)
    if node.needs[2]:
        d_max = fitted(apply(WHERE, (apply(MAXIMUM, (x, x_min)) > x_max, dy, 0)), x_max)
    return d_x, d_min, d_max


def _clip_infer(x: Any, x_min: Any, x_max: Any) -> tuple[Any, Any]:
    return np.broadcast_shapes(x.shape, shape_of(x_min), shape_of(x_max)), x.dtype


ADD = Primitive("add", _add_vjp, broadcasted)
SUBTRACT = Primitive("subtract", _subtract_vjp, broadcasted)
MULTIPLY = Primitive("multiply", _multiply_vjp, broadcasted)
DIVIDE = Primitive("divide", _divide_vjp, broadcasted)
FLOOR_DIVIDE = Primitive("floor_divide", infer=broadcasted)
MOD = Primitive("mod", _mod_vjp, broadcasted)
POWER = Primitive("power", _power_vjp, broadcasted)
MAXIMUM = Primitive("maximum", _extremum_vjp, broadcasted)
MINIMUM = Primitive("minimum", _extremum_vjp, broadcasted)
LOGADDEXP = Primitive("logaddexp", _logaddexp_vjp, broadcasted)
ARCTAN2 = Primitive("arctan2", _arctan2_vjp, broadcasted)
WHERE = Primitive("where", _where_vjp, _where_infer)
CLIP = Primitive("clip", _clip_vjp, _clip_infer)
EQUAL = Primitive("equal", infer=lambda x1, x2: (broadcasted(x1, x2)[0], np.dtype(bool)))
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
def maximum(x1: Any, x2: Any) -> Tensor:
    """The larger of two, element by element; NaN where either is. Equal operands share the gradient.

    >>> maximum([1, 5], 3).tolist()
    [3, 5]
    """
    return binary(MAXIMUM, x1, x2)


@op
def minimum(x1: Any, x2: Any) -> Tensor:
    """The smaller of two, element by element; NaN where either is. Equal operands share the gradient.

    >>> minimum([1, 5], 3).tolist()
    [1, 3]
    """
    return binary(MINIMUM, x1, x2)


@op
def fmax(x1: Any, x2: Any) -> Tensor:
    """The larger of two, element by element; where one is NaN, the other.

    >>> fmax([1.0, float("nan")], 0.5).tolist()
    [1.0, 0.5]
    """
    x1, x2 = promoted(x1, x2)
    return apply(WHERE, (x2 != x2, x1, apply(WHERE, (x1 != x1, x2, apply(MAXIMUM, (x1, x2))))))


@op
def fmin(x1: Any, x2: Any) -> Tensor:
    """The smaller of two, element by element; where one is NaN, the other.

    >>> fmin([1.0, float("nan")], 0.5).tolist()
    [0.5, 0.5]
    """
    x1, x2 = promoted(x1, x2)
    return apply(WHERE, (x2 != x2, x1, apply(WHERE, (x1 != x1, x2, apply(MINIMUM, (x1, x2))))))


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
def where(condition: Any, x1: Any = None, x2: Any = None) -> Any:
    """`x1` where the condition holds, `x2` elsewhere; the indices of what holds when neither is given.

    Args:
        condition: Booleans, or numbers that are taken for true where they are not 0.
        x1: The values where it holds.
        x2: The values elsewhere.

    >>> where([True, False], [1, 2], 0.5).tolist()
    [1.0, 0.5]
    """
    if x1 is None and x2 is None:
        from kerasish.ops.sorting import nonzero

        return nonzero(condition)
    if x1 is None or x2 is None:
        raise ValueError(f"where: expected both x1 and x2, or neither. Received: x1={x1!r}, x2={x2!r}")
    if not isinstance(condition, Tensor):
        condition = convert_to_tensor(condition)
    if isinstance(x1, Tensor) and isinstance(x2, Tensor) and x1.array.dtype is x2.array.dtype:
        return apply(WHERE, (condition, x1, x2))
    return apply(WHERE, (condition, *promoted(x1, x2)))


@op
def clip(x: Any, x_min: Any, x_max: Any) -> Tensor:
    """The values, brought into the interval [x_min, x_max].

    >>> clip([-2, 0, 5], -1, 1).tolist()
    [-1, 0, 1]
    """
    if not isinstance(x, Tensor):
        x = convert_to_tensor(x)
    if x.array.dtype.kind == "b":
        x = convert_to_tensor(x, "int32")
    x = autocasted(x)
    low, high = [bound if fits(x.array, bound) else convert_to_tensor(bound, x.dtype) for bound in (x_min, x_max)]
    return apply(CLIP, (x, low, high))


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
