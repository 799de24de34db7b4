"""Device memory: aligned allocations with guard zones, filled with NaN, and CuPy's pools over them."""

from __future__ import annotations

import bisect
import contextlib
import ctypes
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from . import faults, work_log
from .errors import CUDARuntimeError, EmulatedMemoryError, OutOfMemoryError

GUARD = 256
ALIGNMENT = 512
POISON = 0xFF
TOTAL_MEMORY = 150_000_000_000

_PATTERN = bytes((7 * i + 165) % 251 for i in range(GUARD + ALIGNMENT))
_starts: list[int] = []
_blocks: dict[int, weakref.ref[Block]] = {}
_lock = threading.RLock()
_local = threading.local()
_in_use = 0


def _no_capture() -> Any:
    return None


capture_state: Callable[[], Any] = _no_capture
"""The capture that the current stream takes part in (set by the module `streams`)."""


def rounded(size: int) -> int:
    """The bytes that an allocation takes."""
    return -(-size // ALIGNMENT) * ALIGNMENT


class Block:
    """Memory with guard zones: `size` bytes from an address that is a multiple of 512."""

    __slots__ = ("__weakref__", "_back", "_front", "memory", "payload", "ptr", "released", "size")

    def __init__(self, size: int) -> None:
        self.size = size
        self.released = False
        self.memory: Any = None
        if not size:
            self.ptr, self.payload = 0, np.empty(0, np.uint8)
            self._front = self._back = self.payload
            return
        raw = np.empty(size + 2 * GUARD + ALIGNMENT, np.uint8)
        first = -(-(raw.ctypes.data + GUARD) // ALIGNMENT) * ALIGNMENT - raw.ctypes.data
        self._front = raw[first - GUARD : first]
        self.payload = raw[first : first + size]
        self._back = raw[first + size : first + size + GUARD]
        self._front[:] = np.frombuffer(_PATTERN, np.uint8, GUARD)
        self._back[:] = np.frombuffer(_PATTERN, np.uint8, GUARD)
        self.payload[:] = POISON
        self.ptr = self.payload.ctypes.data
        with _lock:
            bisect.insort(_starts, self.ptr)
            _blocks[self.ptr] = weakref.ref(self)

    def __del__(self) -> None:
        if getattr(self, "size", 0) and _lock is not None:
            with _lock:
                if _blocks.pop(self.ptr, None) is not None:
                    del _starts[bisect.bisect_left(_starts, self.ptr)]

    def check(self) -> None:
        """Raise if the guard zones were written to."""
        if self.size and (self._front.tobytes() != _PATTERN[:GUARD] or self._back.tobytes() != _PATTERN[:GUARD]):
            front = np.flatnonzero(self._front != np.frombuffer(_PATTERN, np.uint8, GUARD))
            back = np.flatnonzero(self._back != np.frombuffer(_PATTERN, np.uint8, GUARD))
            places = [f"{GUARD - front[0]} bytes before its start"] if front.size else []
            places += [f"{back[0]} bytes past its end"] if back.size else []
            self._front[:] = np.frombuffer(_PATTERN, np.uint8, GUARD)
            self._back[:] = np.frombuffer(_PATTERN, np.uint8, GUARD)
            raise EmulatedMemoryError(
                f"A write went outside an allocation of {self.size} bytes, from {' and '.join(places)}."
            )


def find(pointer: int, size: int = 0) -> Block:
    """The allocation that holds `size` bytes from an address."""
    with _lock:
        place = bisect.bisect_right(_starts, pointer) - 1
        block = _blocks[_starts[place]]() if place >= 0 else None
    if block is None or pointer + size > block.ptr + block.size or pointer >= block.ptr + block.size:
        raise EmulatedMemoryError(f"No allocation holds {size} bytes from the device address {pointer:#x}.")
    if block.released or block.memory is None:
        raise EmulatedMemoryError(f"The device address {pointer:#x} lies in memory that was freed.")
    return block


def is_device(pointer: int) -> bool:
    """Whether an address lies in device memory."""
    try:
        find(pointer)
    except EmulatedMemoryError:
        return False
    return True


def check_guards() -> None:
    """Raise if any allocation that is alive was written beyond."""
    for reference in list(_blocks.values()):
        block = reference()
        if block is not None:
            block.check()


class BaseMemory:
    device_id = 0
    ptr = 0
    size = 0

    @property
    def device(self) -> Any:
        from .device import Device

        return Device(self.device_id)


class Memory(BaseMemory):
    """An allocation of CuPy: the memory goes back to its pool when this dies."""

    def __init__(self, size: int, *, _block: Block | None = None, _pool: MemoryPool | None = None) -> None:
        global _in_use
        faults.check_device()
        self.block = Block(size) if _block is None else _block
        self.block.memory = weakref.ref(self)
        self.ptr, self.size = self.block.ptr, self.block.size
        self.pool = _pool
        self.capture = None
        _in_use += rounded(size)
        work_log.count("allocations")

    def __del__(self) -> None:
        global _in_use
        block = getattr(self, "block", None)
        if block is None:
            return
        _in_use -= rounded(self.size)
        block.memory = None
        if self.pool is not None:
            self.pool._take_back(block, self.capture is not None)


class PooledMemory(Memory):
    pass


class UnownedMemory(BaseMemory):
    """Memory which something else keeps; it has to be the stand-in's own."""

    def __init__(self, ptr: int, size: int, owner: Any, device_id: int = -1) -> None:
        self.ptr, self.size, self._owner = ptr, size, owner
        self.block = find(ptr, size) if size else Block(0)
        self._memory = self.block.memory() if size else None
        self.capture = getattr(self._memory, "capture", None)


class MemoryPointer:
    def __init__(self, mem: BaseMemory, offset: int) -> None:
        self.mem = mem
        self.ptr = mem.ptr + offset
        self.device_id = 0

    @property
    def device(self) -> Any:
        return self.mem.device

    def __int__(self) -> int:
        return self.ptr

    def __add__(self, offset: int) -> MemoryPointer:
        return MemoryPointer(self.mem, self.ptr - self.mem.ptr + offset)

    __radd__ = __add__

    def __sub__(self, offset: int) -> MemoryPointer:
        return self + -offset

    def copy_from_device(self, src: MemoryPointer, size: int) -> None:
        self._copy(self.ptr, src.ptr, size, 3, None, False)

    def copy_from_device_async(self, src: MemoryPointer, size: int, stream: Any = None) -> None:
        self._copy(self.ptr, src.ptr, size, 3, stream, True)

    def copy_from_host(self, mem: Any, size: int) -> None:
        self._copy(self.ptr, _address(mem), size, 1, None, False)

    def copy_from_host_async(self, mem: Any, size: int, stream: Any = None) -> None:
        self._copy(self.ptr, _address(mem), size, 1, stream, True)

    def copy_to_host(self, mem: Any, size: int) -> None:
        self._copy(_address(mem), self.ptr, size, 2, None, False)

    def copy_to_host_async(self, mem: Any, size: int, stream: Any = None) -> None:
        self._copy(_address(mem), self.ptr, size, 2, stream, True)

    def copy_from(self, mem: Any, size: int) -> None:
        if isinstance(mem, MemoryPointer):
            self.copy_from_device(mem, size)
        else:
            self.copy_from_host(mem, size)

    def copy_from_async(self, mem: Any, size: int, stream: Any = None) -> None:
        if isinstance(mem, MemoryPointer):
            self.copy_from_device_async(mem, size, stream)
        else:
            self.copy_from_host_async(mem, size, stream)

    def memset(self, value: int, size: int) -> None:
        self.memset_async(value, size)

    def memset_async(self, value: int, size: int, stream: Any = None) -> None:
        from . import runtime, streams

        runtime.memsetAsync(self.ptr, value, size, (stream or streams.get_current_stream()).ptr)

    @staticmethod
    def _copy(target: int, source: int, size: int, kind: int, stream: Any, asynchronous: bool) -> None:
        from . import runtime, streams

        stream = streams.get_current_stream() if stream is None else stream
        if kind != 3 or not asynchronous:
            streams.refuse_copy(stream)
        runtime.memcpyAsync(target, source, size, kind, stream.ptr)


def _address(mem: Any) -> int:
    if isinstance(mem, ctypes.c_void_p):
        return mem.value or 0
    if isinstance(mem, np.ndarray):
        return mem.ctypes.data
    return int(getattr(mem, "ptr", mem))


class MemoryPool:
    """CuPy's pool, as far as its numbers go. Memory of a pool is used again where that shows a mistake: what a graph
    works on and Python has dropped is handed out to whoever asks after the capture."""

    def __init__(self, allocator: Callable[[int], MemoryPointer] | None = None) -> None:
        self._used = 0
        self._free: dict[int, int] = {}
        self._kept: weakref.WeakSet[Block] = weakref.WeakSet()
        self._limit = 0
        # A block may be given back while another thread, or a collection in the middle of malloc, is at work.
        self._lock = threading.RLock()

    def malloc(self, size: int) -> MemoryPointer:
        faults.check_device()
        with self._lock:
            return self._malloc(int(size))

    def _malloc(self, size: int) -> MemoryPointer:
        if not size:
            return MemoryPointer(Memory(0), 0)
        need = rounded(size)
        failing = faults.allocation_fails()
        cached = need in self._free
        over = faults.memory_limit is not None and _in_use + need > faults.memory_limit
        total = self.total_bytes()
        if self._free and not cached and self._limit and total + need > self._limit:
            # CuPy empties the pool before it gives up, and with it what graphs still work on.
            self.free_all_blocks()
            total = self.total_bytes()
        if failing or over or (not cached and self._limit and total + need > self._limit):
            raise OutOfMemoryError(need, total, self._limit)
        capture = capture_state()
        if not cached:
            if capture is not None and not capture.relaxed:
                capture.invalid = True
                raise CUDARuntimeError(900)
        else:
            self._add_free(need, -1)
        block = None
        if capture is None:
            block = next((kept for kept in self._kept if kept.size == size), None)
            if block is not None:
                self._kept.discard(block)
                block.payload[:] = POISON
        memory = PooledMemory(size, _block=block, _pool=self)
        self._used += need
        # Reached through `using_allocator`, if need be through a function of the user's around `malloc`.
        if capture is not None and self is not _default_pool and getattr(_local, "allocator", None) is not None:
            memory.capture = capture
        return MemoryPointer(memory, 0)

    def _add_free(self, unit: int, count: int) -> None:
        left = self._free.get(unit, 0) + count
        if left:
            self._free[unit] = left
        else:
            self._free.pop(unit, None)

    def _take_back(self, block: Block, captured: bool) -> None:
        with self._lock:
            need = rounded(block.size)
            self._used -= need
            self._add_free(need, 1)
            if captured:
                self._kept.add(block)

    def used_bytes(self) -> int:
        return self._used

    def free_bytes(self) -> int:
        return sum(unit * count for unit, count in list(self._free.items()))

    def total_bytes(self) -> int:
        return self.used_bytes() + self.free_bytes()

    def n_free_blocks(self) -> int:
        return sum(self._free.values())

    def free_all_blocks(self, stream: Any = None) -> None:
        with self._lock:
            self._free.clear()
            for block in self._kept:
                block.released = True
            self._kept = weakref.WeakSet()

    def free_all_free(self) -> None:
        self.free_all_blocks()

    def set_limit(self, size: int | None = None, fraction: float | None = None) -> None:
        if size is None:
            size = 0 if fraction is None else int(fraction * TOTAL_MEMORY)
        elif fraction is not None:
            raise ValueError("size and fraction cannot be specified at one time")
        if size < 0:
            raise ValueError(f"memory limit size out of range: {size}")
        self._limit = size

    def get_limit(self) -> int:
        return self._limit


_default_pool = MemoryPool()
_allocator: Callable[[int], MemoryPointer] = _default_pool.malloc


def bytes_in_use() -> int:
    """What all allocations take together."""
    return _in_use


def alloc(size: int) -> MemoryPointer:
    return get_allocator()(size)


def get_allocator() -> Callable[[int], MemoryPointer]:
    return getattr(_local, "allocator", None) or _allocator


def _malloc(size: int) -> MemoryPointer:
    return MemoryPointer(Memory(size), 0)


def set_allocator(allocator: Callable[[int], MemoryPointer] | None = None) -> None:
    global _allocator
    if getattr(_local, "allocator", None) is not None:
        raise ValueError("Can't change the global allocator inside `using_allocator` context manager")
    _allocator = _malloc if allocator is None else allocator


@contextlib.contextmanager
def using_allocator(allocator: Callable[[int], MemoryPointer] | None = None) -> Iterator[None]:
    before = getattr(_local, "allocator", None)
    _local.allocator = _malloc if allocator is None else allocator
    try:
        yield
    finally:
        _local.allocator = before


def get_default_memory_pool() -> MemoryPool:
    return _default_pool


class PinnedMemoryPointer(np.ndarray):
    """Page-locked host memory, to be read with `numpy.frombuffer`."""

    @property
    def ptr(self) -> int:
        return self.ctypes.data

    @property
    def mem(self) -> PinnedMemoryPointer:
        return self

    def size(self) -> int:  # type: ignore[override]
        return self.nbytes


_pinned_ranges: dict[int, tuple[int, weakref.ref]] = {}


def pinned_array(size: int) -> np.ndarray:
    """Host memory that counts as page-locked."""
    faults.check_device()
    # CuPy's pool rounds to a power of two and never fills.
    array = np.full(max(1, size), POISON, np.uint8)
    address = array.ctypes.data
    _pinned_ranges[address] = (array.nbytes, weakref.ref(array, lambda _: _pinned_ranges.pop(address, None)))
    return array[:size] if size else array


def is_pinned(pointer: int, size: int) -> bool:
    """Whether a range of host memory is page-locked."""
    return any(
        start <= pointer and pointer + size <= start + length for start, (length, _) in list(_pinned_ranges.items())
    )


def pinned_owner(pointer: int) -> Any:
    """The page-locked memory that an address lies in."""
    return next(
        (held() for start, (length, held) in list(_pinned_ranges.items()) if start <= pointer < start + length), None
    )


def alloc_pinned_memory(size: int) -> PinnedMemoryPointer:
    return pinned_array(int(size)).view(PinnedMemoryPointer)


class PinnedMemoryPool:
    def __init__(self, allocator: Any = None) -> None:
        pass

    def malloc(self, size: int) -> PinnedMemoryPointer:
        return alloc_pinned_memory(size)

    def free_all_blocks(self) -> None:
        pass

    def n_free_blocks(self) -> int:
        return 0


_pinned_pool = PinnedMemoryPool()


def get_default_pinned_memory_pool() -> PinnedMemoryPool:
    return _pinned_pool
