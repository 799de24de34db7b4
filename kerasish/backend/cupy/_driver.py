"""What may be missing on a machine for the GPU backend to run, found without starting anything."""

from __future__ import annotations

import ctypes
import importlib.util
import sys

OLDEST_CAPABILITY = (7, 5)
"""The oldest compute capability that the kernels are compiled for: Turing."""

_ADVICE = "Set KERASISH_BACKEND=numpy (or numba) to run on the CPU."


def problem() -> str | None:
    """Why the backend cannot run here and what helps, as one sentence or two; None when it can."""
    if importlib.util.find_spec("ml_dtypes") is None:
        return (
            "The backend 'cupy' needs the package ml_dtypes, for bfloat16: pip install 'kerasish[cuda13]' or "
            f"'kerasish[cuda12]'. {_ADVICE}"
        )
    if "cupy" not in sys.modules:
        if importlib.util.find_spec("cupy") is None:
            return (
                "The backend 'cupy' needs the package CuPy: pip install 'kerasish[cuda13]' (drivers from 580 on) or "
                f"'kerasish[cuda12]' (older drivers). {_ADVICE}"
            )
        if not _driver_is_there():
            return (
                "The backend 'cupy' found no NVIDIA driver (libcuda) on this machine: it needs an NVIDIA GPU with its "
                f"driver installed. {_ADVICE}"
            )
    return _device_problem()


def _driver_is_there() -> bool:
    name = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def _device_problem() -> str | None:
    try:
        # Before CuPy, which takes up bfloat16 only if the package is there by then.
        import ml_dtypes  # noqa: F401

        import cupy  # isort: skip
    except Exception as error:
        return (
            "The backend 'cupy' found CuPy, but cannot import it: install again the one package of CuPy that fits the "
            f"driver, with pip install --force-reinstall 'kerasish[cuda13]' or 'kerasish[cuda12]'. {_ADVICE} "
            f"Received: {type(error).__name__}: {error}"
        )

    runtime = cupy.cuda.runtime
    try:
        count = runtime.getDeviceCount()
    except runtime.CUDARuntimeError as error:
        if "InsufficientDriver" in str(error):
            return (
                f"The NVIDIA driver is too old for this CuPy ({cupy.__version__}), which is built for CUDA "
                f"{_version(_built_for(runtime))}: update the driver, or install 'kerasish[cuda12]' in place of "
                f"'kerasish[cuda13]'. {_ADVICE} Received: {error}"
            )
        return f"The backend 'cupy' found no usable GPU: {error}. Check it with nvidia-smi. {_ADVICE}"
    if not count:
        return (
            "The backend 'cupy' found no GPU: expected at least one visible device (see CUDA_VISIBLE_DEVICES). "
            f"{_ADVICE} Received: 0 devices"
        )
    capability = cupy.cuda.Device().compute_capability
    major, minor = int(capability[:-1]), int(capability[-1])
    if (major, minor) < OLDEST_CAPABILITY:
        return (
            f"The GPU is too old for the backend 'cupy': expected compute capability {OLDEST_CAPABILITY[0]}."
            f"{OLDEST_CAPABILITY[1]} or newer (Turing). {_ADVICE} Received: {major}.{minor}"
        )
    return None


def _built_for(runtime: object) -> int:
    return int(runtime.runtimeGetVersion())  # type: ignore[attr-defined]


def _version(number: int) -> str:
    return f"{number // 1000}.{number % 1000 // 10}"
