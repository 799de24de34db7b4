"""Random numbers of the GPU are those of the reference: bits, uniforms and masks exactly."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from kerasish import backend

NUMPY = backend.kernels_of("numpy")
KEY = {"seed": -5, "stream": 2**63 + 1, "step": 2**40 + 3}
SHAPES = [(), (1,), (0, 2), (3,), (4,), (8,), (9,), (5, 7), (2049,), (30_011,)]
DRAWN = ["float16", "float32", "float64"]
FLOATS = [*DRAWN, ml_dtypes.bfloat16]


def same(kernels, name, **attrs):
    got, wanted = getattr(kernels, name)(**attrs), NUMPY[name](**attrs)
    assert got.dtype == wanted.dtype
    assert got.shape == wanted.shape
    np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_bits_and_uniforms_are_the_same(cupy_kernels, shape):
    same(cupy_kernels, "random_bits", **KEY, shape=shape)
    for dtype in DRAWN:
        same(cupy_kernels, "random_uniform", **KEY, shape=shape, dtype=dtype)


@pytest.mark.parametrize("name", ["random_normal", "random_truncated_normal"])
@pytest.mark.parametrize("dtype", DRAWN)
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_normals_differ_by_no_more_than_a_rounding(cupy_kernels, name, shape, dtype):
    attrs = {**KEY, "shape": shape, "dtype": dtype}
    got, wanted = getattr(cupy_kernels, name)(**attrs), NUMPY[name](**attrs)
    assert got.dtype == wanted.dtype
    assert got.shape == wanted.shape
    step = np.spacing(np.abs(wanted)).astype("float64")
    allowed = np.maximum(8 * step, 1e-14) if dtype == "float64" else step
    assert (np.abs(got.astype("float64") - wanted.astype("float64")) <= allowed).all()


def test_more_numbers_than_threads_are_drawn_to_the_end(cupy_kernels, monkeypatch):
    from kerasish.backend.cupy import random

    monkeypatch.setattr(random, "_MOST_BLOCKS", 1)
    same(cupy_kernels, "random_bits", **KEY, shape=(5003,))
    same(cupy_kernels, "random_uniform", **KEY, shape=(5003,), dtype="float64")
    same(cupy_kernels, "dropout", x=np.ones(5003, "float32"), **KEY, rate=0.5, noise_shape=None)
    same(cupy_kernels, "dropout", x=np.ones((7, 99), "float32"), **KEY, rate=0.5, noise_shape=(7, 1))


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "int64", "uint8", "uint32", "uint64"])
def test_a_step_on_the_device_may_have_any_integer_dtype(cupy_kernels, dtype):
    steps = [0, 100] if dtype.startswith("u") else [0, 100, -3]
    if dtype in ("uint32", "uint64"):
        steps.append(2**32 - 1)
    for step in steps:
        got = cupy_kernels.random_bits(seed=1, stream=2, step=np.array(step, dtype), shape=(9,))
        np.testing.assert_array_equal(got, NUMPY["random_bits"](seed=1, stream=2, step=step, shape=(9,)))


@pytest.mark.parametrize("dtype", FLOATS)
@pytest.mark.parametrize("rate", [0.0, 0.3, 0.5, 0.99999, 1.0])
@pytest.mark.parametrize("size", [0, 1, 7, 8, 1003])
def test_masks_and_products_are_the_same_in_every_dtype(cupy_kernels, dtype, rate, size):
    x = np.random.default_rng(0).normal(size=size).astype(dtype)
    for name in ("dropout", "dropout_backward"):
        attrs = {**KEY, "rate": rate, "noise_shape": None}
        got, wanted = getattr(cupy_kernels, name)(x, **attrs), NUMPY[name](x, **attrs)
        assert got.dtype == wanted.dtype
        # A zero has no sign, which a comparison of values would not show.
        assert got.tobytes() == wanted.tobytes()


@pytest.mark.parametrize("offset", [1, 3])
def test_arrays_that_are_not_aligned_are_dropped_the_same(cupy_kernels, offset):
    import cupy

    x = np.random.default_rng(0).normal(size=500).astype("float32")
    attrs = {**KEY, "rate": 0.5, "noise_shape": None}
    got = cupy_kernels.dropout(cupy.asarray(x)[offset:], **attrs)
    np.testing.assert_array_equal(got, NUMPY["dropout"](x[offset:], **attrs))


NOISE = [
    ((3, 40, 5), (3, 1, 5)),
    ((3, 40, 5), (1, 40, 1)),
    ((6, 5, 4, 3), (6, 1, 1, 3)),
    ((6, 5, 4, 3), (1, 5, 1, 3)),
    ((2, 3, 4), (1, 1, 1)),
    ((4, 1, 3), (4, 1, 1)),
    ((4, 1, 3), (4, 1, 3)),
    ((2, 3, 2, 3, 2, 3, 2), (2, 1, 2, 1, 2, 1, 2)),
]


@pytest.mark.parametrize(("shape", "noise"), NOISE, ids=str)
@pytest.mark.parametrize("dtype", FLOATS)
def test_noise_broadcasts_over_any_axes(cupy_kernels, shape, noise, dtype):
    x = np.random.default_rng(0).normal(size=shape).astype(dtype)
    attrs = {**KEY, "rate": 0.4, "noise_shape": noise}
    got, wanted = cupy_kernels.dropout(x, **attrs), NUMPY["dropout"](x, **attrs)
    assert got.tobytes() == wanted.tobytes()
    turned = cupy_kernels.dropout(x.T.copy().T, **attrs)
    assert turned.tobytes() == wanted.tobytes()


def test_positions_beyond_32_bits_are_computed_in_64(cupy_kernels):
    import cupy

    from kerasish.backend.cupy import random

    x = cupy.asarray(np.random.default_rng(0).normal(size=(6, 5, 4)).astype("float32"))
    bits = cupy.asarray(NUMPY["random_bits"](**KEY, shape=(6, 1, 4)))
    results = []
    for index in ("unsigned int", "long long"):
        y = cupy.empty(x.shape, x.dtype)
        sizes = [np.int64(n) for n in (6, 5, 4, 0, 4, 0, 1)]
        arguments = x, bits, y, np.int64(x.size), np.float64(2), np.uint32(2**31), *sizes
        random._BROADCAST(("float", index), 1, 64, arguments)
        results.append(cupy.asnumpy(y))
    kept = cupy.asnumpy(bits) >= 2**31
    np.testing.assert_array_equal(results[0], np.where(kept, 2 * cupy.asnumpy(x), 0))
    np.testing.assert_array_equal(results[1], results[0])
