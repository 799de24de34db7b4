import numpy as np
import pytest

DTYPES = ("float16", "float32", "float64")
TOLERANCE = {"float16": 2e-3, "float32": 2e-6, "float64": 1e-12}
AXES = (None, (0,), (1, 2), (0, 2), ())


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("name", ["sum", "mean", "prod", "max", "min", "any", "all", "count_nonzero"])
def test_a_reduction_agrees_with_float64(kernels, name, dtype, axis, keepdims):
    x = np.random.default_rng(0).uniform(0.5, 1.5, (2, 3, 4)).astype(dtype)
    x[0, 1, 2] = 0
    for values in (x, x[::-1, ::2].transpose(1, 0, 2)):
        y = getattr(kernels, name)(values, axis=axis, keepdims=keepdims)
        expected = np.asarray(getattr(np, name)(values.astype("float64"), axis=axis, keepdims=keepdims))
        assert isinstance(y, np.ndarray)
        assert y.shape == expected.shape
        kind = {"any": "bool", "all": "bool", "count_nonzero": "int32"}
        assert y.dtype == kind.get(name, dtype)
        np.testing.assert_allclose(y, expected, TOLERANCE[dtype])


def test_half_precision_is_summed_in_single_precision(kernels):
    x = np.full((10000,), 0.1, "float16")
    assert abs(float(kernels.sum(x)) - 10000 * float(x[0])) < 1
    assert abs(float(kernels.mean(np.full((9,), 60000, "float16"))) - 60000) < 32
    np.testing.assert_allclose(kernels.cumsum(x, axis=0)[-1], 10000 * float(x[0]), 1e-3)


def test_what_is_too_large_for_half_precision_becomes_infinite_without_a_warning(kernels):
    x = np.full((4,), 60000, "float16")
    assert np.isinf(kernels.sum(x))
    assert np.isinf(kernels.prod(x))


def test_no_elements(kernels):
    x = np.zeros((0, 3))
    np.testing.assert_array_equal(kernels.sum(x, axis=(0,)), [0, 0, 0])
    np.testing.assert_array_equal(kernels.prod(x, axis=(0,)), [1, 1, 1])
    assert np.isnan(kernels.mean(x, axis=(0,))).all()
    assert kernels.mean(x, axis=(1,)).shape == (0,)
    assert not kernels.any(x)
    assert kernels.all(x)
    with pytest.raises(ValueError, match="no identity"):
        kernels.max(x, axis=(0,))


def test_integers_keep_their_dtype(kernels):
    x = np.array([[100, 100], [3, 2]], "int8")
    assert kernels.sum(x, axis=(1,)).dtype == "int8"
    assert kernels.max(x).dtype == "int8"


@pytest.mark.parametrize("dtype", [*DTYPES, "int32"])
@pytest.mark.parametrize("axis", [0, 1])
def test_the_position_of_an_extremum_is_the_first_of_equals(kernels, dtype, axis):
    x = np.array([[1, 3, 3], [3, 1, 1]], dtype)
    for name in ("argmax", "argmin"):
        y = getattr(kernels, name)(x, axis=axis)
        assert y.dtype == "int32"
        np.testing.assert_array_equal(y, getattr(np, name)(x, axis))


def test_the_position_of_nan_comes_first(kernels):
    assert kernels.argmax(np.array([1.0, np.nan, 5.0]), axis=0) == 1


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("axis", [0, 1])
def test_running_sums_and_products(kernels, dtype, axis):
    x = np.random.default_rng(3).uniform(0.5, 1.5, (4, 5)).astype(dtype)
    for name in ("cumsum", "cumprod"):
        y = getattr(kernels, name)(x, axis=axis)
        assert y.dtype == dtype
        np.testing.assert_allclose(y, getattr(np, name)(x.astype("float64"), axis), TOLERANCE[dtype])
    assert kernels.cumsum(x[:0], axis=axis).shape == (0, 5)
