"""Streams, events, capture and graphs.

Work is done when it is issued; on a capturing stream it is written down, and done when the graph is launched.
"""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from . import faults, memory, work_log
from .errors import CUDARuntimeError, EmulatedMemoryError

_local = threading.local()
_streams: weakref.WeakValueDictionary[int, Stream] = weakref.WeakValueDictionary()
_captures: list[Capture] = []
_next_pointer = 0x10000

COPYING = "the current stream is capturing, so synchronous API calls are disallowed"


class Capture:
    """A capture in progress: what was issued so far, and the streams that take part."""

    def __init__(self, origin: Stream, mode: int) -> None:
        self.origin = origin
        self.relaxed = mode == 2
        self.log: list[Callable[[], None]] = []
        self.streams: list[Stream] = [origin]
        self.unjoined: set[int] = set()
        self.invalid = False


class Ref:
    """A part of device memory in a log. It keeps alive only what its capture allocated from a private pool."""

    __slots__ = ("block", "capture", "dtype", "memory", "offset", "shape", "strides")

    def __init__(self, holder: Any, view: np.ndarray, capture: Capture) -> None:
        self.shape, self.strides, self.dtype = view.shape, view.strides, view.dtype
        self.offset = 0 if not view.size else view.__array_interface__["data"][0] - holder.block.ptr
        self.memory = weakref.ref(holder)
        self.block = holder.block if holder.capture is capture else None

    def resolve(self) -> np.ndarray:
        """The memory as it is now."""
        block = self.block
        if block is None:
            holder = self.memory()
            block = None if holder is None else holder.block
        if block is None or block.released:
            raise EmulatedMemoryError(
                f"A graph uses freed memory: an array of shape {self.shape} and dtype {self.dtype} that the capture "
                "read or wrote has died since. Keep it alive with the graph, or allocate it during the capture from "
                "the graph's own pool."
            )
        if 0 in self.shape:
            return np.empty(self.shape, self.dtype)
        return np.ndarray(self.shape, self.dtype, block.payload, self.offset, self.strides)


def holder_of(holder: Any) -> Any:
    """The allocation behind memory that something else keeps."""
    return getattr(holder, "_memory", None) or holder


class Stream:
    null: Stream

    def __init__(
        self, null: bool = False, non_blocking: bool = False, ptds: bool = False, priority: int | None = None
    ) -> None:
        global _next_pointer
        if null:
            self.ptr = 0
        elif ptds:
            self.ptr = 2
        else:
            faults.check_device()
            _next_pointer += 16
            self.ptr = _next_pointer
            _streams[self.ptr] = self
        self.ptds, self._non_blocking, self._priority = ptds, non_blocking, priority or 0
        self.device_id = 0
        self._capture: Capture | None = None

    def __repr__(self) -> str:
        return f"<Stream {self.ptr} (device {self.device_id})>"

    def __hash__(self) -> int:
        return hash(self.ptr)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Stream) and self.ptr == other.ptr

    def __enter__(self) -> Stream:
        if not hasattr(_local, "before"):
            _local.before = []
        _local.before.append(get_current_stream())
        _local.stream = self
        return self

    def __exit__(self, *error: Any) -> None:
        _local.stream = _local.before.pop()

    def use(self) -> Stream:
        _local.stream = self
        return self

    def __cuda_stream__(self) -> tuple[int, int]:
        return 0, self.ptr

    @property
    def is_non_blocking(self) -> bool:
        return self._non_blocking

    @property
    def priority(self) -> int:
        return self._priority

    @property
    def done(self) -> bool:
        if self._capture is not None:
            self._capture.invalid = True
            raise CUDARuntimeError(900)
        return True

    def synchronize(self) -> None:
        if self._capture is not None:
            self._capture.invalid = True
            raise CUDARuntimeError(900)
        self._touch()
        work_log.count("synchronizations")

    def _touch(self) -> None:
        # The legacy stream waits for every blocking stream, and a capture cannot be waited for.
        if self.ptr == 0:
            for capture in _captures:
                if not capture.origin._non_blocking:
                    capture.invalid = True
                    raise CUDARuntimeError(906)

    def record(self, event: Event | None = None) -> Event:
        event = Event() if event is None else event
        self._touch()
        _check_capture(self._capture)
        event._recorded = (self, self._capture)
        event._time = time.perf_counter()
        return event

    def wait_event(self, event: Event) -> None:
        source, capture = event._recorded or (None, None)
        if source is None:
            return
        if capture is not None and capture not in _captures:
            raise CUDARuntimeError(907)
        if self._capture is capture:
            if capture is not None:
                capture.unjoined.discard(source.ptr)
            return
        if capture is None:
            assert self._capture is not None
            self._capture.invalid = True
            raise CUDARuntimeError(905)
        if self._capture is not None:
            self._capture.invalid = capture.invalid = True
            raise CUDARuntimeError(902)
        self._capture = capture
        capture.streams.append(self)
        capture.unjoined.add(self.ptr)

    def add_callback(self, callback: Callable[..., None], arg: Any) -> None:
        if self._capture is not None:
            self._capture.invalid = True
            raise CUDARuntimeError(900)
        callback(self, 0, arg)

    def launch_host_func(self, callback: Callable[[Any], None], arg: Any) -> None:
        if self._capture is None:
            callback(arg)
        else:
            self._capture.log.append(lambda: callback(arg))

    def begin_capture(self, mode: int | None = None) -> None:
        if self.ptr in (0, 1, 2):
            raise RuntimeError("cannot capture on the default (legacy) stream")
        if self._capture is not None:
            raise CUDARuntimeError(401)
        self._capture = Capture(self, 2 if mode is None else mode)
        _captures.append(self._capture)

    def end_capture(self) -> Graph:
        capture = self._capture
        if capture is None or capture.origin is not self:
            raise CUDARuntimeError(401)
        for stream in capture.streams:
            stream._capture = None
        _captures.remove(capture)
        if capture.invalid:
            raise CUDARuntimeError(901)
        if capture.unjoined:
            raise CUDARuntimeError(904)
        log, capture.log = capture.log, []
        return Graph(_log=log)

    def is_capturing(self) -> bool:
        if self._capture is None:
            return False
        if self._capture.invalid:
            raise RuntimeError("the stream was capturing, but an error has invalidated the capture sequence")
        return True

    @classmethod
    def from_external(cls, obj: Any) -> Stream:
        return stream_of(obj.__cuda_stream__()[1])


