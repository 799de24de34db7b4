"""Making arrays, and rearranging their elements; views wherever there is one.

Everything but what takes data from the host or gives it back can be captured in a CUDA graph: positions are computed
on the device, and arrays are joined slice by slice.
"""

from __future__ import annotations

import itertools
from itertools import pairwise
from typing import Any

import numpy as np

from kerasish.backend.contract.types import Array, Scalar
from kerasish.backend.cupy._device import cp
from kerasish.backend.cupy._dtypes import is_half
from kerasish.backend.cupy._gather import gather_axis
from kerasish.backend.cupy._graph import upload

_CUDA_DEVICES = (2, 13)
"""The kinds of DLPack devices whose memory a GPU reads: its own, and managed memory."""


def asarray(x: Any) -> Array:
    """The array itself, memory of this device under another library's name, or a copy of host data."""
    if isinstance(x, cp.ndarray):
        return x
    if hasattr(x, "__cuda_array_interface__"):
        return cp.asarray(x)
    if hasattr(x, "__dlpack__") and not isinstance(x, (np.ndarray, np.generic)):
        if int(x.__dlpack_device__()[0]) in _CUDA_DEVICES:
            return cp.from_dlpack(x)
        if not hasattr(x, "__array__"):
            x = np.from_dlpack(x)
    host = np.asarray(x)
    if host.dtype.kind not in "biufcV":
        raise TypeError(
            "A GPU holds numbers and booleans alone: expected an array of them (keep text on the host, and encode it "
            f"there). Received: dtype={host.dtype}"
        )
    if not host.dtype.isnative:
        host = host.astype(host.dtype.newbyteorder("="))
    return upload(host)


def to_numpy(x: Array) -> np.ndarray[Any, Any]:
    """A copy on the host, which waits for the device."""
    return cp.asnumpy(x) if isinstance(x, cp.ndarray) else np.asarray(x)


def owned(x: Array) -> Array:
    """`cupy.array` in row-major order."""
    return cp.array(x, order="C")


def copy_into(destination: Array, source: Array) -> None:
    """An assignment: a copy on the device, or one from the host."""
    destination[...] = source if isinstance(source, cp.ndarray) else asarray(source)


def zeros(shape: tuple[int, ...], *, dtype: Any) -> Array:
    """`cupy.zeros`."""
    return cp.zeros(shape, dtype)


def ones(shape: tuple[int, ...], *, dtype: Any) -> Array:
    """`cupy.ones`."""
    return cp.ones(shape, dtype)


def full(shape: tuple[int, ...], *, value: Array | Scalar, dtype: Any) -> Array:
    """A number is part of the launch; an array is broadcast on the device."""
    y = cp.empty(shape, dtype)
    if isinstance(value, cp.ndarray):
        y[...] = value
        return y
    values = np.asarray(value)
    if values.ndim:
        y[...] = upload(values)
    else:
        y.fill(values.astype(y.dtype).item())
    return y


def arange(*, start: Scalar, stop: Scalar, step: Scalar, dtype: Any) -> Array:
    """`cupy.arange`; half precision is computed in single."""
    dtype = np.dtype(dtype)
    if is_half(dtype):
        return cp.arange(start, stop, step, dtype=np.float32).astype(dtype)
    return cp.arange(start, stop, step, dtype=dtype)


def linspace(start: Array | Scalar, stop: Array | Scalar, *, num: int, endpoint: bool, dtype: Any, axis: int) -> Array:
    """In double precision for numbers, in that of the arrays otherwise, half taken as single."""
    if num < 0:
        raise ValueError(f"The number of samples must not be negative. Received: num={num}")
    arrays = [x for x in (start, stop) if isinstance(x, cp.ndarray)]
    kinds = [x.dtype for x in arrays if x.dtype.kind not in "iub"]
    wide = np.result_type(*[np.float32 if is_half(kind) else kind for kind in kinds]) if kinds else np.float64
    dtype = np.dtype(dtype)
    start, stop = [x.astype(wide, copy=False) if isinstance(x, cp.ndarray) else _number(x) for x in (start, stop)]
    shape = np.broadcast_shapes(*[x.shape for x in arrays]) if arrays else ()
    steps = cp.arange(num, dtype=wide).reshape(num, *(1,) * len(shape))
    gaps = num - 1 if endpoint else num
    y = cp.empty((num, *shape), wide)
    if gaps > 0:
        y[...] = steps * ((stop - start) / gaps) + start
    else:
        y[...] = start
    if endpoint and num > 1:
        y[-1] = stop
    if dtype.kind in "iu":
        y = cp.floor(y)
    return cp.moveaxis(y, 0, axis).astype(dtype, copy=False)


