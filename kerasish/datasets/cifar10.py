"""CIFAR-10: small color images of ten kinds of things."""

from __future__ import annotations

import os

import numpy as np

from kerasish.datasets.cifar import fetch_folder, in_image_data_format, load_batch
from kerasish.datasets.published import Split

FILE_HASH = "6d958be074577803d12ecdefd02955f39262c83c16fe9348329d7fe0b5c001ce"


def load_data() -> Split:
    """50,000 training and 10,000 test images, 32x32 in color.

    The labels: 0 airplane, 1 automobile, 2 bird, 3 cat, 4 deer, 5 dog, 6 frog, 7 horse, 8 ship, 9 truck.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 images from 0 to 255 of shape `(n, 32, 32, 3)`, or
        `(n, 3, 32, 32)` where `image_data_format()` is "channels_first", and uint8 labels of shape `(n, 1)`.

    Raises:
        OSError: the download failed.
        ValueError: a file in the cache is damaged.

    Source: A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009.

    >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
    >>> x_train.shape, y_train.shape  # doctest: +SKIP
    ((50000, 32, 32, 3), (50000, 1))
    """
    folder = fetch_folder("cifar-10-batches-py-target", "cifar-10-python.tar.gz", FILE_HASH, "cifar-10-batches-py")
    batches = [load_batch(os.path.join(folder, f"data_batch_{number}")) for number in range(1, 6)]
    x_train, y_train = (np.concatenate(parts) for parts in zip(*batches))
    x_test, y_test = load_batch(os.path.join(folder, "test_batch"))
    return (
        (in_image_data_format(x_train), y_train.astype("uint8")),
        (in_image_data_format(x_test), y_test.astype("uint8")),
    )
