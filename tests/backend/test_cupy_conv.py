"""Sizes, alignments and dtypes that make the GPU's convolutions take each of their ways."""

from __future__ import annotations

import numpy as np
import pytest

from kerasish import backend

TOLERANCE = {"bfloat16": 1e-2, "float16": 2e-3, "float32": 2e-6, "float64": 1e-13}
NUMPY = backend.kernels_of("numpy")
LINEAR = {"activation": "linear"}

# (x shape, kernel shape, strides, padding, dilation, groups)
CASES = {
    "several tiles": ((2, 9, 8, 24), (3, 3, 24, 136), (1, 1), ((1, 1), (1, 1)), (1, 1), 1),
    "odd channels": ((3, 9, 7, 5), (2, 3, 5, 67), (1, 1), ((0, 1), (1, 1)), (1, 1), 1),
    "a shared sum": ((1, 4, 4, 40), (3, 3, 40, 16), (1, 1), ((1, 1), (1, 1)), (1, 1), 1),
    "strides with dilation": ((2, 13, 12, 8), (3, 4, 8, 16), (2, 3), ((2, 1), (1, 3)), (3, 2), 1),
    "strides and dilation with a common divisor": ((2, 14, 11, 4), (3, 3, 4, 8), (4, 2), ((1, 4), (2, 1)), (2, 2), 1),
    "strides past the window": ((2, 11, 12, 8), (2, 1, 8, 8), (3, 4), ((0, 0), (0, 0)), (1, 1), 1),
    "groups": ((2, 6, 7, 48), (3, 2, 16, 72), (1, 2), ((1, 1), (0, 1)), (1, 1), 3),
    "groups of odd channels": ((2, 6, 5, 9), (3, 2, 3, 15), (2, 1), ((1, 1), (0, 1)), (1, 1), 3),
    "3-d": ((2, 5, 6, 4, 8), (2, 3, 2, 8, 12), (2, 1, 2), ((1, 0), (1, 1), (0, 1)), (1, 2, 1), 1),
    "1-d": ((3, 70, 16), (5, 16, 24), (2,), ((4, 0),), (1,), 1),
    "cropped": ((2, 9, 8, 8), (2, 3, 8, 8), (2, 1), ((-1, 0), (-2, 1)), (1, 1), 1),
    "one input channel a group": ((2, 9, 10, 16), (3, 3, 1, 32), (1, 2), ((1, 1), (1, 1)), (1, 1), 16),
    "pointwise": ((2, 5, 6, 24), (1, 1, 24, 40), (1, 1), ((0, 0), (0, 0)), (1, 1), 1),
    "pointwise with strides": ((2, 7, 6, 24), (1, 1, 24, 40), (2, 2), ((0, 0), (0, 0)), (1, 1), 1),
}
WIDE = {
    "many outputs": ((1, 6, 5, 16), (3, 2, 16, 264), (1, 1), ((1, 1), (0, 1)), (1, 1), 1),
    "many outputs of odd channels": ((1, 6, 5, 3), (3, 2, 3, 264), (2, 1), ((1, 0), (0, 1)), (1, 2), 1),
    "many inputs": ((1, 4, 5, 264), (2, 2, 264, 12), (1, 1), ((1, -1), (2, 0)), (1, 2), 1),
}

# (x shape, kernel shape, strides, padding, dilation)
DEPTHWISE = {
    "packs": ((2, 9, 11, 24), (3, 3, 24, 1), (1, 1), ((1, 1), (1, 1)), (1, 1)),
    "odd channels": ((2, 7, 6, 7), (3, 2, 7, 1), (2, 1), ((1, 1), (0, 1)), (1, 2)),
    "pairs of channels": ((2, 6, 6, 10), (2, 2, 10, 1), (1, 2), ((0, 0), (1, 0)), (1, 1)),
    "a multiplier": ((2, 7, 9, 8), (3, 3, 8, 3), (2, 2), ((1, 1), (1, 1)), (1, 1)),
    "a large window": ((2, 9, 9, 8), (5, 5, 8, 1), (1, 1), ((2, 2), (2, 2)), (1, 1)),
    "many places": ((3, 30, 31, 8), (3, 3, 8, 1), (1, 1), ((1, 1), (1, 1)), (1, 1)),
    "many channels": ((1, 3, 4, 272), (2, 2, 272, 1), (1, 1), ((0, 0), (1, 0)), (1, 1)),
    "3-d": ((2, 5, 6, 5, 8), (2, 3, 2, 8, 1), (1, 2, 1), ((1, 0), (1, 1), (0, 1)), (1, 1, 2)),
}


def each(cases):
    return pytest.mark.parametrize("case", cases.values(), ids=cases.keys())


def floats(name):
    if name == "bfloat16":
        return pytest.importorskip("ml_dtypes").bfloat16
    return np.dtype(name)


