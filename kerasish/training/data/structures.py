"""Structures of data: from what users pass to nested leaves, and from leaves to batches."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish import tree
from kerasish.autodiff import Tensor, convert_to_tensor
from kerasish.training.data.leaves import Leaf, as_leaf, as_tensor


def _is_numbers(node: Any) -> bool:
    """Whether a list holds numbers (or lists of them): one array, not several."""
    if not isinstance(node, (list, tuple)):
        return False
    first = node
    while isinstance(first, (list, tuple)) and first:
        first = first[0]
    return isinstance(first, (bool, int, float, complex, np.number, np.bool_))


def _array_of(node: Any, name: str) -> Any:
    try:
        return convert_to_tensor(node)
    except ValueError as error:
        raise ValueError(
            f"Expected {name} to be a list of numbers, or of rows of one length. Received: {name}={str(node)[:80]}"
        ) from error


def map_arrays(function: Callable[[Any, str], Any], node: Any, name: str) -> Any:
    """Apply a function `(array, name)` to each array of a structure. Lists of numbers are arrays, None stays."""
    if node is None:
        return None
    if isinstance(node, dict):
        changed = {key: map_arrays(function, member, f"{name}[{key!r}]") for key, member in node.items()}
        return changed if type(node) is dict else type(node)(changed)
    if _is_numbers(node):
        return function(_array_of(node, name), name)
    if isinstance(node, (list, tuple)):
        members = [map_arrays(function, member, f"{name}[{i}]") for i, member in enumerate(node)]
        return type(node)(*members) if hasattr(node, "_fields") else type(node)(members)
    return function(node, name)


def as_leaves(node: Any, name: str) -> Any:
    """The structure with a leaf in place of each array."""
    return map_arrays(as_leaf, node, name)


def as_tensors(node: Any, name: str) -> Any:
    """The structure with a tensor in place of each array."""
    if type(node) is np.ndarray or node is None:
        return as_tensor(node, name)
    return map_arrays(as_tensor, node, name)


def leaves_of(structure: Any) -> list[Leaf]:
    """The leaves, without None."""
    return [leaf for leaf in tree.flatten(structure) if leaf is not None]


def builder(structure: Any) -> Callable[[list[Tensor]], Any]:
    """A function that puts tensors, in the order of `leaves_of`, into the shape of a structure.

    >>> builder({"b": 1, "a": (2, None)})(["first", "second"])
    {'b': 'second', 'a': ('first', None)}
    """
    count = 0

    def make(node: Any) -> Callable[[list[Tensor]], Any]:
        nonlocal count
        if node is None:
            return lambda _: None
        if isinstance(node, dict):
            by_key = dict(zip(sorted_keys(node), [make(child) for child in tree.children(node)], strict=True))
            parts = {key: by_key[key] for key in node}
            if type(node) is dict:
                return lambda flat: {key: part(flat) for key, part in parts.items()}
            return lambda flat: type(node)({key: part(flat) for key, part in parts.items()})
        if isinstance(node, (list, tuple)):
            members = [make(child) for child in node]
            if hasattr(node, "_fields"):
                return lambda flat: type(node)(*[member(flat) for member in members])
            return lambda flat: type(node)([member(flat) for member in members])
        position = count
        count += 1
        return lambda flat: flat[position]

    if type(structure) is tuple and not any(node is None or tree.is_nested(node) for node in structure):
        return tuple
    return make(structure)


def sorted_keys(node: dict[Any, Any]) -> list[Any]:
    """The keys in the order in which `tree` walks them."""
    try:
        return sorted(node)
    except TypeError:
        return list(node)


def sizes(structure: Any) -> str:
    """The numbers of samples of the arrays, for messages."""
    return ", ".join(str(leaf.shape[0]) for leaf in leaves_of(structure))


def shapes(structure: Any) -> str:
    """The shapes of the arrays, for messages."""
    found = [str(tuple(leaf.shape)) for leaf in leaves_of(structure)]
    return found[0] if len(found) == 1 else f"[{', '.join(found)}]"
