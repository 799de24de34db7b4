"""The common part of the two data sets of texts: sequences of word indices."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from kerasish.datasets.published import damaged


def check_sequences(path: str, sequences: np.ndarray, labels: np.ndarray) -> None:
    """Check that the array holds sequences of integers with one label each.

    Raises:
        ValueError: it does not. The message names the file.
    """
    if sequences.ndim not in (1, 2) or labels.shape != sequences.shape[:1] or labels.dtype.kind not in "iu":
        raise damaged(path, "expected sequences of words with one label each")
    for sequence in sequences:
        words = sequence.tolist() if isinstance(sequence, np.ndarray) else sequence
        if not isinstance(words, list) or not all(type(word) is int for word in words):
            raise damaged(path, "expected sequences of integers")


def shuffled(
    sequences: np.ndarray, labels: np.ndarray, generator: np.random.RandomState
) -> tuple[np.ndarray, np.ndarray]:
    """Sequences and labels in the next order of the generator."""
    order = np.arange(len(sequences))
    generator.shuffle(order)
    return sequences[order], labels[order]


def shifted(sequences: Iterable[Sequence[int]], start_char: int | None, index_from: int | None) -> list[list[int]]:
    """The sequences with `index_from` added to each word and `start_char` in front."""
    offset = index_from or 0
    start = [] if start_char is None else [start_char]
    return [start + [int(word) + offset for word in sequence] for sequence in sequences]


def shorter_than(
    maxlen: int | None, sequences: list[list[int]], labels: np.ndarray
) -> tuple[list[list[int]], np.ndarray]:
    """The sequences of less than `maxlen` words, and their labels; all of them where `maxlen` is None or 0.

    Raises:
        ValueError: none is left.
    """
    if not maxlen:
        return sequences, labels
    kept = [index for index, sequence in enumerate(sequences) if len(sequence) < maxlen]
    if not kept:
        raise ValueError(f"No sequence is shorter than `maxlen`; increase it. Received: maxlen={maxlen!r}")
    return [sequences[index] for index in kept], labels[kept]


def within_vocabulary(
    sequences: list[list[int]], num_words: int | None, skip_top: int, oov_char: int | None
) -> list[list[int]]:
    """The sequences with `oov_char`, or nothing where it is None, for words outside of the vocabulary.

    The vocabulary are the indices from `skip_top` to `num_words - 1`.
    """
    # As in Keras, the default leaves out the one word of the highest index.
    limit = num_words or max((max(sequence) for sequence in sequences if sequence), default=0)
    if oov_char is None:
        return [[word for word in sequence if skip_top <= word < limit] for sequence in sequences]
    return [[word if skip_top <= word < limit else oov_char for word in sequence] for sequence in sequences]


def object_array(sequences: list[list[int]]) -> np.ndarray:
    """A one-dimensional array of lists, also where all of them have the same length."""
    array = np.empty(len(sequences), dtype=object)
    for index, sequence in enumerate(sequences):
        array[index] = sequence
    return array
