"""Tests of models made from a graph of layers."""

import numpy as np
import pytest

from kerasish import layers, ops
from kerasish.autodiff import reset_names
from kerasish.models import Functional, Model

X = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)


def two_headed():
    reset_names()
    a, b = layers.Input((3,), name="a"), layers.Input((2,), name="b")
    x = layers.Dense(4, activation="relu", name="shared")(a)
    y = layers.Concatenate(name="join")([x, b])
    return Model([a, b], {"first": layers.Dense(1, name="one")(y), "second": layers.Dense(2, name="two")(x)})


def test_it_computes_what_its_layers_compute():
    inputs = layers.Input((3,))
    first, second = layers.Dense(4, activation="relu"), layers.Dense(2)
    model = Model(inputs, second(first(inputs)))
    assert isinstance(model, Functional)
    np.testing.assert_allclose(model(X).numpy(), second(first(X)).numpy())


def test_the_structures_of_inputs_and_outputs_are_kept():
    model = two_headed()
    result = model([X, X[:, :2]])
    assert {key: value.shape for key, value in result.items()} == {"first": (4, 1), "second": (4, 2)}
    assert model.output_shape == {"first": (None, 1), "second": (None, 2)}
    assert model.input_shape == [(None, 3), (None, 2)]
    assert model.input_names == ["a", "b"]
    assert model.output_names == ["one", "two"]


def test_inputs_can_be_given_by_name():
    model = two_headed()
    by_name, by_place = model({"b": X[:, :2], "a": X}), model([X, X[:, :2]])
    np.testing.assert_allclose(by_name["first"].numpy(), by_place["first"].numpy())


def test_a_dict_of_inputs_is_matched_by_its_keys():
    a, b = layers.Input((3,)), layers.Input((2,))
    model = Model({"left": a, "right": b}, layers.Concatenate()([b, a]))
    assert model({"right": X[:, :2], "left": X}).numpy().tolist() == np.concatenate([X[:, :2], X], 1).tolist()
    with pytest.raises(ValueError, match=r"lacks the inputs.*right"):
        model({"left": X})


def test_the_layers_stand_in_the_order_of_keras():
    assert [layer.name for layer in two_headed().layers] == ["a", "shared", "b", "join", "one", "two"]


def test_the_weights_are_those_of_the_layers_in_their_order():
    model = two_headed()
    assert [v.path for v in model.weights] == [
        f"{name}/{part}" for name in ("shared", "one", "two") for part in ("kernel", "bias")
    ]
    assert model.count_params() == 16 + 7 + 10


def test_a_shared_layer_is_used_twice_and_counted_once():
    a, b = layers.Input((3,)), layers.Input((3,))
    shared = layers.Dense(2)
    model = Model([a, b], layers.subtract([shared(a), shared(b)]))
    np.testing.assert_allclose(model([X, X]).numpy(), np.zeros((4, 2)), atol=1e-6)
    assert len(model.weights) == 2


def test_functions_of_tensors_are_nodes():
    inputs = layers.Input((3,))
    x = ops.concatenate([inputs, ops.square(inputs)], axis=-1)
    model = Model(inputs, ops.sum(x * 2 + 1, axis=-1))
    np.testing.assert_allclose(model(X).numpy(), (2 * X + 1 + 2 * X**2 + 1).sum(-1), rtol=1e-5)


def test_models_nest():
    inputs = layers.Input((3,))
    inner = Model(inputs, layers.Dense(2)(layers.Dense(5)(inputs)), name="inner")
    outer_inputs = layers.Input((3,))
    outer = Model(outer_inputs, layers.Dense(1)(inner(outer_inputs)))
    assert len(outer.weights) == 6
    assert [layer.name for layer in outer.layers][1] == "inner"
    np.testing.assert_allclose(outer(X).numpy(), outer.layers[-1](inner(X)).numpy(), rtol=1e-6)


