import numpy as np
import pytest

from kerasish.autodiff import KerasTensor, convert_to_tensor
from kerasish.ops import sorting
from tests.support import check_gradients


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("axis", [0, 1, -1, None])
def test_sort_is_numpys_with_gradients(rng, axis):
    x = rng.normal(size=(3, 4))
    np.testing.assert_array_equal(sorting.sort(x, axis).numpy(), np.sort(x, axis))
    np.testing.assert_array_equal(sorting.argsort(x, axis).numpy(), np.argsort(x, axis))
    check_gradients(lambda a: sorting.sort(a, axis), [x])


def test_argpartition_puts_the_kth_in_its_place(rng):
    x = rng.normal(size=(3, 7))
    order = sorting.argpartition(x, 2).numpy()
    values = np.take_along_axis(x, order, -1)
    assert (values[:, :2] <= values[:, 2:3]).all()
    assert (values[:, 3:] >= values[:, 2:3]).all()


@pytest.mark.parametrize("k", [1, 3])
def test_the_largest_values_have_gradients(rng, k):
    x = rng.normal(size=(2, 14))
    values, indices = sorting.top_k(x, k)
    np.testing.assert_array_equal(values.numpy(), -np.sort(-x)[:, :k])
    np.testing.assert_array_equal(indices.numpy(), np.argsort(-x)[:, :k])
    check_gradients(lambda a: sorting.top_k(a, k)[0], [x])


def test_in_top_k_lets_ties_in_and_keeps_nan_out():
    predictions = [[0.1, 0.5, 0.5], [0.3, 0.2, 0.1], [np.nan, 0.0, 0.0]]
    assert sorting.in_top_k([2, 2, 0], predictions, 1).tolist() == [True, False, False]
    assert sorting.in_top_k([2, 1, 0], predictions, 2).tolist() == [True, True, False]


def test_searchsorted_and_digitize_are_numpys(rng):
    edges, x = np.sort(rng.normal(size=5)), rng.normal(size=(3, 4))
    x[0, 0] = edges[2]
    for side in ("left", "right"):
        np.testing.assert_array_equal(sorting.searchsorted(edges, x, side).numpy(), np.searchsorted(edges, x, side))
    np.testing.assert_array_equal(sorting.digitize(x, edges).numpy(), np.digitize(x, edges))
    assert sorting.digitize(x, edges).dtype == "int32"


def test_nonzero_gives_one_tensor_for_each_dimension():
    x = np.array([[0, 3], [4, 0], [0, 0]])
    assert [i.tolist() for i in sorting.nonzero(x)] == [[0, 1], [1, 0]]


def test_unique_values_with_everything():
    values, first, inverse, counts = sorting.unique(
        [3, 1, 3, 2], return_index=True, return_inverse=True, return_counts=True
    )
    assert (values.tolist(), first.tolist()) == ([1, 2, 3], [1, 3, 0])
    assert (inverse.tolist(), counts.tolist()) == ([2, 0, 2, 1], [1, 1, 2])


def test_unique_values_come_in_the_size_that_is_asked_for():
    assert sorting.unique([3, 1, 3], size=4).tolist() == [1, 3, 1, 1]
    assert sorting.unique([3, 1, 3], size=4, fill_value=9).tolist() == [1, 3, 9, 9]
    values, counts = sorting.unique([3, 1, 3, 2], size=2, return_counts=True)
    assert (values.tolist(), counts.tolist()) == ([1, 2], [1, 1])
    assert sorting.unique([[1, 1], [2, 2], [1, 1]], axis=0, size=3, fill_value=0).tolist() == [[1, 1], [2, 2], [0, 0]]
    assert sorting.unique([[1, 2, 1]], axis=1).tolist() == [[1, 2]]


def test_symbolic_orders_have_shapes():
    values, indices = sorting.top_k(KerasTensor((None, 7)), 3)
    assert (values.shape, indices.shape, indices.dtype) == ((None, 3), (None, 3), "int32")
    assert sorting.sort(KerasTensor((None, 7)), axis=0).shape == (None, 7)


@pytest.mark.parametrize(
    "call",
    [
        lambda: sorting.sort([1.0], axis=1),
        lambda: sorting.top_k([1.0], 2),
        lambda: sorting.argpartition([1.0], 1),
        lambda: sorting.searchsorted([[1.0]], [1.0]),
        lambda: sorting.searchsorted([1.0], [1.0], side="middle"),
        lambda: sorting.in_top_k([1], [1.0], 1),
    ],
)
def test_bad_arguments_are_named(call):
    with pytest.raises(ValueError, match="Received"):
        call()


def test_sorting_takes_tensors():
    assert sorting.sort(convert_to_tensor([2, 1])).tolist() == [1, 2]
