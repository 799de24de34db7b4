"""A cuBLASLt that computes with NumPy on the memory of the emulated device.

Its functions are C functions: they get what ctypes makes of the arguments. Descriptors are read back by the numbers of
`cublasLt.h`, written down here once more, and refused with the status that the library gives.
"""

from __future__ import annotations

import ctypes
import hashlib
import struct
import threading
import traceback
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import ml_dtypes
import numpy as np

SUCCESS, NOT_INITIALIZED, INVALID_VALUE, EXECUTION_FAILED, INTERNAL_ERROR, NOT_SUPPORTED = 0, 1, 7, 13, 14, 15

CUDA_R_32F, CUDA_R_64F, CUDA_R_16F, CUDA_R_16BF = 0, 1, 2, 14
NUMPY = {
    CUDA_R_32F: np.dtype(np.float32),
    CUDA_R_64F: np.dtype(np.float64),
    CUDA_R_16F: np.dtype(np.float16),
    CUDA_R_16BF: np.dtype(ml_dtypes.bfloat16),
}
CUBLAS_COMPUTE_32F, CUBLAS_COMPUTE_32F_FAST_TF32, CUBLAS_COMPUTE_64F = 68, 77, 70
# (compute, scale, A and B, C and D)
COMBINATIONS = {
    (CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_16F, CUDA_R_16F),
    (CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_16F, CUDA_R_32F),
    (CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_16BF, CUDA_R_16BF),
    (CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_16BF, CUDA_R_32F),
    (CUBLAS_COMPUTE_32F, CUDA_R_32F, CUDA_R_32F, CUDA_R_32F),
    (CUBLAS_COMPUTE_32F_FAST_TF32, CUDA_R_32F, CUDA_R_32F, CUDA_R_32F),
    (CUBLAS_COMPUTE_64F, CUDA_R_64F, CUDA_R_64F, CUDA_R_64F),
}
EPILOGUE_DEFAULT, EPILOGUE_RELU, EPILOGUE_BIAS, EPILOGUE_RELU_BIAS = 1, 2, 4, 6

# Attribute: (name, struct format)
DESC = {
    2: ("pointer_mode", "i"),
    3: ("trans_a", "i"),
    4: ("trans_b", "i"),
    7: ("epilogue", "I"),
    8: ("bias_pointer", "Q"),
    10: ("bias_batch_stride", "q"),
}
LAYOUT = {
    0: ("type", "I"),
    1: ("order", "i"),
    2: ("rows", "Q"),
    3: ("cols", "Q"),
    4: ("ld", "q"),
    5: ("batch_count", "i"),
    6: ("batch_stride", "q"),
}
PREFERENCE = {
    1: ("workspace", "Q"),
    3: ("reductions", "I"),
    5: ("alignment_a", "I"),
    6: ("alignment_b", "I"),
    7: ("alignment_c", "I"),
    8: ("alignment_d", "I"),
}
_MAGIC = 0x6B65726173697368
# algo[64], workspaceSize, state, wavesCount, reserved[4]
_RESULT = struct.Struct("@64sQif4i")
_ALGO = struct.Struct("@QQIIIIQ24x")


@dataclass
class Handle:
    pass


@dataclass
class Desc:
    compute: int
    scale: int
    pointer_mode: int = 0
    trans_a: int = 0
    trans_b: int = 0
    epilogue: int = EPILOGUE_DEFAULT
    bias_pointer: int = 0
    bias_batch_stride: int = 0


@dataclass
class Layout:
    type: int
    rows: int
    cols: int
    ld: int
    order: int = 0
    batch_count: int = 1
    batch_stride: int = 0

    def view(self, pointer: int) -> tuple[tuple[int, ...], tuple[int, ...], int]:
        """Shape and strides in bytes of (batch, rows, cols), and how many bytes lie between the first and the last."""
        size = NUMPY[self.type].itemsize
        shape = (self.batch_count, self.rows, self.cols)
        strides = (self.batch_stride * size, size, self.ld * size)
        return shape, strides, sum((n - 1) * s for n, s in zip(shape, strides)) + size


@dataclass
class Preference:
    # The defaults of the header.
    workspace: int = 0
    reductions: int = 7
    alignment_a: int = 256
    alignment_b: int = 256
    alignment_c: int = 256
    alignment_d: int = 256