def _number(x: Scalar) -> Any:
    """A number of the host as Python's own, which takes the dtype of the array beside it."""
    return x.item() if isinstance(x, (np.ndarray, np.generic)) else x


def eye(*, rows: int, columns: int, k: int, dtype: Any) -> Array:
    """`cupy.eye`."""
    return cp.eye(rows, columns, k, dtype)


def reshape(x: Array, *, shape: tuple[int, ...]) -> Array:
    """A view where the strides allow it."""
    return x.reshape(shape)


def transpose(x: Array, *, axes: tuple[int, ...] | None = None) -> Array:
    """A view."""
    return x.transpose() if axes is None else x.transpose(axes)


def broadcast_to(x: Array, *, shape: tuple[int, ...]) -> Array:
    """A view with strides of zero. CuPy has no read-only arrays: nothing may be written to it."""
    return cp.broadcast_to(x, shape)


def concatenate(*xs: Array, axis: int) -> Array:
    """Slice by slice."""
    first = xs[0]
    ndim = first.ndim
    if not ndim:
        raise ValueError("Arrays without dimensions cannot be concatenated. Received: an array of shape ()")
    if not -ndim <= axis < ndim:
        raise np.exceptions.AxisError(axis, ndim)
    axis %= ndim
    shape = list(first.shape)
    for x in xs[1:]:
        if x.ndim != ndim or any(x.shape[d] != shape[d] for d in range(ndim) if d != axis):
            raise ValueError(
                f"Arrays to be concatenated must have the same shape but for axis {axis}. "
                f"Received: shapes {[each.shape for each in xs]}"
            )
    shape[axis] = sum(x.shape[axis] for x in xs)
    y = cp.empty(tuple(shape), np.result_type(*[x.dtype for x in xs]))
    lead = (slice(None),) * axis
    position = 0
    for x in xs:
        size = x.shape[axis]
        if x.size:
            y[(*lead, slice(position, position + size))] = x
        position += size
    return y


def split(x: Array, *, indices: tuple[int, ...], axis: int) -> tuple[Array, ...]:
    """Views."""
    lead = (slice(None),) * axis
    bounds = (0, *indices, x.shape[axis])
    return tuple([x[(*lead, slice(start, stop))] for start, stop in pairwise(bounds)])


def pad(x: Array, *, pad_width: tuple[tuple[int, int], ...], mode: str, value: Scalar = 0) -> Array:
    """A fill and a copy for a constant; the other modes gather, axis by axis."""
    if len(pad_width) != x.ndim or any(width < 0 for pair in pad_width for width in pair):
        raise ValueError(
            f"Expected a pair of non-negative widths for each of the {x.ndim} dimensions. "
            f"Received: pad_width={pad_width}, x.shape={x.shape}"
        )
    if mode == "constant":
        shape = tuple([before + size + after for size, (before, after) in zip(x.shape, pad_width)])
        plain = not isinstance(value, cp.ndarray) and not value
        y = cp.zeros(shape, x.dtype) if plain else full(shape, value=value, dtype=x.dtype)
        if x.size:
            y[tuple([slice(before, before + size) for size, (before, _) in zip(x.shape, pad_width)])] = x
        return y
    if mode not in _SOURCE:
        raise ValueError(f"Expected a mode of 'constant', {', '.join(map(repr, _SOURCE))}. Received: mode={mode!r}")
    y = x
    for axis, (before, after) in enumerate(pad_width):
        if not before and not after:
            continue
        size = x.shape[axis]
        if not size:
            raise ValueError(
                f"An axis without elements can only be padded by a constant. Received: {mode=}, x.shape={x.shape}"
            )
        positions = cp.arange(-before, size + after, dtype=np.int64)
        y = gather_axis(y, _SOURCE[mode](positions, size), axis)
    return y.copy() if y is x else y


