"""The functions of the module `cupy`."""

from __future__ import annotations

import builtins
import operator
from collections.abc import Callable
from typing import Any

import numpy as np

from . import core, memory, streams
from .core import BFLOAT16, UFUNCS, as_operand, checked_dtype, compute, ndarray, reduction, refuse_reading, unify

globals().update({ufunc.name.removeprefix("cupy_"): ufunc for ufunc in UFUNCS.values()})
globals().update({name: ufunc for name, ufunc in UFUNCS.items() if name != "conjugate"})
abs = UFUNCS["absolute"]
conj = conjugate = UFUNCS["conjugate"]
pow = UFUNCS["power"]
mod = UFUNCS["remainder"]
bitwise_not = bitwise_invert = UFUNCS["invert"]
bitwise_left_shift, bitwise_right_shift = UFUNCS["left_shift"], UFUNCS["right_shift"]
for _new, _old in {
    "acos": "arccos",
    "acosh": "arccosh",
    "asin": "arcsin",
    "asinh": "arcsinh",
    "atan": "arctan",
    "atan2": "arctan2",
    "atanh": "arctanh",
}.items():
    globals()[_new] = UFUNCS[_old]


def _array(x: Any) -> ndarray:
    if not isinstance(x, ndarray):
        raise TypeError(f"Unsupported type {type(x)}")
    return x


# Creation.


def empty(shape: Any, dtype: Any = float, order: str = "C") -> ndarray:
    return ndarray(shape, dtype, order=order)


def _filled(shape: Any, value: Any, dtype: Any, order: str = "C") -> ndarray:
    result = ndarray(shape, dtype, order=order)
    result.fill(value)
    return result


def zeros(shape: Any, dtype: Any = float, order: str = "C") -> ndarray:
    return _filled(shape, 0, dtype, order)


def ones(shape: Any, dtype: Any = float, order: str = "C") -> ndarray:
    return _filled(shape, 1, dtype, order)


def full(shape: Any, fill_value: Any, dtype: Any = None, order: str = "C") -> ndarray:
    if dtype is None:
        dtype = fill_value.dtype if isinstance(fill_value, ndarray) else np.array(fill_value).dtype
    return _filled(shape, fill_value, dtype, order)


def _like(a: Any, dtype: Any, order: str, subok: Any, shape: Any) -> ndarray:
    if subok is not None:
        raise TypeError("subok is not supported yet")
    _array(a)
    if order == "K" and shape is None:
        model = np.empty_like(np.ndarray(a.shape, a.dtype, strides=None) if not a.size else a._a, dtype=dtype)
        order = "F" if model.flags.f_contiguous and not model.flags.c_contiguous else "C"
    elif order in ("A", "K"):
        order = "F" if a.flags.fnc else "C"
    return ndarray(a.shape if shape is None else shape, a.dtype if dtype is None else dtype, order=order)


def empty_like(prototype: Any, dtype: Any = None, order: str = "K", subok: Any = None, shape: Any = None) -> ndarray:
    return _like(prototype, dtype, order, subok, shape)


def zeros_like(a: Any, dtype: Any = None, order: str = "K", subok: Any = None, shape: Any = None) -> ndarray:
    result = _like(a, dtype, order, subok, shape)
    result.fill(0)
    return result


def ones_like(a: Any, dtype: Any = None, order: str = "K", subok: Any = None, shape: Any = None) -> ndarray:
    result = _like(a, dtype, order, subok, shape)
    result.fill(1)
    return result


def full_like(
    a: Any, fill_value: Any, dtype: Any = None, order: str = "K", subok: Any = None, shape: Any = None
) -> ndarray:
    result = _like(a, dtype, order, subok, shape)
    result.fill(fill_value)
    return result


def _holds_device(obj: Any) -> bool:
    return isinstance(obj, ndarray) or (
        isinstance(obj, (list, tuple)) and builtins.any(_holds_device(item) for item in obj)
    )


