"""Settings that are given per output (losses, metrics, weights), matched with the outputs of a model."""

from __future__ import annotations

from typing import Any

from kerasish import tree


def output_names(y_pred: Any, names: list[str] | None) -> list[str]:
    """A name for each output: the keys of a dict, the model's own names, or "output_0", …"""
    flat = tree.flatten(y_pred)
    if isinstance(y_pred, dict) and len(flat) == len(y_pred):
        return sorted(y_pred)
    if names is not None and len(names) == len(flat):
        return list(names)
    return [f"output_{position}" for position in range(len(flat))]


def per_output(value: Any, y_pred: Any, names: list[str], what: str, listed: bool = False) -> list[Any]:
    """One entry for each output from a single value, a list in their order, or a dict by name.

    Args:
        value: The setting as the user gave it.
        y_pred: The outputs.
        names: Their names.
        what: The argument's name, for errors.
        listed: Whether a list is itself a setting of one output (metrics).
    """
    count = len(names)
    if value is None:
        return [None] * count
    if isinstance(value, dict):
        keys = _leaf_names(y_pred) if isinstance(y_pred, dict) else names
        unknown = [key for key in value if key not in names and key not in keys]
        if unknown:
            raise ValueError(
                f"The keys of `{what}` must be names of outputs: expected some of {names}. Received: {sorted(map(str, unknown))}"
            )
        return [value.get(name, value.get(key)) for name, key in zip(names, keys, strict=True)]
    if isinstance(value, (list, tuple)):
        if listed and (count == 1 or not any(isinstance(entry, (list, tuple)) or entry is None for entry in value)):
            nested = count == 1 and len(value) == 1 and isinstance(value[0], (list, tuple))
            return [value[0]] if nested else [value] * count if count == 1 or len(value) != count else list(value)
        if len(value) != count:
            raise ValueError(
                f"`{what}` must have one entry for each of the {count} output(s) {names}. "
                f"Received: {len(value)} entries: {what}={value!r}"
            )
        return list(value)
    return [value] * count


def _leaf_names(structure: dict[str, Any]) -> list[str]:
    return sorted(structure)


def match_targets(y: Any, y_pred: Any, names: list[str], what: str = "y") -> list[Any]:
    """The targets as a flat list in the order of the outputs.

    Args:
        y: Targets: one for a single output, a list in the order of the outputs, or a dict by name.
        y_pred: The outputs.
        names: Their names.
        what: The argument's name, for errors.
    """
    if isinstance(y, dict):
        keys = sorted(y_pred) if isinstance(y_pred, dict) else names
        missing = [key for key, name in zip(keys, names, strict=True) if key not in y and name not in y]
        if missing and len(missing) == len(keys):
            raise ValueError(
                f"The keys of `{what}` must be names of outputs: expected {names}. Received: {sorted(map(str, y))}"
            )
        return [y.get(key, y.get(name)) for key, name in zip(keys, names, strict=True)]
    flat = tree.flatten(y)
    if len(flat) != len(names):
        raise ValueError(
            f"`{what}` must have one entry for each of the {len(names)} output(s) {names}. "
            f"Received: {len(flat)} entries, of shapes {[getattr(leaf, 'shape', None) for leaf in flat]}"
        )
    return flat


def match_weights(sample_weight: Any, names: list[str], y_pred: Any) -> list[Any]:
    """The sample weights for each output: one array serves them all."""
    if sample_weight is None or not tree.is_nested(sample_weight):
        return [sample_weight] * len(names)
    if isinstance(sample_weight, dict):
        return per_output(sample_weight, y_pred, names, "sample_weight")
    return match_targets(sample_weight, y_pred, names, "sample_weight")
