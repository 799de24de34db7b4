"""Saving and loading: models, weights, and what files may name."""

from __future__ import annotations

import importlib
from typing import Any

from kerasish.saving.errors import LoadError, MissingFileError
from kerasish.saving.object_registration import (
    CustomObjectScope,
    custom_object_scope,
    get_custom_objects,
    get_registered_name,
    get_registered_object,
    register_keras_serializable,
)

# Loaded on first use: these need the layers, and the layers need the names above.
_LATER = {
    "deserialize_keras_object": "serialization_lib",
    "serialize_keras_object": "serialization_lib",
    "load_model": "saving_api",
    "load_weights": "saving_api",
    "save_model": "saving_api",
    "save_weights": "saving_api",
}


def __getattr__(name: str) -> Any:
    if name in _LATER:
        return getattr(importlib.import_module(f"kerasish.saving.{_LATER[name]}"), name)
    raise AttributeError(f"module 'kerasish.saving' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_LATER])


__all__ = [
    "CustomObjectScope",
    "LoadError",
    "MissingFileError",
    "custom_object_scope",
    "deserialize_keras_object",
    "get_custom_objects",
    "get_registered_name",
    "get_registered_object",
    "load_model",
    "load_weights",
    "register_keras_serializable",
    "save_model",
    "save_weights",
    "serialize_keras_object",
]