def array(
    obj: Any,
    dtype: Any = None,
    copy: bool | None = True,
    order: str | None = "K",
    subok: bool = False,
    ndmin: int = 0,
    *,
    blocking: bool = False,
) -> ndarray:
    if subok:
        raise NotImplementedError
    if isinstance(obj, ndarray):
        fits = order in ("K", None) or (order == "A" and obj.flags.forc) or (order in "CF" and obj.flags[order])
        same = dtype is None or np.dtype(dtype) == obj.dtype
        if not copy and same and fits:
            result = obj
        else:
            if copy is False:
                raise ValueError("Unable to avoid copy while creating an array as requested.")
            result = obj.astype(obj.dtype if dtype is None else dtype, order=order or "K", copy=True)
    elif isinstance(obj, (list, tuple)) and _holds_device(obj):
        result = stack([array(item, dtype, False) for item in obj])
        if dtype is not None:
            result = result.astype(dtype, copy=False)
    else:
        if copy is False:
            raise ValueError("Unable to avoid copy while creating an array as requested.")
        host = np.array(
            obj,
            dtype=dtype,
            copy=None,
            order="C" if order in ("K", None) and not isinstance(obj, np.ndarray) else order,
        )
        checked_dtype(host.dtype)
        target = "F" if host.flags.f_contiguous and not host.flags.c_contiguous else "C"
        streams.refuse_copy()
        result = ndarray(host.shape, host.dtype, order=target)
        result.set(np.asarray(host, order=target))
    if result.ndim < ndmin:
        result = result.reshape((1,) * (ndmin - result.ndim) + result.shape)
    return result


def asarray(
    a: Any, dtype: Any = None, order: str | None = None, *, copy: bool | None = None, blocking: bool = False
) -> ndarray:
    return array(a, dtype, copy, order, blocking=blocking)


def asanyarray(
    a: Any, dtype: Any = None, order: str | None = None, *, copy: bool | None = None, blocking: bool = False
) -> ndarray:
    return array(a, dtype, copy, order, blocking=blocking)


def ascontiguousarray(a: Any, dtype: Any = None) -> ndarray:
    return array(a, dtype, None, "C", ndmin=1)


def asfortranarray(a: Any, dtype: Any = None) -> ndarray:
    return array(a, dtype, None, "F")


def copy(a: Any, order: str = "K") -> ndarray:
    return array(a, order=order) if not isinstance(a, ndarray) else a.copy(order)


def astype(x: Any, dtype: Any, /, *, copy: bool = True) -> ndarray:
    return _array(x).astype(dtype, copy=copy)


def asnumpy(a: Any, stream: Any = None, order: str = "C", out: Any = None, *, blocking: bool = True) -> np.ndarray:
    if isinstance(a, ndarray):
        return a.get(stream, order, out, blocking)
    found = np.asarray(a, order=order)
    if out is not None:
        out[...] = found
        return out
    return found


def from_dlpack(array: Any) -> ndarray:
    if isinstance(array, ndarray):
        return array.view()
    raise BufferError("only arrays of the device can be taken over")


def frombuffer(*args: Any, **kwargs: Any) -> ndarray:
    return array(np.frombuffer(*args, **kwargs))


def arange(start: Any, stop: Any = None, step: Any = 1, dtype: Any = None) -> ndarray:
    for value in (start, stop, step):
        if isinstance(value, (ndarray, np.ndarray)):
            raise TypeError(f"Unsupported type {type(value)}")
    if stop is None:
        start, stop = 0, start
    return compute(lambda: np.arange(start, stop, step, dtype))


def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None, axis: int = 0
) -> Any:
    found = compute(
        lambda a, b: np.linspace(a, b, num, endpoint=endpoint, dtype=dtype, axis=axis),
        as_operand(start),
        as_operand(stop),
    )
    if retstep:
        return found, (stop - start) / builtins.max(1, num - 1 if endpoint else num)
    return found


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = float, order: str = "C") -> ndarray:
    return compute(lambda: np.eye(N, M, k, dtype, order))


def identity(n: int, dtype: Any = float) -> ndarray:
    return eye(n, dtype=dtype)


def tri(N: int, M: int | None = None, k: int = 0, dtype: Any = float) -> ndarray:
    return compute(lambda: np.tri(N, M, k, dtype))


