"""Sizes, alignments and dtypes that make the GPU's pooling take each of its ways."""

from __future__ import annotations

import numpy as np
import pytest

from kerasish import backend

TOLERANCE = {"bfloat16": 1e-2, "float16": 2e-3, "float32": 1e-6, "float64": 1e-13}
NUMPY = backend.kernels_of("numpy")

# (x shape, window, strides, padding)
CASES = {
    "packs": ((3, 9, 8, 24), (2, 2), (2, 2), ((0, 1), (0, 0))),
    "overlapping": ((2, 9, 10, 8), (3, 3), (2, 2), ((1, 1), (0, 1))),
    "overlapping, every place": ((2, 7, 6, 7), (3, 4), (1, 1), ((1, 1), (2, 1))),
    "strides past the window": ((2, 11, 9, 16), (2, 1), (3, 4), ((0, 0), (0, 0))),
    "cropped": ((2, 8, 9, 8), (2, 3), (2, 2), ((-1, 0), (0, -2))),
    "many places": ((2, 33, 34, 8), (2, 3), (2, 1), ((0, 0), (1, 1))),
    "1-d": ((2, 50, 16), (5,), (3,), ((2, 2),)),
    "3-d": ((2, 6, 5, 7, 8), (2, 3, 2), (2, 1, 2), ((0, 1), (1, 1), (1, 0))),
}


def floats(name):
    if name == "bfloat16":
        return pytest.importorskip("ml_dtypes").bfloat16
    return np.dtype(name)


def attributes(case):
    return dict(zip(("window", "strides", "padding"), case[1:]))


def exact(array):
    return array.astype("float64")


def whole(shape, seed, dtype):
    """Few distinct values, so that most windows hold their maximum several times."""
    return np.random.default_rng(seed).integers(-3, 3, shape).astype(floats(dtype))


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_pooling_and_its_gradients_follow_numpy(cupy_kernels, case, dtype):
    named = attributes(case)
    x = whole(case[0], 1, dtype)
    best, mean = NUMPY["max_pool"](exact(x), **named), NUMPY["average_pool"](exact(x), **named)
    got = cupy_kernels.max_pool(x, **named)
    assert got.dtype == floats(dtype)
    np.testing.assert_array_equal(exact(got), best)
    averages = cupy_kernels.average_pool(x, **named)
    assert averages.dtype == floats(dtype)
    np.testing.assert_allclose(exact(averages), mean, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
    dy = whole(best.shape, 2, dtype)
    gradient = cupy_kernels.max_pool_backward(dy, x, got, **named)
    assert gradient.dtype == floats(dtype)
    np.testing.assert_array_equal(exact(gradient), NUMPY["max_pool_backward"](exact(dy), exact(x), best, **named))
    shares = cupy_kernels.average_pool_backward(dy, input_shape=x.shape, **named)
    expected = NUMPY["average_pool_backward"](exact(dy), input_shape=x.shape, **named)
    assert shares.dtype == floats(dtype)
    np.testing.assert_allclose(exact(shares), expected, rtol=TOLERANCE[dtype], atol=2 * TOLERANCE[dtype])


def test_arrays_that_are_not_aligned_give_the_same(cupy_kernels):
    import cupy

    def shifted(array):
        memory = cupy.asarray(np.concatenate([array.reshape(-1)[:1], array.reshape(-1)]))
        return memory[1:].reshape(array.shape)

    case = CASES["overlapping"]
    named = attributes(case)
    raw = backend.kernels_of("cupy")
    x = whole(case[0], 1, "float16")
    y = cupy_kernels.max_pool(x, **named)
    dy = whole(y.shape, 2, "float16")
    np.testing.assert_array_equal(cupy.asnumpy(raw["max_pool"](shifted(x), **named)), y)
    np.testing.assert_array_equal(
        cupy.asnumpy(raw["max_pool_backward"](shifted(dy), shifted(x), shifted(y), **named)),
        cupy_kernels.max_pool_backward(dy, x, y, **named),
    )
    np.testing.assert_array_equal(
        cupy.asnumpy(raw["average_pool"](shifted(x), **named)), cupy_kernels.average_pool(x, **named)
    )
    np.testing.assert_array_equal(
        cupy.asnumpy(raw["average_pool_backward"](shifted(dy), input_shape=x.shape, **named)),
        cupy_kernels.average_pool_backward(dy, input_shape=x.shape, **named),
    )


@pytest.mark.parametrize("dtype", ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"])
def test_the_maximum_of_integers_is_exact(cupy_kernels, dtype):
    ends = np.iinfo(dtype)
    x = np.array([ends.min, ends.min, ends.max - 1, ends.max, ends.max // 2, ends.min], dtype).reshape(1, 6, 1)
    y = cupy_kernels.max_pool(x, window=(2,), strides=(2,), padding=((0, 0),))
    assert y.dtype == dtype
    np.testing.assert_array_equal(y.ravel(), np.array([ends.min, ends.max, ends.max // 2], dtype))


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_a_window_with_nan_is_nan_and_passes_no_gradient(cupy_kernels, dtype):
    named = {"window": (2,), "strides": (2,), "padding": ((0, 0),)}
    x = np.array([np.nan, 1, 2, np.nan, 3, 4], dtype).reshape(1, 6, 1)
    y = cupy_kernels.max_pool(x, **named)
    np.testing.assert_array_equal(y.ravel(), np.array([np.nan, np.nan, 4], dtype))
    dx = cupy_kernels.max_pool_backward(np.ones_like(y), x, y, **named)
    np.testing.assert_array_equal(dx.ravel(), np.array([0, 0, 0, 0, 0, 1], dtype))


def test_a_batch_too_large_for_one_launch_is_cut(cupy_kernels, monkeypatch):
    monkeypatch.setattr("kerasish.backend.cupy._window._INDEXED", 500)
    named = {"window": (2, 2), "strides": (1, 2), "padding": ((0, 0), (1, 0))}
    x = whole((5, 5, 6, 8), 1, "float32")
    y = cupy_kernels.max_pool(x, **named)
    np.testing.assert_array_equal(y, NUMPY["max_pool"](x, **named))
    dy = whole(y.shape, 2, "float32")
    np.testing.assert_array_equal(
        cupy_kernels.max_pool_backward(dy, x, y, **named), NUMPY["max_pool_backward"](dy, x, y, **named)
    )
