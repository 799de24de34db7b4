"""`LambdaCallback`: a callback from functions."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerasish.callbacks.callback import Callback


class LambdaCallback(Callback):
    """Calls functions at the points of a training.

    Args:
        on_epoch_begin: A function `(epoch, logs)`.
        on_epoch_end: A function `(epoch, logs)`.
        on_train_begin: A function `(logs)`.
        on_train_end: A function `(logs)`.
        on_train_batch_begin: A function `(batch, logs)`.
        on_train_batch_end: A function `(batch, logs)`.
        **kwargs: Functions for the other methods of `Callback`, by their names.

    >>> seen = []
    >>> LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch)).on_epoch_end(4, {})
    >>> seen
    [4]
    """

    def __new__(cls, *args: Any, **kwargs: Any) -> LambdaCallback:
        """A class of its own for each, so that what no function listens to costs nothing."""
        return super().__new__(type(cls.__name__, (cls,), {"__doc__": cls.__doc__, "__module__": cls.__module__}))

    def __init__(
        self,
        on_epoch_begin: Callable[..., Any] | None = None,
        on_epoch_end: Callable[..., Any] | None = None,
        on_train_begin: Callable[..., Any] | None = None,
        on_train_end: Callable[..., Any] | None = None,
        on_train_batch_begin: Callable[..., Any] | None = None,
        on_train_batch_end: Callable[..., Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__()
        given = {
            "on_epoch_begin": on_epoch_begin,
            "on_epoch_end": on_epoch_end,
            "on_train_begin": on_train_begin,
            "on_train_end": on_train_end,
            "on_train_batch_begin": on_train_batch_begin,
            "on_train_batch_end": on_train_batch_end,
        }
        for name, function in {**given, **kwargs}.items():
            known = name.startswith("on_") and hasattr(Callback, name)
            if not known:
                raise ValueError(f"LambdaCallback knows no such method of a callback. Received: {name}={function!r}")
            if function is None:
                continue
            if not callable(function):
                raise ValueError(f"Expected {name} to be a function. Received: {name}={function!r}")
            setattr(type(self), name, _method(function))


def _method(function: Callable[..., Any]) -> Callable[..., None]:
    def call(self: LambdaCallback, *args: Any, logs: Any = None) -> None:
        # The functions take the logs by position, whatever they call them.
        function(*args, logs) if len(args) < 2 else function(*args)

    return call
