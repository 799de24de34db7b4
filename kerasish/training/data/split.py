"""`train_validation_split`: the last samples, kept for validation."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasish import tree
from kerasish.training.data.structures import as_leaves, leaves_of


def train_validation_split(arrays: Any, validation_split: float) -> tuple[Any, Any]:
    """Split arrays into the first samples, to train on, and the last ones, to validate on.

    Args:
        arrays: A structure of arrays with as many samples each; None stays.
        validation_split: The share of the samples for the validation, between 0 and 1.

    Returns:
        Two structures like `arrays`, without copies; arrays in files are not read.

    Raises:
        ValueError: If the share is not between 0 and 1, if one part would be empty, or if the data is no array.

    >>> train, validation = train_validation_split((np.arange(5), None), 0.4)
    >>> train[0].shape[0], validation[0].shape[0]
    (3, 2)
    """
    number = isinstance(validation_split, (int, float, np.number)) and not isinstance(validation_split, bool)
    if not number or not 0 < validation_split < 1:
        raise ValueError(
            f"Expected validation_split to be between 0 and 1. Received: validation_split={validation_split!r}"
        )
    names = ("x", "y", "sample_weight")
    try:
        if isinstance(arrays, tuple) and len(arrays) == 3:
            leaves: Any = tuple(as_leaves(part, name) for part, name in zip(arrays, names, strict=True))
        else:
            leaves = as_leaves(arrays, "arrays")
    except ValueError as error:
        raise ValueError(f"validation_split is for arrays; give validation_data for other data. {error}") from error
    counts = sorted({leaf.shape[0] for leaf in leaves_of(leaves)})
    if len(counts) != 1:
        raise ValueError(
            "Data cardinality is ambiguous. Make sure all arrays contain the same number of samples. "
            f"Received: sizes {counts}"
        )
    at = math.floor(counts[0] * (1.0 - validation_split))
    if at == 0 or at == counts[0]:
        raise ValueError(
            f"Training data of {counts[0]} samples cannot be split: one part would be empty. Expected another "
            f"validation_split. Received: validation_split={validation_split}"
        )
    split = lambda start, stop: tree.map_structure(  # noqa: E731
        lambda leaf: None if leaf is None else leaf.part(start, stop), leaves
    )
    return split(0, at), split(at, counts[0])
