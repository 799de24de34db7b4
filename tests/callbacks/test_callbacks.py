"""The smaller callbacks: what they do to a training, and what they write."""

import csv

import numpy as np
import pytest

from kerasish import callbacks
from kerasish.callbacks.callback_list import CallbackList, Logs


def losses(*values):
    return [{"loss": value} for value in values]


class TestEarlyStopping:
    def test_waits_for_its_patience(self, toy):
        values = losses(1.0, 0.5, 0.6, 0.55, 0.1)
        history = toy().fit([callbacks.EarlyStopping("loss", patience=2)], epochs=5, values=values)
        assert history.epoch == [0, 1, 2, 3]

    def test_counts_only_changes_of_min_delta(self, toy):
        stopper = callbacks.EarlyStopping("loss", min_delta=0.2, patience=1)
        assert toy().fit([stopper], epochs=4, values=losses(1.0, 0.9, 0.1, 0.1)).epoch == [0, 1]
        assert stopper.stopped_epoch == 1

    def test_restores_the_weights_of_the_best_epoch(self, toy, capsys):
        model = toy()
        kept = []
        keep = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: kept.append(model.weight.numpy().tolist()))
        stopper = callbacks.EarlyStopping("loss", patience=1, restore_best_weights=True, verbose=1)
        model.fit([keep, stopper], epochs=5, values=losses(1.0, 0.5, 0.9, 0.9, 0.9))
        assert model.weight.numpy().tolist() == kept[1] != kept[2]
        assert stopper.best_epoch == 1
        assert capsys.readouterr().out == (
            "Epoch 3: early stopping\nRestoring model weights from the end of the best epoch: 2.\n"
        )

    def test_needs_a_baseline_to_be_beaten(self, toy):
        stopper = callbacks.EarlyStopping("loss", patience=2, baseline=0.5)
        assert toy().fit([stopper], epochs=5, values=losses(0.9, 0.8, 0.81, 0.1, 0.1)).epoch == [0, 1, 2]

    def test_begins_with_an_epoch(self, toy):
        stopper = callbacks.EarlyStopping("loss", patience=1, start_from_epoch=3)
        assert toy().fit([stopper], epochs=6, values=losses(0, 1, 2, 3, 4, 5)).epoch == [0, 1, 2, 3, 4]

    def test_knows_which_way_is_better(self, toy):
        values = [{"val_accuracy": value} for value in (0.1, 0.5, 0.4)]
        stopper = callbacks.EarlyStopping("val_accuracy", patience=1)
        toy().fit([stopper], values=values)
        assert stopper.best == 0.5
        with pytest.raises(ValueError, match="give mode='max' or mode='min'"):
            toy().fit([callbacks.EarlyStopping("thing")], values=[{"thing": 1.0}] * 3)

    def test_believes_the_direction_of_a_metric(self, toy):
        model = toy()
        model.metrics[0].name, model.metrics[0]._direction = "thing", "up"
        stopper = callbacks.EarlyStopping("val_thing", patience=5)
        model.fit([stopper], values=[{"val_thing": value} for value in (1.0, 3.0, 2.0)])
        assert stopper.best == 3.0

    def test_warns_once_about_an_unknown_value(self, toy):
        with pytest.warns(UserWarning, match="Early stopping conditioned on metric `val_loss` which is not") as found:
            toy().fit([callbacks.EarlyStopping()])
        assert len(found) == 1

    def test_checks_its_arguments(self):
        with pytest.warns(UserWarning, match="mode 'best' is unknown, fallback to 'auto'"):
            callbacks.EarlyStopping(mode="best")
        with pytest.raises(ValueError, match="Received: patience=-1"):
            callbacks.EarlyStopping(patience=-1)

    def test_forgets_an_earlier_training(self, toy):
        stopper = callbacks.EarlyStopping("loss", patience=1)
        toy().fit([stopper], values=losses(0.1, 0.2, 0.3))
        assert toy().fit([stopper], values=losses(3.0, 2.0, 1.0)).epoch == [0, 1, 2]


class TestReduceLROnPlateau:
    def test_multiplies_the_rate_after_its_patience(self, toy, capsys):
        model = toy()
        reducer = callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=2, verbose=1)
        history = model.fit([reducer], epochs=6, values=losses(1.0, 1.0, 1.0, 1.0, 1.0, 0.5))
        assert history.history["learning_rate"] == pytest.approx([0.1, 0.1, 0.1, 0.05, 0.05, 0.025])
        assert capsys.readouterr().out.count("ReduceLROnPlateau reducing learning rate to") == 2

    def test_rests_after_a_reduction_and_stops_at_the_least_rate(self, toy):
        model = toy()
        reducer = callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=1, cooldown=2, min_lr=0.04)
        model.fit([reducer], epochs=7, values=losses(*[1.0] * 7))
        assert float(model.optimizer.learning_rate) == pytest.approx(0.04)
        model = toy()
        model.fit([reducer], epochs=3, values=losses(*[1.0] * 3))
        assert float(model.optimizer.learning_rate) == pytest.approx(0.05)

    @pytest.mark.parametrize("factor", [1.0, 1.5, 0.0])
    def test_needs_a_factor_below_one(self, factor):
        with pytest.raises(ValueError, match="factor"):
            callbacks.ReduceLROnPlateau(factor=factor)


