"""Tests of `Identity`, `Masking`, `Wrapper` and `InputLayer`."""

import json

import numpy as np
import pytest

from kerasish import KerasTensor, layers, ops
from tests.layers.support import check_layer


def test_identity_keeps_the_contract_of_layers():
    x = np.array([[1.0, 2.0]], np.float32)
    check_layer(layers.Identity, {}, inputs=x, expected_output=x, expected_weights=0, supports_masking=True)


def test_identity_hands_integers_and_structures_through():
    check_layer(layers.Identity, {}, (2, 3), input_dtype="int32", expected_output_dtype="int32")
    result = layers.Identity()({"a": np.ones((1, 2)), "b": np.ones((1, 3))})
    assert {key: value.shape for key, value in result.items()} == {"a": (1, 2), "b": (1, 3)}


def test_masking_keeps_the_contract_of_layers():
    check_layer(
        layers.Masking,
        {"mask_value": 2.0},
        inputs=np.array([[[2.0, 2.0], [2.0, 1.0]]], np.float32),
        expected_output=[[[0.0, 0.0], [2.0, 1.0]]],
        expected_weights=0,
        supports_masking=True,
    )


def test_masking_marks_the_steps_whose_features_all_have_the_value():
    y = layers.Masking()(np.array([[[0.0, 0.0], [0.0, 1.0], [0.0, 0.0]]]))
    assert y._keras_mask.tolist() == [[False, True, False]]


def test_a_mask_reaches_layers_further_on_in_a_model():
    from kerasish.models import Model

    class Steps(layers.Layer):
        def call(self, inputs, mask=None):
            return ops.sum(ops.cast(mask, "float32"), axis=-1)

        def compute_mask(self, inputs, previous_mask):
            return None

    inputs = layers.Input((3, 2))
    model = Model(inputs, Steps()(layers.Dropout(0.5)(layers.Dense(4)(layers.Masking()(inputs)))))
    x = np.zeros((2, 3, 2), "float32")
    x[0, :2] = 1
    assert model(x).tolist() == [2.0, 0.0]
    assert [layer.name.split("_")[0] for layer in model.layers] == ["input", "masking", "dense", "dropout", "steps"]


class Doubled(layers.Wrapper):
    def call(self, inputs):
        return 2 * self.layer(inputs)


def test_a_wrapper_keeps_the_contract_of_layers():
    layer = check_layer(
        Doubled,
        lambda: {"layer": layers.Dense(2)},
        (2, 3),
        expected_output_shape=(2, 2),
        expected_trainable_weights=2,
        custom_objects={"Doubled": Doubled},
        mixed_precision=False,
    )
    assert layer.layer.built


def test_a_wrapper_needs_a_layer():
    with pytest.raises(ValueError, match="to be a layer"):
        layers.Wrapper("dense")


def test_the_config_of_an_input_makes_an_equal_one():
    layer = layers.InputLayer((3, None), batch_size=2, dtype="int32", name="tokens")
    config = json.loads(json.dumps(layer.get_config()))
    assert config == {
        "batch_shape": [2, 3, None],
        "dtype": "int32",
        "sparse": False,
        "ragged": False,
        "name": "tokens",
        "optional": False,
    }
    again = layers.InputLayer.from_config(config)
    assert again.output.shape == (2, 3, None)
    assert again.output.dtype == "int32"


def test_an_input_is_a_keras_tensor():
    x = layers.Input((4,), name="x")
    assert isinstance(x, KerasTensor)
    assert (x.shape, x.dtype, x.name) == ((None, 4), "float32", "x")


def test_wrong_inputs_are_refused():
    with pytest.raises(ValueError, match=r"`shape`.*or a `batch_shape`"):
        layers.Input()
    with pytest.raises(ValueError, match="either"):
        layers.Input((3,), batch_shape=(None, 3))
    with pytest.raises(ValueError, match="Sparse"):
        layers.Input((3,), sparse=True)
    with pytest.raises(ValueError, match="KerasTensor"):
        layers.Input(tensor=np.ones(3))
