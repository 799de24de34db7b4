import numpy as np
import pytest

from kerasish.utils.numerical_utils import normalize, to_categorical


@pytest.mark.parametrize("shape", [(), (3,), (4, 3), (2, 3, 2), (1,)])
def test_one_hot_vectors_are_rows_of_the_identity_and_keep_the_shape(shape):
    x = np.arange(np.prod(shape, dtype=int)).reshape(shape) % 5
    one_hot = to_categorical(x, num_classes=5)
    assert one_hot.dtype == np.float64
    np.testing.assert_array_equal(one_hot, np.eye(5)[x])


def test_the_number_of_classes_is_the_largest_class_plus_one_by_default():
    assert to_categorical([0, 4, 2]).shape == (3, 5)
    assert to_categorical([0, 4, 2], num_classes=0).shape == (3, 5)


def test_a_last_axis_of_size_one_is_dropped():
    assert to_categorical(np.zeros((4, 3, 1)), 2).shape == (4, 3, 2)
    assert to_categorical(np.zeros((4, 1)), 2).shape == (4, 2)
    assert to_categorical(np.zeros((1,)), 2).shape == (1, 2)


def test_whole_floats_are_classes_and_fractions_are_not():
    np.testing.assert_array_equal(to_categorical(np.array([1.0, 0.0], "float32")), [[0, 1], [1, 0]])
    with pytest.raises(ValueError, match=r"must hold integers.*Received"):
        to_categorical([0.0, 1.5])
    with pytest.raises(ValueError, match="Received"):
        to_categorical([0.0, float("nan")])


@pytest.mark.parametrize("x", [[0, 3], [-1, 2]])
def test_a_class_outside_of_the_range_is_an_error(x):
    with pytest.raises(ValueError, match=r"classes from 0 to num_classes - 1 = 2\..*Received"):
        to_categorical(x, num_classes=3)


@pytest.mark.parametrize("num_classes", [-1, 2.5, True])
def test_the_number_of_classes_must_be_a_positive_integer(num_classes):
    with pytest.raises(ValueError, match=r"num_classes.*Received"):
        to_categorical([0], num_classes=num_classes)


def test_an_empty_array_needs_a_number_of_classes():
    assert to_categorical(np.zeros((0,)), num_classes=4).shape == (0, 4)
    with pytest.raises(ValueError, match="`num_classes` must be given"):
        to_categorical([])


@pytest.mark.parametrize("x", [["cat", "dog"], [[1, 2], [3]], [None]])
def test_labels_that_are_no_integers_are_an_error(x):
    with pytest.raises(ValueError, match="array of integers"):
        to_categorical(x)


@pytest.mark.parametrize("axis", [-1, 0, 1, 2])
@pytest.mark.parametrize("order", [1, 2, 3])
def test_normalized_vectors_have_norm_one_along_any_axis(axis, order):
    x = np.random.default_rng(0).normal(size=(3, 3, 3))
    norm = (np.abs(x) ** order).sum(axis, keepdims=True) ** (1 / order)
    np.testing.assert_allclose(normalize(x, axis=axis, order=order), x / norm)


def test_vectors_of_norm_zero_stay_as_they_are():
    np.testing.assert_array_equal(normalize([[0, 0], [0, 2]]), [[0, 0], [0, 1]])


def test_normalize_keeps_the_dtype_of_floats_and_its_input():
    x = np.ones((2, 2), "float32")
    assert normalize(x).dtype == np.float32
    assert normalize(np.ones((2, 2), "float16")).dtype == np.float16
    assert normalize([1, 2]).dtype == np.float64
    np.testing.assert_array_equal(x, np.ones((2, 2)))


def test_a_normalized_numpy_vector_has_a_first_axis_as_in_keras_and_a_list_has_not():
    np.testing.assert_allclose(normalize(np.array([3.0, 4.0])), [[0.6, 0.8]])
    np.testing.assert_allclose(normalize([3.0, 4.0]), [0.6, 0.8])


@pytest.mark.parametrize("kwargs", [{"axis": 2}, {"order": "nonsense"}])
def test_normalize_names_an_impossible_axis_or_order(kwargs):
    with pytest.raises(ValueError, match="cannot be normalized"):
        normalize(np.ones((2, 2)), **kwargs)


def test_normalize_refuses_what_are_no_numbers():
    with pytest.raises(ValueError, match=r"array of numbers.*Received"):
        normalize(["a"])
