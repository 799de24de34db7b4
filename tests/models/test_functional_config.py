"""Functional models as configs: the format of Keras 3, and back."""

from __future__ import annotations

import json

import numpy as np
import pytest

import kerasish
from kerasish import layers, ops

X = np.random.default_rng(2).normal(size=(5, 4)).astype("float32")


def through_json(model, **kwargs):
    config = json.loads(json.dumps(model.get_config()))
    again = type(model).from_config(config, **kwargs)
    again.set_weights(model.get_weights())
    assert json.loads(json.dumps(again.get_config())) == config
    return again


def test_the_entries_are_those_of_keras_3():
    inputs = kerasish.Input((4,), name="x")
    shared = layers.Dense(4, name="shared")
    config = kerasish.Model(inputs, shared(shared(inputs)), name="twice").get_config()
    assert list(config) == ["name", "trainable", "layers", "input_layers", "output_layers"]
    assert config["input_layers"] == ["x", 0, 0]
    assert config["output_layers"] == ["shared", 1, 0]
    first, second = config["layers"]
    assert first["inbound_nodes"] == []
    assert first["module"] == "keras.layers"
    assert second["class_name"] == "Dense"
    assert second["registered_name"] is None
    assert second["build_config"] == {"input_shape": (None, 4)}
    assert [node["args"][0]["config"]["keras_history"] for node in second["inbound_nodes"]] == [
        ["x", 0, 0],
        ["shared", 0, 0],
    ]
    assert second["inbound_nodes"][0]["args"][0]["config"]["shape"] == [None, 4]


@pytest.mark.parametrize(
    ("function", "module", "class_name", "settings"),
    [
        (lambda x: x + 1.0, "numpy", "Add", {}),
        (lambda x: 1.0 - x, "numpy", "Subtract", {}),
        (lambda x: x[:, 1:3], "numpy", "GetItem", {}),
        (lambda x: x[..., None], "numpy", "GetItem", {}),
        (lambda x: ops.sum(x, axis=-1, keepdims=True), "numpy", "Sum", {"axis": -1, "keepdims": True}),
        (lambda x: ops.reshape(x, (-1, 2, 2)), "numpy", "Reshape", {"newshape": (-1, 2, 2)}),
        (lambda x: ops.transpose(x, (1, 0)), "numpy", "Transpose", {"axes": (1, 0)}),
        (lambda x: ops.concatenate([x, x], axis=1), "numpy", "Concatenate", {"axis": 1}),
        (lambda x: ops.where(x > 0, x, 0.0), "numpy", "Where", {}),
        (lambda x: ops.clip(x, -1.0, 1.0), "numpy", "Clip", {"x_min": -1.0, "x_max": 1.0}),
        (lambda x: ops.einsum("ab,cb->ac", x, x), "numpy", "Einsum", {"subscripts": "ab,cb->ac"}),
        (lambda x: ops.cast(x, "float64"), "core", "Cast", {"dtype": "float64"}),
        (lambda x: ops.softmax(x, axis=0), "nn", "Softmax", {"axis": 0}),
        (lambda x: ops.abs(x), "numpy", "Absolute", {}),
        (lambda x: ops.expand_dims(x, 1), "numpy", "ExpandDims", {"axis": 1}),
        (lambda x: ops.logsumexp(x, axis=1), "math", "Logsumexp", {"axis": 1}),
    ],
)
def test_functions_are_written_as_the_classes_of_keras(function, module, class_name, settings):
    inputs = kerasish.Input((4,), name="x")
    model = kerasish.Model(inputs, function(inputs))
    entry = model.get_config()["layers"][-1]
    assert entry["module"] == f"keras.src.ops.{module}"
    assert entry["class_name"] == entry["registered_name"] == class_name
    written = {key: value for key, value in entry["config"].items() if key in settings}
    assert written == settings
    again = through_json(model)
    assert np.array_equal(again(X).numpy(), model(X).numpy())


def test_several_inputs_and_outputs_keep_their_structure():
    a, b = kerasish.Input((4,), name="a"), kerasish.Input((4,), name="b")
    x, y = layers.Dense(2)(a), layers.Dense(2)(b)
    model = kerasish.Model({"first": a, "second": b}, {"sum": layers.Add()([x, y]), "pair": [x, y]})
    again = through_json(model)
    data = {"first": X, "second": X + 1}
    one, two = model(data), again(data)
    assert set(two) == {"sum", "pair"}
    assert np.array_equal(one["pair"][1].numpy(), two["pair"][1].numpy())


