"""IMDB: movie reviews, and whether they praise or blame."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

from kerasish.datasets.published import ORIGIN, Split, fetch, load_word_index
from kerasish.datasets.restricted_pickle import load_ragged_npz
from kerasish.datasets.word_sequences import (
    check_sequences,
    object_array,
    shifted,
    shorter_than,
    shuffled,
    within_vocabulary,
)

FILE_HASH = "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f"
WORD_INDEX_HASH = "bfafd718b763782e994055a2d397834f"


def load_data(
    path: str = "imdb.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
    **kwargs: Any,
) -> Split:
    """25,000 reviews for training and as many for the test, each a list of word indices.

    Words are numbered by how often they occur, so that the smallest indices are the most frequent words.
    With the default arguments 0 stands for padding, 1 begins a review, 2 is a word that was left out, and
    the most frequent word is 4.

    Args:
        path: the name of the file in the cache.
        num_words: keep the indices below this one; None for all but the rarest word.
        skip_top: leave out the indices below this one.
        maxlen: keep the reviews that are shorter than this. None keeps all.
        seed: decides the order of the reviews.
        start_char: put before each review; None for nothing.
        oov_char: put in the place of each word that is left out; None to drop these words.
        index_from: added to each word index.
        **kwargs: `nb_words`, the old name of `num_words`.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: object arrays of lists of integers, and int64 labels, 1 for
        praise and 0 for blame.

    Raises:
        OSError: the download failed.
        ValueError: the file in the cache is damaged, or `maxlen` leaves no review.

    Source: A. L. Maas et al., Learning Word Vectors for Sentiment Analysis, 2011.

    >>> (x_train, y_train), (x_test, y_test) = load_data(num_words=10_000)  # doctest: +SKIP
    >>> x_train.shape, max(max(review) for review in x_train)  # doctest: +SKIP
    ((25000,), 9999)
    """
    if "nb_words" in kwargs:
        warnings.warn("`nb_words` is the old name of `num_words`.", stacklevel=2)
        num_words = kwargs.pop("nb_words")
    if kwargs:
        raise TypeError(f"load_data() got unknown arguments. Received: {', '.join(kwargs)}")
    file = fetch(path, f"{ORIGIN}imdb.npz", FILE_HASH)
    x_train, y_train, x_test, y_test = load_ragged_npz(file, ("x_train", "y_train", "x_test", "y_test"))
    check_sequences(file, x_train, y_train)
    check_sequences(file, x_test, y_test)

    generator = np.random.RandomState(seed)
    x_train, y_train = shuffled(x_train, y_train, generator)
    x_test, y_test = shuffled(x_test, y_test, generator)
    train, y_train = shorter_than(maxlen, shifted(x_train, start_char, index_from), y_train)
    test, y_test = shorter_than(maxlen, shifted(x_test, start_char, index_from), y_test)
    sequences = within_vocabulary(train + test, num_words, skip_top, oov_char)
    return (
        (object_array(sequences[: len(train)]), y_train),
        (object_array(sequences[len(train) :]), y_test),
    )


def get_word_index(path: str = "imdb_word_index.json") -> dict[str, int]:
    """The index of each word, from 1 for the most frequent one; `load_data` adds `index_from` to it.

    Args:
        path: the name of the file in the cache.

    Raises:
        OSError: the download failed.
        ValueError: the file in the cache is damaged.

    >>> words = {index + 3: word for word, index in get_word_index().items()}  # doctest: +SKIP
    >>> words[4]  # doctest: +SKIP
    'the'
    """
    return load_word_index(fetch(path, f"{ORIGIN}imdb_word_index.json", WORD_INDEX_HASH))
