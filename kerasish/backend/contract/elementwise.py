"""Element by element: arithmetic, elementary functions, comparisons, choice.

Unless it says otherwise, a kernel keeps the dtype of its array arguments, which have one dtype, and broadcasts their
shapes. One of two operands may be a Python number, which takes the dtype of the other. Elementary functions take
floats; half precision is computed in float32. A singularity gives infinity or NaN without a warning.
"""

from __future__ import annotations

from typing import Any

from kerasish.backend.contract.types import Array, Scalar


def identity(x: Array) -> Array:
    """The array itself."""
    raise NotImplementedError


def cast(x: Array, *, dtype: Any) -> Array:
    """The values in another dtype; a fresh array unless it is the dtype of `x`."""
    raise NotImplementedError


def negative(x: Array) -> Array:
    """`-x`."""
    raise NotImplementedError


def abs(x: Array) -> Array:
    """`|x|`."""
    raise NotImplementedError


def sign(x: Array) -> Array:
    """-1, 0 or 1; NaN stays NaN."""
    raise NotImplementedError


def exp(x: Array) -> Array:
    """`e**x`; too large an `x` gives infinity."""
    raise NotImplementedError


def expm1(x: Array) -> Array:
    """`e**x - 1`, accurate near 0."""
    raise NotImplementedError


def log(x: Array) -> Array:
    """Natural logarithm: `-inf` at 0, NaN below."""
    raise NotImplementedError


def log1p(x: Array) -> Array:
    """`log(1 + x)`, accurate near 0."""
    raise NotImplementedError


def log2(x: Array) -> Array:
    """Logarithm to base 2; singularities as in `log`."""
    raise NotImplementedError


def log10(x: Array) -> Array:
    """Logarithm to base 10; singularities as in `log`."""
    raise NotImplementedError


def sqrt(x: Array) -> Array:
    """Square root; NaN below 0."""
    raise NotImplementedError


def rsqrt(x: Array) -> Array:
    """`1 / sqrt(x)`; infinite at 0, NaN below."""
    raise NotImplementedError


def square(x: Array) -> Array:
    """`x * x`."""
    raise NotImplementedError


def reciprocal(x: Array) -> Array:
    """`1 / x`; infinite at 0."""
    raise NotImplementedError


def sin(x: Array) -> Array:
    """Sine."""
    raise NotImplementedError


def cos(x: Array) -> Array:
    """Cosine."""
    raise NotImplementedError


def tan(x: Array) -> Array:
    """Tangent."""
    raise NotImplementedError


def arcsin(x: Array) -> Array:
    """Inverse sine; NaN outside [-1, 1]."""
    raise NotImplementedError


def arccos(x: Array) -> Array:
    """Inverse cosine; NaN outside [-1, 1]."""
    raise NotImplementedError


def arctan(x: Array) -> Array:
    """Inverse tangent."""
    raise NotImplementedError


def sinh(x: Array) -> Array:
    """Hyperbolic sine."""
    raise NotImplementedError


def cosh(x: Array) -> Array:
    """Hyperbolic cosine."""
    raise NotImplementedError


def tanh(x: Array) -> Array:
    """Hyperbolic tangent."""
    raise NotImplementedError


def arcsinh(x: Array) -> Array:
    """Inverse hyperbolic sine."""
    raise NotImplementedError


def arccosh(x: Array) -> Array:
    """Inverse hyperbolic cosine; NaN below 1."""
    raise NotImplementedError


def arctanh(x: Array) -> Array:
    """Inverse hyperbolic tangent; infinite at -1 and 1, NaN outside."""
    raise NotImplementedError


def floor(x: Array) -> Array:
    """The largest integer not above, as a float."""
    raise NotImplementedError


def ceil(x: Array) -> Array:
    """The smallest integer not below, as a float."""
    raise NotImplementedError


def trunc(x: Array) -> Array:
    """The integer part, as a float."""
    raise NotImplementedError


def conj(x: Array) -> Array:
    """Complex conjugate; `x` where it is real."""
    raise NotImplementedError


