"""Configs of Keras 1.2 to 2.15 and tf.keras, translated into those of Keras 3."""

from __future__ import annotations

from typing import Any

from kerasish.saving.legacy_config import old_meanings  # noqa: F401  registers what old names meant
from kerasish.saving.legacy_config.branches import merge_branches
from kerasish.saving.legacy_config.graph import upgrade_graph
from kerasish.saving.legacy_config.layers import clean_name, is_model, upgrade_layer
from kerasish.saving.legacy_config.origin import Origin, is_modern

__all__ = ["Origin", "clean_name", "upgrade_functional_config", "upgrade_model_entry", "upgrade_sequential_config"]


def upgrade_model_entry(entry: Any, origin: Origin) -> dict[str, Any]:
    """An entry `{"class_name", "config"}` of a model, with everything inside it, as Keras 3 writes it.

    Args:
        entry: The entry.
        origin: Who wrote it.
    """
    if not isinstance(entry, dict) or not isinstance(entry.get("class_name"), str) or "config" not in entry:
        raise ValueError(
            f"Expected the entry of a model: a dict with a class_name and a config. Received: {str(entry)[:200]}"
        )
    class_name, config = entry["class_name"], entry["config"]
    if not is_model(class_name, config):
        return upgrade_layer(entry, origin, upgrade_model_entry)
    if class_name == "Sequential":
        merged = merge_branches(config, origin)
        if merged is not None:
            return upgrade_model_entry(merged, origin)
        return {**entry, "config": _sequential(config, origin)}
    if class_name in ("Model", "Container"):
        class_name = "Functional"
    return {**entry, "class_name": class_name, "config": _functional(config, origin)}


def upgrade_sequential_config(config: Any) -> dict[str, Any]:
    """The config of a Sequential model, by whichever Keras."""
    if isinstance(config, dict) and is_modern(config):
        return dict(config)
    return _sequential(config, Origin.of(None, config))


def upgrade_functional_config(config: Any) -> dict[str, Any]:
    """The config of a Functional model, by whichever Keras."""
    if not isinstance(config, dict):
        raise ValueError(f"Expected the config of a model to be a dict. Received: {type(config).__name__}")
    if is_modern(config):
        return dict(config)
    return _functional(config, Origin.of(None, config))


def _sequential(config: Any, origin: Origin) -> dict[str, Any]:
    config = {"layers": config} if isinstance(config, list) else dict(config) if isinstance(config, dict) else {}
    entries = config.get("layers")
    if not isinstance(entries, list):
        raise ValueError(f"Expected the config of a Sequential model to have a list `layers`. Received: {entries!r}")
    if "name" in config:
        config["name"] = clean_name(config["name"])
    layers = [upgrade_layer(entry, origin, upgrade_model_entry) for entry in entries]
    for position, entry in enumerate(layers):
        inner = entry["config"]
        if not isinstance(inner, dict) or entry["class_name"] == "InputLayer":
            continue
        shape = inner.get("batch_input_shape")
        if shape is None or origin.generation >= 3:
            continue
        inner = {key: value for key, value in inner.items() if key != "batch_input_shape"}
        layers[position] = {**entry, "config": inner}
        if position == 0:
            name = f"{inner['name']}_input" if isinstance(inner.get("name"), str) else None
            given = {"batch_shape": shape, "dtype": _input_dtype(entry["class_name"], inner), "name": name}
            layers[0:1] = [{"class_name": "InputLayer", "config": given}, layers[0]]
            break
    return {**config, "layers": layers}


def _input_dtype(class_name: str, config: dict[str, Any]) -> str:
    if class_name == "Embedding":
        return "int32"
    dtype = config.get("dtype")
    return dtype if isinstance(dtype, str) and not dtype.startswith("mixed") else "float32"


def _functional(config: dict[str, Any], origin: Origin) -> dict[str, Any]:
    entries = config.get("layers")
    if not isinstance(entries, list):
        raise ValueError(f"Expected the config of a model to have a list `layers`. Received: {entries!r}")
    config = {**config, "layers": [upgrade_layer(entry, origin, upgrade_model_entry) for entry in entries]}
    if origin.overrides:
        config["layers"] = [_without_training(entry) for entry in config["layers"]]
    if origin.generation < 3:
        config["name"] = clean_name(config.get("name"))
        config = upgrade_graph(config)
        config["layers"] = [_without_shape(entry) for entry in config["layers"]]
    return config


def _without_training(entry: dict[str, Any]) -> dict[str, Any]:
    nodes = entry.get("inbound_nodes")
    if not isinstance(nodes, list) or not all(isinstance(node, dict) for node in nodes):
        return entry
    kept = []
    for node in nodes:
        kwargs = node.get("kwargs")
        if isinstance(kwargs, dict):
            node = {**node, "kwargs": {key: value for key, value in kwargs.items() if key != "training"}}
        kept.append(node)
    return {**entry, "inbound_nodes": kept}


def _without_shape(entry: dict[str, Any]) -> dict[str, Any]:
    inner = entry.get("config")
    if isinstance(inner, dict) and "batch_input_shape" in inner and entry["class_name"] != "InputLayer":
        return {**entry, "config": {key: value for key, value in inner.items() if key != "batch_input_shape"}}
    return entry
