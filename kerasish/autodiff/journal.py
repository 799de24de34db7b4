"""`Journal`: what variables held before a step that runs on a device operation by operation, to take it back.

An operation can fail in the middle of a step, where the memory of a GPU ends. A step that is recorded is safe from it:
a recording changes nothing on the device, and a replay takes no memory. All others are run in `whole`.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from kerasish import backend
from kerasish.autodiff.state import state
from kerasish.backend import K


class Journal:
    """What was there before it was changed for the first time.

    Args:
        outer: The journal of the step that this one is a part of.
    """

    __slots__ = ("_noted", "_outer", "_undo")

    def __init__(self, outer: Journal | None = None) -> None:
        self._outer = outer
        self._noted: set[int] = set()
        self._undo: list[Callable[[], None]] = []

    def note(self, variable: Any, restorer: Callable[[], Callable[[], None]]) -> None:
        """Before a variable is changed for the first time: get from `restorer()` what takes it back."""
        if id(variable) not in self._noted:
            undo = restorer()
            self._noted.add(id(variable))

            # Holds the variable too, so that no other one gets its id.
            def take_back(variable: Any = variable) -> None:
                undo()

            self._undo.append(take_back)

    def keep(self, array: Any, variables: Iterable[Any] = ()) -> None:
        """Before an array is changed: keep a copy of it, and so of the variables that lie in it."""
        copy = K.owned(array)
        self._noted.update([id(variable) for variable in variables])
        self._undo.append(lambda: K.copy_into(array, copy))

    def take_back(self) -> None:
        """Bring back what was there; this takes no memory of the device."""
        while self._undo:
            # A device that does not work any more keeps nothing from the host's part.
            with contextlib.suppress(Exception):
                self._undo.pop()()
        self._noted.clear()

    def close(self) -> None:
        """What happened so far stays, also for the steps that this one is a part of."""
        journal: Journal | None = self
        while journal is not None:
            journal._undo.clear()
            journal._noted.clear()
            journal = journal._outer


def needed() -> bool:
    """Whether a step that begins now can fail in the middle and leave something behind."""
    return state.recorder is None and not state.abstract and backend.recorder() is not None


@contextmanager
def whole() -> Iterator[None]:
    """On a device: variables that are changed inside hold what they held before, if an error leaves it.

    A step inside that succeeds stays, whatever comes after it.
    """
    if not needed():
        yield
        return
    outer = state.journal
    journal = state.journal = Journal(outer)
    try:
        yield
    except BaseException:
        journal.take_back()
        raise
    else:
        journal.close()
    finally:
        state.journal = outer


def wholly(step: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """The function `(data) -> result`, run in `whole`."""

    def run(data: Any) -> Any:
        with whole():
            return step(data)

    return run
