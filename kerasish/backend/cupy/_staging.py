"""Batches brought to the device ahead of the steps that use them.

Data that fits is copied to the device once. Other batches go through pinned memory on a stream of their own: the host
runs ahead of the device, so a batch is copied while the step before it still computes.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from typing import Any

import numpy as np

from kerasish.backend.contract.types import Array
from kerasish.backend.cupy._device import cp
from kerasish.backend.cupy._graph import copy_to_device, event, stream_for

RESIDENT_LIMIT = 2 * 2**30
"""The most bytes of data that are copied to the device as a whole; and never more than a quarter of what is free."""

# How many copies may be on their way from pinned memory before the host waits for the first.
_MOST_COPIES = 16


class _Local(threading.local):
    """The pass over data whose next batch a thread is making."""

    def __init__(self) -> None:
        self.turn: _Pass | None = None


_local = _Local()


class Stager:
    """Brings host arrays to the device."""

    def fits(self, size: int) -> bool:
        """Whether so many bytes may lie on the device as a whole."""
        if size > RESIDENT_LIMIT:
            return False
        free, _ = cp.cuda.Device().mem_info
        return size <= (free + cp.get_default_memory_pool().free_bytes()) // 4

    def upload(self, values: np.ndarray[Any, Any]) -> Array:
        """A device array with the values; inside of `staged`, copied beside the steps."""
        return cp.asarray(values) if _local.turn is None else _local.turn.upload(values)

    def staged(self, batches: Iterator[Any], together: int) -> Iterator[Any]:
        """The batches of an iterator, whose arrays are copied beside the steps.

        Args:
            batches: The iterator; it uploads the arrays of a batch when it is asked for it.
            together: How many batches are taken before their steps are made.
        """
        turn = _Pass(together)
        try:
            while True:
                outer, _local.turn = _local.turn, turn
                try:
                    batch = next(batches, turn)
                finally:
                    _local.turn = outer
                if batch is turn:
                    return
                turn.hand_out()
                yield batch
        finally:
            close = getattr(batches, "close", None)
            if close is not None:
                close()


class _Pass:
    """One pass over data.

    Args:
        together: How many batches are taken before their steps are made.
    """

    def __init__(self, together: int) -> None:
        self._together = together
        self._copies = stream_for("copies")
        self._batch: list[Array] = []
        # Arrays of the copying stream that steps may still read, and where the steps were when the last batch came.
        self._held: deque[list[Array]] = deque()
        self._passed: Any = None
        self._pinned: deque[tuple[Any, Any]] = deque()

    def _begin(self) -> None:
        """Before the first copy of a batch: give back the arrays of steps that came before the one now computing."""
        now = event()
        now.record(cp.cuda.get_current_stream())
        if self._passed is None:
            # What the copying stream held in an earlier pass may still be read.
            self._copies.wait_event(now)
        elif len(self._held) > self._together:
            self._copies.wait_event(self._passed)
            while len(self._held) > self._together:
                self._held.popleft()
        self._passed = now

    def hand_out(self) -> None:
        """After a batch: steps wait for its copies."""
        if self._batch:
            copied = event()
            copied.record(self._copies)
            cp.cuda.get_current_stream().wait_event(copied)
            self._held.append(self._batch)
            self._batch = []

    def upload(self, values: np.ndarray[Any, Any]) -> Array:
        """A device array that the copying stream fills."""
        if not self._batch:
            self._begin()
        values = np.asarray(values)
        with self._copies:
            array = cp.empty(values.shape, values.dtype)
        if values.size:
            memory = self._free_pinned(values.nbytes)
            buffer = np.frombuffer(memory, np.uint8, values.nbytes)
            np.copyto(buffer.view(values.dtype).reshape(values.shape), values)
            copy_to_device(array.data.ptr, buffer, self._copies)
            done = event()
            done.record(self._copies)
            self._pinned.append((memory, done))
        self._batch.append(array)
        return array

    def _free_pinned(self, size: int) -> Any:
        while self._pinned and self._pinned[0][1].done:
            self._pinned.popleft()
        if len(self._pinned) >= _MOST_COPIES:
            self._pinned.popleft()[1].synchronize()
        # From CuPy's pool of pinned memory, to which what was taken off the queue has gone back.
        return cp.cuda.alloc_pinned_memory(size)
