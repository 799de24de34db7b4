"""Activations: values, names, configs, errors, use in symbolic models."""

import math

import numpy as np
import pytest

from kerasish import activations, layers, ops
from kerasish.autodiff import GradientTape, KerasTensor, Variable
from kerasish.saving.object_registration import register_keras_serializable

X = np.array([-7.0, -2.5, -1.0, -0.3, 0.0, 0.4, 1.0, 2.5, 7.0])
SIGMOID = 1 / (1 + np.exp(-X))
ERF = np.array([math.erf(x / math.sqrt(2)) for x in X])
EXPECTED = {
    "celu": np.where(X > 0, X, np.expm1(X)),
    "elu": np.where(X > 0, X, np.expm1(X)),
    "exponential": np.exp(X),
    "gelu": 0.5 * X * (1 + ERF),
    "hard_shrink": np.where(abs(X) > 0.5, X, 0),
    "hard_sigmoid": np.clip(X / 6 + 0.5, 0, 1),
    "hard_silu": X * np.clip(X / 6 + 0.5, 0, 1),
    "hard_swish": X * np.clip(X / 6 + 0.5, 0, 1),
    "hard_tanh": np.clip(X, -1, 1),
    "leaky_relu": np.where(X > 0, X, 0.2 * X),
    "linear": X,
    "log_sigmoid": np.log(SIGMOID),
    "mish": X * np.tanh(np.log1p(np.exp(X))),
    "relu": np.maximum(X, 0),
    "relu6": np.clip(X, 0, 6),
    "selu": 1.0507009873554805 * np.where(X > 0, X, 1.6732632423543772 * np.expm1(X)),
    "sigmoid": SIGMOID,
    "silu": X * SIGMOID,
    "soft_shrink": np.sign(X) * np.maximum(abs(X) - 0.5, 0),
    "softmax": np.exp(X) / np.exp(X).sum(),
    "log_softmax": X - np.log(np.exp(X).sum()),
    "softplus": np.log1p(np.exp(X)),
    "softsign": X / (1 + abs(X)),
    "sparse_plus": np.where(X <= -1, 0, np.where(X >= 1, X, 0.25 * (X + 1) ** 2)),
    "sparse_sigmoid": np.clip(0.5 * (X + 1), 0, 1),
    "squareplus": (X + np.sqrt(X**2 + 4)) / 2,
    "swish": X * SIGMOID,
    "tanh": np.tanh(X),
    "tanh_shrink": X - np.tanh(X),
}


@pytest.mark.parametrize("name", EXPECTED)
def test_an_activation_found_by_name_has_the_values_of_its_formula(name):
    values = activations.get(name)(ops.convert_to_tensor(X))
    np.testing.assert_allclose(values.numpy(), EXPECTED[name], rtol=1e-6, atol=1e-9)


def test_all_public_functions_are_compared_or_tested_apart():
    special = {"glu", "sparsemax", "threshold", "get", "serialize", "deserialize"}
    assert set(activations.__all__) == set(EXPECTED) | special


def test_glu_threshold_and_sparsemax():
    halves = activations.glu(ops.convert_to_tensor(X[:8])).numpy()
    np.testing.assert_allclose(halves, X[:4] * SIGMOID[4:8], rtol=1e-6)
    assert activations.threshold(ops.convert_to_tensor([-1.0, 2.0]), 1.0, 5.0).tolist() == [5.0, 2.0]
    np.testing.assert_allclose(activations.sparsemax([0.1, 1.1, 0.6]).numpy(), [0.0, 0.75, 0.25], atol=1e-6)


@pytest.mark.parametrize("negative_slope", [0.0, 0.5])
@pytest.mark.parametrize("max_value", [None, 2.0, 6.0])
@pytest.mark.parametrize("threshold", [0.0, 1.0])
def test_relu_with_arguments(negative_slope, max_value, threshold):
    expected = np.where(threshold < X, X, 0 if threshold else np.maximum(X, 0))
    if max_value is not None:
        expected = np.clip(expected, 0, max_value)
    expected = expected - negative_slope * np.maximum(threshold - X, 0)
    values = activations.relu(
        ops.convert_to_tensor(X), negative_slope=negative_slope, max_value=max_value, threshold=threshold
    )
    np.testing.assert_allclose(values.numpy(), expected, rtol=1e-6, atol=1e-9)


def test_gelu_can_be_approximated():
    x = ops.convert_to_tensor(X)
    exact, approximate = activations.gelu(x).numpy(), activations.gelu(x, approximate=True).numpy()
    assert 0 < abs(exact - approximate).max() < 1e-2


@pytest.mark.parametrize("name", ["mish", "relu", "gelu", "exponential"])
def test_activations_have_gradients_and_work_on_symbolic_tensors(name):
    function = activations.get(name)
    x = Variable(np.array([0.5, -0.5]))
    with GradientTape() as tape:
        y = ops.sum(function(x))
    slope = (function(ops.array([0.5 + 1e-6, -0.5 + 1e-6], "float64")) - function(x)).numpy() / 1e-6
    np.testing.assert_allclose(tape.gradient(y, x).numpy(), slope, atol=1e-4)
    assert function(KerasTensor((None, 3))).shape == (None, 3)


def test_relu_with_arguments_works_on_symbolic_tensors():
    assert activations.relu(KerasTensor((None, 3)), 0.1, 4.0, 1.0).shape == (None, 3)


@pytest.mark.parametrize("name", sorted(set(EXPECTED) - {"swish", "hard_swish"}))
def test_an_activation_is_serialized_as_its_name(name):
    assert activations.serialize(activations.get(name)) == name
    assert activations.deserialize(name) is activations.get(name)


def test_functions_of_ops_serve_as_activations():
    assert activations.serialize(ops.relu) == "relu"
    assert activations.get(ops.tanh) is ops.tanh


def test_configs_of_functions_and_of_layers_are_read():
    entry = {"module": "builtins", "class_name": "function", "config": "relu", "registered_name": "relu"}
    assert activations.get(entry) is activations.relu
    assert activations.get("softmax_v2") is activations.softmax
    layer = activations.get({"class_name": "LeakyReLU", "config": {"negative_slope": 0.3}})
    assert isinstance(layer, layers.LeakyReLU)
    again = activations.deserialize(activations.serialize(layer))
    assert again.negative_slope == 0.3


def test_a_function_of_the_users_own_is_found_by_its_registered_name():
    @register_keras_serializable("activation_tests")
    def relu(x):
        return x * 2

    entry = activations.serialize(relu)
    assert entry["config"] == "activation_tests>relu"
    assert activations.deserialize(entry) is relu
    assert activations.deserialize("twice", custom_objects={"twice": relu}) is relu


def test_none_is_linear_and_nonsense_is_refused():
    assert activations.get(None) is activations.linear
    with pytest.raises(ValueError, match=r"Unknown activation .* 'nonsense'"):
        activations.get("nonsense")
    with pytest.raises(ValueError, match=r"Cannot interpret this activation.*Received: 3"):
        activations.get(3)
    with pytest.raises(ValueError, match="Expected an activation function"):
        activations.serialize("relu")
