import numpy as np
import pytest

DTYPES = ("float16", "float32", "float64")
SHAPES = {"empty": (0, 3), "scalar": (), "single": (1,), "matrix": (5, 7)}
TOLERANCE = {"float16": 2e-3, "float32": 2e-6, "float64": 1e-12}

# Name -> (reference, lowest, highest).
UNARY = {
    "negative": (np.negative, -3, 3),
    "abs": (np.abs, -3, 3),
    "sign": (np.sign, -3, 3),
    "exp": (np.exp, -3, 3),
    "expm1": (np.expm1, -3, 3),
    "log": (np.log, 0.1, 5),
    "log1p": (np.log1p, -0.5, 5),
    "log2": (np.log2, 0.1, 5),
    "log10": (np.log10, 0.1, 5),
    "sqrt": (np.sqrt, 0, 9),
    "rsqrt": (lambda x: 1 / np.sqrt(x), 0.1, 9),
    "square": (np.square, -3, 3),
    "reciprocal": (lambda x: 1 / x, 0.5, 3),
    "sin": (np.sin, -3, 3),
    "cos": (np.cos, -1, 1),
    "tan": (np.tan, -1, 1),
    "arcsin": (np.arcsin, -0.9, 0.9),
    "arccos": (np.arccos, -0.9, 0.9),
    "arctan": (np.arctan, -3, 3),
    "sinh": (np.sinh, -3, 3),
    "cosh": (np.cosh, -3, 3),
    "tanh": (np.tanh, -3, 3),
    "arcsinh": (np.arcsinh, -3, 3),
    "arccosh": (np.arccosh, 1.1, 5),
    "arctanh": (np.arctanh, -0.9, 0.9),
    "floor": (np.floor, -3, 3),
    "ceil": (np.ceil, -3, 3),
    "trunc": (np.trunc, -3, 3),
    "conj": (lambda x: x, -3, 3),
    "identity": (lambda x: x, -3, 3),
}
BINARY = {
    "add": np.add,
    "subtract": np.subtract,
    "multiply": np.multiply,
    "divide": np.divide,
    "floor_divide": np.floor_divide,
    "mod": np.mod,
    "power": np.power,
    "maximum": np.maximum,
    "minimum": np.minimum,
    "logaddexp": lambda a, b: np.log(np.exp(a) + np.exp(b)),
    "arctan2": np.arctan2,
    "equal": np.equal,
    "not_equal": np.not_equal,
    "less": np.less,
    "less_equal": np.less_equal,
    "greater": np.greater,
    "greater_equal": np.greater_equal,
    "logical_and": np.logical_and,
    "logical_or": np.logical_or,
    "logical_xor": np.logical_xor,
}
SINGULAR = np.array([0.0, -1.0, 1.0, 2.0, np.inf, -np.inf, np.nan, 1e30])


def sample(shape, low, high, dtype, seed=0):
    return np.asarray(np.random.default_rng(seed).uniform(low, high, shape), dtype)


@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", UNARY)
def test_a_function_of_one_array_agrees_with_float64(kernels, name, dtype, shape):
    reference, low, high = UNARY[name]
    x = sample(shape, low, high, dtype)
    kept = x.copy()
    y = getattr(kernels, name)(x)
    assert isinstance(y, np.ndarray)
    assert y.dtype == dtype
    np.testing.assert_allclose(y, reference(x.astype("float64")), TOLERANCE[dtype], TOLERANCE[dtype])
    np.testing.assert_array_equal(x, kept)


@pytest.mark.parametrize("name", UNARY)
def test_a_function_of_one_array_takes_any_strides(kernels, name):
    reference, low, high = UNARY[name]
    x = sample((6, 8), low, high, "float64")[::-2, 1::3].T
    np.testing.assert_allclose(getattr(kernels, name)(x), reference(x.copy()), 1e-12)


