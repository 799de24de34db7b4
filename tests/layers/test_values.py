"""Layers give the numbers of Keras: outputs, gradients, shapes, masks and configs, from the same weights."""

import json
from pathlib import Path

import numpy as np
import pytest

from kerasish import KerasTensor, layers, ops
from kerasish.autodiff import GradientTape, convert_to_tensor

GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "layers_a.npz")
CASES = json.loads(str(GOLDEN["cases"]))


def close(actual, expected):
    np.testing.assert_allclose(actual.numpy(), expected, rtol=1e-4, atol=2e-5)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case['name']}-{case['class']}")
def test_a_layer_gives_the_numbers_of_keras(case):
    def array(key):
        return GOLDEN[f"{case['name']}_{key}"]

    layer = getattr(layers, case["class"]).from_config(case["config"])
    tensors = [convert_to_tensor(array(f"x{position}")) for position in range(case["inputs"])]
    inputs = tensors if case["list"] else tensors[0]
    call = {key: np.array(value) if isinstance(value, list) else value for key, value in case["call"].items()}
    layer(inputs, **call)
    layer.set_weights([array(f"w{position}") for position in range(len(case["weights"]))])
    with GradientTape() as tape:
        for tensor in tensors:
            tape.watch(tensor)
        output = layer(inputs, **call)
        loss = ops.sum(output * array("dy"))
    gradients = tape.gradient(loss, [*tensors, *layer.trainable_variables])

    close(output, array("y"))
    for position in range(case["inputs"]):
        close(gradients[position], array(f"dx{position}"))
    for position in range(len(case["weights"])):
        close(gradients[case["inputs"] + position], array(f"dw{position}"))
    assert [variable.path for variable in layer.weights] == case["weights"]
    assert layer.count_params() == case["params"]
    mask = output._keras_mask
    assert (mask is None) == (f"{case['name']}_mask" not in GOLDEN)
    if mask is not None:
        assert mask.numpy().tolist() == array("mask").tolist()
    symbols = [KerasTensor((None, *tensor.shape[1:])) for tensor in tensors]
    symbolic = layer(symbols if case["list"] else symbols[0])
    assert len(symbolic.shape) == len(case["symbolic"])
    for position, size in enumerate(case["symbolic"]):
        assert symbolic.shape[position] == size or (size is None and case["class"] == "EinsumDense")
    assert json.loads(json.dumps(layer.get_config())) == case["config"]