def tril(m: Any, k: int = 0) -> ndarray:
    return compute(lambda x: np.tril(x, k), _array(m))


def triu(m: Any, k: int = 0) -> ndarray:
    return compute(lambda x: np.triu(x, k), _array(m))


def diag(v: Any, k: int = 0) -> ndarray:
    if isinstance(v, ndarray) and v.ndim == 2:
        return v.diagonal(k)
    return compute(lambda x: np.diag(x, k), _array(v))


def diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> ndarray:
    return _array(a).diagonal(offset, axis1, axis2)


def trace(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None) -> ndarray:
    return _array(a).trace(offset, axis1, axis2, dtype, out)


def meshgrid(*xi: Any, **kwargs: Any) -> list[ndarray]:
    return list(compute(lambda *a: np.meshgrid(*a, **kwargs), *map(_array, xi)))


def indices(dimensions: Any, dtype: Any = int) -> ndarray:
    return compute(lambda: np.indices(dimensions, dtype))


# Elementwise functions which are no ufuncs of NumPy.


def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    if (x is None) != (y is None):
        raise ValueError("Must provide both 'x' and 'y' or neither.")
    if x is None:
        return nonzero(condition)
    first, second = unify([as_operand(x), as_operand(y)])
    return compute(_where, as_operand(condition), first, second)


def _where(condition: Any, x: Any, y: Any) -> Any:
    return np.where(condition, x, y)


def clip(a: Any, a_min: Any, a_max: Any, out: Any = None) -> ndarray:
    _array(a)
    if a_min is None and a_max is None:
        return a.copy() if out is None else _copied(a, out)
    names = [name for name, value in (("a", a), ("min", a_min), ("max", a_max)) if value is not None]
    operands = unify([as_operand(value) for value in (a, a_min, a_max) if value is not None])
    given = dict(zip(names, operands))

    def step(*values: Any) -> Any:
        by_name = dict(zip(names, values))
        found = by_name["a"]
        if "min" in by_name:
            found = np.maximum(found, by_name["min"])
        return np.minimum(found, by_name["max"]) if "max" in by_name else found

    return compute(step, *given.values(), out=out)


def _copied(a: ndarray, out: ndarray) -> ndarray:
    out[...] = a
    return out


def nan_to_num(x: Any, copy: bool = True, nan: Any = 0.0, posinf: Any = None, neginf: Any = None) -> ndarray:
    return compute(
        lambda a: np.nan_to_num(a, nan=nan, posinf=posinf, neginf=neginf), _array(x), out=None if copy else x
    )


def around(a: Any, decimals: int = 0, out: Any = None) -> ndarray:
    return _array(a).round(decimals, out)


def round(a: Any, decimals: int = 0, out: Any = None) -> ndarray:
    return _array(a).round(decimals, out)


def fix(x: Any, out: Any = None) -> ndarray:
    return compute(np.trunc, as_operand(x), out=out)


def sinc(x: Any) -> ndarray:
    return compute(np.sinc, _array(x))


def i0(x: Any) -> ndarray:
    return compute(np.i0, _array(x))


def real(val: Any) -> Any:
    return val.real


def imag(val: Any) -> Any:
    return val.imag


def angle(z: Any, deg: bool = False) -> ndarray:
    return compute(lambda x: np.angle(x, deg), _array(z))


def isclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> ndarray:
    return compute(lambda x, y: np.isclose(x, y, rtol, atol, equal_nan), as_operand(a), as_operand(b))


def allclose(a: Any, b: Any, rtol: Any = 1e-05, atol: Any = 1e-08, equal_nan: bool = False) -> ndarray:
    return isclose(a, b, rtol, atol, equal_nan).all()


def array_equal(a1: Any, a2: Any, equal_nan: bool = False) -> ndarray:
    return compute(lambda x, y: np.array_equal(x, y, equal_nan), _array(a1), _array(a2))


def isposinf(x: Any, out: Any = None) -> ndarray:
    return compute(np.isposinf, _array(x), out=out)


