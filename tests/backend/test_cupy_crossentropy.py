"""Numbers of classes, alignments and dtypes that make the GPU's cross-entropies take each of their ways."""

from __future__ import annotations

import numpy as np
import pytest

from kerasish import backend

TOLERANCE = {"bfloat16": 2e-2, "float16": 3e-3, "float32": 5e-6, "float64": 1e-12}
NUMPY = backend.kernels_of("numpy")
ROWS = [(40, 2), (9, 10), (5, 33), (3, 1001), (2, 4100)]


def floats(name):
    if name == "bfloat16":
        return pytest.importorskip("ml_dtypes").bfloat16
    return np.dtype(name)


def outputs(shape, dtype, from_logits):
    rng = np.random.default_rng(0)
    x = rng.normal(0, 3, shape) if from_logits else rng.uniform(0.1, 2, shape)
    return rng, x.astype(floats(dtype))


def shifted(array):
    """On the device, contiguous but one element off the alignment of packs."""
    import cupy

    memory = cupy.asarray(np.concatenate([array.reshape(-1)[:1], array.reshape(-1)]))
    return memory[1:].reshape(array.shape)


def wide(array):
    return array.astype("float64") if array.dtype.kind not in "iu" else array


def check(kernels, name, dy, target, output, from_logits, dtype):
    loss = getattr(kernels, name)(target, output, from_logits=from_logits)
    expected = NUMPY[name](wide(target), wide(output), from_logits=from_logits)
    assert loss.dtype == output.dtype
    assert loss.shape == expected.shape
    np.testing.assert_allclose(wide(loss), expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
    dx = getattr(kernels, f"{name}_backward")(dy, target, output, from_logits=from_logits)
    expected = NUMPY[f"{name}_backward"](wide(dy), wide(target), wide(output), from_logits=from_logits)
    assert dx.dtype == output.dtype
    assert dx.shape == expected.shape
    scale = min(1.0, abs(expected).max())
    np.testing.assert_allclose(wide(dx), expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] * scale)


@pytest.mark.parametrize("from_logits", [True, False])
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("shape", ROWS)
def test_categorical_losses_follow_numpy_for_any_number_of_classes(cupy_kernels, shape, dtype, from_logits):
    rng, x = outputs(shape, dtype, from_logits)
    dy = rng.normal(size=shape[:-1]).astype(x.dtype)
    target = rng.dirichlet(np.ones(shape[-1]), shape[0]).astype(x.dtype)
    check(cupy_kernels, "categorical_crossentropy", dy, target, x, from_logits, dtype)
    index = rng.integers(-1, shape[-1] + 1, shape[:-1])
    check(cupy_kernels, "sparse_categorical_crossentropy", dy, index, x, from_logits, dtype)


@pytest.mark.parametrize("from_logits", [True, False])
@pytest.mark.parametrize("dtype", TOLERANCE)
def test_binary_loss_follows_numpy(cupy_kernels, dtype, from_logits):
    for shape in ((1,), (7, 3), (2, 1027)):
        rng, x = outputs(shape, dtype, True)
        x = x if from_logits else rng.uniform(0.02, 0.98, shape).astype(x.dtype)
        target = rng.uniform(size=shape).astype(x.dtype)
        dy = rng.normal(size=shape).astype(x.dtype)
        check(cupy_kernels, "binary_crossentropy", dy, target, x, from_logits, dtype)


@pytest.mark.parametrize("kind", ["int8", "uint8", "int16", "int32", "uint32", "int64", "uint64"])
def test_a_target_can_be_of_any_integer_type(cupy_kernels, kind):
    rng, x = outputs((12, 9), "float32", True)
    target = rng.integers(0, 9, 12).astype(kind)
    dy = rng.normal(size=12).astype("float32")
    check(cupy_kernels, "sparse_categorical_crossentropy", dy, target, x, True, "float32")


