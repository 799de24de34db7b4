"""`CallbackList`: the callbacks of one training, called together."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from kerasish import tree
from kerasish.autodiff import Tensor
from kerasish.callbacks.callback import Callback
from kerasish.callbacks.history import History
from kerasish.callbacks.progbar_logger import ProgbarLogger


class Logs:
    """The values of a step by name, read from the device only when somebody asks for them.

    Args:
        compute: Gives the values, as tensors.
    """

    __slots__ = ("compute",)

    def __init__(self, compute: Callable[[], dict[str, Any]]) -> None:
        self.compute = compute

    @classmethod
    def of(cls, value: Any) -> Logs:
        """Logs from logs, a dict, or the value that a `train_step` returned."""
        if isinstance(value, Logs):
            return value
        if value is None:
            return cls(dict)
        if isinstance(value, dict):
            return cls(lambda: value)
        return cls(lambda: {"loss": value})

    def read(self) -> dict[str, Any]:
        """The values as Python numbers (arrays, where a value has more than one element)."""
        return {name: _number(value) for name, value in self.compute().items()}


def _number(value: Any) -> Any:
    if isinstance(value, Tensor):
        return value.item() if value.size == 1 else value.numpy()
    if hasattr(value, "item") and getattr(value, "size", 0) == 1:
        return value.item()
    if tree.is_nested(value):
        return tree.map_structure(_number, value)
    return value


class CallbackList:
    """The callbacks of one training, called together.

    Args:
        callbacks: Callbacks.
        add_history: Whether to add a `History` where there is none.
        add_progbar: Whether to add a `ProgbarLogger` where there is none.
        model: The model in training.
        **params: Parameters of the training, for the callbacks' `params`.
    """

    def __init__(
        self,
        callbacks: Any = None,
        add_history: bool = False,
        add_progbar: bool = False,
        model: Any = None,
        **params: Any,
    ) -> None:
        given = tree.flatten(callbacks) if callbacks else []
        for callback in given:
            if not isinstance(callback, Callback):
                raise ValueError(
                    f"Expected callbacks to be instances of kerasish.callbacks.Callback. Received: {callback!r}"
                )
        self.callbacks: list[Callback] = list(given)
        if add_progbar and not any(isinstance(c, ProgbarLogger) for c in self.callbacks):
            self.callbacks.append(ProgbarLogger())
        if add_history and not any(isinstance(c, History) for c in self.callbacks):
            self.callbacks.append(History())
        self.params = params
        for callback in self.callbacks:
            callback.set_params(params)
            if model is not None:
                callback.set_model(model)
        self._prepare()

    @classmethod
    def of(cls, callbacks: Any, **arguments: Any) -> CallbackList:
        """The list itself where the user made one, else a new one."""
        return callbacks if isinstance(callbacks, CallbackList) else cls(callbacks, **arguments)

    def _prepare(self) -> None:
        self.callbacks.sort(key=lambda callback: callback.runs_last)
        for callback in self.callbacks:
            callback.companions = self.callbacks
        self._train_begin = self._overriding("on_train_batch_begin", "on_batch_begin")
        self._train_end = self._overriding("on_train_batch_end", "on_batch_end")
        self._test_begin = self._overriding("on_test_batch_begin")
        self._test_end = self._overriding("on_test_batch_end")

    def _overriding(self, *methods: str) -> list[Callback]:
        return [c for c in self.callbacks if any(getattr(type(c), m) is not getattr(Callback, m) for m in methods)]

    def __iter__(self) -> Iterator[Callback]:
        return iter(self.callbacks)

    def append(self, callback: Callback) -> None:
        """Add a callback."""
        self.callbacks.append(callback)
        self._prepare()

    def set_params(self, params: dict[str, Any]) -> None:
        """Give all callbacks these parameters."""
        self.params = params
        for callback in self.callbacks:
            callback.set_params(params)

    def set_model(self, model: Any) -> None:
        """Give all callbacks this model."""
        for callback in self.callbacks:
            callback.set_model(model)

    def wants_train_batches(self) -> tuple[bool, bool]:
        """Whether a callback listens to the beginnings, and to the ends, of the steps."""
        return bool(self._train_begin), bool(self._train_end)

    def initial_epoch(self, initial_epoch: int) -> int:
        """The epoch to begin with: what was asked for, or where a restored run was."""
        return max([initial_epoch, *(getattr(c, "restored_epoch", 0) for c in self.callbacks)])

    def first_step(self, epoch: int) -> int:
        """The step to begin an epoch with: 0, or where a restored run was."""
        return max(
            [0, *(getattr(c, "restored_step", 0) for c in self.callbacks if getattr(c, "restored_epoch", -1) == epoch)]
        )

    def _each(self, method: str, *args: Any, logs: Any = None) -> None:
        values = logs.read() if isinstance(logs, Logs) else logs or {}
        for callback in self.callbacks:
            getattr(callback, method)(*args, logs=values)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        """Before an epoch."""
        self._each("on_epoch_begin", epoch, logs=logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """After an epoch."""
        self._each("on_epoch_end", epoch, logs=logs)

    def on_train_begin(self, logs: Any = None) -> None:
        """Before the training."""
        self._each("on_train_begin", logs=logs)

    def on_train_end(self, logs: Any = None) -> None:
        """After the training."""
        self._each("on_train_end", logs=logs)

    def on_test_begin(self, logs: Any = None) -> None:
        """Before an evaluation."""
        self._each("on_test_begin", logs=logs)

    def on_test_end(self, logs: Any = None) -> None:
        """After an evaluation."""
        self._each("on_test_end", logs=logs)

    def on_predict_begin(self, logs: Any = None) -> None:
        """Before a prediction."""
        self._each("on_predict_begin", logs=logs)

    def on_predict_end(self, logs: Any = None) -> None:
        """After a prediction."""
        self._each("on_predict_end", logs=logs)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a step of training."""
        for callback in self._train_begin:
            callback.on_train_batch_begin(batch, logs=logs or {})

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a step of training. The values are read only if a callback needs them now."""
        self._batch_end(self._train_end, "on_train_batch_end", batch, logs)

    def on_test_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a step of evaluation."""
        for callback in self._test_begin:
            callback.on_test_batch_begin(batch, logs=logs or {})

    def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a step of evaluation."""
        self._batch_end(self._test_end, "on_test_batch_end", batch, logs)

    def on_predict_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Before a step of prediction."""
        for callback in self.callbacks:
            callback.on_predict_batch_begin(batch, logs=logs or {})

    def on_predict_batch_end(self, batch: int, logs: Any = None) -> None:
        """After a step of prediction."""
        for callback in self.callbacks:
            callback.on_predict_batch_end(batch, logs=logs or {})

    def _batch_end(self, callbacks: list[Callback], method: str, batch: int, logs: Any) -> None:
        values: dict[str, Any] | None = None
        for callback in callbacks:
            if callback.reads_lazily:
                getattr(callback, method)(batch, logs=logs)
                continue
            if values is None:
                values = logs.read() if isinstance(logs, Logs) else logs or {}
            getattr(callback, method)(batch, logs=values)
