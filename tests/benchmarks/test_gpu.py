"""The benchmark of the GPU runs, at sizes of a few elements, on an emulated GPU."""

import os

import numpy as np
import pytest

from benchmarks import gpu
from benchmarks.gpu_parts import clock, kernels, models

pytestmark = pytest.mark.skipif(
    os.environ.get("KERASISH_TEST_DEVICE") != "emulated", reason="needs the emulated GPU: KERASISH_TEST_DEVICE=emulated"
)


@pytest.fixture(autouse=True)
def _same_settings_after():
    from kerasish import config

    yield
    config.enable_tf32(False)


def _without_peers(monkeypatch):
    monkeypatch.setattr(gpu, "_peers", dict)


def test_every_kernel_case_has_a_line_with_its_rate(capsys):
    import cupy

    gpu.main(["--quick", "--part", "kernels"])
    lines = capsys.readouterr().out.splitlines()
    rows = [line for line in lines if line.endswith("%")]
    cases = list(kernels.cases(cupy, kernels.TINY))
    assert [row[:56].strip() for row in rows] == [case.name for case in cases]
    assert len({row[:56] for row in rows}) == len(rows) > 60
    assert all(float(row[56:66]) >= 0 for row in rows)
    assert sum("TB/s" in row for row in rows) == sum(bool(case.moved) for case in cases)


def test_every_case_says_what_it_moves_or_what_it_computes():
    import cupy

    for case in kernels.cases(cupy, kernels.TINY):
        assert (case.moved > 0) != (case.computed > 0), case.name


def test_every_model_trains_through_the_recorded_step_and_has_a_line(monkeypatch, capsys, tmp_path):
    _without_peers(monkeypatch)
    monkeypatch.setattr(
        clock, "in_turns", lambda contestants, budget: {n: c.seconds(1) for n, c in contestants.items()}
    )
    gpu.main(["--quick", "--part", "models", "--output", str(tmp_path / "table.txt")])
    shown = capsys.readouterr().out
    for setting in models.QUICK:
        assert any(line.startswith(str(setting)) and line.endswith("captured") for line in shown.splitlines()), setting
    assert (tmp_path / "table.txt").read_text(encoding="utf-8") == shown
    assert {(s.model, s.precision) for s in models.QUICK} == {(s.model, s.precision) for s in models.SETTINGS}


def test_a_contestant_trains_its_model():
    own = models.contestant(models.QUICK[0])
    first = own.loss()
    own.seconds(30)
    assert own.parameters == 12 * 8 + 8 + 8 * 8 + 8 + 8 * 10 + 10
    assert own.loss() < first


def test_a_step_that_is_not_recorded_says_why(monkeypatch):
    from kerasish.backend.cupy import _graph

    def refused(self):
        raise RuntimeError("no graphs today")

    monkeypatch.setattr(_graph.Recording, "capture", refused)
    note = models.contestant(models.QUICK[0]).note
    assert note.startswith("eager: ")
    assert "no graphs today" in note


def test_a_peer_that_fails_is_named_and_one_with_another_model_is_not_timed(monkeypatch, capsys):
    def broken(setting):
        raise OSError("no such library\nmore")

    def peer(parameters):
        return lambda setting: clock.Contestant(
            lambda: None, lambda: None, parameters=parameters or _count(setting), loss=float
        )

    monkeypatch.setattr(gpu, "_peers", lambda: {"broken": broken, "other": peer(7), "same": peer(None)})
    monkeypatch.setattr(models, "QUICK", models.QUICK[:1])
    gpu.main(["--quick", "--part", "models"])
    shown = capsys.readouterr().out
    (row,) = [line for line in shown.splitlines() if line.startswith("mlp")]
    assert "OSError" in row
    assert "another model" in row
    assert row.count("x  ") == 1
    assert "broken: no such library\n" in shown
    assert "other: 7 parameters where kerasish has 266" in shown


def _count(setting):
    return models.contestant(setting).parameters


def test_late_kernels_compilers_and_models_are_left_out(monkeypatch, capsys):
    made = []
    monkeypatch.setattr(gpu, "_peers", lambda: {"torch.compile": made.append})
    monkeypatch.setattr(models, "QUICK", models.QUICK[:2])
    monkeypatch.setattr(gpu, "KERNELS_UNTIL", -1.0)
    monkeypatch.setattr(gpu, "COMPILE_UNTIL", -1.0)
    gpu.main(["--quick"])
    assert "add float32" in (shown := capsys.readouterr().out)
    assert "nor what follows: out of time" in shown
    assert shown.count("out of time") == 1 + 2
    assert not made
    monkeypatch.setattr(gpu, "MODELS_UNTIL", -1.0)
    gpu.main(["--quick", "--part", "models"])
    assert capsys.readouterr().out.count("not measured: out of time") == 2


def test_rounds_take_turns_and_the_median_counts(monkeypatch):
    calls = []
    monkeypatch.setattr(clock.time, "perf_counter", iter(np.arange(10_000) / 8).__next__)

    def contestant(name):
        return clock.Contestant(lambda: calls.append(name), lambda: None, parameters=0, loss=float)

    times = clock.in_turns({"a": contestant("a"), "b": contestant("b")}, budget=5.0, rounds=3)
    # A clock that moves an eighth of a second each time it is read: a round of n steps takes that.
    steps = int(5.0 / 3 / (0.125 / 3))
    assert times == {"a": 0.125 / steps, "b": 0.125 / steps}
    assert calls == ["a"] * 8 + ["b"] * 8 + (["a"] * steps + ["b"] * steps) * 3