Stream.null = Stream(null=True)
_ptds = Stream(ptds=True)


class ExternalStream(Stream):
    def __init__(self, ptr: int, device_id: int = -1) -> None:
        super().__init__(null=True)
        self.ptr = ptr
        known = _streams.get(ptr)
        if known is not None:
            self._non_blocking = known._non_blocking
            self._capture = known._capture


def stream_of(pointer: int) -> Stream:
    """The stream with this handle."""
    if pointer in (0, 1):
        return Stream.null
    if pointer == 2:
        return _ptds
    stream = _streams.get(pointer)
    if stream is None:
        raise CUDARuntimeError(1)
    return stream


def get_current_stream(device_id: int = -1) -> Stream:
    return getattr(_local, "stream", None) or Stream.null


class Event:
    def __init__(self, block: bool = False, disable_timing: bool = False, interprocess: bool = False) -> None:
        faults.check_device()
        self._recorded: tuple[Stream, Capture | None] | None = None
        self._time: float | None = None
        self._timed = not disable_timing
        self.ptr = id(self)

    def _refuse_captured(self) -> None:
        capture = self._recorded[1] if self._recorded else None
        if capture is not None:
            capture.invalid = True
            raise CUDARuntimeError(907)

    @property
    def done(self) -> bool:
        self._refuse_captured()
        return True

    def record(self, stream: Stream | None = None) -> None:
        (get_current_stream() if stream is None else stream).record(self)

    def synchronize(self) -> None:
        self._refuse_captured()
        work_log.count("synchronizations")


def get_elapsed_time(start_event: Event, end_event: Event) -> float:
    if not (start_event._timed and end_event._timed) or start_event._time is None or end_event._time is None:
        raise CUDARuntimeError(1)
    return (end_event._time - start_event._time) * 1e3


class Graph:
    """What was captured, to be done again at every launch."""

    def __init__(self, *args: Any, _log: Any = None, **kwargs: Any) -> None:
        if _log is None:
            raise RuntimeError("currently this class cannot be initiated by the user and must be created via capture")
        self._log = _log
        self.graph = self.graphExec = id(self)

    def launch(self, stream: Stream | None = None) -> None:
        stream = get_current_stream() if stream is None else stream
        if stream._capture is not None:
            _check_capture(stream._capture)
            stream._capture.log.append(self._replay)
            return
        stream._touch()
        work_log.count("graph_launches")
        self._replay()

    def _replay(self) -> None:
        for step in self._log:
            step()

    def upload(self, stream: Stream | None = None) -> None:
        stream = get_current_stream() if stream is None else stream
        if stream._capture is not None:
            stream._capture.invalid = True
            raise CUDARuntimeError(900)

    def debug_dot_str(self, flags: int = 0) -> str:
        return "digraph {\n" + "".join(f"  n{number};\n" for number in range(len(self._log))) + "}\n"


