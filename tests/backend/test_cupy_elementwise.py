"""Where CuPy's own functions would not do: bfloat16, floats divided with a remainder, the smallest floats."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

BF16 = np.dtype(ml_dtypes.bfloat16)
HALVES = [np.dtype("float16"), BF16]
FLOATS = [*HALVES, np.dtype("float32"), np.dtype("float64")]
TOLERANCE = {"bfloat16": 8e-3, "float16": 1e-3}

UNARY = [
    "negative", "abs", "sign", "exp", "expm1", "log", "log1p", "log2", "log10", "sqrt", "square", "reciprocal", "sin",
    "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh", "arcsinh", "arctanh", "floor", "ceil", "trunc",
    "conj", "signbit", "isnan", "isinf", "isfinite", "logical_not",
]  # fmt: skip
BINARY = [
    "add", "subtract", "multiply", "divide", "floor_divide", "mod", "power", "maximum", "minimum", "logaddexp",
    "arctan2", "logical_and", "logical_or", "logical_xor", "equal", "not_equal", "less", "less_equal", "greater",
    "greater_equal",
]  # fmt: skip


@pytest.mark.parametrize("name", UNARY)
def test_bfloat16_stays_bfloat16(cupy_kernels, name):
    x = np.array([0.25, 0.5, 0.125, 0.75]).astype(BF16)
    y = getattr(cupy_kernels, name)(x)
    wanted = getattr(np, name)(x.astype("float64"))
    assert y.dtype == (np.dtype(bool) if wanted.dtype == bool else BF16)
    np.testing.assert_allclose(y.astype(float), wanted.astype(float), TOLERANCE["bfloat16"])


@pytest.mark.parametrize("name", BINARY)
def test_a_number_beside_bfloat16_takes_its_dtype(cupy_kernels, name):
    x1 = np.array([0.25, 2.0, 1.5]).astype(BF16)
    kernel, reference = getattr(cupy_kernels, name), getattr(np, name)
    for given in ((x1, x1[::-1]), (x1, 2.0), (2, x1)):
        y = kernel(*given)
        wanted = reference(*[np.asarray(value).astype("float64") for value in given])
        assert y.dtype == (np.dtype(bool) if wanted.dtype == bool else BF16)
        np.testing.assert_allclose(y.astype(float), wanted.astype(float), TOLERANCE["bfloat16"])


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_a_remainder_is_exact_where_the_quotient_is_not(cupy_kernels, dtype):
    wide = np.float64 if dtype == np.float64 else np.float32
    x1 = np.array([1.0, 5, -5, 5, -5, np.inf, 3, 0, -0.0, 1000, -7, np.nan]).astype(dtype)
    x2 = np.array([0.1, np.inf, np.inf, -np.inf, 3, 2, 0, 3, 3, 3, -2, 1]).astype(dtype)
    with np.errstate(all="ignore"):
        wanted = [function(x1.astype(wide), x2.astype(wide)).astype(dtype) for function in (np.floor_divide, np.mod)]
    got = cupy_kernels.floor_divide(x1, x2), cupy_kernels.mod(x1, x2)
    for mine, numpys in zip(got, wanted):
        assert mine.dtype == dtype
        np.testing.assert_array_equal(mine.astype(float), numpys.astype(float))
        kept = ~np.isnan(numpys.astype(float))
        np.testing.assert_array_equal(np.signbit(mine)[kept], np.signbit(numpys)[kept])


def test_a_division_with_remainder_broadcasts_and_promotes(cupy_kernels):
    x1, x2 = np.arange(-600, 600, dtype="float32").reshape(40, 30) / 4, np.linspace(0.3, 2, 40).reshape(40, 1)
    for name in ("floor_divide", "mod"):
        y = getattr(cupy_kernels, name)(x1, x2)
        assert y.dtype == np.float64
        np.testing.assert_array_equal(y, getattr(np, name)(x1, x2))
        np.testing.assert_array_equal(getattr(cupy_kernels, name)(x2.T, np.array(0.7)), getattr(np, name)(x2.T, 0.7))
    integers = np.array([7, -7, 5, -1], "int16"), np.array([2, 2, 0, 3], "int16")
    assert cupy_kernels.floor_divide(*integers).tolist() == [3, -4, 0, -1]
    assert cupy_kernels.mod(*integers).tolist() == [1, 1, 0, 2]


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_the_next_float_is_found_among_the_smallest_and_the_largest(cupy_kernels, dtype):
    limits = ml_dtypes.finfo(dtype)
    tiny, top = float(limits.smallest_subnormal), float(limits.max)
    values = [0.0, -0.0, tiny, -tiny, 1.0, -1.0, top, -top, np.inf, -np.inf, 3 * tiny]
    x1, x2 = (grid.ravel().astype(dtype) for grid in np.meshgrid(values, values))
    y = cupy_kernels.nextafter(x1, x2)
    with np.errstate(all="ignore"):
        wanted = np.nextafter(x1, x2)
    assert y.dtype == dtype
    bits = f"u{dtype.itemsize}"
    different = y.view(bits) != wanted.view(bits)
    # Only the sign of a zero is left open.
    assert not (different & ((y.astype(float) != 0) | (wanted.astype(float) != 0))).any()
    assert np.isnan(cupy_kernels.nextafter(np.array([np.nan, 1]).astype(dtype), x1[:2] * np.nan).astype(float)).all()


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_what_is_not_finite_is_replaced(cupy_kernels, dtype):
    x = np.array([np.nan, np.inf, -np.inf, -1.5] * 300).astype(dtype)[::2]
    limit = float(ml_dtypes.finfo(dtype).max)
    y = cupy_kernels.nan_to_num(x, nan=2.0, posinf=None, neginf=None)
    assert y.dtype == dtype
    assert set(y.astype(float).tolist()) == {2.0, -limit}
    y = cupy_kernels.nan_to_num(x[:2], nan=0.0, posinf=7.0, neginf=-3.0)
    assert y.astype(float).tolist() == [0.0, -3.0]
    whole = np.array([3, -4])
    assert cupy_kernels.nan_to_num(whole, nan=0.0, posinf=1.0, neginf=None).tolist() == [3, -4]


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_a_choice_keeps_every_bit(cupy_kernels, dtype):
    x = np.array([1.5, -0.0, np.nan, 3]).astype(dtype)
    condition = np.array([[1.0], [0.0], [np.nan]])
    y = cupy_kernels.where(condition, x, 2.0)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y.astype(float), np.where(condition, x.astype(float), 2.0))
    assert np.signbit(y[0, 1])
    assert cupy_kernels.where(condition, -1, x).dtype == dtype


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_rounding_and_bounds_in_every_dtype(cupy_kernels, dtype):
    x = np.array([0.5, 1.5, -2.5, 123.456]).astype(dtype)
    assert cupy_kernels.round(x, decimals=0).astype(float).tolist()[:3] == [0.0, 2.0, -2.0]
    wide = x.astype("float64" if dtype == np.float64 else "float32")
    np.testing.assert_array_equal(cupy_kernels.round(x, decimals=1), np.round(wide, 1).astype(dtype))
    np.testing.assert_array_equal(cupy_kernels.round(x, decimals=-1), np.round(wide, -1).astype(dtype))
    y = cupy_kernels.clip(x, -1, 1.0)
    assert y.dtype == dtype
    assert y.astype(float).tolist() == [0.5, 1.0, -1.0, 1.0]
    # The upper bound wins where they cross, and NaN stays.
    assert cupy_kernels.clip(np.array([0.0, np.nan]).astype(dtype), 2, 1).astype(float).tolist()[:1] == [1.0]
    assert np.isnan(cupy_kernels.clip(np.array([np.nan]).astype(dtype), -1, 1).astype(float)).all()


def test_integers_are_rounded_to_tens_alone(cupy_kernels):
    x = np.array([14, 25, -36])
    assert cupy_kernels.round(x, decimals=2).tolist() == [14, 25, -36]
    assert cupy_kernels.round(x, decimals=-1).tolist() == [10, 20, -40]


def test_a_square_and_other_powers(cupy_kernels):
    x = np.array([-1.5, 2.0, 0.5], "float32")
    np.testing.assert_array_equal(cupy_kernels.power(x, 2), x * x)
    np.testing.assert_array_equal(cupy_kernels.power(np.array([3, 4]), 2), [9, 16])
    np.testing.assert_allclose(cupy_kernels.power(x, -1.0), 1 / x)
    with pytest.raises(ValueError, match="negative integer powers"):
        cupy_kernels.power(np.array([2]), -1)
