"""Functional models to configs and back, in the format of Keras 3."""

from __future__ import annotations

from typing import Any

from kerasish import tree
from kerasish.autodiff import CallNode, KerasTensor, Operation
from kerasish.autodiff.operation import FunctionOperation
from kerasish.saving.layer_entries import operation_from_entry
from kerasish.saving.legacy_config import upgrade_functional_config
from kerasish.saving.object_registration import CustomObjectScope
from kerasish.saving.op_nodes import call_op, known_op, op_entry, split_arguments
from kerasish.saving.serialization_lib import deserialize_keras_object, serialize_keras_object


def functional_config(model: Any) -> dict[str, Any]:
    """The layers of a model and their calls, as values of JSON.

    Args:
        model: A model made of a graph of layers.
    """
    graph = model._graph
    own = {id(node) for node in graph.nodes}
    indices = {
        id(node): index
        for operation in graph.operations
        for index, node in enumerate(n for n in operation._inbound_nodes if id(n) in own)
    }
    entries = []
    for operation in graph.operations:
        is_op = isinstance(operation, FunctionOperation)
        entry = op_entry(operation) if is_op else serialize_keras_object(operation)
        entry["name"] = operation.name
        entry["inbound_nodes"] = [
            _node_entry(operation, node, indices)
            for node in operation._inbound_nodes
            if id(node) in own and node.input_tensors
        ]
        entries.append(entry)

    def reference(tensor: KerasTensor) -> list[Any]:
        operation, node, position = tensor._keras_history  # type: ignore[misc]
        index = indices[id(operation._inbound_nodes[node])]
        return [operation.name, index + _first_index(operation), position]

    return {
        "name": model.name,
        "trainable": model.trainable,
        "layers": entries,
        "input_layers": tree.map_structure(reference, model._inputs_structure),
        "output_layers": tree.map_structure(reference, model._outputs_structure),
    }


def _first_index(operation: Operation) -> int:
    """In `input_layers` and `output_layers`, the calls of a nested Functional model are counted from 1."""
    from kerasish.models.functional import Functional

    return 1 if isinstance(operation, Functional) else 0


def _node_entry(operation: Operation, node: CallNode, indices: dict[int, int]) -> dict[str, Any]:
    def written(value: Any) -> Any:
        if not isinstance(value, KerasTensor) or value._keras_history is None:
            return value
        source, index, position = value._keras_history
        return {
            "class_name": "__keras_tensor__",
            "config": {
                "shape": list(value.shape),
                "dtype": value.dtype,
                "keras_history": [source.name, indices[id(source._inbound_nodes[index])], position],
            },
        }

    args, kwargs = list(node.args), node.kwargs
    if isinstance(operation, FunctionOperation) and known_op(operation) is not None:
        _, args = split_arguments(operation, node.args, node.kwargs)
        kwargs = {}
    args, kwargs = tree.map_structure(written, (args, kwargs))
    return {"args": list(serialize_keras_object(args)), "kwargs": serialize_keras_object(kwargs)}


