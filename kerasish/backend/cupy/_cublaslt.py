"""The part of cuBLASLt that this backend uses, bound with ctypes: one matrix product with its epilogue.

CuPy refuses its own cuBLAS while a CUDA graph is captured. `cublasLtMatmul` takes stream and workspace as arguments,
keeps no state between calls, and so can be captured. Names and numbers are those of `cublasLt.h`.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from ctypes import byref, c_float, c_int, c_int32, c_int64, c_size_t, c_uint32, c_uint64, c_void_p, sizeof
from functools import cache
from typing import Any, NamedTuple

ALLOC_FAILED = 3
NOT_SUPPORTED = 15
_STATUS = {
    1: "CUBLAS_STATUS_NOT_INITIALIZED",
    ALLOC_FAILED: "CUBLAS_STATUS_ALLOC_FAILED",
    7: "CUBLAS_STATUS_INVALID_VALUE",
    8: "CUBLAS_STATUS_ARCH_MISMATCH",
    11: "CUBLAS_STATUS_MAPPING_ERROR",
    13: "CUBLAS_STATUS_EXECUTION_FAILED",
    14: "CUBLAS_STATUS_INTERNAL_ERROR",
    NOT_SUPPORTED: "CUBLAS_STATUS_NOT_SUPPORTED",
    16: "CUBLAS_STATUS_LICENSE_ERROR",
}

_HELP = {
    1: "the driver may be too old for this cuBLASLt, or the memory of the GPU is spent: see nvidia-smi",
    7: "the matrices are not such as the library takes",
    8: "this cuBLASLt does not know the GPU: install a newer nvidia-cublas",
    13: "the GPU stopped at a kernel, maybe one that was started before, and is unusable until this process ends",
    14: "the installed cuBLASLt and the driver may not fit together: pip install -U nvidia-cublas",
}

DATA_TYPES = {"float32": 0, "float64": 1, "float16": 2, "bfloat16": 14}
"""`cudaDataType` by dtype name."""

COMPUTE_32F, COMPUTE_32F_FAST_TF32, COMPUTE_64F = 68, 77, 70
EPILOGUE_DEFAULT, EPILOGUE_RELU, EPILOGUE_BIAS = 1, 2, 4
REDUCTION_INPLACE, REDUCTION_COMPUTE_TYPE, REDUCTION_ALL = 1, 2, 7

_DESC_TRANSA, _DESC_TRANSB, _DESC_EPILOGUE, _DESC_BIAS_POINTER = 3, 4, 7, 8
_LAYOUT_BATCH_COUNT, _LAYOUT_BATCH_STRIDE = 5, 6
_PREFERENCE_WORKSPACE, _PREFERENCE_REDUCTIONS = 1, 3
_PREFERENCE_ALIGNMENT_A, _PREFERENCE_ALIGNMENT_B, _PREFERENCE_ALIGNMENT_C, _PREFERENCE_ALIGNMENT_D = 5, 6, 7, 8
_TRANSPOSED = 1

_LIBRARIES = {
    "win32": ("cublasLt64_13.dll", "cublasLt64_12.dll"),
    "linux": ("libcublasLt.so.13", "libcublasLt.so.12"),
}


class _Algorithm(ctypes.Structure):
    _fields_ = [("data", c_uint64 * 8)]


class _HeuristicResult(ctypes.Structure):
    _fields_ = [
        ("algo", _Algorithm),
        ("workspace_size", c_size_t),
        ("state", c_int),
        ("waves_count", c_float),
        ("reserved", c_int * 4),
    ]


_SIGNATURES: dict[str, tuple[Any, ...]] = {
    "cublasLtCreate": (c_void_p,),
    "cublasLtMatmulDescCreate": (c_void_p, c_int, c_int),
    "cublasLtMatmulDescSetAttribute": (c_void_p, c_int, c_void_p, c_size_t),
    "cublasLtMatmulDescDestroy": (c_void_p,),
    "cublasLtMatrixLayoutCreate": (c_void_p, c_int, c_uint64, c_uint64, c_int64),
    "cublasLtMatrixLayoutSetAttribute": (c_void_p, c_int, c_void_p, c_size_t),
    "cublasLtMatrixLayoutDestroy": (c_void_p,),
    "cublasLtMatmulPreferenceCreate": (c_void_p,),
    "cublasLtMatmulPreferenceSetAttribute": (c_void_p, c_int, c_void_p, c_size_t),
    "cublasLtMatmulPreferenceDestroy": (c_void_p,),
    "cublasLtMatmulAlgoGetHeuristic": (*(c_void_p,) * 7, c_int, c_void_p, c_void_p),
    "cublasLtMatmul": (*(c_void_p,) * 14, c_size_t, c_void_p),
}


class CublasLtError(RuntimeError):
    """A call of the library that did not succeed. `status` is its `cublasStatus_t`."""

    def __init__(self, function: str, status: int, detail: str = "") -> None:
        self.status = status
        name = _STATUS.get(status, "an unknown status")
        help = _HELP.get(status)
        super().__init__(f"{function} failed{detail}{f': {help}' if help else ''}. Received: {name} ({status})")


class NotSupportedError(CublasLtError):
    """There is no algorithm for this problem."""


def load_library() -> Any:
    """The shared library: of the package nvidia-cublas, or of a CUDA toolkit.

    Raises:
        ImportError: It is not installed.
    """
    try:
        from cuda.pathfinder import load_nvidia_dynamic_lib

        return ctypes.CDLL(load_nvidia_dynamic_lib("cublasLt").abs_path)
    except (ImportError, OSError, RuntimeError) as error:
        problem: Exception = error
    names = _LIBRARIES.get(sys.platform, _LIBRARIES["linux"])
    for name in names:
        try:
            return ctypes.CDLL(name)
        except OSError as error:
            problem = error
    raise ImportError(
        "The backend 'cupy' multiplies matrices through cuBLASLt and found none: install the package nvidia-cublas "
        "(it comes with pip install 'kerasish[cuda13]'; the package is called nvidia-cublas-cu12 in "
        f"'kerasish[cuda12]') or a CUDA toolkit. Expected one of {list(names)}. Received: {problem}"
    ) from problem


@cache
def library() -> Any:
    """The library with the types of its functions declared, loaded on first use."""
    loaded = load_library()
    for name, types in _SIGNATURES.items():
        function = getattr(loaded, name)
        function.argtypes = types
        function.restype = c_int
    return loaded


def _call(name: str, *arguments: Any) -> None:
    status = getattr(library(), name)(*arguments)
    if status:
        raise CublasLtError(name, status)


def _set(kind: str, descriptor: c_void_p, attribute: int, value: Any) -> None:
    _call(f"{kind}SetAttribute", descriptor, attribute, byref(value), sizeof(value))


def create_handle() -> c_void_p:
    """A handle, for the current device; it is kept until the process ends."""
    handle = c_void_p()
    _call("cublasLtCreate", byref(handle))
    return handle


class Matrix(NamedTuple):
    """A matrix in column-major order, and those after it in a batch."""

    data_type: int
    rows: int
    columns: int
    leading: int
    batch_stride: int
    alignment: int


class Matmul:
    """`d = epilogue(alpha * op(a) @ op(b) + beta * d)`: descriptors, and the best algorithm of the heuristic.

    All matrices are in column-major order. The bias has one element for each row of `d`.

    Args:
        handle: From `create_handle`.
        a: The first operand as it is stored.
        b: The second one.
        d: The result.
        transpose: Which of the operands are transposed.
        batch: How many products there are.
        compute: A `cublasComputeType_t`; the scales are float64 for COMPUTE_64F, else float32.
        epilogue: EPILOGUE_DEFAULT, or the others or-ed.
        bias: The address of a bias, aligned to 16 bytes as all later ones, or 0.
        workspace: How many bytes each call offers.
        reductions: By which schemes partial sums may be added.

    Raises:
        NotSupportedError: The library has no algorithm for it.
    """

    def __init__(
        self,
        handle: c_void_p,
        a: Matrix,
        b: Matrix,
        d: Matrix,
        *,
        transpose: tuple[bool, bool],
        batch: int,
        compute: int,
        epilogue: int,
        bias: int,
        workspace: int,
        reductions: int,
    ) -> None:
        self._handle = handle
        self._desc = c_void_p()
        self._layouts = [c_void_p(), c_void_p(), c_void_p()]
        self._bias = c_uint64(bias)
        self._lock = threading.Lock()
        self._algorithm = _Algorithm()
        self._matmul = library().cublasLtMatmul
        scale = DATA_TYPES["float64" if compute == COMPUTE_64F else "float32"]
        self._scalar = ctypes.c_double if compute == COMPUTE_64F else c_float
        self._numbers = [self._scalar(number) for number in (0.0, 1.0)]
        # What each call passes: the objects are made once.
        self._scalars = {number.value: c_void_p(ctypes.addressof(number)) for number in self._numbers}
        self._algorithm_address = c_void_p(ctypes.addressof(self._algorithm))
        _call("cublasLtMatmulDescCreate", byref(self._desc), compute, scale)
        for attribute, flag in zip((_DESC_TRANSA, _DESC_TRANSB), transpose):
            if flag:
                _set("cublasLtMatmulDesc", self._desc, attribute, c_int32(_TRANSPOSED))
        _set("cublasLtMatmulDesc", self._desc, _DESC_EPILOGUE, c_uint32(epilogue))
        if epilogue & EPILOGUE_BIAS:
            # The heuristic reads the alignment from it.
            _set("cublasLtMatmulDesc", self._desc, _DESC_BIAS_POINTER, self._bias)
        for layout, matrix in zip(self._layouts, (a, b, d)):
            _call("cublasLtMatrixLayoutCreate", byref(layout), *matrix[:4])
            if batch > 1:
                _set("cublasLtMatrixLayout", layout, _LAYOUT_BATCH_COUNT, c_int32(batch))
                _set("cublasLtMatrixLayout", layout, _LAYOUT_BATCH_STRIDE, c_int64(matrix.batch_stride))
        self._choose((a.alignment, b.alignment, d.alignment, d.alignment), workspace, reductions)

    def _choose(self, alignments: tuple[int, ...], workspace: int, reductions: int) -> None:
        preference = c_void_p()
        _call("cublasLtMatmulPreferenceCreate", byref(preference))
        try:
            _set("cublasLtMatmulPreference", preference, _PREFERENCE_WORKSPACE, c_uint64(workspace))
            _set("cublasLtMatmulPreference", preference, _PREFERENCE_REDUCTIONS, c_uint32(reductions))
            attributes = (
                _PREFERENCE_ALIGNMENT_A,
                _PREFERENCE_ALIGNMENT_B,
                _PREFERENCE_ALIGNMENT_C,
                _PREFERENCE_ALIGNMENT_D,
            )
            for attribute, alignment in zip(attributes, alignments):
                _set("cublasLtMatmulPreference", preference, attribute, c_uint32(alignment))
            result, found = _HeuristicResult(), c_int(0)
            a, b, d = self._layouts
            status = library().cublasLtMatmulAlgoGetHeuristic(
                self._handle, self._desc, a, b, d, d, preference, 1, byref(result), byref(found)
            )
            if not status and found.value:
                status = result.state
            if status or not found.value:
                # The library says "invalid value" too of epilogues that it does not have.
                kind = NotSupportedError if status in (0, 7, NOT_SUPPORTED) else CublasLtError
                raise kind("cublasLtMatmulAlgoGetHeuristic", status or NOT_SUPPORTED)
            ctypes.memmove(byref(self._algorithm), byref(result.algo), sizeof(_Algorithm))
        finally:
            _call("cublasLtMatmulPreferenceDestroy", preference)

    def __call__(
        self,
        a: int,
        b: int,
        d: int,
        alpha: float,
        beta: float,
        bias: int,
        workspace: int,
        workspace_size: int,
        stream: int,
    ) -> None:
        """Put the product on a stream. Operands, bias (or 0) and workspace are device addresses.

        Raises:
            CublasLtError: The library refuses the call.
        """
        scalars = self._scalars
        alpha_c, beta_c = scalars.get(alpha), scalars.get(beta)
        if alpha_c is None:
            alpha_c = byref(self._scalar(alpha))  # type: ignore[assignment]
        if beta_c is None:
            beta_c = byref(self._scalar(beta))  # type: ignore[assignment]
        if not bias:
            status = self._enqueue(a, b, d, alpha_c, beta_c, workspace, workspace_size, stream)
        else:
            # Another thread must not put its own bias between the two calls.
            with self._lock:
                if bias != self._bias.value:
                    self._bias.value = bias
                    _set("cublasLtMatmulDesc", self._desc, _DESC_BIAS_POINTER, self._bias)
                status = self._enqueue(a, b, d, alpha_c, beta_c, workspace, workspace_size, stream)
        if status:
            raise CublasLtError("cublasLtMatmul", status)

    def _enqueue(
        self, a: int, b: int, d: int, alpha: Any, beta: Any, workspace: int, workspace_size: int, stream: int
    ) -> int:
        layout_a, layout_b, layout_d = self._layouts
        return self._matmul(
            self._handle, self._desc, alpha, a, layout_a, b, layout_b, beta, d, layout_d, d, layout_d,
            self._algorithm_address, workspace, workspace_size, stream,
        )  # fmt: skip

    def __del__(self) -> None:
        # At exit the module may be gone already; the memory goes with the process then.
        if not sys.is_finalizing():
            for layout in self._layouts:
                if layout:
                    library().cublasLtMatrixLayoutDestroy(layout)
            if self._desc:
                library().cublasLtMatmulDescDestroy(self._desc)
