"""Tests of what all models share."""

import json

import numpy as np
import pytest

from kerasish import layers, ops
from kerasish.models import Model, Sequential
from kerasish.models.graph import Graph

X = np.random.default_rng(0).normal(size=(32, 3)).astype(np.float32)


def small():
    inputs = layers.Input((3,), name="x")
    return Model(inputs, layers.Dense(1, name="y")(layers.Dense(8, activation="tanh")(inputs)))


def test_it_learns():
    model = small()
    y = X.sum(1, keepdims=True)
    model.compile("sgd", "mse")
    before = model.evaluate(X, y, verbose=0)
    model.fit(X, y, epochs=60, verbose=0)
    assert model.evaluate(X, y, verbose=0) < before / 2


def test_losses_of_layers_are_added_while_training():
    inputs = layers.Input((3,))
    model = Model(inputs, layers.ActivityRegularization(l1=1.0)(inputs))
    model(X)
    assert float(model.losses[0]) == pytest.approx(np.abs(X).sum() / 32, rel=1e-5)


def test_a_model_repeats_with_the_same_inputs():
    model = small()
    assert np.array_equal(model(X).numpy(), model(X).numpy())
    assert model.predict(X, verbose=0).shape == (32, 1)


def test_layers_cannot_be_replaced_as_a_whole():
    with pytest.raises(AttributeError, match="setter"):
        small().layers = []


def test_the_architecture_goes_through_json():
    from kerasish.models import model_from_json

    model = small()
    text = model.to_json()
    assert json.loads(text)["class_name"] == "Functional"
    again = model_from_json(text)
    again.set_weights(model.get_weights())
    np.testing.assert_allclose(again(X).numpy(), model(X).numpy())


def test_weights_and_models_go_through_files(tmp_path):
    from kerasish.models import load_model

    model = small()
    model.save(tmp_path / "m.h5")
    np.testing.assert_allclose(load_model(tmp_path / "m.h5")(X).numpy(), model(X).numpy())
    model.save_weights(tmp_path / "w.h5")
    other = small()
    other.load_weights(tmp_path / "w.h5")
    np.testing.assert_allclose(other(X).numpy(), model(X).numpy())


def test_mixed_precision_holds_in_the_whole_model():
    model = Sequential([layers.Dense(4, dtype="mixed_float16"), layers.Dense(2, dtype="float32")])
    assert model(X).dtype == "float32"
    assert {v.dtype for v in model.weights} == {"float32"}


def test_the_graph_runs_each_call_once():
    calls = []

    class Counting(layers.Layer):
        def call(self, inputs):
            calls.append(1)
            return inputs

    inputs = layers.Input((3,))
    shared = Counting()(inputs)
    graph = Graph([inputs], [layers.add([ops.exp(shared), shared])])
    calls.clear()
    (y,) = graph.run([ops.convert_to_tensor(X)])
    assert calls == [1]
    np.testing.assert_allclose(y.numpy(), np.exp(X) + X, rtol=1e-6)


def test_unique_names_are_given_to_repeated_outputs():
    inputs = layers.Input((3,))
    y = layers.Dense(1, name="y")(inputs)
    assert Model(inputs, [y, y]).output_names == ["y", "y_1"]
