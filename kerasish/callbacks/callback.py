"""`Callback`: what is called at the points of a training."""

from __future__ import annotations

from typing import Any


class Callback:
    """Called by `fit`, `evaluate` and `predict` as they go. Subclasses write the methods that they need.

    Attributes:
        model: The model in training.
        params: Its parameters: "verbose", "epochs", "steps".
        companions: The callbacks of the same training, itself among them.

    >>> class Printer(Callback):
    ...     def on_epoch_end(self, epoch, logs=None):
    ...         print(epoch, sorted(logs))
    """

    reads_lazily = False
    """Whether the batch methods take a `Logs`, whose values are read when asked for, instead of a dict."""

    runs_last = False
    """Whether it is called after the callbacks that do not say so, wherever it was listed."""

    params: dict[str, Any] = {}
    companions: list[Callback] = []
    _model: Any = None

    def __init__(self) -> None:
        self.params = {}
        self.companions = []
        self._model = None

    @property
    def model(self) -> Any:
        """The model in training."""
        return self._model

    def set_params(self, params: dict[str, Any]) -> None:
        """Take the parameters of the training."""
        self.params = params

    def set_model(self, model: Any) -> None:
        """Take the model."""
        self._model = model

    def get_state(self) -> dict[str, Any]:
        """What the callback has to remember when a killed run continues: numbers, strings, lists, arrays."""
        return {}

    def set_state(self, state: dict[str, Any]) -> None:
        """Take up what `get_state` gave."""

    def on_batch_begin(self, batch: int, logs: Any = None) -> None:
        """The older name of `on_train_batch_begin`."""

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        """The older name of `on_train_batch_end`."""

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Before an epoch of training."""

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """After an epoch and its validation; `logs` holds the values by name."""

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a step of training."""
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a step of training; `logs` holds the values of the epoch so far."""
        self.on_batch_end(batch, logs=logs)

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a step of evaluation."""

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a step of evaluation."""

    def on_predict_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a step of prediction."""

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a step of prediction; `logs["outputs"]` holds its outputs."""

    def on_train_begin(self, logs: Any = None) -> None:
        """Before the training."""

    def on_train_end(self, logs: Any = None) -> None:
        """After the training; `logs` holds the values of the last epoch."""

    def on_test_begin(self, logs: Any = None) -> None:
        """Before an evaluation, or a validation."""

    def on_test_end(self, logs: Any = None) -> None:
        """After an evaluation."""

    def on_predict_begin(self, logs: Any = None) -> None:
        """Before a prediction."""

    def on_predict_end(self, logs: Any = None) -> None:
        """After a prediction."""
