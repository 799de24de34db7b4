"""Fashion-MNIST: pieces of clothing, in the format of MNIST."""

from __future__ import annotations

import gzip
import os
import struct
import zlib

import numpy as np

from kerasish.datasets.published import ORIGIN, Split, check_pairs, damaged
from kerasish.utils.file_utils import get_file

# The numbers that begin the files of Y. LeCun's IDX format: unsigned bytes of one and of three dimensions.
_MAGIC = {1: 2049, 3: 2051}


def load_data() -> Split:
    """60,000 training and 10,000 test images of ten kinds of clothing, 28x28 in shades of gray.

    The labels: 0 T-shirt/top, 1 trouser, 2 pullover, 3 dress, 4 coat, 5 sandal, 6 shirt, 7 sneaker, 8 bag,
    9 ankle boot.

    Returns:
        `(x_train, y_train), (x_test, y_test)`: uint8 images from 0 to 255 of shape `(n, 28, 28)`, and uint8
        labels from 0 to 9 of shape `(n,)`.

    Raises:
        OSError: a download failed.
        ValueError: a file in the cache is damaged.

    Source: H. Xiao, K. Rasul, R. Vollgraf, Zalando SE, https://arxiv.org/abs/1708.07747; MIT license.

    >>> (x_train, y_train), (x_test, y_test) = load_data()  # doctest: +SKIP
    >>> x_test.shape  # doctest: +SKIP
    (10000, 28, 28)
    """
    parts = []
    for name in ("train", "t10k"):
        labels_path = _fetch(f"{name}-labels-idx1-ubyte.gz")
        images_path = _fetch(f"{name}-images-idx3-ubyte.gz")
        images, labels = _read_idx(images_path, 3), _read_idx(labels_path, 1)
        check_pairs(images_path, (28, 28), (images, labels))
        parts.append((images, labels))
    return parts[0], parts[1]


def _fetch(fname: str) -> str:
    return get_file(fname, origin=ORIGIN + fname, cache_subdir=os.path.join("datasets", "fashion-mnist"))


def _read_idx(path: str, rank: int) -> np.ndarray:
    """The array of unsigned bytes in a compressed IDX file."""
    try:
        with gzip.open(path) as file:
            header = file.read(4 * (rank + 1))
            magic, *shape = struct.unpack(f">{rank + 1}I", header)
            if magic != _MAGIC[rank]:
                raise damaged(path, f"it begins with the number {magic} and not with {_MAGIC[rank]}")
            size = int(np.prod(shape, dtype=object))
            # One byte more than announced tells whether there is more, whatever the file unpacks to.
            contents = file.read(size + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile, struct.error, OverflowError, MemoryError) as error:
        raise damaged(path, error) from error
    if len(contents) != size:
        raise damaged(path, f"its header announces {size} bytes, and it holds {len(contents)} or more")
    return np.frombuffer(contents, np.uint8).reshape(shape).copy()
