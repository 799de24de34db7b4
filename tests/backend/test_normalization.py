from __future__ import annotations

import numpy as np
import pytest

TOLERANCE = {"float16": 4e-3, "float32": 5e-6, "float64": 1e-12}
DTYPES = list(TOLERANCE)
EPSILON = 1e-3


def wide(dtype):
    return "float64" if dtype == "float64" else "float32"


def close(actual, expected, dtype):
    np.testing.assert_allclose(actual, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


def numeric(function, x, dy):
    gradient = np.empty_like(x)
    for index in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[index] = 1e-6
        gradient[index] = (dy * (function(x + step) - function(x - step))).sum() / 2e-6
    return gradient


BATCH_CASES = [
    ((6, 5), -1),
    ((2, 4, 4, 3), 3),
    ((2, 3, 5, 4), 1),
    ((3, 7), 0),
    ((1, 1), 1),
    ((64, 700), 1),
    ((4096, 2), 1),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize(("shape", "axis"), BATCH_CASES)
def test_batch_norm_matches_its_formula(kernels, shape, axis, affine, dtype):
    rng = np.random.default_rng(0)
    x = rng.normal(3, 2, shape).astype(dtype)
    channels = shape[axis]
    gamma, beta = (rng.normal(size=channels).astype(dtype) if affine else None for _ in range(2))
    y, mean, variance, rstd = kernels.batch_norm(x, gamma, beta, axis=axis, epsilon=EPSILON)
    moved = np.moveaxis(x.astype("float64"), axis, -1)
    flat = moved.reshape(-1, channels)
    assert y.dtype == dtype
    assert {a.dtype.name for a in (mean, variance, rstd)} == {wide(dtype)}
    close(mean, flat.mean(0), wide(dtype))
    close(variance, flat.var(0), wide(dtype))
    np.testing.assert_allclose(rstd, 1 / np.sqrt(flat.var(0) + EPSILON), rtol=1e-5)
    expected = (moved - flat.mean(0)) / np.sqrt(flat.var(0) + EPSILON)
    if affine:
        expected = expected * gamma + beta
    np.testing.assert_allclose(
        y,
        np.moveaxis(expected, -1, axis),
        rtol=2e-3 if dtype == "float16" else 1e-5,
        atol=4 * TOLERANCE[dtype],
    )


def test_batch_norm_variance_survives_a_large_mean(kernels):
    x = (1e4 + np.random.default_rng(0).normal(size=(4096, 3))).astype("float32")
    variance = kernels.batch_norm(x, None, None, axis=1, epsilon=EPSILON)[2]
    np.testing.assert_allclose(variance, x.astype("float64").var(0), rtol=1e-3)


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize(("shape", "axis"), [((4, 3), -1), ((2, 2, 2, 3), 3), ((2, 3, 4), 1)])
def test_batch_norm_gradients_match_numeric_differentiation(kernels, shape, axis, affine):
    rng = np.random.default_rng(1)
    x, dy = rng.normal(size=shape), rng.normal(size=shape)
    channels = shape[axis]
    gamma, beta = rng.normal(size=channels), rng.normal(size=channels)
    used = (gamma, beta) if affine else (None, None)

    def forward(x, gamma, beta):
        return kernels.batch_norm(x, gamma, beta, axis=axis, epsilon=EPSILON)[0]

    _, mean, _, rstd = kernels.batch_norm(x, *used, axis=axis, epsilon=EPSILON)
    dx, dgamma, dbeta = kernels.batch_norm_backward(dy, x, used[0], mean, rstd, axis=axis)
    np.testing.assert_allclose(dx, numeric(lambda x: forward(x, *used), x, dy), atol=1e-7)
    np.testing.assert_allclose(dgamma, numeric(lambda g: forward(x, g, beta), gamma, dy), atol=1e-7)
    np.testing.assert_allclose(dbeta, numeric(lambda b: forward(x, gamma, b), beta, dy), atol=1e-7)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
@pytest.mark.parametrize(("shape", "axis"), BATCH_CASES)
def test_batch_norm_gradients_in_lower_precision_follow_double_precision(kernels, shape, axis, dtype):
    rng = np.random.default_rng(2)
    x, dy = (rng.normal(size=shape).astype(dtype) for _ in range(2))
    gamma = rng.normal(size=shape[axis]).astype(dtype)
    results = []
    for d in (dtype, "float64"):
        a, b, g = x.astype(d), dy.astype(d), gamma.astype(d)
        _, mean, _, rstd = kernels.batch_norm(a, g, None, axis=axis, epsilon=EPSILON)
        results.append(kernels.batch_norm_backward(b, a, g, mean, rstd, axis=axis))
    for low, high in zip(*results):
        assert low.dtype == dtype
        np.testing.assert_allclose(low, high, rtol=5e-3, atol=2e-2 if dtype == "float16" else 2e-4)


@pytest.mark.parametrize("axis", [1, 3])
def test_batch_norm_of_an_empty_batch_has_zero_statistics(kernels, axis):
    x = np.zeros((0, 2, 3, 2), "float32")
    y, mean, variance, rstd = kernels.batch_norm(x, np.ones(2, "float32"), None, axis=axis, epsilon=1.0)
    assert y.shape == x.shape
    assert (mean.tolist(), variance.tolist(), rstd.tolist()) == ([0, 0], [0, 0], [1, 1])
    dx, dgamma, dbeta = kernels.batch_norm_backward(x, x, None, mean, rstd, axis=axis)
    assert dx.shape == x.shape
    assert dgamma.tolist() == dbeta.tolist() == [0, 0]


ROW_CASES = [
    ((4, 6), (-1,)),
    ((2, 3, 4), (1, 2)),
    ((2, 3, 4), (1,)),
    ((2, 3, 4), (2, 0)),
    ((5,), (0,)),
    ((3, 1), (1,)),
    ((300, 500), (1,)),
    ((0, 3), (1,)),
]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize(("shape", "axes"), ROW_CASES)
def test_layer_and_rms_norm_match_their_formulas(kernels, shape, axes, affine, dtype):
    rng = np.random.default_rng(3)
    x = rng.normal(1, 2, shape).astype(dtype)
    parameter_shape = tuple(shape[a] for a in axes)
    gamma, beta = (rng.normal(size=parameter_shape).astype(dtype) if affine else None for _ in range(2))
    x64 = x.astype("float64")

    def spread(p):
        order = np.argsort([a % x.ndim for a in axes])
        full = [n if a in [b % x.ndim for b in axes] else 1 for a, n in enumerate(shape)]
        return p.astype("float64").transpose(order).reshape(full)

    y, mean, rstd = kernels.layer_norm(x, gamma, beta, axes=axes, epsilon=EPSILON)
    expected_mean = x64.mean(axes, keepdims=True)
    expected_rstd = 1 / np.sqrt(x64.var(axes, keepdims=True) + EPSILON)
    expected = (x64 - expected_mean) * expected_rstd
    if affine:
        expected = expected * spread(gamma) + spread(beta)
    assert y.dtype == dtype
    assert mean.dtype == rstd.dtype == wide(dtype)
    close(mean, expected_mean, wide(dtype))
    np.testing.assert_allclose(rstd, expected_rstd, rtol=1e-5)
    np.testing.assert_allclose(y, expected, rtol=2e-3 if dtype == "float16" else 1e-5, atol=4 * TOLERANCE[dtype])

    y, rstd = kernels.rms_norm(x, gamma, axes=axes, epsilon=EPSILON)
    expected_rstd = 1 / np.sqrt((x64**2).mean(axes, keepdims=True) + EPSILON)
    expected = x64 * expected_rstd * (spread(gamma) if affine else 1)
    assert y.dtype == dtype
    np.testing.assert_allclose(rstd, expected_rstd, rtol=1e-5)
    close(y, expected, dtype)


@pytest.mark.parametrize("affine", [True, False])
@pytest.mark.parametrize(
    ("shape", "axes"), [((3, 4), (1,)), ((2, 3, 2), (1, 2)), ((2, 3, 2), (2, 0)), ((2, 3, 2), (1,))]
)
def test_layer_and_rms_norm_gradients_match_numeric_differentiation(kernels, shape, axes, affine):
    rng = np.random.default_rng(4)
    x, dy = rng.normal(size=shape), rng.normal(size=shape)
    parameter_shape = tuple(shape[a] for a in axes)
    gamma, beta = rng.normal(size=parameter_shape), rng.normal(size=parameter_shape)
    used = gamma if affine else None

    def layer(x, gamma, beta):
        return kernels.layer_norm(x, gamma, beta, axes=axes, epsilon=EPSILON)[0]

    def rms(x, gamma):
        return kernels.rms_norm(x, gamma, axes=axes, epsilon=EPSILON)[0]

    _, mean, rstd = kernels.layer_norm(x, used, None, axes=axes, epsilon=EPSILON)
    dx, dgamma, dbeta = kernels.layer_norm_backward(dy, x, used, mean, rstd, axes=axes)
    np.testing.assert_allclose(dx, numeric(lambda x: layer(x, used, None), x, dy), atol=1e-7)
    np.testing.assert_allclose(dgamma, numeric(lambda g: layer(x, g, beta), gamma, dy), atol=1e-7)
    np.testing.assert_allclose(dbeta, numeric(lambda b: layer(x, gamma, b), beta, dy), atol=1e-7)

    _, rstd = kernels.rms_norm(x, used, axes=axes, epsilon=EPSILON)
    dx, dscale = kernels.rms_norm_backward(dy, x, used, rstd, axes=axes)
    np.testing.assert_allclose(dx, numeric(lambda x: rms(x, used), x, dy), atol=1e-7)
    np.testing.assert_allclose(dscale, numeric(lambda g: rms(x, g), gamma, dy), atol=1e-7)


def test_half_precision_gradients_have_the_dtypes_of_their_inputs(kernels):
    x = np.random.default_rng(5).normal(size=(4, 6)).astype("float16")
    gamma = np.ones(6, "float32")
    _, mean, rstd = kernels.layer_norm(x, gamma, gamma, axes=(1,), epsilon=EPSILON)
    layer = kernels.layer_norm_backward(x, x, gamma, mean, rstd, axes=(1,))
    assert [g.dtype.name for g in layer] == ["float16", "float32", "float32"]
    rms = kernels.rms_norm_backward(x, x, gamma, rstd, axes=(1,))
    assert [g.dtype.name for g in rms] == ["float16", "float32"]


def test_strided_inputs_are_accepted_and_left_alone(kernels):
    x = np.random.default_rng(6).normal(size=(6, 4, 8)).transpose(2, 0, 1)[::2, :, ::-1]
    before = x.copy()
    y, mean, _, rstd = kernels.batch_norm(x, None, None, axis=2, epsilon=EPSILON)
    kernels.batch_norm_backward(y, x, None, mean, rstd, axis=2)
    np.testing.assert_allclose(y, kernels.batch_norm(before, None, None, axis=2, epsilon=EPSILON)[0], atol=1e-12)
    y, mean, rstd = kernels.layer_norm(x, None, None, axes=(2,), epsilon=EPSILON)
    kernels.layer_norm_backward(x, x, None, mean, rstd, axes=(2,))
    np.testing.assert_allclose(y, kernels.layer_norm(before, None, None, axes=(2,), epsilon=EPSILON)[0], atol=1e-12)
    y, rstd = kernels.rms_norm(x, None, axes=(2,), epsilon=EPSILON)
    kernels.rms_norm_backward(x, x, None, rstd, axes=(2,))
    np.testing.assert_array_equal(x, before)
