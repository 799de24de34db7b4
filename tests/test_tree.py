from collections import OrderedDict, namedtuple

import pytest

from kerasish import tree

Point = namedtuple("Point", "x y")
NESTED = {"b": [1, (2, 3)], "a": Point(4, {"k": 5})}


def test_leaves_come_in_the_order_of_sorted_keys():
    assert tree.flatten(NESTED) == [4, 5, 1, 2, 3]
    assert tree.flatten(7) == [7]
    assert tree.flatten([]) == []


def test_paths_lead_to_the_leaves():
    assert dict(tree.flatten_with_path(NESTED))[("b", 1, 0)] == 2


def test_packing_is_the_inverse_of_flattening():
    assert tree.pack_sequence_as(NESTED, tree.flatten(NESTED)) == NESTED
    with pytest.raises(ValueError, match="5 leaves, the flat sequence has 2"):
        tree.pack_sequence_as(NESTED, [1, 2])


def test_mapping_keeps_the_kinds_of_containers_and_the_order_of_dicts():
    doubled = tree.map_structure(lambda x: 2 * x, NESTED)
    assert doubled == {"b": [2, (4, 6)], "a": Point(8, {"k": 10})}
    assert isinstance(doubled["a"], Point)
    assert list(doubled) == ["b", "a"]
    ordered = tree.map_structure(str, OrderedDict(z=1, a=2))
    assert type(ordered) is OrderedDict
    assert list(ordered.items()) == [("z", "1"), ("a", "2")]


def test_several_structures_are_mapped_together():
    assert tree.map_structure(lambda a, b: a - b, [3, {"k": 5}], [1, {"k": 2}]) == [2, {"k": 3}]
    assert tree.map_structure_up_to([0, 0], len, [(1, 2), [3]]) == [2, 1]


@pytest.mark.parametrize(("a", "b"), [([1], [1, 2]), ([1], {"k": 1}), ({"k": 1}, {"m": 1}), ([1], 1)])
def test_structures_that_differ_are_refused(a, b):
    with pytest.raises(ValueError, match="differ"):
        tree.assert_same_structure(a, b)
    if tree.is_nested(a):
        with pytest.raises(ValueError, match="differ"):
            tree.map_structure(lambda x, y: x, a, b)


def test_traversing_replaces_what_the_function_returns():
    assert tree.traverse(lambda n: "list" if n == [1, 2] else None, {"a": [1, 2], "b": 3}) == {"a": "list", "b": 3}
    assert tree.lists_to_tuples([1, [2, {"k": [3]}]]) == (1, (2, {"k": (3,)}))