def functional_from_config(cls: type, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
    """The model of a config, by Keras 3 or an earlier version.

    Args:
        cls: The class to make.
        config: What `functional_config` gave, or what a version of Keras wrote.
        custom_objects: Classes and functions by name.
    """
    with CustomObjectScope(custom_objects):
        return _Builder(upgrade_functional_config(config)).model(cls)


class _Builder:
    """Makes the layers of a config and calls them, in the order in which their inputs become known."""

    def __init__(self, config: dict[str, Any]) -> None:
        self.config = dict(config)
        self.operations: dict[str, Operation] = {}
        self.settings: dict[str, dict[str, Any]] = {}
        self.calls: dict[str, list[list[Any]]] = {}

    def _fail(self, reason: str) -> ValueError:
        return ValueError(f"The config of the model {self.config.get('name')!r} is not valid: {reason}")

    def model(self, cls: type) -> Any:
        config = self.config
        entries = config.pop("layers", None)
        inputs, outputs = config.pop("input_layers", None), config.pop("output_layers", None)
        if not isinstance(entries, list) or inputs is None or outputs is None:
            raise self._fail("expected the lists `layers`, `input_layers` and `output_layers`")
        pending: list[tuple[str, list[Any]]] = []
        for entry in entries:
            name = self._add(entry)
            pending.append((name, list(entry.get("inbound_nodes") or [])))
        self._run(pending)
        trainable = config.pop("trainable", None)
        name = config.pop("name", None)
        model = cls(
            inputs=self._structure(inputs),
            outputs=self._structure(outputs),
            name=name,
            **config,
        )
        if trainable is False:
            # The layers have their own flags: only that of the model itself is set.
            model._trainable = False
        return model

    def _add(self, entry: Any) -> str:
        if not isinstance(entry, dict):
            raise self._fail(f"expected each of `layers` to be a dict. Received: {type(entry).__name__}")
        inner = entry.get("config")
        name = entry.get("name", inner.get("name") if isinstance(inner, dict) else None)
        if not isinstance(name, str):
            raise self._fail(f"expected each layer to have a name. Received: name={name!r}")
        if name in self.operations:
            raise self._fail(f"expected the names of the layers to be unique. Received: {name!r} twice")
        operation, settings = operation_from_entry(entry)
        self.operations[name] = operation
        self.settings[name] = settings
        # An InputLayer is its own first call.
        self.calls[name] = [list(node.outputs) for node in operation._inbound_nodes if node.is_input]
        return name

    def _run(self, pending: list[tuple[str, list[Any]]]) -> None:
        while any(nodes for _, nodes in pending):
            progress = False
            for name, nodes in pending:
                while nodes and self._ready(nodes[0]):
                    self._call(name, nodes.pop(0))
                    progress = True
            if not progress:
                stuck = [name for name, nodes in pending if nodes]
                raise self._fail(
                    f"the calls of the layers {stuck[:10]} have inputs that no layer gives, or need each other"
                )

    def _ready(self, node: Any) -> bool:
        return all(self._known(history) for history in _histories(node, 0))

    def _known(self, history: Any) -> bool:
        name, node, _ = _checked(history)
        if name not in self.calls:
            raise self._fail(f"a call has an input from a layer that does not exist. Received: {name!r}")
        return node < len(self.calls[name])

    def _call(self, name: str, node: Any) -> None:
        if not isinstance(node, dict):
            raise self._fail(f"expected a call of {name!r} to be a dict. Received: {type(node).__name__}")
        args = [self._value(value) for value in node.get("args") or ()]
        kwargs = {key: self._value(value) for key, value in (node.get("kwargs") or {}).items()}
        operation = self.operations[name]
        before = len(operation._inbound_nodes)
        if isinstance(operation, FunctionOperation):
            call_op(operation, dict(self.settings[name]), args, kwargs)
        else:
            operation(*args, **{key: value for key, value in kwargs.items() if value is not None})
        if len(operation._inbound_nodes) == before:
            raise self._fail(f"expected the call of {name!r} to have a tensor among its arguments")
        self.calls[name].append(list(operation._inbound_nodes[-1].outputs))

    def _value(self, value: Any) -> Any:
        if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
            return self._tensor(*_checked(value["config"]["keras_history"]))
        if isinstance(value, (list, tuple)):
            return type(value)([self._value(member) for member in value])
        if isinstance(value, dict):
            if "class_name" in value:
                return deserialize_keras_object(value)
            return {key: self._value(member) for key, member in value.items()}
        return value

    def _tensor(self, name: str, node: int, tensor: int) -> Any:
        calls = self.calls.get(name)
        if calls is None or node >= len(calls) or tensor >= len(calls[node]):
            raise self._fail(f"there is no such tensor. Received: layer={name!r}, node={node}, tensor={tensor}")
        return calls[node][tensor]

    def _structure(self, value: Any) -> Any:
        if isinstance(value, (list, tuple)):
            if len(value) == 3 and isinstance(value[0], str):
                name, node, tensor = _checked(value)
                operation = self.operations.get(name)
                return self._tensor(name, node - (_first_index(operation) if operation else 0), tensor)
            return [self._structure(member) for member in value]
        if isinstance(value, dict):
            return {key: self._structure(member) for key, member in value.items()}
        raise self._fail(f"expected references to tensors. Received: {value!r}")


def _checked(history: Any) -> tuple[str, int, int]:
    if (
        isinstance(history, (list, tuple))
        and len(history) == 3
        and isinstance(history[0], str)
        and all(isinstance(part, int) and not isinstance(part, bool) and part >= 0 for part in history[1:])
    ):
        return history[0], history[1], history[2]
    raise ValueError(f"Expected a reference [layer, node, tensor] with indices from 0. Received: {history!r}")


def _histories(value: Any, depth: int) -> Any:
    """The tensors that the arguments of a call name."""
    if isinstance(value, dict):
        if value.get("class_name") == "__keras_tensor__":
            config = value.get("config")
            yield config.get("keras_history") if isinstance(config, dict) else None
        else:
            for member in value.values():
                yield from _histories(member, depth + 1)
    elif isinstance(value, (list, tuple)):
        for member in value:
            yield from _histories(member, depth + 1)
