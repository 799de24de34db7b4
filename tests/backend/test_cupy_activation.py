"""Sizes, alignments and dtypes that make the GPU's activations take each of their ways."""

from __future__ import annotations

import numpy as np
import pytest

from kerasish import backend

TOLERANCE = {"bfloat16": 1e-2, "float16": 2e-3, "float32": 2e-6, "float64": 1e-13}
NUMPY = backend.kernels_of("numpy")
FORMULAS = {
    "relu": {},
    "sigmoid": {},
    "softplus": {},
    "gelu": {"approximate": False},
    "silu": {},
    "elu": {"alpha": 0.7},
    "erf": {},
    "erfinv": {},
}
# Lanes that share a warp, a whole warp, a block, and blocks that share a row; whole packs and odd ends.
ROWS = [(9, 1), (70, 3), (5, 33), (3, 256), (3, 1001), (2, 2500), (2, 4096), (2, 33003), (1, 32768)]


def floats(name):
    if name == "bfloat16":
        return pytest.importorskip("ml_dtypes").bfloat16
    return np.dtype(name)


def sample(shape, dtype, seed=0, scale=2.0):
    return np.random.default_rng(seed).normal(0, scale, shape).astype(floats(dtype))


def close(actual, expected, dtype):
    np.testing.assert_allclose(
        actual.astype("float64"), expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] * min(1, abs(expected).max())
    )


def shifted(array):
    """On the device, contiguous but one element off the alignment of packs."""
    import cupy

    memory = cupy.asarray(np.concatenate([array.reshape(-1)[:1], array.reshape(-1)]))
    return memory[1:].reshape(array.shape)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("name", FORMULAS)
def test_an_activation_follows_numpy_at_every_size(cupy_kernels, name, dtype):
    for size in (1, 7, 8, 2053):
        x = np.clip(sample(size, dtype, scale=0.4), -0.9, 0.9).astype(floats(dtype))
        y = getattr(cupy_kernels, name)(x, **FORMULAS[name])
        assert y.dtype == x.dtype
        close(y, NUMPY[name](x.astype("float64"), **FORMULAS[name]), dtype)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_infinity_and_nan_pass_through_half_precision(cupy_kernels, dtype):
    x = np.array([-np.inf, np.inf, np.nan] * 3).astype(floats(dtype))
    for name, attrs in FORMULAS.items():
        y = getattr(cupy_kernels, name)(x, **attrs)
        expected = NUMPY[name](x.astype("float64"), **attrs)
        np.testing.assert_allclose(y.astype("float64"), expected, atol=1e-2)


@pytest.mark.parametrize("approximate", [False, True])
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_gelu_backward_follows_numpy(cupy_kernels, dtype, approximate):
    x, dy = sample(1029, dtype), sample(1029, dtype, seed=1)
    dx = cupy_kernels.gelu_backward(dy, x, approximate=approximate)
    assert dx.dtype == x.dtype
    expected = NUMPY["gelu_backward"](dy.astype("float64"), x.astype("float64"), approximate=approximate)
    close(dx, expected, dtype)
    mixed = cupy_kernels.gelu_backward(dy.astype("float32"), x, approximate=approximate)
    assert mixed.dtype == x.dtype
    if dtype != "float64":
        close(mixed, expected, dtype)
    assert np.isnan(cupy_kernels.gelu_backward(dy[:1], np.full(1, np.nan, x.dtype), approximate=approximate)).all()


def test_relu_takes_integers(cupy_kernels):
    y = cupy_kernels.relu(np.array([-3, 0, 5], "int32"))
    assert y.dtype == "int32"
    assert y.tolist() == [0, 0, 5]


@pytest.mark.usefixtures("cupy_kernels")
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_arrays_off_the_alignment_of_packs_are_accepted(dtype):
    kernels = backend.kernels_of("cupy")
    x, dy = sample((3, 1000), dtype), sample((3, 1000), dtype, seed=1)
    wide, wide_dy = x.astype("float64"), dy.astype("float64")
    close(kernels["silu"](shifted(x)).get(), NUMPY["silu"](wide), dtype)
    dx = kernels["gelu_backward"](shifted(dy), kernels["relu"](shifted(x)), approximate=True)
    close(dx.get(), NUMPY["gelu_backward"](wide_dy, NUMPY["relu"](wide), approximate=True), dtype)
    y = kernels["softmax"](shifted(x), axis=-1)
    close(y.get(), NUMPY["softmax"](wide, axis=-1), dtype)
    dx = kernels["softmax_backward"](shifted(dy), y, axis=-1)
    close(dx.get(), NUMPY["softmax_backward"](wide_dy, NUMPY["softmax"](wide, axis=-1), axis=-1), dtype)