def sample(shape, dtype, seed):
    return np.random.default_rng(seed).standard_normal(shape).astype(floats(dtype))


def close(got, expected, dtype):
    assert got.dtype == floats(dtype)
    assert got.shape == expected.shape
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    np.testing.assert_allclose(got.astype("float64") / scale, expected / scale, rtol=0, atol=TOLERANCE[dtype])


def attributes(case):
    return dict(zip(("strides", "padding", "dilation", "groups"), case[2:]))


def exact(array):
    return array.astype("float64")


def check_all(kernels, case, dtype, prefix="conv"):
    """The convolution and its two gradients against NumPy in float64."""
    named = attributes(case)
    x, kernel = sample(case[0], dtype, 1), sample(case[1], dtype, 2)
    attrs = {**named, "bias": None, **LINEAR} if prefix == "conv" else named
    args = (None,) if attrs.pop("bias", 0) is None else ()
    y = NUMPY[prefix](exact(x), exact(kernel), *args, **attrs)
    close(getattr(kernels, prefix)(x, kernel, *args, **attrs), y, dtype)
    dy = sample(y.shape, dtype, 3)
    toward_input, toward_kernel = f"{prefix}_backward_input", f"{prefix}_backward_kernel"
    dx = NUMPY[toward_input](exact(dy), exact(kernel), input_shape=x.shape, **named)
    close(getattr(kernels, toward_input)(dy, kernel, input_shape=x.shape, **named), dx, dtype)
    dkernel = NUMPY[toward_kernel](exact(x), exact(dy), kernel_shape=kernel.shape, **named)
    close(getattr(kernels, toward_kernel)(x, dy, kernel_shape=kernel.shape, **named), dkernel, dtype)


@each(CASES)
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_conv_and_its_gradients_follow_numpy(cupy_kernels, case, dtype):
    check_all(cupy_kernels, case, dtype)


@each(WIDE)
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("column_bytes", [64 << 20, 10000])
def test_laid_out_patches_follow_numpy_in_one_block_and_in_many(cupy_kernels, monkeypatch, case, dtype, column_bytes):
    monkeypatch.setattr("kerasish.backend.cupy._implicit.COLUMN_BYTES", column_bytes)
    monkeypatch.setattr("kerasish.backend.cupy.conv._capability", lambda device: 90)
    check_all(cupy_kernels, case, dtype)


@each(DEPTHWISE)
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_depthwise_conv_and_its_gradients_follow_numpy(cupy_kernels, case, dtype):
    check_all(cupy_kernels, case, dtype, prefix="depthwise_conv")


@pytest.mark.parametrize("activation", ["linear", "relu", "sigmoid", "tanh"])
@pytest.mark.parametrize(
    "name", ["several tiles", "a shared sum", "groups of odd channels", "one input channel a group"]
)
@pytest.mark.parametrize("dtype", ["bfloat16", "float32"])
def test_conv_adds_the_bias_and_takes_the_activation_on_each_way(cupy_kernels, name, activation, dtype):
    case = CASES[name]
    x, kernel, bias = sample(case[0], dtype, 1), sample(case[1], dtype, 2), sample(case[1][-1], dtype, 3)
    named = {**attributes(case), "activation": activation}
    expected = NUMPY["conv"](exact(x), exact(kernel), exact(bias), **named)
    got = cupy_kernels.conv(x, kernel, bias, **named)
    tolerance = 2e-5 if dtype == "float32" else 2e-2
    np.testing.assert_allclose(got.astype("float64"), expected, rtol=tolerance, atol=tolerance)


def test_the_way_is_chosen_by_shape_and_dtype(cupy_kernels, monkeypatch):
    from kerasish.backend.cupy import conv

    capability = 90
    monkeypatch.setattr("kerasish.backend.cupy.conv._capability", lambda device: capability)
    same, none = ((1, 1), (1, 1)), ((0, 0), (0, 0))

    def choose(dtype, window, strides, padding, groups, inputs, columns):
        return conv._choose(np.dtype(dtype), window, strides, padding, groups, inputs, columns)

    assert choose("float32", (1, 1), (1, 1), none, 1, 8, 512) == "gemm"
    assert choose("float32", (1, 1), (2, 2), none, 1, 8, 16) == "implicit"
    assert choose("float32", (1, 1), (1, 1), none, 2, 8, 512) == "implicit"
    assert choose("float32", (3, 3), (1, 1), same, 4, 1, 512) == "depthwise"
    assert choose("float32", (3, 3), (1, 1), same, 1, 1, 127) == "implicit"
    assert choose("float32", (3, 3), (1, 1), same, 1, 1, 128) == "columns"
    assert choose("float64", (3, 3), (1, 1), same, 1, 1, 64) == "columns"
    assert choose("float16", (3, 3), (1, 1), same, 1, 8, 255) == "implicit"
    assert choose("float16", (3, 3), (1, 1), same, 1, 8, 256) == "columns"
    capability = 80
    assert choose("float16", (3, 3), (1, 1), same, 1, 8, 256) == "implicit"


