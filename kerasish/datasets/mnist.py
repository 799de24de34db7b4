"""MNIST: handwritten digits."""

from __future__ import annotations

from kerasish.datasets.published import ORIGIN, Split, check_pairs, fetch, load_npz

FILE_HASH = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"


def load_data(path: str = "mnist.npz") -> Split:
    """60,000 training and 10,000 test images of the ten digits, 28x28 in shades of gray.

    Args:
        path: the name of the file in the cache.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 images from 0 to 255 of shape `(n, 28, 28)`, and uint8
        labels from 0 to 9 of shape `(n,)`.

    Raises:
        OSError: the download failed.
        ValueError: the file in the cache is damaged.

    Source: Y. LeCun and C. Cortes, from the data of NIST; Creative Commons Attribution-ShareAlike 3.0.

    >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
    >>> x_train.shape  # doctest: +SKIP
    (60000, 28, 28)
    """
    file = fetch(path, f"{ORIGIN}mnist.npz", FILE_HASH)
    x_train, y_train, x_test, y_test = load_npz(file, ("x_train", "y_train", "x_test", "y_test"))
    check_pairs(file, (28, 28), (x_train, y_train), (x_test, y_test))
    return (x_train, y_train), (x_test, y_test)
