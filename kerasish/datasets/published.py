"""Published files: where they come from, and how they are read without trusting them."""

from __future__ import annotations

import json
import logging
import os
import zipfile
import zlib
from typing import Any

import numpy as np

from kerasish.utils.file_utils import get_file, kerasish_home, validate_file

ORIGIN = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"

_logger = logging.getLogger("kerasish")

Split = tuple[tuple[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


def fetch(fname: str, origin: str, file_hash: str, *, extract: bool = False) -> str:
    """The path of a published file, or of the folder it unpacks to; downloaded if the cache does not hold it.

    A download must have the published checksum. A file that somebody placed in the cache may differ from
    the published one: it is used, and a warning is logged.
    """
    cached = os.path.join(kerasish_home(), "datasets", f"{fname}_archive" if extract else os.fspath(fname))
    if os.path.isfile(cached) and not validate_file(cached, file_hash):
        _logger.warning(
            "%s is not the published file: its checksum differs. It is used all the same; "
            "delete it to download the published one from %s",
            cached,
            origin,
        )
        return get_file(fname, origin=origin, extract=extract)
    return get_file(fname, origin=origin, file_hash=file_hash, extract=extract)


def damaged(path: str, reason: object) -> ValueError:
    """The error for a file in the cache that does not hold what it should."""
    return ValueError(
        f"The file {path} is damaged, incomplete or not the data set that it is named for: {reason}. "
        "Delete it to have it downloaded again."
    )


def load_npz(path: str, names: tuple[str, ...]) -> list[np.ndarray]:
    """The named arrays of an `.npz` file of numbers; Python objects are refused.

    Raises:
        ValueError: the file is damaged, lacks an array, or holds Python objects.
    """
    try:
        # `np.load` leaves a file that it opened itself open when it is damaged.
        with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
            return [file[name] for name in names]
    except (ValueError, TypeError, KeyError, IndexError, EOFError, MemoryError) as error:
        raise damaged(path, error) from error
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, AttributeError, SyntaxError) as error:
        raise damaged(path, error) from error


def check_pairs(path: str, sample_shape: tuple[int, ...], *pairs: tuple[np.ndarray, np.ndarray]) -> None:
    """Check that samples of the given shape come with one number each.

    Raises:
        ValueError: they do not. The message names the file.
    """
    for x, y in pairs:
        numbers = x.dtype.kind in "biuf" and y.dtype.kind in "biuf"
        if not numbers or x.shape[1:] != sample_shape or y.shape != x.shape[:1]:
            raise damaged(
                path,
                f"expected samples of shape {sample_shape} with one number each, "
                f"found {x.dtype} {x.shape} and {y.dtype} {y.shape}",
            )


def load_word_index(path: str) -> dict[str, int]:
    """The dictionary from words to their indices in a JSON file.

    Raises:
        ValueError: the file holds something else.
    """
    try:
        with open(path, encoding="utf-8") as file:
            index: Any = json.load(file)
    except (ValueError, RecursionError) as error:
        raise damaged(path, error) from error
    if not isinstance(index, dict) or not all(type(number) is int for number in index.values()):
        raise damaged(path, "expected an object of words and their indices")
    return index
