from __future__ import annotations

import functools

import numpy as np
import pytest
import scipy.special as special

TOLERANCE = {"float16": 2e-3, "float32": 1e-6, "float64": 1e-13}
DTYPES = list(TOLERANCE)

# Name -> (kernel, its attributes, reference).
ELEMENTWISE = {
    "sigmoid": ("sigmoid", {}, special.expit),
    "relu": ("relu", {}, lambda x: np.where(x > 0, x, 0)),
    "softplus": ("softplus", {}, lambda x: np.logaddexp(0, x)),
    "gelu": ("gelu", {"approximate": False}, lambda x: x * special.ndtr(x)),
    "gelu_tanh": (
        "gelu",
        {"approximate": True},
        lambda x: 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3))),
    ),
    "silu": ("silu", {}, lambda x: x * special.expit(x)),
    "elu": ("elu", {"alpha": 1.5}, lambda x: np.where(x > 0, x, 1.5 * np.expm1(np.minimum(x, 0)))),
    "erf": ("erf", {}, special.erf),
}


def elementwise(kernels, name):
    kernel, attrs, reference = ELEMENTWISE[name]
    return functools.partial(getattr(kernels, kernel), **attrs), reference


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_activations_match_their_formula(kernels, name, dtype):
    kernel, reference = elementwise(kernels, name)
    x = np.concatenate([np.linspace(-30, 30, 16003), np.linspace(-1, 1, 701)]).astype(dtype)
    y = kernel(x)
    assert y.dtype == dtype
    np.testing.assert_allclose(y, reference(x.astype("float64")), rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", ["softplus", "sigmoid", "silu", "elu", "erf"])
def test_small_results_are_accurate_in_relative_terms(kernels, name, dtype):
    kernel, reference = elementwise(kernels, name)
    x = np.concatenate([np.linspace(-60, -1, 999), -np.logspace(-12, 0, 999)]).astype(dtype)
    np.testing.assert_allclose(kernel(x), reference(x.astype("float64")), rtol=4 * TOLERANCE[dtype], atol=0)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_activations_have_limits_at_infinity(kernels, name, dtype):
    kernel, _ = elementwise(kernels, name)
    low = {"elu": -1.5, "erf": -1.0}.get(name, 0.0)
    bounded = name in ("sigmoid", "erf")
    x = np.array([-np.inf, -1e4, 1e4, np.inf, np.nan], dtype)
    expected = [low, low, 1 if bounded else x[2], 1 if bounded else np.inf, np.nan]
    np.testing.assert_allclose(kernel(x), expected, rtol=1e-6, atol=1e-30)


@pytest.mark.parametrize("dtype", DTYPES)
def test_erfinv_matches_scipy(kernels, dtype):
    x = np.concatenate([np.linspace(-0.9995, 0.9995, 2001), [-1e-4, 1e-4]]).astype(dtype)
    reference = special.erfinv(x.astype("float64"))
    np.testing.assert_allclose(kernels.erfinv(x), reference, rtol=TOLERANCE[dtype], atol=1e-30)


def test_erfinv_is_infinite_at_one_and_nan_beyond_and_exact_in_the_tail(kernels):
    np.testing.assert_array_equal(
        kernels.erfinv(np.array([-1.0, 1.0, 1.5, -2, np.nan])), [-np.inf, np.inf] + [np.nan] * 3
    )
    tail = 1 - np.array([1e-9, 1e-12, 1e-15])
    np.testing.assert_allclose(kernels.erfinv(tail), special.erfinv(tail), rtol=1e-13)


@pytest.mark.parametrize("approximate", [False, True])
@pytest.mark.parametrize("dtype", DTYPES)
def test_gelu_backward_is_the_slope_of_gelu(kernels, dtype, approximate):
    x = np.linspace(-8, 8, 501).astype(dtype)
    dy = np.cos(np.arange(501)).astype(dtype)
    wide = x.astype("float64")
    h = 1e-5
    slope = (kernels.gelu(wide + h, approximate=approximate) - kernels.gelu(wide - h, approximate=approximate)) / (
        2 * h
    )
    dx = kernels.gelu_backward(dy, x, approximate=approximate)
    assert dx.dtype == dtype
    np.testing.assert_allclose(dx, dy * slope, rtol=0, atol=max(3 * TOLERANCE[dtype], 1e-9))


@pytest.mark.parametrize("approximate", [False, True])
def test_gelu_backward_has_limits_at_infinity(kernels, approximate):
    x = np.array([-np.inf, -1e4, 1e4, np.inf], "float32")
    dx = kernels.gelu_backward(np.ones(4, "float32"), x, approximate=approximate)
    np.testing.assert_allclose(dx, [0, 0, 1, 1], atol=1e-30)


@pytest.mark.parametrize("shape", [(), (0,), (0, 3), (1,), (1, 1, 1), (3, 1, 5)])
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_activations_accept_odd_shapes(kernels, name, shape):
    kernel, reference = elementwise(kernels, name)
    x = np.full(shape, 0.7, "float32")
    y = kernel(x)
    assert isinstance(y, np.ndarray)
    assert y.shape == shape
    np.testing.assert_allclose(y, reference(x.astype("float64")), rtol=1e-6)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_elementwise_activations_accept_strided_views_and_leave_them_alone(kernels, name):
    kernel, reference = elementwise(kernels, name)
    x = np.linspace(-2, 2, 48).reshape(6, 8).T[::2, ::-1]
    before = x.copy()
    np.testing.assert_allclose(kernel(x), reference(before), rtol=1e-12, atol=1e-13)
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize(
    ("shape", "axis"), [((4, 7), -1), ((4, 7), 0), ((2, 3, 5), 1), ((5,), 0), ((3, 1), 1), ((0, 4), 1)]
)
def test_softmaxes_match_scipy(kernels, shape, axis, dtype):
    x = np.random.default_rng(0).normal(0, 4, shape).astype(dtype)
    for kernel, reference in [(kernels.softmax, special.softmax), (kernels.log_softmax, special.log_softmax)]:
        y = kernel(x, axis=axis)
        assert y.dtype == dtype
        assert y.shape == shape
        if x.size:
            expected = reference(x.astype("float64"), axis=axis)
            np.testing.assert_allclose(y, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


def test_softmaxes_are_stable_far_from_zero_and_follow_keras_at_infinity(kernels):
    x = np.array([[1e4, -1e4, 1e4], [-np.inf, 0, 0], [-np.inf] * 3, [np.inf, 0, 0]], "float32")
    y = kernels.softmax(x, axis=-1)
    np.testing.assert_allclose(y[:2], [[0.5, 0, 0.5], [0, 0.5, 0.5]])
    assert np.isnan(y[2:, 0]).all()
    np.testing.assert_allclose(kernels.log_softmax(x, axis=-1)[:2], np.log([0.5]) + [[0, -2e4, 0], [-np.inf, 0, 0]])


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_softmax_gradients_match_numeric_differentiation(kernels, axis):
    rng = np.random.default_rng(1)
    x, dy = rng.normal(size=(3, 4, 2)), rng.normal(size=(3, 4, 2))
    pairs = [(kernels.softmax, kernels.softmax_backward), (kernels.log_softmax, kernels.log_softmax_backward)]
    for forward, backward in pairs:
        expected = np.empty_like(x)
        for index in np.ndindex(x.shape):
            step = np.zeros_like(x)
            step[index] = 1e-6
            expected[index] = (dy * (forward(x + step, axis=axis) - forward(x - step, axis=axis))).sum() / 2e-6
        y = forward(x, axis=axis)
        np.testing.assert_allclose(backward(dy, y, axis=axis), expected, atol=1e-8)
        half = backward(dy.astype("float16"), y.astype("float16"), axis=axis)
        assert half.dtype == "float16"
        np.testing.assert_allclose(half, expected, atol=1e-2)
