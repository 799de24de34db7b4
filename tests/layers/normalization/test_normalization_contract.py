"""The normalization layers keep the contract of layers."""

from __future__ import annotations

import pytest

from kerasish import layers
from tests.layers.support import check_layer

CASES = [
    ("BatchNormalization", {}, (4, 3), 2, 2),
    ("BatchNormalization", {"axis": 1, "scale": False}, (2, 3, 4), 1, 2),
    ("BatchNormalization", {"renorm": True, "renorm_clipping": {"rmax": 3.0}}, (4, 3), 2, 5),
    ("LayerNormalization", {}, (3, 2, 4), 2, 0),
    ("LayerNormalization", {"axis": [1, 2], "center": False}, (3, 2, 4), 1, 0),
    ("GroupNormalization", {"groups": 2}, (2, 3, 4), 2, 0),
    ("GroupNormalization", {"groups": -1, "axis": 1}, (2, 3, 4), 2, 0),
    ("UnitNormalization", {}, (3, 4), 0, 0),
]


@pytest.mark.parametrize(("cls", "arguments", "shape", "trainable", "others"), CASES)
def test_a_normalization_layer_keeps_the_contract(cls, arguments, shape, trainable, others):
    check_layer(
        getattr(layers, cls),
        arguments,
        shape,
        expected_output_shape=shape,
        expected_trainable_weights=trainable,
        expected_non_trainable_weights=others,
        supports_masking=True,
        gradients=True,
    )


def test_the_root_mean_square_keeps_the_contract():
    check_layer(
        layers.RMSNormalization,
        {"axis": -1},
        (3, 2, 4),
        expected_output_shape=(3, 2, 4),
        expected_weights=1,
        supports_masking=False,
        gradients=True,
    )
