"""Whole programs, against what a real Keras gave for the same ones (`tests/golden/end_to_end.json`)."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kerasish
from kerasish import tree

_specification = importlib.util.spec_from_file_location("programs", Path(__file__).with_name("programs.py"))
assert _specification is not None
assert _specification.loader is not None
programs = importlib.util.module_from_spec(_specification)
_specification.loader.exec_module(programs)

ROOT = Path(__file__).parents[2]
GOLDEN = json.loads((ROOT / "tests" / "golden" / "end_to_end.json").read_text())
# Their own classes and functions would have to be importable by the process that loads them.
IN_FILES = [name for name in programs.PROGRAMS if name not in ("subclasses", "losses_and_metrics_of_ones_own")]

LOAD = """
import json, sys
import numpy as np
import kerasish
from kerasish import tree
for name in sys.argv[2:]:
    folder = f"{sys.argv[1]}/{name}"
    model = kerasish.models.load_model(folder + ".h5")
    held = np.load(folder + ".npz")
    x = [held[f"x{i}"] for i in range(len(model.inputs))]
    x = dict(zip(sorted(model.input), x)) if isinstance(model.input, dict) else x if len(x) > 1 else x[0]
    for number, found in enumerate(tree.flatten(model.predict(x, verbose=0))):
        np.testing.assert_array_equal(found, held[f"y{number}"], err_msg=name)
    assert not model.compiled or model.optimizer.iterations.numpy() == held["steps"], name
"""


def compare(found: Any, expected: Any, where: str, tolerance: float) -> None:
    if isinstance(expected, dict):
        assert sorted(found) == sorted(expected), where
        for key in expected:
            compare(found[key], expected[key], f"{where}.{key}", tolerance)
    elif isinstance(expected, list) and any(isinstance(one, (list, str, dict)) for one in expected):
        assert len(found) == len(expected), where
        for number, (a, b) in enumerate(zip(found, expected, strict=True)):
            compare(a, b, f"{where}[{number}]", tolerance)
    elif isinstance(expected, str):
        assert found == expected, where
    else:
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance / 10, err_msg=where)


@pytest.mark.parametrize("name", list(programs.PROGRAMS))
def test_program_gives_what_keras_gives(name: str) -> None:
    kerasish.autodiff.reset_names()
    _, _, found = programs.run(name, kerasish)
    compare(found, GOLDEN[name], name, 5e-3 if name == "half_precision" else 2e-4)


@pytest.mark.cpu
def test_models_loaded_in_a_new_process_predict_the_same(tmp_path: Path) -> None:
    for name in IN_FILES:
        model, x, results = programs.run(name, kerasish)
        model.save(tmp_path / f"{name}.h5")
        inputs, outputs = tree.flatten(x), tree.flatten(results["predict"])
        arrays = {f"x{i}": value for i, value in enumerate(inputs)} | {f"y{i}": y for i, y in enumerate(outputs)}
        steps = model.optimizer.iterations.numpy() if model.compiled else 0
        np.savez(tmp_path / f"{name}.npz", steps=steps, **arrays)
    command = [sys.executable, "-W", "error", "-c", LOAD, str(tmp_path), *IN_FILES]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]


@pytest.mark.parametrize("name", IN_FILES)
def test_training_continues_from_a_file_as_if_it_had_not_stopped(name: str, tmp_path: Path) -> None:
    model, x, results = programs.run(name, kerasish)
    if not model.compiled or isinstance(model.loss, dict):
        pytest.skip("nothing to continue with an array of targets")
    model.save(tmp_path / "model.h5")
    again = kerasish.models.load_model(tmp_path / "model.h5")
    y = tree.map_structure(lambda p: np.abs(p) / (1 + np.abs(p)), results["predict"])
    if "sparse" in str(getattr(model.loss, "name", model.loss)):
        y = results["predict"].argmax(-1)
    for one in (model, again):
        one.train_on_batch(x, y)
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
