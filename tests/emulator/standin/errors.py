"""The exceptions of CUDA as CuPy raises them."""

from __future__ import annotations

_ERRORS = {
    1: ("InvalidValue", "INVALID_VALUE", "invalid argument"),
    2: ("MemoryAllocation", "OUT_OF_MEMORY", "out of memory"),
    35: (
        "InsufficientDriver",
        "SYSTEM_DRIVER_MISMATCH",
        "CUDA driver version is insufficient for CUDA runtime version",
    ),
    100: ("NoDevice", "NO_DEVICE", "no CUDA-capable device is detected"),
    101: ("InvalidDevice", "INVALID_DEVICE", "invalid device ordinal"),
    401: ("IllegalState", "ILLEGAL_STATE", "the operation cannot be performed in the present state"),
    500: ("SymbolNotFound", "NOT_FOUND", "named symbol not found"),
    700: ("IllegalAddress", "ILLEGAL_ADDRESS", "an illegal memory access was encountered"),
    719: ("LaunchFailure", "LAUNCH_FAILED", "unspecified launch failure"),
    900: (
        "StreamCaptureUnsupported",
        "STREAM_CAPTURE_UNSUPPORTED",
        "operation not permitted when stream is capturing",
    ),
    901: (
        "StreamCaptureInvalidated",
        "STREAM_CAPTURE_INVALIDATED",
        "operation failed due to a previous error during capture",
    ),
    902: (
        "StreamCaptureMerge",
        "STREAM_CAPTURE_MERGE",
        "operation would result in a merge of separate capture sequences",
    ),
    904: ("StreamCaptureUnjoined", "STREAM_CAPTURE_UNJOINED", "capturing stream has unjoined work"),
    905: (
        "StreamCaptureIsolation",
        "STREAM_CAPTURE_ISOLATION",
        "dependency created on uncaptured work in another stream",
    ),
    906: (
        "StreamCaptureImplicit",
        "STREAM_CAPTURE_IMPLICIT",
        "operation would make the legacy stream depend on a capturing blocking stream",
    ),
    907: (
        "CapturedEvent",
        "CAPTURED_EVENT",
        "operation not permitted on an event last recorded in a capturing stream",
    ),
}


class CUDARuntimeError(RuntimeError):
    def __init__(self, status: int) -> None:
        self.status = status
        name, _, text = _ERRORS[status]
        super().__init__(f"cudaError{name}: {text}")

    def __reduce__(self):
        return type(self), (self.status,)


class CUDADriverError(RuntimeError):
    def __init__(self, status: int) -> None:
        self.status = status
        _, name, text = _ERRORS[status]
        super().__init__(f"CUDA_ERROR_{name}: {text}")

    def __reduce__(self):
        return type(self), (self.status,)


class OutOfMemoryError(MemoryError):
    def __init__(self, size: int, total: int, limit: int = 0) -> None:
        self._size, self._total, self._limit = size, total, limit
        text = f"Out of memory allocating {size:,} bytes (allocated so far: {total:,} bytes"
        super().__init__(text + (f", limit set to: {limit:,} bytes)." if limit else ")."))

    def __reduce__(self):
        return type(self), (self._size, self._total, self._limit)


class CompileException(Exception):  # noqa: N818
    def __init__(self, msg: str, source: str, name: str, options: tuple[str, ...], backend: str = "nvrtc") -> None:
        super().__init__(msg)
        self._msg, self.source, self.name, self.options, self.backend = msg, source, name, options, backend

    def get_message(self) -> str:
        return str(self._msg)

    def __str__(self) -> str:
        return self.get_message()


class EmulatedMemoryError(RuntimeError):
    """What a GPU would not notice: a write beyond an allocation, or work on memory that was freed."""
