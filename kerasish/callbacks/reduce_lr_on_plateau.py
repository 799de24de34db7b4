"""`ReduceLROnPlateau`: smaller steps where a training no longer gets better."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.callbacks.monitor_callback import MonitorCallback
from kerasish.utils.progress import write_text


class ReduceLROnPlateau(MonitorCallback):
    """Multiplies the learning rate by a factor when a value has not got better for some epochs.

    Args:
        monitor: The name of the value.
        factor: The factor, below 1.
        patience: After how many epochs without a better value.
        verbose: 1 to write a line each time.
        mode: "min", "max" or "auto".
        min_delta: The least change that counts as better.
        cooldown: For how many epochs nothing is counted after a reduction.
        min_lr: The learning rate does not go below this.

    The learning rate is added to the logs as "learning_rate".

    >>> ReduceLROnPlateau(factor=0.5, patience=2).factor
    0.5
    """

    def __init__(
        self,
        monitor: str = "val_loss",
        factor: float = 0.1,
        patience: int = 10,
        verbose: int = 0,
        mode: str = "auto",
        min_delta: float = 1e-4,
        cooldown: int = 0,
        min_lr: float = 0.0,
        **kwargs: Any,
    ) -> None:
        if "epsilon" in kwargs:
            min_delta = kwargs.pop("epsilon")
        if kwargs:
            raise ValueError(f"Arguments not recognized by ReduceLROnPlateau. Received: {sorted(kwargs)}")
        super().__init__(monitor, mode, min_delta=min_delta)
        if not 0 < factor < 1:
            raise ValueError(
                f"Expected factor to be between 0 and 1: a factor >= 1.0 reduces nothing. Received: {factor=}"
            )
        self.factor = factor
        self.patience = patience
        self.verbose = verbose
        self.cooldown = cooldown
        self.min_lr = min_lr
        self.wait = 0
        self.cooldown_counter = 0

    def on_train_begin(self, logs: Any = None) -> None:
        """Forget an earlier training."""
        self.best = None
        self.wait = self.cooldown_counter = 0
        self._warned = False

    def in_cooldown(self) -> bool:
        """Whether a reduction was made so lately that nothing is counted."""
        return self.cooldown_counter > 0

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Compare the value with the best one."""
        optimizer = self.model.optimizer
        if logs is not None:
            logs["learning_rate"] = float(optimizer.learning_rate)
        value = self.monitored(logs, "Learning rate reduction is")
        if value is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self.is_improvement(value, self.best):
            self.best = value
            self.wait = 0
        elif not self.in_cooldown():
            self.wait += 1
            if self.wait >= self.patience:
                self._reduce(epoch, optimizer)

    def _reduce(self, epoch: int, optimizer: Any) -> None:
        rate = float(optimizer.learning_rate)
        if rate <= np.float32(self.min_lr):
            return
        reduced = max(rate * self.factor, self.min_lr)
        optimizer.learning_rate = reduced
        if self.verbose > 0:
            write_text(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {reduced}.\n")
        self.cooldown_counter = self.cooldown
        self.wait = 0

    def get_state(self) -> dict[str, Any]:
        """The best value, and the counters."""
        return {"best": self.best, "wait": self.wait, "cooldown_counter": self.cooldown_counter}

    def set_state(self, state: dict[str, Any]) -> None:
        """Take up what `get_state` gave."""
        self.best, self.wait, self.cooldown_counter = state["best"], state["wait"], state["cooldown_counter"]
