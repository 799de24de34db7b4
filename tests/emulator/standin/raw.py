"""Kernels of one's own, run by the emulator."""

from __future__ import annotations

import ctypes
import math
import operator
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from . import faults, memory, streams
from .core import ndarray
from .errors import CUDADriverError

STATIC_LIMIT = 49152
OPT_IN_LIMIT = 232448

_C_TYPES = {
    "?": ctypes.c_bool,
    "b": ctypes.c_int8,
    "h": ctypes.c_int16,
    "i": ctypes.c_int32,
    "l": ctypes.c_int64,
    "q": ctypes.c_int64,
    "B": ctypes.c_uint8,
    "H": ctypes.c_uint16,
    "I": ctypes.c_uint32,
    "L": ctypes.c_uint64,
    "Q": ctypes.c_uint64,
    "f": ctypes.c_float,
    "d": ctypes.c_double,
}


def load(code: str, expression: str) -> Callable[..., None]:
    """The kernel, compiled for the host."""
    from tests.emulator import module

    return module.load(code, expression)


def _scalar(value: Any) -> Any:
    """An argument by value: NumPy scalars as they are, Python's as 64-bit ones."""
    if isinstance(value, np.generic):
        known = _C_TYPES.get(value.dtype.char)
        if known is not None:
            return known(value.item())
        if value.dtype.kind not in "OSUMm":
            raw = value.tobytes()
            return (ctypes.c_uint8 * len(raw)).from_buffer_copy(raw)
    elif isinstance(value, bool):
        return ctypes.c_bool(value)
    elif isinstance(value, int):
        return ctypes.c_int64(value)
    elif isinstance(value, float):
        return ctypes.c_double(value)
    elif isinstance(value, complex):
        return (ctypes.c_double * 2)(value.real, value.imag)
    raise TypeError(f"Unsupported type {type(value)}")


def _size(value: Any) -> tuple[int, int, int]:
    if not isinstance(value, (tuple, list)):
        raise TypeError(f"object of type {type(value).__name__!r} has no len()")
    if not 1 <= len(value) <= 3:
        raise ValueError(f"expected 1 to 3 sizes. Received: {value!r}")
    sizes = [operator.index(n) for n in value]
    return tuple((sizes + [1, 1, 1])[:3])  # type: ignore[return-value]


