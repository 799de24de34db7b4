import shutil

import pytest

from kerasish import Model, Sequential, layers, ops
from kerasish.utils import clear_session, model_to_dot, plot_model


def branched():
    clear_session()
    inputs = layers.Input((4,), name="features")
    a = layers.Dense(3, activation="relu", name="left")(inputs)
    b = layers.Dense(3, name="right")(inputs)
    return Model(inputs, ops.add(a, b), name="branched")


def test_every_layer_and_every_connection_is_drawn():
    dot = model_to_dot(branched())
    assert '"features" -> "left";' in dot
    assert '"features" -> "right";' in dot
    assert '"left" -> "add";' in dot
    assert dot.count("->") == 4


def test_shapes_dtypes_activations_and_training_are_shown_when_asked_for():
    model = branched()
    model.get_layer("right").trainable = False
    plain = model_to_dot(model)
    full = model_to_dot(model, show_shapes=True, show_dtype=True, show_layer_activations=True, show_trainable=True)
    for detail in ("(None, 3)", "float32", "activation: relu", "not trainable"):
        assert detail in full
        assert detail not in plain


def test_nested_models_are_drawn_with_their_layers_when_expanded():
    model = Sequential([layers.Input((4,)), branched(), layers.Dense(1, name="head")])
    assert '"branched" -> "head"' in model_to_dot(model)
    expanded = model_to_dot(model, expand_nested=True)
    assert 'subgraph "cluster_branched/"' in expanded
    assert '"branched/add" -> "head";' in expanded


def test_the_layers_of_a_subclassed_model_are_drawn_without_connections():
    class Two(Model):
        def __init__(self):
            super().__init__()
            self.first, self.second = layers.Dense(3, name="first"), layers.Dense(1, name="second")

        def call(self, inputs):
            return self.second(self.first(inputs))

    model = Two()
    model.build((None, 2))
    dot = model_to_dot(model)
    assert '"first"' in dot
    assert "->" not in dot


def test_the_source_of_a_picture_is_written_without_graphviz(tmp_path):
    assert plot_model(branched(), tmp_path / "model.dot") is None
    assert (tmp_path / "model.dot").read_text().startswith("digraph model {")


def test_a_missing_graphviz_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda program: None)
    with pytest.raises(ImportError, match=r"Graphviz.*Received: to_file="):
        plot_model(branched(), tmp_path / "model.png")


def test_an_unbuilt_model_is_refused_by_name():
    with pytest.raises(ValueError, match="'later' must be built"):
        model_to_dot(Sequential([layers.Dense(1)], name="later"))