@pytest.mark.parametrize("prefix", ["conv", "depthwise_conv"])
def test_arrays_that_are_not_aligned_give_the_same(cupy_kernels, prefix):
    import cupy

    def shifted(array):
        memory = cupy.asarray(np.concatenate([array.reshape(-1)[:1], array.reshape(-1)]))
        return memory[1:].reshape(array.shape)

    case = CASES["a shared sum"] if prefix == "conv" else DEPTHWISE["packs"]
    named = attributes(case)
    raw = backend.kernels_of("cupy")
    x, kernel = sample(case[0], "float32", 1), sample(case[1], "float32", 2)
    args, attrs = ((None,), {**named, **LINEAR}) if prefix == "conv" else ((), named)
    y = getattr(cupy_kernels, prefix)(x, kernel, *args, **attrs)
    got = raw[prefix](shifted(x), shifted(kernel), *args, **attrs)
    np.testing.assert_allclose(cupy.asnumpy(got), y, rtol=1e-5, atol=1e-5)
    dy = sample(y.shape, "float32", 3)
    dx = getattr(cupy_kernels, f"{prefix}_backward_input")(dy, kernel, input_shape=x.shape, **named)
    got = raw[f"{prefix}_backward_input"](shifted(dy), shifted(kernel), input_shape=x.shape, **named)
    np.testing.assert_allclose(cupy.asnumpy(got), dx, rtol=1e-5, atol=1e-5)
    dkernel = getattr(cupy_kernels, f"{prefix}_backward_kernel")(x, dy, kernel_shape=kernel.shape, **named)
    got = raw[f"{prefix}_backward_kernel"](shifted(x), shifted(dy), kernel_shape=kernel.shape, **named)
    np.testing.assert_allclose(cupy.asnumpy(got), dkernel, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("prefix", ["conv", "depthwise_conv"])
def test_a_batch_too_large_for_one_launch_is_cut(cupy_kernels, monkeypatch, prefix):
    monkeypatch.setattr("kerasish.backend.cupy._window._INDEXED", 2000)
    shape = (5, 9, 11, 8)
    case = (shape, (3, 3, 8, 8), (1, 1), ((1, 1), (1, 1)), (1, 1), 1)
    if prefix != "conv":
        case = (shape, (3, 3, 8, 1), *case[2:5])
    check_all(cupy_kernels, case, "float32", prefix)


def test_an_image_too_large_to_be_indexed_is_refused(cupy_kernels, monkeypatch):
    monkeypatch.setattr("kerasish.backend.cupy._window._INDEXED", 100)
    case = CASES["3-d"]
    x, kernel = sample(case[0], "float32", 1), sample(case[1], "float32", 2)
    with pytest.raises(ValueError, match=r"up to 99 elements on the GPU. Received: shapes"):
        cupy_kernels.conv(x, kernel, None, **attributes(case), **LINEAR)


# Rows of one pack and of several blocks, packs and odd ends, one block and many.
@pytest.mark.parametrize("shape", [(700, 8), (3, 5, 9, 33), (2000, 3), (40, 600), (2, 1), (7, 4)])
@pytest.mark.parametrize("activation", ["linear", "relu", "sigmoid", "tanh"])
@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32", "float64"])
def test_bias_activation_backward_follows_numpy(cupy_kernels, shape, activation, dtype):
    dy = sample(shape, dtype, 1)
    y = np.random.default_rng(2).uniform(-0.9, 0.9, shape).astype(floats(dtype))
    named = {"activation": activation}
    dpre, dbias = cupy_kernels.bias_activation_backward(dy, y, bias=True, **named)
    expected, total = NUMPY["bias_activation_backward"](exact(dy), exact(y), bias=True, **named)
    close(dpre, expected, dtype)
    assert dbias.dtype == floats(dtype)
    scale = max(1.0, float(np.abs(expected).reshape(-1, shape[-1]).sum(0).max()))
    np.testing.assert_allclose(exact(dbias) / scale, total / scale, rtol=0, atol=TOLERANCE[dtype])
    alone, none = cupy_kernels.bias_activation_backward(dy, y, bias=False, **named)
    assert none is None
    np.testing.assert_array_equal(alone, dpre)


def test_an_unknown_activation_is_refused(cupy_kernels):
    case = CASES["1-d"]
    x, kernel = sample(case[0], "float32", 1), sample(case[1], "float32", 2)
    with pytest.raises(ValueError, match=r"Received: activation='gelu'"):
        cupy_kernels.conv(x, kernel, None, **attributes(case), activation="gelu")
