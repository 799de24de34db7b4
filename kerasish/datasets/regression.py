"""The common part of the two data sets of house prices."""

from __future__ import annotations

import numpy as np

from kerasish.datasets.published import Split


def check_test_split(test_split: float) -> None:
    """Check that a share of test samples is at least 0 and below 1.

    Raises:
        ValueError: it is not.
    """
    if not 0 <= test_split < 1:
        raise ValueError(f"`test_split` must be at least 0 and less than 1. Received: test_split={test_split!r}")


def shuffle_and_split(x: np.ndarray, y: np.ndarray, test_split: float, seed: int) -> Split:
    """Samples and targets in an order that the seed decides, the last ones as the test set."""
    order = np.arange(len(x))
    np.random.RandomState(seed).shuffle(order)
    train, test = np.split(order, [int(len(x) * (1 - test_split))])
    return (x[train], y[train]), (x[test], y[test])
