from __future__ import annotations

import numpy as np
import pytest
from scipy import special

TOLERANCE = {"float16": 5e-3, "float32": 2e-6, "float64": 1e-12}
DTYPES = list(TOLERANCE)
SHAPES = [(4, 5), (2, 3, 4), (7,), (0, 3), (3, 1)]


def log_probability(output, from_logits):
    if from_logits:
        return special.log_softmax(output, axis=-1)
    return np.log(np.clip(output / output.sum(-1, keepdims=True), 1e-7, 1 - 1e-7))


def sample(shape, dtype, from_logits):
    rng = np.random.default_rng(0)
    x = rng.normal(0, 3, shape) if from_logits else rng.uniform(0.1, 2, shape)
    return rng, x.astype(dtype)


@pytest.mark.parametrize("from_logits", [True, False])
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", SHAPES)
def test_categorical_losses_match_their_formula(kernels, shape, dtype, from_logits):
    rng, x = sample(shape, dtype, from_logits)
    log_p = log_probability(x.astype("float64"), from_logits)
    target = rng.uniform(size=shape).astype(dtype)
    loss = kernels.categorical_crossentropy(target, x, from_logits=from_logits)
    assert loss.dtype == dtype
    np.testing.assert_allclose(loss, -(target * log_p).sum(-1), rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
    index = rng.integers(0, shape[-1], shape[:-1])
    loss = kernels.sparse_categorical_crossentropy(index, x, from_logits=from_logits)
    assert loss.dtype == dtype
    expected = -np.take_along_axis(log_p, index[..., None], -1)[..., 0]
    np.testing.assert_allclose(loss, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", DTYPES)
def test_binary_loss_matches_its_formula(kernels, dtype):
    rng, x = sample((3, 9), dtype, True)
    target = rng.uniform(size=x.shape).astype(dtype)
    for from_logits, output in [(True, x), (False, special.expit(x.astype("float64")).astype(dtype))]:
        wide = output.astype("float64")
        p = special.expit(wide) if from_logits else np.clip(wide, 1e-7, 1 - 1e-7)
        loss = kernels.binary_crossentropy(target, output, from_logits=from_logits)
        assert loss.dtype == dtype
        expected = -target * np.log(p) - (1 - target) * np.log(1 - p)
        np.testing.assert_allclose(loss, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


def numeric(function, x, dy):
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[index] = 1e-6
        gradient[index] = (dy * (function(x + step) - function(x - step))).sum() / 2e-6
    return gradient


@pytest.mark.parametrize("from_logits", [True, False])
@pytest.mark.parametrize("name", ["sparse_categorical", "categorical", "binary"])
def test_gradients_match_numeric_differentiation(kernels, name, from_logits):
    rng = np.random.default_rng(2)
    x = rng.normal(size=(3, 2, 4)) if from_logits else rng.uniform(0.1, 0.9, (3, 2, 4))
    target = rng.integers(0, 4, (3, 2)) if name == "sparse_categorical" else rng.uniform(size=x.shape)
    forward, backward = (getattr(kernels, f"{name}_crossentropy{end}") for end in ("", "_backward"))
    dy = rng.normal(size=x.shape if name == "binary" else x.shape[:-1])
    expected = numeric(lambda x: forward(target, x, from_logits=from_logits), x, dy)
    dx = backward(dy, target, x, from_logits=from_logits)
    np.testing.assert_allclose(dx, expected, atol=1e-7)
    half = backward(dy.astype("float16"), target, x.astype("float16"), from_logits=from_logits)
    assert half.dtype == "float16"
    np.testing.assert_allclose(half, expected, atol=3e-2, rtol=1e-2)


@pytest.mark.parametrize("dtype", DTYPES)
def test_losses_from_huge_logits_are_finite(kernels, dtype):
    x = np.array([[1e4, -1e4, 0], [-np.inf, 0, 0]], dtype)
    loss = kernels.sparse_categorical_crossentropy(np.array([1, 2]), x, from_logits=True)
    np.testing.assert_allclose(loss, [2e4, np.log(2)], rtol=1e-3)
    loss = kernels.binary_crossentropy(np.ones((1, 3), dtype), x[:1], from_logits=True)
    np.testing.assert_allclose(loss, [[0, 1e4, np.log(2)]], rtol=1e-3)


def test_clipped_probabilities_have_no_gradient(kernels):
    output = np.array([[0.0, 1.0], [1.0, 0.0]])
    dy = np.ones(2)
    dx = kernels.sparse_categorical_crossentropy_backward(dy, np.array([0, 0]), output, from_logits=False)
    assert not dx.any()
    dx = kernels.categorical_crossentropy_backward(dy, np.eye(2), output, from_logits=False)
    assert not dx.any()
    dx = kernels.binary_crossentropy_backward(np.ones((2, 2)), np.eye(2), output, from_logits=False)
    assert not dx.any()


@pytest.mark.parametrize("from_logits", [True, False])
def test_a_target_that_names_no_class_has_no_loss_and_no_gradient(kernels, from_logits):
    output = np.array([[0.2, 0.8], [0.4, 0.6], [0.3, 0.7]])
    target = np.array([-1, 2, 1])
    loss = kernels.sparse_categorical_crossentropy(target, output, from_logits=from_logits)
    dx = kernels.sparse_categorical_crossentropy_backward(np.ones(3), target, output, from_logits=from_logits)
    assert loss[:2].tolist() == [0, 0]
    assert loss[2] > 0
    assert not dx[:2].any()
    assert dx[2].all()


def test_rows_of_zeros_give_nan_without_a_warning(kernels):
    zeros = np.zeros((1, 2), "float32")
    assert np.isnan(kernels.categorical_crossentropy(zeros + 1, zeros, from_logits=False)).all()


def test_strided_inputs_are_accepted_and_left_alone(kernels):
    x = np.linspace(0.1, 0.9, 24).reshape(4, 6).T[::2]
    target = np.array([3, 9, 1, 9, 0, 9])[::2]
    before = x.copy()
    for from_logits in (True, False):
        loss = kernels.sparse_categorical_crossentropy(target, x, from_logits=from_logits)
        expected = -np.take_along_axis(log_probability(before, from_logits), target[:, None], -1)[:, 0]
        np.testing.assert_allclose(loss, expected)
        kernels.sparse_categorical_crossentropy_backward(loss, target, x, from_logits=from_logits)
        kernels.categorical_crossentropy_backward(loss, x, x, from_logits=from_logits)
        kernels.binary_crossentropy_backward(x, x, x, from_logits=from_logits)
    np.testing.assert_array_equal(x, before)
