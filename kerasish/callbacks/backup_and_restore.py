"""`BackupAndRestore`: a training that was killed goes on where it was."""

from __future__ import annotations

import contextlib
import os
import random
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from kerasish.callbacks.callback import Callback
from kerasish.callbacks.snapshot import read_snapshot, write_snapshot

_FILE = "training_backup.npz"
_PREVIOUS = "training_backup.previous.npz"


class BackupAndRestore(Callback):
    """Backs a training up, so that the same `fit` goes on after a crash, to the last bit as if nothing had happened.

    The backup holds the variables of the model, the optimizer and the metrics, the states of the random generators, the
    order of the data, the history, and the state of every callback (`Callback.get_state`). It is one file, which is
    replaced as a whole: a program may be killed at any moment.

    Args:
        backup_dir: The folder of the backup. Each training needs one of its own.
        save_freq: "epoch", or after how many steps to back up.
        double_checkpoint: Whether the backup before the last is kept too, for the case that the last is damaged.
        delete_checkpoint: Whether the backup is removed when the training has ended.

    Attributes:
        restored_epoch: The epoch with which the training goes on.
        restored_step: The step of that epoch.

    Raises:
        ValueError: When the training begins, if the backup is damaged or belongs to another model.

    >>> BackupAndRestore("backup", save_freq=100).restored_epoch
    0
    """

    reads_lazily = True
    runs_last = True

    def __init__(
        self,
        backup_dir: Any,
        save_freq: Any = "epoch",
        double_checkpoint: bool = False,
        delete_checkpoint: bool = True,
    ) -> None:
        super().__init__()
        if not os.fspath(backup_dir):
            raise ValueError(f"Expected backup_dir to be a folder. Received: backup_dir={backup_dir!r}")
        whole = isinstance(save_freq, int) and not isinstance(save_freq, bool) and save_freq > 0
        if save_freq != "epoch" and save_freq is not False and not whole:
            raise ValueError(f"Expected save_freq to be 'epoch' or a positive int. Received: save_freq={save_freq!r}")
        self.backup_dir = os.fspath(backup_dir)
        self.save_freq = save_freq
        self.double_checkpoint = double_checkpoint
        self.delete_checkpoint = delete_checkpoint
        self.restored_epoch = 0
        self.restored_step = 0
        self._epoch = 0
        self._last_step = -1
        self._steps_since_backup = 0
        self._metrics: list[Any] | None = None

    @property
    def path(self) -> Path:
        """The file of the backup."""
        return Path(self.backup_dir) / _FILE

    @property
    def previous_path(self) -> Path:
        """The file of the backup before the last."""
        return Path(self.backup_dir) / _PREVIOUS

    # ---------------------------------------------------------------- hooks

    def on_train_begin(self, logs: Any = None) -> None:
        """Go on with the backup, where there is one."""
        self.restored_epoch = self.restored_step = self._steps_since_backup = 0
        self._metrics = None
        self._last_step = -1
        for leftover in self.path.parent.glob(f".{_FILE}.*.tmp.npz"):
            leftover.unlink(missing_ok=True)
        state = self._read()
        if state is not None:
            self._restore(state)

    def _read(self) -> dict[str, Any] | None:
        if not self.path.exists():
            return read_snapshot(self.previous_path) if self.previous_path.exists() else None
        try:
            return read_snapshot(self.path)
        except ValueError as error:
            if not self.previous_path.exists():
                raise
            warnings.warn(f"{error} The backup before it is used: {os.fspath(self.previous_path)!r}.", stacklevel=4)
            return read_snapshot(self.previous_path)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """The first epoch after a crash goes on with its metrics."""
        self._epoch = epoch
        self._last_step = -1
        if self._metrics is not None:
            self._last_step = self.restored_step - 1
            for variable, value in zip(self._metric_variables(), self._metrics, strict=True):
                variable.assign(value)
            self._metrics = None

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Back up, if it is time."""
        if not isinstance(self.save_freq, int) or self.save_freq is False:
            return
        self._steps_since_backup += batch - self._last_step
        self._last_step = batch
        if self._steps_since_backup >= self.save_freq:
            self._steps_since_backup = 0
            self._back_up(self._epoch, batch + 1)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Back up, if it is time."""
        if self.save_freq == "epoch":
            self._back_up(epoch + 1, 0)

    def on_train_end(self, logs: Any = None) -> None:
        """Remove the backup."""
        if self.delete_checkpoint:
            for path in (self.path, self.previous_path):
                path.unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                Path(self.backup_dir).rmdir()

    # ---------------------------------------------------------------- writing

    def _metric_variables(self) -> list[Any]:
        return [variable for metric in self.model.metrics for variable in metric.variables]

    def _groups(self) -> dict[str, list[Any]]:
        optimizer = self.model.optimizer
        return {
            "model": list(self.model.variables),
            "optimizer": [] if optimizer is None else list(optimizer.variables),
            "metrics": self._metric_variables(),
        }

    def _iterators(self) -> dict[str, Any]:
        found = {
            "training": getattr(self.model, "_epoch_iterator", None),
            "validation": getattr(self.model, "_validation_iterator", None),
        }
        return {name: iterator for name, iterator in found.items() if iterator is not None}

    def _others(self) -> list[Callback]:
        return [callback for callback in self.companions if callback is not self]

    def _back_up(self, epoch: int, step: int) -> None:
        state = {
            "epoch": epoch,
            "step": step,
            "steps_since_backup": self._steps_since_backup,
            "stopped": bool(self.model.stop_training),
            "variables": {
                name: [{"path": v.path, "value": v.numpy()} for v in variables]
                for name, variables in self._groups().items()
            },
            "iterators": {name: iterator.get_state() for name, iterator in self._iterators().items()},
            "callbacks": [{"class": type(c).__name__, "state": c.get_state()} for c in self._others()],
            "random": _random_state(),
        }
        if self.double_checkpoint and self.path.exists():
            os.replace(self.path, self.previous_path)
        write_snapshot(self.path, state)

    # ---------------------------------------------------------------- reading

    def _restore(self, state: dict[str, Any]) -> None:
        saved = state["variables"]
        self._complete(saved)
        groups = self._groups()
        if not state["step"]:
            # At the beginning of an epoch the metrics are reset, and may not exist yet.
            groups.pop("metrics")
        for name, variables in groups.items():
            self._check(name, variables, saved[name])
        for name in ("model", "optimizer"):
            for variable, entry in zip(groups[name], saved[name], strict=True):
                variable.assign(entry["value"])
        if state["step"]:
            self._metrics = [entry["value"] for entry in saved["metrics"]]
        for name, iterator in self._iterators().items():
            if name in state["iterators"]:
                iterator.set_state(state["iterators"][name])
        self._restore_callbacks(state["callbacks"])
        self.restored_epoch, self.restored_step = state["epoch"], state["step"]
        self._steps_since_backup = state["steps_since_backup"]
        if state["stopped"] and not state["step"]:
            # A callback had ended the training already.
            self.model.stop_training = True
            self.restored_epoch = max(state["epoch"], self.params.get("epochs", 0))
        _set_random_state(state["random"])

    def _complete(self, saved: dict[str, Any]) -> None:
        """Make what a run makes in its first step only: metrics, the optimizer's state, the weights of some models."""
        model = self.model
        iterator = getattr(model, "_epoch_iterator", None)
        missing = len(self._metric_variables()) < len(saved["metrics"]) or len(model.variables) < len(saved["model"])
        if missing and iterator is not None:
            batch = iterator.peek()
            if batch is not None:
                model.make_test_function()(batch)
                model.reset_metrics()
        optimizer = model.optimizer
        if optimizer is not None and len(optimizer.variables) < len(saved["optimizer"]):
            optimizer.build(model.trainable_variables)

    def _check(self, name: str, variables: list[Any], saved: list[dict[str, Any]]) -> None:
        where = f"The backup {os.fspath(self.path)!r} belongs to another training"
        advice = "Use another backup_dir, or remove the file to begin anew."
        if len(variables) != len(saved):
            raise ValueError(
                f"{where}: its {name} has {len(saved)} variables, expected {len(variables)}. {advice} "
                f"Received: {[entry['path'] for entry in saved]}"
            )
        for variable, entry in zip(variables, saved, strict=True):
            if variable.shape != entry["value"].shape:
                raise ValueError(
                    f"{where}: expected {variable.path!r} of the {name} to have shape {variable.shape}. {advice} "
                    f"Received: {entry['path']!r} of shape {entry['value'].shape}"
                )

    def _restore_callbacks(self, saved: list[dict[str, Any]]) -> None:
        remaining = list(saved)
        for callback in self._others():
            name = type(callback).__name__
            entry = next((entry for entry in remaining if entry["class"] == name), None)
            if entry is not None:
                remaining.remove(entry)
                callback.set_state(entry["state"])
        lost = [entry["class"] for entry in remaining if entry["state"]]
        if lost:
            warnings.warn(
                f"The backup {os.fspath(self.path)!r} holds the state of callbacks that this training lacks: {lost}.",
                stacklevel=5,
            )


def _random_state() -> dict[str, Any]:
    """The states of all generators that a training may draw from without a seed of its own."""
    from kerasish.ops.seeds import _default_seeds, _global

    generator: Any = np.random.get_state(legacy=True)
    return {
        "seeds": _python_state(_default_seeds),
        # Making the generator would draw a seed that the run itself does not draw.
        "global": _global[0].state.numpy() if _global else None,
        "python": _python_state(random),
        "numpy": [generator[0], np.asarray(generator[1]), *generator[2:]],
    }


def _set_random_state(state: dict[str, Any]) -> None:
    from kerasish.ops.seeds import _default_seeds, global_seed_generator

    if state["global"] is not None:
        global_seed_generator().state.assign(state["global"])
    _set_python_state(_default_seeds, state["seeds"])
    _set_python_state(random, state["python"])
    np.random.set_state(tuple(state["numpy"]))


def _python_state(generator: Any) -> dict[str, Any]:
    version, words, gauss = generator.getstate()
    return {"version": version, "words": np.array(words, np.uint32), "gauss": gauss}


def _set_python_state(generator: Any, state: dict[str, Any]) -> None:
    generator.setstate((state["version"], tuple(state["words"].tolist()), state["gauss"]))
