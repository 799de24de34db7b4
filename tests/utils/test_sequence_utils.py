import numpy as np
import pytest

from kerasish.utils.sequence_utils import pad_sequences

RAGGED = [[1], [2, 3], [4, 5, 6]]


@pytest.mark.parametrize(
    ("kwargs", "expected"),
    [
        ({}, [[0, 0, 1], [0, 2, 3], [4, 5, 6]]),
        ({"value": -1}, [[-1, -1, 1], [-1, 2, 3], [4, 5, 6]]),
        ({"padding": "post"}, [[1, 0, 0], [2, 3, 0], [4, 5, 6]]),
        ({"maxlen": 2}, [[0, 1], [2, 3], [5, 6]]),
        ({"maxlen": 2, "truncating": "post"}, [[0, 1], [2, 3], [4, 5]]),
        ({"maxlen": 4, "padding": "post"}, [[1, 0, 0, 0], [2, 3, 0, 0], [4, 5, 6, 0]]),
        ({"maxlen": 0}, [[], [], []]),
        ({"maxlen": 0, "padding": "post", "truncating": "post"}, [[], [], []]),
    ],
)
def test_sequences_are_padded_and_cut_on_the_chosen_side(kwargs, expected):
    padded = pad_sequences(RAGGED, **kwargs)
    assert padded.dtype == np.int32
    np.testing.assert_array_equal(padded, np.array(expected).reshape(3, -1))


def test_empty_sequences_become_padding():
    np.testing.assert_array_equal(pad_sequences([[], [1, 2]], value=7), [[7, 7], [1, 2]])
    assert pad_sequences([], maxlen=3).shape == (0, 3)


def test_elements_may_be_vectors():
    padded = pad_sequences([[], [[1, 2]], [[3, 4], [5, 6]]], dtype="float32")
    np.testing.assert_array_equal(padded, [[[0, 0], [0, 0]], [[0, 0], [1, 2]], [[3, 4], [5, 6]]])


def test_arrays_of_any_dtype_are_sequences():
    padded = pad_sequences([np.arange(3.0), np.arange(1.0)], dtype="float64", value=np.nan)
    np.testing.assert_array_equal(padded, [[0, 1, 2], [np.nan, np.nan, 0]])


@pytest.mark.parametrize("dtype", [object, "object", "U3"])
def test_strings_are_padded_with_a_string(dtype):
    padded = pad_sequences([["a"], ["b", "c"]], dtype=dtype, value="pad", padding="post")
    assert padded.tolist() == [["a", "pad"], ["b", "c"]]


def test_a_string_as_value_wants_a_dtype_of_strings():
    with pytest.raises(ValueError, match=r"dtype.*Received: dtype='int32', value='pad'"):
        pad_sequences([["a"]], value="pad")


@pytest.mark.parametrize("kwargs", [{"padding": "left"}, {"truncating": "left"}])
def test_an_unknown_side_is_an_error(kwargs):
    with pytest.raises(ValueError, match=r"must be 'pre' or 'post'.*Received"):
        pad_sequences(RAGGED, **kwargs)


@pytest.mark.parametrize("maxlen", [-1, 1.5, True])
def test_maxlen_must_be_a_count(maxlen):
    with pytest.raises(ValueError, match="Received: maxlen="):
        pad_sequences(RAGGED, maxlen=maxlen)


@pytest.mark.parametrize("sequences", [[1, 2, 3], [[1], 2], 5, np.arange(3)])
def test_an_element_that_is_no_sequence_is_an_error(sequences):
    with pytest.raises(ValueError, match=r"must be a list of sequences.*Received"):
        pad_sequences(sequences)


def test_the_sequence_whose_elements_have_another_shape_is_named():
    with pytest.raises(ValueError, match=r"shape \(3,\) in the sequence at position 1"):
        pad_sequences([[[1, 2]], [[1, 2, 3]]])
    with pytest.raises(ValueError, match="at position 1"):
        pad_sequences([[1, 2], ["a"]])


def test_no_sequences_at_all_need_a_maxlen():
    with pytest.raises(ValueError, match="`maxlen` must be given"):
        pad_sequences([])
