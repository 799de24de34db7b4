"""`Replayed`: a step that runs twice as it is written, is recorded once, and is then replayed by the device.

A recorded step is the same computation with other numbers: what Python does in it besides is done once, when it is
recorded. Tensors that a step returned, or that something kept from it, hold the values of the latest replay.
"""

from __future__ import annotations

import sys
import threading
import traceback
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kerasish.autodiff import Mirrored, Tensor, state
from kerasish.autodiff.host_values import Recorder, frozen_version
from kerasish.autodiff.journal import wholly
from kerasish.backend import K
from kerasish.optimizers.optimizer import Optimizer

WARM_UP = 2
"""How many steps of a kind run as they are written before the next one is recorded."""

MOST_RECORDINGS = 16
"""How many kinds of steps one function of a model records."""

_MOST_KINDS = 256
# A recording takes as long as many steps: one that must be made again and again does not pay.
_MOST_MADE = 64
_ADVICE = "Leave that out of the step, or give compile() run_eagerly=True."
_ADVICE_ON_MEMORY = "Take a smaller batch_size, or free memory of the GPU and compile the model again."
_claiming = threading.Lock()
_PACKAGE = str(Path(__file__).parents[1])


@dataclass(slots=True)
class Recorded:
    """A recorded step: what it returned, the arrays that batches go into, the host's part, and the device's.

    Its memory goes back to the device with the last member, so that is the device's part.
    """

    outputs: Any
    inputs: list[Any]
    host: Recorder
    device: Any


class Replayed:
    """A step `(data) -> result` of a model, which is recorded for each kind of data.

    Steps are of one kind where the shapes and dtypes of the data, the trainable variables, and the phases of the
    optimizers agree. A step that cannot be recorded is not: with one warning, the function then runs as it is written.
    Recorded steps share their memory, so one thread alone records and replays; in others, meanwhile, the function runs
    as it is written.

    Args:
        step: The step.
        owner: The model.
        recorder: What the backend records with.
    """

    def __init__(self, step: Callable[[Any], Any], owner: Any, recorder: Any) -> None:
        self._step = step
        self._as_written = wholly(step)
        self._owner = owner
        self._recorder = recorder
        self._thread: threading.Thread | None = None
        self._pool: Any = None
        self._recorded: dict[Any, Recorded] = {}
        self._seen: dict[Any, int] = {}
        self._version = frozen_version()
        self._given_up = False
        self._made = 0
        self._full = False

    def __call__(self, data: Any) -> Any:
        """Make the step, in one of the three ways."""
        if self._given_up or self._owner.run_eagerly or state.recorder is not None:
            return self._as_written(data)
        if self._thread is not threading.current_thread() and not self._claim():
            return self._as_written(data)
        with self._recorder.running():
            return self._run(data)

    @property
    def recordings(self) -> int:
        """How many kinds of steps are recorded."""
        return len(self._recorded)

    def _claim(self) -> bool:
        """Whether this thread is the one that replays from here on: the first, or where the last one has ended."""
        with _claiming:
            if self._thread is not None and self._thread.is_alive():
                return False
            # The steps of the other thread went to a stream of its own.
            self._recorded.clear()
            self._seen.clear()
            self._pool = None
            self._thread = threading.current_thread()
            return True

    def _run(self, data: Any) -> Any:
        flat: list[Tensor] = []
        try:
            shape = signature(data, flat)
        except TypeError:
            return self._as_written(data)
        version = frozen_version()
        if version != self._version:
            self._recorded = {key: entry for key, entry in self._recorded.items() if entry.host.holds()}
            self._version = version
        owner = self._owner
        if owner._fingerprint is None:
            owner._fingerprint = _fingerprint(owner)
        phase = tuple([optimizer.step_phase() for optimizer in owner._fingerprint[0]])
        key = shape, owner._fingerprint[1], phase
        entry = self._recorded.get(key)
        if entry is not None:
            return self._replay(entry, flat) if entry.host.fits() else self._as_written(data)
        seen = self._seen.get(key, 0)
        if seen >= WARM_UP and len(self._recorded) < MOST_RECORDINGS and self._made < _MOST_MADE:
            return self._record(key, data, flat)
        if seen >= WARM_UP:
            self._say_full()
        else:
            if len(self._seen) >= _MOST_KINDS:
                self._seen.clear()
            self._seen[key] = seen + 1
            # The step may make variables.
            owner._fingerprint = None
        return self._as_written(data)

    def _replay(self, entry: Recorded, flat: list[Tensor]) -> Any:
        before = entry.host.before()
        try:
            entry.host.replay()
            entry.device.fill(entry.inputs, [x.array for x in flat])
            entry.device.launch()
        except BaseException:
            for restore in before:
                restore()
            raise
        return entry.outputs

    def _record(self, key: Any, data: Any, flat: list[Tensor]) -> Any:
        self._made += 1
        host: Recorder | None = None
        try:
            if self._pool is None:
                self._pool = self._recorder.pool()
            inputs = [K.owned(x.array) for x in flat]
            device = self._recorder.recording(self._pool)
            host = Recorder(device)
            for array in inputs:
                host.keep(array)
            self._take_note(host)
            static = rebuilt(data, iter([Tensor(array) for array in inputs]))
            with host.recording(), device.capture():
                outputs = self._step(static)
                host.put_back(K.copy_into)
            try:
                device.launch()
            except BaseException:
                host.undo()
                raise
        except Exception as error:
            reason = _reason(error, None if host is None else host.blamed)
            advice = _ADVICE_ON_MEMORY if isinstance(error, MemoryError) else _ADVICE
        else:
            self._recorded[key] = Recorded(outputs, inputs, host, device)
            return outputs
        # With the error goes the memory that the recording took.
        host = device = inputs = static = None  # type: ignore[assignment]
        return self._give_up(reason, advice, data)

    def _take_note(self, host: Recorder) -> None:
        """Of all that the model is known to change; the host reads what it knows of it, before it cannot any more."""
        owner = self._owner
        found = [*owner.variables, *[variable for metric in owner.metrics for variable in metric.variables]]
        for optimizer in _optimizers(owner):
            found += optimizer.variables
            for array in optimizer.gradient_buffers():
                host.keep(array)
        for variable in found:
            if isinstance(variable, Mirrored):
                variable.settle()
            host.uses(variable)

    def _give_up(self, reason: str, advice: str, data: Any) -> Any:
        self._given_up = True
        self._recorded.clear()
        self._pool = None
        # What is wrong with the step itself shows when it runs as it is written.
        result = self._as_written(data)
        owner = self._owner
        if not owner._told_of_recording:
            owner._told_of_recording = True
            warnings.warn(
                f"A step of the model {owner.name!r} cannot be recorded for the GPU, and runs operation by operation, "
                f"which is slower: {reason}. {advice}",
                stacklevel=2,
            )
        return result

    def _say_full(self) -> None:
        if not self._full:
            self._full = True
            if self._made < _MOST_MADE:
                reason = f"it meets data of more than {MOST_RECORDINGS} shapes. Pad the data to a few lengths"
            else:
                reason = "its variables move between its optimizer and others, or its seeds are set, all the time"
            warnings.warn(
                f"Further steps of {self._owner.name!r} run operation by operation, which is slower: {reason}.",
                stacklevel=2,
            )


