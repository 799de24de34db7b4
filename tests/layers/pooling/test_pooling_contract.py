"""The pooling layers keep the contract of layers."""

from __future__ import annotations

import pytest

from kerasish import layers
from tests.layers.support import check_layer

CASES = [
    ("MaxPooling1D", {}, (2, 5, 2), (2, 2, 2)),
    ("MaxPooling2D", {"pool_size": (2, 3), "strides": 1}, (2, 4, 5, 2), (2, 3, 3, 2)),
    ("MaxPooling2D", {"padding": "same", "data_format": "channels_first"}, (2, 2, 5, 3), (2, 2, 3, 2)),
    ("MaxPooling3D", {}, (1, 4, 3, 2, 2), (1, 2, 1, 1, 2)),
    ("AveragePooling1D", {"pool_size": 3, "strides": 2, "padding": "same"}, (2, 5, 2), (2, 3, 2)),
    ("AveragePooling2D", {"pool_size": 2}, (2, 4, 5, 2), (2, 2, 2, 2)),
    ("AveragePooling3D", {"pool_size": 2, "data_format": "channels_first"}, (1, 2, 4, 3, 2), (1, 2, 2, 1, 1)),
    ("GlobalMaxPooling1D", {}, (2, 5, 2), (2, 2)),
    ("GlobalMaxPooling2D", {"keepdims": True}, (2, 3, 4, 2), (2, 1, 1, 2)),
    ("GlobalMaxPooling3D", {"data_format": "channels_first"}, (2, 2, 2, 3, 2), (2, 2)),
    ("GlobalAveragePooling2D", {"data_format": "channels_first", "keepdims": True}, (2, 3, 4, 2), (2, 3, 1, 1)),
    ("GlobalAveragePooling3D", {}, (2, 2, 3, 2, 2), (2, 2)),
    ("AdaptiveMaxPooling1D", {"output_size": 3}, (2, 5, 2), (2, 3, 2)),
    ("AdaptiveMaxPooling2D", {"output_size": (2, 3)}, (2, 5, 4, 2), (2, 2, 3, 2)),
    ("AdaptiveMaxPooling3D", {"output_size": 2}, (1, 3, 4, 2, 1), (1, 2, 2, 2, 1)),
    ("AdaptiveAveragePooling1D", {"output_size": 3}, (2, 5, 2), (2, 3, 2)),
    ("AdaptiveAveragePooling2D", {"output_size": (4, 3), "data_format": "channels_first"}, (1, 2, 5, 4), (1, 2, 4, 3)),
    ("AdaptiveAveragePooling3D", {"output_size": 2}, (1, 3, 4, 2, 1), (1, 2, 2, 2, 1)),
]


@pytest.mark.parametrize(("cls", "arguments", "shape", "output"), CASES)
def test_a_pooling_layer_keeps_the_contract(cls, arguments, shape, output):
    check_layer(
        getattr(layers, cls),
        arguments,
        shape,
        expected_output_shape=output,
        expected_weights=0,
        supports_masking=False,
        gradients=True,
    )


def test_the_mean_over_steps_keeps_the_contract_and_takes_masks():
    check_layer(
        layers.GlobalAveragePooling1D,
        {},
        (2, 5, 3),
        expected_output_shape=(2, 3),
        expected_weights=0,
        supports_masking=True,
        gradients=True,
    )