def _edge(positions: Array, size: int) -> Array:
    return cp.minimum(cp.maximum(positions, 0), size - 1)


def _wrap(positions: Array, size: int) -> Array:
    return positions % size


def _reflect(positions: Array, size: int) -> Array:
    # There and back again, without standing at the ends: abs folds the second half of the way.
    last = size - 1
    return last - abs(last - positions % (2 * last)) if last else cp.zeros_like(positions)


def _symmetric(positions: Array, size: int) -> Array:
    folded = positions % (2 * size)
    return cp.minimum(folded, 2 * size - 1 - folded)


_SOURCE = {"edge": _edge, "reflect": _reflect, "symmetric": _symmetric, "wrap": _wrap}


def flip(x: Array, *, axis: tuple[int, ...]) -> Array:
    """A view with negative strides."""
    return x[tuple([slice(None, None, -1) if d in axis else slice(None) for d in range(x.ndim)])]


def roll(x: Array, *, shift: tuple[int, ...], axis: tuple[int, ...]) -> Array:
    """Two parts of each axis change places."""
    shifts = [0] * x.ndim
    for by, d in zip(shift, axis, strict=True):
        shifts[d] += by
    y = cp.empty(x.shape, x.dtype)
    if not x.size:
        return y
    moves = []
    for by, size in zip(shifts, x.shape):
        by %= size
        whole = [(slice(None), slice(None))]
        moves.append([(slice(by, None), slice(size - by)), (slice(by), slice(size - by, None))] if by else whole)
    for parts in itertools.product(*moves):
        y[tuple([to for to, _ in parts])] = x[tuple([source for _, source in parts])]
    return y


def repeat(x: Array, *, repeats: int | tuple[int, ...], axis: int) -> Array:
    """One copy of a broadcast view, or a slice at a time where the numbers differ."""
    size = x.shape[axis]
    counts = (repeats,) * size if isinstance(repeats, int) else repeats * size if len(repeats) == 1 else repeats
    if len(counts) != size or any(count < 0 for count in counts):
        raise ValueError(
            f"Expected a non-negative number of repeats for each of the {size} slices of axis {axis}. "
            f"Received: repeats={repeats}"
        )
    before, after = x.shape[:axis], x.shape[axis + 1 :]
    y = cp.empty((*before, sum(counts), *after), x.dtype)
    if not y.size:
        return y
    if len(set(counts)) == 1:
        count = counts[0]
        y.reshape(*before, size, count, *after)[...] = cp.expand_dims(x, axis + 1)
        return y
    lead = (slice(None),) * axis
    position = 0
    for index, count in enumerate(counts):
        if count:
            y[(*lead, slice(position, position + count))] = x[(*lead, slice(index, index + 1))]
        position += count
    return y


def tile(x: Array, *, repeats: tuple[int, ...]) -> Array:
    """One copy of a broadcast view."""
    missing = len(repeats) - x.ndim
    x = x.reshape((1,) * missing + x.shape)
    repeats = (1,) * -missing + tuple(repeats)
    y = cp.empty(tuple([count * size for count, size in zip(repeats, x.shape)]), x.dtype)
    if y.size:
        interleaved = [n for pair in zip(repeats, x.shape) for n in pair]
        y.reshape(interleaved)[...] = x.reshape([n for size in x.shape for n in (1, size)])
    return y


def tril(x: Array, *, k: int) -> Array:
    """Zeros where the mask does not hold."""
    return _triangle(x, _diagonals(x) <= k)


def triu(x: Array, *, k: int) -> Array:
    """Zeros where the mask does not hold."""
    return _triangle(x, _diagonals(x) >= k)


def _diagonals(x: Array) -> Array:
    """The number of the diagonal of each element of the last two dimensions."""
    rows, columns = (x.shape[-1], x.shape[-1]) if x.ndim == 1 else x.shape[-2:]
    return cp.arange(columns, dtype=np.int32) - cp.arange(rows, dtype=np.int32)[:, None]


def _triangle(x: Array, mask: Array) -> Array:
    if x.dtype.kind == "c":
        return cp.where(mask, x, x.dtype.type(0))
    # The bits: CuPy has no choice between numbers of bfloat16.
    bits = np.dtype(f"u{x.itemsize}")
    return cp.where(mask, x.view(bits), bits.type(0)).view(x.dtype)
