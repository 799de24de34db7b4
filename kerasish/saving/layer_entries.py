"""The layer or operation that an entry of a model's config describes."""

from __future__ import annotations

from typing import Any

from kerasish.autodiff import Operation
from kerasish.saving.object_registration import get_registered_object
from kerasish.saving.op_nodes import is_op_entry, op_from_entry
from kerasish.saving.serialization_lib import deserialize_keras_object, resolve


def operation_from_entry(entry: Any) -> tuple[Operation, dict[str, Any]]:
    """The layer, model or function that an entry describes, and the settings of a function.

    Args:
        entry: `{"class_name", "config", …}`; old files have no more than these two.
    """
    if not isinstance(entry, dict) or not isinstance(entry.get("class_name"), str):
        raise ValueError(f"Expected the entry of a layer: a dict with a class_name. Received: {str(entry)[:200]}")
    class_name = entry["class_name"]
    custom = get_registered_object(entry.get("registered_name") or class_name) or get_registered_object(class_name)
    if custom is None and is_op_entry(entry):
        return op_from_entry(entry)
    layer = deserialize_keras_object(entry, family=layer_family(class_name, entry.get("registered_name")))
    if not isinstance(layer, Operation):
        raise ValueError(f"Expected a layer. Received: class_name={class_name!r}, which gave {layer!r}")
    return layer, {}


def layer_family(class_name: Any, registered_name: Any = None) -> str:
    """ "layers" or "models": where a class that may stand as a layer is to be found."""
    try:
        resolve(class_name, "models", registered_name)
    except ValueError:
        return "layers"
    return "models"
