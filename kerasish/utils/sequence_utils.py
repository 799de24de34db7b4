"""Sequences of different lengths in one array."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def pad_sequences(
    sequences: Sequence[Any],
    maxlen: int | None = None,
    dtype: Any = "int32",
    padding: str = "pre",
    truncating: str = "pre",
    value: float | str = 0.0,
) -> np.ndarray:
    """Bring sequences to one length: shorter ones are filled with `value`, longer ones are cut.

    Args:
        sequences: a list of sequences: lists of numbers, or arrays with the time along the first axis and
            the same shape after it.
        maxlen: the length, by default that of the longest sequence.
        dtype: of the result. Use `object` for strings of any length.
        padding: "pre" to fill before the sequence, "post" to fill after it.
        truncating: "pre" to cut at the beginning of the sequence, "post" to cut at its end.
        value: what the missing places are filled with.

    Returns:
        An array of shape `(len(sequences), maxlen, ...)`.

    Raises:
        ValueError: an element is no sequence, their shapes differ, or an argument has an unknown value.

    >>> pad_sequences([[1], [2, 3], [4, 5, 6]])
    array([[0, 0, 1],
           [0, 2, 3],
           [4, 5, 6]], dtype=int32)
    >>> pad_sequences([[1], [4, 5, 6]], maxlen=2, padding="post", truncating="post", value=-1)
    array([[ 1, -1],
           [ 4,  5]], dtype=int32)
    """
    for name, side in (("padding", padding), ("truncating", truncating)):
        if side not in ("pre", "post"):
            raise ValueError(f"`{name}` must be 'pre' or 'post'. Received: {name}={side!r}")
    if not hasattr(sequences, "__len__"):
        raise ValueError(f"`sequences` must be a list of sequences. Received: sequences={sequences!r}")
    lengths = []
    for position, sequence in enumerate(sequences):
        # A 0-d array has the method `__len__`, and raises when it is called.
        try:
            lengths.append(len(sequence))
        except TypeError as error:
            raise ValueError(
                "`sequences` must be a list of sequences. "
                f"Received: {sequence!r} of type {type(sequence).__name__} at position {position}"
            ) from error
    length = _check_maxlen(maxlen, lengths)
    kind = np.dtype(dtype)
    if isinstance(value, str) and kind.kind not in "OSU":
        raise ValueError(
            "A `value` that is a string wants a `dtype` of strings, or `object` for strings of any length. "
            f"Received: dtype={dtype!r}, value={value!r}"
        )

    shape: tuple[int, ...] | None = None
    padded = np.full((len(lengths), length), value, dtype=kind)
    for position, sequence in enumerate(sequences):
        if not lengths[position]:
            continue
        if shape is None:
            shape = np.asarray(sequence).shape[1:]
            padded = np.full((len(lengths), length, *shape), value, dtype=kind)
        start = max(lengths[position] - length, 0) if truncating == "pre" else 0
        row = _as_row(sequence[start : start + length], kind, position)
        if row.shape[1:] != shape and len(row):
            raise ValueError(
                f"The elements of every sequence must have the shape of the first ones, {shape}. "
                f"Received: elements of shape {row.shape[1:]} in the sequence at position {position}"
            )
        if padding == "post":
            padded[position, : len(row)] = row
        else:
            padded[position, length - len(row) :] = row
    return padded


def _check_maxlen(maxlen: int | None, lengths: list[int]) -> int:
    if maxlen is None:
        if not lengths:
            raise ValueError("`maxlen` must be given where there are no sequences. Received: sequences=[]")
        return max(lengths)
    if isinstance(maxlen, bool) or int(maxlen) != maxlen or maxlen < 0:
        raise ValueError(f"`maxlen` must be None or an integer from 0 on. Received: maxlen={maxlen!r}")
    return int(maxlen)


def _as_row(sequence: Any, dtype: np.dtype, position: int) -> np.ndarray:
    try:
        return np.asarray(sequence, dtype=dtype)
    except (ValueError, TypeError, OverflowError) as error:
        raise ValueError(
            f"A sequence cannot be written as {dtype}: {error}. Received: {sequence!r} at position {position}"
        ) from error
