"""Which classes and functions of the user's own a file may name."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

T = TypeVar("T")

_registered: dict[str, Any] = {}
_names: dict[Any, str] = {}


class _Scope(threading.local):
    def __init__(self) -> None:
        self.objects: dict[str, Any] = {}
        self.safe_mode: bool | None = None


_scope = _Scope()


class CustomObjectScope:
    """Makes classes and functions known by name while it is open.

    >>> with CustomObjectScope({"my_loss": len}):
    ...     get_registered_object("my_loss")
    <built-in function len>
    """

    def __init__(self, custom_objects: dict[str, Any] | None) -> None:
        if custom_objects is not None and not isinstance(custom_objects, dict):
            raise TypeError(f"Expected custom_objects to be a dict. Received: custom_objects={custom_objects!r}")
        self.custom_objects = custom_objects or {}
        self._before: list[dict[str, Any]] = []

    def __enter__(self) -> CustomObjectScope:
        self._before.append(_scope.objects)
        _scope.objects = {**_scope.objects, **self.custom_objects}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _scope.objects = self._before.pop()


custom_object_scope = CustomObjectScope


class SafeModeScope:
    """Sets whether what is deserialized inside may run code that a file holds."""

    def __init__(self, safe_mode: bool = True) -> None:
        self.safe_mode = safe_mode
        self._before: list[bool | None] = []

    def __enter__(self) -> SafeModeScope:
        self._before.append(_scope.safe_mode)
        _scope.safe_mode = self.safe_mode
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _scope.safe_mode = self._before.pop()


def in_safe_mode() -> bool:
    """Whether code from files is refused: the innermost scope decides, else the global setting."""
    from kerasish import config

    return config._settings["safe_mode"] if _scope.safe_mode is None else _scope.safe_mode


def get_custom_objects() -> dict[str, Any]:
    """The registry of custom objects, to read or to add to."""
    return _registered


def known_objects() -> dict[str, Any]:
    """All custom objects that a name may stand for now: those of the open scopes, and the registered ones."""
    return {**_registered, **_scope.objects}


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Callable[[T], T]:
    """A decorator that registers a class or a function under "package>name", so that files can name it.

    >>> @register_keras_serializable("shapes")
    ... class Circle:
    ...     def get_config(self):
    ...         return {}
    >>> get_registered_name(Circle)
    'shapes>Circle'
    """

    def decorator(target: T) -> T:
        own = name if name is not None else target.__name__  # type: ignore[attr-defined]
        full = f"{package}>{own}"
        if inspect.isclass(target) and not hasattr(target, "get_config"):
            raise ValueError(f"A class can only be registered when it has a get_config() method. Received: {target!r}")
        held = _registered.get(full)
        if held is not None and getattr(held, "__qualname__", None) != getattr(target, "__qualname__", None):
            raise ValueError(f"{full!r} is registered already, as {held!r}. Received: {target!r}")
        _registered[full] = target
        _names[target] = full
        return target

    return decorator


def get_registered_name(obj: Any) -> str:
    """The name under which a class or function is registered, or its own."""
    try:
        if obj in _names:
            return _names[obj]
    except TypeError:
        pass
    return obj.__name__


def get_registered_object(
    name: str, custom_objects: dict[str, Any] | None = None, module_objects: dict[str, Any] | None = None
) -> Any:
    """The class or function of this name: from the open scopes, the registry, or the dicts given; else None."""
    for place in (_scope.objects, _registered, custom_objects, module_objects):
        if place and name in place:
            return place[name]
    return None
