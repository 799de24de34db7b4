"""California housing: house prices of the 1990 census."""

from __future__ import annotations

from kerasish.datasets.published import ORIGIN, Split, check_pairs, fetch, load_npz
from kerasish.datasets.regression import check_test_split, shuffle_and_split

FILE_HASH = "1a2e3a52e0398de6463aebe6f4a8da34fb21fbb6b934cf88c3425e766f2a1a6f"


def load_data(
    version: str = "large", path: str = "california_housing.npz", test_split: float = 0.2, seed: int = 113
) -> Split:
    """20,640 districts of California: 8 attributes each, and the median price of a house.

    The attributes tell where a district lies, how old and how large its houses are, how many people live in
    them, and what they earn.

    Args:
        version: "large" for all samples, "small" for the first 600 of the file.
        path: the name of the file in the cache.
        test_split: the share of the samples that is kept for the test.
        seed: decides the order of the samples.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: attributes of shape `(n, 8)`, and prices in dollars of shape
        `(n,)`, in the float dtype of the file.

    Raises:
        OSError: the download failed.
        ValueError: the file in the cache is damaged, or an argument is out of its range.

    Source: R. K. Pace and R. Barry, Sparse Spatial Autoregressions, 1997, from the StatLib library.

    >>> (x_train, y_train), (x_test, y_test) = load_data(version="small")  # doctest: +SKIP
    >>> x_train.shape, x_test.shape  # doctest: +SKIP
    ((480, 8), (120, 8))
    """
    check_test_split(test_split)
    if version not in ("small", "large"):
        raise ValueError(f"`version` must be 'small' or 'large'. Received: version={version!r}")
    file = fetch(path, f"{ORIGIN}california_housing.npz", FILE_HASH)
    x, y = load_npz(file, ("x", "y"))
    check_pairs(file, (8,), (x, y))
    if version == "small":
        x, y = x[:600], y[:600]
    return shuffle_and_split(x, y, test_split, seed)
