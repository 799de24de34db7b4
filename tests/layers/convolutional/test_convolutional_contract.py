"""The convolutional layers keep the contract of layers."""

from __future__ import annotations

import pytest

from kerasish import layers
from tests.layers.support import check_layer

CASES = [
    ("Conv1D", {"filters": 3, "kernel_size": 2, "activation": "relu"}, (2, 5, 2), (2, 4, 3), 2),
    ("Conv1D", {"filters": 4, "kernel_size": 2, "padding": "causal", "groups": 2}, (2, 5, 2), (2, 5, 4), 2),
    ("Conv2D", {"filters": 3, "kernel_size": 2, "activation": "tanh"}, (2, 4, 3, 2), (2, 3, 2, 3), 2),
    ("Conv2D", {"filters": 3, "kernel_size": 3, "strides": 2, "padding": "same"}, (1, 4, 3, 2), (1, 2, 2, 3), 2),
    ("Conv2D", {"filters": 2, "kernel_size": 2, "data_format": "channels_first"}, (1, 2, 3, 4), (1, 2, 2, 3), 2),
    ("Conv2D", {"filters": 2, "kernel_size": 2, "dilation_rate": 2, "use_bias": False}, (1, 4, 3, 2), (1, 2, 1, 2), 1),
    ("Conv3D", {"filters": 2, "kernel_size": 2, "activation": "softmax"}, (1, 3, 2, 3, 2), (1, 2, 1, 2, 2), 2),
    ("Conv1DTranspose", {"filters": 2, "kernel_size": 3, "strides": 2}, (2, 3, 2), (2, 7, 2), 2),
    (
        "Conv2DTranspose",
        {"filters": 2, "kernel_size": 3, "strides": 2, "padding": "same"},
        (1, 3, 2, 2),
        (1, 6, 4, 2),
        2,
    ),
    (
        "Conv2DTranspose",
        {"filters": 2, "kernel_size": 2, "strides": 2, "output_padding": 1, "data_format": "channels_first"},
        (1, 2, 2, 3),
        (1, 2, 5, 7),
        2,
    ),
    ("Conv3DTranspose", {"filters": 2, "kernel_size": 2, "activation": "tanh"}, (1, 2, 2, 1, 2), (1, 3, 3, 2, 2), 2),
    ("DepthwiseConv1D", {"kernel_size": 2, "depth_multiplier": 2}, (2, 4, 2), (2, 3, 4), 2),
    ("DepthwiseConv2D", {"kernel_size": 2, "padding": "same", "activation": "tanh"}, (1, 3, 4, 2), (1, 3, 4, 2), 2),
    ("SeparableConv1D", {"filters": 3, "kernel_size": 2, "depth_multiplier": 2}, (2, 4, 2), (2, 3, 3), 3),
    ("SeparableConv2D", {"filters": 3, "kernel_size": 2, "activation": "gelu"}, (1, 3, 4, 2), (1, 2, 3, 3), 3),
]


@pytest.mark.parametrize(("cls", "arguments", "shape", "output", "weights"), CASES)
def test_a_convolutional_layer_keeps_the_contract(cls, arguments, shape, output, weights):
    check_layer(
        getattr(layers, cls),
        arguments,
        shape,
        expected_output_shape=output,
        expected_weights=weights,
        expected_non_trainable_weights=0,
        supports_masking=False,
        gradients=arguments.get("activation") != "relu",
    )