@pytest.mark.parametrize("shapes", [((5, 7), (5, 7)), ((5, 1), (7,)), ((), (3,)), ((), ()), ((0, 3), (3,))])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", BINARY)
def test_a_function_of_two_arrays_agrees_with_float64(kernels, name, dtype, shapes):
    # Quarters are exact in every dtype, so that floor_divide and the comparisons cannot differ by rounding.
    rng = np.random.default_rng(1)
    x1, x2 = (np.asarray(rng.integers(1, 12, shape) / 4, dtype) for shape in shapes)
    y = getattr(kernels, name)(x1, x2)
    expected = BINARY[name](x1.astype("float64"), x2.astype("float64"))
    assert isinstance(y, np.ndarray)
    assert y.dtype == ("bool" if expected.dtype == bool else dtype)
    np.testing.assert_allclose(y, expected, TOLERANCE[dtype], TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", BINARY)
def test_a_number_takes_the_dtype_of_the_array(kernels, name, dtype):
    x = sample((4,), 1, 3, dtype)
    kernel, reference = getattr(kernels, name), BINARY[name]
    for y, expected in (
        (kernel(x, 2.0), reference(x, np.asarray(2.0, dtype))),
        (kernel(2, x), reference(np.asarray(2, dtype), x)),
    ):
        assert y.dtype == expected.dtype
        np.testing.assert_allclose(y, expected, TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    "name",
    ["log", "log1p", "log2", "log10", "sqrt", "rsqrt", "reciprocal", "arcsin", "arccos", "arccosh", "arctanh", "exp",
     "expm1", "sinh", "cosh", "sin", "cos", "tan", "tanh"],
)  # fmt: skip
def test_a_singularity_gives_infinity_or_nan_without_a_warning(kernels, name, dtype):
    with np.errstate(all="ignore"):
        x = SINGULAR.astype(dtype)
        expected = UNARY[name][0](x)
    np.testing.assert_allclose(getattr(kernels, name)(x), expected, TOLERANCE[dtype])


@pytest.mark.parametrize("name", ["divide", "floor_divide", "mod", "power"])
def test_a_division_by_zero_gives_infinity_or_nan_without_a_warning(kernels, name):
    x1, x2 = np.array([1.0, 0.0, -1.0, 0.0]), np.array([0.0, 0.0, 0.0, -1.0])
    with np.errstate(all="ignore"):
        expected = BINARY[name](x1, x2)
    np.testing.assert_array_equal(getattr(kernels, name)(x1, x2), expected)


@pytest.mark.parametrize("name", ["isnan", "isinf", "isfinite", "signbit", "logical_not"])
@pytest.mark.parametrize("dtype", DTYPES)
def test_a_test_gives_booleans(kernels, name, dtype):
    with np.errstate(all="ignore"):
        x = SINGULAR.astype(dtype)
    y = getattr(kernels, name)(x)
    assert y.dtype == bool
    np.testing.assert_array_equal(y, getattr(np, name)(x))


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64"])
def test_integers_keep_their_dtype(kernels, dtype):
    x1, x2 = np.array([12, 7, 0], dtype), np.array([5, 2, 3], dtype)
    for name in ("add", "multiply", "maximum", "minimum", "floor_divide", "mod", "power", "gcd", "bitwise_and",
                 "bitwise_or", "bitwise_xor", "left_shift", "right_shift"):  # fmt: skip
        y = getattr(kernels, name)(x1, x2)
        assert y.dtype == dtype
        np.testing.assert_array_equal(y, getattr(np, name)(x1, x2))
    np.testing.assert_array_equal(kernels.bitwise_not(x1), ~x1)


def test_round_takes_halves_to_the_even_neighbour(kernels):
    np.testing.assert_array_equal(kernels.round(np.array([0.5, 1.5, -2.5]), decimals=0), [0.0, 2.0, -2.0])
    np.testing.assert_allclose(kernels.round(np.array([1.246]), decimals=2), [1.25])


@pytest.mark.parametrize("dtype", DTYPES)
def test_where_chooses_and_broadcasts(kernels, dtype):
    condition = np.array([[True], [False]])
    y = kernels.where(condition, np.array([1, 2, 3], dtype), 0)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, [[1, 2, 3], [0, 0, 0]])


@pytest.mark.parametrize("dtype", [*DTYPES, "int32"])
def test_clip_keeps_within_numbers_and_arrays(kernels, dtype):
    x = np.array([-3, 0, 4], dtype)
    y = kernels.clip(x, -1, np.array([2, -2, 3], dtype))
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, [-1, -2, 3])


def test_nan_to_num_replaces_what_is_not_finite(kernels):
    x = np.array([np.nan, np.inf, -np.inf, 1], "float32")
    limit = np.finfo("float32").max
    np.testing.assert_array_equal(kernels.nan_to_num(x, nan=7.0, posinf=None, neginf=None), [7, limit, -limit, 1])
    np.testing.assert_array_equal(kernels.nan_to_num(x, nan=0.0, posinf=2.0, neginf=-2.0), [0, 2, -2, 1])


def test_cast_rounds_towards_zero_and_is_quiet(kernels):
    np.testing.assert_array_equal(kernels.cast(np.array([1.7, -1.7]), dtype=np.dtype("int32")), [1, -1])
    assert np.isinf(kernels.cast(np.array([1e30]), dtype=np.dtype("float16")))[0]


def test_cast_to_the_same_dtype_copies_nothing(cpu_kernels):
    x = np.ones(3, "float32")
    assert cpu_kernels.cast(x, dtype=x.dtype) is x


def test_nextafter_takes_one_step(kernels):
    assert kernels.nextafter(np.float64(1.0).reshape(1), np.array([2.0]))[0] == 1 + np.finfo("float64").eps
