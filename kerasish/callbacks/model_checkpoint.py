"""`ModelCheckpoint`: save the model as it is trained."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from kerasish.callbacks.monitor_callback import MonitorCallback
from kerasish.utils.progress import write_text


class ModelCheckpoint(MonitorCallback):
    """Saves the model, or its weights, after epochs or after a number of steps.

    Args:
        filepath: The file, ending in ".keras" or ".h5" (".weights.h5" for weights alone). It may name `{epoch}`,
            `{batch}` and values of the logs: "model-{epoch:02d}-{val_loss:.2f}.keras". Missing folders are created.
        monitor: The value by which the best model is told.
        verbose: 1 to write a line each time.
        save_best_only: Whether to save only models that are better than those before.
        save_weights_only: Whether to save the weights alone.
        mode: "min", "max" or "auto".
        save_freq: "epoch", or after how many steps to save.
        initial_value_threshold: The value that the first best model has to beat.

    >>> ModelCheckpoint("best.keras", monitor="val_accuracy", save_best_only=True).save_freq
    'epoch'
    """

    reads_lazily = True

    def __init__(
        self,
        filepath: Any,
        monitor: str = "val_loss",
        verbose: int = 0,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: str = "auto",
        save_freq: Any = "epoch",
        initial_value_threshold: float | None = None,
    ) -> None:
        super().__init__(monitor, mode, initial_value_threshold)
        self.filepath = os.fspath(filepath)
        self.verbose = verbose
        self.save_best_only = save_best_only
        self.save_weights_only = save_weights_only
        self.save_freq = save_freq
        self._steps_since_saving = 0
        self._last_step: int | None = None
        self._epoch = 0
        whole = isinstance(save_freq, int) and not isinstance(save_freq, bool) and save_freq > 0
        if save_freq != "epoch" and not whole:
            raise ValueError(f"Expected save_freq to be 'epoch' or a positive int. Received: save_freq={save_freq!r}")
        if save_weights_only and not self.filepath.endswith(".h5"):
            raise ValueError(
                "When using `save_weights_only=True`, the filepath must end in '.weights.h5' (or '.h5'). "
                f"Received: filepath={self.filepath!r}"
            )
        if not save_weights_only and not self.filepath.endswith((".keras", ".h5")):
            raise ValueError(
                f"The filepath provided must end in '.keras' (or '.h5'). Received: filepath={self.filepath!r}"
            )

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Remember the epoch."""
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """Save, if it is time."""
        if self.save_freq == "epoch":
            return
        fresh = self._last_step is None or batch <= self._last_step
        self._steps_since_saving += batch + 1 if fresh else batch - (self._last_step or 0)
        self._last_step = batch
        if self._steps_since_saving >= self.save_freq:
            self._steps_since_saving = 0
            values = logs.read() if hasattr(logs, "read") else logs or {}
            self._save(self._epoch, batch, values)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Save, if it is time."""
        if self.save_freq == "epoch":
            self._save(epoch, None, logs or {})

    def _path(self, epoch: int, batch: int | None, logs: dict[str, Any]) -> str:
        values: dict[str, Any] = {"epoch": epoch + 1}
        if batch is not None:
            values["batch"] = batch + 1
        try:
            return self.filepath.format(**{**values, **logs})
        except KeyError as error:
            raise KeyError(
                f"The filepath of ModelCheckpoint names a value that there is not: {error}. Available: "
                f"{sorted({**values, **logs})}. Received: filepath={self.filepath!r}"
            ) from error

    def _save(self, epoch: int, batch: int | None, logs: dict[str, Any]) -> None:
        path = self._path(epoch, batch, logs)
        if not self._wanted(epoch, logs, path):
            return
        if os.path.isdir(path):
            raise OSError(
                f"Expected the filepath of ModelCheckpoint to be that of a file. Received: the folder {path!r}"
            )
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        if self.save_weights_only:
            self.model.save_weights(path, overwrite=True)
        else:
            self.model.save(path, overwrite=True)
        if self.save_best_only and isinstance(logs.get(self.monitor), (int, float, np.number)):
            self.best = logs[self.monitor]
        if self.verbose > 0:
            write_text(f"\nEpoch {epoch + 1}: finished saving model to {path}\n")

    def _wanted(self, epoch: int, logs: dict[str, Any], path: str) -> bool:
        if not self.save_best_only:
            if self.verbose > 0:
                write_text(f"\nEpoch {epoch + 1}: saving model to {path}\n")
            return True
        value = logs.get(self.monitor)
        if value is None or np.ndim(value):
            if not self._warned:
                self._warned = True
                what = "available" if value is None else f"a scalar value. Received: {value}"
                warnings.warn(
                    f"Can save best model only with {self.monitor} {what}; every model is saved.", stacklevel=5
                )
            return True
        best = "None" if self.best is None else f"{self.best:.5f}"
        better = self.is_improvement(value, self.best)
        if self.verbose > 0:
            change = f"improved from {best} to {value:.5f}, saving model to {path}"
            text = change if better else f"did not improve from {best}"
            write_text(f"\nEpoch {epoch + 1}: {self.monitor} {text}\n")
        return better

    def get_state(self) -> dict[str, Any]:
        """The best value, and the steps since the last saving."""
        return {"best": self.best, "steps_since_saving": self._steps_since_saving, "last_step": self._last_step}

    def set_state(self, state: dict[str, Any]) -> None:
        """Take up what `get_state` gave."""
        self.best = state["best"]
        self._steps_since_saving = state["steps_since_saving"]
        self._last_step = state["last_step"]
