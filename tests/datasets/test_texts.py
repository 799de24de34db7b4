import numpy as np
import pytest

from kerasish.datasets import imdb, reuters

REVIEWS = [[1, 2, 3], [5, 1], [9, 8, 7, 6], [4]]
LABELS = np.array([1, 0, 1, 0])


def object_array(rows):
    array = np.empty(len(rows), dtype=object)
    for index, row in enumerate(rows):
        array[index] = row
    return array


def in_order(rows, seed):
    """Rows in the order of `RandomState(seed)`; the same generator shuffles one list after the other."""
    generator = np.random.RandomState(seed)
    orders = []
    for part in rows:
        order = np.arange(len(part))
        generator.shuffle(order)
        orders.append(order)
    return orders


@pytest.fixture
def movie_reviews(cache):
    np.savez(
        cache / "imdb.npz",
        x_train=object_array(REVIEWS),
        y_train=LABELS,
        x_test=object_array(REVIEWS[::-1]),
        y_test=LABELS[::-1],
    )
    return cache / "imdb.npz"


@pytest.fixture
def newswires(cache):
    np.savez(cache / "reuters.npz", x=object_array(REVIEWS * 5), y=np.tile(LABELS, 5))
    return cache / "reuters.npz"


def pairs(x, y):
    return sorted((tuple(row), int(label)) for row, label in zip(x, y))


def test_reviews_are_shuffled_shifted_and_begin_with_a_start(movie_reviews):
    (x_train, y_train), (x_test, y_test) = imdb.load_data(num_words=100)
    train, test = in_order([REVIEWS, REVIEWS], 113)
    assert x_train.tolist() == [[1, *(word + 3 for word in REVIEWS[index])] for index in train]
    assert y_train.tolist() == LABELS[train].tolist()
    assert x_test.tolist() == [[1, *(word + 3 for word in REVIEWS[::-1][index])] for index in test]
    assert y_test.tolist() == LABELS[::-1][test].tolist()
    assert (x_train.dtype, y_train.dtype) == (np.dtype(object), np.dtype("int64"))


def test_the_seed_decides_the_order(movie_reviews):
    orders = {str(imdb.load_data(seed=seed)[0][0].tolist()) for seed in range(5)}
    assert len(orders) > 1
    assert str(imdb.load_data(seed=3)[0][0].tolist()) == str(imdb.load_data(seed=3)[0][0].tolist())


@pytest.mark.parametrize(
    ("kwargs", "expected"),
    [
        ({"num_words": 8}, [[1, 4, 5, 6], [1, 2, 4], [1, 2, 2, 2, 2], [1, 7]]),
        ({"num_words": 8, "oov_char": None}, [[1, 4, 5, 6], [1, 4], [1], [1, 7]]),
        ({"num_words": 8, "oov_char": 0, "skip_top": 5}, [[0, 0, 5, 6], [0, 0, 0], [0, 0, 0, 0, 0], [0, 7]]),
        ({"start_char": None, "num_words": 99}, [[4, 5, 6], [8, 4], [12, 11, 10, 9], [7]]),
        ({"start_char": None, "index_from": 0, "num_words": 99}, REVIEWS),
        ({"start_char": None, "index_from": None, "num_words": 99}, REVIEWS),
        ({}, [[1, 4, 5, 6], [1, 8, 4], [1, 2, 11, 10, 9], [1, 7]]),
        ({"maxlen": 4, "num_words": 99}, [[1, 8, 4], [1, 7]]),
    ],
)
def test_words_and_reviews_are_left_out_as_asked(movie_reviews, newswires, kwargs, expected):
    (x, y), (x_test, _) = imdb.load_data(**kwargs)
    assert sorted(x.tolist()) == sorted(expected)
    assert sorted(x_test.tolist()) == sorted(expected)
    assert len(y) == len(x)
    (x_train, y_train), (x_test, y_test) = reuters.load_data(**kwargs)
    assert sorted([*x_train.tolist(), *x_test.tolist()]) == sorted(expected * 5)
    assert (len(y_train), len(y_test)) == (len(x_train), len(x_test))


def test_the_labels_follow_their_texts(newswires, movie_reviews):
    expected = sorted((tuple(word + 3 for word in row), int(label)) for row, label in zip(REVIEWS, LABELS))
    (x, y), _ = imdb.load_data(num_words=99, start_char=None)
    assert pairs(x, y) == expected
    (x, y), _ = reuters.load_data(num_words=99, start_char=None, test_split=0.0)
    assert pairs(x, y) == sorted(expected * 5)


def test_newswires_are_shuffled_and_split(newswires):
    (order,) = in_order([REVIEWS * 5], 113)
    expected = [[word + 3 for word in (REVIEWS * 5)[index]] for index in order]
    (x_train, y_train), (x_test, y_test) = reuters.load_data(num_words=99, start_char=None, test_split=0.3)
    assert (x_train.tolist(), x_test.tolist()) == (expected[:14], expected[14:])
    assert [*y_train, *y_test] == np.tile(LABELS, 5)[order].tolist()


@pytest.mark.parametrize("module", [imdb, reuters])
def test_an_error_says_when_maxlen_leaves_no_text(movie_reviews, newswires, module):
    with pytest.raises(ValueError, match="Received: maxlen=2"):
        module.load_data(maxlen=2)


def test_texts_of_one_length_stay_lists(cache):
    rows = object_array([[1, 2], [3, 4], [5, 6]])
    np.savez(cache / "reuters.npz", x=rows, y=np.arange(3))
    (x, _), _ = reuters.load_data()
    assert x.shape == (2,)
    assert isinstance(x[0], list)


def test_the_old_name_of_num_words_still_works(movie_reviews):
    with pytest.warns(UserWarning, match="nb_words"):
        (x, _), _ = imdb.load_data(nb_words=8)
    assert x.tolist() == imdb.load_data(num_words=8)[0][0].tolist()
    with pytest.raises(TypeError, match="Received: words"):
        imdb.load_data(words=8)


@pytest.mark.parametrize("test_split", [-0.1, 1, 1.5, float("nan")])
def test_the_test_split_of_newswires_is_a_fraction(newswires, test_split):
    with pytest.raises(ValueError, match="Received: test_split="):
        reuters.load_data(test_split=test_split)


@pytest.mark.parametrize(
    "arrays",
    [
        {"x": object_array([[1], ["a"]]), "y": np.arange(2)},
        {"x": object_array([[1], 2]), "y": np.arange(2)},
        {"x": object_array([[1], [2]]), "y": np.arange(3)},
        {"x": object_array([[1], [2]]), "y": np.array([0.5, 1])},
        {"x": object_array([[1], [2]])},
    ],
)
def test_newswires_that_are_no_lists_of_integers_are_an_error(cache, arrays):
    np.savez(cache / "reuters.npz", **arrays)
    with pytest.raises(ValueError, match=r"reuters\.npz"):
        reuters.load_data()


@pytest.mark.parametrize("module", [imdb, reuters])
def test_the_word_index_is_read_from_a_file_in_the_cache(cache, module):
    name = module.__name__.rpartition(".")[2]
    (cache / f"{name}_word_index.json").write_text('{"the": 1, "of": 2}')
    assert module.get_word_index() == {"the": 1, "of": 2}


def test_the_topics_of_newswires_have_names():
    names = reuters.get_label_names()
    assert isinstance(names, tuple)
    assert len(set(names)) == 46
    assert (names[0], names[3], names[45]) == ("cocoa", "earn", "lead")
