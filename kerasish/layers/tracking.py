"""Finding the variables, layers and random streams that an object holds in its attributes."""

from __future__ import annotations

from typing import Any

# Attributes that hold what belongs to the layer's surroundings, not to its state.
_SKIPPED = frozenset(
    (
        "_inbound_nodes",
        "_init_arguments",
        "_losses",
        "optimizer",
        "history",
        "input_spec",
        "_build_shapes",
    )
)
_CONTAINERS = (dict, list, tuple, set)


def held(owner: Any, kind: type | tuple[type, ...]) -> list[Any]:
    """The objects of a kind in the attributes of an object, and in the lists and dicts there, each once."""
    found: dict[int, Any] = {}
    for name, value in vars(owner).items():
        # Most attributes are numbers, names and functions: this line is all that they cost.
        if isinstance(value, kind):
            if name not in _SKIPPED:
                found[id(value)] = value
        elif isinstance(value, _CONTAINERS) and value and name not in _SKIPPED:
            _search(value, kind, found, set())
    return list(found.values())


def _search(container: Any, kind: type | tuple[type, ...], found: dict[int, Any], entered: set[int]) -> None:
    """Add the objects of a kind in a container, at any depth; a container within itself is entered once."""
    if id(container) in entered:
        return
    entered.add(id(container))
    for member in container.values() if isinstance(container, dict) else container:
        if isinstance(member, kind):
            found[id(member)] = member
        elif isinstance(member, _CONTAINERS) and member:
            _search(member, kind, found, entered)
