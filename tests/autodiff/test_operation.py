import numpy as np
import pytest

from kerasish import ops
from kerasish.autodiff import (
    REGISTRY,
    FunctionOperation,
    KerasTensor,
    Operation,
    Variable,
    abstract_mode,
    autocast,
    infer_output,
    is_symbolic,
    node_of,
    standardize_shape,
)


def test_a_call_on_a_keras_tensor_is_a_node():
    x = KerasTensor((None, 3))
    y = ops.exp(x)
    assert (y.shape, y.dtype) == ((None, 3), "float32")
    node = node_of(y)
    assert isinstance(node.operation, FunctionOperation)
    assert node.input_tensors == [x] or node.input_tensors[0] is x
    assert node.operation.input is x
    assert node.operation.output is y
    assert node.operation(np.zeros((2, 3))).tolist() == [[1.0] * 3] * 2


def test_keras_tensors_are_found_at_any_depth():
    x = KerasTensor((2,))
    assert is_symbolic([1, {"a": (2, x)}])
    assert not is_symbolic([1, {"a": (2, np.ones(2))}])
    assert ops.concatenate([x, np.ones(3, "float32")]).shape == (5,)
    assert ops.add(x1=1.0, x2=x).shape == (2,)


def test_keras_tensors_have_operators_and_are_told_apart_by_identity():
    x, y = KerasTensor((None, 2)), KerasTensor((None, 2))
    for z in (x + y, x - 1, 2 * x, 1 / x, -x, x**2, x @ np.ones((2, 2), "float32"), abs(x), np.ones(2, "float32") + x):
        assert (z.shape, z.dtype) == ((None, 2), "float32")
    assert (x == y).dtype == (x < 1).dtype == (~(x > y)).dtype == "bool"
    assert x[:, 0].shape == (None,)
    assert len({x, y, x}) == 2
    assert {x: 1}[x] == 1


@pytest.mark.parametrize("use", [bool, int, float, iter, np.asarray])
def test_a_keras_tensor_has_no_values(use):
    with pytest.raises(TypeError, match="A KerasTensor has no values"):
        use(KerasTensor((1,)))


def test_shapes_are_standardized():
    assert standardize_shape([None, np.int64(3)]) == (None, 3)
    for bad in (None, 3, "ab", (1, -1), (1, 2.5)):
        with pytest.raises(ValueError, match="Expected a shape"):
            standardize_shape(bad)


def test_unknown_sizes_are_found_by_what_changes():
    a, b = KerasTensor((None, 4)), KerasTensor((None, None, 4))
    assert infer_output(lambda x: ops.reshape(x, (-1, 2)), (a,), {}).shape == (None, 2)
    assert infer_output(lambda x: ops.sum(x, axis=1), (b,), {}).shape == (None, 4)
    assert infer_output(lambda x: ops.reshape(x, (-1,)), (KerasTensor((3, 4)),), {}).shape == (12,)
    assert infer_output(lambda x: {"a": x * 2, "n": 3}, (a,), {})["n"] == 3
    halves = infer_output(lambda x: ops.split(x, 2, axis=0), (a,), {})
    assert [half.shape for half in halves] == [(None, 4)] * 2


def test_an_error_in_a_symbolic_call_is_that_of_the_function():
    with pytest.raises(ValueError, match="broadcast"):
        ops.add(KerasTensor((None, 3)), KerasTensor((None, 4)))


def test_nothing_is_computed_or_assigned_in_abstract_mode():
    v = Variable([1.0, 2.0])
    with abstract_mode():
        y = ops.exp(v)
        v.assign([5.0, 5.0])
        made = Variable([3.0])
    assert y.tolist() == [0.0, 0.0]
    assert v.tolist() == [1.0, 2.0]
    assert made.tolist() == [3.0]


def test_large_symbolic_tensors_take_no_memory():
    x = KerasTensor((10**6, 10**5))
    y = ops.sum(ops.tanh(ops.reshape(x * 2 + x, (10**5, 10**6))), axis=0)
    assert y.shape == (10**6,)


@pytest.mark.parametrize("scope", ["float16", "float64"])
def test_variables_enter_in_the_compute_dtype(scope):
    from kerasish.autodiff import GradientTape

    v, plain = Variable([1.0, 2.0]), Variable([1.0, 1.0], autocast=False)
    x = ops.ones((2,), scope)
    with GradientTape() as tape, autocast(scope):
        y = x * v
        assert (v + 1).dtype == scope
        assert ops.where([True, False], v, x).dtype == scope
        assert (plain + 1).dtype == "float32"
    assert y.dtype == scope
    assert tape.gradient(y, v).dtype == "float32"


def test_an_operation_of_ones_own():
    class Twice(Operation):
        def call(self, x):
            return x * 2

    twice = Twice(name="twice")
    x = KerasTensor((None, 2))
    y = twice(x)
    assert twice.output is y
    twice(x)
    with pytest.raises(AttributeError, match="called 2 times"):
        twice.output  # noqa: B018
    with pytest.raises(AttributeError, match="never been called"):
        Twice().input  # noqa: B018
    with pytest.raises(ValueError, match="Received: name='a/b'"):
        Twice(name="a/b")
    with pytest.raises(NotImplementedError, match="Operation has no `call`"):
        Operation()(1)


def test_an_input_handed_through_gets_a_tensor_of_its_own():
    x = KerasTensor((2,))
    y = FunctionOperation(lambda v: v, name="same")(x)
    assert y is not x
    assert node_of(y).input_tensors[0] is x
    with pytest.raises(ValueError, match="comes from Input"):
        node_of(x)


def test_functions_are_registered_by_name():
    assert REGISTRY["exp"] is ops.exp
    assert REGISTRY["add"] is ops.add
