"""What the host does in a step that the device replays: numbers that change, and actions.

On a GPU a training step is recorded once and replayed without Python. Some of it belongs to the host: the learning
rate of a schedule, the count of the steps, the counters of the random numbers. Code names these places, and runs as
always where nothing is recorded:

- `host_value(function, dtype)` is `function()`, a Python number; in a recorded step it is an array without dimensions
  (a slot) that gets the value of `function()` before each replay.
- `host_action(function, undo)` calls `function()`, now and before each replay, in order with the values.
- `host_choice(function)` is `function()`, for a decision on which operations follow: a recorded step is replayed only
  where the decision would be the same.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any, NoReturn, Protocol

import numpy as np

from kerasish.autodiff.state import state
from kerasish.autodiff.tensor import Tensor

_ARRAY: Any = vars(Tensor)["array"]

raw: Callable[[Tensor], Any] = _ARRAY.__get__
"""The array of a variable itself, also where reading `array` does more."""

set_raw: Callable[[Tensor, Any], None] = _ARRAY.__set__
"""Give a variable another array."""

_versions = [0]


def frozen_changed() -> None:
    """Say that something changed that recorded steps hold fixed: where a variable lies, or the seed of a generator."""
    _versions[0] += 1


def frozen_version() -> int:
    """How often that happened."""
    return _versions[0]


class RecordingError(RuntimeError):
    """A step does something that cannot be recorded."""


class Device(Protocol):
    """What a backend gives for the recording of one step."""

    def slot(self, dtype: Any, shape: tuple[int, ...]) -> tuple[Any, Callable[[Any], None]]:
        """A small array, and a function that sets what it holds in the next replay."""

    def outside(self) -> AbstractContextManager[Any]:
        """A context in which arrays are computed at once, beside the recording."""

    def keep(self, array: Any) -> None:
        """Keep an array that the step reads, and that was there before, as long as the recording."""


class Recorder:
    """The host's part of one step: found while the step is recorded, repeated before each replay.

    Args:
        device: The backend's part.
    """

    def __init__(self, device: Device) -> None:
        self._device = device
        self._log: list[tuple[Callable[[], Any], Callable[[Any], None] | None]] = []
        self._undo: list[Callable[[], None]] = []
        self._restorers: dict[Callable[[], Callable[[], None]], None] = {}
        self._led: set[int] = set()
        self._variables: dict[int, tuple[Tensor, Any]] = {}
        self._fixed: list[tuple[Callable[[], Any], Any]] = []
        self._choices: list[tuple[Callable[[], Any], Any]] = []
        self.blamed: str | None = None

    @contextmanager
    def recording(self) -> Iterator[None]:
        """What this thread does inside is recorded. After an error, what the host did is undone."""
        before = state.recorder, state.special
        state.recorder, state.special = self, True
        try:
            yield
        except BaseException:
            state.recorder, state.special = before
            self.undo()
            raise
        finally:
            state.recorder, state.special = before

    def undo(self) -> None:
        """Take back what the host did; variables lie again where they lay."""
        while self._undo:
            self._undo.pop()()
        for variable, array in self._variables.values():
            if raw(variable) is not array:
                set_raw(variable, array)
        self._log.clear()

    def before(self) -> list[Callable[[], None]]:
        """What takes back the next replay of the host's part, where the device's part fails."""
        return [restorer() for restorer in self._restorers]

    def replay(self) -> None:
        """Do the host's part of a step."""
        for function, write in self._log:
            if write is None:
                function()
            else:
                write(function())

    def aside(self, function: Callable[[], Any]) -> Any:
        """The value of a function that is no part of the recording."""
        before = state.recorder, state.aside, state.tapes
        state.recorder, state.aside, state.tapes = None, True, ()
        try:
            with self._device.outside():
                return function()
        finally:
            state.recorder, state.aside, state.tapes = before

    def value(self, function: Callable[[], Any], dtype: Any, shape: tuple[int, ...] = ()) -> Any:
        """An array that holds the value of a function of the host; see `host_value`."""
        array, write = self._device.slot(np.dtype(dtype), shape)
        write(self.aside(function))
        self._log.append((function, write))
        return array

    def action(
        self,
        function: Callable[[], None],
        undo: Callable[[], None] | None = None,
        restorer: Callable[[], Callable[[], None]] | None = None,
    ) -> None:
        """Call a function now and in each replay; see `host_action`."""
        if undo is not None:
            self._undo.append(undo)
        if restorer is not None:
            self._undo.append(restorer())
            self._restorers[restorer] = None
        self.aside(function)
        self._log.append((function, None))

    def lead(self, variable: Any) -> bool:
        """Let the device alone know a variable from here on; whether this is new."""
        new = id(variable) not in self._led
        self._led.add(id(variable))
        self.uses(variable)
        return new

    def leads(self, variable: Any) -> bool:
        """Whether the device alone knows the value of a variable."""
        return id(variable) in self._led

    def uses(self, variable: Tensor) -> None:
        """Take note of a variable, whose array must stay in its place."""
        if id(variable) not in self._variables:
            array = raw(variable)
            self._variables[id(variable)] = variable, array
            self._device.keep(array)

    def keep(self, array: Any) -> None:
        """Keep an array from before the step that a kernel is given without `apply`."""
        self._device.keep(array)

    def fix(self, function: Callable[[], Any]) -> Any:
        """The value of a function that must stay what it is, or the recording does not hold any more."""
        value = self.aside(function)
        self._fixed.append((function, value))
        return value

    def choose(self, function: Callable[[], Any]) -> Any:
        """A decision of the host; see `host_choice`."""
        value = self.aside(function)
        self._choices.append((function, value))
        return value

    def fits(self) -> bool:
        """Whether the host decides now as it did in the recording."""
        return not self._choices or all(function() == value for function, value in self._choices)

    def holds(self) -> bool:
        """Whether all variables still lie where they lay, and what was fixed is as it was."""
        return all(raw(variable) is array for variable, array in self._variables.values()) and all(
            function() == value for function, value in self._fixed
        )

    def put_back(self, copy: Callable[[Any, Any], None]) -> None:
        """At the end of the step: bring variables that moved in it back, in the recording, to where they lay."""
        for variable, array in self._variables.values():
            moved = raw(variable)
            if moved is not array:
                copy(array, moved)
                set_raw(variable, array)

    def run(
        self,
        name: str,
        function: Callable[..., Any],
        inputs: tuple[Any, ...],
        arrays: list[Any],
        attrs: dict[str, Any],
    ) -> Any:
        """Run a kernel for `apply`, keeping what it reads."""
        for x, array in zip(inputs, arrays, strict=True):
            if isinstance(x, Tensor):
                if type(x) is not Tensor:
                    self.uses(x)
                self._device.keep(array)
        for value in attrs.values():
            if isinstance(value, tuple):
                for member in value:
                    self._device.keep(member)
            else:
                self._device.keep(value)
        try:
            return function(*arrays, **attrs)
        except Exception:
            if self.blamed is None:
                self.blamed = f"the operation {name!r}"
            raise

    def refuse(self, reason: str) -> NoReturn:
        """Say that something cannot be part of a recorded step.

        Raises:
            RecordingError: Always.
        """
        self.blamed = ""
        raise RecordingError(reason)


