"""`clone_model`: the same architecture with weights of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerasish import tree
from kerasish.autodiff import KerasTensor
from kerasish.layers.core.input_layer import InputLayer
from kerasish.layers.layer import Layer
from kerasish.models.functional import Functional
from kerasish.models.model import Model
from kerasish.models.sequential import Sequential


def clone_model(
    model: Model,
    input_tensors: Any = None,
    clone_function: Callable[[Layer], Layer] | None = None,
    call_function: Callable[..., Any] | None = None,
    recursive: bool = False,
    **kwargs: Any,
) -> Model:
    """A model with the same layers, newly initialized.

    Args:
        model: A Sequential or Functional model, or any model with a `get_config`.
        input_tensors: KerasTensors to build on instead of new inputs.
        clone_function: Gives the layer to use for each layer: by default one from its config.
        call_function: Calls the new layer: `call_function(layer, *args, **kwargs)`.
        recursive: Whether `clone_function` is applied inside nested models too.

    >>> from kerasish import layers
    >>> model = Sequential([layers.Input((3,)), layers.Dense(2)])
    >>> clone_model(model).output_shape
    (None, 2)
    """
    if kwargs:
        raise ValueError(f"Arguments not recognized by `clone_model`. Received: {sorted(kwargs)}")

    def clone(layer: Layer) -> Layer:
        if recursive and isinstance(layer, (Functional, Sequential)):
            return clone_model(layer, clone_function=clone_function, recursive=True)
        if clone_function is not None:
            return clone_function(layer)
        return type(layer).from_config(layer.get_config())

    if isinstance(model, Sequential):
        return _clone_sequential(model, clone, input_tensors)
    if isinstance(model, Functional) or (model._graph is not None and type(model) is Model):
        return _clone_functional(model, clone, input_tensors, call_function)
    if clone_function is not None or input_tensors is not None:
        raise ValueError(
            "`clone_function` and `input_tensors` need a Sequential or Functional model. "
            f"Received: {model!r} (of type {type(model).__name__})"
        )
    return type(model).from_config(model.get_config())


def _clone_sequential(model: Sequential, clone: Callable[[Layer], Layer], input_tensors: Any) -> Sequential:
    layers = [clone(layer) for layer in model.layers]
    first = model._stack[0] if model._stack else None
    if input_tensors is not None:
        tensors = tree.flatten(input_tensors)
        if len(tensors) != 1:
            raise ValueError(f"A Sequential model has one input. Received: {len(tensors)} input_tensors")
        entry = InputLayer(input_tensor=tensors[0], name=tensors[0].name)
        return Sequential([entry, *layers], name=model.name, trainable=model.trainable)
    if isinstance(first, InputLayer):
        entry = InputLayer.from_config(first.get_config())
        return Sequential([entry, *layers], name=model.name, trainable=model.trainable)
    return Sequential(layers, name=model.name, trainable=model.trainable)


def _clone_functional(
    model: Model, clone: Callable[[Layer], Layer], input_tensors: Any, call_function: Callable[..., Any] | None
) -> Model:
    graph = model._graph
    assert graph is not None
    if input_tensors is not None:
        given = tree.flatten(input_tensors)
        if len(given) != len(graph.inputs):
            raise ValueError(f"Expected {len(graph.inputs)} input_tensors, one for each input. Received: {len(given)}")
    else:
        given = [InputLayer.from_config(x._keras_history.operation.get_config()).output for x in graph.inputs]
    tensors: dict[int, Any] = {id(old): new for old, new in zip(graph.inputs, given, strict=True)}
    copies: dict[int, Any] = {}
    for node in graph.nodes:
        if all(id(output) in tensors for output in node.outputs):
            continue
        operation = node.operation
        if id(operation) not in copies:
            copies[id(operation)] = clone(operation) if isinstance(operation, Layer) else operation
        args, kwargs = tree.map_structure(
            lambda x: tensors[id(x)] if isinstance(x, KerasTensor) else x, (node.args, node.kwargs)
        )
        copy = copies[id(operation)]
        if call_function is not None and isinstance(operation, Layer):
            results = call_function(copy, *args, **kwargs)
        elif isinstance(operation, Layer):
            results = copy(*args, **kwargs)
        else:
            results = operation.function(*args, **kwargs)  # type: ignore[attr-defined]
        for old, new in zip(node.outputs, tree.flatten(results), strict=True):
            tensors[id(old)] = new
    structure = model._inputs_structure
    new_inputs = tree.pack_sequence_as(structure, given) if tree.is_nested(structure) else given[0]
    new_outputs = tree.map_structure(lambda x: tensors[id(x)], model._outputs_structure)
    return Functional(new_inputs, new_outputs, name=model.name, trainable=model.trainable)
