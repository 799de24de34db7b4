"""Tests of models with a `call` of their own."""

import numpy as np
import pytest

from kerasish import layers, ops
from kerasish.autodiff import reset_names
from kerasish.models import Model

X = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)


class Net(Model):
    def __init__(self, units=2, **kwargs):
        super().__init__(**kwargs)
        self.hidden = layers.Dense(5, activation="relu", name="hidden")
        self.drop = layers.Dropout(0.5, seed=1)
        self.blocks = [layers.Dense(5, name=f"block{number}") for number in range(2)]
        self.top = layers.Dense(units, name="top")

    def call(self, inputs, training=None):
        x = self.drop(self.hidden(inputs), training=training)
        for block in self.blocks:
            x = block(x)
        return self.top(x)


def test_it_is_built_by_the_first_data():
    reset_names()
    model = Net()
    assert not model.built
    assert model(X).shape == (4, 2)
    assert model.built
    assert [v.path for v in model.weights] == [
        f"net/{layer}/{part}" for layer in ("hidden", "block0", "block1", "top") for part in ("kernel", "bias")
    ]
    assert [layer.name for layer in model.layers] == ["hidden", "dropout", "block0", "block1", "top"]


def test_it_can_be_built_from_a_shape():
    reset_names()
    model = Net()
    model.build((None, 3))
    assert next(v.path for v in model.weights) == "net/hidden/kernel"
    assert model.count_params() == 20 + 30 + 30 + 12


def test_training_is_passed_on():
    model = Net()
    assert np.array_equal(model(X).numpy(), model(X, training=False).numpy())
    assert not np.array_equal(model(X, training=True).numpy(), model(X).numpy())


def test_it_can_be_called_on_symbols():
    model = Net()
    inputs = layers.Input((3,))
    outer = Model(inputs, model(inputs))
    np.testing.assert_allclose(outer(X).numpy(), model(X).numpy())


def test_it_has_no_graph():
    model = Net()
    model(X)
    with pytest.raises(AttributeError, match="no inputs"):
        model.inputs  # noqa: B018


def test_several_inputs_in_a_dict_are_handed_to_call():
    class Two(Model):
        def __init__(self):
            super().__init__()
            self.join = layers.Dense(1)

        def call(self, inputs):
            return self.join(ops.concatenate([inputs["a"], inputs["b"]], axis=-1))

    model = Two()
    assert model({"a": X, "b": X}).shape == (4, 1)
    assert model.weights[0].shape == (6, 1)


def test_a_model_without_a_call_says_so():
    class Empty(Model):
        pass

    with pytest.raises(NotImplementedError, match="Empty has no `call`"):
        Empty()(X)


def test_a_model_with_a_graph_of_its_own_can_be_made_in_the_constructor():
    class Fixed(Model):
        def __init__(self):
            inputs = layers.Input((3,))
            super().__init__(inputs, layers.Dense(2)(inputs))

    model = Fixed()
    assert model.output_shape == (None, 2)
    assert model(X).shape == (4, 2)


def test_inputs_without_outputs_are_refused():
    class Plain(Model):
        pass

    with pytest.raises(ValueError, match="inputs and outputs together"):
        Plain(layers.Input((3,)))


def test_the_config_holds_the_arguments():
    model = Net(units=7, name="n")
    config = model.get_config()
    assert config["units"] == 7
    assert Net.from_config(config)(X).shape == (4, 7)


def test_layers_made_in_build_are_found():
    class Late(Model):
        def build(self, input_shape):
            self.dense = layers.Dense(input_shape[-1])

        def call(self, inputs):
            return self.dense(inputs)

    model = Late()
    assert model(X).shape == (4, 3)
    assert len(model.weights) == 2
