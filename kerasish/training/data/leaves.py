"""Leaves: one array of the data each, from which batches are cut.

A leaf knows its `shape` and `dtype`, cuts a run of rows (`rows`), and picks rows by number (`pick`). Both give
arrays of the active backend; floats come out in the default float type.
"""

from __future__ import annotations

import mmap
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish import backend, config
from kerasish.autodiff import KerasTensor, Tensor
from kerasish.backend import K
from kerasish.backend.dtypes import FLOATS, dtype_name, numpy_dtype

_LAZY_LIBRARIES = ("h5py", "zarr")
_CONVERTED_AT_ONCE = 64 * 2**20


def batch_dtype(dtype: Any) -> np.dtype[Any] | None:
    """The dtype that values of another one have in a batch; None where it stays."""
    name = dtype_name(np.dtype(dtype))
    if name in FLOATS and name != config.floatx():
        return numpy_dtype(None)
    return None


def _cast(values: np.ndarray[Any, Any], dtype: np.dtype[Any]) -> np.ndarray[Any, Any]:
    # A value beyond the range of the type becomes infinite, which the loss will tell.
    with np.errstate(over="ignore"):
        return values.astype(dtype)


def upload(values: np.ndarray[Any, Any]) -> Any:
    """An array of the active backend; on a device, copied beside the steps that it computes."""
    stager = backend.stager()
    return K.asarray(values) if stager is None else stager.upload(values)


