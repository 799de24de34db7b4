"""Reading old data sets that are pickled, without running anything that a file asks for.

The CIFAR batches, and the ragged arrays of the IMDB and Reuters files, are pickles of lists, dictionaries,
numbers, strings and NumPy arrays. A pickle can name any function of Python to be called. Here the three
names that an array needs are bound to plain records, nothing else can be named, and arrays are made from
the records once their contents were checked: the functions of NumPy itself trust the sizes that the file
states.
"""

from __future__ import annotations

import io
import pickle
import zipfile
import zlib
from typing import Any

import numpy as np

from kerasish.datasets.published import damaged

# The largest published array has some 200 MB; a file that states more is not one of them.
MAX_BYTES = 1 << 30


class _DtypeRecord:
    """What a pickle says about a dtype: `numpy.dtype(code, align, copy)` and its state."""

    def __init__(self, code: Any, *_: Any) -> None:
        self.code = code.decode("ascii") if isinstance(code, bytes) else str(code)
        self.order = "|"

    def __setstate__(self, state: Any) -> None:
        order = state[1]
        self.order = order.decode("ascii") if isinstance(order, bytes) else str(order)

    def dtype(self) -> np.dtype:
        dtype = np.dtype(self.code)
        if dtype.kind not in "biufO" or dtype.subdtype is not None:
            raise pickle.UnpicklingError(f"an array of dtype {self.code!r} is not expected")
        return dtype.newbyteorder(self.order)  # type: ignore[arg-type]


class _ArrayRecord:
    """What a pickle says about an array: its shape, dtype, memory order and contents."""

    def __init__(self, *_: Any) -> None:
        self.state: tuple[Any, ...] = ()

    def __setstate__(self, state: Any) -> None:
        self.state = state

    def array(self) -> np.ndarray:
        _, shape, record, fortran, contents = self.state
        if not isinstance(record, _DtypeRecord) or not all(type(size) is int and size >= 0 for size in shape):
            raise pickle.UnpicklingError("an array without a shape or dtype")
        dtype = record.dtype()
        if dtype.kind != "O":
            return np.frombuffer(contents, dtype).reshape(shape, order="F" if fortran else "C").copy()
        if not isinstance(contents, list):
            raise pickle.UnpicklingError("an array of objects without a list of them")
        array = np.empty(len(contents), dtype=object)
        for index, item in enumerate(contents):
            array[index] = _without_records(item)
        return array.reshape(shape, order="F" if fortran else "C")


_ALLOWED: dict[tuple[str, str], Any] = {
    ("numpy", "ndarray"): None,
    ("numpy", "dtype"): _DtypeRecord,
    ("numpy.core.multiarray", "_reconstruct"): _ArrayRecord,
    ("numpy._core.multiarray", "_reconstruct"): _ArrayRecord,
}


class _RestrictedUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, and may only hold arrays and lists")
        return _ALLOWED[module, name]


def _without_records(value: Any) -> Any:
    if isinstance(value, _ArrayRecord):
        return value.array()
    if isinstance(value, dict):
        return {key: _without_records(item) for key, item in value.items()}
    return value


def load_pickle(path: str, stream: io.BufferedIOBase, encoding: str = "ASCII") -> Any:
    """The lists, dictionaries and arrays that a pickle holds.

    Args:
        path: the file, for the message of an error.
        stream: the open file.
        encoding: how the strings of Python 2 are read, see `pickle.Unpickler`.

    Raises:
        ValueError: the pickle is damaged, or asks for anything but an array.
    """
    try:
        return _without_records(_RestrictedUnpickler(stream, encoding=encoding).load())
    # The unpickler answers damaged contents with nearly every kind of exception.
    except Exception as error:
        raise damaged(path, error) from error


def load_ragged_npz(path: str, names: tuple[str, ...]) -> list[np.ndarray]:
    """The named arrays of an `.npz` file whose arrays may be lists of integers of different lengths.

    Raises:
        ValueError: the file is damaged, lacks an array, or asks for anything but arrays.
    """
    arrays = []
    try:
        with zipfile.ZipFile(path) as archive:
            for name in names:
                info = archive.getinfo(f"{name}.npy")
                if info.file_size > MAX_BYTES:
                    raise damaged(path, f"the array {name!r} has {info.file_size} bytes")
                arrays.append(_load_npy(path, io.BytesIO(archive.read(info))))
    except (zipfile.BadZipFile, zlib.error, EOFError, KeyError, NotImplementedError, RuntimeError) as error:
        raise damaged(path, error) from error
    return arrays


def _load_npy(path: str, stream: io.BytesIO) -> np.ndarray:
    try:
        version = np.lib.format.read_magic(stream)
        # Version 3 differs from version 2 in the encoding of field names, which these arrays do not have.
        read_header = np.lib.format.read_array_header_1_0 if version[0] == 1 else np.lib.format.read_array_header_2_0
        shape, _, dtype = read_header(stream)
        if dtype.kind != "O":
            stream.seek(0)
            return np.load(stream, allow_pickle=False)
    except (ValueError, TypeError, EOFError, MemoryError, SyntaxError) as error:
        raise damaged(path, error) from error
    array = load_pickle(path, stream)
    if not isinstance(array, np.ndarray) or array.shape != shape:
        raise damaged(path, f"an array of shape {shape} is announced, and is not there")
    return array
