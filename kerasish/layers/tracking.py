"""Finding the variables, layers and random streams that an object holds in its attributes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

# Attributes that hold what belongs to the layer's surroundings, not to its state.
_SKIPPED = frozenset(
    (
        "_inbound_nodes",
        "_init_arguments",
        "_losses",
        "_metrics_of_calls",
        "_functional",
        "_history_attributes",
        "optimizer",
        "history",
        "_trainer",
        "input_spec",
        "_build_shapes",
    )
)


def held(owner: Any, kind: type | tuple[type, ...], skip: frozenset[str] = _SKIPPED) -> Iterator[Any]:
    """The objects of a kind in the attributes of an object, and in the lists and dicts there, each once."""
    seen: set[int] = set()
    for name, value in vars(owner).items():
        if name in skip:
            continue
        yield from _search(value, kind, seen)


def _search(value: Any, kind: type | tuple[type, ...], seen: set[int]) -> Iterator[Any]:
    if isinstance(value, kind):
        if id(value) not in seen:
            seen.add(id(value))
            yield value
    elif isinstance(value, dict):
        if id(value) not in seen:
            seen.add(id(value))
            for member in value.values():
                yield from _search(member, kind, seen)
    elif isinstance(value, (list, tuple, set)) and id(value) not in seen:
        seen.add(id(value))
        for member in value:
            yield from _search(member, kind, seen)