def _host_functions(values: np.ndarray[Any, Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    wanted = batch_dtype(values.dtype)
    asarray = (lambda x: x) if K.name in ("numpy", "numba") else upload
    # `take` of an array that is not contiguous would copy all of it, each time.
    take = values.take if values.flags.c_contiguous else None

    def rows(start: int, stop: int) -> Any:
        part = values[start:stop]
        return asarray(part if wanted is None else _cast(part, wanted))

    def pick(index: np.ndarray[Any, Any]) -> Any:
        part = values[index] if take is None else take(index, 0)
        return asarray(part if wanted is None else _cast(part, wanted))

    return rows, pick


class ArrayLeaf:
    """An array in memory, or mapped into it.

    Args:
        values: A NumPy array.
    """

    def __init__(self, values: np.ndarray[Any, Any]) -> None:
        self.values = values
        wanted = batch_dtype(values.dtype)
        # Small arrays are converted once, large ones batch by batch, so that they are not held twice.
        if wanted is not None and values.nbytes <= _CONVERTED_AT_ONCE and not self.mapped:
            values = self.values = _cast(values, wanted)
        self.shape = values.shape
        self.dtype = values.dtype
        self.rows, self.pick = _host_functions(values)

    @property
    def mapped(self) -> bool:
        """Whether the values lie in a file."""
        base: Any = self.values
        while isinstance(base, np.ndarray):
            if isinstance(base, np.memmap):
                return True
            base = base.base
        return isinstance(base, mmap.mmap)

    @property
    def nbytes(self) -> int:
        """The bytes that all rows take as batches."""
        wanted = batch_dtype(self.values.dtype)
        return self.values.nbytes if wanted is None else self.values.size * wanted.itemsize

    def resident(self) -> DeviceLeaf:
        """The leaf with all values on the device."""
        wanted = batch_dtype(self.values.dtype)
        return DeviceLeaf(K.asarray(self.values if wanted is None else _cast(self.values, wanted)))

    def part(self, start: int, stop: int) -> ArrayLeaf:
        """The leaf of some of the rows; without a copy."""
        return ArrayLeaf(self.values[start:stop])


class DeviceLeaf:
    """An array of the active backend that lies on a device.

    Args:
        values: The array.
    """

    def __init__(self, values: Any) -> None:
        self.values = values
        self.shape = tuple(values.shape)
        self.dtype = values.dtype
        self._wanted = batch_dtype(values.dtype)

    def _cast(self, part: Any) -> Any:
        return part if self._wanted is None else K.cast(part, dtype=self._wanted)

    def rows(self, start: int, stop: int) -> Any:
        """Some rows in order; without a copy."""
        return self._cast(self.values[start:stop])

    def pick(self, index: Any) -> Any:
        """Rows by number; the numbers lie on the host or on the device."""
        return self._cast(K.take(self.values, K.asarray(index), axis=0))

    def part(self, start: int, stop: int) -> DeviceLeaf:
        """The leaf of some of the rows."""
        return DeviceLeaf(self.values[start:stop])


class LazyLeaf:
    """An array in a file, of which only the rows of a batch are read.

    Args:
        source: A dataset of h5py or zarr.
        start: The first row.
        stop: The row to stop before (None: all).
    """

    def __init__(self, source: Any, start: int = 0, stop: int | None = None) -> None:
        self.source = source
        self.start = start
        self.stop = source.shape[0] if stop is None else stop
        self.shape = (self.stop - start, *source.shape[1:])
        self.dtype = source.dtype
        self._wanted = batch_dtype(source.dtype)

    def _convert(self, part: Any) -> Any:
        part = np.asarray(part)
        return upload(part if self._wanted is None else _cast(part, self._wanted))

    def rows(self, start: int, stop: int) -> Any:
        """Read some rows in order."""
        return self._convert(self.source[self.start + start : min(self.start + stop, self.stop)])

    def pick(self, index: np.ndarray[Any, Any]) -> Any:
        """Read rows by number. Files give them in rising order, once each."""
        wanted, inverse = np.unique(index, return_inverse=True)
        return self._convert(np.asarray(self.source[wanted + self.start])[inverse])

    def part(self, start: int, stop: int) -> LazyLeaf:
        """The leaf of some of the rows; nothing is read."""
        return LazyLeaf(self.source, self.start + start, self.start + stop)


class SparseLeaf:
    """A SciPy sparse matrix, whose batches are dense.

    Args:
        values: The matrix.
    """

    def __init__(self, values: Any) -> None:
        self.values = values.tocsr()
        self.shape = tuple(values.shape)
        self.dtype = values.dtype
        self._wanted = batch_dtype(values.dtype)

    def _convert(self, part: Any) -> Any:
        part = part.toarray()
        return upload(part if self._wanted is None else _cast(part, self._wanted))

    def rows(self, start: int, stop: int) -> Any:
        """Some rows in order."""
        return self._convert(self.values[start:stop])

    def pick(self, index: np.ndarray[Any, Any]) -> Any:
        """Rows by number."""
        return self._convert(self.values[index])

    def part(self, start: int, stop: int) -> SparseLeaf:
        """The leaf of some of the rows."""
        return SparseLeaf(self.values[start:stop])


Leaf = ArrayLeaf | DeviceLeaf | LazyLeaf | SparseLeaf
LEAVES = (ArrayLeaf, DeviceLeaf, LazyLeaf, SparseLeaf)


def _library(value: Any) -> str:
    return type(value).__module__.partition(".")[0]


def as_leaf(value: Any, name: str) -> Leaf:
    """The leaf of anything that is one array.

    Args:
        value: An array, a tensor, a pandas frame or series, a dataset of h5py, a SciPy sparse matrix.
        name: What to call it in errors: "x", "y[1]".

    Raises:
        ValueError: If it is no array, holds no numbers, or has no dimension of samples.
    """
    if isinstance(value, LEAVES):
        return value
    leaf = _find_leaf(value, name)
    _check_dtype(leaf, value, name)
    if not leaf.shape:
        raise ValueError(
            f"Expected {name} to be an array whose first dimension counts the samples. Received: {name}={value!r}"
        )
    return leaf


def _find_leaf(value: Any, name: str) -> Leaf:
    if isinstance(value, KerasTensor):
        raise ValueError(f"Expected {name} to hold data, not a symbolic tensor. Received: {name}={value!r}")
    if isinstance(value, np.ndarray):
        return ArrayLeaf(_plain(value))
    if isinstance(value, Tensor):
        value = value.array
        return ArrayLeaf(value) if isinstance(value, np.ndarray) else DeviceLeaf(value)
    if _library(value) in _LAZY_LIBRARIES and hasattr(value, "shape") and value.shape:
        return LazyLeaf(value)
    if _library(value) == "pandas":
        return ArrayLeaf(_from_pandas(value, name))
    if hasattr(value, "tocsr") and hasattr(value, "nnz"):
        return SparseLeaf(value)
    if hasattr(value, "__cuda_array_interface__") and K.name == "cupy":
        return DeviceLeaf(K.asarray(value))
    if isinstance(value, (str, bytes)) or not (hasattr(value, "__array__") or hasattr(value, "__dlpack__")):
        raise ValueError(
            f"Expected {name} to be an array, a list of numbers, a pandas frame, an h5py dataset, or a list or dict "
            f"of these. Received: {name}={_short(value)} (of type {type(value).__name__})"
        )
    return ArrayLeaf(np.asarray(value) if hasattr(value, "__array__") else np.from_dlpack(value))


def _plain(values: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise ValueError(
            "Masked NumPy arrays cannot be trained on: fill the masked elements first (`array.filled(…)`). "
            f"Received: a masked array of shape {values.shape}"
        )
    return values.view(np.ndarray)


def _from_pandas(value: Any, name: str) -> np.ndarray[Any, Any]:
    pandas = sys.modules["pandas"]
    columns = value if isinstance(value, pandas.DataFrame) else value.to_frame()
    numeric = pandas.api.types.is_numeric_dtype
    wrong = [str(column) for column, dtype in columns.dtypes.items() if not numeric(dtype)]
    if wrong:
        found = sorted({str(dtype) for dtype in columns.dtypes})
        raise ValueError(
            f"Expected the columns of {name} to be numeric; these are not: {wrong}. Encode them first, for "
            f"example with pandas.get_dummies. Received: dtypes={found}"
        )
    values = columns.to_numpy()
    if values.dtype == object:
        values = columns.to_numpy(dtype=numpy_dtype(None), na_value=np.nan)
    return values


def _check_dtype(leaf: Leaf, value: Any, name: str) -> None:
    dtype = np.dtype(leaf.dtype)
    if dtype.kind in "biufc" or dtype.name == "bfloat16":
        return
    kinds = {"U": "strings", "S": "byte strings", "O": "Python objects", "M": "dates", "m": "time spans"}
    raise ValueError(
        f"Expected {name} to hold numbers, but it holds {kinds.get(dtype.kind, 'records')}: encode them first. "
        f"Received: {name}={_short(value)} (dtype {dtype})"
    )


def _short(value: Any) -> str:
    text = repr(value).replace("\n", " ")
    return text if len(text) < 80 else text[:77] + "..."


def as_tensor(value: Any, name: str) -> Tensor | None:
    """One array of a batch as a tensor; None stays."""
    if value is None:
        return None
    if isinstance(value, Tensor):
        if batch_dtype(value.array.dtype) is None:
            return value
        return Tensor(K.cast(value.array, dtype=numpy_dtype(None)))
    leaf = as_leaf(value, name)
    return Tensor(leaf.rows(0, leaf.shape[0]))
