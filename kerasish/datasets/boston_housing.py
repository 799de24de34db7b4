"""Boston housing: house prices of the 1970s."""

from __future__ import annotations

from kerasish.datasets.published import ORIGIN, Split, check_pairs, fetch, load_npz
from kerasish.datasets.regression import check_test_split, shuffle_and_split

FILE_HASH = "f553886a1f8d56431e820c5b82552d9d95cfcb96d1e678153f8839538947dff5"


def load_data(path: str = "boston_housing.npz", test_split: float = 0.2, seed: int = 113) -> Split:
    """506 places around Boston: 13 attributes each, and the median price of a house.

    One of the attributes, "B", is made from the share of black residents, as if segregation raised prices.
    Use the data to discuss such mistakes; to learn regression, `california_housing` with `version="small"`
    takes its place.

    Args:
        path: the name of the file in the cache.
        test_split: the share of the samples that is kept for the test.
        seed: decides the order of the samples.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: float64 attributes of shape `(n, 13)`, and float64 prices in
        thousands of dollars, from 5 to 50, of shape `(n,)`.

    Raises:
        OSError: the download failed.
        ValueError: the file in the cache is damaged, or `test_split` is out of its range.

    Source: D. Harrison and D. L. Rubinfeld, 1978, from the StatLib library of Carnegie Mellon University.

    >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
    >>> x_train.shape, x_test.shape  # doctest: +SKIP
    ((404, 13), (102, 13))
    """
    check_test_split(test_split)
    file = fetch(path, f"{ORIGIN}boston_housing.npz", FILE_HASH)
    x, y = load_npz(file, ("x", "y"))
    check_pairs(file, (13,), (x, y))
    return shuffle_and_split(x, y, test_split, seed)
