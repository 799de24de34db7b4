"""Kernels of our own: templates in `kernels/*.cu`, compiled by NVRTC on first use.

A `Kernel` names a template and every type it is instantiated for, so that all of them can be listed, compiled and
checked without a GPU. CuPy keeps what was compiled in its cache on disk.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib import resources
from typing import Any

import numpy as np

from kerasish.backend.contract.types import Array, Scalar
from kerasish.backend.cupy._device import cp

FLOATS = ("float", "double", "__half", "__nv_bfloat16")
"""The floating-point types as CUDA C writes them."""

OPTIONS = ("-std=c++17",)

_C_TYPES = {
    "float32": "float",
    "float64": "double",
    "float16": "__half",
    "bfloat16": "__nv_bfloat16",
    "bool": "bool",
    "int8": "signed char",
    "int16": "short",
    "int32": "int",
    "int64": "long long",
    "uint8": "unsigned char",
    "uint16": "unsigned short",
    "uint32": "unsigned int",
    "uint64": "unsigned long long",
}
_by_dtype: dict[Any, str] = {}

_INCLUDE = re.compile(r'^[ \t]*#include "([^"]+)"[ \t]*$', re.MULTILINE)
_NOWHERE = np.uint64(0)

REGISTRY: list[Kernel] = []
"""Every kernel of the modules imported so far."""


def c_type(dtype: Any) -> str:
    """The name of a NumPy dtype in CUDA C: "float" for float32."""
    name = _by_dtype.get(dtype)
    if name is None:
        name = _by_dtype[dtype] = _C_TYPES[np.dtype(dtype).name]
    return name


def blocks(count: int, threads: int) -> int:
    """How many blocks of so many threads cover `count` elements, at least one."""
    return max(1, -(-count // threads))


def contiguous(x: Array) -> Array:
    """The array in row-major order; itself where it is."""
    return x if x.flags.c_contiguous else cp.ascontiguousarray(x)


def scalar(value: Scalar, dtype: Any) -> tuple[Any, Any]:
    """Two arguments for `read_scalar`: a 0-d device array or None, and a number of this dtype."""
    if isinstance(value, cp.ndarray):
        return (value if value.dtype == dtype else value.astype(dtype)), np.dtype(dtype).type(0)
    return None, np.dtype(dtype).type(value)


@cache
def source(file: str) -> str:
    """A file of `kernels/` with its own headers put in place: CuPy's cache looks at this text alone."""
    return _expanded(file, set())


def _expanded(file: str, seen: set[str]) -> str:
    if file in seen:
        return ""
    seen.add(file)
    text = resources.files("kerasish.backend.cupy").joinpath("kernels", file).read_text(encoding="utf-8")
    return _INCLUDE.sub(lambda match: _expanded(match[1], seen), text)


class Kernel:
    """A template of a file in `kernels/`, with the types it is instantiated for.

    Args:
        file: The file, as "softmax.cu".
        name: The name of the `__global__` template.
        where: Which combinations of the parameters there are; by default all.
        **parameters: For each template parameter, in order, what it can be, in CUDA C.
    """

    def __init__(
        self, file: str, name: str, *, where: Callable[..., bool] | None = None, **parameters: Sequence[str]
    ) -> None:
        self.file = file
        self.name = name
        self._where = where
        self._parameters = parameters
        self._functions: dict[tuple[str, ...], Any] = {}
        self._largest: dict[tuple[str, ...], int] = {}
        REGISTRY.append(self)

    def combinations(self) -> Iterator[tuple[str, ...]]:
        """The template arguments of every instantiation."""
        for key in itertools.product(*self._parameters.values()):
            if self._where is None or self._where(**dict(zip(self._parameters, key))):
                yield key

    def expression(self, key: tuple[str, ...]) -> str:
        """An instantiation in CUDA C: `softmax<float, true>`."""
        return f"{self.name}<{', '.join(key)}>" if key else self.name

    def __call__(
        self,
        key: tuple[str, ...],
        grid: int | tuple[int, ...],
        block: int | tuple[int, ...],
        args: Sequence[Any],
        shared: int = 0,
    ) -> None:
        """Launch an instantiation on the current stream.

        Args:
            key: Its template arguments.
            grid: The number of blocks, along one to three dimensions.
            block: The number of threads of a block, likewise.
            args: Device arrays (their addresses are passed; None for a null pointer) and NumPy scalars.
            shared: Bytes of dynamic shared memory.
        """
        function = self._functions.get(key)
        if function is None:
            function = self._functions[key] = self._compiled(key)
        if shared > 49152 and shared > self._largest.get(key, 0):
            function.max_dynamic_shared_size_bytes = shared
            self._largest[key] = shared
        try:
            function(
                grid if isinstance(grid, tuple) else (grid,),
                block if isinstance(block, tuple) else (block,),
                tuple([_NOWHERE if argument is None else argument for argument in args]),
                shared_mem=shared,
            )
        except Exception as error:
            told = _launch_error(self.expression(key), grid, block, shared, error)
            if told is error:
                raise
            raise told from error

    def _compiled(self, key: tuple[str, ...]) -> Any:
        known = list(self.combinations())
        if key not in known:
            raise TypeError(
                f"The CUDA kernel {self.name!r} is not made for these types: expected one of {known}. Received: {key}"
            )
        expression = self.expression(key)
        module = cp.RawModule(code=source(self.file), options=OPTIONS, name_expressions=[expression])
        return module.get_function(expression)


def _launch_error(expression: str, grid: Any, block: Any, shared: int, error: Exception) -> Exception:
    from kerasish.backend.cupy._errors import explained, out_of_memory

    if out_of_memory(error):
        return explained(error) or error
    if isinstance(error, (TypeError, ValueError)):
        return error
    return RuntimeError(
        f"The CUDA kernel {expression} could not be launched with {grid=}, {block=} and {shared} bytes of shared "
        "memory. If an illegal address or a launch failure is named below, this or an earlier kernel is at fault and "
        "the device is unusable until this process ends: save nothing from it, and run again with "
        "CUDA_LAUNCH_BLOCKING=1 to find the kernel. "
        f"Received: {type(error).__name__}: {error}"
    )
