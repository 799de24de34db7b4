"""`print_summary`: the layers of a model as a table."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

_HEADERS = ("Layer (type)", "Output Shape", "Param #", "Connected to", "Trainable")


def print_summary(
    model: Any,
    line_length: int | None = None,
    positions: Any = None,
    print_fn: Callable[[str], Any] | None = None,
    expand_nested: bool = False,
    show_trainable: bool = False,
    layer_range: Any = None,
) -> None:
    """Print the layers of a model, their output shapes and their numbers of weights.

    Args:
        model: The model.
        line_length: The width of the table; by default what the contents need.
        positions: Where the columns end, as shares of the width.
        print_fn: Takes each line; `print` by default.
        expand_nested: Whether the layers of nested models are listed.
        show_trainable: Whether a column says which layers are trained.
        layer_range: Two patterns: the first and the last layer to list.
    """
    emit = print_fn or print
    connected = model._graph is not None and not _is_chain(model)
    headers = [*_HEADERS[:3], *([_HEADERS[3]] if connected else []), *([_HEADERS[4]] if show_trainable else [])]
    rows = _rows(model, connected, expand_nested, show_trainable, layer_range)
    widths = [max(len(row[column]) for row in [headers, *rows]) for column in range(len(headers))]
    if positions is not None:
        if len(positions) != len(headers):
            raise ValueError(f"Expected positions to have {len(headers)} entries. Received: positions={positions!r}")
        total = line_length or 80
        ends = [int(total * p) if p <= 1 else int(p) for p in positions]
        widths = [end - begin - 3 for begin, end in zip([0, *ends], ends, strict=False)]
    elif line_length is not None:
        widths[0] += max(line_length - sum(widths) - 3 * len(widths) - 1, 0)
    rule = "+".join("-" * (width + 2) for width in widths)
    emit(f'Model: "{model.name}"')
    emit(f"+{rule}+")
    for index, row in enumerate([headers, *rows]):
        cells = [cell[:width].ljust(width) for cell, width in zip(row, widths, strict=True)]
        emit("| " + " | ".join(cells) + " |")
        if index == 0:
            emit(f"+{rule.replace('-', '=')}+")
    emit(f"+{rule}+")
    _totals(model, emit)


def _totals(model: Any, emit: Callable[[str], Any]) -> None:
    total = _size(model.weights)
    trainable = _size(model.trainable_weights)
    optimizer = _size(model.optimizer.variables) if model.compiled and model.optimizer is not None else 0
    emit(f" Total params: {total + optimizer:,} ({_memory(model.weights, model, optimizer)})")
    emit(f" Trainable params: {trainable:,} ({_memory(model.trainable_weights)})")
    emit(f" Non-trainable params: {total - trainable:,} ({_memory(model.non_trainable_weights)})")
    if optimizer:
        emit(f" Optimizer params: {optimizer:,} ({_memory(model.optimizer.variables)})")


def _size(variables: list[Any]) -> int:
    return sum(v.size for v in variables)


def _memory(variables: list[Any], model: Any = None, optimizer: int = 0) -> str:
    extra = list(model.optimizer.variables) if optimizer else []
    amount = float(sum(v.size * v.array.dtype.itemsize for v in [*variables, *extra]))
    for unit in ("B", "KB", "MB", "GB"):
        if amount < 1024 or unit == "GB":
            return f"{amount:.2f} {unit}"
        amount /= 1024
    raise AssertionError


def _is_chain(model: Any) -> bool:
    """Whether every layer follows the one before it, and nothing else."""
    nodes = model._graph.nodes
    return all(len(node.input_tensors) <= 1 for node in nodes) and len(nodes) == len(model._graph.operations)


def _rows(model: Any, connected: bool, expand: bool, show_trainable: bool, layer_range: Any) -> list[list[str]]:
    layers = list(model.layers)
    if layer_range is not None:
        layers = _between(layers, layer_range)
    rows: list[list[str]] = []

    def add(layer: Any, owner: Any, prefix: str, depth: int) -> None:
        row = [f"{prefix}{layer.name} ({type(layer).__name__})", _shape(layer), _params(layer)]
        if connected:
            row.append(_sources(layer, owner) if depth == 0 else "-")
        if show_trainable:
            row.append("Y" if layer.trainable and layer.weights else "N" if layer.weights else "-")
        rows.append(row)
        nested = getattr(layer, "layers", None)
        if expand and nested and hasattr(layer, "_graph"):
            for inner in nested:
                add(inner, layer, "  " * (depth + 1) + "- ", depth + 1)

    for layer in layers:
        add(layer, model, "", 0)
    return rows


def _between(layers: list[Any], layer_range: Any) -> list[Any]:
    if len(layer_range) != 2 or not all(isinstance(pattern, str) for pattern in layer_range):
        raise ValueError(f"Expected layer_range to be two strings. Received: layer_range={layer_range!r}")
    firsts = [i for i, layer in enumerate(layers) if re.match(layer_range[0], layer.name)]
    lasts = [i for i, layer in enumerate(layers) if re.match(layer_range[1], layer.name)]
    if not firsts or not lasts:
        raise ValueError(
            f"No layer fits the patterns: the model has {[layer.name for layer in layers]}. Received: {layer_range!r}"
        )
    low, high = min(firsts[0], lasts[-1]), max(firsts[0], lasts[-1])
    return layers[low : high + 1]


def _shape(layer: Any) -> str:
    nodes = getattr(layer, "_inbound_nodes", [])
    shapes: list[Any] = [output.shape for output in nodes[0].outputs] if nodes else []
    if not shapes and getattr(layer, "_graph", None) is not None:
        shapes = [output.shape for output in layer.outputs]
    if not shapes:
        return "?"
    return str(shapes[0]) if len(shapes) == 1 else ", ".join(str(shape) for shape in shapes)


def _params(layer: Any) -> str:
    return f"{layer.count_params():,}" if layer.built else "0 (unbuilt)"


def _sources(layer: Any, model: Any) -> str:
    names = []
    for node in layer._inbound_nodes:
        if node in model._graph.nodes:
            for tensor in node.input_tensors:
                history = tensor._keras_history
                names.append(f"{history.operation.name}[{history.node_index}][{history.tensor_index}]")
    return ", ".join(names) or "-"
