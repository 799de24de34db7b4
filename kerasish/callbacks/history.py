"""`History`: the values of each epoch."""

from __future__ import annotations

from typing import Any

from kerasish.callbacks.callback import Callback


class History(Callback):
    """Keeps the values of each epoch; `fit` returns it.

    Attributes:
        epoch: The numbers of the epochs.
        history: A list of the values of the epochs for each name: "loss", "val_loss", …
    """

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[str, list[Any]] = {}
        self.epoch: list[int] = []

    def on_train_begin(self, logs: Any = None) -> None:
        self.epoch = []

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
        self.model.history = self

    def get_state(self) -> dict[str, Any]:
        return {"history": self.history, "epoch": self.epoch}

    def set_state(self, state: dict[str, Any]) -> None:
        self.history = {name: list(values) for name, values in state["history"].items()}
        self.epoch = list(state["epoch"])
