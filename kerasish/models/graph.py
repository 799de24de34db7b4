"""The graph of a Functional model: found from its inputs and outputs, and run on data."""

from __future__ import annotations

from typing import Any

from kerasish import tree
from kerasish.autodiff import CallNode, KerasTensor, Operation, node_of


class Graph:
    """The calls between the inputs and the outputs of a model, in an order in which they can run.

    Args:
        inputs: KerasTensors, nested as one likes.
        outputs: KerasTensors that can be reached from them.
    """

    def __init__(self, inputs: Any, outputs: Any) -> None:
        self.inputs = tree.flatten(inputs)
        self.outputs = tree.flatten(outputs)
        self.nodes, self.operations = _order(self.inputs, self.outputs)
        self._plan()

    def _plan(self) -> None:
        """Give each tensor a slot, so that running is a walk over a list."""
        slots: dict[int, int] = {id(tensor): slot for slot, tensor in enumerate(self.inputs)}
        self._steps: list[tuple[Operation, int, Any, int, list[int]]] = []
        for node in self.nodes:
            if all(id(tensor) in slots for tensor in node.outputs):
                continue
            targets = [slots.setdefault(id(tensor), len(slots)) for tensor in node.outputs]
            target = -1 if tree.is_nested(node.output_structure) else targets[0]
            single = len(node.args) == 1 and not node.kwargs and isinstance(node.args[0], KerasTensor)
            if single:
                self._steps.append((node.operation, slots[id(node.args[0])], None, target, targets))
            else:
                template = tree.map_structure(
                    lambda x: _Slot(slots[id(x)]) if isinstance(x, KerasTensor) else x, (node.args, node.kwargs)
                )
                self._steps.append((node.operation, -1, template, target, targets))
        self._output_slots = [slots[id(tensor)] for tensor in self.outputs]
        self._size = len(slots)

    def run(self, values: list[Any]) -> list[Any]:
        """The outputs for these inputs, both flat."""
        held: list[Any] = values + [None] * (self._size - len(values))
        for operation, source, template, target, targets in self._steps:
            if template is None:
                result = operation(held[source])
            else:
                args, kwargs = tree.map_structure(lambda x: held[x.slot] if isinstance(x, _Slot) else x, template)
                result = operation(*args, **kwargs)
            if target >= 0:
                held[target] = result
            else:
                for slot, value in zip(targets, tree.flatten(result), strict=True):
                    held[slot] = value
        return [held[slot] for slot in self._output_slots]


class _Slot:
    """Stands for a tensor in the recorded arguments of a call."""

    __slots__ = ("slot",)

    def __init__(self, slot: int) -> None:
        self.slot = slot


def _order(inputs: list[KerasTensor], outputs: list[KerasTensor]) -> tuple[list[CallNode], list[Operation]]:
    """The calls and the operations, farthest from the outputs first.

    The depth of a call is its longest way to an output; operations of one depth stand in the order in which a
    walk from the outputs meets them. This is the order of Keras, which files rely on.
    """
    entries = {id(tensor) for tensor in inputs}
    positions: dict[int, int] = {}
    operations: dict[int, Operation] = {}
    finished: list[CallNode] = []
    done: set[int] = set()
    entered: set[int] = set()

    def sources(node: CallNode) -> list[CallNode]:
        if all(id(tensor) in entries for tensor in node.outputs):
            return []
        return [node_of(tensor) for tensor in node.input_tensors]

    def meet(node: CallNode) -> None:
        operations.setdefault(id(node.operation), node.operation)
        positions.setdefault(id(node.operation), len(positions))

    for output in outputs:
        stack: list[tuple[CallNode, list[CallNode]]] = []
        root = node_of(output)
        if id(root) not in done:
            meet(root)
            entered.add(id(root))
            stack.append((root, sources(root)))
        while stack:
            node, pending = stack[-1]
            if pending:
                parent = pending.pop(0)
                if id(parent) in done:
                    continue
                if id(parent) in entered:
                    raise ValueError(
                        "Expected a graph without cycles. "
                        f"Received: a cycle through the layer {parent.operation.name!r}"
                    )
                meet(parent)
                entered.add(id(parent))
                stack.append((parent, sources(parent)))
            else:
                stack.pop()
                done.add(id(node))
                finished.append(node)
    _check_connected(finished, inputs)

    depths: dict[int, int] = {}
    operation_depths: dict[int, int] = {}
    for node in reversed(finished):
        depth = max(depths.get(id(node), 0), operation_depths.get(id(node.operation), 0))
        depths[id(node)] = depth
        operation_depths[id(node.operation)] = depth
        for parent in sources(node):
            depths[id(parent)] = max(depths.get(id(parent), 0), depth + 1)
    for tensor in inputs:
        node = node_of(tensor)
        if id(node) not in depths:
            depths[id(node)] = operation_depths[id(node.operation)] = 0
            operations.setdefault(id(node.operation), node.operation)
            positions.setdefault(id(node.operation), -1)
            finished.insert(0, node)
    # A stable sort keeps calls of one depth in the order of the walk.
    nodes = sorted(finished, key=lambda node: -depths[id(node)])
    ordered = sorted(operations.values(), key=lambda o: (-operation_depths[id(o)], positions[id(o)]))
    return _runnable(nodes, entries), ordered


def _runnable(nodes: list[CallNode], entries: set[int]) -> list[CallNode]:
    """The calls with each after those it needs: a shared operation's depth covers all its calls."""
    available = set(entries)
    waiting, ordered = list(nodes), []
    while waiting:
        later = []
        for node in waiting:
            ready = all(id(t) in available for t in node.input_tensors) or all(id(t) in entries for t in node.outputs)
            if ready:
                ordered.append(node)
                available.update(id(tensor) for tensor in node.outputs)
            else:
                later.append(node)
        waiting = later
    return ordered


def _check_connected(nodes: list[CallNode], inputs: list[KerasTensor]) -> None:
    entries = {id(tensor) for tensor in inputs}
    received = [node_of(tensor).operation.name for tensor in inputs]
    for node in nodes:
        if node.is_input and not any(id(tensor) in entries for tensor in node.outputs):
            raise ValueError(
                f"The outputs of the model depend on {node.outputs[0]!r} (of the layer {node.operation.name!r}), "
                f"which is not among its inputs. Received: inputs of the layers {received}"
            )
