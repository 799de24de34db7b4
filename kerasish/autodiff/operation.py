"""`Operation`: anything that can be a node of a Functional model, and `@op`, which makes functions such."""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import NoneType
from typing import Any, NamedTuple, TypeVar

import numpy as np

from kerasish import tree
from kerasish.autodiff.naming import auto_name
from kerasish.autodiff.symbolic import KerasTensor, infer_output, is_symbolic
from kerasish.autodiff.tensor import Tensor
from kerasish.autodiff.variable import Variable


class KerasHistory(NamedTuple):
    """Where a KerasTensor comes from: the operation, which of its calls, which of its outputs."""

    operation: Operation
    node_index: int
    tensor_index: int


class CallNode:
    """One symbolic call of an operation: its arguments and what it gave."""

    def __init__(self, operation: Operation, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: Any) -> None:
        self.operation = operation
        self.args = args
        self.kwargs = kwargs
        self.input_tensors = [x for x in tree.flatten((args, kwargs)) if isinstance(x, KerasTensor)]
        self.output_structure = outputs
        self.outputs = tree.flatten(outputs)
        self.index = len(operation._inbound_nodes)
        for position, output in enumerate(self.outputs):
            if isinstance(output, KerasTensor):
                output._keras_history = KerasHistory(operation, self.index, position)
        operation._inbound_nodes.append(self)

    @property
    def is_input(self) -> bool:
        """Whether this is where data enters a model."""
        return not self.input_tensors

    def parents(self) -> list[CallNode]:
        """The calls that gave the inputs."""
        return [node_of(tensor) for tensor in self.input_tensors if tensor._keras_history]


def node_of(tensor: KerasTensor) -> CallNode:
    """The call that gave a KerasTensor."""
    history = tensor._keras_history
    if history is None:
        raise ValueError(f"Expected a KerasTensor that comes from Input() or a call. Received: {tensor!r}")
    return history.operation._inbound_nodes[history.node_index]


class Operation:
    """A function of tensors with a name: a layer, a model, or a function of `kerasish.ops`."""

    _inbound_nodes: list[CallNode]
    name: str

    def __init__(self, name: str | None = None) -> None:
        if name is not None and (not isinstance(name, str) or "/" in name):
            raise ValueError(
                f"Expected the name of a {type(self).__name__} to be a string without '/'. Received: name={name!r}"
            )
        self.name = name if name is not None else auto_name(type(self).__name__)
        self._inbound_nodes = []

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if is_symbolic(args) or is_symbolic(kwargs.values()):
            return self.symbolic_call(*args, **kwargs)
        return self.call(*args, **kwargs)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the outputs."""
        raise NotImplementedError(f"{type(self).__name__} has no `call`.")

    def symbolic_call(self, *args: Any, **kwargs: Any) -> Any:
        """The outputs as KerasTensors, with this call recorded as their origin."""
        return self._record_call(args, kwargs, self.compute_output_spec(*args, **kwargs))

    def _record_call(self, args: tuple[Any, ...], kwargs: dict[str, Any], outputs: Any) -> Any:
        """The outputs, with a call with these arguments as their origin."""
        outputs = tree.map_structure(_distinct(args, kwargs), outputs)
        CallNode(self, args, kwargs, outputs)
        return outputs

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The outputs as KerasTensors: shapes and dtypes."""
        return infer_output(self.call, args, kwargs)

    def _node_tensors(self, node_index: int, side: str) -> Any:
        if not self._inbound_nodes:
            raise AttributeError(f"{self.name!r} has never been called on a KerasTensor: it has no {side}.")
        node = self._inbound_nodes[node_index]
        if side == "output":
            return node.output_structure
        return node.input_tensors[0] if len(node.input_tensors) == 1 else node.input_tensors

    @property
    def input(self) -> Any:
        """The KerasTensor, or the list of them, of its only call."""
        return self._node_tensors(self._only_call("input"), "input")

    @property
    def output(self) -> Any:
        """The KerasTensor, or the structure of them, that its only call gave."""
        return self._node_tensors(self._only_call("output"), "output")

    def _only_call(self, side: str) -> int:
        if len(self._inbound_nodes) > 1:
            raise AttributeError(
                f"{self.name!r} was called {len(self._inbound_nodes)} times, so '{side}' is not defined."
            )
        return 0


def _distinct(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Callable[[Any], Any]:
    """An operation that hands an input through gives a tensor of its own."""
    given = {id(x) for x in tree.flatten((args, kwargs)) if isinstance(x, KerasTensor)}

    def fresh(output: Any) -> Any:
        if isinstance(output, KerasTensor) and (id(output) in given or output._keras_history is not None):
            copy = KerasTensor(output.shape, output.dtype)
            copy._keras_mask = output._keras_mask
            return copy
        return output

    return fresh


class FunctionOperation(Operation):
    """A function of `kerasish.ops` as a node of a model.

    Args:
        function: The function, as the eager code calls it.
        name: Its name; by default that of the function, numbered.
    """

    def __init__(self, function: Callable[..., Any], name: str | None = None) -> None:
        super().__init__(name or auto_name(function.__name__))
        self.function = function

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The function's value."""
        return self.function(*args, **kwargs)


F = TypeVar("F", bound=Callable[..., Any])

_PLAIN = frozenset((Tensor, Variable, int, float, bool, str, NoneType, np.ndarray))
"""Types of arguments that hold no KerasTensor."""

REGISTRY: dict[str, Callable[..., Any]] = {}
"""The functions marked with `@op`, by name: those that a file may call as nodes of a model."""


def op(function: F) -> F:
    """Mark a public function of tensors: called on a KerasTensor, it becomes a node of a model."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        for x in args:
            if type(x) not in _PLAIN and is_symbolic((x,)):
                return FunctionOperation(wrapper).symbolic_call(*args, **kwargs)
        if kwargs and is_symbolic(kwargs.values()):
            return FunctionOperation(wrapper).symbolic_call(*args, **kwargs)
        return function(*args, **kwargs)

    REGISTRY.setdefault(function.__name__, wrapper)
    return wrapper  # type: ignore[return-value]
