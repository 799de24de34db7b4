import numpy as np
import pytest

from kerasish import ops
from kerasish.autodiff import KerasTensor, Variable, convert_to_tensor
from tests.support import check_gradients, check_symbolic

X = np.random.default_rng(0).normal(size=(3, 4))


@pytest.mark.parametrize("dtype", [None, "float16", "int32", "bool", "float64"])
def test_tensors_of_one_value(dtype):
    wanted = dtype or "float32"
    for y, expected in (
        (ops.zeros((2, 3), dtype), np.zeros((2, 3))),
        (ops.ones((2,), dtype), np.ones(2)),
        (ops.full((2, 2), 1, dtype), np.ones((2, 2))),
        (ops.eye(3, 2, -1, dtype), np.eye(3, 2, -1)),
        (ops.identity(2, dtype), np.eye(2)),
        (ops.tri(3, 4, 1, dtype), np.tri(3, 4, 1)),
        (ops.zeros_like(X, dtype or "float32"), np.zeros((3, 4))),
        (ops.ones_like(X, dtype or "float32"), np.ones((3, 4))),
        (ops.full_like(X, 1, dtype or "float32"), np.ones((3, 4))),
    ):
        assert y.dtype == wanted
        np.testing.assert_array_equal(y.numpy(), expected.astype(wanted))
    assert ops.empty((2, 3), dtype).shape == ops.empty_like(np.ones((2, 3)), dtype).shape == (2, 3)


def test_like_keeps_the_dtype():
    x = ops.ones((2,), "int8")
    for y in (ops.zeros_like(x), ops.ones_like(x), ops.full_like(x, 3), ops.empty_like(x)):
        assert y.dtype == "int8"


def test_full_broadcasts_a_tensor():
    y = ops.full((2, 2), convert_to_tensor([1.0, 2.0]))
    assert y.tolist() == [[1.0, 2.0], [1.0, 2.0]]


@pytest.mark.parametrize("k", [-1, 0, 2])
@pytest.mark.parametrize("name", ["tril", "triu"])
def test_triangles(name, k):
    np.testing.assert_array_equal(getattr(ops, name)(X, k).numpy(), getattr(np, name)(X, k))
    check_gradients(lambda x: getattr(ops, name)(x, k), [X])
    check_symbolic(lambda x: getattr(ops, name)(x, k), [X])
    with pytest.raises(ValueError, match=f"{name}: expected at least two dimensions"):
        getattr(ops, name)([1.0])


def test_casts():
    assert ops.cast([1.7, -1.7], "int32").tolist() == [1, -1]
    assert ops.cast([0, 2], "bool").tolist() == [False, True]
    assert ops.saturate_cast([-5.0, 300.0, 7.0], "uint8").tolist() == [0, 255, 7]
    assert ops.saturate_cast([3e9, -3e9], "int32").tolist() == [2147483520, -2147483648]
    assert ops.saturate_cast([300, -300], "int8").tolist() == [127, -128]
    assert ops.saturate_cast(np.array([1e9]), "float16").tolist() == [65504.0]
    assert ops.saturate_cast([True], "int8").tolist() == [1]
    check_symbolic(lambda x: ops.cast(x, "float16"), [X])
    check_gradients(lambda x: ops.cast(ops.cast(x, "float64"), "float64") * x, [X])


def test_values_in_and_out():
    assert ops.convert_to_tensor([1, 2], "float16").dtype == "float16"
    assert ops.array([[True]]).dtype == "bool"
    assert isinstance(ops.convert_to_numpy([1.0]), np.ndarray)
    with pytest.raises(ValueError, match="a KerasTensor has no values"):
        ops.convert_to_numpy(KerasTensor((2,)))
    with pytest.raises(ValueError, match="sparse and ragged"):
        ops.convert_to_tensor([1], sparse=True)
    assert ops.is_tensor(ops.zeros(1))
    assert ops.is_tensor(KerasTensor((1,)))
    assert not ops.is_tensor(X)


def test_a_copy_is_apart():
    v = Variable([1.0])
    y = ops.copy(v)
    v.assign([2.0])
    assert y.tolist() == [1.0]
    check_gradients(ops.copy, [X])


def test_what_a_tensor_looks_like():
    assert ops.shape(X) == (3, 4)
    assert ops.shape(KerasTensor((None, 3))) == (None, 3)
    assert (ops.ndim(X), ops.size(X), ops.dtype(X)) == (2, 12, "float64")
    assert ops.size(KerasTensor((None, 3))) is None
    assert ops.size(KerasTensor((2, 3))) == 6
    assert ops.dtype(KerasTensor((2,), "int8")) == "int8"


def test_shapes_are_checked():
    with pytest.raises(TypeError, match=r"zeros: expected a shape of ints\. Received"):
        ops.zeros((2, None))
