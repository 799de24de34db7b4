"""The dense layer on a GPU: dtypes, sizes and views that the tests for every backend do not reach."""

import numpy as np
import pytest

from tests.backend.conftest import EMULATED

ml_dtypes = pytest.importorskip("ml_dtypes")
BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
DTYPES = [np.dtype(np.float16), BFLOAT16, np.dtype(np.float32), np.dtype(np.float64)]
TOLERANCE = {"float16": 4e-3, "bfloat16": 3e-2, "float32": 1e-5, "float64": 1e-13}
ACTIVATIONS = {
    "linear": (lambda z: z, lambda y: np.ones_like(y)),
    "relu": (lambda z: np.maximum(z, 0), lambda y: (y > 0).astype(float)),
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda y: y * (1 - y)),
    "tanh": (np.tanh, lambda y: 1 - y**2),
}


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def close(got, expected, dtype):
    assert got.dtype == dtype
    assert got.shape == expected.shape
    scale = max(1.0, abs(expected).max(initial=0))
    tolerance = TOLERANCE[dtype.name]
    np.testing.assert_allclose(got.astype(float), expected, rtol=tolerance, atol=scale * tolerance)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("shape", [(33, 9, 16), (40, 17, 1), (2, 3, 8, 24)])
def test_dense_and_its_gradients_follow_their_formulas(cupy_kernels, rng, dtype, activation, shape):
    *lead, d, u = shape
    x, kernel, bias, dy = (rng.normal(size=size).astype(dtype) for size in ((*lead, d), (d, u), (u,), (*lead, u)))
    function, slope = ACTIVATIONS[activation]
    y = cupy_kernels.dense(x, kernel, bias, activation=activation)
    close(y, function(x.astype(float) @ kernel.astype(float) + bias.astype(float)), dtype)
    g = (dy.astype(float) * slope(y.astype(float))).reshape(-1, u)
    expected = (
        (g @ kernel.astype(float).T).reshape(x.shape),
        x.astype(float).reshape(-1, d).T @ g,
        g.sum(0),
    )
    grads = cupy_kernels.dense_backward(dy, x, kernel, y, activation=activation, needs=(True, True, True))
    for grad, value in zip(grads, expected, strict=True):
        close(grad, value, dtype)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_the_gradient_of_the_bias_sums_many_rows(cupy_kernels, rng, dtype):
    dy, y = rng.normal(size=(3000, 5)).astype(dtype), rng.uniform(size=(3000, 5)).astype(dtype)
    x, kernel = np.ones((3000, 2), dtype), np.ones((2, 5), dtype)
    for activation in ("linear", "tanh"):
        grads = cupy_kernels.dense_backward(dy, x, kernel, y, activation=activation, needs=(False, False, True))
        expected = (dy.astype(float) * ACTIVATIONS[activation][1](y.astype(float))).sum(0)
        close(grads[2], expected, dtype)


def test_relu_and_bias_take_no_kernel_of_their_own(cupy_kernels):
    if not EMULATED:
        pytest.skip("counts the work of the emulated device")
    import cupy as cp

    from kerasish.backend.cupy.dense import dense
    from tests.emulator import standin

    x, kernel, bias = cp.ones((8, 4), np.float32), cp.ones((4, 16), np.float32), cp.ones(16, np.float32)
    for activation, launches in (("linear", 0), ("relu", 0), ("sigmoid", 1), ("tanh", 1)):
        dense(x, kernel, bias, activation=activation)
        before = standin.work_log.snapshot()
        dense(x, kernel, bias, activation=activation)
        after = standin.work_log.snapshot()
        assert after["operations"] - before["operations"] == 1
        assert after["kernel_launches"] - before["kernel_launches"] == launches
        assert after["synchronizations"] == before["synchronizations"]


def test_a_training_step_of_a_dense_layer_can_be_captured(cupy_kernels, rng):
    import cupy as cp

    from kerasish.backend.cupy.dense import dense, dense_backward

    x, kernel, bias = (cp.asarray(rng.normal(size=shape).astype(np.float32)) for shape in ((6, 4), (4, 8), (8,)))
    pool, stream = cp.cuda.MemoryPool(), cp.cuda.Stream(non_blocking=True)

    def step():
        y = dense(x, kernel, bias, activation="sigmoid")
        return y, *dense_backward(y, x, kernel, y, activation="sigmoid", needs=(True, True, True))

    cp.cuda.get_current_stream().synchronize()
    with cp.cuda.using_allocator(pool.malloc), stream:
        step()
        stream.begin_capture()
        try:
            results = step()
        finally:
            graph = stream.end_capture()
    x[...] = cp.asarray(rng.normal(size=(6, 4)).astype(np.float32))
    expected = [value.get() for value in step()]
    cp.cuda.get_current_stream().synchronize()
    graph.launch(stream)
    stream.synchronize()
    for result, value in zip(results, expected, strict=True):
        np.testing.assert_allclose(result.get(), value, rtol=1e-6)
