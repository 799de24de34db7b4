"""What the device was asked to do: counters for tests such as "a training step reads nothing back"."""

from __future__ import annotations

kernel_launches = 0
operations = 0
graph_launches = 0
synchronizations = 0
host_to_device = 0
device_to_host = 0
device_to_device = 0
allocations = 0

_NAMES = (
    "kernel_launches",
    "operations",
    "graph_launches",
    "synchronizations",
    "host_to_device",
    "device_to_host",
    "device_to_device",
    "allocations",
)


def count(name: str) -> None:
    """Add one to a counter."""
    globals()[name] += 1


def snapshot() -> dict[str, int]:
    """All counters: launches of kernels, array operations, launches of graphs, synchronisations, copies by direction
    and allocations. What a graph does is counted when it is launched, under the same names."""
    return {name: globals()[name] for name in _NAMES}


def reset() -> None:
    """All counters to zero."""
    globals().update(dict.fromkeys(_NAMES, 0))