class TestLearningRateScheduler:
    @pytest.mark.parametrize("schedule", [lambda epoch, rate: 0.1 / 2**epoch, lambda epoch: 0.1 / 2**epoch])
    def test_sets_and_reports_the_rate(self, toy, schedule):
        history = toy().fit([callbacks.LearningRateScheduler(schedule)])
        assert history.history["learning_rate"] == pytest.approx([0.1, 0.05, 0.025])

    def test_lets_errors_of_the_schedule_through(self, toy):
        with pytest.raises(TypeError, match="unsupported operand"):
            toy().fit([callbacks.LearningRateScheduler(lambda epoch, rate: epoch + "a")])

    def test_needs_a_number(self, toy):
        with pytest.raises(ValueError, match=r"should be a float\. Received: None"):
            toy().fit([callbacks.LearningRateScheduler(lambda epoch, rate: None)])
        with pytest.raises(ValueError, match="Expected schedule to be a function"):
            callbacks.LearningRateScheduler(0.1)


class TestTerminateOnNaN:
    def test_ends_the_training_at_the_step(self, toy, capsys):
        model = toy()
        model.weight.assign(np.full(3, np.nan, np.float32))
        history = model.fit([callbacks.TerminateOnNaN()])
        assert history.epoch == [0]
        assert capsys.readouterr().out == "Batch 0: Invalid loss, terminating training\n"

    def test_raises_if_it_is_asked_to(self, toy):
        model = toy()
        model.weight.assign(np.full(3, np.inf, np.float32))
        with pytest.raises(RuntimeError, match="at batch 0"), np.errstate(all="ignore"):
            model.fit([callbacks.TerminateOnNaN(raise_error=True)])


class TestModelCheckpoint:
    def test_fills_in_names_and_makes_folders(self, toy, tmp_path):
        model = toy()
        path = tmp_path / "new" / "m-{epoch:02d}-{loss:.1f}.keras"
        model.fit([callbacks.ModelCheckpoint(path)], values=losses(1.0, 0.5, 0.2))
        assert model.saved == [str(tmp_path / "new" / f"m-{name}.keras") for name in ("01-1.0", "02-0.5", "03-0.2")]
        assert (tmp_path / "new").is_dir()

    def test_saves_only_what_is_better(self, toy, tmp_path, capsys):
        model = toy()
        checkpoint = callbacks.ModelCheckpoint(
            tmp_path / "{epoch}.weights.h5",
            monitor="loss",
            save_best_only=True,
            save_weights_only=True,
            initial_value_threshold=0.8,
            verbose=1,
        )
        model.fit([checkpoint], epochs=4, values=losses(1.0, 0.5, 0.6, 0.4))
        assert [path[-12] for path in model.saved] == ["2", "4"]
        assert checkpoint.best == 0.4
        out = capsys.readouterr().out
        assert "Epoch 1: loss did not improve from 0.80000" in out
        assert "Epoch 2: loss improved from 0.80000 to 0.50000, saving model to" in out

    @pytest.mark.parametrize(("every", "count"), [(1, 18), (4, 4), (6, 3), (20, 0)])
    def test_counts_steps_over_epochs(self, toy, tmp_path, every, count):
        model = toy()
        model.fit([callbacks.ModelCheckpoint(tmp_path / "{epoch}-{batch}.keras", save_freq=every)])
        assert len(model.saved) == count

    def test_warns_once_about_an_unknown_value(self, toy, tmp_path):
        model = toy()
        with pytest.warns(UserWarning, match="Can save best model only with val_loss available") as found:
            model.fit([callbacks.ModelCheckpoint(tmp_path / "a.keras", save_best_only=True)])
        assert len(found) == 1
        assert len(model.saved) == 3

    def test_explains_a_path_that_cannot_be(self, toy, tmp_path):
        with pytest.raises(ValueError, match=r"must end in '\.weights\.h5'"):
            callbacks.ModelCheckpoint("a.keras", save_weights_only=True)
        with pytest.raises(ValueError, match=r"must end in '\.keras'"):
            callbacks.ModelCheckpoint("a.txt")
        with pytest.raises(ValueError, match="Received: save_freq='batch'"):
            callbacks.ModelCheckpoint("a.keras", save_freq="batch")
        with pytest.raises(KeyError, match="names a value that there is not: 'val_acc'"):
            toy().fit([callbacks.ModelCheckpoint(tmp_path / "{val_acc}.keras")])
        (tmp_path / "folder.keras").mkdir()
        with pytest.raises(OSError, match="Received: the folder"):
            toy().fit([callbacks.ModelCheckpoint(tmp_path / "folder.keras")])


