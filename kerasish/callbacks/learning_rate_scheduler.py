"""`LearningRateScheduler`: a learning rate for each epoch."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish.callbacks.callback import Callback
from kerasish.utils.progress import write_text


class LearningRateScheduler(Callback):
    """Sets the learning rate before each epoch.

    Args:
        schedule: A function `(epoch, learning_rate) -> learning_rate`, or `(epoch) -> learning_rate`.
        verbose: 1 to write a line each time.

    The learning rate is added to the logs as "learning_rate".

    >>> LearningRateScheduler(lambda epoch, rate: rate * 0.9).verbose
    0
    """

    def __init__(self, schedule: Callable[..., float], verbose: int = 0) -> None:
        super().__init__()
        if not callable(schedule):
            raise ValueError(f"Expected schedule to be a function. Received: schedule={schedule!r}")
        self.schedule = schedule
        self.verbose = verbose

    def _scheduled(self, epoch: int, rate: float) -> Any:
        try:
            inspect.signature(self.schedule).bind(epoch, rate)
        except TypeError:
            return self.schedule(epoch)
        except ValueError:  # a builtin without a signature
            pass
        return self.schedule(epoch, rate)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Set the learning rate of the epoch."""
        optimizer = self.model.optimizer
        rate = self._scheduled(epoch, float(optimizer.learning_rate))
        if isinstance(rate, bool) or not isinstance(rate, (float, int, np.floating, np.integer)):
            raise ValueError(f"The output of the `schedule` function should be a float. Received: {rate!r}")
        optimizer.learning_rate = float(rate)
        if self.verbose > 0:
            write_text(f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {rate}.\n")

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """Report the learning rate."""
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)
