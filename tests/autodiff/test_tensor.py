import copy
import pickle

import numpy as np
import pytest

from kerasish.autodiff import Tensor, Variable, convert_to_tensor, name_scope, reset_names
from kerasish.backend import K

X = convert_to_tensor([[1.0, 2.0], [3.0, 4.0]])


@pytest.mark.parametrize(
    ("value", "dtype"),
    [(1, "int32"), (1.5, "float32"), (True, "bool"), ([1, 2], "int32"), ([1, 2.0], "float32"), ([True], "bool"),
     (2**40, "int64"), (np.float64(1), "float64"), (np.ones(2), "float64"), ([np.ones(2)], "float64"), ([], "float32"),
     (np.ones(2, "int8"), "int8")],
)  # fmt: skip
def test_the_dtype_of_what_enters(value, dtype):
    assert convert_to_tensor(value).dtype == dtype


def test_lists_of_tensors_enter():
    assert convert_to_tensor([X, X]).shape == (2, 2, 2)


def test_what_is_no_number_is_refused():
    with pytest.raises(ValueError, match="rectangular"):
        convert_to_tensor([[1], [1, 2]])
    with pytest.raises(ValueError, match="expected numbers"):
        convert_to_tensor(object())


def test_what_a_tensor_looks_like():
    assert (X.shape, X.dtype, X.ndim, X.size, len(X)) == ((2, 2), "float32", 2, 4, 2)
    assert X.tolist() == [[1, 2], [3, 4]]
    assert X.T.tolist() == [[1, 3], [2, 4]]
    assert [row.tolist() for row in X] == [[1, 2], [3, 4]]
    assert X.astype("int32").dtype == "int32"
    assert X.reshape(4).shape == X.reshape((4,)).shape == X.reshape(-1).shape == (4,)
    assert "shape=(2, 2)" in repr(X)
    assert f"{convert_to_tensor(1.5):.2f}" == "1.50"


def test_a_tensor_becomes_python_and_numpy_values():
    one = convert_to_tensor(3)
    assert (int(one), float(one), bool(one), one.item(), [0, 1, 2, 7][one]) == (3, 3.0, True, 3, 7)
    assert np.asarray(X, "float64").dtype == "float64"
    assert np.from_dlpack(X).tolist() == X.tolist()
    changed = np.array(X)
    changed[0, 0] = 9
    assert X.tolist()[0][0] == 1


def test_a_tensor_without_dimensions_has_no_length():
    with pytest.raises(TypeError, match="no length"):
        len(convert_to_tensor(1))
    with pytest.raises(TypeError, match="cannot be iterated"):
        iter(convert_to_tensor(1))
    with pytest.raises(TypeError):
        hash(X)


OPERATORS = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": lambda a, b: a / b,
    "//": lambda a, b: a // b,
    "%": lambda a, b: a % b,
    "**": lambda a, b: a**b,
    "@": lambda a, b: a @ b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


@pytest.mark.parametrize("dtype", ["float32", "int32"])
@pytest.mark.parametrize("name", OPERATORS)
def test_operators_agree_with_numpy(name, dtype):
    f = OPERATORS[name]
    a, b = np.array([[1, 2], [3, 4]], dtype), np.array([[2, 2], [1, 3]], dtype)
    expected = f(a, b)
    for left, right in (
        (convert_to_tensor(a), convert_to_tensor(b)),
        (convert_to_tensor(a), b),
        (a, convert_to_tensor(b)),
    ):
        result = f(left, right)
        assert isinstance(result, Tensor)
        np.testing.assert_allclose(result.numpy(), expected, 1e-6)
    if name != "@":
        np.testing.assert_allclose(f(convert_to_tensor(a), 2).numpy(), f(a, 2), 1e-6)
        np.testing.assert_allclose(f(2, convert_to_tensor(a)).numpy(), f(2, a), 1e-6)
        np.testing.assert_allclose(f(convert_to_tensor(a), 1.5).numpy(), f(a, 1.5), 1e-6)


def test_operators_of_one_and_of_truths():
    t = convert_to_tensor([True, False])
    assert (t & [True, True]).tolist() == [True, False]
    assert (t | True).tolist() == [True, True]
    assert (True ^ t).tolist() == [False, True]
    assert (~t).tolist() == [False, True]
    assert (-X).tolist() == [[-1, -2], [-3, -4]]
    assert abs(-X).tolist() == X.tolist()
    np.testing.assert_allclose(round(X + 0.26, 1).numpy(), np.round(X.numpy() + np.float32(0.26), 1))


def test_a_variable_is_assigned_in_place():
    v = Variable([1.0, 2.0])
    array = v.array
    v.assign([3, 4])
    v.assign_add([1.0, 1.0])
    v.assign_sub(0.5 * v)
    assert v.array is array
    assert v.tolist() == [2.0, 2.5]
    with pytest.raises(ValueError, match=r"expected \(2,\). Received: shape=\(3,\)"):
        v.assign([1.0, 2.0, 3.0])


def test_a_variable_owns_its_value():
    x = np.ones(2, "float32")
    v = Variable(x)
    v.assign([5.0, 5.0])
    v.numpy()[0] = 7
    assert x.tolist() == [1.0, 1.0]
    assert v.tolist() == [5.0, 5.0]


def test_a_variable_moves_into_an_arena():
    v, arena = Variable([1.0, 2.0]), K.zeros((5,), dtype="float32")
    v.bind(arena[1:3])
    v.assign_add([1.0, 1.0])
    assert arena.tolist() == [0, 2, 3, 0, 0]


def test_a_variable_from_an_initializer():
    v = Variable(lambda shape, dtype: np.full(shape, 2, dtype), shape=(2, 1), dtype="float16")
    assert (v.shape, v.dtype, v.tolist()) == ((2, 1), "float16", [[2.0], [2.0]])
    with pytest.raises(ValueError, match="needs a shape"):
        Variable(lambda shape, dtype: np.ones(shape))
    with pytest.raises(ValueError, match=r"expected \(2,\). Received: \(3,\)"):
        Variable(lambda shape, dtype: np.ones(3), shape=(2,))


def test_names_and_paths():
    reset_names()
    assert [Variable(1.0).name, Variable(1.0).name] == ["variable", "variable_1"]
    with name_scope("model"), name_scope("dense"):
        assert Variable(1.0, name="kernel").path == "model/dense/kernel"
    with pytest.raises(ValueError, match="Received: name='a/b'"):
        Variable(1.0, name="a/b")
    with pytest.raises(ValueError, match="Received: aggregation='most'"):
        Variable(1.0, aggregation="most")


def test_freezing_a_variable_takes_it_off_the_tapes():
    v = Variable([1.0])
    assert v.node is not None
    v.trainable = False
    assert v.node is None
    assert Variable([1]).node is None


def test_a_variable_is_copied_and_pickled():
    v = Variable([1.0, 2.0], name="w", trainable=False)
    for twin in (copy.deepcopy(v), pickle.loads(pickle.dumps(v))):
        assert (twin.tolist(), twin.name, twin.path, twin.trainable) == ([1.0, 2.0], "w", "w", False)
        twin.assign([0.0, 0.0])
    assert v.tolist() == [1.0, 2.0]