def bitwise_not(x: Array) -> Array:
    """Every bit flipped; integers and booleans."""
    raise NotImplementedError


def round(x: Array, *, decimals: int) -> Array:
    """Rounded to a number of decimals, halves to the even neighbour."""
    raise NotImplementedError


def signbit(x: Array) -> Array:
    """Whether the sign bit is set, that of -0.0 and of a NaN too. Booleans."""
    raise NotImplementedError


def isnan(x: Array) -> Array:
    """Whether NaN. Booleans."""
    raise NotImplementedError


def isinf(x: Array) -> Array:
    """Whether infinite. Booleans."""
    raise NotImplementedError


def isfinite(x: Array) -> Array:
    """Whether neither infinite nor NaN. Booleans."""
    raise NotImplementedError


def logical_not(x: Array) -> Array:
    """Whether zero or False. Booleans."""
    raise NotImplementedError


def add(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`x1 + x2`; `or` of booleans."""
    raise NotImplementedError


def subtract(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`x1 - x2`."""
    raise NotImplementedError


def multiply(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`x1 * x2`; `and` of booleans."""
    raise NotImplementedError


def divide(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`x1 / x2` of floats; `x / 0` is infinite, `0 / 0` NaN."""
    raise NotImplementedError


def floor_divide(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`floor(x1 / x2)`; integers divided by 0 give 0."""
    raise NotImplementedError


def mod(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """The remainder of `floor_divide`, with the sign of `x2`."""
    raise NotImplementedError


def power(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`x1 ** x2`; NaN for a negative float to a broken power."""
    raise NotImplementedError


def maximum(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """The larger one; NaN where either is."""
    raise NotImplementedError


def minimum(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """The smaller one; NaN where either is."""
    raise NotImplementedError


def logaddexp(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`log(exp(x1) + exp(x2))` without overflow."""
    raise NotImplementedError


def arctan2(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """The angle of the point (x2, x1), in [-pi, pi]."""
    raise NotImplementedError


def gcd(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """Greatest common divisor of integers."""
    raise NotImplementedError


def nextafter(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """The next float after `x1` towards `x2`."""
    raise NotImplementedError


def bitwise_and(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """Bits set in both."""
    raise NotImplementedError


def bitwise_or(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """Bits set in either."""
    raise NotImplementedError


def bitwise_xor(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """Bits set in one of them."""
    raise NotImplementedError


def left_shift(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """Bits of `x1` moved up by `x2` places."""
    raise NotImplementedError


def right_shift(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """Bits of `x1` moved down by `x2` places."""
    raise NotImplementedError


def logical_and(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """Whether both are nonzero. Booleans."""
    raise NotImplementedError


def logical_or(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """Whether either is nonzero. Booleans."""
    raise NotImplementedError


def logical_xor(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """Whether one of them is nonzero. Booleans."""
    raise NotImplementedError


def equal(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`x1 == x2`. Booleans."""
    raise NotImplementedError


def not_equal(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`x1 != x2`. Booleans."""
    raise NotImplementedError


def less(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`x1 < x2`. Booleans."""
    raise NotImplementedError


def less_equal(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`x1 <= x2`. Booleans."""
    raise NotImplementedError


def greater(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`x1 > x2`. Booleans."""
    raise NotImplementedError


def greater_equal(x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`x1 >= x2`. Booleans."""
    raise NotImplementedError


def where(condition: Array, x1: Array | Scalar, x2: Array | Scalar) -> Array:
    """`x1` where the condition is true (nonzero), `x2` elsewhere; the three broadcast together."""
    raise NotImplementedError


def clip(x: Array, x_min: Array | Scalar, x_max: Array | Scalar) -> Array:
    """`minimum(maximum(x, x_min), x_max)`."""
    raise NotImplementedError


def nan_to_num(x: Array, *, nan: float, posinf: float | None, neginf: float | None) -> Array:
    """NaN and the infinities replaced; None takes the largest and the smallest number of the dtype."""
    raise NotImplementedError
