"""Nested structures of lists, tuples, named tuples and dicts, walked in a fixed order (dicts by sorted key)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any


def is_nested(structure: Any) -> bool:
    """Whether the value is a list, a tuple or a dict.

    >>> is_nested([1]), is_nested(1)
    (True, False)
    """
    return isinstance(structure, (list, tuple, dict))


def _keys(structure: Mapping[Any, Any]) -> list[Any]:
    try:
        return sorted(structure)
    except TypeError:
        return list(structure)


def _rebuild(like: Any, values: list[Any]) -> Any:
    if isinstance(like, dict):
        filled = dict(zip(_keys(like), values, strict=True))
        ordered = {key: filled[key] for key in like}
        return ordered if type(like) is dict else type(like)(ordered)
    if isinstance(like, tuple) and hasattr(like, "_fields"):
        return type(like)(*values)
    return type(like)(values)


def children(structure: Any) -> list[Any]:
    """The direct members of a list, a tuple or a dict."""
    if isinstance(structure, dict):
        return [structure[key] for key in _keys(structure)]
    return list(structure)


def _walk(structure: Any) -> Iterator[Any]:
    if is_nested(structure):
        for child in children(structure):
            yield from _walk(child)
    else:
        yield structure


def flatten(structure: Any) -> list[Any]:
    """The leaves, in order.

    >>> flatten({"b": 2, "a": [1, (3,)]})
    [1, 3, 2]
    """
    if not is_nested(structure):
        return [structure]
    return list(_walk(structure))


def flatten_with_path(structure: Any) -> list[tuple[tuple[Any, ...], Any]]:
    """Pairs of a path (the keys and positions that lead there) and a leaf.

    >>> flatten_with_path({"a": [5, 6]})
    [(('a', 0), 5), (('a', 1), 6)]
    """

    def walk(node: Any, path: tuple[Any, ...]) -> Iterator[tuple[tuple[Any, ...], Any]]:
        if isinstance(node, dict):
            for key in _keys(node):
                yield from walk(node[key], (*path, key))
        elif isinstance(node, (list, tuple)):
            for position, child in enumerate(node):
                yield from walk(child, (*path, position))
        else:
            yield path, node

    return list(walk(structure, ()))


def map_structure(func: Callable[..., Any], *structures: Any, none_is_leaf: bool = True) -> Any:
    """Apply a function to the leaves of structures of one shape.

    >>> map_structure(lambda a, b: a + b, {"x": [1, 2]}, {"x": [10, 20]})
    {'x': [11, 22]}
    """
    first = structures[0]
    if is_nested(first):
        for other in structures[1:]:
            _assert_same_level(first, other)
        members = zip(*(children(structure) for structure in structures), strict=True)
        return _rebuild(first, [map_structure(func, *m, none_is_leaf=none_is_leaf) for m in members])
    if first is None and not none_is_leaf:
        return None
    return func(*structures)


def map_structure_up_to(shallow_structure: Any, func: Callable[..., Any], *structures: Any) -> Any:
    """Apply a function at the leaves of the first structure, to whatever the others hold there.

    >>> map_structure_up_to([0, 0], len, [(1, 2), (3,)])
    [2, 1]
    """
    if is_nested(shallow_structure):
        for other in structures:
            _assert_same_level(shallow_structure, other)
        members = zip(*(children(s) for s in (shallow_structure, *structures)), strict=True)
        return _rebuild(shallow_structure, [map_structure_up_to(m[0], func, *m[1:]) for m in members])
    return func(*structures)


def traverse(func: Callable[[Any], Any], structure: Any, top_down: bool = True) -> Any:
    """Rebuild a structure, letting a function replace any node (None keeps it).

    >>> traverse(lambda node: -node if isinstance(node, int) else None, [1, [2]])
    [-1, [-2]]
    """
    if top_down:
        replaced = func(structure)
        if replaced is not None:
            return replaced
    if is_nested(structure):
        structure = _rebuild(structure, [traverse(func, child, top_down) for child in children(structure)])
    if not top_down:
        replaced = func(structure)
        return structure if replaced is None else replaced
    return structure


def pack_sequence_as(structure: Any, flat_sequence: Any) -> Any:
    """Put flat leaves into the shape of a structure: the inverse of `flatten`.

    >>> pack_sequence_as({"a": 0, "b": [0, 0]}, [1, 2, 3])
    {'a': 1, 'b': [2, 3]}
    """
    flat = list(flat_sequence)
    wanted = len(flatten(structure))
    if len(flat) != wanted:
        raise ValueError(
            f"The structure has {wanted} leaves, the flat sequence has {len(flat)} elements. "
            f"Received: structure={structure!r}"
        )
    leaves = iter(flat)
    return map_structure(lambda _: next(leaves), structure)


def _assert_same_level(a: Any, b: Any) -> None:
    same_kind = is_nested(b) and isinstance(a, dict) == isinstance(b, dict)
    same_members = same_kind and (set(a) == set(b) if isinstance(a, dict) else len(a) == len(b))
    if not same_members:
        raise ValueError(f"The structures differ. Received: {a!r} and {b!r}")


def assert_same_structure(a: Any, b: Any) -> None:
    """Raise a ValueError unless both have the same nesting.

    >>> assert_same_structure([1, {"k": 2}], [3, {"k": 4}])
    """
    if is_nested(a) != is_nested(b):
        raise ValueError(f"The structures differ. Received: {a!r} and {b!r}")
    if is_nested(a):
        _assert_same_level(a, b)
        for left, right in zip(children(a), children(b), strict=True):
            assert_same_structure(left, right)


def lists_to_tuples(structure: Any) -> Any:
    """The same structure with tuples in place of lists.

    >>> lists_to_tuples([1, [2]])
    (1, (2,))
    """
    return traverse(lambda node: tuple(node) if isinstance(node, list) else None, structure, top_down=False)
