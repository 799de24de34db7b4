"""The check of a layer against what the same layer of a real Keras computed (`tests/golden/layers_c.npz`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from kerasish import GradientTape, layers, ops, tree

GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "layers_c.npz")
CASES = json.loads(str(GOLDEN["cases"]))["cases"]
CLOSE = {"rtol": 2e-4, "atol": 2e-5}


def cases(*classes: str) -> list[Any]:
    """The cases of these classes."""
    return [case for case in CASES if case["layer"]["class_name"] in classes]


def case_id(case: dict[str, Any]) -> str:
    return f"{case['name']}-{case['layer']['class_name']}"


def check_case(case: dict[str, Any]) -> None:
    """The weights' names, shapes and order, the outputs, and all gradients."""

    def arrays(prefix: str) -> list[Any]:
        return [GOLDEN[f"{case['name']}_{prefix}{i}"] for i in range(case[prefix])]

    layer = layers.deserialize(case["layer"])
    leaves = [ops.convert_to_tensor(x) for x in arrays("x")]
    args, kwargs = tree.map_structure(lambda position: leaves[position], case["positions"])
    layer(*args, **kwargs, **case["options"])
    assert [[v.path.split("/", 1)[1], list(v.shape)] for v in layer.weights] == case["weights"]
    layer.set_weights(arrays("w"))
    sources = [leaves[i] for i in case["floats"]]
    with GradientTape() as tape:
        tape.watch(sources)
        outputs = tree.flatten(layer(*args, **kwargs, **case["options"]))
    for y, wanted in zip(outputs, arrays("y"), strict=True):
        np.testing.assert_allclose(y.numpy(), wanted, **CLOSE)
    found = tape.gradient(
        outputs,
        [*layer.trainable_variables, *sources],
        output_gradients=[ops.convert_to_tensor(c) for c in arrays("c")],
        unconnected_gradients="zero",
    )
    for gradient, wanted in zip(found, [*arrays("dw"), *arrays("dx")], strict=True):
        np.testing.assert_allclose(gradient.numpy(), wanted, **CLOSE)