def check_softmaxes(kernels, x, dy, axis, dtype):
    wide, wide_dy = x.astype("float64"), dy.astype("float64")
    for name in ("softmax", "log_softmax"):
        y = getattr(kernels, name)(x, axis=axis)
        expected = NUMPY[name](wide, axis=axis)
        assert y.dtype == x.dtype
        close(y, expected, dtype)
        dx = getattr(kernels, f"{name}_backward")(dy, expected.astype(x.dtype), axis=axis)
        assert dx.dtype == x.dtype
        # The gradient of the output as it is rounded; sums along the axis carry its error.
        rounded = expected.astype(x.dtype).astype("float64")
        gradient = NUMPY[f"{name}_backward"](wide_dy, rounded, axis=axis)
        scale = max(1.0, abs(wide_dy.sum(axis)).max()) * TOLERANCE[dtype]
        np.testing.assert_allclose(dx.astype("float64"), gradient, rtol=TOLERANCE[dtype], atol=scale * 0.2)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("shape", ROWS)
def test_rows_of_every_length_are_normalized(cupy_kernels, shape, dtype):
    check_softmaxes(cupy_kernels, sample(shape, dtype), sample(shape, dtype, seed=1, scale=1), -1, dtype)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("shape", "axis"), [((2, 5, 40), 1), ((3, 300, 17), 1), ((70, 3), 0), ((2, 3, 4, 16), -3)])
def test_an_axis_inside_is_normalized_where_it_is_or_after_a_copy(cupy_kernels, shape, axis, dtype):
    check_softmaxes(cupy_kernels, sample(shape, dtype), sample(shape, dtype, seed=1, scale=1), axis, dtype)


@pytest.mark.parametrize(("shape", "axis"), [((2, 64), -1), ((2, 3000), -1), ((2, 40000), -1), ((6, 32), 0)])
def test_masked_parts_of_a_row_have_probability_zero(cupy_kernels, shape, axis):
    x = np.moveaxis(sample(shape, "float32"), axis, -1)
    x[..., : x.shape[-1] // 2] = -np.inf
    x[0, -1] = 1e4
    x = np.moveaxis(x, -1, axis)
    np.testing.assert_allclose(
        cupy_kernels.softmax(x, axis=axis), NUMPY["softmax"](x.astype("float64"), axis=axis), rtol=1e-5, atol=1e-30
    )
    np.testing.assert_allclose(
        cupy_kernels.log_softmax(x, axis=axis), NUMPY["log_softmax"](x.astype("float64"), axis=axis), rtol=1e-5
    )


@pytest.mark.parametrize("special", [np.inf, np.nan])
@pytest.mark.parametrize("count", [40, 3000, 40000])
def test_infinity_or_nan_spoils_its_row_alone(cupy_kernels, count, special):
    x = np.zeros((3, count), "float32")
    x[1, count // 3] = special
    x[2] = -np.inf
    y = cupy_kernels.softmax(x, axis=-1)
    np.testing.assert_allclose(y[0], 1 / count, rtol=1e-6)
    assert np.isnan(y[1:]).all()
    assert np.isnan(cupy_kernels.log_softmax(x, axis=-1)[1:]).all()


def test_a_softmax_gradient_of_another_dtype_keeps_the_dtype_of_the_output(cupy_kernels):
    y = NUMPY["softmax"](sample((3, 40), "float32"), axis=-1).astype("float16")
    dy = sample((3, 40), "float32", seed=1)
    dx = cupy_kernels.softmax_backward(dy, y, axis=-1)
    assert dx.dtype == "float16"
    expected = NUMPY["softmax_backward"](dy.astype("float64"), y.astype("float64"), axis=-1)
    np.testing.assert_allclose(dx, expected, rtol=2e-3, atol=1e-5)
