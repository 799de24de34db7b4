import math

import numpy as np
import pytest

from kerasish import ops
from kerasish.autodiff import GradientTape, Variable
from tests.support import check_symbolic

X = np.array([[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]])
Y = np.array([2.0, 2.0, 0.0])
COMPARE = ("equal", "not_equal", "less", "less_equal", "greater", "greater_equal")
TESTS = ("isnan", "isinf", "isfinite", "isposinf", "isneginf", "signbit", "logical_not", "isreal")
LOGIC = ("logical_and", "logical_or", "logical_xor")
BITS = {
    "bitwise_and": np.bitwise_and,
    "bitwise_or": np.bitwise_or,
    "bitwise_xor": np.bitwise_xor,
    "bitwise_left_shift": np.left_shift,
    "bitwise_right_shift": np.right_shift,
    "left_shift": np.left_shift,
    "right_shift": np.right_shift,
}
ODD = np.array([0.0, -0.0, math.inf, -math.inf, math.nan, -1.0])


@pytest.mark.parametrize("name", [*COMPARE, *LOGIC])
def test_truth_of_two(name):
    function = getattr(ops, name)
    y = function(X, Y)
    assert y.dtype == "bool"
    np.testing.assert_array_equal(y.numpy(), getattr(np, name)(X, Y))
    np.testing.assert_array_equal(function(X.astype("int32"), 2.0).numpy(), getattr(np, name)(X, 2))
    check_symbolic(function, [X, Y], batch=False)
    check_symbolic(lambda x: function(x, 2), [X])


@pytest.mark.parametrize(
    "name", ["isnan", "isinf", "isfinite", "isposinf", "isneginf", "signbit", "logical_not", "isreal"]
)
def test_truth_of_one(name):
    function = getattr(ops, name)
    np.testing.assert_array_equal(function(ODD).numpy(), getattr(np, name)(ODD))
    assert function(np.array([1, 0], "int32")).dtype == "bool"
    check_symbolic(function, [X])


@pytest.mark.parametrize("name", BITS)
def test_bits(name):
    a, b = np.array([6, 12, 1], "int32"), np.array([3, 1, 2], "int32")
    y = getattr(ops, name)(a, b)
    assert y.dtype == "int32"
    np.testing.assert_array_equal(y.numpy(), BITS[name](a, b))
    assert getattr(ops, name)(a.astype("uint8"), 1).dtype == "uint8"
    check_symbolic(getattr(ops, name), [a, b])
    with pytest.raises(TypeError, match=f"{name}: expected integers or booleans. Received: dtype=float32"):
        getattr(ops, name)(1.5, 2)


def test_flipped_bits():
    assert ops.bitwise_not([5, -1]).tolist() == ops.bitwise_invert([5, -1]).tolist() == [-6, 0]


def test_closeness():
    a = [1.0, 1.0, math.inf, math.inf, math.nan]
    b = [1.0 + 1e-6, 1.1, math.inf, -math.inf, math.nan]
    assert ops.isclose(a, b).tolist() == [True, False, True, False, False]
    assert ops.isclose(a, b, equal_nan=True).tolist()[-1] is True
    assert ops.isclose(1.0, 1.5, atol=1.0).item() is True
    assert ops.allclose([1, 2], [1, 2]).item() is True
    assert ops.allclose([1.0, 2.0], [1.0, 2.1]).item() is False


def test_isin_looks_among_all_elements():
    x = np.array([[1, 2], [3, 4]])
    assert ops.isin(x, [[2], [3]]).tolist() == [[False, True], [True, False]]
    assert ops.isin(x, [2, 3], invert=True).tolist() == [[True, False], [False, True]]


def test_a_comparison_has_no_gradient():
    x = Variable([1.0, 2.0])
    with GradientTape() as tape:
        y = ops.cast(x > 1.5, "float32")
    assert tape.gradient(y, x) is None