def _check_capture(capture: Capture | None) -> None:
    if capture is not None and capture.invalid:
        raise CUDARuntimeError(901)


def current_capture() -> Capture | None:
    """The capture that the current stream takes part in."""
    return get_current_stream()._capture


memory.capture_state = current_capture


def refuse_copy(stream: Stream | None = None) -> None:
    """Raise what CuPy raises for a copy between host and device on a capturing stream."""
    if (get_current_stream() if stream is None else stream)._capture is not None:
        raise RuntimeError(COPYING)


def refuse_library(name: str) -> None:
    """Raise what CuPy raises for cuBLAS and cuSOLVER on a capturing stream."""
    if current_capture() is not None:
        raise NotImplementedError(f"calling {name} API during stream capture is currently unsupported")


def issue(
    step: Callable[..., None],
    arrays: Iterable[tuple[Any, np.ndarray]],
    stream: Stream | None = None,
    kind: str = "operations",
) -> None:
    """Do `step(*views)` in the order of a stream: now, or when the graph is launched.

    Args:
        step: The work, on NumPy views of device memory.
        arrays: For each of them its allocation and the view.
        stream: By default the current one.
        kind: The counter of `work_log`.
    """
    stream = get_current_stream() if stream is None else stream
    stream._touch()
    capture = stream._capture
    pairs = [(holder_of(holder), view) for holder, view in arrays]
    if capture is None:
        for holder, _ in pairs:
            if holder.capture is not None and holder.capture in _captures:
                holder.capture.invalid = True
                raise CUDARuntimeError(905)
        work_log.count(kind)
        step(*[view for _, view in pairs])
        return
    _check_capture(capture)
    references = [Ref(holder, view, capture) for holder, view in pairs]

    def again() -> None:
        views = [reference.resolve() for reference in references]
        work_log.count(kind)
        step(*views)

    capture.log.append(again)


def _range(item: Any) -> tuple[Any, np.ndarray]:
    if hasattr(item, "_pair"):
        return item._pair()
    pointer, size = item
    if not size:
        return memory.Memory(0), np.empty(0, np.uint8)
    block = memory.find(pointer, size)
    return block.memory(), block.payload[pointer - block.ptr : pointer - block.ptr + size]


def submit(
    function: Callable[[], None],
    reads: Iterable[Any] = (),
    writes: Iterable[Any] = (),
    stream: Stream | int | None = None,
) -> None:
    """Do the work of a library on the device: now, or in a capture when its graph is launched.

    Args:
        function: The work, without arguments. It must not hold arrays: it finds memory with `array_at`.
        reads: Device arrays, or (address, bytes).
        writes: Likewise.
        stream: A stream or its handle; by default the current one.
    """
    if isinstance(stream, int):
        stream = stream_of(stream)
    parts = [_range(item) for item in (*reads, *writes)]

    def step(*views: np.ndarray) -> None:
        function()
        for view in views:
            if view.size:
                _block_at(view.__array_interface__["data"][0]).check()

    issue(step, parts, stream)


def _block_at(pointer: int) -> memory.Block:
    with memory._lock:
        place = memory.bisect.bisect_right(memory._starts, pointer) - 1
        block = memory._blocks[memory._starts[place]]() if place >= 0 else None
    if block is None or pointer >= block.ptr + block.size:
        raise EmulatedMemoryError(f"No allocation holds the device address {pointer:#x}.")
    return block


def array_at(pointer: int, shape: tuple[int, ...], dtype: Any, strides: tuple[int, ...] | None = None) -> np.ndarray:
    """Device memory from an address on as a NumPy view: writing to it writes to the device.

    Raises:
        EmulatedMemoryError: It does not lie inside one allocation.
    """
    dtype = np.dtype(dtype)
    if 0 in shape:
        return np.empty(shape, dtype)
    if strides is None:
        strides = tuple(int(np.prod(shape[axis + 1 :])) * dtype.itemsize for axis in range(len(shape)))
    low = sum((n - 1) * s for n, s in zip(shape, strides) if s < 0)
    high = sum((n - 1) * s for n, s in zip(shape, strides) if s > 0) + dtype.itemsize
    block = _block_at(pointer)
    offset = pointer - block.ptr
    if offset + low < 0 or offset + high > block.size:
        raise EmulatedMemoryError(
            f"An array of shape {shape}, strides {strides} and dtype {dtype} at byte {offset} does not lie inside its "
            f"allocation of {block.size} bytes."
        )
    return np.ndarray(shape, dtype, block.payload, offset, strides)