def _optimizers(owner: Any) -> list[Any]:
    """The optimizers that a model holds: the compiled one, and those of a training of its own."""
    found: dict[int, Any] = {}
    for value in vars(owner).values():
        members = value if isinstance(value, (list, tuple)) else value.values() if isinstance(value, dict) else (value,)
        found |= {id(member): member for member in members if isinstance(member, Optimizer)}
    return list(found.values())


def _fingerprint(owner: Any) -> tuple[list[Any], Any]:
    """The optimizers whose steps have phases, and what besides the data decides how a step goes."""
    phased = [optimizer for optimizer in _optimizers(owner) if optimizer.has_step_phases()]
    policy = getattr(owner, "dtype_policy", None)
    trainable = tuple([id(v) for v in owner.trainable_variables])
    return phased, (trainable, getattr(policy, "name", None))


def signature(node: Any, flat: list[Tensor]) -> Any:
    """The structure of data with the shapes and dtypes of its tensors, which are listed.

    Raises:
        TypeError: If there is something else than tensors and None in it.
    """
    if isinstance(node, Tensor):
        flat.append(node)
        array = node.array
        return array.shape, array.dtype
    if node is None:
        return None
    if isinstance(node, (tuple, list)):
        return type(node), *[signature(child, flat) for child in node]
    if isinstance(node, dict):
        return type(node), *[(key, signature(child, flat)) for key, child in node.items()]
    raise TypeError(f"Expected tensors. Received: {type(node).__name__}")


def rebuilt(node: Any, tensors: Iterator[Tensor]) -> Any:
    """The structure with other tensors, in the order of `signature`."""
    if isinstance(node, Tensor):
        return next(tensors)
    if isinstance(node, dict):
        changed = {key: rebuilt(child, tensors) for key, child in node.items()}
        return changed if type(node) is dict else type(node)(changed)
    if isinstance(node, (tuple, list)):
        members = [rebuilt(child, tensors) for child in node]
        return type(node)(*members) if hasattr(node, "_fields") else type(node)(members)
    return node


def _reason(error: Exception, blamed: str | None) -> str:
    """Why a step could not be recorded, on one line."""
    text = next(iter(str(error).splitlines()), "") or type(error).__name__
    return f"{f'{blamed}: ' if blamed else ''}{text[:300]}{_place(error)}"


def _place(error: BaseException) -> str:
    """The line of the user's code that an error comes from."""
    places = (_PACKAGE, sys.prefix, sys.base_prefix)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith(places)]
    return f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
