"""`cupy.cuda`."""

from __future__ import annotations

from types import ModuleType

from . import errors, runtime
from . import memory as _memory
from . import raw as _raw
from .device import Device, get_device_id
from .memory import (
    Memory,
    MemoryPointer,
    MemoryPool,
    PinnedMemoryPointer,
    PinnedMemoryPool,
    UnownedMemory,
    alloc,
    alloc_pinned_memory,
    get_allocator,
    set_allocator,
    using_allocator,
)
from .raw import Function
from .streams import Event, ExternalStream, Graph, Stream, get_current_stream, get_elapsed_time

__all__ = [
    "Device",
    "Event",
    "ExternalStream",
    "Function",
    "Graph",
    "Memory",
    "MemoryPointer",
    "MemoryPool",
    "PinnedMemoryPointer",
    "PinnedMemoryPool",
    "Stream",
    "UnownedMemory",
    "alloc",
    "alloc_pinned_memory",
    "compiler",
    "device",
    "driver",
    "function",
    "get_allocator",
    "get_current_stream",
    "get_device_id",
    "get_elapsed_time",
    "graph",
    "is_available",
    "memory",
    "pinned_memory",
    "runtime",
    "set_allocator",
    "stream",
    "using_allocator",
]


def _module(name: str, **members: object) -> ModuleType:
    module = ModuleType(f"cupy.cuda.{name}")
    module.__dict__.update(members)
    return module


def is_available() -> bool:
    try:
        return runtime.getDeviceCount() > 0
    except errors.CUDARuntimeError:
        return False


memory = _module(
    "memory",
    BaseMemory=_memory.BaseMemory,
    Memory=Memory,
    MemoryPointer=MemoryPointer,
    MemoryPool=MemoryPool,
    OutOfMemoryError=errors.OutOfMemoryError,
    PooledMemory=_memory.PooledMemory,
    UnownedMemory=UnownedMemory,
    alloc=alloc,
    get_allocator=get_allocator,
    set_allocator=set_allocator,
)
pinned_memory = _module(
    "pinned_memory",
    PinnedMemoryPointer=PinnedMemoryPointer,
    PinnedMemoryPool=PinnedMemoryPool,
    alloc_pinned_memory=alloc_pinned_memory,
)
compiler = _module("compiler", CompileException=errors.CompileException)
graph = _module("graph", Graph=Graph)
stream = _module(
    "stream",
    Event=Event,
    ExternalStream=ExternalStream,
    Stream=Stream,
    get_current_stream=get_current_stream,
    get_elapsed_time=get_elapsed_time,
)
device = _module("device", Device=Device, get_device_id=get_device_id)
function = _module("function", Function=_raw.Function)
driver = _module("driver", CUDADriverError=errors.CUDADriverError)
runtime.CUDARuntimeError = errors.CUDARuntimeError
