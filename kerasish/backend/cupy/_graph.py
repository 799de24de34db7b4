"""Steps as CUDA graphs: recorded once on a stream of their own, launched again with one call.

All work of a model in training goes to one non-blocking stream (`GraphRecorder.running`). A recording captures what a
step sends there. The memory that the step takes while it is captured comes from a pool that nothing else uses, and
stays as long as the graph; arrays from before, which the step reads or changes, are kept with it. Numbers that the host
changes from step to step lie in slots, which one small copy from pinned memory fills before each launch.
"""

from __future__ import annotations

import contextlib
import gc
import threading
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import numpy as np

from kerasish.backend.contract.types import Array
from kerasish.backend.cupy._device import cp

_LANE = 8
_LANES = 4096
# How many launches the host may be ahead of the device before it waits.
_AHEAD = 8
# The legacy default stream and that of a thread, by their numbers; they cannot be captured.
_DEFAULT_STREAMS = (0, 1, 2)
_NOTHING = nullcontext()


class _Local(threading.local):
    """The streams of a thread by device, and the recording that it makes."""

    def __init__(self) -> None:
        self.streams: dict[tuple[int, str], Any] = {}
        self.recording: Recording | None = None


_local = _Local()


def stream_for(purpose: str) -> Any:
    """The non-blocking stream of this thread and device for "steps", "copies", or what goes "beside" a recording."""
    key = cp.cuda.runtime.getDevice(), purpose
    stream = _local.streams.get(key)
    if stream is None:
        stream = _local.streams[key] = cp.cuda.Stream(non_blocking=True)
    return stream


def event() -> Any:
    """A new event that keeps no time."""
    return cp.cuda.Event(disable_timing=True)


class Pool:
    """The memory of the graphs of one model, which never run at the same time; given back when the last one goes."""

    def __init__(self) -> None:
        pool = cp.cuda.MemoryPool()
        self.malloc: Callable[[int], Any] = pool.malloc
        weakref.finalize(self, pool.free_all_blocks).atexit = False


class GraphRecorder:
    """What the training needs of this backend to record steps."""

    def running(self) -> AbstractContextManager[Any]:
        """A context whose work goes to a stream that can be captured: the current one, or this thread's own."""
        if cp.cuda.get_current_stream().ptr in _DEFAULT_STREAMS:
            return self._on_own_stream()
        return _NOTHING

    @contextmanager
    def _on_own_stream(self) -> Iterator[None]:
        outer, stream = cp.cuda.get_current_stream(), stream_for("steps")
        before, after = event(), event()
        before.record(outer)
        stream.wait_event(before)
        try:
            with stream:
                yield
        except BaseException:
            # A device that does not work any more must not hide the error that says why.
            with contextlib.suppress(Exception):
                after.record(stream)
                outer.wait_event(after)
            raise
        else:
            after.record(stream)
            outer.wait_event(after)

    def pool(self) -> Pool:
        """Memory for the recordings of one model."""
        return Pool()

    def recording(self, pool: Pool) -> Recording:
        """A new recording on the current stream."""
        return Recording(pool)