class Refusal(Exception):  # noqa: N818
    """What ends a call, with a status."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status


def _check(condition: bool, reason: str, status: int = INVALID_VALUE) -> None:
    if not condition:
        raise Refusal(status, reason)


def _check_problem(desc: Desc, a: Layout, b: Layout, c: Layout, d: Layout) -> tuple[int, int, int]:
    """What the library refuses whatever the algorithm. Returns m, n and k."""
    for name, layout in {"A": a, "B": b, "C": c, "D": d}.items():
        _check(layout.rows > 0 and layout.cols > 0, f"{name} is empty")
        _check(layout.order == 0, f"{name} is not in column-major order", NOT_SUPPORTED)
        _check(layout.ld >= layout.rows, f"{name} has ld {layout.ld} < rows {layout.rows}")
        _check(layout.batch_count == d.batch_count, f"{name} has another number of batches than D")
        _check(layout.batch_stride >= 0, f"{name} has a negative batch stride", NOT_SUPPORTED)
    if d.batch_count > 1:
        _check(d.batch_stride != 0, "the batches of D lie on top of each other")
    _check(desc.pointer_mode == 0, "only scalars on the host are emulated", NOT_SUPPORTED)
    m, k = (a.cols, a.rows) if desc.trans_a else (a.rows, a.cols)
    k_b, n = (b.cols, b.rows) if desc.trans_b else (b.rows, b.cols)
    _check(k == k_b, f"A and B do not fit: k is {k} and {k_b}")
    _check((d.rows, d.cols) == (m, n) == (c.rows, c.cols), f"D is {d.rows} x {d.cols}, the product {m} x {n}")
    _check(a.type == b.type and c.type == d.type, "operands of different types", NOT_SUPPORTED)
    combination = (desc.compute, desc.scale, a.type, d.type)
    _check(combination in COMBINATIONS, f"the types {combination} do not go together", NOT_SUPPORTED)
    known = (EPILOGUE_DEFAULT, EPILOGUE_RELU, EPILOGUE_BIAS, EPILOGUE_RELU_BIAS)
    _check(desc.epilogue in known, f"the epilogue {desc.epilogue} is not emulated", NOT_SUPPORTED)
    return m, n, k


def _tf32(x: np.ndarray) -> np.ndarray:
    bits = np.ascontiguousarray(x, np.float32).view(np.uint32).astype(np.uint64)
    rounded = (bits + 0xFFF + ((bits >> 13) & 1)) & 0xFFFFE000
    return np.where(np.isfinite(x), rounded.astype(np.uint32).view(np.float32), x)


@dataclass
class Library:
    """The functions as attributes.

    What a version or a device may lack can be chosen: `double_epilogues`, and whether it takes `only_aligned` columns,
    those that start at multiples of 16 bytes. `calls` counts them by name; `refusals` tells why calls were refused."""

    double_epilogues: bool = False
    only_aligned: bool = False
    calls: Counter[str] = field(default_factory=Counter)
    refusals: list[str] = field(default_factory=list)
    _objects: dict[int, Any] = field(default_factory=dict)
    _next: int = 0x1000
    _lock: Any = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        p, i, q, size = ctypes.c_void_p, ctypes.c_int, ctypes.c_uint64, ctypes.c_size_t
        signatures: dict[str, tuple[Any, ...]] = {
            "cublasLtCreate": (p,),
            "cublasLtMatmulDescCreate": (p, i, i),
            "cublasLtMatmulDescSetAttribute": (p, i, p, size),
            "cublasLtMatmulDescDestroy": (p,),
            "cublasLtMatrixLayoutCreate": (p, i, q, q, ctypes.c_int64),
            "cublasLtMatrixLayoutSetAttribute": (p, i, p, size),
            "cublasLtMatrixLayoutDestroy": (p,),
            "cublasLtMatmulPreferenceCreate": (p,),
            "cublasLtMatmulPreferenceSetAttribute": (p, i, p, size),
            "cublasLtMatmulPreferenceDestroy": (p,),
            "cublasLtMatmulAlgoGetHeuristic": (p, p, p, p, p, p, p, i, p, p),
            "cublasLtMatmul": (p, p, p, p, p, p, p, p, p, p, p, p, p, p, size, p),
        }
        implementations: dict[str, Callable[..., None]] = {
            "cublasLtCreate": lambda place: self._create(place, Handle()),
            "cublasLtMatmulDescCreate": lambda place, compute, scale: self._create(place, Desc(compute, scale)),
            "cublasLtMatrixLayoutCreate": lambda place, kind, rows, cols, ld: self._create(
                place, Layout(kind, rows, cols, ld)
            ),
            "cublasLtMatmulPreferenceCreate": lambda place: self._create(place, Preference()),
            "cublasLtMatmulDescSetAttribute": lambda *args: self._set(Desc, DESC, *args),
            "cublasLtMatrixLayoutSetAttribute": lambda *args: self._set(Layout, LAYOUT, *args),
            "cublasLtMatmulPreferenceSetAttribute": lambda *args: self._set(Preference, PREFERENCE, *args),
            "cublasLtMatmulDescDestroy": lambda address: self._destroy(Desc, address),
            "cublasLtMatrixLayoutDestroy": lambda address: self._destroy(Layout, address),
            "cublasLtMatmulPreferenceDestroy": lambda address: self._destroy(Preference, address),
            "cublasLtMatmulAlgoGetHeuristic": self._heuristic,
            "cublasLtMatmul": self._matmul,
        }
        for name, types in signatures.items():
            prototype = ctypes.CFUNCTYPE(ctypes.c_int, *types)
            setattr(self, name, prototype(self._guarded(name, implementations[name])))

    def _guarded(self, name: str, implementation: Callable[..., None]) -> Callable[..., int]:
        def call(*arguments: Any) -> int:
            self.calls[name] += 1
            try:
                with self._lock:
                    implementation(*[argument or 0 for argument in arguments])
            except Refusal as refusal:
                self.refusals.append(f"{name}: {refusal}")
                return refusal.status
            except Exception:
                # An exception does not pass through C.
                self.refusals.append(f"{name}: {traceback.format_exc()}")
                return INTERNAL_ERROR
            return SUCCESS

        return call

    @property
    def objects(self) -> Counter[str]:
        """How many handles and descriptors are alive, by type."""
        return Counter(type(item).__name__ for item in self._objects.values())

    def _create(self, place: int, item: Any) -> None:
        self._next += 16
        self._objects[self._next] = item
        ctypes.c_uint64.from_address(place).value = self._next

    def _destroy(self, kind: type, address: int) -> None:
        self._get(kind, address)
        del self._objects[address]

    def _get(self, kind: type, address: int) -> Any:
        item = self._objects.get(address)
        status = NOT_INITIALIZED if kind is Handle else INVALID_VALUE
        _check(isinstance(item, kind), f"{address:#x} is no {kind.__name__}", status)
        return item

    def _set(
        self, kind: type, table: dict[int, tuple[str, str]], address: int, number: int, data: int, size: int
    ) -> None:
        item = self._get(kind, address)
        _check(number in table, f"{kind.__name__} has no attribute {number}")
        name, code = table[number]
        _check(size == struct.calcsize(code), f"{kind.__name__}.{name} takes {struct.calcsize(code)} bytes, not {size}")
        setattr(item, name, struct.unpack(code, ctypes.string_at(data, size))[0])

    def _problem(self, handle: int, desc: int, layouts: tuple[int, ...]) -> tuple[Desc, list[Layout], int]:
        self._get(Handle, handle)
        operation = Desc(**vars(self._get(Desc, desc)))
        matrices = [Layout(**vars(self._get(Layout, layout))) for layout in layouts]
        fixed = {**vars(operation), "bias_pointer": operation.bias_pointer & 15}
        digest = hashlib.sha256(repr((fixed, matrices)).encode()).digest()
        return operation, matrices, int.from_bytes(digest[:8], "little")

    def _heuristic(
        self,
        handle: int,
        desc: int,
        a: int,
        b: int,
        c: int,
        d: int,
        preference: int,
        wanted: int,
        results: int,
        count: int,
    ) -> None:
        operation, matrices, digest = self._problem(handle, desc, (a, b, c, d))
        limits = self._get(Preference, preference)
        _check(wanted > 0, "no algorithm is wanted")
        ctypes.c_int.from_address(count).value = 0
        m, n, k = _check_problem(operation, *matrices)
        if operation.epilogue != EPILOGUE_DEFAULT and operation.compute == CUBLAS_COMPUTE_64F:
            _check(self.double_epilogues, "no epilogue in float64", NOT_SUPPORTED)
        size = NUMPY[matrices[3].type].itemsize
        if operation.epilogue & EPILOGUE_BIAS:
            _check(operation.bias_pointer % size == 0, "the bias is not aligned", NOT_SUPPORTED)
        alignments = (limits.alignment_a, limits.alignment_b, limits.alignment_c, limits.alignment_d)
        for alignment, matrix in zip(alignments, matrices):
            ok = alignment > 0 and alignment & (alignment - 1) == 0
            _check(ok, f"an alignment of {alignment} bytes")
            _check(
                alignment >= NUMPY[matrix.type].itemsize, f"{alignment} bytes are less than an element", NOT_SUPPORTED
            )
            aligned = alignment >= 16 and matrix.ld * NUMPY[matrix.type].itemsize % 16 == 0
            _check(aligned or not self.only_aligned, "columns at odd addresses", NOT_SUPPORTED)
        if matrices[3].type in (CUDA_R_16F, CUDA_R_16BF):
            _check(limits.reductions == 2, "partial sums may be added in half precision")
        # A long sum is split, into a part of the workspace.
        workspace = min(limits.workspace, m * n * 8) if k >= 4 * max(m, n) else 0
        algorithm = _ALGO.pack(_MAGIC, digest, *alignments, workspace)
        ctypes.memmove(results, _RESULT.pack(algorithm, workspace, SUCCESS, 1.0, 0, 0, 0, 0), _RESULT.size)
        ctypes.c_int.from_address(count).value = 1

    def _matmul(
        self, handle: int, desc: int, alpha: int, a: int, layout_a: int, b: int, layout_b: int, beta: int, c: int,
        layout_c: int, d: int, layout_d: int, algo: int, workspace: int, workspace_size: int, stream: int,
    ) -> None:  # fmt: skip
        from tests.emulator import standin

        operation, matrices, digest = self._problem(handle, desc, (layout_a, layout_b, layout_c, layout_d))
        m, _, _ = _check_problem(operation, *matrices)
        magic, made_for, *alignments, needed = _ALGO.unpack(ctypes.string_at(algo, _ALGO.size))
        _check(magic == _MAGIC, "the algorithm is not one of the heuristic's")
        _check(made_for == digest, "the algorithm was chosen for another problem")
        _check(workspace_size >= needed, f"a workspace of {needed} bytes is needed, not {workspace_size}")
        kind = ctypes.c_double if operation.scale == CUDA_R_64F else ctypes.c_float
        factor, keep = kind.from_address(alpha).value, kind.from_address(beta).value
        pointers = (a, b, c, d)
        for name, pointer, alignment in zip("ABCD", pointers, alignments):
            _check(pointer != 0 and pointer % alignment == 0, f"{name} at {pointer:#x} is not aligned to {alignment}")
        _check(c == d or keep == 0, "C and D are apart: not emulated", NOT_SUPPORTED)
        views = [(matrix, *matrix.view(pointer)) for matrix, pointer in zip(matrices, pointers)]
        reads = [(pointer, view[3]) for pointer, view in zip(pointers[:2], views)]
        bias = operation.bias_pointer if operation.epilogue & EPILOGUE_BIAS else 0
        out = NUMPY[matrices[3].type]
        if operation.epilogue & EPILOGUE_BIAS:
            _check(bias != 0, "the epilogue has no bias")
            _check(bias % 16 == 0, f"the bias at {bias:#x} is not aligned to 16 bytes", EXECUTION_FAILED)
            reads.append((bias, m * out.itemsize))
        writes = [(d, views[3][3])]
        if needed:
            _check(workspace % 16 == 0, "the workspace is not aligned")
            writes.append((workspace, needed))

        def array(index: int) -> np.ndarray:
            matrix, shape, strides, _ = views[index]
            return standin.array_at(pointers[index], shape, NUMPY[matrix.type], strides)

        def compute() -> None:
            wide = np.float64 if operation.compute == CUBLAS_COMPUTE_64F else np.float32
            first, second = array(0).astype(wide), array(1).astype(wide)
            if operation.compute == CUBLAS_COMPUTE_32F_FAST_TF32:
                first, second = _tf32(first), _tf32(second)
            if operation.trans_a:
                first = first.swapaxes(1, 2)
            if operation.trans_b:
                second = second.swapaxes(1, 2)
            if needed:
                standin.array_at(workspace, (needed,), np.uint8)[...] = 0xFF
            with np.errstate(all="ignore"):
                result = wide(factor) * np.matmul(first, second)
                if keep != 0:
                    result += wide(keep) * array(2).astype(wide)
                if bias:
                    result += standin.array_at(bias, (m, 1), out).astype(wide)
                if operation.epilogue & EPILOGUE_RELU:
                    result = np.where(result < 0, wide(0), result)
                array(3)[...] = result.astype(out)

        standin.submit(compute, reads, writes, stream=stream)


LIBRARY = Library()


def load_library() -> Library:
    """In place of `kerasish.backend.cupy._cublaslt.load_library`."""
    return LIBRARY