class Function:
    """A compiled kernel: called with (grid, block, arguments, bytes of shared memory, stream)."""

    def __init__(self, module: Callable[..., None], funcname: str) -> None:
        self.module, self.name = module, funcname
        self._largest = STATIC_LIMIT

    def __call__(self, grid: Any, block: Any, args: Sequence[Any], shared_mem: int = 0, stream: Any = None) -> None:
        faults.check_device()
        grid, block = _size(grid), _size(block)
        if (
            not all(1 <= n <= limit for n, limit in zip(grid, (2**31 - 1, 65535, 65535)))
            or not all(1 <= n <= limit for n, limit in zip(block, (1024, 1024, 64)))
            or math.prod(block) > 1024
            or not 0 <= shared_mem <= self._largest
        ):
            raise CUDADriverError(1)
        compiled = self.module
        arrays: list[tuple[Any, np.ndarray]] = []
        given: list[Any] = []
        for value in args:
            if isinstance(value, ndarray):
                arrays.append(value._pair())
                given.append((len(arrays) - 1, value.data.ptr))
            elif isinstance(value, memory.MemoryPointer):
                size = value.mem.size - (value.ptr - value.mem.ptr)
                arrays.append((value.mem, ndarray((size,), np.uint8, value)._a))
                given.append((len(arrays) - 1, value.ptr))
            else:
                given.append(_scalar(value))
        faults.count_launch()

        def step(*views: np.ndarray) -> None:
            # ctypes objects are made anew: a kernel may change its parameters.
            values = []
            for value in given:
                if isinstance(value, tuple):
                    values.append(ctypes.c_void_p(value[1]))
                else:
                    values.append(type(value).from_buffer_copy(value))
            compiled(grid, block, values, shared_mem)
            for view in views:
                if view.size:
                    streams._block_at(view.__array_interface__["data"][0]).check()

        streams.issue(step, arrays, stream, "kernel_launches")

    def linear_launch(
        self,
        size: int,
        args: Sequence[Any],
        shared_mem: int = 0,
        block_max_size: int = 128,
        stream: Any = None,
        enable_cooperative_groups: bool = False,
    ) -> None:
        self((max(1, -(-size // block_max_size)),), (block_max_size,), args, shared_mem, stream)


class RawKernel:
    """A kernel by name, compiled on first use."""

    def __init__(
        self,
        code: str,
        name: str,
        options: tuple[str, ...] = (),
        backend: str = "nvrtc",
        translate_cucomplex: bool = False,
        *,
        enable_cooperative_groups: bool = False,
        jitify: Any = None,
    ) -> None:
        self.code, self.name, self.options, self.backend = code, name, tuple(options), backend
        self.enable_cooperative_groups = enable_cooperative_groups
        self._function: Function | None = None

    @property
    def kernel(self) -> Function:
        if self._function is None:
            faults.check_device()
            self._function = Function(load(self.code, self.name), self.name)
        return self._function

    def compile(self, log_stream: Any = None) -> None:
        _ = self.kernel

    def __call__(self, grid: Any, block: Any, args: Sequence[Any], **kwargs: Any) -> None:
        self.kernel(grid, block, args, **kwargs)

    @property
    def max_dynamic_shared_size_bytes(self) -> int:
        return self.kernel._largest

    @max_dynamic_shared_size_bytes.setter
    def max_dynamic_shared_size_bytes(self, size: int) -> None:
        if not 0 <= size <= OPT_IN_LIMIT:
            raise CUDADriverError(1)
        self.kernel._largest = size

    max_threads_per_block = property(lambda self: 1024)
    num_regs = property(lambda self: 32)
    local_size_bytes = property(lambda self: 0)
    shared_size_bytes = property(lambda self: 0)
    const_size_bytes = property(lambda self: 0)

    @property
    def attributes(self) -> dict[str, int]:
        return {
            "max_threads_per_block": self.max_threads_per_block,
            "shared_size_bytes": self.shared_size_bytes,
            "const_size_bytes": self.const_size_bytes,
            "local_size_bytes": self.local_size_bytes,
            "num_regs": self.num_regs,
            "ptx_version": 90,
            "binary_version": 90,
            "cache_mode_ca": 0,
            "max_dynamic_shared_size_bytes": self.max_dynamic_shared_size_bytes,
            "preferred_shared_memory_carveout": -1,
        }


class RawModule:
    def __init__(
        self,
        code: str | None = None,
        *,
        path: str | None = None,
        options: tuple[str, ...] = (),
        backend: str = "nvrtc",
        translate_cucomplex: bool = False,
        enable_cooperative_groups: bool = False,
        name_expressions: Sequence[str] | None = None,
        jitify: Any = None,
    ) -> None:
        if (code is None) == (path is None):
            raise TypeError("Exactly one of `code` and `path` keyword arguments must be given.")
        if code is None:
            raise NotImplementedError("the stand-in compiles sources only")
        if not isinstance(options, tuple):
            raise TypeError(f"Argument 'options' has incorrect type (expected tuple, got {type(options).__name__})")
        if name_expressions is not None:
            if not all("<" not in name or name.endswith(">") for name in name_expressions):
                raise ValueError(f"malformed name expressions: {name_expressions}")
            if backend != "nvrtc":
                raise ValueError("only nvrtc supports retrieving the mangled names for the given name expressions")
        self.code, self.options, self.backend = code, options, backend
        self.file_path = None
        self.enable_cooperative_groups = enable_cooperative_groups
        self.name_expressions = None if name_expressions is None else list(name_expressions)
        self._kernels: dict[str, RawKernel] = {}

    def compile(self, log_stream: Any = None) -> None:
        for name in self.name_expressions or ():
            self.get_function(name).compile()

    def get_function(self, name: str) -> RawKernel:
        if self.name_expressions is not None and name not in self.name_expressions:
            # A template that was not named has a mangled symbol, under which nobody finds it.
            raise CUDADriverError(500)
        if name not in self._kernels:
            self._kernels[name] = RawKernel(self.code, name, self.options, self.backend)
        return self._kernels[name]
