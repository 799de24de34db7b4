"""The common part of CIFAR-10 and CIFAR-100: batches of small color images."""

from __future__ import annotations

import os

import numpy as np

from kerasish import config
from kerasish.datasets.published import damaged, fetch
from kerasish.datasets.restricted_pickle import load_pickle

ORIGIN = "https://www.cs.toronto.edu/~kriz/"


def fetch_folder(fname: str, archive: str, file_hash: str, folder: str) -> str:
    """The folder of the batches, downloaded and unpacked if the cache does not hold it."""
    return os.path.join(fetch(fname, ORIGIN + archive, file_hash, extract=True), folder)


def load_batch(path: str, label_key: str = "labels") -> tuple[np.ndarray, np.ndarray]:
    """The images of one batch, uint8 of shape `(n, 3, 32, 32)`, and their labels, int64 of shape `(n, 1)`.

    Raises:
        ValueError: the file is missing, damaged, or holds something else.
    """
    try:
        with open(path, "rb") as file:
            batch = load_pickle(path, file, encoding="bytes")
    except FileNotFoundError as error:
        raise damaged(path, "the archive does not have it") from error
    if not isinstance(batch, dict):
        raise damaged(path, "it holds no dictionary")
    data, labels = batch.get(b"data"), batch.get(label_key.encode())
    if not isinstance(data, np.ndarray) or data.dtype != np.uint8 or data.shape[1:] != (3 * 32 * 32,):
        raise damaged(path, "it has no images of 3x32x32 bytes under the key 'data'")
    if (
        not isinstance(labels, list)
        or len(labels) != len(data)
        or not all(type(label) is int and 0 <= label < 100 for label in labels)
    ):
        raise damaged(path, f"it has no label for each image under the key {label_key!r}")
    return data.reshape(-1, 3, 32, 32), np.array(labels, dtype=np.int64).reshape(-1, 1)


def in_image_data_format(images: np.ndarray) -> np.ndarray:
    """Images of shape `(n, 3, 32, 32)` in the default image layout."""
    if config.image_data_format() == "channels_first":
        return images
    return np.ascontiguousarray(images.transpose(0, 2, 3, 1))
