"""Digits: small handwritten digits that are part of the package."""

from __future__ import annotations

from pathlib import Path

from kerasish.datasets.published import Split, load_npz


def load_data() -> Split:
    """1,797 images of the ten digits, 8x8 in 17 shades of gray: 1,437 for training and 360 for the test.

    The split is fixed, and each digit has its share in both parts. Nothing is downloaded.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 images from 0 (white) to 16 (black) of shape `(n, 8,
        8)`, and uint8 labels from 0 to 9 of shape `(n,)`. Divide the images by 16 to have values from 0 to
        1.

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning
    Repository, https://doi.org/10.24432/C50P49; CC BY 4.0.

    >>> (x_train, y_train), (x_test, y_test) = load_data()
    >>> x_train.shape, x_test.shape, int(x_train.max())
    ((1437, 8, 8), (360, 8, 8), 16)
    """
    file = Path(__file__).parent / "data" / "digits.npz"
    x_train, y_train, x_test, y_test = load_npz(str(file), ("x_train", "y_train", "x_test", "y_test"))
    return (x_train, y_train), (x_test, y_test)
