"""Snapshots: nested values with arrays in one file, whole or not at all, and readable without pickle."""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from typing import Any

import numpy as np

from kerasish.saving.atomic import atomic_path

_ARRAY = "__array__"
_ITEMS = "__items__"
_RECORD = "__snapshot__"


def _encode(value: Any, arrays: dict[str, Any]) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray) and value.dtype.kind != "O":
        key = f"array_{len(arrays)}"
        # A type that NumPy does not know, such as bfloat16, travels as its bytes.
        arrays[key] = value if value.dtype.kind != "V" else np.ascontiguousarray(value).view(np.uint8)
        return {_ARRAY: key, "dtype": value.dtype.name, "shape": list(value.shape)}
    if isinstance(value, dict):
        if all(isinstance(key, str) and not key.startswith("__") for key in value):
            return {key: _encode(member, arrays) for key, member in value.items()}
        return {_ITEMS: [[_encode(key, arrays), _encode(member, arrays)] for key, member in value.items()]}
    if isinstance(value, (list, tuple)):
        return [_encode(member, arrays) for member in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(
        f"A snapshot holds numbers, strings, arrays, lists and dicts. Received: {value!r} "
        f"(of type {type(value).__name__})"
    )


def _decode(value: Any, arrays: Any) -> Any:
    if isinstance(value, list):
        return [_decode(member, arrays) for member in value]
    if not isinstance(value, dict):
        return value
    if _ARRAY in value:
        array = arrays[value[_ARRAY]]
        if array.dtype.name != value["dtype"]:
            from kerasish.backend.dtypes import numpy_dtype

            array = array.view(numpy_dtype(value["dtype"])).reshape(value["shape"])
        return array
    if _ITEMS in value:
        return {_decode(key, arrays): _decode(member, arrays) for key, member in value[_ITEMS]}
    return {key: _decode(member, arrays) for key, member in value.items()}


def write_snapshot(path: str | os.PathLike[str], state: dict[str, Any]) -> None:
    """Write nested dicts and lists of numbers, strings and arrays; the file is replaced as a whole.

    Raises:
        TypeError: If there is a value of another type.

    >>> import tempfile
    >>> path = os.path.join(tempfile.mkdtemp(), "state.npz")
    >>> write_snapshot(path, {"step": 3, "weights": [np.ones(2)]})
    >>> read_snapshot(path)
    {'step': 3, 'weights': [array([1., 1.])]}
    """
    arrays: dict[str, Any] = {}
    record = json.dumps(_encode(state, arrays))
    with atomic_path(path) as temporary, open(temporary, "wb") as file:
        arrays[_RECORD] = np.frombuffer(record.encode(), np.uint8)
        np.savez(file, **arrays)


def read_snapshot(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read what `write_snapshot` wrote. Nothing in the file is run.

    Raises:
        ValueError: If the file is damaged, or no snapshot.
    """
    try:
        # NumPy leaves a file open that it cannot read, unless it is given an open one.
        with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as file:
            record = json.loads(bytes(file[_RECORD]))
            return _decode(record, file)
    except (
        ValueError,
        KeyError,
        EOFError,
        OSError,
        zipfile.BadZipFile,
        zlib.error,
        TypeError,
        AttributeError,
    ) as error:
        if isinstance(error, (FileNotFoundError, PermissionError)):
            raise
        raise ValueError(
            f"The file {os.fspath(path)!r} is damaged, or no snapshot of a training: {error}. Remove it to begin anew."
        ) from error