class TestCSVLogger:
    def test_writes_a_row_for_each_epoch(self, toy, tmp_path):
        path = tmp_path / "new" / "log.csv"
        values = [{"loss": 1.0, "acc": [1, 2]}, {"loss": 0.5, "val_loss": 0.7}, {"loss": 0.1}]
        toy().fit([callbacks.CSVLogger(path, separator=";")], values=values)
        with open(path, newline="") as file:
            rows = list(csv.reader(file, delimiter=";"))
        assert rows[0] == ["epoch", "acc", "loss", "val_acc", "val_loss"]
        assert rows[1:] == [
            ["0", '"[1, 2]"', "1.0", "NA", "NA"],
            ["1", "NA", "0.5", "NA", "0.7"],
            ["2", "NA", "0.1", "NA", "NA"],
        ]

    @pytest.mark.parametrize(("append", "lines"), [(False, 4), (True, 7)])
    def test_replaces_or_goes_on_with_a_file(self, toy, tmp_path, append, lines):
        for _ in range(2):
            toy().fit([callbacks.CSVLogger(tmp_path / "log.csv", append=append)])
        assert len((tmp_path / "log.csv").read_text().splitlines()) == lines

    def test_needs_one_character_between_columns(self):
        with pytest.raises(ValueError, match="one character"):
            callbacks.CSVLogger("a.csv", separator=", ")


class TestSwapEMAWeights:
    def test_shows_the_averages_to_evaluations_only(self, toy):
        model = toy(use_ema=True)
        model.optimizer.build([model.weight])
        model.optimizer._averages[0].assign([1.0, 2.0, 3.0])
        swap = CallbackList([callbacks.SwapEMAWeights()], model=model, epochs=2)
        swap.on_test_begin()
        assert model.weight.numpy().tolist() == [1.0, 2.0, 3.0]
        swap.on_test_end()
        assert model.weight.numpy().tolist() == [0.0, 0.0, 0.0]
        assert model.optimizer._averages[0].numpy().tolist() == [1.0, 2.0, 3.0]

    @pytest.mark.parametrize("last", [0, 1])
    def test_leaves_the_averages_in_the_model_at_the_end(self, toy, last):
        model = toy(use_ema=True)
        model.optimizer.build([model.weight])
        swap = CallbackList([callbacks.SwapEMAWeights(swap_on_epoch=True)], model=model, epochs=2)
        swap.on_train_begin()
        for epoch in range(last + 1):
            swap.on_epoch_begin(epoch)
            model.weight.assign([9.0, 9.0, 9.0])
            model.optimizer._averages[0].assign([1.0, 2.0, 3.0])
            swap.on_epoch_end(epoch)
            assert model.weight.numpy().tolist() == [1.0, 2.0, 3.0]
        model.weight.assign(model.optimizer._averages[0])
        swap.on_train_end()
        assert model.weight.numpy().tolist() == [1.0, 2.0, 3.0]

    def test_needs_an_optimizer_with_averages(self, toy):
        with pytest.raises(ValueError, match="use_ema=True"):
            toy().fit([callbacks.SwapEMAWeights()])


class TestLambdaCallback:
    def test_calls_the_functions(self, toy):
        calls = []
        toy().fit(
            [
                callbacks.LambdaCallback(
                    on_train_begin=lambda logs: calls.append("begin"),
                    on_epoch_begin=lambda epoch, logs: calls.append(epoch),
                    on_train_batch_end=lambda batch, logs: calls.append(sorted(logs)),
                    on_train_end=lambda logs: calls.append("end"),
                )
            ],
            epochs=1,
        )
        assert calls == ["begin", 0, *[["loss"]] * 6, "end"]

    def test_makes_steps_cost_nothing_where_none_listens(self):
        listening = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: None)
        silent = callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: None)
        assert isinstance(silent, callbacks.LambdaCallback)
        assert CallbackList([silent]).wants_train_batches() == (False, False)
        assert CallbackList([silent, listening]).wants_train_batches() == (False, True)

    def test_refuses_what_is_no_method_of_a_callback(self):
        with pytest.raises(ValueError, match="Received: on_lunch="):
            callbacks.LambdaCallback(on_lunch=print)
        with pytest.raises(ValueError, match="Expected on_epoch_end to be a function"):
            callbacks.LambdaCallback(on_epoch_end=3)


def test_values_are_read_only_for_callbacks_that_need_them():
    class Lazy(callbacks.Callback):
        reads_lazily = True

        def on_train_batch_end(self, batch, logs=None):
            assert isinstance(logs, Logs)

    def compute():
        raise AssertionError("read")

    CallbackList([Lazy()]).on_train_batch_end(0, Logs(compute))


def test_callbacks_that_run_last_do_so_wherever_they_are_listed(tmp_path):
    first, last = callbacks.History(), callbacks.BackupAndRestore(tmp_path)
    listed = CallbackList([last, first])
    assert list(listed) == [first, last]
    listed.append(callbacks.TerminateOnNaN())
    assert list(listed)[-1] is last
    assert last.companions is listed.callbacks
