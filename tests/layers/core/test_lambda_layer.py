"""Tests of `Lambda`."""

import numpy as np
import pytest

from kerasish import layers, ops
from kerasish.saving import register_keras_serializable
from tests.layers.support import check_layer


@register_keras_serializable("tests")
def scaled(x, factor=2.0):
    return x * factor


@register_keras_serializable("tests")
def noisy(x, training=None):
    return x + 1 if training else x


def test_it_keeps_the_contract_of_layers():
    check_layer(
        layers.Lambda,
        {"function": scaled, "arguments": {"factor": 3.0}},
        inputs=np.array([[1.0, 2.0]], np.float32),
        expected_output=[[3.0, 6.0]],
        expected_output_shape=(1, 2),
        expected_weights=0,
        supports_masking=False,
    )


def test_a_function_with_a_name_survives_the_config():
    layer = layers.Lambda(scaled, arguments={"factor": 5.0})
    again = layers.deserialize(layers.serialize(layer))
    assert again(np.ones((1, 2))).tolist() == [[5.0, 5.0]]


def test_a_function_is_found_among_the_custom_objects():
    def plain(x):
        return x + 1

    again = layers.deserialize(layers.serialize(layers.Lambda(plain)), custom_objects={"plain": plain})
    assert again(np.zeros((1, 1))).tolist() == [[1.0]]
    with pytest.raises(ValueError, match="plain"):
        layers.deserialize(layers.serialize(layers.Lambda(plain)))


def test_a_lambda_works_but_cannot_be_saved():
    layer = layers.Lambda(lambda x: ops.concatenate([x, x]), name="twice")
    assert layer(np.ones((1, 2))).shape == (2, 2)
    with pytest.raises(ValueError, match=r"'twice'.*lambda.*cannot be saved"):
        layer.get_config()


def test_a_lambda_in_a_file_is_refused():
    config = {"name": "l", "function": {"class_name": "__lambda__", "config": {"code": "…"}}, "arguments": {}}
    with pytest.raises(ValueError, match="byte code"):
        layers.Lambda.from_config(config)


def test_training_reaches_the_function():
    layer = layers.Lambda(noisy)
    assert layer(np.zeros((1,)), training=True).tolist() == [1.0]
    assert layer(np.zeros((1,))).tolist() == [0.0]


def test_the_mask_reaches_the_function_and_goes_on():
    masked = layers.Masking()(np.array([[[1.0], [0.0]]]))
    layer = layers.Lambda(lambda x, mask: ops.where(mask[..., None], x, 7.0), mask=lambda x, mask: ~mask)
    y = layer(masked)
    assert y.tolist() == [[[1.0], [7.0]]]
    assert y._keras_mask.tolist() == [[False, True]]


def test_the_output_shape_can_be_given():
    x = layers.Input((4,))
    assert layers.Lambda(scaled)(x).shape == (None, 4)
    assert layers.Lambda(scaled, output_shape=(7,))(x).shape == (None, 7)
    assert layers.Lambda(scaled, output_shape=lambda shape: (shape[0], 9))(x).shape == (None, 9)


def test_something_that_is_no_function_is_refused():
    with pytest.raises(ValueError, match="to be callable"):
        layers.Lambda(3)
