"""Tests of `summary`."""

import numpy as np

from kerasish import layers
from kerasish.models import Model, Sequential


def text_of(model, **kwargs):
    lines = []
    model.summary(print_fn=lambda line, **_: lines.append(line), **kwargs)
    return "\n".join(lines)


def test_it_shows_layers_shapes_and_numbers_of_weights():
    model = Sequential([layers.Input((3,)), layers.Dense(4, name="wide"), layers.Dense(2, name="top")], name="net")
    model.layers[0].trainable = False
    text = text_of(model)
    for part in ("net", "wide", "top", "(None, 4)", "(None, 2)", "16", "10", "26"):
        assert part in text, text
    assert "Trainable params: 10" in text
    assert "Non-trainable params: 16" in text


def test_it_says_what_is_not_built_yet():
    model = Sequential([layers.Dense(4)])
    assert "unbuilt" in text_of(model) or "?" in text_of(model)


def test_it_shows_the_connections_of_a_graph_and_the_layers_of_nested_models():
    inputs = layers.Input((3,), name="start")
    inner = Sequential([layers.Input((3,)), layers.Dense(3, name="deep")], name="inner")
    model = Model(inputs, layers.Add(name="sum")([inner(inputs), inputs]))
    assert "deep" not in text_of(model)
    text = text_of(model, expand_nested=True)
    assert "deep" in text
    assert "start" in text
    assert "inner" in text


def test_a_subclass_is_shown_after_it_is_built():
    class Net(Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(2, name="only")

        def call(self, inputs):
            return self.dense(inputs)

    model = Net()
    model(np.ones((1, 3), np.float32))
    text = text_of(model)
    assert "only" in text
    assert "8" in text
