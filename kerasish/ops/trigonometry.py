"""Trigonometric and hyperbolic functions, their inverses, and angles."""

from __future__ import annotations

import math
from typing import Any

from kerasish.autodiff import Node, Primitive, Tensor, apply, op
from kerasish.ops.arithmetic import DIVIDE
from kerasish.ops.choice import WHERE
from kerasish.ops.elementwise import RSQRT, SQUARE, same
from kerasish.ops.promotion import as_float


def _negative_sine(node: Node, dy: Tensor) -> tuple[Tensor]:
    return (-(dy * apply(SIN, node.inputs)),)


def _tanh_vjp(node: Node, dy: Tensor) -> tuple[Tensor]:
    y = node.output
    return (dy * (1.0 - y * y),)


def _unit(x: Tensor, sign: int, shift: float) -> Tensor:
    """`1 / sqrt(shift + sign * x**2)`, the slope of the inverse functions."""
    squared = x * x
    return apply(RSQRT, ((squared if sign > 0 else -squared) + shift,))


SIN = Primitive("sin", lambda node, dy: (dy * apply(COS, node.inputs),), same)
COS: Primitive = Primitive("cos", _negative_sine, same)
TAN = Primitive("tan", lambda node, dy: (dy * (apply(SQUARE, (node.output,)) + 1.0),), same)
ARCSIN = Primitive("arcsin", lambda node, dy: (dy * _unit(node.inputs[0], -1, 1.0),), same)
ARCCOS = Primitive("arccos", lambda node, dy: (-(dy * _unit(node.inputs[0], -1, 1.0)),), same)
ARCTAN = Primitive("arctan", lambda node, dy: (dy / (apply(SQUARE, node.inputs) + 1.0),), same)
SINH = Primitive("sinh", lambda node, dy: (dy * apply(COSH, node.inputs),), same)
COSH: Primitive = Primitive("cosh", lambda node, dy: (dy * apply(SINH, node.inputs),), same)
TANH = Primitive("tanh", _tanh_vjp, same)
ARCSINH = Primitive("arcsinh", lambda node, dy: (dy * _unit(node.inputs[0], 1, 1.0),), same)
ARCCOSH = Primitive("arccosh", lambda node, dy: (dy * _unit(node.inputs[0], 1, -1.0),), same)
ARCTANH = Primitive("arctanh", lambda node, dy: (dy / (1.0 - apply(SQUARE, node.inputs)),), same)


@op
def sin(x: Any) -> Tensor:
    """Sine of an angle in radians.

    >>> sin(0.0).item()
    0.0
    """
    return apply(SIN, (as_float(x),))


@op
def cos(x: Any) -> Tensor:
    """Cosine of an angle in radians.

    >>> cos(0.0).item()
    1.0
    """
    return apply(COS, (as_float(x),))


@op
def tan(x: Any) -> Tensor:
    """Tangent of an angle in radians.

    >>> tan(0.0).item()
    0.0
    """
    return apply(TAN, (as_float(x),))


@op
def arcsin(x: Any) -> Tensor:
    """Inverse sine, in [-pi/2, pi/2].

    >>> arcsin(0.0).item()
    0.0
    """
    return apply(ARCSIN, (as_float(x),))


@op
def arccos(x: Any) -> Tensor:
    """Inverse cosine, in [0, pi].

    >>> arccos(1.0).item()
    0.0
    """
    return apply(ARCCOS, (as_float(x),))


@op
def arctan(x: Any) -> Tensor:
    """Inverse tangent, in [-pi/2, pi/2].

    >>> arctan(0.0).item()
    0.0
    """
    return apply(ARCTAN, (as_float(x),))


@op
def sinh(x: Any) -> Tensor:
    """Hyperbolic sine.

    >>> sinh(0.0).item()
    0.0
    """
    return apply(SINH, (as_float(x),))


@op
def cosh(x: Any) -> Tensor:
    """Hyperbolic cosine.

    >>> cosh(0.0).item()
    1.0
    """
    return apply(COSH, (as_float(x),))


@op
def tanh(x: Any) -> Tensor:
    """Hyperbolic tangent.

    >>> tanh(0.0).item()
    0.0
    """
    return apply(TANH, (as_float(x),))


@op
def arcsinh(x: Any) -> Tensor:
    """Inverse hyperbolic sine.

    >>> arcsinh(0.0).item()
    0.0
    """
    return apply(ARCSINH, (as_float(x),))


@op
def arccosh(x: Any) -> Tensor:
    """Inverse hyperbolic cosine; NaN below 1.

    >>> arccosh(1.0).item()
    0.0
    """
    return apply(ARCCOSH, (as_float(x),))


@op
def arctanh(x: Any) -> Tensor:
    """Inverse hyperbolic tangent; infinite at -1 and 1.

    >>> arctanh(0.0).item()
    0.0
    """
    return apply(ARCTANH, (as_float(x),))


@op
def deg2rad(x: Any) -> Tensor:
    """Degrees to radians, `x * pi / 180`.

    >>> deg2rad(0.0).item()
    0.0
    """
    return as_float(x) * (math.pi / 180.0)


@op
def rad2deg(x: Any) -> Tensor:
    """Radians to degrees, `x * 180 / pi`.

    >>> rad2deg(0.0).item()
    0.0
    """
    return as_float(x) * (180.0 / math.pi)


@op
def sinc(x: Any) -> Tensor:
    """`sin(pi * x) / (pi * x)`, 1 at 0.

    >>> sinc([0.0, 0.5]).tolist()[0]
    1.0
    """
    x = as_float(x)
    zero = x == 0
    angle = apply(WHERE, (zero, 1, x)) * math.pi
    # The series 1 - (pi * x)**2 / 6 carries the derivatives through 0.
    series = 1.0 - apply(SQUARE, (x * math.pi,)) / 6.0
    return apply(WHERE, (zero, series, apply(DIVIDE, (apply(SIN, (angle,)), angle))))
