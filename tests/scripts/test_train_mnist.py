"""The training script: trains, reloads in a new process, and continues after it was killed."""

import csv
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "scripts" / "train_mnist.py"
ENVIRONMENT = {**os.environ, "KERASISH_BACKEND": "numpy", "OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


def command(out, *more):
    return [sys.executable, str(SCRIPT), "--model", "mlp", "--verbose", "0", "--out", str(out), *more]


def run(out, *more):
    arguments = {"env": ENVIRONMENT, "capture_output": True, "text": True, "timeout": 300, "check": False}
    return subprocess.run(command(out, *more), **arguments)


def rows(out):
    with (out / "log.csv").open() as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    out = tmp_path_factory.mktemp("whole")
    result = run(out, "--epochs", "6")
    assert result.returncode == 0, result.stderr
    return out, result.stdout


def test_it_reports_both_accuracies_and_identical_predictions(uninterrupted):
    _, printed = uninterrupted
    trained = float(printed.split("trained model:")[1].split()[0])
    reloaded = float(printed.split("reloaded model:")[1].split()[0])
    assert trained == reloaded
    assert trained > 0.9
    assert "predictions identical: yes" in printed


def test_it_logs_every_epoch(uninterrupted):
    out, _ = uninterrupted
    assert [int(row["epoch"]) for row in rows(out)] == list(range(6))


def test_a_killed_run_continues_with_the_same_losses_to_the_last_bit(uninterrupted, tmp_path):
    whole, _ = uninterrupted
    process = subprocess.Popen(command(tmp_path, "--epochs", "6"), env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    try:
        # Killed as soon as two epochs are behind it, wherever it is then.
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline and process.poll() is None:
            if (tmp_path / "log.csv").exists() and len(rows(tmp_path)) >= 2:
                break
            time.sleep(0.005)
        process.send_signal(signal.SIGKILL)
    finally:
        process.wait()
    done = len(rows(tmp_path)) if process.returncode == -signal.SIGKILL else 6
    result = run(tmp_path, "--epochs", "6", "--resume")
    assert result.returncode == 0, result.stderr
    resumed = {row["epoch"]: row for row in rows(tmp_path)}
    assert done <= 6
    assert resumed == {row["epoch"]: row for row in rows(whole)}


def test_an_unknown_dataset_is_refused_by_name():
    result = run(Path("unused"), "--dataset", "letters")
    assert result.returncode == 2
    assert "letters" in result.stderr
