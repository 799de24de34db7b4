"""Backends: raw arrays in, raw arrays out.

`K` holds the kernels of the active backend as attributes (`K.exp(array)`). It is filled from the modules of
`backend/numpy`, overridden by those of the chosen backend.
"""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from types import FunctionType, ModuleType
from typing import Any

from kerasish import config
from kerasish.backend.contract import FAMILIES

BUILT_IN = ("numpy", "numba", "cupy")
ENTRY_POINTS = "kerasish.backends"


class Kernels:
    """The kernels of the active backend, one attribute each."""

    name: str = ""

    def __getattr__(self, kernel: str) -> Callable[..., Any]:
        if kernel.startswith("__"):
            raise AttributeError(kernel)
        raise AttributeError(f"The backend {self.name!r} has no kernel {kernel!r}.")


K = Kernels()
_on_change: list[Callable[[], None]] = []
_services: dict[str, Any] = {}


def on_change(callback: Callable[[], None]) -> None:
    """Call back whenever another backend becomes active."""
    _on_change.append(callback)


def available() -> list[str]:
    """The backends that can run here: "numpy" always, the others when what they need is installed."""
    names = ["numpy"]
    names += [name for name in BUILT_IN[1:] if _usable(name)]
    names += [point.name for point in _entry_points()]
    return names


def _usable(name: str) -> bool:
    if importlib.util.find_spec(f"kerasish.backend.{name}") is None:
        return False
    return importlib.import_module(f"kerasish.backend.{name}").usable()


def _entry_points() -> Any:
    # Takes as long to import as everything else here: only a search for registered backends pays for it.
    from importlib import metadata

    return metadata.entry_points(group=ENTRY_POINTS)


def _module(name: str) -> ModuleType:
    if name in BUILT_IN:
        if importlib.util.find_spec(f"kerasish.backend.{name}") is None:
            raise ImportError(f"This build of kerasish has no backend {name!r}. Available: {available()}.")
        return importlib.import_module(f"kerasish.backend.{name}")
    for point in _entry_points():
        if point.name == name:
            return point.load()
    raise ValueError(
        f"Unknown backend: expected 'auto', one of {list(BUILT_IN)}, or a registered one. Received: {name!r}"
    )


def kernels_in(family: ModuleType) -> dict[str, Callable[..., Any]]:
    """The kernels of a family's module by name: what its `__all__` names, else the public functions defined in it."""
    if hasattr(family, "__all__"):
        return {name: getattr(family, name) for name in family.__all__}
    return {
        name: value
        for name, value in vars(family).items()
        if isinstance(value, FunctionType) and value.__module__ == family.__name__ and not name.startswith("_")
    }


def kernels_of(name: str) -> dict[str, Callable[..., Any]]:
    """All kernels of a backend by name: NumPy's, overridden by the backend's own."""
    kernels: dict[str, Callable[..., Any]] = {}
    for package in dict.fromkeys((_module("numpy"), _module(name))):
        for family in FAMILIES:
            if hasattr(package, family):
                kernels |= kernels_in(getattr(package, family))
    return kernels


def _resolve(name: str) -> str:
    if name != "auto":
        return name
    for candidate in ("cupy", "numba"):
        if _usable(candidate):
            return candidate
    return "numpy"


def activate(name: str) -> None:
    """Make a backend the active one ("auto" takes the fastest that can run here)."""
    name = _resolve(name)
    kernels = kernels_of(name)
    vars(K).clear()
    vars(K).update(kernels)
    K.name = name
    _services.clear()
    for callback in _on_change:
        callback()


def recorder() -> Any:
    """What records steps of the active backend to replay them without Python; None where it has no such thing."""
    return _service("recorder")


def stager() -> Any:
    """What brings batches to the device of the active backend ahead of their steps; None where they are there."""
    return _service("stager")


def explained(error: BaseException) -> Exception | None:
    """For an error of the active backend's device, one that says what to do; for any other None."""
    explain = getattr(_module(K.name), "explained", None)
    return None if explain is None else explain(error)


def _service(name: str) -> Any:
    if name not in _services:
        make = getattr(_module(K.name), name, None)
        _services[name] = None if make is None else make()
    return _services[name]


def active_name() -> str:
    """The name of the active backend."""
    return K.name


activate(config._settings["backend"])
