"""The GPU: CuPy arrays, CUDA kernels of our own (`kernels/*.cu`) and cuBLASLt.

Importing this package touches neither CuPy nor a device; the families are imported when the backend is activated.
"""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

from kerasish.backend.contract import FAMILIES
from kerasish.backend.cupy._driver import problem

__all__ = [*FAMILIES, "explained", "recorder", "stager", "usable"]


def usable() -> bool:
    """Whether CuPy is installed and a GPU answers. Without a driver this costs no import of CuPy."""
    return problem() is None


def explained(error: BaseException) -> Exception | None:
    """For an error of the device, one that says what to do; for any other None."""
    from kerasish.backend.cupy._errors import explained

    return explained(error)


def recorder() -> Any:
    """What records training steps as CUDA graphs."""
    from kerasish.backend.cupy._graph import GraphRecorder

    return GraphRecorder()


def stager() -> Any:
    """What brings batches to the device ahead of the steps that use them."""
    from kerasish.backend.cupy._staging import Stager

    return Stager()


def __getattr__(name: str) -> ModuleType:
    if name in FAMILIES:
        return importlib.import_module(f"kerasish.backend.cupy.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
