"""Reuters: newswires, and their topics."""

from __future__ import annotations

import numpy as np

from kerasish.datasets.published import ORIGIN, Split, fetch, load_word_index
from kerasish.datasets.regression import check_test_split
from kerasish.datasets.restricted_pickle import load_ragged_npz
from kerasish.datasets.word_sequences import (
    check_sequences,
    object_array,
    shifted,
    shorter_than,
    shuffled,
    within_vocabulary,
)

FILE_HASH = "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916"
WORD_INDEX_HASH = "4d44cc38712099c9e383dc6e5f11a921"

_LABEL_NAMES = (
    "cocoa grain veg-oil earn acq wheat copper housing money-supply coffee sugar trade reserves ship "
    "cotton carcass crude nat-gas cpi money-fx interest gnp meal-feed alum oilseed gold tin "
    "strategic-metal livestock retail ipi iron-steel rubber heat jobs lei bop zinc orange pet-chem dlr "
    "gas silver wpi hog lead"
)


def load_data(
    path: str = "reuters.npz",
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
) -> Split:
    """11,228 newswires of 46 topics, each a list of word indices.

    Words are numbered by how often they occur, so that the smallest indices are the most frequent words.
    With the default arguments 0 stands for padding, 1 begins a newswire, 2 is a word that was left out, and
    the most frequent word is 4.

    Args:
        path: the name of the file in the cache.
        num_words: keep the indices below this one; None for all but the rarest word.
        skip_top: leave out the indices below this one.
        maxlen: keep the newswires that are shorter than this. None keeps all.
        test_split: the share of the newswires that is kept for the test.
        seed: decides the order of the newswires.
        start_char: put before each newswire; None for nothing.
        oov_char: put in the place of each word that is left out; None to drop these words.
        index_from: added to each word index.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: object arrays of lists of integers, and int64 labels from 0
        to 45, whose names `get_label_names` gives.

    Raises:
        OSError: the download failed.
        ValueError: the file in the cache is damaged, `test_split` is out of its range, or `maxlen` leaves
            no newswire.

    Source: the Reuters-21578 collection of D. D. Lewis.

    >>> (x_train, y_train), (x_test, y_test) = load_data(num_words=10_000)  # doctest: +SKIP
    >>> x_train.shape, x_test.shape  # doctest: +SKIP
    ((8982,), (2246,))
    """
    check_test_split(test_split)
    file = fetch(path, f"{ORIGIN}reuters.npz", FILE_HASH)
    x, y = load_ragged_npz(file, ("x", "y"))
    check_sequences(file, x, y)
    x, y = shuffled(x, y, np.random.RandomState(seed))
    sequences, y = shorter_than(maxlen, shifted(x, start_char, index_from), y)
    sequences = within_vocabulary(sequences, num_words, skip_top, oov_char)
    split = int(len(sequences) * (1 - test_split))
    return (object_array(sequences[:split]), y[:split]), (object_array(sequences[split:]), y[split:])


def get_word_index(path: str = "reuters_word_index.json") -> dict[str, int]:
    """The index of each word, from 1 for the most frequent one; `load_data` adds `index_from` to it.

    Args:
        path: the name of the file in the cache.

    Raises:
        OSError: the download failed.
        ValueError: the file in the cache is damaged.

    >>> get_word_index()["the"]  # doctest: +SKIP
    1
    """
    return load_word_index(fetch(path, f"{ORIGIN}reuters_word_index.json", WORD_INDEX_HASH))


def get_label_names() -> tuple[str, ...]:
    """The names of the 46 topics, in the order of the labels.

    >>> get_label_names()[3]
    'earn'
    """
    return tuple(_LABEL_NAMES.split())
