"""`MonitorCallback`: what the callbacks share that watch one value."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from kerasish.callbacks.callback import Callback

_RISING = ("acc", "auc", "precision", "recall", "f1", "fbeta", "iou", "r2", "cosine_similarity", "sensitivity")
_FALLING = ("loss", "error", "mse", "mae", "mape", "msle", "rmse", "entropy", "divergence", "perplexity", "logcosh")


class MonitorCallback(Callback):
    """Watches whether a value of the logs gets better.

    Args:
        monitor: The name of the value: "loss", "val_accuracy".
        mode: "min" if smaller is better, "max" if larger is, "auto" to tell by the metric.
        baseline: The value that has to be beaten first.
        min_delta: The least change that counts.

    >>> callback = MonitorCallback("loss", min_delta=0.1)
    >>> callback.is_improvement(0.85, 1.0), callback.is_improvement(0.95, 1.0)
    (True, False)
    """

    def __init__(
        self, monitor: str = "val_loss", mode: str = "auto", baseline: float | None = None, min_delta: float = 0.0
    ) -> None:
        super().__init__()
        name = type(self).__name__
        if not isinstance(monitor, str):
            raise ValueError(f"Expected the monitor of {name} to be a name. Received: monitor={monitor!r}")
        if mode not in ("auto", "min", "max"):
            warnings.warn(f"{name}: the mode {mode!r} is unknown, fallback to 'auto' mode.", stacklevel=3)
            mode = "auto"
        self.monitor = monitor
        self.mode = mode
        self.best: float | None = baseline
        self.min_delta = abs(min_delta)
        self._sign: int | None = {"min": -1, "max": 1}.get(mode)
        self._warned = False

    def _direction(self) -> int:
        """1 if larger is better, -1 if smaller is."""
        if self._sign is None:
            self._sign = self._find_direction()
        return self._sign

    def _find_direction(self) -> int:
        name = self.monitor.removeprefix("val_")
        if name == "loss" or name.endswith("_loss"):
            return -1
        compiled = getattr(self.model, "_compile_metrics", None)
        for metric in [*getattr(self.model, "metrics", ()), *getattr(compiled, "metrics", ())]:
            direction = getattr(metric, "_direction", None)
            if direction is not None and (name == metric.name or name.endswith(f"_{metric.name}")):
                return 1 if direction == "up" else -1
        if any(part in name for part in _FALLING):
            return -1
        if any(part in name for part in _RISING):
            return 1
        raise ValueError(
            f"{type(self).__name__} cannot tell whether {self.monitor!r} should rise or fall: give mode='max' or "
            f"mode='min'. Received: monitor={self.monitor!r}, mode='auto'"
        )

    def is_improvement(self, value: float, reference: float | None) -> bool:
        """Whether a value is better than another by more than `min_delta`."""
        if reference is None:
            return True
        if self._direction() > 0:
            return bool(value - self.min_delta > reference)
        return bool(value + self.min_delta < reference)

    def monitored(self, logs: Any, purpose: str) -> Any:
        """The value in the logs; a warning, once, where there is none."""
        value = (logs or {}).get(self.monitor)
        if value is None and not self._warned:
            self._warned = True
            warnings.warn(
                f"{purpose} conditioned on metric `{self.monitor}` which is not available. "
                f"Available metrics are: {','.join(logs or {})}",
                stacklevel=4,
            )
        if isinstance(value, np.ndarray):
            raise ValueError(
                f"Expected the monitored value {self.monitor!r} to be one number. Received: an array of shape "
                f"{value.shape}"
            )
        return value
