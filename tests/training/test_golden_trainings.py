"""Trainings against what a real Keras reported of the same ones (`tests/golden/training.json`)."""

from __future__ import annotations

import importlib.util
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kerasish

_specification = importlib.util.spec_from_file_location("scenarios", Path(__file__).with_name("scenarios.py"))
assert _specification is not None
assert _specification.loader is not None
scenarios = importlib.util.module_from_spec(_specification)
_specification.loader.exec_module(scenarios)

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "training.json").read_text())


def compare(found: Any, expected: Any, where: str) -> None:
    if isinstance(expected, dict):
        assert list(found) == list(expected), where
        for key in expected:
            compare(found[key], expected[key], f"{where}.{key}")
    elif isinstance(expected, list) and any(isinstance(one, (list, str, dict)) for one in expected):
        assert len(found) == len(expected), where
        for number, (a, b) in enumerate(zip(found, expected, strict=True)):
            compare(a, b, f"{where}[{number}]")
    elif isinstance(expected, str):
        assert found == expected, where
    else:
        np.testing.assert_allclose(found, expected, rtol=2e-5, atol=2e-6, err_msg=where)


@pytest.mark.parametrize("name", list(scenarios.SCENARIOS))
def test_training_reports_what_keras_reports(name: str) -> None:
    kerasish.autodiff.reset_names()
    with warnings.catch_warnings():
        if name == "two_outputs_of_which_one_has_a_loss":
            warnings.filterwarnings("ignore", "Gradients do not exist")
        found = scenarios.SCENARIOS[name](kerasish)
    expected = dict(GOLDEN[name])
    if name in ("one_metric_twice", "sparse"):
        # Keras repeats values in the list where two metrics have one name.
        assert len(found.pop("evaluate")) == len(found["evaluate_dict"])
        expected.pop("evaluate")
    compare(found, expected, name)
