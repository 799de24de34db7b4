"""BackupAndRestore: a killed training goes on to the last bit."""

import os
import random
import signal

import numpy as np
import pytest

from kerasish.callbacks import BackupAndRestore, CSVLogger, EarlyStopping, LambdaCallback, ReduceLROnPlateau
from kerasish.callbacks.callback import Callback
from kerasish.callbacks.snapshot import read_snapshot, write_snapshot

STEPS = 6


class KilledError(Exception):
    pass


class KillAt(Callback):
    """Ends the training at a step, counted over all epochs, or at the end of an epoch."""

    def __init__(self, step=None, epoch_end=None, kill=None):
        super().__init__()
        self.step, self.epoch_end = step, epoch_end
        self.kill = kill
        self.epoch = 0

    def _die(self):
        if self.kill:
            os.kill(os.getpid(), self.kill)
        raise KilledError

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        if self.step == self.epoch * STEPS + batch:
            self._die()

    def on_epoch_end(self, epoch, logs=None):
        if self.epoch_end == epoch:
            self._die()


@pytest.fixture(autouse=True)
def no_waiting_for_the_disk(monkeypatch):
    """A killed process loses nothing that it has written: only a power failure needs `fsync`."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)


def outcome(model, history):
    return (
        history.history,
        history.epoch,
        model.weight.numpy().tolist(),
        model.noise.numpy().tolist(),
        model.optimizer.momentum.numpy().tolist(),
        float(model.optimizer.learning_rate),
    )


def callbacks(folder, **arguments):
    return [
        BackupAndRestore(folder, **arguments),
        ReduceLROnPlateau("loss", factor=0.5, patience=1, min_delta=10),
        EarlyStopping("loss", patience=9, restore_best_weights=True),
    ]


@pytest.mark.parametrize("save_freq", ["epoch", 1, 4, 6, 100])
@pytest.mark.parametrize("at", [0, 5, 7, 12, 16])
def test_a_run_that_is_cut_off_at_any_step_goes_on_to_the_last_bit(toy, tmp_path, save_freq, at):
    whole = toy()
    expected = outcome(whole, whole.fit(callbacks(tmp_path / "a", save_freq=save_freq)))
    with pytest.raises(KilledError):
        toy().fit([*callbacks(tmp_path / "b", save_freq=save_freq), KillAt(step=at)])
    model = toy()
    resumed = callbacks(tmp_path / "b", save_freq=save_freq)
    # Another seed shows that the order of the data comes from the backup.
    had_backup = (tmp_path / "b").exists()
    history = model.fit(resumed, seed=99 if had_backup else 5)
    assert outcome(model, history) == expected
    if save_freq == 1:
        assert resumed[0].restored_epoch * STEPS + resumed[0].restored_step == at


def test_a_process_killed_by_the_system_goes_on(toy, tmp_path):
    whole = toy()
    expected = outcome(whole, whole.fit(callbacks(tmp_path / "a", save_freq=2)))
    child = os.fork()
    if not child:
        try:
            toy().fit([*callbacks(tmp_path / "b", save_freq=2), KillAt(step=10, kill=signal.SIGKILL)])
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WTERMSIG(status) == signal.SIGKILL
    model = toy()
    assert outcome(model, model.fit(callbacks(tmp_path / "b", save_freq=2))) == expected


def test_the_end_of_an_epoch_is_seen_by_all_other_callbacks_first(toy, tmp_path):
    whole = toy()
    expected = outcome(whole, whole.fit(callbacks(tmp_path / "a")))
    with pytest.raises(KilledError):
        toy().fit([*callbacks(tmp_path / "b"), LambdaCallback(on_epoch_begin=_raise_in_epoch_two)])
    model = toy()
    resumed = callbacks(tmp_path / "b")
    assert outcome(model, model.fit(resumed)) == expected
    assert (resumed[0].restored_epoch, resumed[0].restored_step) == (2, 0)


def _raise_in_epoch_two(epoch, logs):
    if epoch == 2:
        raise KilledError


def test_a_generator_goes_on_after_what_it_gave(toy, tmp_path):
    def data():
        stream = np.random.Generator(np.random.Philox(3))
        while True:
            x = stream.normal(size=(4, 3)).astype("float32")
            yield x, x.sum(axis=1)

    whole = toy()
    expected = outcome(whole, whole.fit(callbacks(tmp_path / "a", save_freq=4), data=data, steps=STEPS))
    with pytest.raises(KilledError):
        toy().fit([*callbacks(tmp_path / "b", save_freq=4), KillAt(step=9)], data=data, steps=STEPS)
    model = toy()
    assert outcome(model, model.fit(callbacks(tmp_path / "b", save_freq=4), data=data, steps=STEPS)) == expected


def test_random_generators_go_on(toy, tmp_path):
    draws = []

    def draw(batch, logs):
        draws.append((random.random(), np.random.rand()))

    def run(folder, kill=None):
        random.seed(1)
        np.random.seed(1)
        draws.clear()
        extra = [] if kill is None else [KillAt(step=kill)]
        toy().fit([BackupAndRestore(folder, save_freq=1), LambdaCallback(on_train_batch_begin=draw), *extra])
        return list(draws)

    expected = run(tmp_path / "a")
    with pytest.raises(KilledError):
        run(tmp_path / "b", kill=8)
    assert run(tmp_path / "b") == expected[8:]


def test_a_training_that_a_callback_ended_is_not_begun_again(toy, tmp_path):
    values = [{"loss": 1.0}, {"loss": 2.0}, {"loss": 0.5}]

    def parts():
        return [BackupAndRestore(tmp_path), EarlyStopping("loss", patience=1)]

    class KillAtEnd(Callback):
        def on_train_end(self, logs=None):
            raise KilledError

    with pytest.raises(KilledError):
        toy().fit([*parts(), KillAtEnd()], values=values)
    assert toy().fit(parts(), values=values).history == {"loss": [1.0, 2.0]}


def test_the_table_of_a_resumed_run_has_every_epoch_once(toy, tmp_path):
    def parts():
        return [CSVLogger(tmp_path / "log.csv"), BackupAndRestore(tmp_path / "backup", save_freq=4)]

    with pytest.raises(KilledError):
        toy().fit([*parts(), KillAt(step=13)])
    toy().fit(parts())
    rows = (tmp_path / "log.csv").read_text().splitlines()
    assert [row.split(",")[0] for row in rows] == ["epoch", "0", "1", "2"]


def test_the_backup_is_removed_at_the_end_unless_it_is_wanted(toy, tmp_path):
    toy().fit([BackupAndRestore(tmp_path / "a")])
    toy().fit([BackupAndRestore(tmp_path / "b", delete_checkpoint=False)])
    assert not (tmp_path / "a").exists()
    assert os.listdir(tmp_path / "b") == ["training_backup.npz"]


def test_leftovers_of_a_killed_writer_are_removed(toy, tmp_path):
    (tmp_path / ".training_backup.npz.abc.tmp.npz").write_bytes(b"half")
    toy().fit([BackupAndRestore(tmp_path, delete_checkpoint=False)])
    assert os.listdir(tmp_path) == ["training_backup.npz"]


def test_another_model_is_refused_and_stays_as_it_is(toy, tmp_path):
    toy().fit([BackupAndRestore(tmp_path, delete_checkpoint=False)])
    other = toy(size=5)
    with pytest.raises(
        ValueError, match=r"training_backup.npz.* belongs to another training: expected 'weight'.*\(5,\)"
    ):
        other.fit([BackupAndRestore(tmp_path)])
    assert other.weight.numpy().tolist() == [0.0] * 5


@pytest.mark.parametrize("damage", ["cut", "flip", "empty", "text"])
def test_a_damaged_backup_is_named(toy, tmp_path, damage):
    toy().fit([BackupAndRestore(tmp_path, delete_checkpoint=False)])
    path = tmp_path / "training_backup.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes({"cut": content[:-40], "flip": content, "empty": b"", "text": b"hello"}[damage])
    with pytest.raises(ValueError, match=r"training_backup\.npz' is damaged"):
        toy().fit([BackupAndRestore(tmp_path)])


def test_a_second_backup_steps_in_for_a_damaged_one(toy, tmp_path):
    whole = toy()
    expected = outcome(whole, whole.fit(callbacks(tmp_path / "a")))
    with pytest.raises(KilledError):
        toy().fit([*callbacks(tmp_path / "b", double_checkpoint=True), KillAt(step=14)])
    (tmp_path / "b" / "training_backup.npz").write_bytes(b"")
    model = toy()
    resumed = callbacks(tmp_path / "b", double_checkpoint=True)
    with pytest.warns(UserWarning, match="The backup before it is used"):
        history = model.fit(resumed)
    assert resumed[0].restored_epoch == 1
    assert outcome(model, history) == expected


def test_states_without_their_callback_are_mentioned(toy, tmp_path):
    toy().fit([*callbacks(tmp_path, delete_checkpoint=False)])
    with pytest.warns(UserWarning, match=r"\['ReduceLROnPlateau', 'EarlyStopping'\]"):
        toy().fit([BackupAndRestore(tmp_path)])


@pytest.mark.parametrize("save_freq", [0, -1, "batch", 1.5, True])
def test_the_frequency_is_checked(tmp_path, save_freq):
    with pytest.raises(ValueError, match="Received: save_freq="):
        BackupAndRestore(tmp_path, save_freq=save_freq)


def test_the_folder_needs_a_name():
    with pytest.raises(ValueError, match="backup_dir"):
        BackupAndRestore("")


class TestSnapshot:
    def test_gives_back_what_was_written(self, tmp_path):
        state = {
            "numbers": [1, 0.1, True, None, "text", float("inf")],
            "by_number": {1: "one", 2: [np.arange(3)]},
            "deep": {"array": np.array([[1.5]], np.float16), "scalar": np.float32(0.1)},
        }
        write_snapshot(tmp_path / "s.npz", state)
        found = read_snapshot(tmp_path / "s.npz")
        assert found["numbers"] == state["numbers"]
        assert found["by_number"][1] == "one"
        assert found["by_number"][2][0].tolist() == [0, 1, 2]
        assert found["deep"]["array"].dtype == np.float16
        assert found["deep"]["scalar"] == float(np.float32(0.1))

    def test_refuses_what_would_need_pickle(self, tmp_path):
        for value in (object(), np.array([None])):
            with pytest.raises(TypeError, match="A snapshot holds numbers"):
                write_snapshot(tmp_path / "s.npz", {"bad": value})
        assert os.listdir(tmp_path) == []
