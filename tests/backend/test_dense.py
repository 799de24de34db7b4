import numpy as np
import pytest

TOLERANCE = {"float16": 2e-2, "float32": 1e-5, "float64": 1e-12}
ACTIVATIONS = {
    "linear": lambda z: z,
    "relu": lambda z: np.where(z > 0, z, 0),
    "sigmoid": lambda z: 1 / (1 + np.exp(-z)),
    "tanh": np.tanh,
}


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("lead", [(5,), (1,), (0,), (2, 3), (2, 0, 3)])
@pytest.mark.parametrize("with_bias", [True, False])
def test_dense_is_an_activation_of_a_product_and_a_bias(kernels, rng, dtype, activation, lead, with_bias):
    x = rng.normal(size=(*lead, 4)).astype(dtype)
    kernel = rng.normal(size=(4, 3)).astype(dtype)
    bias = rng.normal(size=3).astype(dtype) if with_bias else None
    y = kernels.dense(x, kernel, bias, activation=activation)
    z = x.astype(float) @ kernel.astype(float) + (bias.astype(float) if with_bias else 0)
    assert y.dtype == dtype
    assert y.shape == (*lead, 3)
    np.testing.assert_allclose(y, ACTIVATIONS[activation](z), rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


def test_dense_takes_strided_operands_and_leaves_them_as_they_are(kernels, rng):
    x, kernel, bias = rng.normal(size=(4, 6)).T, rng.normal(size=(8, 3))[::2], rng.normal(size=6)[::2]
    before = x.copy(), kernel.copy(), bias.copy()
    y = kernels.dense(x, kernel, bias, activation="sigmoid")
    np.testing.assert_allclose(y, 1 / (1 + np.exp(-(before[0] @ before[1] + before[2]))))
    for now, then in zip((x, kernel, bias), before, strict=True):
        np.testing.assert_array_equal(now, then)


@pytest.mark.parametrize("dtype", TOLERANCE)
def test_the_sigmoid_is_finite_and_exact_at_the_ends(kernels, dtype):
    x = np.array([[-3e4], [-5.0], [0.0], [3e4], [np.nan]], dtype)
    y = kernels.dense(x, np.ones((1, 1), dtype), None, activation="sigmoid")[:, 0]
    assert float(y[0]) < 1e-30
    np.testing.assert_allclose(y[1:4].astype(float), [1 / (1 + np.exp(5)), 0.5, 1], rtol=1e-3)
    assert np.isnan(y[4])


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("lead", [(5,), (40,), (1,), (0,), (2, 3), (2, 0, 3)])
def test_the_gradients_of_dense_are_those_of_its_formula(kernels, rng, dtype, activation, lead):
    x, kernel = rng.normal(size=(*lead, 4)).astype(dtype), rng.normal(size=(4, 3)).astype(dtype)
    dy = rng.normal(size=(*lead, 3)).astype(dtype)
    y = kernels.dense(x, kernel, np.zeros(3, dtype), activation=activation)
    slope = {
        "linear": np.ones_like(y, float),
        "relu": (y > 0).astype(float),
        "sigmoid": y.astype(float) * (1 - y.astype(float)),
        "tanh": 1 - y.astype(float) ** 2,
    }[activation]
    g = (dy.astype(float) * slope).reshape(-1, 3)
    expected = (
        (g @ kernel.astype(float).T).reshape(x.shape),
        x.astype(float).reshape(-1, 4).T @ g,
        g.sum(0),
    )
    grads = kernels.dense_backward(dy, x, kernel, y, activation=activation, needs=(True, True, True))
    for grad, value in zip(grads, expected, strict=True):
        assert grad.dtype == dtype
        assert grad.shape == value.shape
        np.testing.assert_allclose(grad.astype(float), value, rtol=TOLERANCE[dtype], atol=10 * TOLERANCE[dtype])


def test_only_the_gradients_that_are_needed_are_computed(kernels, rng):
    x, kernel, dy = rng.normal(size=(5, 4)), rng.normal(size=(4, 3)), rng.normal(size=(5, 3))
    y = kernels.dense(x, kernel, None, activation="tanh")
    for needs in ((True, False, False), (False, True, False), (False, False, True)):
        grads = kernels.dense_backward(dy, x, kernel, y, activation="tanh", needs=needs)
        assert tuple(grad is not None for grad in grads) == needs
