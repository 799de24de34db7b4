"""Small helpers around tensors and the state of the library."""

from __future__ import annotations

from typing import Any

from kerasish.autodiff import KerasTensor, node_of, reset_names
from kerasish.backend.dtypes import standardize_dtype

__all__ = ["clear_session", "get_source_inputs", "is_keras_tensor", "standardize_dtype"]


def is_keras_tensor(x: Any) -> bool:
    """Whether the value is a KerasTensor.

    >>> is_keras_tensor(1.0)
    False
    """
    return isinstance(x, KerasTensor)


def clear_session(free_memory: bool = True) -> None:
    """Start the numbering of names afresh, so that the next Dense layer is called "dense" again."""
    reset_names()


def get_source_inputs(tensor: KerasTensor) -> list[KerasTensor]:
    """The KerasTensors from `Input()` that a KerasTensor was made from.

    >>> from kerasish import layers
    >>> x = layers.Input((2,))
    >>> get_source_inputs(layers.Dense(1)(x))[0] is x
    True
    """
    found: dict[int, KerasTensor] = {}
    waiting, seen = [node_of(tensor)], set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if node.is_input:
            for output in node.outputs:
                found.setdefault(id(output), output)
        waiting.extend(node.parents())
    return list(found.values())
