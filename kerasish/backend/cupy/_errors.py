"""Errors of the device that say what to do."""

from __future__ import annotations

from typing import Any

from kerasish.backend.cupy._cublaslt import ALLOC_FAILED, CublasLtError
from kerasish.backend.cupy._device import cp

# Statuses of the runtime and of the driver, whose numbers agree.
_OUT_OF_MEMORY = 2
_BROKEN = frozenset((214, 220, 700, 702, 709, 710, *range(714, 720)))


def explained(error: BaseException) -> Exception | None:
    """An error that says what to do, for one of the device that does not; else None.

    Where memory ends, that is a MemoryError; where the device does not work any more, a RuntimeError.
    """
    if out_of_memory(error):
        return MemoryError(_memory_text(error))
    if broken(error):
        return RuntimeError(f"{BROKEN_TEXT} Received: {type(error).__name__}: {error}")
    return None


BROKEN_TEXT = (
    "The GPU stopped at a kernel, maybe one that was started before: the device is unusable until this process ends. "
    "Save nothing from it, and run again with CUDA_LAUNCH_BLOCKING=1 to find the kernel at fault."
)


def out_of_memory(error: BaseException) -> bool:
    """Whether it says that the memory of the device does not suffice."""
    if isinstance(error, CublasLtError):
        return error.status == ALLOC_FAILED
    return isinstance(error, cp.cuda.memory.OutOfMemoryError) or _status(error) == _OUT_OF_MEMORY


def broken(error: BaseException) -> bool:
    """Whether it says that nothing works on the device any more."""
    return _status(error) in _BROKEN


def _status(error: BaseException) -> Any:
    kinds = cp.cuda.runtime.CUDARuntimeError, cp.cuda.driver.CUDADriverError
    return error.status if isinstance(error, kinds) else None


def _memory_text(error: BaseException) -> str:
    return (
        f"The memory of the GPU does not suffice.{_numbers()} Try a smaller batch_size, or half precision: "
        "kerasish.config.set_dtype_policy('mixed_bfloat16') (or 'mixed_float16') before the model is made. Let go of "
        "other models and arrays: del, gc.collect(), then cupy.get_default_memory_pool().free_all_blocks(). See with "
        f"nvidia-smi whether another process holds memory. Received: {type(error).__name__}: {error}"
    )


def _numbers() -> str:
    try:
        free, total = cp.cuda.runtime.memGetInfo()
        pool = cp.get_default_memory_pool()
        used, kept = pool.used_bytes(), pool.free_bytes()
    except Exception:
        return ""
    return (
        f" Of {_size(total)}, {_size(free)} are free; arrays of this process take {_size(used)}, "
        f"and its pool keeps {_size(kept)} for later ones."
    )


def _size(count: int) -> str:
    return f"{count / 2**30:.2f} GiB" if count >= 2**30 else f"{count / 2**20:.1f} MiB"
