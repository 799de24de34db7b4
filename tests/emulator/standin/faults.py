"""What a test makes go wrong: set attributes of this module, and `reset()` after, or use `injected(...)`."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from .errors import CUDADriverError, CUDARuntimeError

_SETTINGS: dict[str, Any] = {
    "out_of_memory_at": None,
    "memory_limit": None,
    "launch_failure_at": None,
    "driver_too_old": False,
    "no_device": False,
    "compute_capability": (9, 0),
}

out_of_memory_at: int | None = None
"""Fail the n-th allocation from now on (1: the next), once."""
memory_limit: int | None = None
"""Fail every allocation that would take the bytes of the device above this."""
launch_failure_at: int | None = None
"""Fail the n-th kernel launch from now on (1: the next), once."""
driver_too_old = False
no_device = False
compute_capability = (9, 0)


def reset() -> None:
    """No faults."""
    globals().update(_SETTINGS)


@contextlib.contextmanager
def injected(**settings: Any) -> Iterator[None]:
    """Set faults for a `with` block."""
    unknown = set(settings) - set(_SETTINGS)
    if unknown:
        raise TypeError(f"unknown faults: expected some of {sorted(_SETTINGS)}. Received: {sorted(unknown)}")
    before = {name: globals()[name] for name in _SETTINGS}
    globals().update(settings)
    try:
        yield
    finally:
        globals().update(before)


def check_device() -> None:
    """Raise what every call to a missing device raises."""
    if driver_too_old:
        raise CUDARuntimeError(35)
    if no_device:
        raise CUDARuntimeError(100)


def allocation_fails() -> bool:
    """Count an allocation; whether it is the one to fail."""
    global out_of_memory_at
    if out_of_memory_at is None:
        return False
    out_of_memory_at -= 1
    if out_of_memory_at > 0:
        return False
    out_of_memory_at = None
    return True


def count_launch() -> None:
    """Count a kernel launch, and raise if it is the one to fail."""
    global launch_failure_at
    if launch_failure_at is None:
        return
    launch_failure_at -= 1
    if launch_failure_at <= 0:
        launch_failure_at = None
        raise CUDADriverError(719)