def test_a_part_of_a_model_is_a_model_with_the_same_weights():
    inputs = layers.Input((3,))
    middle = layers.Dense(5, name="middle")
    model = Model(inputs, layers.Dense(2)(middle(inputs)))
    features = Model(model.inputs, model.get_layer("middle").output)
    np.testing.assert_allclose(features(X).numpy(), middle(X).numpy())
    assert features.weights[0] is model.weights[0]


def test_a_tensor_in_the_middle_can_be_the_input():
    inputs = layers.Input((3,))
    hidden = layers.Dense(5)(inputs)
    model = Model(inputs, layers.Dense(2)(hidden))
    tail = Model(hidden, model.output)
    h = np.ones((4, 5), np.float32)
    np.testing.assert_allclose(tail(h).numpy(), model.layers[-1](h).numpy())


def test_an_output_may_be_an_input():
    inputs = layers.Input((3,))
    model = Model(inputs, [inputs, layers.Dense(2)(inputs)])
    given, _ = model(X)
    assert np.array_equal(given.numpy(), X)


def test_training_reaches_the_layers():
    inputs = layers.Input((3,))
    model = Model(inputs, layers.Dropout(0.5, seed=1)(inputs))
    assert np.array_equal(model(X).numpy(), X)
    assert (model(X, training=True).numpy() == 0).any()


def test_an_input_without_its_last_axis_of_one_gets_it():
    inputs = layers.Input((1,))
    model = Model(inputs, layers.Dense(2)(inputs))
    assert model(np.ones(4, np.float32)).shape == (4, 2)


def test_inputs_are_cast_to_the_dtype_of_the_input():
    inputs = layers.Input((3,), dtype="int32")
    model = Model(inputs, layers.Identity()(inputs))
    assert model(np.ones((2, 3))).dtype == "int32"


def test_inputs_that_do_not_fit_are_refused_with_the_names():
    inputs = layers.Input((3,), name="x")
    model = Model(inputs, layers.Dense(2)(inputs), name="net")
    with pytest.raises(
        ValueError, match=r"'x' of the model 'net'.*expected shape=\(None, 3\).*Received: shape=\(2, 4\)"
    ):
        model(np.ones((2, 4)))
    with pytest.raises(ValueError, match=r"'net' expects 1 input\(s\).*Received: 2"):
        model([X, X])


def test_outputs_that_do_not_depend_on_the_inputs_are_refused():
    a, b = layers.Input((3,)), layers.Input((3,), name="other")
    with pytest.raises(ValueError, match=r"'other'.*not among its inputs"):
        Model(a, layers.Add()([a, b]))


def test_things_that_are_no_keras_tensors_are_refused():
    a = layers.Input((3,))
    with pytest.raises(ValueError, match="inputs of a model to be KerasTensors"):
        Model(X, a)
    with pytest.raises(ValueError, match="outputs of a model to be KerasTensors"):
        Model(a, X)


def test_names_of_layers_must_be_unique():
    a = layers.Input((3,))
    with pytest.raises(ValueError, match=r"unique.*'d'"):
        Model(a, layers.Dense(2, name="d")(layers.Dense(2, name="d")(a)))


def test_gradients_flow_through_the_graph():
    from kerasish.autodiff import GradientTape

    model = two_headed()
    with GradientTape() as tape:
        result = model([X, X[:, :2]])
        loss = ops.sum(result["first"]) + ops.sum(result["second"])
    assert all(gradient is not None for gradient in tape.gradient(loss, model.trainable_variables))


def test_the_config_makes_an_equal_model():
    import json

    model = two_headed()
    config = json.loads(json.dumps(model.get_config()))
    again = Functional.from_config(config)
    assert json.loads(json.dumps(again.get_config())) == config
    again.set_weights(model.get_weights())
    for key, value in again([X, X[:, :2]]).items():
        np.testing.assert_allclose(value.numpy(), model([X, X[:, :2]])[key].numpy())
