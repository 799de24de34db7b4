"""Comparisons, logic and bits. None of them has a gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.autodiff import Primitive, Tensor, apply, convert_to_tensor, op
from kerasish.ops.binary import binary, broadcasted
from kerasish.ops.choice import EQUAL, where
from kerasish.ops.elementwise import ABS, ISFINITE
from kerasish.ops.promotion import float_promoted, promoted


def _truth(x1: Any, x2: Any) -> tuple[Any, Any]:
    return broadcasted(x1, x2)[0], np.dtype(bool)


def _truth_of(x: Any) -> tuple[Any, Any]:
    return x.shape, np.dtype(bool)


NOT_EQUAL = Primitive("not_equal", infer=_truth)
LESS = Primitive("less", infer=_truth)
LESS_EQUAL = Primitive("less_equal", infer=_truth)
GREATER = Primitive("greater", infer=_truth)
GREATER_EQUAL = Primitive("greater_equal", infer=_truth)
LOGICAL_AND = Primitive("logical_and", infer=_truth)
LOGICAL_OR = Primitive("logical_or", infer=_truth)
LOGICAL_XOR = Primitive("logical_xor", infer=_truth)
LOGICAL_NOT = Primitive("logical_not", infer=_truth_of)
ISNAN = Primitive("isnan", infer=_truth_of)
ISINF = Primitive("isinf", infer=_truth_of)
SIGNBIT = Primitive("signbit", infer=_truth_of)
BITWISE_AND = Primitive("bitwise_and", infer=broadcasted)
BITWISE_OR = Primitive("bitwise_or", infer=broadcasted)
BITWISE_XOR = Primitive("bitwise_xor", infer=broadcasted)
BITWISE_NOT = Primitive("bitwise_not", infer=lambda x: (x.shape, x.dtype))
LEFT_SHIFT = Primitive("left_shift", infer=broadcasted)
RIGHT_SHIFT = Primitive("right_shift", infer=broadcasted)


def _bits(name: str, x: Any) -> Any:
    if type(x) is int:
        return x
    x = convert_to_tensor(x)
    if x.array.dtype.kind not in "iub":
        raise TypeError(f"{name}: expected integers or booleans. Received: dtype={x.dtype}")
    return x


def _truths(x: Any) -> Tensor:
    return x if isinstance(x, Tensor) else convert_to_tensor(x)


@op
def equal(x1: Any, x2: Any) -> Tensor:
    """Whether `x1 == x2`.

    >>> equal([1, 2], 2).tolist()
    [False, True]
    """
    return binary(EQUAL, x1, x2)


@op
def not_equal(x1: Any, x2: Any) -> Tensor:
    """Whether `x1 != x2`.

    >>> not_equal([1, 2], 2).tolist()
    [True, False]
    """
    return binary(NOT_EQUAL, x1, x2)


@op
def less(x1: Any, x2: Any) -> Tensor:
    """Whether `x1 < x2`.

    >>> less([1, 2], 2).tolist()
    [True, False]
    """
    return binary(LESS, x1, x2)


@op
def less_equal(x1: Any, x2: Any) -> Tensor:
    """Whether `x1 <= x2`.

    >>> less_equal([1, 3], 2).tolist()
    [True, False]
    """
    return binary(LESS_EQUAL, x1, x2)


@op
def greater(x1: Any, x2: Any) -> Tensor:
    """Whether `x1 > x2`.

    >>> greater([1, 3], 2).tolist()
    [False, True]
    """
    return binary(GREATER, x1, x2)


@op
def greater_equal(x1: Any, x2: Any) -> Tensor:
    """Whether `x1 >= x2`.

    >>> greater_equal([1, 2], 2).tolist()
    [False, True]
    """
    return binary(GREATER_EQUAL, x1, x2)


@op
def logical_and(x1: Any, x2: Any) -> Tensor:
    """Whether both are true (nonzero).

    >>> logical_and([True, True], [True, False]).tolist()
    [True, False]
    """
    return apply(LOGICAL_AND, (_truths(x1), _truths(x2)))


@op
def logical_or(x1: Any, x2: Any) -> Tensor:
    """Whether either is true (nonzero).

    >>> logical_or([False, True], False).tolist()
    [False, True]
    """
    return apply(LOGICAL_OR, (_truths(x1), _truths(x2)))


@op
def logical_xor(x1: Any, x2: Any) -> Tensor:
    """Whether one of them is true (nonzero), and not both.

    >>> logical_xor([False, True], True).tolist()
    [True, False]
    """
    return apply(LOGICAL_XOR, (_truths(x1), _truths(x2)))


@op
def logical_not(x: Any) -> Tensor:
    """Whether false (zero).

    >>> logical_not([True, False]).tolist()
    [False, True]
    """
    return apply(LOGICAL_NOT, (convert_to_tensor(x),))


@op
def isnan(x: Any) -> Tensor:
    """Whether NaN.

    >>> isnan([1.0, float("nan")]).tolist()
    [False, True]
    """
    return apply(ISNAN, (convert_to_tensor(x),))


@op
def isinf(x: Any) -> Tensor:
    """Whether infinite.

    >>> isinf([1.0, float("-inf")]).tolist()
    [False, True]
    """
    return apply(ISINF, (convert_to_tensor(x),))


@op
def isfinite(x: Any) -> Tensor:
    """Whether neither infinite nor NaN.

    >>> isfinite([1.0, float("inf")]).tolist()
    [True, False]
    """
    return apply(ISFINITE, (convert_to_tensor(x),))


@op
def signbit(x: Any) -> Tensor:
    """Whether the sign bit is set, also that of -0.0.

    >>> signbit([-0.0, 1.0]).tolist()
    [True, False]
    """
    return apply(SIGNBIT, (convert_to_tensor(x),))


@op
def isposinf(x: Any) -> Tensor:
    """Whether infinite and positive.

    >>> isposinf([float("inf"), float("-inf")]).tolist()
    [True, False]
    """
    return convert_to_tensor(x) == float("inf")


@op
def isneginf(x: Any) -> Tensor:
    """Whether infinite and negative.

    >>> isneginf([float("inf"), float("-inf")]).tolist()
    [False, True]
    """
    return convert_to_tensor(x) == float("-inf")


@op
def isclose(x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Tensor:
    """Whether `|x1 - x2| <= atol + rtol * |x2|`; infinities are close where they are equal.

    Args:
        x1: One operand.
        x2: The other, to whose size `rtol` refers.
        rtol: The relative tolerance.
        atol: The absolute tolerance.
        equal_nan: Whether two NaN are close.

    >>> isclose([1.0, 1.1], [1.0, 1.0]).tolist()
    [True, False]
    """
    x1, x2 = float_promoted(x1, x2)
    both_finite = apply(LOGICAL_AND, (apply(ISFINITE, (x1,)), apply(ISFINITE, (x2,))))
    # Where one is not finite the difference has no meaning, and inf - inf would warn.
    difference = where(both_finite, x1, 0) - where(both_finite, x2, 0)
    bound = apply(ABS, (where(both_finite, x2, 0),)) * float(rtol) + float(atol)
    near = apply(LOGICAL_AND, (both_finite, apply(ABS, (difference,)) <= bound))
    close = apply(LOGICAL_OR, (near, apply(EQUAL, (x1, x2))))
    if equal_nan:
        close = apply(LOGICAL_OR, (close, apply(LOGICAL_AND, (apply(ISNAN, (x1,)), apply(ISNAN, (x2,))))))
    return close


@op
def allclose(x1: Any, x2: Any, rtol: float = 1e-5, atol: float = 1e-8, equal_nan: bool = False) -> Tensor:
    """Whether every element is close, as in `isclose`: a boolean without dimensions.

    >>> allclose([1.0, 2.0], [1.0, 2.0]).item()
    True
    """
    from kerasish.ops.reduction import all as all_of

    return all_of(isclose(x1, x2, rtol, atol, equal_nan))


@op
def isin(x1: Any, x2: Any, assume_unique: bool = False, invert: bool = False) -> Tensor:
    """Whether each element of `x1` is among those of `x2`.

    Args:
        x1: The elements asked for.
        x2: The elements they are looked for among.
        assume_unique: Kept for Keras's signature; the result does not depend on it.
        invert: Whether to answer for "is not among".

    >>> isin([1, 2, 3], [3, 1]).tolist()
    [True, False, True]
    """
    from kerasish.ops.reduction import any as any_of

    x1, x2 = promoted(x1, x2)
    found = any_of(apply(EQUAL, (x1.reshape((*x1.shape, 1)), x2.reshape(-1))), axis=-1)
    return logical_not(found) if invert else found


@op
def isreal(x: Any) -> Tensor:
    """Whether the imaginary part is 0; true everywhere for real dtypes.

    >>> isreal([1.0]).tolist()
    [True]
    """
    from kerasish.ops.elementwise import CONJ

    x = convert_to_tensor(x)
    return apply(EQUAL, (x, apply(CONJ, (x,)))) if x.array.dtype.kind == "c" else logical_not(x != x) | True


@op
def bitwise_and(x: Any, y: Any) -> Tensor:
    """Bits that are set in both.

    >>> bitwise_and(6, 3).item()
    2
    """
    return apply(BITWISE_AND, tuple(promoted(_bits("bitwise_and", x), _bits("bitwise_and", y))))


@op
def bitwise_or(x: Any, y: Any) -> Tensor:
    """Bits that are set in either.

    >>> bitwise_or(6, 3).item()
    7
    """
    return apply(BITWISE_OR, tuple(promoted(_bits("bitwise_or", x), _bits("bitwise_or", y))))


@op
def bitwise_xor(x: Any, y: Any) -> Tensor:
    """Bits that are set in one of them only.

    >>> bitwise_xor(6, 3).item()
    5
    """
    return apply(BITWISE_XOR, tuple(promoted(_bits("bitwise_xor", x), _bits("bitwise_xor", y))))


@op
def bitwise_left_shift(x: Any, y: Any) -> Tensor:
    """Bits of `x` moved up by `y` places.

    >>> bitwise_left_shift(3, 2).item()
    12
    """
    return apply(LEFT_SHIFT, tuple(promoted(_bits("bitwise_left_shift", x), _bits("bitwise_left_shift", y))))


@op
def bitwise_right_shift(x: Any, y: Any) -> Tensor:
    """Bits of `x` moved down by `y` places.

    >>> bitwise_right_shift(12, 2).item()
    3
    """
    return apply(RIGHT_SHIFT, tuple(promoted(_bits("bitwise_right_shift", x), _bits("bitwise_right_shift", y))))


@op
def left_shift(x: Any, y: Any) -> Tensor:
    """Bits of `x` moved up by `y` places.

    >>> left_shift(3, 2).item()
    12
    """
    return apply(LEFT_SHIFT, tuple(promoted(_bits("left_shift", x), _bits("left_shift", y))))


@op
def right_shift(x: Any, y: Any) -> Tensor:
    """Bits of `x` moved down by `y` places.

    >>> right_shift(12, 2).item()
    3
    """
    return apply(RIGHT_SHIFT, tuple(promoted(_bits("right_shift", x), _bits("right_shift", y))))


@op
def bitwise_not(x: Any) -> Tensor:
    """Every bit flipped.

    >>> bitwise_not(5).item()
    -6
    """
    return apply(BITWISE_NOT, (convert_to_tensor(_bits("bitwise_not", x)),))


@op
def bitwise_invert(x: Any) -> Tensor:
    """Every bit flipped.

    >>> bitwise_invert(5).item()
    -6
    """
    return apply(BITWISE_NOT, (convert_to_tensor(_bits("bitwise_invert", x)),))
