"""The one way into HDF5 files: every group, dataset and attribute that is read comes through here.

A file may not lead elsewhere (soft and external links, external and virtual storage are refused), may not need
plugins (unknown filters are refused), and may not make the reader allocate more than the caller expects: shapes
and dtypes are known before anything is read, and the sizes of attributes are bounded.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasish.saving.errors import LoadError, MissingFileError, reading
from kerasish.saving.h5_attributes import string_bytes

if TYPE_CHECKING:
    import h5py

MAX_ATTRIBUTE_BYTES = 64 * 1024 * 1024
MAX_NAMES = 1 << 20
_MAX_RANK = 32
# deflate, shuffle, fletcher32, lzf
_FILTERS = frozenset((1, 2, 3, 32000))


@contextmanager
def open_h5(path: Any) -> Iterator[SafeGroup]:
    """The root group of an HDF5 file, for reading.

    Args:
        path: The file.
    """
    import h5py

    path = os.fspath(path)
    if not os.path.exists(path):
        raise MissingFileError("there is no such file", path)
    if not os.path.isfile(path):
        raise LoadError("expected a regular file", path)
    with reading(path, "the HDF5 file"):
        try:
            file = h5py.File(path, "r")
        except OSError as error:
            raise LoadError(f"this is not an HDF5 file, or it is damaged: {error}", path) from error
        with file:
            yield SafeGroup(file["/"], path, "/")


def is_h5(path: Any) -> bool:
    """Whether a file begins as an HDF5 file does, at one of the places where its signature may stand."""
    try:
        with open(path, "rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            position = 0
            while position < min(size, 1 << 20):
                stream.seek(position)
                if stream.read(8) == b"\x89HDF\r\n\x1a\n":
                    return True
                position = position * 2 if position else 512
    except OSError:
        return False
    return False


def _parts(name: str, file: str, where: str) -> list[str]:
    parts = name.split("/")
    if not name or any(part in ("", ".", "..") for part in parts) or "\0" in name:
        raise LoadError(f"expected a name without empty parts, '.' and '..'. Received: {name[:200]!r}", file, where)
    return parts


class SafeGroup:
    """A group of an HDF5 file that gives only what lies in the file itself."""

    def __init__(self, group: h5py.Group, file: str, where: str) -> None:
        self._group = group
        self.file = file
        self.where = where

    def _error(self, reason: str, name: str | None = None) -> LoadError:
        place = self.where if name is None else f"{self.where.rstrip('/')}/{name}"
        return LoadError(reason, self.file, place)

    def names(self) -> list[str]:
        """The names of the members."""
        if len(self._group) > MAX_NAMES:
            raise self._error(f"the group has too many members: at most {MAX_NAMES}. Received: {len(self._group)}")
        return list(self._group)

    def _find(self, name: str) -> tuple[h5py.Group, str] | None:
        """The group that holds the last part of a name, or None where a part is missing."""
        import h5py

        group, parts = self._group, _parts(name, self.file, self.where)
        for position, part in enumerate(parts):
            link = group.get(part, getlink=True)
            if link is None:
                return None
            if not isinstance(link, h5py.HardLink):
                raise self._error(
                    "expected the data itself. Received: a link to another place "
                    f"({type(link).__name__}), which is not followed",
                    name,
                )
            if position < len(parts) - 1:
                if group.get(part, getclass=True) is not h5py.Group:
                    raise self._error(f"expected {part!r} to be a group", name)
                group = group[part]
        return group, parts[-1]

    def __contains__(self, name: str) -> bool:
        return self._find(name) is not None

    def _member(self, name: str, kind: str) -> Any:
        found = self._find(name)
        if found is None:
            raise self._error(f"expected a {kind} here, but there is none", name)
        import h5py

        group, last = found
        wanted = h5py.Group if kind == "group" else h5py.Dataset
        held = group.get(last, getclass=True)
        if held is not wanted:
            raise self._error(f"expected a {kind}. Received: {getattr(held, '__name__', held)}", name)
        return group[last]

    def group(self, name: str) -> SafeGroup:
        """A group inside this one."""
        return SafeGroup(self._member(name, "group"), self.file, f"{self.where.rstrip('/')}/{name}")

    def dataset(self, name: str) -> SafeDataset:
        """A dataset inside this group; nothing of it is read yet."""
        return SafeDataset(self._member(name, "dataset"), self.file, f"{self.where.rstrip('/')}/{name}")

    # ---------------------------------------------------------------- attributes

    def has(self, name: str) -> bool:
        """Whether there is an attribute of this name."""
        return name in self._group.attrs

    def text(self, name: str) -> str | None:
        """An attribute that is a string, or None where there is none."""
        if not self.has(name):
            return None
        values = self._strings(name)
        if len(values) != 1:
            raise self._error(f"expected the attribute {name!r} to be one string. Received: {len(values)} values")
        return values[0]

    def strings(self, name: str) -> list[str]:
        """An attribute that is a list of strings; a long one is spread over `name0`, `name1`, …"""
        if self.has(name):
            return self._strings(name)
        values: list[str] = []
        part = 0
        while self.has(f"{name}{part}"):
            values.extend(self._strings(f"{name}{part}"))
            part += 1
            if len(values) > MAX_NAMES:
                raise self._error(f"the attribute {name!r} has too many strings: at most {MAX_NAMES}")
        if not part:
            raise self._error(f"the attribute {name!r} is missing")
        return values

    def _strings(self, name: str) -> list[str]:
        import h5py

        handle = self._group.attrs.get_id(name)
        count = int(np.prod(handle.shape, dtype=np.float64)) if handle.shape is not None else 0
        if count > MAX_NAMES:
            raise self._error(f"the attribute {name!r} has too many values: at most {MAX_NAMES}. Received: {count}")
        if count == 0:
            return []
        info = h5py.check_string_dtype(handle.dtype)
        if info is None:
            raise self._error(f"expected the attribute {name!r} to hold strings. Received: {handle.dtype}")
        self._check_size(handle, name, count, info.length)
        raw = self._group.attrs[name]
        values = [raw] if isinstance(raw, (str, bytes)) else list(np.asarray(raw, dtype=object).reshape(-1))
        return [self._decode(value, name) for value in values]

    def _decode(self, value: Any, name: str) -> str:
        try:
            text = value.decode("utf-8") if isinstance(value, bytes) else str(value)
            text.encode("utf-8")
        except UnicodeError as error:
            raise self._error(f"expected the attribute {name!r} to be UTF-8: {error}") from error
        return text

    def _check_size(self, handle: Any, name: str, count: int, length: int | None) -> None:
        import h5py

        if length is not None:
            total: float = float(length) * count
        else:
            # A string lies in the file once, so that one string, or few, cannot be larger than it.
            total = float(os.path.getsize(self.file)) * count
            if total > MAX_ATTRIBUTE_BYTES:
                base = self._group.file.userblock_size
                with open(self.file, "rb") as stream:
                    address = int(h5py.h5o.get_info(self._group.id).addr)
                    exact = string_bytes(stream, base, address, name, count)
                total = total if exact is None else float(exact)
        if total > MAX_ATTRIBUTE_BYTES:
            raise self._error(
                f"the attribute {name!r} is too large: at most {MAX_ATTRIBUTE_BYTES} bytes. Received: {total:.0f} bytes"
            )


class SafeDataset:
    """A dataset whose shape and dtype are known, and whose data is read into memory of that size."""

    def __init__(self, dataset: h5py.Dataset, file: str, where: str) -> None:
        self._dataset = dataset
        self.file = file
        self.where = where
        self._check_kind()
        self.shape: tuple[int, ...] = tuple(dataset.shape)
        self.dtype = self._numpy_dtype()
        self.size = int(np.prod(self.shape, dtype=np.float64)) if self.shape else 1

    def error(self, reason: str) -> LoadError:
        """An error that names the dataset."""
        return LoadError(reason, self.file, self.where)

    def _check_kind(self) -> None:
        dataset = self._dataset
        plist = dataset.id.get_create_plist()
        if plist.get_external_count():
            raise self.error("the data lies in another file, which is not read")
        if dataset.is_virtual:
            raise self.error("the dataset is a view of other files, which are not read")
        if dataset.shape is None:
            raise self.error("expected an array. Received: an empty dataset without a shape")
        if len(dataset.shape) > _MAX_RANK:
            raise self.error(f"expected at most {_MAX_RANK} dimensions. Received: {len(dataset.shape)}")
        for index in range(plist.get_nfilters()):
            code = plist.get_filter(index)[0]
            if code not in _FILTERS:
                raise self.error(f"the data is compressed by an unknown filter. Received: filter {code}")

    def _numpy_dtype(self) -> np.dtype[Any]:
        dtype = self._dataset.dtype
        if dtype.kind in "fiub" and dtype.hasobject is False:
            return dtype.newbyteorder("=")
        if dtype == np.dtype("V2"):
            return dtype
        raise self.error(f"expected numbers. Received: dtype={dtype}")

    def read(self, limit: int | None = None) -> np.ndarray[Any, Any]:
        """The data.

        Args:
            limit: The greatest number of elements that the caller has a use for.
        """
        if limit is not None and self.size > limit:
            raise self.error(f"expected at most {limit} elements. Received: shape={self.shape}")
        array = np.empty(self.shape, self.dtype)
        if self.size:
            with reading(self.file, f"the data of {self.where!r}"):
                self._dataset.read_direct(array)
        return array
