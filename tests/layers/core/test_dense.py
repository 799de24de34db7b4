"""Tests of `Dense`."""

import json

import numpy as np
import pytest

from kerasish import layers, ops
from tests.layers.support import check_layer


@pytest.mark.parametrize("activation", [None, "relu", "sigmoid", "tanh", "softmax"])
def test_it_keeps_the_contract_of_layers(activation):
    check_layer(
        layers.Dense,
        {"units": 3, "activation": activation},
        (2, 4),
        expected_output_shape=(2, 3),
        expected_trainable_weights=2,
        expected_non_trainable_weights=0,
        supports_masking=True,
        gradients=True,
    )


def test_it_works_on_the_last_axis_of_higher_ranks():
    check_layer(
        layers.Dense,
        {"units": 2, "use_bias": False},
        (2, 3, 5, 4),
        expected_output_shape=(2, 3, 5, 2),
        expected_weights=1,
        gradients=True,
    )


def test_the_output_is_the_activation_of_the_product_and_the_bias():
    check_layer(
        layers.Dense,
        {"units": 2, "activation": "relu"},
        inputs=np.array([[-1.0, 2.0], [4.0, 5.0]], np.float32),
        weights=[np.array([[1.0, -2.0], [3.0, -4.0]]), np.array([5.0, 6.0])],
        expected_output=[[10.0, 0.0], [24.0, 0.0]],
    )


def test_regularizers_become_losses():
    layer = check_layer(
        layers.Dense,
        {"units": 2, "kernel_regularizer": "l2", "bias_regularizer": "l1", "activity_regularizer": "l2"},
        (2, 3),
        expected_losses=3,
    )
    assert layer.kernel.regularizer is layer.kernel_regularizer


def test_a_wrong_number_of_units_is_refused():
    for units in (0, -1, 2.5, "3", True):
        with pytest.raises(ValueError, match=r"units.*Received: units="):
            layers.Dense(units)


def test_an_unknown_last_dimension_is_refused():
    with pytest.raises(ValueError, match="known shape"):
        layers.Dense(3)(layers.Input((None,)))


def test_a_change_of_the_last_dimension_is_refused_by_name():
    layer = layers.Dense(3, name="head")
    layer(np.ones((2, 4)))
    with pytest.raises(ValueError, match=r"'head'.*axis -1 to have size 4.*Received: shape=\(2, 5\)"):
        layer(np.ones((2, 5)))


def test_a_vector_is_refused():
    with pytest.raises(ValueError, match="min_ndim=2"):
        layers.Dense(3)(np.ones(4))


def test_the_kernel_is_not_there_before_the_layer_is_built():
    with pytest.raises(AttributeError, match="before it is built"):
        layers.Dense(3).kernel  # noqa: B018


def test_the_activation_can_be_changed_afterwards():
    layer = layers.Dense(2, activation="relu")
    x = np.array([[1.0, -1.0]], np.float32)
    layer(x)
    layer.set_weights([np.eye(2), np.zeros(2)])
    assert layer(x).tolist() == [[1.0, 0.0]]
    layer.activation = ops.negative
    assert layer(x).tolist() == [[-1.0, 1.0]]


def test_quantization_is_refused():
    with pytest.raises(ValueError, match="Quantization is not supported"):
        layers.Dense(2, quantization_config={"mode": "int8"})


def test_low_rank_adaptation_leaves_the_function_as_it_was_and_trains_two_thin_matrices():
    layer = layers.Dense(4)
    x = np.random.default_rng(0).normal(size=(3, 5)).astype("float32")
    before = layer(x).numpy()
    layer.enable_lora(2, lora_alpha=3)
    np.testing.assert_allclose(layer(x).numpy(), before, rtol=1e-6)
    assert [v.name for v in layer.trainable_weights] == ["bias", "lora_kernel_a", "lora_kernel_b"]
    layer.lora_kernel_b.assign(np.ones((2, 4)))
    expected = x @ (layer._kernel.numpy() + 1.5 * layer.lora_kernel_a.numpy() @ np.ones((2, 4)))
    np.testing.assert_allclose(layer(x).numpy(), expected, rtol=1e-5, atol=1e-5)


def test_an_adapted_layer_is_stored_as_a_plain_one():
    layer, plain = layers.Dense(4), layers.Dense(4)
    x = np.random.default_rng(0).normal(size=(3, 5)).astype("float32")
    layer(x), plain(x)
    layer.enable_lora(2)
    layer.lora_kernel_b.assign(np.ones((2, 4)))
    store = {}
    layer.save_own_variables(store)
    plain.load_own_variables({key: np.asarray(value) for key, value in store.items()})
    np.testing.assert_allclose(plain(x).numpy(), layer(x).numpy(), rtol=1e-5, atol=1e-6)
    layer.load_own_variables({key: np.asarray(value) for key, value in store.items()})
    np.testing.assert_allclose(layer(x).numpy(), plain(x).numpy(), rtol=1e-5, atol=1e-6)
    assert not layer.lora_kernel_b.numpy().any()


def test_a_rank_in_the_arguments_survives_the_config():
    layer = check_layer(
        layers.Dense, {"units": 3, "lora_rank": 2, "lora_alpha": 4}, (2, 4), expected_trainable_weights=3
    )
    assert json.loads(json.dumps(layer.get_config()))["lora_alpha"] == 4


def test_adaptation_needs_a_built_layer_without_a_constraint():
    with pytest.raises(ValueError, match="must be built"):
        layers.Dense(3).enable_lora(2)
    layer = layers.Dense(3, kernel_constraint="max_norm")
    layer(np.ones((1, 2)))
    with pytest.raises(ValueError, match="without a constraint"):
        layer.enable_lora(2)
    layer = layers.Dense(3, lora_rank=1)
    layer(np.ones((1, 2)))
    with pytest.raises(ValueError, match="enabled already"):
        layer.enable_lora(2)
