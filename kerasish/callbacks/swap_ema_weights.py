"""`SwapEMAWeights`: evaluate a model with the moving averages of its weights."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kerasish.callbacks.callback import Callback


class SwapEMAWeights(Callback):
    """Swaps the weights with the moving averages that an optimizer with `use_ema=True` keeps, for each evaluation.

    At the end of the training the averages are in the model.

    Args:
        swap_on_epoch: Whether the averages are in the model at the end of an epoch too, where other callbacks such as
            `ModelCheckpoint` find them.

    Raises:
        ValueError: If the optimizer keeps no averages.

    >>> SwapEMAWeights(swap_on_epoch=True).swap_on_epoch
    True
    """

    def __init__(self, swap_on_epoch: bool = False) -> None:
        super().__init__()
        self.swap_on_epoch = swap_on_epoch
        self._swapped = False
        self._held: list[Any] = []

    def _pairs(self) -> Iterator[tuple[Any, Any]]:
        optimizer = self.model.optimizer
        optimizer = getattr(optimizer, "inner_optimizer", optimizer)
        if not getattr(optimizer, "use_ema", False):
            raise ValueError(
                "SwapEMAWeights needs an optimizer with use_ema=True. "
                f"Received: optimizer={getattr(optimizer, 'name', optimizer)!r}"
            )
        return zip(optimizer._trainable_variables, optimizer._averages, strict=False)

    def _swap(self, swapped: bool) -> None:
        if self._swapped == swapped:
            return
        for variable, average in self._pairs():
            value = variable.numpy()
            variable.assign(average)
            average.assign(value)
        self._swapped = swapped

    def on_train_begin(self, logs: Any = None) -> None:
        """Check that there are averages."""
        self._pairs()

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """The weights themselves are trained."""
        if self.swap_on_epoch:
            self._swap(False)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """The averages, for the callbacks that follow."""
        if self.swap_on_epoch:
            self._swap(True)
            # The end of the training copies the averages into the model: they must be the averages then. Where another
            # callback ends it early, `on_train_end` needs their values.
            if epoch + 1 == self.params.get("epochs"):
                for variable, average in self._pairs():
                    average.assign(variable)
                self._swapped = False
            else:
                self._held = [variable.numpy() for variable, _ in self._pairs()]

    def on_train_end(self, logs: Any = None) -> None:
        """The averages are in the model."""
        if self._swapped and self._held:
            for (variable, average), value in zip(self._pairs(), self._held, strict=True):
                variable.assign(value)
                average.assign(value)
        self._swapped = False
        self._held = []

    def on_test_begin(self, logs: Any = None) -> None:
        """The averages are evaluated."""
        self._swap(True)

    def on_test_end(self, logs: Any = None) -> None:
        """The weights again."""
        self._swap(False)

    def on_predict_begin(self, logs: Any = None) -> None:
        """The averages predict."""
        self._swap(True)

    def on_predict_end(self, logs: Any = None) -> None:
        """The weights again."""
        self._swap(False)

    def get_state(self) -> dict[str, Any]:
        """Whether the averages are in the model."""
        return {"swapped": self._swapped, "held": self._held}

    def set_state(self, state: dict[str, Any]) -> None:
        """Take up what `get_state` gave."""
        self._swapped, self._held = state["swapped"], state["held"]
