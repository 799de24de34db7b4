import numpy as np
import pytest

from kerasish import ops
from kerasish.autodiff import KerasTensor, Variable, convert_to_tensor
from tests.support import check_gradients, check_symbolic

RNG = np.random.default_rng(0)
A = RNG.uniform(0.3, 2.0, (3, 4))
B = RNG.uniform(0.4, 1.9, (4,))
C = RNG.uniform(0.4, 1.9, (3, 1))

# Name -> the same function in NumPy.
BINARY = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "true_divide": np.divide,
    "divide_no_nan": np.divide,
    "mod": np.mod,
    "fmod": np.fmod,
    "power": np.power,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "fmax": np.fmax,
    "fmin": np.fmin,
    "logaddexp": np.logaddexp,
    "logaddexp2": np.logaddexp2,
    "arctan2": np.arctan2,
    "hypot": np.hypot,
}


@pytest.mark.parametrize(
    "operands", [(A, B), (C, A), (A, A[:, ::-1].copy()), (B[:1], C)], ids=["row", "column", "same", "outer"]
)
@pytest.mark.parametrize("name", BINARY)
def test_values_gradients_and_symbols(name, operands):
    function = getattr(ops, name)
    np.testing.assert_allclose(function(*operands).numpy(), BINARY[name](*operands), 1e-12)
    check_gradients(function, operands)
    check_symbolic(function, operands)


@pytest.mark.parametrize("name", sorted(set(BINARY) - {"arctan2"}))
def test_a_number_on_either_side(name):
    function = getattr(ops, name)
    check_gradients(lambda x: function(x, 1.3), [A])
    check_gradients(lambda x: function(1.3, x), [A])
    for y in (function(A.astype("float32"), 2), function(2.5, A.astype("float16"))):
        assert y.dtype in ("float32", "float16")


@pytest.mark.parametrize("exponent", [0, 1, 2, 3, -1, 0.5])
def test_power_by_a_number(exponent):
    np.testing.assert_allclose((convert_to_tensor(A) ** exponent).numpy(), A**exponent)
    check_gradients(lambda x: ops.power(x, exponent), [A])


def test_powers_of_zero_have_finite_gradients():
    from kerasish.autodiff import GradientTape

    x, e = Variable([0.0, 0.0, 2.0]), Variable([0.0, 2.0, 0.0])
    with GradientTape() as tape:
        y = x**e
    dx, de = tape.gradient(y, [x, e])
    assert dx.tolist() == [0.0, 0.0, 0.0]
    assert np.isfinite(de.numpy()).all()


def test_whole_numbers():
    assert ops.floor_divide([7, -7], 2).tolist() == [3, -4]
    assert ops.gcd([12, 0], [18, 5]).tolist() == [6, 5]
    assert ops.lcm([4, 0, -6], [6, 3, 4]).tolist() == [12, 0, 12]
    for function in (ops.gcd, ops.lcm):
        with pytest.raises(TypeError, match=r"expected integers\. Received"):
            function(1.5, 2)
    with pytest.raises(TypeError, match="integer exponents"):
        ops.ldexp(1.0, 2.0)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("float16", 2, "float16"),
        ("float16", 2.5, "float16"),
        ("int32", 2.5, "float32"),
        ("bool", 2, "int32"),
        ("int64", "float32", "float32"),
        ("int8", "int32", "int32"),
        ("uint8", "int8", "int16"),
        ("float16", "float32", "float32"),
        ("bool", "float16", "float16"),
    ],
)
def test_operands_promote(left, right, expected):
    x = ops.ones((2,), left)
    y = ops.ones((2,), right) if isinstance(right, str) else right
    assert ops.add(x, y).dtype == expected
    assert ops.multiply(y, x).dtype == expected
    assert ops.maximum(x, y).dtype == expected
    assert ops.where([True, False], x, y).dtype == expected


@pytest.mark.parametrize("dtype", ["int8", "int32", "int64", "bool", "uint8"])
def test_integers_divide_in_the_default_float(dtype):
    x = ops.ones((2,), dtype)
    for y in (ops.divide(x, x), x / 2, 2 / x, ops.true_divide(x, x), ops.divide_no_nan(x, x)):
        assert y.dtype == "float32"


def test_a_number_too_large_for_an_integer_dtype_is_refused():
    with pytest.raises(OverflowError):
        ops.add(ops.ones((2,), "uint8"), 300)


def test_shapes_that_do_not_broadcast_are_refused():
    with pytest.raises(ValueError, match="broadcast"):
        ops.add(np.ones((2, 3)), np.ones((2,)))
    with pytest.raises(ValueError, match="broadcast"):
        ops.add(KerasTensor((2, 3)), KerasTensor((2,)))