class Recording:
    """One step, as a CUDA graph.

    Args:
        pool: Where the memory of the step comes from.
    """

    def __init__(self, pool: Pool) -> None:
        self._kept: dict[int, Any] = {}
        self._own: set[int] = set()
        self._graph: Any = None
        self._slots: Array = cp.empty((_LANES * _LANE,), np.uint8)
        self._values = np.zeros((_LANES * _LANE,), np.uint8)
        self._used = 0
        self._pinned: list[tuple[np.ndarray[Any, Any], Any]] = []
        self._turn = 0
        self._pool = pool

    def slot(self, dtype: Any, shape: tuple[int, ...] = ()) -> tuple[Array, Callable[[Any], None]]:
        """A small array in the slots, and the function that sets what it holds in the next launch."""
        dtype = np.dtype(dtype)
        size = dtype.itemsize * int(np.prod(shape, dtype=np.int64))
        begin, end = self._used, self._used + -(-size // _LANE) * _LANE
        if end > self._slots.size:
            raise RuntimeError(
                f"A recorded step has room for {_LANES} numbers that the host changes. Received: more than that"
            )
        self._used = end
        view = self._values[begin : begin + size].view(dtype).reshape(shape)

        def write(value: Any) -> None:
            view[...] = value

        return cp.ndarray(shape, dtype, memptr=self._slots.data + begin), write

    @contextmanager
    def outside(self) -> Iterator[None]:
        """Work inside is done at once, on another stream and in other memory, while this one is captured."""
        beside, inner = stream_for("beside"), _local.recording
        _local.recording = None
        try:
            with cp.cuda.using_allocator(cp.get_default_memory_pool().malloc), beside:
                yield
                beside.synchronize()
        finally:
            _local.recording = inner

    def keep(self, array: Any) -> None:
        """Keep the memory of an array from before the recording; what is no device array is ignored."""
        if isinstance(array, cp.ndarray):
            memory = array.data.mem
            if memory.ptr not in self._own:
                self._kept[memory.ptr] = memory

    def constant(self, values: Any) -> Array:
        """A device array with values of the host, which the graph holds fixed."""
        with self.outside():
            array = cp.asarray(values)
        self.keep(array)
        return array

    def _malloc(self, size: int) -> Any:
        pointer = self._pool.malloc(size)
        self._own.add(pointer.mem.ptr)
        return pointer

    @contextmanager
    def capture(self) -> Iterator[None]:
        """Work inside is not done, but becomes the graph. It must not wait for the device or copy from the host."""
        stream = cp.cuda.get_current_stream()
        # What runs beside the capture sees all that came before; and the steps before it leave their memory to it.
        stream.synchronize()
        cp.get_default_memory_pool().free_all_blocks()
        collecting, outer = gc.isenabled(), _local.recording
        gc.disable()
        _local.recording = self
        try:
            with cp.cuda.using_allocator(self._malloc):
                stream.begin_capture()
                try:
                    yield
                except BaseException:
                    # It ends the capture, and may say that the error has spoilt it.
                    with contextlib.suppress(Exception):
                        stream.end_capture()
                    raise
                self._graph = stream.end_capture()
        finally:
            _local.recording = outer
            if collecting:
                gc.enable()

    def fill(self, targets: Sequence[Array], sources: Sequence[Array]) -> None:
        """Copy arrays into others of their shapes and dtypes, row-major ones, ahead of the next launch."""
        runtime = cp.cuda.runtime
        stream = cp.cuda.get_current_stream().ptr
        for target, source in zip(targets, sources, strict=True):
            if not source.flags.c_contiguous:
                target[...] = source
            elif target.size:
                # A third of what an assignment costs the host.
                runtime.memcpyAsync(
                    target.data.ptr, source.data.ptr, target.nbytes, runtime.memcpyDeviceToDevice, stream
                )

    def launch(self) -> None:
        """Fill the slots and run the step on the current stream; nothing waits."""
        stream = cp.cuda.get_current_stream()
        if self._used:
            self._upload(stream)
        self._graph.launch(stream)

    def _upload(self, stream: Any) -> None:
        if not self._pinned:
            self._pinned = [(_pinned(self._used), event()) for _ in range(_AHEAD)]
        buffer, copied = self._pinned[self._turn]
        self._turn = (self._turn + 1) % _AHEAD
        if not copied.done:
            copied.synchronize()
        buffer[:] = self._values[: self._used]
        copy_to_device(self._slots.data.ptr, buffer, stream)
        copied.record(stream)


def _pinned(size: int) -> np.ndarray[Any, Any]:
    return np.frombuffer(cp.cuda.alloc_pinned_memory(size), np.uint8, size)


def copy_to_device(pointer: int, buffer: np.ndarray[Any, Any], stream: Any) -> None:
    """Copy from pinned memory; the host does not wait."""
    runtime = cp.cuda.runtime
    runtime.memcpyAsync(pointer, buffer.ctypes.data, buffer.nbytes, runtime.memcpyHostToDevice, stream.ptr)


def upload(values: np.ndarray[Any, Any]) -> Array:
    """A device array with values of the host; while this thread records a step, one that the graph holds fixed."""
    recording = _local.recording
    return cp.asarray(values) if recording is None else recording.constant(values)