def host_value(function: Callable[[], Any], dtype: Any, shape: tuple[int, ...] = ()) -> Any:
    """The value of a function of the host: a Python number, or in a recorded step a slot that follows it.

    >>> host_value(lambda: 0.5, "float64")
    0.5
    """
    recorder = state.recorder
    return function() if recorder is None else recorder.value(function, dtype, shape)


def host_action(
    function: Callable[[], None],
    undo: Callable[[], None] | None = None,
    restorer: Callable[[], Callable[[], None]] | None = None,
) -> None:
    """Call a function of the host, also in each replay of a recorded step.

    Args:
        function: The function. It computes nothing on the device that the step needs.
        undo: Takes back what the call did, where the recording fails.
        restorer: Called before the function, gives what takes it back; also where a replay fails.
    """
    recorder = state.recorder
    if recorder is None:
        function()
    else:
        recorder.action(function, undo, restorer)


def host_choice(function: Callable[[], Any]) -> Any:
    """The value of a function of the host that decides how a step goes; a recorded step is replayed where it is equal.

    >>> host_choice(lambda: True)
    True
    """
    recorder = state.recorder
    return function() if recorder is None else recorder.choose(function)


def keep(array: Any) -> Any:
    """The array itself; a recorded step keeps it. For arrays that kernels get without `apply`, and that may go."""
    if state.recorder is not None:
        state.recorder.keep(array)
    return array
