"""Sizes, alignments and dtypes that make the GPU's normalization take each of its ways."""

from __future__ import annotations

import numpy as np
import pytest

from kerasish import backend

TOLERANCE = {"bfloat16": 2e-2, "float16": 4e-3, "float32": 1e-5, "float64": 1e-12}
NUMPY = backend.kernels_of("numpy")
EPSILON = 1e-3
# Dtypes of the data and of the parameters.
KINDS = [("float32",) * 2, ("float64",) * 2, ("float16", "float32"), ("bfloat16", "bfloat16"), ("float32", "float16")]


def floats(name):
    if name == "bfloat16":
        return pytest.importorskip("ml_dtypes").bfloat16
    return np.dtype(name)


def sample(shape, dtype, seed=0, mean=0.0):
    return np.random.default_rng(seed).normal(mean, 1.5, shape).astype(floats(dtype))


def double(array):
    return None if array is None else array.astype("float64")


def shifted(array):
    """On the device, contiguous but one element off the alignment of packs."""
    import cupy

    memory = cupy.asarray(np.concatenate([array.reshape(-1)[:1], array.reshape(-1)]))
    return memory[1:].reshape(array.shape)


def close(actual, expected, dtype, terms=1):
    """Sums of `terms` values are compared at the size that these have together."""
    scale = max(1e-3, abs(expected).max(initial=0)) * TOLERANCE[dtype]
    np.testing.assert_allclose(double(actual), expected, rtol=TOLERANCE[dtype], atol=scale * max(1, terms**0.5 / 8))


