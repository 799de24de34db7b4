"""Checks of the data, made before a training starts."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish import tree
from kerasish.training.data.leaves import ArrayLeaf
from kerasish.training.data.structures import leaves_of, shapes, sizes


def check_positive(name: str, value: Any) -> int:
    """The value as an int; an error unless it is one of at least 1."""
    whole = isinstance(value, (int, np.integer)) and not isinstance(value, bool)
    if not whole or value < 1:
        raise ValueError(f"Expected {name} to be a positive int. Received: {name}={value!r}")
    return int(value)


def check_shuffle(shuffle: Any) -> None:
    """An error unless it is True, False or "batch"."""
    if isinstance(shuffle, (bool, np.bool_)) or (isinstance(shuffle, str) and shuffle == "batch"):
        return
    raise ValueError(f"Expected shuffle to be True, False or 'batch'. Received: shuffle={shuffle!r}")


def check_cardinality(x: Any, y: Any, sample_weight: Any) -> int:
    """The number of samples; an error unless all arrays have the same."""
    parts = {"x": x, "y": y, "sample_weight": sample_weight}
    counts = {leaf.shape[0] for part in parts.values() for leaf in leaves_of(part)}
    if len(counts) > 1:
        listed = "\n".join(f"'{name}' sizes: {sizes(part)}" for name, part in parts.items() if leaves_of(part))
        raise ValueError(
            "Data cardinality is ambiguous. Make sure all arrays contain the same number of samples. "
            f"Received:\n{listed}"
        )
    if not leaves_of(x):
        raise ValueError("Expected x to hold at least one array. Received: x without any")
    count = counts.pop()
    if not count:
        raise ValueError(f"Expected data of at least one sample. Received: x of shape {shapes(x)}")
    return count


def check_targets(y: Any) -> None:
    """An error that names the place where a target is NaN. Arrays in files are not read for it."""
    paths = tree.flatten_with_path(y)
    for path, leaf in paths:
        if not isinstance(leaf, ArrayLeaf) or leaf.dtype.kind != "f" or leaf.mapped:
            continue
        # A sum is NaN where an element is, and costs a tenth of the search; infinities of both signs only cost it.
        with np.errstate(all="ignore"):
            if not np.isnan(leaf.values.sum()):
                continue
        found = np.isnan(leaf.values)
        count = int(found.sum())
        if count:
            first = tuple(int(i) for i in np.unravel_index(int(found.argmax()), found.shape))
            name = "y" + "".join(f"[{key!r}]" for key in path)
            raise ValueError(
                f"{name} holds NaN (missing values), from which nothing can be learnt: remove those samples, fill "
                f"them in, or give them a loss of your own. Received: {count} NaN in {name} of shape {leaf.shape}, "
                f"the first at {first[0] if len(first) == 1 else first}"
            )


def check_sample_weight(y: Any, sample_weight: Any) -> None:
    """An error unless the weights fit the targets: one a sample, or one for each of a sample's targets."""
    for path, leaf in tree.flatten_with_path(sample_weight):
        if leaf is None:
            continue
        name = "sample_weight" + "".join(f"[{key!r}]" for key in path)
        if isinstance(leaf, ArrayLeaf) and leaf.dtype.kind == "f" and np.isnan(leaf.values).any():
            raise ValueError(
                f"Expected {name} to hold numbers. Received: {int(np.isnan(leaf.values).sum())} NaN in {name} of "
                f"shape {leaf.shape}"
            )
        targets = leaves_of(y)
        if len(targets) != 1 or tree.is_nested(sample_weight):
            continue
        wanted = targets[0].shape
        fits = all(a in (1, b) for a, b in zip(leaf.shape[1:], wanted[1:], strict=False))
        if not fits or len(leaf.shape) > len(wanted) + 1:
            raise ValueError(
                f"Expected {name} to have one weight a sample, or one for each target: a shape like {wanted[:1]} or "
                f"{tuple(wanted)}. Received: {name} of shape {tuple(leaf.shape)}"
            )
