"""A CUDA graph of a call, for tests of what can be captured."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class Graph:
    """A function of no arguments, captured; `replay` runs it again on what its arrays hold by then."""

    def __init__(self, function: Callable[[], Any]) -> None:
        import cupy

        self._stream = cupy.cuda.Stream(non_blocking=True)
        self._pool = cupy.cuda.MemoryPool()
        with cupy.cuda.using_allocator(self._pool.malloc), self._stream:
            # Kernels are compiled and loaded before.
            function()
            self._stream.synchronize()
            self._stream.begin_capture()
            try:
                self._results = function()
            finally:
                self._graph = self._stream.end_capture()

    def replay(self) -> Any:
        """The results as NumPy arrays."""
        import cupy

        self._graph.launch(self._stream)
        self._stream.synchronize()
        if isinstance(self._results, tuple):
            return tuple([cupy.asnumpy(result) for result in self._results])
        return cupy.asnumpy(self._results)
