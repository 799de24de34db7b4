import importlib

import numpy as np
import pytest

from kerasish.autodiff import GradientTape, KerasTensor, Variable, autocast, convert_to_tensor, state
from kerasish.ops.dense import ACTIVATIONS, dense
from kerasish.ops.matmul import matmul
from tests.support import check_gradients


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("lead", [(3,), (2, 3)])
def test_dense_has_first_and_second_derivatives(rng, activation, lead):
    arrays = [rng.normal(size=(*lead, 4)), rng.normal(size=(4, 2)), rng.normal(size=2)]
    check_gradients(lambda x, kernel, bias: dense(x, kernel, bias, activation=activation), arrays)
    check_gradients(lambda x, kernel: dense(x, kernel, activation=activation), arrays[:2])


def test_only_wanted_gradients_are_computed(rng, monkeypatch):
    x, kernel, bias = (convert_to_tensor(rng.normal(size=shape)) for shape in ((3, 4), (4, 2), (2,)))
    with GradientTape() as tape:
        tape.watch([kernel, bias])
        y = dense(x, kernel, bias, activation="relu")
    seen = []
    module = importlib.import_module("kerasish.ops.dense")
    run = module.apply

    def watch(primitive, inputs, attrs):
        seen.append((primitive.name, attrs["needs"]))
        return run(primitive, inputs, attrs)

    monkeypatch.setattr(module, "apply", watch)
    tape.gradient(y, [kernel, bias])
    assert seen == [("dense_backward", (False, True, True))]


def test_dense_brings_its_operands_to_one_dtype():
    y = dense(np.ones((2, 3), np.float32), np.ones((3, 1)), [1])
    assert y.dtype == "float64"
    assert y.tolist() == [[4], [4]]


def test_dense_builds_symbolic_outputs():
    y = dense(KerasTensor((None, 7, 3)), np.ones((3, 5), np.float32), activation="relu")
    assert y.shape == (None, 7, 5)
    assert not state.abstract


@pytest.mark.parametrize(
    ("x", "kernel", "bias", "activation", "message"),
    [
        ((2, 3), (4, 5), None, "linear", "Received: x.shape"),
        ((3,), (3, 5), None, "linear", "Received: x.shape"),
        ((2, 3), (3, 5), (4,), "linear", "Received: bias.shape"),
        ((2, 3), (3, 5), None, "swish", "Received: activation='swish'"),
    ],
)
def test_dense_names_what_does_not_fit(x, kernel, bias, activation, message):
    with pytest.raises(ValueError, match=message):
        dense(np.ones(x), np.ones(kernel), None if bias is None else np.ones(bias), activation=activation)


def test_dense_uses_tensors_as_they_are(rng):
    x = convert_to_tensor(rng.normal(size=(2, 3)))
    assert dense(x, np.eye(3)).tolist() == x.tolist()


def test_variables_enter_in_the_compute_dtype_and_get_gradients_in_their_own():
    x = convert_to_tensor(np.ones((2, 3), np.float16))
    kernel, bias = Variable(np.ones((3, 4), np.float32)), Variable(np.ones(4, np.float32))
    with autocast("float16"), GradientTape() as tape:
        y = dense(x, kernel, bias, activation="tanh")
        z = matmul(x, kernel)
    assert (y.dtype, z.dtype) == ("float16", "float16")
    assert [g.dtype for g in tape.gradient([y, z], [kernel, bias])] == ["float32", "float32"]
