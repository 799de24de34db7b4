"""The calls of a Functional model of Keras 1 and 2, as Keras 3 writes them."""

from __future__ import annotations

from typing import Any

from kerasish.saving.legacy_config.layers import clean_name, is_model

_WITH_STATES = ("RNN", "LSTM", "GRU", "SimpleRNN", "Bidirectional", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")

# Functions of TensorFlow that tf.keras wrote as layers, by the names of the operations of today.
_TF_FUNCTIONS = {
    "math.add": "Add",
    "__operators__.add": "Add",
    "math.subtract": "Subtract",
    "math.multiply": "Multiply",
    "math.truediv": "TrueDivide",
    "math.divide": "Divide",
    "math.maximum": "Maximum",
    "math.minimum": "Minimum",
    "math.negative": "Negative",
    "math.exp": "Exp",
    "math.log": "Log",
    "math.sqrt": "Sqrt",
    "math.square": "Square",
    "math.abs": "Absolute",
    "math.tanh": "Tanh",
    "math.sigmoid": "Sigmoid",
    "math.not_equal": "NotEqual",
    "math.equal": "Equal",
    "math.greater": "Greater",
    "math.less": "Less",
    "nn.relu": "Relu",
    "nn.sigmoid": "Sigmoid",
    "nn.tanh": "Tanh",
}


def upgrade_graph(config: dict[str, Any]) -> dict[str, Any]:
    """The config of a Functional model with its calls in today's form.

    Names lose their slashes, and calls of nested models, which Keras 1 and 2 counted from 1, are counted from 0.

    Args:
        config: The config, whose layers are upgraded already.
    """
    entries = config["layers"]
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise ValueError(f"Expected `layers` to be a list of dicts. Received: {type(entries).__name__}")
    names = {_name(entry) for entry in entries}
    if not any(_is_old(node) for entry in entries for node in entry.get("inbound_nodes") or ()):
        return config
    inputs, outputs = _as_list(config.get("input_layers")), _as_list(config.get("output_layers"))
    used: dict[str, list[int]] = {}
    for entry in entries:
        for node in entry.get("inbound_nodes") or ():
            for name, index in _references(node, names):
                used.setdefault(name, []).append(index)
    for name, index in _leaves(outputs):
        used.setdefault(name, []).append(index)
    nested = {_name(entry) for entry in entries if is_model(entry.get("class_name", ""), entry.get("config"))}
    functional = {
        _name(entry) for entry in entries if "input_layers" in _dict(entry.get("config")) and _name(entry) in nested
    }
    offsets = {name: 1 for name in nested if used.get(name) and min(used[name]) >= 1}
    reader = _Reader(names, offsets)
    upgraded = [_upgrade_entry(entry, reader) for entry in entries]

    def rewrite(value: Any) -> Any:
        if isinstance(value, (list, tuple)) and len(value) == 3 and isinstance(value[0], str):
            name, index, position = value
            index = index - offsets.get(name, 0) + (1 if name in functional else 0)
            return [clean_name(name), index, position]
        if isinstance(value, dict):
            return {key: rewrite(member) for key, member in value.items()}
        if isinstance(value, (list, tuple)):
            return [rewrite(member) for member in value]
        raise ValueError(f"Expected references to tensors. Received: {value!r}")

    outputs, inputs = rewrite(outputs), rewrite(inputs)
    return {**config, "layers": upgraded, "input_layers": _single(inputs), "output_layers": _single(outputs)}


def _single(references: Any) -> Any:
    """Old files wrote a list even for a single tensor."""
    if isinstance(references, list) and len(references) == 1 and isinstance(references[0], list):
        return references[0]
    return references


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _as_list(value: Any) -> Any:
    if value is None:
        raise ValueError("Expected the model to have `input_layers` and `output_layers`.")
    return value


def _name(entry: dict[str, Any]) -> Any:
    return entry.get("name", _dict(entry.get("config")).get("name"))


def _is_old(node: Any) -> bool:
    return isinstance(node, list)


def _is_reference(value: Any, names: set[Any]) -> bool:
    return (
        isinstance(value, list)
        and len(value) in (3, 4)
        and isinstance(value[0], str)
        and value[0] in names
        and all(isinstance(part, int) for part in value[1:3])
    )


def _references(value: Any, names: set[Any]) -> Any:
    if _is_reference(value, names):
        yield value[0], value[1]
        if len(value) == 4:
            yield from _references(value[3], names)
    elif isinstance(value, dict):
        for member in value.values():
            yield from _references(member, names)
    elif isinstance(value, list):
        for member in value:
            yield from _references(member, names)


def _leaves(value: Any) -> Any:
    if isinstance(value, (list, tuple)) and len(value) == 3 and isinstance(value[0], str):
        yield value[0], value[1]
    elif isinstance(value, dict):
        for member in value.values():
            yield from _leaves(member)
    elif isinstance(value, (list, tuple)):
        for member in value:
            yield from _leaves(member)


class _Reader:
    """Turns the references of old files into tensors of today's."""

    def __init__(self, names: set[Any], offsets: dict[str, int]) -> None:
        self.names = names
        self.offsets = offsets

    def tensor(self, reference: Any) -> dict[str, Any]:
        if not isinstance(reference, list) or len(reference) < 3:
            raise ValueError(f"Expected a reference [layer, node, tensor]. Received: {reference!r}")
        name, node, position = reference[:3]
        history = [clean_name(name), node - self.offsets.get(name, 0), position]
        return {"class_name": "__keras_tensor__", "config": {"keras_history": history}}

    def value(self, value: Any) -> Any:
        if _is_reference(value, self.names):
            return self.tensor(value)
        if isinstance(value, dict):
            return {key: self.value(member) for key, member in value.items()}
        if isinstance(value, list):
            return [self.value(member) for member in value]
        return value


def _upgrade_entry(entry: dict[str, Any], reader: _Reader) -> dict[str, Any]:
    entry = {**entry, "name": clean_name(_name(entry))}
    class_name = entry["class_name"]
    nodes = [_node(node, class_name, reader) for node in entry.get("inbound_nodes") or ()]
    if class_name in ("TFOpLambda", "SlicingOpLambda"):
        function = _dict(entry.get("config")).get("function")
        known = _TF_FUNCTIONS.get(function)  # type: ignore[arg-type]
        if known is None:
            raise ValueError(
                f"The file calls a function of TensorFlow that has no counterpart here. Received: function={function!r}"
            )
        for node in nodes:
            node["args"] = [*node["args"], *node.pop("kwargs").values()]
            node["kwargs"] = {}
        entry = {**entry, "class_name": known, "config": {"name": entry["name"]}, "module": "keras.src.ops.numpy"}
    return {**entry, "inbound_nodes": nodes}


def _node(node: Any, class_name: str, reader: _Reader) -> dict[str, Any]:
    if not _is_old(node):
        return node
    if node and isinstance(node[0], str):
        node = [node]
    tensors, kwargs = [], {}
    for reference in node:
        if isinstance(reference, list) and reference and reference[0] == "_CONSTANT_VALUE":
            tensors.append(reference[2])
        else:
            tensors.append(reader.tensor(reference))
        if len(reference) > 3 and isinstance(reference[3], dict):
            kwargs.update(reference[3])
    kwargs = {key: reader.value(value) for key, value in kwargs.items() if key != "name" or class_name[:2] != "TF"}
    if len(tensors) == 1:
        return {"args": tensors, "kwargs": kwargs}
    if class_name in _WITH_STATES:
        return {"args": tensors[:1], "kwargs": {"initial_state": tensors[1:], **kwargs}}
    return {"args": [tensors], "kwargs": kwargs}
