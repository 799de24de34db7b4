"""A stand-in for CuPy: arrays in guarded host memory, capture that delays, refusals like CuPy's.

This package plays the module `cupy`; `MODULES` says which of its modules plays which other. Beyond CuPy's own names it
has `faults`, `work_log`, `check_guards`, `submit` and `array_at` for tests and for emulated libraries.
"""

from __future__ import annotations

import sys
from types import ModuleType

import numpy as np

from . import cuda, cupyx, errors, faults, functions, linalg, raw, runtime, streams, work_log  # noqa: F401
from .core import ndarray, ufunc
from .memory import check_guards  # noqa: F401
from .raw import RawKernel, RawModule
from .streams import array_at, submit  # noqa: F401

__version__ = "14.2.0"

_OWN = {"annotations", "Callable", "Any", "core", "memory", "streams", "compute", "reduction", "unify", "as_operand",
        "checked_dtype", "refuse_reading", "builtins", "operator", "np", "UFUNCS", "BFLOAT16", "ndarray", "as_strided",
        "sliding_window_view"}  # fmt: skip
_names = [name for name in vars(functions) if not name.startswith("_") and name not in _OWN]
globals().update({name: getattr(functions, name) for name in _names})

_TYPES = [
    "bool_", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32",
    "float64", "complex64", "complex128", "intp", "uintp", "intc", "byte", "half", "single", "double", "number",
    "generic", "floating", "integer", "inexact", "signedinteger", "unsignedinteger", "complexfloating", "dtype",
    "newaxis", "pi", "e", "inf", "nan", "euler_gamma", "issubdtype", "isdtype", "index_exp", "s_",
    "broadcast_shapes",
]  # fmt: skip
globals().update({name: getattr(np, name) for name in _TYPES})
bool = np.bool_


lib = ModuleType("cupy.lib")
lib.stride_tricks = ModuleType("cupy.lib.stride_tricks")  # type: ignore[attr-defined]
lib.stride_tricks.as_strided = functions.as_strided  # type: ignore[attr-defined]
lib.stride_tricks.sliding_window_view = functions.sliding_window_view  # type: ignore[attr-defined]

__all__ = [*_names, *_TYPES, "RawKernel", "RawModule", "bool", "cuda", "lib", "linalg", "ndarray", "ufunc"]

_backends = ModuleType("cupy_backends")
_backends.cuda = ModuleType("cupy_backends.cuda")  # type: ignore[attr-defined]
_backends.cuda.api = ModuleType("cupy_backends.cuda.api")  # type: ignore[attr-defined]
_backends.cuda.api.runtime = runtime  # type: ignore[attr-defined]
_backends.cuda.api.driver = cuda.driver  # type: ignore[attr-defined]

MODULES: dict[str, ModuleType] = {
    "cupy": sys.modules[__name__],
    "cupy.cuda": cuda,
    **{
        f"cupy.cuda.{name}": getattr(cuda, name)
        for name in ("compiler", "device", "function", "graph", "memory", "pinned_memory", "runtime", "stream")
    },
    "cupy.lib": lib,
    "cupy.lib.stride_tricks": lib.stride_tricks,
    "cupy.linalg": linalg,
    "cupyx": cupyx,
    "cupyx.scipy": cupyx.scipy,
    "cupyx.scipy.special": cupyx.special,
    "cupy_backends": _backends,
    "cupy_backends.cuda": _backends.cuda,
    "cupy_backends.cuda.api": _backends.cuda.api,
    "cupy_backends.cuda.api.runtime": runtime,
    "cupy_backends.cuda.api.driver": cuda.driver,
}
"""What goes into `sys.modules`, by name."""