def test_a_list_of_one_stays_a_list():
    inputs = kerasish.Input((4,))
    model = kerasish.Model([inputs], [layers.Dense(1)(inputs)])
    assert isinstance(through_json(model)([X]), list)


def test_keyword_arguments_of_calls_come_back():
    inputs = kerasish.Input((4,))
    model = kerasish.Model(inputs, layers.Dropout(0.5, seed=1)(inputs, training=True))
    again = through_json(model)
    assert again.get_config()["layers"][1]["inbound_nodes"][0]["kwargs"] == {"training": True}
    assert (again(np.ones((8, 4), "float32")).numpy() == 0).any()


def test_masks_given_as_tensors_come_back():
    ids = kerasish.Input((6,), dtype="int32", name="ids")
    mask = ops.not_equal(ids, 0)
    x = layers.Embedding(9, 3)(ids)
    model = kerasish.Model(ids, layers.LSTM(2)(x, mask=mask))
    again = through_json(model)
    data = np.array([[1, 2, 3, 0, 0, 0], [4, 5, 0, 0, 0, 0]])
    assert np.array_equal(again(data).numpy(), model(data).numpy())


def test_nested_models_count_their_calls_from_one_at_the_outputs():
    inner_in = kerasish.Input((4,))
    inner = kerasish.Model(inner_in, layers.Dense(4)(inner_in), name="inner")
    outer = kerasish.Input((4,), name="outer_in")
    model = kerasish.Model(outer, inner(inner(outer)), name="outer")
    config = model.get_config()
    assert config["output_layers"] == ["inner", 2, 0]
    node = config["layers"][1]["inbound_nodes"][1]
    assert node["args"][0]["config"]["keras_history"] == ["inner", 0, 0]
    assert np.array_equal(through_json(model)(X).numpy(), model(X).numpy())


def test_only_the_calls_of_the_model_itself_are_written():
    inputs = kerasish.Input((4,), name="x")
    dense = layers.Dense(4, name="dense")
    dense(inputs)
    second = dense(inputs)
    config = kerasish.Model(inputs, second).get_config()
    assert config["output_layers"] == ["dense", 0, 0]
    assert len(config["layers"][1]["inbound_nodes"]) == 1


def test_frozen_layers_and_models_stay_so():
    inputs = kerasish.Input((4,))
    model = kerasish.Model(inputs, layers.Dense(2, name="end")(layers.Dense(3, name="mid")(inputs)))
    model.get_layer("mid").trainable = False
    again = through_json(model)
    assert [layer.trainable for layer in again.layers] == [True, False, True]
    model.trainable = False
    assert not through_json(model).trainable


@pytest.mark.parametrize("key", ["layers", "input_layers", "output_layers"])
def test_a_config_without_its_lists_is_refused(key):
    inputs = kerasish.Input((4,))
    config = kerasish.Model(inputs, layers.Dense(2)(inputs)).get_config()
    del config[key]
    with pytest.raises(ValueError, match="layers"):
        kerasish.models.Functional.from_config(config)


def test_names_that_repeat_are_refused():
    inputs = kerasish.Input((4,))
    config = kerasish.Model(inputs, layers.Dense(2)(inputs)).get_config()
    config["layers"].append(config["layers"][-1])
    with pytest.raises(ValueError, match="unique"):
        kerasish.models.Functional.from_config(config)


def test_calls_that_need_each_other_are_refused():
    inputs = kerasish.Input((4,), name="x")
    x = layers.Dense(4, name="a")(inputs)
    config = kerasish.Model(inputs, layers.Dense(4, name="b")(x)).get_config()
    config["layers"][1]["inbound_nodes"][0]["args"][0]["config"]["keras_history"] = ["b", 0, 0]
    with pytest.raises(ValueError, match="need each other"):
        kerasish.models.Functional.from_config(config)


def test_functions_outside_the_ops_cannot_be_called():
    inputs = kerasish.Input((4,), name="x")
    config = kerasish.Model(inputs, inputs + 1.0).get_config()
    config["layers"][1].update({"module": "keras.src.ops.core", "class_name": "System"})
    with pytest.raises(ValueError, match="not one that a model may call"):
        kerasish.models.Functional.from_config(config)
