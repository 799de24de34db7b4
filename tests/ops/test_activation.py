import numpy as np
import pytest

from kerasish.autodiff import GradientTape, convert_to_tensor
from kerasish.ops import activation
from tests.support import check_gradients

# No value lies at a kink of a piecewise function.
X = np.array([[-3.7, -1.3, -0.7, -0.2], [0.3, 0.8, 1.4, 6.5]])

SMOOTH = [
    "sigmoid softplus softsign silu log_sigmoid selu elu celu gelu tanh_shrink squareplus erf erfc relu relu6 "
    "leaky_relu hard_sigmoid hard_silu hard_tanh hard_shrink soft_shrink sparse_plus sparse_sigmoid sparsemax "
    "softmax log_softmax glu"
][0].split()


@pytest.mark.parametrize("name", SMOOTH)
def test_first_and_second_derivatives_are_numeric_ones(name):
    check_gradients(getattr(activation, name), [X])


@pytest.mark.parametrize(
    ("name", "attrs"),
    [
        ("gelu", {"approximate": False}),
        ("elu", {"alpha": 0.4}),
        ("celu", {"alpha": 2.0}),
        ("softmax", {"axis": 0}),
        ("softmax", {"axis": (0, 1)}),
        ("softmax", {"axis": None}),
        ("log_softmax", {"axis": (1, 0)}),
        ("sparsemax", {"axis": 0}),
        ("threshold", {"threshold": 0.5, "default_value": 2.0}),
    ],
)
def test_derivatives_hold_with_other_arguments(name, attrs):
    check_gradients(lambda x: getattr(activation, name)(x, **attrs), [X])


def test_erfinv_is_the_inverse_of_erf_and_has_its_derivatives():
    x = X / 7
    np.testing.assert_allclose(activation.erfinv(activation.erf(x)).numpy(), x, rtol=1e-12)
    check_gradients(activation.erfinv, [x])


@pytest.mark.parametrize("name", ["relu", "sigmoid", "silu", "gelu", "softplus", "elu"])
def test_a_scalar_has_a_gradient_of_its_shape(name):
    x = convert_to_tensor(np.array(0.5, np.float32))
    with GradientTape() as tape:
        tape.watch(x)
        y = getattr(activation, name)(x)
    slope = tape.gradient(y, x)
    assert (y.shape, slope.shape, slope.dtype) == ((), (), "float32")
    h = 1e-2
    f = getattr(activation, name)
    np.testing.assert_allclose(float(slope), float(f(0.5 + h) - f(0.5 - h)) / (2 * h), rtol=1e-3)


@pytest.mark.parametrize("name", [name for name in SMOOTH if name not in ("glu", "sparsemax")])
def test_half_precision_comes_out_as_it_went_in_and_integers_become_floats(name):
    function = getattr(activation, name)
    half = function(X.astype(np.float16))
    assert half.dtype == "float16"
    np.testing.assert_allclose(half.numpy(), function(X).numpy(), rtol=5e-3, atol=5e-3)
    assert function([[1, 2]]).dtype == ("int32" if name in ("relu", "relu6") else "float32")


def test_the_slope_of_relu_at_zero_is_zero():
    x = convert_to_tensor(np.zeros(2))
    with GradientTape() as tape:
        tape.watch(x)
        y = activation.relu(x)
    assert tape.gradient(y, x).tolist() == [0.0, 0.0]


def test_a_softmax_over_one_element_warns():
    with pytest.warns(UserWarning, match="axis of size 1"):
        activation.softmax(np.zeros((3, 1)))


def test_sparsemax_shares_ties_and_sums_to_one():
    x = np.array([[1.0, 1.0, 0.0], [5.0, 0.0, 0.0], [0.1, 0.1, 0.1]])
    expected = [[0.5, 0.5, 0.0], [1.0, 0.0, 0.0], [1 / 3] * 3]
    np.testing.assert_allclose(activation.sparsemax(x).numpy(), expected, atol=1e-12)


@pytest.mark.parametrize("name", ["softmax", "log_softmax", "sparsemax", "glu"])
def test_an_axis_out_of_range_is_refused(name):
    with pytest.raises(ValueError, match=rf"{name}: expected an axis in \[-1, 1\)\. Received: axis=1"):
        getattr(activation, name)(np.zeros(4), axis=1)


def test_glu_refuses_an_odd_size():
    with pytest.raises(ValueError, match=r"even size\. Received: x\.shape=\(3,\)"):
        activation.glu(np.zeros(3))
