"""`ProgbarLogger`: the progress of a training on the standard output."""

from __future__ import annotations

from typing import Any

from kerasish.callbacks.callback import Callback
from kerasish.utils.progress import Progbar, write_text

_SECONDS_BETWEEN_DRAWINGS = 0.1


class ProgbarLogger(Callback):
    """Shows the progress of a training, an evaluation or a prediction, with the values so far.

    `fit`, `evaluate` and `predict` add it by themselves; `verbose=1` draws a bar, `verbose=2` writes a line an epoch.

    >>> from kerasish.callbacks.progbar_logger import ProgbarLogger
    >>> logger = ProgbarLogger()
    >>> logger.set_params({"verbose": 1, "epochs": 3, "steps": 10})
    >>> logger.target
    10
    """

    reads_lazily = True

    def __init__(self) -> None:
        super().__init__()
        self.seen = 0
        self.progbar: Progbar | None = None
        self.target: int | None = None
        self.verbose = 1
        self.epochs = 1
        self._in_fit = False

    def set_params(self, params: dict[str, Any]) -> None:
        """Take the verbosity, the number of epochs and the number of steps."""
        super().set_params(params)
        verbose = params.get("verbose", 1)
        self.verbose = 1 if verbose == "auto" else int(verbose)
        self.epochs = params.get("epochs", 1)
        self.target = params.get("steps")

    def on_train_begin(self, logs: Any = None) -> None:
        """From here on, evaluations are validations, which show no bar of their own."""
        self._in_fit = True

    def on_train_end(self, logs: Any = None) -> None:
        """The end of the training."""
        self._in_fit = False

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """A new bar, under the number of the epoch."""
        if self.verbose and self.epochs > 1:
            write_text(f"Epoch {epoch + 1}/{self.epochs}\n")
        self._begin()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """A step further."""
        self._step(batch, logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """The last state of the bar, with the values of the validation."""
        self._finish(logs)

    def on_test_begin(self, logs: Any = None) -> None:
        """A new bar, unless it is a validation."""
        if not self._in_fit:
            self._begin()

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """A step further."""
        if not self._in_fit:
            self._step(batch, logs)

    def on_test_end(self, logs: Any = None) -> None:
        """The last state of the bar."""
        if not self._in_fit:
            self._finish(logs)

    def on_predict_begin(self, logs: Any = None) -> None:
        """A new bar."""
        self._begin()

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """A step further; the outputs are not shown."""
        self._step(batch, None)

    def on_predict_end(self, logs: Any = None) -> None:
        """The last state of the bar."""
        self._finish(logs)

    def _begin(self) -> None:
        self.seen = 0
        self.progbar = Progbar(
            target=self.target, verbose=self.verbose, interval=_SECONDS_BETWEEN_DRAWINGS, stateless_metrics=()
        )

    def _step(self, batch: int, logs: Any) -> None:
        self.seen = batch + 1
        if self.progbar is not None and self.progbar.due(self.seen):
            self.progbar.update(self.seen, _values(logs), finalize=False)

    def _finish(self, logs: Any) -> None:
        if self.progbar is None:
            return
        if self.target is None:
            # An epoch of unknown length has told its length.
            self.target = self.progbar.target = self.seen
        self.progbar.update(self.seen, _values(logs), finalize=True)
        self.progbar = None


def _values(logs: Any) -> list[tuple[str, Any]]:
    if logs is None:
        return []
    values = logs if isinstance(logs, dict) else logs.read()
    return list(values.items())