def check(kernels, name, x, dy, parameters, kind, attrs):
    """Forward and backward against NumPy in float64, from the same statistics."""
    results = getattr(kernels, name)(x, *parameters, epsilon=EPSILON, **attrs)
    wide = NUMPY[name](double(x), *(double(p) for p in parameters), epsilon=EPSILON, **attrs)
    assert results[0].dtype == x.dtype
    statistics_dtype = "float64" if kind == "float64" else "float32"
    close(results[0], wide[0], kind)
    for got, expected in zip(results[1:], wide[1:], strict=True):
        assert got.dtype == statistics_dtype
        assert got.shape == expected.shape
        close(got, expected, statistics_dtype)
    kept = [wide[-1]] if name == "rms_norm" else [wide[1], wide[-1]]
    gamma = parameters[0]
    gradients = getattr(kernels, f"{name}_backward")(dy, x, gamma, *(s.astype(statistics_dtype) for s in kept), **attrs)
    expected = NUMPY[f"{name}_backward"](double(dy), double(x), double(gamma), *kept, **attrs)
    assert [g.shape for g in gradients] == [g.shape for g in expected]
    assert gradients[0].dtype == x.dtype
    assert {g.dtype for g in gradients[1:]} == {np.dtype(statistics_dtype) if gamma is None else gamma.dtype}
    close(gradients[0], expected[0], kind)
    for got, wanted in zip(gradients[1:], expected[1:]):
        precision = statistics_dtype if gamma is None else min(gamma.dtype.name, kind, key=lambda d: -TOLERANCE[d])
        close(got, wanted, precision, terms=x.size // max(1, wanted.size))


# Lanes that share a warp, a whole warp, a block; whole packs and odd ends; one chunk of rows and several.
ROWS = [(5, 3), (70, 40), (3, 256), (9, 1001), (2, 2500), (2, 4104), (700, 17), (1100, 64)]


@pytest.mark.parametrize("name", ["layer_norm", "rms_norm"])
@pytest.mark.parametrize(("kind", "parameter"), KINDS)
@pytest.mark.parametrize("shape", ROWS)
def test_rows_of_every_length_are_normalized(cupy_kernels, shape, kind, parameter, name):
    x, dy = sample(shape, kind, mean=0.5), sample(shape, kind, seed=1)
    parameters = [sample(shape[1], parameter, seed=seed) for seed in (2, 3)][: 2 if name == "layer_norm" else 1]
    check(cupy_kernels, name, x, dy, parameters, kind, {"axes": (1,)})


@pytest.mark.parametrize("name", ["layer_norm", "rms_norm"])
@pytest.mark.parametrize("axes", [(1, 2), (0,), (2, 0), (1,)])
def test_any_axes_are_normalized_with_and_without_parameters(cupy_kernels, axes, name):
    shape = (6, 5, 16)
    x, dy = sample(shape, "float32"), sample(shape, "float32", seed=1)
    parameters = [sample([shape[a] for a in axes], "float32", seed=seed) for seed in (2, 3)]
    parameters = parameters[: 2 if name == "layer_norm" else 1]
    check(cupy_kernels, name, x, dy, parameters, "float32", {"axes": axes})
    check(cupy_kernels, name, x, dy, [None] * len(parameters), "float32", {"axes": axes})


@pytest.mark.parametrize("which", [0, 1])
def test_one_of_two_parameters_may_be_absent(cupy_kernels, which):
    x, dy = sample((4, 72), "float16"), sample((4, 72), "float16", seed=1)
    parameters = [None, None]
    parameters[which] = sample(72, "float32", seed=2)
    check(cupy_kernels, "layer_norm", x, dy, parameters, "float16", {"axes": (1,)})
    check(cupy_kernels, "batch_norm", x, dy, parameters, "float16", {"axis": 1})


# Columns and planes; whole packs and not; one chunk and several.
CHANNELS = [
    ((5, 3), 1),
    ((700, 16), 1),
    ((2600, 1), -1),
    ((20, 6, 5, 33), 3),
    ((600, 264), 1),
    ((5, 3, 8, 4), 1),
    ((4, 3, 7, 7), 1),
    ((4, 2, 50, 50), 1),
    ((3, 2, 1025), 1),
    ((40, 64), 0),
]


@pytest.mark.parametrize(("kind", "parameter"), KINDS)
@pytest.mark.parametrize(("shape", "axis"), CHANNELS)
def test_channels_anywhere_are_normalized(cupy_kernels, shape, axis, kind, parameter):
    x, dy = sample(shape, kind, mean=0.5), sample(shape, kind, seed=1)
    parameters = [sample(shape[axis], parameter, seed=seed) for seed in (2, 3)]
    check(cupy_kernels, "batch_norm", x, dy, parameters, kind, {"axis": axis})


@pytest.mark.parametrize(("shape", "axis"), [((3000, 4), 1), ((2, 4, 1500), 1)])
def test_moments_of_chunks_join_without_cancellation(cupy_kernels, shape, axis):
    x = (1e4 + np.random.default_rng(0).normal(size=shape)).astype("float32")
    y, mean, variance, _ = cupy_kernels.batch_norm(x, None, None, axis=axis, epsilon=EPSILON)
    others = tuple(a for a in range(len(shape)) if a != axis)
    wide = x.astype("float64")
    np.testing.assert_allclose(mean, wide.mean(others), rtol=1e-6)
    np.testing.assert_allclose(variance, wide.var(others), rtol=1e-3)
    expected = (wide - wide.mean(others, keepdims=True)) / np.sqrt(wide.var(others, keepdims=True) + EPSILON)
    np.testing.assert_allclose(y, expected, atol=5e-3)
    last = np.ascontiguousarray(np.moveaxis(x, axis, -1).reshape(-1, shape[axis]).T)
    rows = cupy_kernels.layer_norm(last, None, None, axes=(1,), epsilon=EPSILON)
    np.testing.assert_allclose(rows[2][:, 0], 1 / np.sqrt(last.astype("float64").var(1) + EPSILON), rtol=1e-3)


@pytest.mark.usefixtures("cupy_kernels")
@pytest.mark.parametrize("kind", ["float16", "float32"])
def test_arrays_off_the_alignment_of_packs_are_accepted(kind):
    kernels = backend.kernels_of("cupy")

    class Shifted:
        """The kernels, with every argument off the alignment."""

        def __getattr__(self, name):
            def run(*args, **attrs):
                sent = [shifted(a) if isinstance(a, np.ndarray) else a for a in args]
                return tuple(result.get() for result in kernels[name](*sent, **attrs))

            return run

    for shape, axes in [((3, 512), (1,)), ((2, 4104), (1,))]:
        x, dy = sample(shape, kind), sample(shape, kind, seed=1)
        parameters = [sample(shape[1], "float32", seed=seed) for seed in (2, 3)]
        check(Shifted(), "layer_norm", x, dy, parameters, kind, {"axes": axes})
        check(Shifted(), "rms_norm", x, dy, parameters[:1], kind, {"axes": axes})
    for shape, axis in [((300, 16), 1), ((3, 2, 512), 1)]:
        x, dy = sample(shape, kind), sample(shape, kind, seed=1)
        parameters = [sample(shape[1], "float32", seed=seed) for seed in (2, 3)]
        check(Shifted(), "batch_norm", x, dy, parameters, kind, {"axis": axis})


def test_gradients_are_the_same_each_time(cupy_kernels):
    x, dy = sample((1300, 24), "float32"), sample((1300, 24), "float32", seed=1)
    gamma = np.ones(24, "float32")
    _, mean, _, rstd = cupy_kernels.batch_norm(x, gamma, None, axis=1, epsilon=EPSILON)
    first, second = (cupy_kernels.batch_norm_backward(dy, x, gamma, mean, rstd, axis=1) for _ in range(2))
    for a, b in zip(first, second):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("shape", [(0, 4), (0, 3, 4)])
def test_an_empty_batch_has_parameter_gradients_of_zero(cupy_kernels, shape):
    x = np.zeros(shape, "float16")
    gamma = np.ones(4, "float32")
    y, mean, rstd = cupy_kernels.layer_norm(x, gamma, gamma, axes=(-1,), epsilon=EPSILON)
    dx, dgamma, dbeta = cupy_kernels.layer_norm_backward(x, x, gamma, mean, rstd, axes=(-1,))
    assert y.shape == dx.shape == shape
    assert dgamma.tolist() == dbeta.tolist() == [0] * 4


def test_rows_and_channels_without_elements_are_accepted(cupy_kernels):
    x = np.zeros((3, 0), "float32")
    empty = np.zeros(0, "float32")
    y, mean, rstd = cupy_kernels.layer_norm(x, empty, empty, axes=(1,), epsilon=0.25)
    assert y.shape == (3, 0)
    assert (mean.ravel().tolist(), rstd.ravel().tolist()) == ([0] * 3, [2] * 3)
    gradients = cupy_kernels.layer_norm_backward(x, x, empty, mean, rstd, axes=(1,))
    assert [g.shape for g in gradients] == [(3, 0), (0,), (0,)]
    results = cupy_kernels.batch_norm(x, empty, empty, axis=1, epsilon=0.25)
    assert [r.shape for r in results] == [(3, 0), (0,), (0,), (0,)]
    gradients = cupy_kernels.batch_norm_backward(x, x, empty, empty, empty, axis=1)
    assert [g.shape for g in gradients] == [(3, 0), (0,), (0,)]
