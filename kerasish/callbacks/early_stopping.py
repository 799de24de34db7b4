"""`EarlyStopping`: end a training that no longer gets better."""

from __future__ import annotations

from typing import Any

from kerasish.callbacks.monitor_callback import MonitorCallback
from kerasish.utils.progress import write_text


class EarlyStopping(MonitorCallback):
    """Ends the training when a value has not got better for some epochs.

    Args:
        monitor: The name of the value.
        min_delta: The least change that counts as better.
        patience: After how many epochs without a better value the training ends.
        verbose: 1 to write a line when it ends.
        mode: "min", "max" or "auto".
        baseline: A value that has to be beaten: while it is not, patience runs.
        restore_best_weights: Whether the model gets the weights of its best epoch at the end of the training.
        start_from_epoch: The epochs before this one are not watched.

    Attributes:
        stopped_epoch: The epoch (from 0) in which the training was ended, or 0.
        best_epoch: The best epoch.

    >>> EarlyStopping(monitor="val_accuracy", patience=3).patience
    3
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        min_delta: float = 0,
        patience: int = 0,
        verbose: int = 0,
        mode: str = "auto",
        baseline: float | None = None,
        restore_best_weights: bool = False,
        start_from_epoch: int = 0,
    ) -> None:
        super().__init__(monitor, mode, min_delta=min_delta)
        if not isinstance(patience, int) or patience < 0:
            raise ValueError(f"Expected patience to be an int of at least 0. Received: patience={patience!r}")
        self.patience = patience
        self.verbose = verbose
        self.baseline = baseline
        self.restore_best_weights = restore_best_weights
        self.start_from_epoch = start_from_epoch
        self.wait = 0
        self.stopped_epoch = 0
        self.best_epoch = 0
        self.best_weights: list[Any] | None = None

    def on_train_begin(self, logs: Any = None) -> None:
        """Forget an earlier training."""
        self.wait = self.stopped_epoch = self.best_epoch = 0
        self.best = self.best_weights = None
        self._warned = False

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Compare the value with the best one."""
        value = self.monitored(logs, "Early stopping")
        if value is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self._keep(epoch)
        self.wait += 1
        if self.is_improvement(value, self.best):
            self.best = value
            self.best_epoch = epoch
            if self.restore_best_weights:
                self._keep(epoch)
            if self.baseline is None or self.is_improvement(value, self.baseline):
                self.wait = 0
            return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def _keep(self, epoch: int) -> None:
        self.best_weights = self.model.get_weights()
        self.best_epoch = epoch

    def on_train_end(self, logs: Any = None) -> None:
        """Give the model its best weights back."""
        if self.stopped_epoch > 0 and self.verbose > 0:
            write_text(f"Epoch {self.stopped_epoch + 1}: early stopping\n")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose > 0:
                write_text(f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}.\n")
            self.model.set_weights(self.best_weights)

    def get_state(self) -> dict[str, Any]:
        """The best value, epoch and weights, and how long it has waited."""
        names = ("best", "wait", "stopped_epoch", "best_epoch", "best_weights")
        return {name: getattr(self, name) for name in names}

    def set_state(self, state: dict[str, Any]) -> None:
        """Take up what `get_state` gave."""
        for name, value in state.items():
            setattr(self, name, value)
