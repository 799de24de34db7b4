"""Tests of `clone_model`."""

import numpy as np
import pytest

from kerasish import layers, ops
from kerasish.models import Model, Sequential, clone_model

X = np.random.default_rng(0).normal(size=(4, 3)).astype(np.float32)


def functional():
    a, b = layers.Input((3,), name="a"), layers.Input((3,), name="b")
    shared = layers.Dense(4, name="shared")
    return Model([a, b], ops.tanh(layers.Add()([shared(a), shared(b)])), name="two")


@pytest.mark.parametrize(
    "make",
    [
        lambda: Sequential([layers.Input((3,)), layers.Dense(4), layers.Dropout(0.5)], name="s"),
        lambda: Sequential([layers.Dense(4)], name="s"),
        lambda: Model(*(lambda x: (x, layers.Dense(4)(x)))(layers.Input((3,))), name="f"),
    ],
)
def test_a_clone_has_the_same_layers_and_weights_of_its_own(make):
    model = make()
    copy = clone_model(model)
    assert type(copy) is type(model)
    assert copy.name == model.name
    assert [layer.name for layer in copy.layers] == [layer.name for layer in model.layers]
    model(X), copy(X)
    assert not {id(v) for v in model.weights} & {id(v) for v in copy.weights}
    copy.set_weights(model.get_weights())
    np.testing.assert_allclose(copy(X).numpy(), model(X).numpy())


def test_shared_layers_stay_shared_and_functions_are_kept():
    model = functional()
    copy = clone_model(model)
    assert len(copy.weights) == 2
    copy.set_weights(model.get_weights())
    np.testing.assert_allclose(copy([X, X]).numpy(), model([X, X]).numpy())


def test_a_function_chooses_the_new_layers():
    def wider(layer):
        config = layer.get_config()
        if isinstance(layer, layers.Dense):
            config["units"] = 7
        return type(layer).from_config(config)

    assert clone_model(functional(), clone_function=wider).output_shape == (None, 7)


def test_new_inputs_can_be_given():
    tensor = layers.Input((3,), name="given")
    copy = clone_model(Sequential([layers.Input((3,)), layers.Dense(2)]), input_tensors=tensor)
    assert copy.input_names == ["given"]
    with pytest.raises(ValueError, match="Expected 2 input_tensors"):
        clone_model(functional(), input_tensors=[tensor])


def test_a_function_calls_the_new_layers():
    called = []

    def call(layer, *args, **kwargs):
        called.append(layer.name)
        return layer(*args, **kwargs)

    clone_model(functional(), call_function=call)
    assert called.count("shared") == 2


def test_nested_models_are_cloned_inside_when_asked():
    inner = Sequential([layers.Input((3,)), layers.Dense(3)], name="inner")
    inputs = layers.Input((3,))
    model = Model(inputs, inner(inputs))

    def wider(layer):
        return layers.Dense(3, activation="relu") if isinstance(layer, layers.Dense) else layer

    copy = clone_model(model, clone_function=wider, recursive=True)
    assert copy.get_layer("inner").layers[0].activation.__name__ == "relu"


def test_a_subclass_is_cloned_from_its_config():
    class Net(Model):
        def __init__(self, units=2, **kwargs):
            super().__init__(**kwargs)
            self.dense = layers.Dense(units)

        def call(self, inputs):
            return self.dense(inputs)

    assert clone_model(Net(units=5))(X).shape == (4, 5)
    with pytest.raises(ValueError, match="Sequential or Functional"):
        clone_model(Net(), clone_function=lambda layer: layer)
