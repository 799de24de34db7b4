"""A Sequential of Keras 1 that begins by merging other Sequentials: a Functional model today."""

from __future__ import annotations

from typing import Any

from kerasish.saving.legacy_config.origin import Origin


def merge_branches(config: Any, origin: Origin) -> dict[str, Any] | None:
    """The entry of the Functional model that such a Sequential is, or None for any other.

    Args:
        config: The config of the Sequential.
        origin: Who wrote it.
    """
    entries = config if isinstance(config, list) else config.get("layers") if isinstance(config, dict) else None
    if origin.generation != 1 or not isinstance(entries, list) or not entries:
        return None
    first = entries[0]
    branches = first.get("config", {}).get("layers") if isinstance(first, dict) else None
    if first.get("class_name") != "Merge" or not isinstance(branches, list):
        return None
    layers: list[dict[str, Any]] = []
    inputs, ends = [], []
    for position, branch in enumerate(branches):
        stack = branch.get("config")
        if branch.get("class_name") != "Sequential" or not isinstance(stack, list) or not stack:
            raise ValueError(
                "Expected each branch of a merged Sequential to be a Sequential with layers. "
                f"Received: class_name={branch.get('class_name')!r}"
            )
        shape = stack[0]["config"].get("batch_input_shape")
        name = f"{stack[0]['config']['name']}_input"
        layers.append(_entry("InputLayer", {"batch_input_shape": shape, "name": name}, []))
        inputs.append([name, 0, 0])
        ends.append([_chain(layers, stack, name), 0, 0])
        if position > 1000:
            raise ValueError(f"Expected fewer branches. Received: {len(branches)}")
    merge = {key: value for key, value in first["config"].items() if key != "layers"}
    layers.append(_entry("Merge", merge, [ends]))
    last = _chain(layers, entries[1:], merge["name"])
    model = {"name": "sequential", "layers": layers, "input_layers": inputs, "output_layers": [[last, 0, 0]]}
    return {"class_name": "Model", "config": model}


def _chain(layers: list[dict[str, Any]], stack: list[dict[str, Any]], source: str) -> str:
    for entry in stack:
        layers.append(_entry(entry["class_name"], dict(entry["config"]), [[[source, 0, 0]]]))
        source = entry["config"]["name"]
    return source


def _entry(class_name: str, config: dict[str, Any], nodes: list[Any]) -> dict[str, Any]:
    return {"class_name": class_name, "config": config, "name": config["name"], "inbound_nodes": nodes}
