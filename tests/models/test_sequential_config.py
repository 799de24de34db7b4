"""Sequential models as configs: the format of Keras 3, and back."""

from __future__ import annotations

import json

import numpy as np
import pytest

import kerasish
from kerasish import layers


def through_json(model):
    config = json.loads(json.dumps(model.get_config()))
    again = kerasish.Sequential.from_config(config)
    assert json.loads(json.dumps(again.get_config())) == config
    return again


def test_the_config_is_that_of_keras_3():
    model = kerasish.Sequential([kerasish.Input((3,)), layers.Dense(2, name="d")], name="s")
    config = model.get_config()
    assert list(config) == ["name", "trainable", "dtype", "layers", "build_input_shape"]
    assert config["build_input_shape"] == [None, 3]
    assert [entry["class_name"] for entry in config["layers"]] == ["InputLayer", "Dense"]
    assert config["dtype"]["class_name"] == "DTypePolicy"


def test_a_built_model_comes_back_built():
    model = kerasish.Sequential([kerasish.Input((3,)), layers.Dense(2), layers.ReLU()])
    again = through_json(model)
    assert again.built
    assert again.output_shape == (None, 2)


def test_an_unbuilt_model_comes_back_unbuilt():
    model = kerasish.Sequential([layers.Dense(2)])
    again = through_json(model)
    assert not again.built
    assert "build_input_shape" not in again.get_config()
    assert again(np.ones((1, 4))).shape == (1, 2)


def test_models_inside_come_back():
    inner = kerasish.Sequential([kerasish.Input((3,)), layers.Dense(3)], name="inner")
    model = kerasish.Sequential([kerasish.Input((3,)), inner, layers.Dense(1)])
    again = through_json(model)
    again.set_weights(model.get_weights())
    x = np.ones((2, 3), "float32")
    assert np.array_equal(again(x).numpy(), model(x).numpy())


def test_frozen_layers_stay_so():
    model = kerasish.Sequential([kerasish.Input((3,)), layers.Dense(2), layers.Dense(2)])
    model.layers[0].trainable = False
    assert [layer.trainable for layer in through_json(model).layers] == [False, True]


def test_a_bare_list_of_layers_is_a_model_of_old_keras():
    dense = {"name": "d", "trainable": True, "batch_input_shape": [None, 3], "dtype": "float32", "units": 2}
    model = kerasish.Sequential.from_config([{"class_name": "Dense", "config": dense}])
    assert model.input_shape == (None, 3)
    assert model.layers[0].name == "d"


@pytest.mark.parametrize("config", [{"name": "s"}, {"name": "s", "layers": 3}, {"name": "s", "layers": [3]}, "s", None])
def test_other_configs_are_refused(config):
    with pytest.raises(ValueError, match="Expected"):
        kerasish.Sequential.from_config(config)
