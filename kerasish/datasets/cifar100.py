"""CIFAR-100: small color images of a hundred kinds of things."""

from __future__ import annotations

import os

from kerasish.datasets.cifar import fetch_folder, in_image_data_format, load_batch
from kerasish.datasets.published import Split

FILE_HASH = "85cd44d02ba6437773c5bbd22e183051d648de2e7d6b014e1ef29b855ba677a7"


def load_data(label_mode: str = "fine") -> Split:
    """50,000 training and 10,000 test images, 32x32 in color.

    Args:
        label_mode: "fine" for the 100 classes, "coarse" for the 20 groups that they form.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 images from 0 to 255 of shape `(n, 32, 32, 3)`, or
        `(n, 3, 32, 32)` where `image_data_format()` is "channels_first", and int64 labels of shape `(n, 1)`.

    Raises:
        OSError: the download failed.
        ValueError: a file in the cache is damaged, or `label_mode` is unknown.

    Source: A. Krizhevsky, Learning Multiple Layers of Features from Tiny Images, 2009.

    >>> (x_train, y_train), (x_test, y_test) = load_data("coarse")  # doctest: +SKIP
    >>> int(y_train.max())  # doctest: +SKIP
    19
    """
    if label_mode not in ("fine", "coarse"):
        raise ValueError(f"`label_mode` must be 'fine' or 'coarse'. Received: label_mode={label_mode!r}")
    folder = fetch_folder("cifar-100-python-target", "cifar-100-python.tar.gz", FILE_HASH, "cifar-100-python")
    x_train, y_train = load_batch(os.path.join(folder, "train"), f"{label_mode}_labels")
    x_test, y_test = load_batch(os.path.join(folder, "test"), f"{label_mode}_labels")
    return (in_image_data_format(x_train), y_train), (in_image_data_format(x_test), y_test)
