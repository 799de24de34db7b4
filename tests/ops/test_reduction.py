import numpy as np
import pytest

from kerasish import ops
from kerasish.autodiff import GradientTape, Variable
from tests.support import check_gradients, check_symbolic

RNG = np.random.default_rng(0)
X = RNG.uniform(0.5, 2.0, (2, 3, 4))
AXES = (None, 0, -1, (0, 2), (1,))
REDUCTIONS = ("sum", "mean", "prod", "max", "min", "amax", "amin", "ptp")


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("name", REDUCTIONS)
def test_values_gradients_and_symbols(name, axis, keepdims):
    def function(x):
        return getattr(ops, name)(x, axis=axis, keepdims=keepdims)

    np.testing.assert_allclose(function(X).numpy(), getattr(np, name)(X, axis=axis, keepdims=keepdims), 1e-12)
    check_gradients(function, [X[:, :2, :3].copy()], second=not keepdims)
    check_symbolic(function, [X])


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("name", ["any", "all", "count_nonzero"])
def test_truth_along_axes(name, axis):
    x = (X > 1).astype("float32")
    y = getattr(ops, name)(x, axis=axis)
    assert y.dtype == ("int32" if name == "count_nonzero" else "bool")
    np.testing.assert_array_equal(y.numpy(), getattr(np, name)(x, axis=axis))
    check_symbolic(lambda v: getattr(ops, name)(v, axis=axis), [x])


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [None, 0, -1])
@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_positions(name, axis, keepdims):
    y = getattr(ops, name)(X, axis=axis, keepdims=keepdims)
    assert y.dtype == "int32"
    np.testing.assert_array_equal(y.numpy(), getattr(np, name)(X, axis=axis, keepdims=keepdims))
    check_symbolic(lambda v: getattr(ops, name)(v, axis=axis, keepdims=keepdims), [X])


@pytest.mark.parametrize("axis", [None, 0, 1, -1])
@pytest.mark.parametrize("name", ["cumsum", "cumprod"])
def test_running_sums_and_products(name, axis):
    def function(x):
        return getattr(ops, name)(x, axis=axis)

    np.testing.assert_allclose(function(X).numpy(), getattr(np, name)(X, axis=axis), 1e-12)
    check_gradients(function, [X[:, :2, :3].copy()])
    check_symbolic(function, [X])


@pytest.mark.parametrize("zeros", [[0], [1, 3], [0, 1, 2, 3]])
def test_products_have_right_gradients_at_zero(zeros):
    x = X[0, 0].copy()
    x[zeros] = 0
    check_gradients(ops.prod, [x])
    check_gradients(ops.cumprod, [x], second=False)


def test_equal_elements_share_the_gradient_of_an_extremum():
    x = Variable([[1.0, 3.0, 3.0], [2.0, 0.0, 1.0]])
    with GradientTape() as tape:
        y = ops.max(x, axis=1)
    assert tape.gradient(y, x).tolist() == [[0.0, 0.5, 0.5], [1.0, 0.0, 0.0]]


@pytest.mark.parametrize(
    ("dtype", "expected"), [("bool", "int32"), ("int8", "int32"), ("uint8", "uint32"), ("int64", "int64")]
)
def test_small_integers_are_summed_in_wider_ones(dtype, expected):
    x = ops.cast([1, 1, 1], dtype)
    assert ops.sum(x).dtype == ops.prod(x).dtype == expected
    assert ops.sum(x).item() == 3
    assert ops.mean(x).dtype == "float32"
    assert ops.prod(x, dtype="float64").dtype == "float64"
    assert ops.cumsum(x, dtype="float16").dtype == "float16"


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_floats_keep_their_dtype(dtype):
    for name in (*REDUCTIONS, "cumsum", "cumprod"):
        assert getattr(ops, name)(X.astype(dtype)).dtype == dtype


def test_initial_bounds_an_extremum():
    assert ops.max([1, 5], initial=3).item() == 5
    assert ops.max([1, 2], initial=3).item() == 3
    assert ops.min([4, 5], initial=3).item() == 3
    assert ops.max(np.zeros((0, 2), "float32"), axis=0, initial=-1).tolist() == [-1.0, -1.0]
    assert ops.max(np.zeros((0, 2)), axis=1).shape == (0,)
    with pytest.raises(ValueError, match=r"max: no elements to choose from. Received: x.shape=\(0, 2\)"):
        ops.max(np.zeros((0, 2)))


def test_axes_are_checked():
    with pytest.raises(ValueError, match=r"sum: expected an axis in .* Received: axis=3"):
        ops.sum(X, axis=3)
    with pytest.raises(ValueError, match="given twice"):
        ops.mean(X, axis=(0, -3))
    with pytest.raises(TypeError, match=r"expected axis to be an int\. Received: axis='rows'"):
        ops.argmax(X, axis="rows")
