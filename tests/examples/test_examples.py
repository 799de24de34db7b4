"""The examples run as they stand, and show what they promise."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
PROMISES = {
    "gradient_penalty": "smoother: True",
    "masked_sequences": "more padding changes nothing: True",
    "two_inputs": "same predictions from the file: True",
}


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_runs_without_warnings_and_keeps_its_promise(path):
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "OPENBLAS_NUM_THREADS": "1", "KERASISH_BACKEND": "numpy"}
    command = [sys.executable, "-W", "error", str(path)]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert result.returncode == 0, result.stderr
    assert PROMISES[path.stem] in result.stdout
