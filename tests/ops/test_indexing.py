import numpy as np
import pytest

from kerasish.autodiff import GradientTape, KerasTensor, Variable, convert_to_tensor
from kerasish.ops import encoding, indexing, segments
from tests.support import check_gradients


@pytest.fixture
def rng():
    return np.random.default_rng(0)


KEYS = [
    0,
    -1,
    slice(1, None),
    (slice(None), 1),
    (Ellipsis, None, 1),
    [0, 2, 0],
    np.array([True, False, True]),
    (slice(None), [1, 1]),
    ([0, 0], [1, 1]),
    np.int64(2),
    (slice(None, None, -2), slice(0, 1)),
]


@pytest.mark.parametrize("key", KEYS, ids=str)
def test_get_item_is_numpys_with_gradients(rng, key):
    x = rng.normal(size=(3, 4))
    np.testing.assert_array_equal(indexing.get_item(x, key).numpy(), x[key])
    np.testing.assert_array_equal(convert_to_tensor(x)[key].numpy(), x[key])
    check_gradients(lambda a: indexing.get_item(a, key), [x])


def test_get_item_takes_tensors_as_indices(rng):
    x = rng.normal(size=(3, 4))
    tensor = convert_to_tensor(x)
    rows = convert_to_tensor([2, 0, 2])
    np.testing.assert_array_equal(tensor[rows].numpy(), x[[2, 0, 2]])
    np.testing.assert_array_equal(tensor[:, rows].numpy(), x[:, [2, 0, 2]])
    np.testing.assert_array_equal(tensor[tensor > 0].numpy(), x[x > 0])
    np.testing.assert_array_equal(tensor[convert_to_tensor(1)].numpy(), x[1])
    check_gradients(lambda a: a[rows], [x])


def test_a_part_of_a_variable_keeps_its_value():
    variable = Variable([1.0, 2.0, 3.0])
    part = variable[1:]
    variable.assign([7.0, 8.0, 9.0])
    assert part.tolist() == [2, 3]


def test_get_item_says_what_an_index_may_be():
    x = convert_to_tensor([1.0, 2.0])
    with pytest.raises(TypeError, match="float32"):
        x[[0.5]]
    with pytest.raises(TypeError, match=r"Received: .*str"):
        x["a"]
    with pytest.raises(IndexError):
        x[2]


def test_a_part_of_a_symbolic_tensor_has_a_shape():
    x = KerasTensor((None, 4, 3))
    assert indexing.get_item(x, (slice(None), 0)).shape == (None, 3)
    assert indexing.take(x, [0, 1], axis=1).shape == (None, 2, 3)
    assert indexing.get_item(np.zeros((9, 5), np.float32), KerasTensor((None, 2), "int32")).shape == (None, 2, 5)
    assert encoding.one_hot(KerasTensor((None,), "int32"), 7).shape == (None, 7)
    assert indexing.slice(x, (0, 1, 0), (-1, 2, 3)).shape == (None, 2, 3)


@pytest.mark.parametrize("axis", [0, 1, -1, None])
@pytest.mark.parametrize("indices", [1, [1, 0, -1, 1], [[0, 1], [1, 1]]])
def test_take_is_numpys_with_gradients(rng, axis, indices):
    x = rng.normal(size=(3, 2))
    np.testing.assert_array_equal(indexing.take(x, indices, axis).numpy(), np.take(x, indices, axis))
    check_gradients(lambda a: indexing.take(a, indices, axis), [x])


@pytest.mark.parametrize(("axis", "shape"), [(0, (2, 2)), (1, (3, 4)), (-1, (1, 3)), (None, (5,))])
def test_take_along_axis_is_numpys_with_gradients(rng, axis, shape):
    x = rng.normal(size=(3, 2))
    indices = rng.integers(-2, 2, shape)
    source = x.ravel() if axis is None else x
    wide = np.broadcast_to(indices, (3, 3)) if shape == (1, 3) else indices
    expected = np.take_along_axis(source, wide, axis=0 if axis is None else axis)
    np.testing.assert_array_equal(indexing.take_along_axis(x, indices, axis).numpy(), expected)
    check_gradients(lambda a: indexing.take_along_axis(a, indices, axis), [x])


def test_take_along_axis_broadcasts_the_tensor(rng):
    x = rng.normal(size=(1, 3))
    indices = np.array([[2], [0], [0]])
    np.testing.assert_array_equal(indexing.take_along_axis(x, indices, 1).numpy(), x[0][indices])
    check_gradients(lambda a: indexing.take_along_axis(a, indices, 1), [x])


@pytest.mark.parametrize(("depth", "shape"), [(1, (3,)), (1, (3, 2)), (2, (3, 2)), (2, (3, 2, 2))])
def test_scatter_adds_with_gradients(rng, depth, shape):
    indices = np.stack([rng.integers(0, size, 4) for size in shape[:depth]], axis=1)
    values = rng.normal(size=(4, *shape[depth:]))
    expected = np.zeros(shape)
    np.add.at(expected, tuple(indices.T), values)
    np.testing.assert_allclose(indexing.scatter(indices, values, shape).numpy(), expected)
    check_gradients(lambda v: indexing.scatter(indices, v, shape), [values])


@pytest.mark.parametrize("reduction", [None, "add", "max", "min", "mul"])
def test_scatter_update_has_gradients(rng, reduction):
    x = rng.normal(size=(4, 2))
    indices = [[2], [0]] if reduction == "mul" else [[2], [0], [2]]
    updates = rng.normal(size=(len(indices), 2))
    check_gradients(lambda a, u: indexing.scatter_update(a, indices, u, reduction), [x, updates])


def test_equal_candidates_share_the_gradient_of_a_maximum():
    x, updates = convert_to_tensor([1.0, 0.0]), convert_to_tensor([1.0])
    with GradientTape() as tape:
        tape.watch([x, updates])
        y = indexing.scatter_update(x, [[0]], updates, "max")
    dx, du = tape.gradient(y, [x, updates])
    assert (dx.tolist(), du.tolist()) == ([0.5, 1.0], [0.5])


def test_slices_are_cut_and_replaced_with_gradients(rng):
    x, part = rng.normal(size=(3, 4)), rng.normal(size=(2, 2))
    np.testing.assert_array_equal(indexing.slice(x, (1, 0), (2, 3)).numpy(), x[1:3, :3])
    expected = x.copy()
    expected[1:, 2:] = part
    np.testing.assert_array_equal(indexing.slice_update(x, (1, 2), part).numpy(), expected)
    check_gradients(lambda a: indexing.slice(a, (1, 0), (2, -1)), [x])
    check_gradients(lambda a, u: indexing.slice_update(a, (1, 2), u), [x, part])
    with pytest.raises(ValueError, match=r"slice.*Received"):
        indexing.slice(x, (2, 0), (2, 3))
    with pytest.raises(ValueError, match=r"slice_update.*Received"):
        indexing.slice_update(x, (0,), part)


@pytest.mark.parametrize(
    "call",
    [
        lambda: indexing.take(np.ones(3), [0], axis=1),
        lambda: indexing.take_along_axis(np.ones(3), [[0]], axis=0),
        lambda: indexing.scatter([[0]], [1.0, 2.0], (3,)),
        lambda: indexing.scatter_update(np.ones(3), [[0]], [1.0], reduction="mean"),
        lambda: indexing.take(np.ones(3), np.array([True]), axis=0),
        lambda: segments.segment_sum(np.ones(3), [0, 1]),
        lambda: segments.bincount([-1]),
    ],
)
def test_bad_arguments_are_named(call):
    with pytest.raises(ValueError, match="Received"):
        call()
