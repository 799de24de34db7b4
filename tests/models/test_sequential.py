"""Tests of `Sequential`."""

import json

import numpy as np
import pytest

from kerasish import layers, ops
from kerasish.autodiff import reset_names
from kerasish.models import Model, Sequential

X = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)


def test_the_layers_are_called_one_after_the_other():
    first, second = layers.Dense(4, activation="relu"), layers.Dense(2)
    model = Sequential([first, second])
    np.testing.assert_allclose(model(X).numpy(), second(first(X)).numpy(), rtol=1e-6)


@pytest.mark.parametrize(
    "start",
    [
        lambda: [layers.Input((3,)), layers.Dense(4)],
        lambda: [layers.Dense(4, input_shape=(3,))],
        lambda: [layers.Dense(4, input_dim=3)],
        lambda: [layers.Dense(4, batch_input_shape=(None, 3))],
        lambda: [layers.InputLayer((3,)), layers.Dense(4)],
    ],
)
def test_with_a_known_input_it_is_built_at_once(start):
    model = Sequential([*start(), layers.Dense(2)])
    assert model.built
    assert (model.input_shape, model.output_shape) == ((None, 3), (None, 2))
    assert [layer.__class__.__name__ for layer in model.layers] == ["Dense", "Dense"]
    assert model.count_params() == 16 + 10


def test_the_weights_carry_the_name_of_the_model():
    reset_names()
    model = Sequential([layers.Input((3,)), layers.Dense(4), layers.Dense(2)])
    assert [v.path for v in model.weights] == [
        f"sequential/{layer}/{part}" for layer in ("dense", "dense_1") for part in ("kernel", "bias")
    ]


def test_without_one_it_is_built_by_the_first_data():
    model = Sequential([layers.Dense(4), layers.Dense(2)])
    assert not model.built
    assert model.weights == []
    with pytest.raises(AttributeError, match="not built yet"):
        model.inputs  # noqa: B018
    assert model(X).shape == (4, 2)
    assert model.built
    assert len(model.weights) == 4
    assert model.output_shape == (None, 2)
    assert model(np.ones((7, 3))).shape == (7, 2)


def test_it_can_be_built_by_hand():
    model = Sequential([layers.Dense(4)])
    model.build((None, 3))
    assert model.weights[0].shape == (3, 4)


def test_layers_are_added_and_popped():
    model = Sequential()
    model.add(layers.Input((3,)))
    model.add(layers.Dense(4))
    model.add(layers.Dense(2))
    assert model.output_shape == (None, 2)
    top = model.pop()
    assert top.units == 2
    assert model.output_shape == (None, 4)
    assert model(X).shape == (4, 4)


def test_popping_from_an_empty_model_is_refused():
    with pytest.raises(ValueError, match="no layers to pop"):
        Sequential([layers.Input((3,))]).pop()


def test_wrong_layers_are_refused():
    with pytest.raises(ValueError, match=r"Only layers.*Received: 3"):
        Sequential([3])
    with pytest.raises(ValueError, match="names of their own"):
        Sequential([layers.Dense(2, name="d"), layers.Dense(2, name="d")])
    with pytest.raises(ValueError, match="has layers already"):
        Sequential([layers.Dense(2), layers.Input((3,))])


def test_sequential_models_nest():
    inner = Sequential([layers.Dense(4), layers.Dense(5)])
    model = Sequential([layers.Input((3,)), inner, layers.Dense(1)])
    assert model.output_shape == (None, 1)
    assert len(model.weights) == 6
    np.testing.assert_allclose(model(X).numpy(), model.layers[-1](inner(X)).numpy(), rtol=1e-6)


def test_a_functional_model_can_come_first():
    inputs = layers.Input((3,))
    base = Model(inputs, layers.Dense(4)(inputs))
    model = Sequential([base, layers.Dense(1)])
    assert model.output_shape == (None, 1)


def test_it_is_a_layer_in_a_graph():
    model = Sequential([layers.Dense(4), layers.Dense(2)])
    inputs = layers.Input((3,))
    outer = Model(inputs, model(inputs))
    np.testing.assert_allclose(outer(X).numpy(), model(X).numpy())


def test_training_and_masks_pass_through():
    model = Sequential([layers.Masking(), layers.Dropout(0.5, seed=1)])
    x = np.array([[[1.0], [0.0]]], np.float32)
    assert model(x)._keras_mask.tolist() == [[True, False]]
    assert np.array_equal(model(x).numpy(), x)
    big = np.ones((1, 50, 1), np.float32)
    assert (model(big, training=True).numpy() == 0).any()


def test_a_mask_passes_through_models_inside():
    inner = Sequential([layers.Dense(3), layers.Dropout(0.5)])
    model = Sequential([layers.Masking(), inner])
    x = np.array([[[1.0], [0.0]]], np.float32)
    for _ in range(2):
        assert model(x)._keras_mask.tolist() == [[True, False]]


def test_losses_are_those_of_the_last_call_in_fast_calls_too():
    model = Sequential([layers.Input((3,)), layers.ActivityRegularization(l1=1.0), layers.Dense(2)])
    x = ops.convert_to_tensor(X)
    for _ in range(4):
        model(x)
        model(x, training=True)
    assert model._fast
    assert len(model.losses) == 1


def test_fast_calls_know_whether_the_model_is_training():
    model = Sequential([layers.Input((3,)), layers.Dropout(0.5, seed=1)])
    x = ops.convert_to_tensor(np.ones((40, 3), np.float32))
    for _ in range(3):
        assert (model(x, training=True).numpy() == 0).any()
        assert (model(x).numpy() == 1).all()
        assert (model(x, training=False).numpy() == 1).all()
    assert model._fast


def test_lengths_of_sequences_may_change_but_not_the_number_of_axes():
    model = Sequential([layers.Input((2, 3)), layers.Dense(4)])
    assert model(np.ones((1, 5, 3), np.float32)).shape == (1, 5, 4)
    with pytest.raises(ValueError, match=r"expected shape=\(None, 2, 3\).*Received: shape=\(1, 2\)"):
        model(np.ones((1, 2), np.float32))


def test_freezing_freezes_the_layers():
    model = Sequential([layers.Input((3,)), layers.Dense(4), layers.Dense(2)])
    model.layers[0].trainable = False
    assert len(model.trainable_weights) == 2
    model.trainable = False
    assert model.trainable_weights == []


def test_layers_are_found_by_name_and_place():
    model = Sequential([layers.Dense(4, name="a"), layers.Dense(2, name="b")])
    assert model.get_layer("b") is model.layers[1]
    assert model.get_layer(index=0).name == "a"
    for wrong in ({"name": "c"}, {"index": 5}, {}, {"name": "a", "index": 0}):
        with pytest.raises(ValueError, match="Received: "):
            model.get_layer(**wrong)


def test_the_config_makes_an_equal_model():
    model = Sequential([layers.Input((3,), name="x"), layers.Dense(4, activation="relu"), layers.Dense(2)], name="s")
    config = json.loads(json.dumps(model.get_config()))
    assert [layer["class_name"] for layer in config["layers"]] == ["InputLayer", "Dense", "Dense"]
    again = Sequential.from_config(config)
    assert json.loads(json.dumps(again.get_config())) == config
    again.set_weights(model.get_weights())
    np.testing.assert_allclose(again(X).numpy(), model(X).numpy())
