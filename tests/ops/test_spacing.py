import numpy as np
import pytest

from kerasish import ops

X = np.random.default_rng(0).normal(size=(3, 4))


@pytest.mark.parametrize(
    ("args", "dtype"),
    [((5,), "int32"), ((1, 7, 2), "int32"), ((3.0,), "float32"), ((1, 2, 0.25), "float32"), ((5, 1, -1), "int32")],
)
def test_arange(args, dtype):
    y = ops.arange(*args)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y.numpy(), np.arange(*args))
    assert ops.arange(3, dtype="float16").dtype == "float16"


def test_evenly_spaced_values():
    y, step = ops.linspace(0, 1, 5, retstep=True)
    assert y.dtype == "float32"
    assert y.tolist() == [0, 0.25, 0.5, 0.75, 1]
    assert step.item() == 0.25
    np.testing.assert_allclose(ops.linspace(X, 2.0, 3, axis=-1).numpy(), np.linspace(X, 2.0, 3, axis=-1))
    np.testing.assert_allclose(ops.linspace(0.0, 1.0, 4, endpoint=False).numpy(), [0, 0.25, 0.5, 0.75])
    np.testing.assert_allclose(ops.logspace(0.0, 2.0, 3, base=2).numpy(), [1, 2, 4])
    np.testing.assert_allclose(ops.geomspace(1.0, 1000.0, 4).numpy(), [1, 10, 100, 1000], 1e-6)
    np.testing.assert_allclose(ops.geomspace(-1.0, -100.0, 3).numpy(), [-1, -10, -100], 1e-6)
    with pytest.raises(ValueError, match="Received: num=-1"):
        ops.linspace(0, 1, -1)