@pytest.mark.parametrize("from_logits", [True, False])
def test_target_and_gradient_may_have_another_dtype_than_the_output(cupy_kernels, from_logits):
    rng, x = outputs((6, 20), "float16", from_logits)
    hot = np.eye(20, dtype="int32")[rng.integers(0, 20, 6)]
    dy = rng.normal(size=6).astype("float32")
    check(cupy_kernels, "categorical_crossentropy", dy, hot, x, from_logits, "float16")
    check(cupy_kernels, "categorical_crossentropy", dy, hot.astype("float32"), x, from_logits, "float16")
    check(cupy_kernels, "sparse_categorical_crossentropy", dy, hot.argmax(-1), x, from_logits, "float16")
    y = x if from_logits else (x / 2.5).astype("float16")
    check(cupy_kernels, "binary_crossentropy", np.ones(x.shape, "float32"), hot, y, from_logits, "float16")


@pytest.mark.usefixtures("cupy_kernels")
@pytest.mark.parametrize("from_logits", [True, False])
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_arrays_off_the_alignment_of_packs_are_accepted(dtype, from_logits):
    kernels = backend.kernels_of("cupy")
    rng, x = outputs((3, 1000), dtype, from_logits)
    target = rng.dirichlet(np.ones(1000), 3).astype(dtype)
    dy = rng.normal(size=3).astype(dtype)
    index = rng.integers(0, 1000, 3).astype("int32")
    for name, labels in [("categorical_crossentropy", target), ("sparse_categorical_crossentropy", index)]:
        loss = kernels[name](shifted(labels), shifted(x), from_logits=from_logits).get()
        expected = NUMPY[name](wide(labels), wide(x), from_logits=from_logits)
        np.testing.assert_allclose(wide(loss), expected, rtol=TOLERANCE[dtype])
        backward = f"{name}_backward"
        dx = kernels[backward](shifted(dy), shifted(labels), shifted(x), from_logits=from_logits).get()
        expected = NUMPY[backward](wide(dy), wide(labels), wide(x), from_logits=from_logits)
        np.testing.assert_allclose(
            wide(dx), expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype] * abs(expected).max()
        )


@pytest.mark.parametrize("count", [6, 3000])
def test_clipped_probabilities_give_their_bound_and_no_gradient(cupy_kernels, count):
    output = np.zeros((2, count), "float32")
    output[:, 0] = 1
    index = np.array([0, 1])
    loss = cupy_kernels.sparse_categorical_crossentropy(index, output, from_logits=False)
    np.testing.assert_allclose(loss, -np.log([np.float32(1 - 1e-7), 1e-7]), rtol=1e-5)
    dy = np.ones(2, "float32")
    assert not cupy_kernels.sparse_categorical_crossentropy_backward(dy, index, output, from_logits=False).any()
    target = np.eye(count, dtype="float32")[:2]
    np.testing.assert_allclose(cupy_kernels.categorical_crossentropy(target, output, from_logits=False), loss)
    assert not cupy_kernels.categorical_crossentropy_backward(dy, target, output, from_logits=False).any()
    wild = np.array([-0.5, 0.0, 1.0, 1.5], "float32")
    ones = np.ones(4, "float32")
    assert not cupy_kernels.binary_crossentropy_backward(ones, ones, wild, from_logits=False).any()


@pytest.mark.parametrize("count", [6, 3000])
def test_masked_logits_and_rows_of_zeros_are_treated_as_by_numpy(cupy_kernels, count):
    x = np.random.default_rng(1).normal(size=(3, count)).astype("float32")
    x[:, : count // 2] = -np.inf
    index = np.array([count - 1, 0, -1])
    dy = np.ones(3, "float32")
    for name in ("sparse_categorical_crossentropy", "sparse_categorical_crossentropy_backward"):
        args = (dy, index, x) if name.endswith("backward") else (index, x)
        expected = NUMPY[name](*args, from_logits=True)
        np.testing.assert_allclose(getattr(cupy_kernels, name)(*args, from_logits=True), expected, rtol=1e-4, atol=1e-7)
    zeros = np.zeros((3, count), "float32")
    loss = cupy_kernels.sparse_categorical_crossentropy(index, zeros, from_logits=False)
    np.testing.assert_array_equal(np.isnan(loss), [True, True, False])
    assert np.isnan(cupy_kernels.categorical_crossentropy(zeros + 1, zeros, from_logits=False)).all()