def isneginf(x: Any, out: Any = None) -> ndarray:
    return compute(np.isneginf, _array(x), out=out)


def iscomplexobj(x: Any) -> bool:
    return _array(x).dtype.kind == "c"


def interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> ndarray:
    return compute(lambda a, b, c: np.interp(a, b, c, left, right, period), _array(x), _array(xp), _array(fp))


# Reductions and scans.


def sum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> ndarray:
    return reduction("sum", a, axis=axis, dtype=dtype, out=out, keepdims=keepdims)


def prod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> ndarray:
    return reduction("prod", a, axis=axis, dtype=dtype, out=out, keepdims=keepdims)


def mean(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> ndarray:
    return reduction("mean", a, axis=axis, dtype=dtype, out=out, keepdims=keepdims)


def nansum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> ndarray:
    return reduction("nansum", a, axis=axis, dtype=dtype, out=out, keepdims=keepdims)


def nanmean(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> ndarray:
    return reduction("nanmean", a, axis=axis, dtype=dtype, out=out, keepdims=keepdims)


def nanmax(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> ndarray:
    return reduction("nanmax", a, axis=axis, out=out, keepdims=keepdims)


def nanmin(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> ndarray:
    return reduction("nanmin", a, axis=axis, out=out, keepdims=keepdims)


def var(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: int = 0, keepdims: bool = False) -> ndarray:
    return reduction("var", a, axis=axis, dtype=dtype, out=out, ddof=ddof, keepdims=keepdims)


def std(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: int = 0, keepdims: bool = False) -> ndarray:
    return reduction("std", a, axis=axis, dtype=dtype, out=out, ddof=ddof, keepdims=keepdims)


def max(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> ndarray:
    return reduction("max", a, axis=axis, out=out, keepdims=keepdims)


def min(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> ndarray:
    return reduction("min", a, axis=axis, out=out, keepdims=keepdims)


amax, amin = max, min


def ptp(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> ndarray:
    return reduction("ptp", a, axis=axis, out=out, keepdims=keepdims)


def all(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> ndarray:
    return reduction("all", a, axis=axis, out=out, keepdims=keepdims)


def any(a: Any, axis: Any = None, out: Any = None, keepdims: bool = False) -> ndarray:
    return reduction("any", a, axis=axis, out=out, keepdims=keepdims)


def argmax(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> ndarray:
    return _array(a).argmax(axis, out, dtype, keepdims)


def argmin(a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> ndarray:
    return _array(a).argmin(axis, out, dtype, keepdims)


def cumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> ndarray:
    return reduction("cumsum", a, axis=axis, dtype=dtype, out=out)


def cumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> ndarray:
    return reduction("cumprod", a, axis=axis, dtype=dtype, out=out)


def diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> ndarray:
    given = {name: value for name, value in (("prepend", prepend), ("append", append)) if value is not None}
    return compute(np.diff, _array(a), n, axis, **given)


def count_nonzero(a: Any, axis: Any = None) -> ndarray:
    return compute(lambda x: np.asarray(np.count_nonzero(x, axis), np.int64), _array(a))


def median(a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: bool = False) -> ndarray:
    return compute(lambda x: np.median(x, axis, keepdims=keepdims), _array(a), out=out)


def percentile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    interpolation: Any = None,
) -> ndarray:
    refuse_reading()
    method = interpolation or method
    return compute(lambda x, y: np.percentile(x, y, axis, method=method, keepdims=keepdims), _array(a), q, out=out)


def quantile(
    a: Any,
    q: Any,
    axis: Any = None,
    out: Any = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
    *,
    interpolation: Any = None,
) -> ndarray:
    refuse_reading()
    method = interpolation or method
    return compute(lambda x, y: np.quantile(x, y, axis, method=method, keepdims=keepdims), _array(a), q, out=out)


def average(a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False) -> Any:
    if weights is not None:
        # CuPy asks whether the weights sum to zero.
        refuse_reading()
    given = {} if weights is None else {"weights": _array(weights)}
    return compute(lambda x, **w: np.average(x, axis, returned=returned, keepdims=keepdims, **w), _array(a), **given)


# Shapes.


def reshape(a: Any, newshape: Any, order: str = "C", *, copy: bool | None = None) -> ndarray:
    return _array(a).reshape(newshape, order=order, copy=copy)


def ravel(a: Any, order: str = "C") -> ndarray:
    return _array(a).ravel(order)


def transpose(a: Any, axes: Any = None) -> ndarray:
    return _array(a).transpose(axes)


permute_dims = transpose


def matrix_transpose(x: Any, /) -> ndarray:
    return _array(x).mT


def _view(function: Callable[..., np.ndarray], a: Any, *args: Any) -> ndarray:
    return ndarray._view_of(_array(a), function(a._a, *args))


def swapaxes(a: Any, axis1: int, axis2: int) -> ndarray:
    return _array(a).swapaxes(axis1, axis2)


def moveaxis(a: Any, source: Any, destination: Any) -> ndarray:
    return _view(np.moveaxis, a, source, destination)


def rollaxis(a: Any, axis: int, start: int = 0) -> ndarray:
    return _view(np.rollaxis, a, axis, start)


def expand_dims(a: Any, axis: Any) -> ndarray:
    return _view(np.expand_dims, a, axis)


def squeeze(a: Any, axis: Any = None) -> ndarray:
    return _array(a).squeeze(axis)


def flip(a: Any, axis: Any = None) -> ndarray:
    return _view(np.flip, a, axis)


def fliplr(a: Any) -> ndarray:
    return _view(np.fliplr, a)


def flipud(a: Any) -> ndarray:
    return _view(np.flipud, a)


def rot90(a: Any, k: int = 1, axes: Any = (0, 1)) -> ndarray:
    return _view(np.rot90, a, k, axes)


def atleast_1d(*arys: Any) -> Any:
    found = [_view(np.atleast_1d, a) for a in arys]
    return found[0] if len(found) == 1 else found


def atleast_2d(*arys: Any) -> Any:
    found = [_view(np.atleast_2d, a) for a in arys]
    return found[0] if len(found) == 1 else found


def atleast_3d(*arys: Any) -> Any:
    found = [_view(np.atleast_3d, a) for a in arys]
    return found[0] if len(found) == 1 else found


def broadcast_to(array: Any, shape: Any) -> ndarray:
    if not isinstance(array, ndarray):
        raise TypeError(f"Unsupported type {type(array)}")
    shape = tuple(shape) if isinstance(shape, (tuple, list)) else (operator.index(shape),)
    view = np.broadcast_to(array._a, shape)
    return ndarray._view_of(array, np.lib.stride_tricks.as_strided(array._a, shape, view.strides))


def broadcast_arrays(*args: Any) -> list[ndarray]:
    shape = np.broadcast_shapes(*[_array(a).shape for a in args])
    return [broadcast_to(a, shape) for a in args]


def as_strided(x: Any, shape: Any = None, strides: Any = None) -> ndarray:
    _array(x)
    shape = x.shape if shape is None else tuple(shape)
    strides = x.strides if strides is None else tuple(strides)
    # Unlike CuPy: a view that leaves the allocation is refused when it is made.
    return ndarray._view_of(x, streams.array_at(x.data.ptr, shape, x.dtype, strides))


def sliding_window_view(
    x: Any, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False
) -> ndarray:
    return _view(lambda a: np.lib.stride_tricks.sliding_window_view(a, window_shape, axis), x)


def split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[ndarray]:
    return [ndarray._view_of(ary, part) for part in np.split(_array(ary)._a, indices_or_sections, axis)]


def array_split(ary: Any, indices_or_sections: Any, axis: int = 0) -> list[ndarray]:
    return [ndarray._view_of(ary, part) for part in np.array_split(_array(ary)._a, indices_or_sections, axis)]


def _joined(arrays: Any) -> list[ndarray]:
    found = [_array(a) for a in arrays]
    if len(found) > 8:
        # The addresses of that many arrays travel to the device.
        streams.refuse_copy()
    return unify(found)


def concatenate(tup: Any, axis: Any = 0, out: Any = None, *, dtype: Any = None, casting: str = "same_kind") -> ndarray:
    return compute(lambda *a: np.concatenate(a, axis, dtype=dtype, casting=casting), *_joined(tup), out=out)


concat = concatenate


def stack(tup: Any, axis: int = 0, out: Any = None, *, dtype: Any = None, casting: str = "same_kind") -> ndarray:
    return compute(lambda *a: np.stack(a, axis, dtype=dtype, casting=casting), *_joined(tup), out=out)


def vstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> ndarray:
    return compute(lambda *a: np.vstack(a, dtype=dtype, casting=casting), *_joined(tup))


def hstack(tup: Any, *, dtype: Any = None, casting: str = "same_kind") -> ndarray:
    return compute(lambda *a: np.hstack(a, dtype=dtype, casting=casting), *_joined(tup))


def pad(array: Any, pad_width: Any, mode: Any = "constant", **kwargs: Any) -> ndarray:
    return compute(lambda x: np.pad(x, pad_width, mode, **kwargs), _array(array))


def roll(a: Any, shift: Any, axis: Any = None) -> ndarray:
    return compute(lambda x, n: np.roll(x, n, axis), _array(a), shift)


def repeat(a: Any, repeats: Any, axis: Any = None) -> ndarray:
    if isinstance(repeats, ndarray):
        raise ValueError("cupy.ndarray cannot be specified as `repeats` argument.")
    counts = list(repeats) if isinstance(repeats, (list, tuple, np.ndarray)) else operator.index(repeats)
    return compute(lambda x: np.repeat(x, counts, axis), _array(a))


def tile(A: Any, reps: Any) -> ndarray:
    return compute(lambda x: np.tile(x, reps), _array(A))


def append(arr: Any, values: Any, axis: Any = None) -> ndarray:
    return concatenate((arr.ravel(), asarray(values).ravel()) if axis is None else (arr, asarray(values)), axis or 0)


# Indexing.


def take(a: Any, indices: Any, axis: Any = None, out: Any = None) -> ndarray:
    _array(a)
    if isinstance(indices, (list, tuple, np.ndarray)):
        indices = array(indices)
    elif not isinstance(indices, ndarray):
        indices = operator.index(indices)
    elif indices.dtype.kind == "b":
        indices = indices.astype(np.int64)
    return compute(lambda x, i: np.take(x, np.asarray(i).astype(np.int64), axis, mode="wrap"), a, indices, out=out)


def _along(x: np.ndarray, indices: np.ndarray, axis: int | None) -> np.ndarray:
    length = x.size if axis is None else x.shape[axis]
    return indices.astype(np.int64) % (length or 1)


def take_along_axis(a: Any, indices: Any, axis: int | None) -> ndarray:
    if indices.dtype.kind not in ("i", "u"):
        raise IndexError("`indices` must be an integer array")
    return compute(lambda x, i: np.take_along_axis(x, _along(x, i, axis), axis), _array(a), _array(indices))


def put_along_axis(arr: Any, indices: Any, values: Any, axis: int | None) -> None:
    core.mutate(
        lambda x, i, v: np.put_along_axis(x, _along(x, i, axis), np.asarray(v).astype(x.dtype), axis),
        _array(arr),
        _array(indices),
        values,
    )


def copyto(dst: Any, src: Any, casting: str = "same_kind", where: Any = None) -> None:
    given = {} if where is None else {"where": where}
    core.mutate(lambda x, v, **w: np.copyto(x, v, casting=casting, **w), _array(dst), as_operand(src), **given)


def putmask(a: Any, mask: Any, values: Any) -> None:
    core.mutate(np.putmask, _array(a), _array(mask), as_operand(values))


def fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    core.mutate(np.fill_diagonal, _array(a), as_operand(val), wrap)


def searchsorted(a: Any, v: Any, side: str = "left", sorter: Any = None) -> ndarray:
    if not isinstance(v, ndarray):
        if isinstance(v, np.ndarray):
            raise NotImplementedError("Only int or ndarray are supported for v")
        v = array(v)
    given = {} if sorter is None else {"sorter": _array(sorter)}
    return compute(lambda x, y, **s: np.searchsorted(x, y, side, **s), _array(a), v, **given)


def digitize(x: Any, bins: Any, right: bool = False) -> ndarray:
    refuse_reading()
    return compute(lambda a, b: np.digitize(a, b, right), _array(x), _array(bins))


def isin(element: Any, test_elements: Any, assume_unique: bool = False, invert: bool = False) -> ndarray:
    return compute(lambda a, b: np.isin(a, b, invert=invert), _array(element), _array(test_elements))


def in1d(ar1: Any, ar2: Any, assume_unique: bool = False, invert: bool = False) -> ndarray:
    return isin(ar1.ravel(), ar2, assume_unique, invert)


def nonzero(a: Any) -> tuple[ndarray, ...]:
    return _array(a).nonzero()


def flatnonzero(a: Any) -> ndarray:
    return nonzero(_array(a).ravel())[0]


def argwhere(a: Any) -> ndarray:
    refuse_reading()
    return compute(np.argwhere, _array(a))


def unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: Any = None,
    *,
    equal_nan: bool = True,
) -> Any:
    refuse_reading()
    return compute(
        lambda x: np.unique(x, return_index, return_inverse, return_counts, axis, equal_nan=equal_nan), _array(ar)
    )


def bincount(x: Any, weights: Any = None, minlength: int | None = None) -> ndarray:
    refuse_reading()
    given = {} if weights is None else {"weights": _array(weights)}
    return compute(lambda a, **w: np.bincount(a, minlength=minlength or 0, **w), _array(x), **given)


def histogram(x: Any, bins: Any = 10, range: Any = None, density: bool = False, weights: Any = None) -> Any:
    refuse_reading()
    given = {} if weights is None else {"weights": _array(weights)}
    return compute(lambda a, b, **w: np.histogram(a, b, range, density, **w), _array(x), bins, **given)


def extract(condition: Any, a: Any) -> ndarray:
    refuse_reading()
    return compute(np.extract, _array(condition), _array(a))


def compress(condition: Any, a: Any, axis: Any = None, out: Any = None) -> ndarray:
    refuse_reading()
    return compute(lambda c, x: np.compress(c, x, axis), _array(condition), _array(a), out=out)


def choose(a: Any, choices: Any, out: Any = None, mode: str = "raise") -> ndarray:
    if mode == "raise":
        refuse_reading()
    return compute(lambda i, c: np.choose(i, c, mode=mode), _array(a), list(choices), out=out)


def sort(a: Any, axis: int | None = -1, kind: Any = None) -> ndarray:
    core.check_kind(kind)
    return compute(lambda x: np.sort(x, axis, kind="stable"), _array(a))


def argsort(a: Any, axis: int | None = -1, kind: Any = None) -> ndarray:
    return _array(a).ravel().argsort(-1, kind) if axis is None else _array(a).argsort(axis, kind)


def partition(a: Any, kth: Any, axis: int | None = -1) -> ndarray:
    return compute(lambda x: np.partition(x, kth, axis), _array(a))


def argpartition(a: Any, kth: Any, axis: int | None = -1) -> ndarray:
    return compute(lambda x: np.argpartition(x, kth, axis), _array(a))


def lexsort(keys: Any) -> ndarray:
    return compute(np.lexsort, _array(keys))


def unravel_index(indices: Any, dims: Any, order: str = "C") -> tuple[ndarray, ...]:
    return compute(lambda i: np.unravel_index(i, dims, order), _array(indices))


# Products: cuBLAS.


def matmul(
    *args: Any,
    axes: Any = None,
    axis: Any = None,
    keepdims: bool = False,
    casting: str = "same_kind",
    dtype: Any = None,
    signature: Any = None,
    order: str = "K",
    out: Any = None,
) -> ndarray:
    if axes is not None or axis is not None or dtype is not None or signature is not None:
        raise NotImplementedError("the stand-in multiplies over the last two axes")
    return core.matmul(*args, out=out)


def _product(name: str, *args: Any, out: Any = None, **kwargs: Any) -> ndarray:
    streams.refuse_library("cuBLAS")
    operands = unify([_array(a) for a in args])
    half = operands[0].dtype in core.HALF

    def function(*values: Any) -> Any:
        if half:
            found = getattr(np, name)(*[v.astype(np.float32) for v in values], **kwargs)
            return np.asarray(found).astype(values[0].dtype)
        return getattr(np, name)(*values, **kwargs)

    return compute(function, *operands, out=out)


def dot(a: Any, b: Any, out: Any = None) -> ndarray:
    return _product("dot", a, b, out=out)


def vdot(a: Any, b: Any) -> ndarray:
    return _product("vdot", a, b)


def inner(a: Any, b: Any) -> ndarray:
    return _product("inner", a, b)


def tensordot(a: Any, b: Any, axes: Any = 2) -> ndarray:
    return _product("tensordot", a, b, axes=axes)


def outer(a: Any, b: Any, out: Any = None) -> ndarray:
    return UFUNCS["multiply"](_array(a).ravel()[:, None], _array(b).ravel()[None, :], out=out)


def kron(a: Any, b: Any) -> ndarray:
    return compute(np.kron, _array(a), _array(b))


def cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: Any = None) -> ndarray:
    return compute(lambda x, y: np.cross(x, y, axisa, axisb, axisc, axis), _array(a), _array(b))


def einsum(*operands: Any, **kwargs: Any) -> ndarray:
    arrays = [item for item in operands if isinstance(item, ndarray)]
    if len(arrays) > 1:
        streams.refuse_library("cuBLAS")
    dtype = kwargs.pop("dtype", None)
    dtypes = [np.dtype(a.dtype) for a in unify(arrays)]
    common = np.dtype(dtype) if dtype is not None else dtypes[0] if len(set(dtypes)) == 1 else np.result_type(*dtypes)
    wide = np.dtype(np.float32) if common in core.HALF else common

    def function(*values: Any) -> Any:
        values = tuple(v.astype(wide) if isinstance(v, np.ndarray) else v for v in values)
        return np.asarray(np.einsum(*values, **kwargs)).astype(common)

    return compute(function, *operands)


# Types.


def result_type(*arrays_and_dtypes: Any) -> np.dtype[Any]:
    return np.result_type(*[item.dtype if isinstance(item, ndarray) else item for item in arrays_and_dtypes])


def promote_types(type1: Any, type2: Any, /) -> np.dtype[Any]:
    return np.promote_types(type1, type2)


def can_cast(from_: Any, to: Any, casting: str = "safe") -> bool:
    return np.can_cast(from_.dtype if isinstance(from_, ndarray) else from_, to, casting)


def finfo(dtype: Any) -> Any:
    if BFLOAT16 is not None and np.dtype(dtype) == BFLOAT16:
        return core.ml_dtypes.finfo(dtype)
    return np.finfo(dtype)


def iinfo(int_type: Any) -> Any:
    return np.iinfo(int_type)


def shape(a: Any) -> tuple[int, ...]:
    return a.shape if isinstance(a, ndarray) else np.shape(a)


def ndim(a: Any) -> int:
    return a.ndim if isinstance(a, ndarray) else np.ndim(a)


def size(a: Any, axis: int | None = None) -> int:
    return _array(a).size if axis is None else a.shape[axis]


def isscalar(element: Any) -> bool:
    return np.isscalar(element)


def get_array_module(*args: Any) -> Any:
    import sys

    import tests.emulator.standin as here

    return sys.modules.get("cupy", here) if builtins.any(isinstance(a, ndarray) for a in args) else np


def shares_memory(a: Any, b: Any, max_work: Any = None) -> bool:
    return np.shares_memory(_array(a)._a, _array(b)._a)


def may_share_memory(a: Any, b: Any, max_work: Any = None) -> bool:
    return np.may_share_memory(_array(a)._a, _array(b)._a)


def is_available() -> bool:
    from .cuda import is_available

    return is_available()


def get_default_memory_pool() -> memory.MemoryPool:
    return memory.get_default_memory_pool()


def get_default_pinned_memory_pool() -> memory.PinnedMemoryPool:
    return memory.get_default_pinned_memory_pool()
