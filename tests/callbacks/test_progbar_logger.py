"""ProgbarLogger and Progbar: what a training shows."""

import io
import re
import sys

import pytest

from kerasish.callbacks import ProgbarLogger
from kerasish.callbacks.callback_list import CallbackList, Logs
from kerasish.utils import progress
from kerasish.utils.progress import Progbar


class Terminal(io.StringIO):
    encoding = "utf-8"

    def isatty(self):
        return True


@pytest.fixture
def clock(monkeypatch):
    """Seconds that pass as the test says."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    return now


@pytest.fixture
def terminal(monkeypatch):
    """Opens a terminal; called by the test itself, since pytest sets the standard output after the fixtures."""

    def open_terminal():
        monkeypatch.setattr(sys, "stdout", Terminal())
        monkeypatch.setenv("COLUMNS", "60")
        return sys.stdout

    return open_terminal


def run(verbose, clock, epochs=1, steps=4, known=True, counter=None):
    listed = CallbackList([], add_progbar=True, verbose=verbose, epochs=epochs, steps=steps if known else None)
    listed.on_train_begin()

    def compute():
        if counter is not None:
            counter.append(1)
        return {"loss": 0.5}

    for epoch in range(epochs):
        listed.on_epoch_begin(epoch)
        for step in range(steps):
            clock[0] += 0.04
            listed.on_train_batch_end(step, Logs(compute))
        listed.on_test_begin()
        listed.on_test_batch_end(0, Logs(compute))
        listed.on_test_end()
        listed.on_epoch_end(epoch, {"loss": 0.5, "val_loss": 1e-4})
    listed.on_train_end()


def test_a_file_gets_one_line_an_epoch(clock, capsys):
    run(1, clock, epochs=2)
    line = "4/4 ━━━━━━━━━━━━━━━━━━━━ 0s 40ms/step - loss: 0.5000 - val_loss: 1.0000e-04\n"
    assert capsys.readouterr().out == f"Epoch 1/2\n{line}Epoch 2/2\n{line}"


def test_verbose_2_writes_a_line_without_a_bar(clock, capsys):
    run(2, clock)
    assert capsys.readouterr().out == "4/4 - 0s - 40ms/step - loss: 0.5000 - val_loss: 1.0000e-04\n"


def test_verbose_0_is_silent(clock, capsys):
    run(0, clock, epochs=2)
    assert capsys.readouterr().out == ""


def test_an_epoch_of_unknown_length_tells_it_at_the_end(clock, capsys):
    run(1, clock, epochs=2, known=False)
    assert [line[:5] for line in capsys.readouterr().out.splitlines()] == ["Epoch", "4/4 ━", "Epoch", "4/4 ━"]


def test_a_terminal_is_drawn_again_at_most_ten_times_a_second(clock, terminal):
    reads = []
    screen = terminal()
    run(1, clock, steps=100, counter=reads)
    drawn = re.findall(r"\r *(\d+)/100 ", screen.getvalue())
    assert 30 <= len(reads) <= 41
    assert drawn[0] == "1"
    assert drawn[-1] == "100"
    assert screen.getvalue().endswith("val_loss: 1.0000e-04\n")


def test_values_are_not_read_where_nothing_is_drawn(clock, capsys):
    reads = []
    run(1, clock, steps=100, counter=reads)
    run(2, clock, steps=100, counter=reads)
    assert reads == []


def test_a_live_line_fits_the_terminal_and_the_last_is_whole(clock, terminal):
    screen = terminal()
    bar = Progbar(10, stateless_metrics=())
    values = [(f"metric_number_{i}", 0.5) for i in range(5)]
    bar.update(1, values)
    bar.update(10, values)
    *live, last = re.split(r"\r", screen.getvalue())
    assert all(len(line) <= 60 for line in live)
    assert "metric_number_4: 0.5000" in last


def test_an_evaluation_and_a_prediction_have_bars_of_their_own(clock, capsys):
    logger = ProgbarLogger()
    listed = CallbackList([logger], verbose=1, epochs=1, steps=2)
    listed.on_test_begin()
    listed.on_test_batch_end(1, Logs(lambda: {"loss": 0.25}))
    listed.on_test_end({"loss": 0.25})
    listed.on_predict_begin()
    listed.on_predict_batch_end(1, {"outputs": [1]})
    listed.on_predict_end()
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith("- loss: 0.2500")
    assert second.startswith("2/2 ━")
    assert "outputs" not in second


def test_a_stream_without_unicode_gets_plain_characters(clock, monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", stream)
    run(1, clock)
    stream.flush()
    assert stream.buffer.getvalue().startswith(b"4/4 ==================== 0s")


def test_a_program_without_a_standard_output_goes_on(clock, monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)
    run(1, clock, epochs=2)
    assert sys.stdout is None


class TestProgbar:
    def test_averages_values_over_steps_unless_they_are_stateful(self, clock, capsys):
        bar = Progbar(4, stateful_metrics=["acc"])
        bar.update(1, [("loss", 1.0), ("acc", 0.1)], finalize=False)
        bar.update(3, [("loss", 4.0), ("acc", 0.2)], finalize=False)
        bar.update(4, finalize=True)
        assert capsys.readouterr().out.endswith("- loss: 3.0000 - acc: 0.2000\n")

    def test_adds_steps(self, clock, capsys):
        bar = Progbar(4, width=4, unit_name="sample")
        bar.add(3)
        bar.add(1)
        assert capsys.readouterr().out == "4/4 ━━━━ 0s 0s/sample\n"

    def test_takes_one_list_of_names(self):
        with pytest.raises(ValueError, match="either stateful_metrics or stateless_metrics"):
            Progbar(3, stateful_metrics=[], stateless_metrics=[])

    def test_shows_values_of_any_kind(self):
        assert progress.format_value([0.0, 1.0]) == "0.5000"
        assert progress.format_value(-2) == "-2.0000"
        assert progress.format_value(float("nan")) == "nan"
        assert progress.format_value("text") == "text"
        assert progress.format_value(None) == "None"
