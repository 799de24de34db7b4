"""The check of a layer against what the same layer of a real Keras computed (`tests/golden/layers_b.npz`)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from kerasish import GradientTape, KerasTensor, layers, ops

GOLDEN = np.load(Path(__file__).parents[1] / "golden" / "layers_b.npz")
CONTENTS = json.loads(str(GOLDEN["cases"]))
CLOSE = {"rtol": 2e-4, "atol": 2e-5}


def cases(*fragments: str) -> list[Any]:
    """The cases of the classes whose name has one of the fragments."""
    return [c for c in CONTENTS["cases"] if any(fragment in c["class"] for fragment in fragments)]


def case_id(case: dict[str, Any]) -> str:
    return f"{case['name']}-{case['class']}"


class GoldenCase:
    """A layer with the weights of the reference, and what the reference made of them."""

    def __init__(self, case: dict[str, Any]) -> None:
        self.case = case
        self.layer = getattr(layers, case["class"])(**case["arguments"])
        self.x = ops.convert_to_tensor(self["x"])
        self.layer.build(tuple(case["shape"]))
        self.layer.set_weights([self[f"w{i}"] for i in range(len(case["weights"]))])
        self.mask = {"mask": ops.convert_to_tensor(self["mask"])} if f"{case['name']}_mask" in GOLDEN else {}

    def __getitem__(self, key: str) -> np.ndarray[Any, Any]:
        return GOLDEN[f"{self.case['name']}_{key}"]

    def check_weights(self) -> None:
        """Names, shapes and order."""
        found = [[v.name, list(v.shape), v.trainable] for v in self.layer.weights]
        assert found == self.case["weights"]

    def check_config(self) -> None:
        """Every key and every value."""
        config = json.loads(json.dumps(self.layer.get_config()))
        config.pop("name")
        assert config == self.case["config"]

    def check_shapes(self) -> None:
        """With unknown sizes, with known ones, and of a symbolic call."""
        free = tuple(self.case["free"])
        wanted = tuple(self.case["free_output"])
        layer = type(self.layer).from_config(self.case["config"])
        assert layer.compute_output_shape(free) == wanted
        assert layer(KerasTensor(free)).shape == wanted
        assert self.layer.compute_output_shape(self.x.shape) == self["y"].shape

    def check_inference(self) -> None:
        """The outputs; the weights stay."""
        before = self.layer.get_weights()
        np.testing.assert_allclose(self.layer(self.x, **self.mask).numpy(), self["y"], **CLOSE)
        for old, new in zip(before, self.layer.get_weights(), strict=True):
            np.testing.assert_array_equal(old, new)

    def check_training(self) -> None:
        """The outputs, the gradients, and the weights after some steps."""
        with GradientTape() as tape:
            tape.watch(self.x)
            y = self.layer(self.x, training=True, **self.mask)
            loss = ops.sum(y * ops.convert_to_tensor(self["cotangent"]))
        np.testing.assert_allclose(y.numpy(), self["y_train"], **CLOSE)
        variables = self.layer.trainable_variables
        assert len(variables) == self.case["trainable"]
        dx, *grads = tape.gradient(loss, [self.x, *variables])
        np.testing.assert_allclose(dx.numpy(), self["dx"], err_msg="dx", **CLOSE)
        for i, (variable, gradient) in enumerate(zip(variables, grads, strict=True)):
            np.testing.assert_allclose(gradient.numpy(), self[f"d{i}"], err_msg=variable.name, **CLOSE)
        for step in range(1, CONTENTS["steps"]):
            self.layer(self.x * (step + 1.0), training=True, **self.mask)
        others = self.layer.non_trainable_variables
        assert len(others) == self.case["after"]
        for i, variable in enumerate(others):
            np.testing.assert_allclose(variable.numpy(), self[f"after{i}"], err_msg=variable.name, **CLOSE)
