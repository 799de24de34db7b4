"""Values that real Keras computed, for every function of `keras.ops.nn` and `keras.ops.image` that is here."""

import json
from pathlib import Path

import numpy as np
import pytest

from kerasish.autodiff import KerasTensor
from kerasish.ops import image, nn

GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "ops_nn.npz")
CASES = json.loads(str(GOLDEN["cases"]))


def _function(name):
    from kerasish.ops import activation

    if name.startswith("image."):
        return getattr(image, name.removeprefix("image."))
    return getattr(nn, name, None) or getattr(activation, name)


def _list(results):
    return results if isinstance(results, tuple) else (results,)


@pytest.mark.parametrize("case", CASES, ids=[f"{c['name']}-{c['function']}" for c in CASES])
def test_values_shapes_and_dtypes_are_those_of_keras(case):
    arrays = [GOLDEN[key] for key in case["arguments"]]
    function = _function(case["function"])
    results = _list(function(*arrays, **case["attrs"]))
    inputs = [KerasTensor(array.shape, array.dtype) for array in arrays]
    specs = _list(function(*inputs, **case["attrs"]))
    assert len(results) == case["results"]
    for position, (result, spec) in enumerate(zip(results, specs, strict=True)):
        expected = GOLDEN[f"{case['name']}_{position}"]
        assert (result.shape, result.dtype) == (expected.shape, expected.dtype.name)
        assert (spec.shape, spec.dtype) == (result.shape, result.dtype)
        np.testing.assert_allclose(result.numpy(), expected, rtol=2e-5, atol=3e-6)


def test_every_name_that_nn_exports_exists_and_takes_a_batch_of_unknown_size():
    assert all(callable(getattr(nn, name)) for name in nn.__all__)
    assert nn.conv(KerasTensor((None, 9, 8, 3)), np.ones((2, 2, 3, 5), np.float32)).shape == (None, 8, 7, 5)
    assert nn.conv_transpose(KerasTensor((None, None, 3)), np.ones((2, 5, 3)), strides=2).shape == (None, None, 5)
    assert nn.max_pool(KerasTensor((None, 9, None, 3)), 2, padding="same").shape == (None, 5, None, 3)
    assert image.resize(KerasTensor((None, None, None, 3)), (4, 5)).shape == (None, 4, 5, 3)
