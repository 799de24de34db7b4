"""The array: CuPy's `ndarray` over NumPy views of emulated device memory."""

from __future__ import annotations

import math
import operator
import pickle
from collections.abc import Callable
from typing import Any

import numpy as np

from . import memory, streams, work_log

try:
    import ml_dtypes

    BFLOAT16: Any = np.dtype(ml_dtypes.bfloat16)
except ImportError:
    BFLOAT16 = None

HALF = (np.dtype(np.float16), BFLOAT16)
_NUMBERS = (bool, int, float, complex)
_KINDS = "?bhilqBHILQefdFD"


def checked_dtype(dtype: Any) -> np.dtype[Any]:
    """The dtype, if CuPy has it."""
    dtype = np.dtype(dtype)
    if dtype != BFLOAT16 and dtype.char not in _KINDS:
        raise ValueError(f"Unsupported dtype {dtype}")
    return dtype


class _Slot:
    """The place of an array among the arguments of a call."""

    __slots__ = ("index",)

    def __init__(self, index: int) -> None:
        self.index = index


def _spec(value: Any, arrays: list[ndarray]) -> Any:
    if isinstance(value, ndarray):
        arrays.append(value)
        return _Slot(len(arrays) - 1)
    if isinstance(value, np.ndarray):
        raise TypeError(f"Unsupported type {type(value)}")
    if type(value) in (tuple, list):
        return type(value)(_spec(item, arrays) for item in value)
    if type(value) is dict:
        return {key: _spec(item, arrays) for key, item in value.items()}
    return value


def _filled(spec: Any, views: Any) -> Any:
    if type(spec) is _Slot:
        return views[spec.index]
    if type(spec) in (tuple, list):
        return type(spec)(_filled(item, views) for item in spec)
    if type(spec) is dict:
        return {key: _filled(item, views) for key, item in spec.items()}
    return spec


def compute(
    function: Callable[..., Any], *args: Any, out: Any = None, casting: str = "same_kind", **kwargs: Any
) -> Any:
    """Call a function of NumPy on device arrays: its results are new device arrays, or go to `out`."""
    arrays: list[ndarray] = []
    spec = _spec((args, kwargs), arrays)

    def run(views: Any) -> Any:
        positional, named = _filled(spec, views)
        with np.errstate(all="ignore"):
            return function(*positional, **named)

    capture = streams.current_capture()
    given = [a for a in (out if isinstance(out, (tuple, list)) else [out]) if isinstance(a, ndarray)]
    if capture is None:
        streams.issue(lambda *_: None, [a._pair() for a in (*arrays, *given)])
    else:
        streams._check_capture(capture)
    found = run([a._a for a in arrays])
    many = isinstance(found, (tuple, list))
    results = [np.asarray(item) for item in (found if many else (found,))]
    outs = list(out) if isinstance(out, (tuple, list)) else [out] * len(results)
    targets = []
    for result, target in zip(results, outs):
        if target is None:
            checked_dtype(result.dtype)
            order = "F" if result.flags.f_contiguous and not result.flags.c_contiguous else "C"
            target = ndarray(result.shape, result.dtype, order=order)
            if capture is None:
                target._a[...] = result
        else:
            if not isinstance(target, ndarray):
                raise TypeError(f"return arrays must be of cupy.ndarray type. Received: {type(target)}")
            if target.shape != result.shape:
                raise ValueError("Out shape is mismatched")
            if not np.can_cast(result.dtype, target.dtype, casting):
                raise TypeError(f"output (typecode {result.dtype.char!r}) could not be coerced to {target.dtype}")
            if capture is None:
                with np.errstate(all="ignore"):
                    target._a[...] = result
        targets.append(target)
    if capture is not None:
        count = len(arrays)

        def step(*views: Any) -> None:
            again = run(views[:count])
            with np.errstate(all="ignore"):
                for view, result in zip(views[count:], again if many else (again,)):
                    view[...] = result

        streams.issue(step, [a._pair() for a in (*arrays, *targets)])
    return type(found)(targets) if many and type(found) in (tuple, list) else (tuple(targets) if many else targets[0])


def mutate(function: Callable[..., Any], target: ndarray, *args: Any, **kwargs: Any) -> None:
    """Call a function which writes to its first argument."""
    arrays: list[ndarray] = [target]
    spec = _spec((args, kwargs), arrays)

    def step(*views: Any) -> None:
        positional, named = _filled(spec, views)
        with np.errstate(all="ignore"):
            function(views[0], *positional, **named)

    streams.issue(step, [a._pair() for a in arrays])


def as_operand(value: Any) -> Any:
    """An operand of a ufunc as CuPy accepts it: a device array, a Python number or a NumPy scalar."""
    if isinstance(value, (ndarray, np.generic, *_NUMBERS)):
        return value
    raise TypeError(f"Unsupported type {type(value)}")


def unify(operands: list[Any]) -> list[Any]:
    """CuPy's promotion where NumPy has none or another one: bfloat16 with Python numbers and with float16."""
    dtypes = [value.dtype for value in operands if isinstance(value, (ndarray, np.generic))]
    if BFLOAT16 is None or BFLOAT16 not in dtypes:
        return operands
    others = [dtype for dtype in dtypes if dtype != BFLOAT16]
    wide = None
    if any(dtype.kind in "iu" and dtype.itemsize > 1 for dtype in others):
        wide = np.dtype(np.float64 if any(d.itemsize > 2 for d in others if d.kind in "iu") else np.float32)
    elif np.dtype(np.float16) in others:
        wide = np.dtype(np.float32)
    if any(dtype.kind in "fc" and dtype.itemsize >= 4 for dtype in others):
        rest = np.result_type(*others)
        wide = rest if wide is None else np.promote_types(rest, wide)
    common = BFLOAT16 if wide is None else wide
    result = []
    for value in operands:
        if isinstance(value, (bool, np.bool_)) or (isinstance(value, ndarray) and value.dtype.kind == "b"):
            result.append(value)
        elif isinstance(value, (int, float)) and not isinstance(value, np.generic):
            result.append(common.type(value))
        elif wide is not None and isinstance(value, (ndarray, np.generic)) and value.dtype != wide:
            result.append(value.astype(wide))
        else:
            result.append(value)
    return result


def _power(x: Any, y: Any, **kwargs: Any) -> Any:
    # NumPy refuses negative integer exponents; a device cannot.
    dtype = np.result_type(x, y)
    if dtype.kind == "i" and np.any(np.less(y, 0)):
        x, y = np.broadcast_arrays(np.asarray(x, dtype), np.asarray(y, dtype))
        inverse = np.where(x == 1, 1, np.where(x == -1, np.where(y % 2, -1, 1), 0))
        return np.where(y < 0, inverse, np.power(x, np.maximum(y, 0))).astype(dtype)
    return np.power(x, y, **kwargs)


class ufunc:
    """A ufunc of CuPy: elementwise, without methods but `reduce` and its kin for a few."""

    def __init__(self, name: str, numpy_function: Callable[..., Any], nin: int, nout: int = 1) -> None:
        self.name = self.__name__ = f"cupy_{name}"
        self._function = numpy_function
        self.nin, self.nout, self.nargs = nin, nout, nin + nout

    def __repr__(self) -> str:
        return f"<ufunc '{self.name}'>"

    def __call__(
        self, *args: Any, out: Any = None, dtype: Any = None, casting: str = "same_kind", **kwargs: Any
    ) -> Any:
        if kwargs:
            raise TypeError(f"Wrong arguments {kwargs}")
        if len(args) > self.nin:
            if out is not None:
                raise ValueError("Cannot specify 'out' as both a positional and keyword argument")
            args, out = args[: self.nin], args[self.nin :] if self.nout > 1 else args[self.nin]
        if len(args) != self.nin:
            raise TypeError(f"Wrong number of arguments for {self.name}")
        if isinstance(out, tuple) and self.nout == 1:
            (out,) = out
        operands = unify([as_operand(value) for value in args])
        if dtype is not None:
            checked_dtype(dtype)
            if np.dtype(dtype) == BFLOAT16:
                operands = [
                    value.astype(dtype) if hasattr(value, "astype") else BFLOAT16.type(value) for value in operands
                ]
            else:
                kwargs["dtype"] = dtype
        return compute(self._function, *operands, out=out, casting=casting, **kwargs)

    def reduce(self, array: Any, axis: Any = 0, dtype: Any = None, out: Any = None, keepdims: bool = False) -> Any:
        return self._method("reduce")(array, axis=axis, dtype=dtype, out=out, keepdims=keepdims)

    def accumulate(self, array: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
        return self._method("accumulate")(array, axis=axis, dtype=dtype, out=out)

    def outer(self, A: Any, B: Any, **kwargs: Any) -> Any:
        a, b = A.reshape(A.shape + (1,) * B.ndim), B
        return self(a, b, **kwargs)

    def at(self, a: Any, indices: Any, b: Any = None) -> None:
        kinds = {"cupy_add": "add", "cupy_maximum": "max", "cupy_minimum": "min"}
        if self.name not in kinds:
            raise NotImplementedError(f"`{self.name}.at` is not supported yet")
        scatter(a, indices, b, kinds[self.name])

    def _method(self, name: str) -> Callable[..., Any]:
        known = {
            "reduce": {"cupy_add": "sum", "cupy_multiply": "prod", "cupy_maximum": "max", "cupy_minimum": "min"},
            "accumulate": {"cupy_add": "cumsum", "cupy_multiply": "cumprod"},
        }[name]
        if self.name not in known:
            raise NotImplementedError(f"`{self.name}.{name}` is not supported yet")
        kind = known[self.name]
        if kind in ("max", "min"):

            def extreme(array: Any, dtype: Any = None, **kwargs: Any) -> Any:
                return reduction(kind, array, **kwargs)

            return extreme
        return lambda array, **kwargs: reduction(kind, array, **kwargs)


def _binary(name: str) -> Callable[[Any, Any], Any]:
    def method(self: ndarray, other: Any) -> Any:
        if _defers(other):
            return NotImplemented
        return UFUNCS[name](self, other)

    return method


def _reflected(name: str) -> Callable[[Any, Any], Any]:
    def method(self: ndarray, other: Any) -> Any:
        if _defers(other):
            return NotImplemented
        return UFUNCS[name](other, self)

    return method


def _in_place(name: str) -> Callable[[Any, Any], Any]:
    def method(self: ndarray, other: Any) -> Any:
        if _defers(other):
            return NotImplemented
        UFUNCS[name](self, other, out=self)
        return self

    return method


def _defers(other: Any) -> bool:
    if isinstance(other, (ndarray, np.ndarray, np.generic, *_NUMBERS)):
        return False
    return hasattr(other, "__array_ufunc__") or getattr(other, "__array_priority__", 0) > ndarray.__array_priority__


class Flags:
    def __init__(self, c_contiguous: bool, f_contiguous: bool, owndata: bool) -> None:
        self.c_contiguous, self.f_contiguous, self.owndata = c_contiguous, f_contiguous, owndata
        self.fnc = f_contiguous and not c_contiguous
        self.forc = f_contiguous or c_contiguous

    def __getitem__(self, name: str) -> bool:
        names = {"C": "c_contiguous", "F": "f_contiguous", "O": "owndata"}
        if name in names:
            return getattr(self, names[name])
        if name.lower() in names.values():
            return getattr(self, name.lower())
        raise KeyError(f"{name} is not defined for cupy.ndarray.flags")

    def __repr__(self) -> str:
        return "\n".join(
            f"  {name.upper()} : {getattr(self, name)}" for name in ("c_contiguous", "f_contiguous", "owndata")
        )


class ndarray:
    """CuPy's array. `_a` is a NumPy view of the memory that `_memory` keeps alive."""

    __array_priority__ = 100
    __slots__ = ("__weakref__", "_a", "_memory", "base")

    def __init__(
        self, shape: Any, dtype: Any = float, memptr: Any = None, strides: Any = None, order: str = "C"
    ) -> None:
        shape = (
            tuple(operator.index(n) for n in shape) if isinstance(shape, (tuple, list)) else (operator.index(shape),)
        )
        if any(n < 0 for n in shape):
            raise ValueError("Negative dimensions are not allowed")
        dtype = checked_dtype(dtype)
        if order not in ("C", "F", None):
            raise ValueError(f"order not understood. order={order}")
        size = math.prod(shape) * dtype.itemsize
        if strides is not None and memptr is None:
            raise ValueError("memptr must be given if strides are specified")
        if memptr is None:
            memptr = memory.alloc(size)
        self._memory = memptr.mem
        self.base = None
        if 0 in shape:
            self._a = np.empty(shape, dtype, order or "C")
        else:
            self._a = np.ndarray(
                shape, dtype, memptr.mem.block.payload, memptr.ptr - memptr.mem.block.ptr, strides, order or "C"
            )

    @classmethod
    def _view_of(cls, source: ndarray, view: np.ndarray) -> ndarray:
        self = object.__new__(cls)
        self._memory = source._memory
        self._a = view
        self.base = source if source.base is None else source.base
        return self

    def _pair(self) -> tuple[Any, np.ndarray]:
        return self._memory, self._a

    # What it is.

    @property
    def shape(self) -> tuple[int, ...]:
        return self._a.shape

    @shape.setter
    def shape(self, shape: Any) -> None:
        self._a = np.reshape(self._a, shape, copy=False)

    @property
    def strides(self) -> tuple[int, ...]:
        return self._a.strides

    @property
    def dtype(self) -> np.dtype[Any]:
        return self._a.dtype

    @property
    def ndim(self) -> int:
        return self._a.ndim

    @property
    def size(self) -> int:
        return self._a.size

    @property
    def nbytes(self) -> int:
        return self._a.nbytes

    @property
    def itemsize(self) -> int:
        return self._a.itemsize

    @property
    def flags(self) -> Flags:
        flags = self._a.flags
        return Flags(flags.c_contiguous, flags.f_contiguous, self.base is None)

    @property
    def data(self) -> memory.MemoryPointer:
        offset = self._a.__array_interface__["data"][0] - self._memory.ptr if self._a.size else 0
        return memory.MemoryPointer(self._memory, offset)

    @property
    def device(self) -> Any:
        from .device import Device

        return Device(0)

    @property
    def T(self) -> ndarray:  # noqa: N802
        return ndarray._view_of(self, self._a.T)

    @property
    def mT(self) -> ndarray:  # noqa: N802
        return ndarray._view_of(self, self._a.mT)

    @property
    def real(self) -> ndarray:
        return ndarray._view_of(self, self._a.real) if self.dtype.kind == "c" else self

    @property
    def imag(self) -> ndarray:
        if self.dtype.kind == "c":
            return ndarray._view_of(self, self._a.imag)
        return compute(np.zeros_like, self)

    @property
    def cstruct(self) -> Any:
        raise NotImplementedError("the stand-in passes arrays to kernels as pointers only")

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        if self.dtype == BFLOAT16:
            kind = "<V2"
        else:
            kind = self.dtype.str
        return {
            "shape": self.shape,
            "typestr": kind,
            "descr": [("", kind)],
            "stream": 1,
            "version": 3,
            "strides": None if self.flags.c_contiguous else self.strides,
            "data": (self.data.ptr, False),
        }

    def __array__(self, dtype: Any = None, copy: Any = None) -> np.ndarray:
        raise TypeError(
            "Implicit conversion to a NumPy array is not allowed. "
            "Please use `.get()` to construct a NumPy array explicitly."
        )

    def __array_ufunc__(self, function: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        known = UFUNCS.get(function.__name__)
        if known is None or "where" in kwargs:
            return NotImplemented
        out = kwargs.pop("out", None)
        if out is not None:
            kwargs["out"] = out[0] if len(out) == 1 else out
        if method == "__call__":
            return known(*inputs, **kwargs)
        if method in ("reduce", "accumulate", "at", "outer"):
            return getattr(known, method)(*inputs, **kwargs)
        return NotImplemented

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        if any(not issubclass(kind, ndarray) for kind in types):
            return NotImplemented
        from . import functions, linalg

        module = linalg if function.__module__ == "numpy.linalg" else functions
        known = getattr(module, function.__name__, None)
        return NotImplemented if known is None else known(*args, **kwargs)

    # To the host.

    def get(self, stream: Any = None, order: str = "C", out: Any = None, blocking: bool = True) -> np.ndarray:
        streams.refuse_copy(stream)
        if out is not None:
            if not isinstance(out, np.ndarray):
                raise TypeError("Only numpy.ndarray can be obtained from cupy.ndarray")
            if out.dtype != self.dtype:
                raise TypeError(f"{out.dtype} array cannot be obtained from {self.dtype} array")
            if out.shape != self.shape:
                raise ValueError(f"Shape mismatch. Expected shape: {self.shape}, actual shape: {out.shape}")
        found: list[np.ndarray] = []
        streams.issue(lambda view: found.append(view.copy(order)), [self._pair()], stream, "device_to_host")
        if blocking:
            work_log.count("synchronizations")
        if out is None:
            return found[0]
        out[...] = found[0]
        return out

    def set(self, arr: Any, stream: Any = None) -> None:
        if not isinstance(arr, np.ndarray):
            raise TypeError("Only numpy.ndarray can be set to cupy.ndarray")
        if self.dtype != arr.dtype:
            raise TypeError(f"{arr.dtype} array cannot be set to {self.dtype} array")
        if self.shape != arr.shape:
            raise ValueError(f"Shape mismatch. Old shape: {self.shape}, new shape: {arr.shape}")
        if not (self.flags.c_contiguous or self.flags.f_contiguous):
            raise RuntimeError("Cannot set to non-contiguous array")
        streams.refuse_copy(stream)

        def step(view: np.ndarray) -> None:
            view[...] = arr

        streams.issue(step, [self._pair()], stream, "host_to_device")

    def item(self) -> Any:
        if self.size != 1:
            raise ValueError("can only convert an array of size 1 to a Python scalar")
        return self.get().item()

    def tolist(self) -> Any:
        return self.get().tolist()

    def tobytes(self, order: str = "C") -> bytes:
        return self.get().tobytes(order)

    def __bool__(self) -> bool:
        if self.size == 0:
            raise ValueError("The truth value of an empty array is ambiguous.")
        if self.size != 1:
            raise ValueError(
                "The truth value of an array with more than one element is ambiguous. Use a.any() or a.all()"
            )
        return bool(self.get())

    def __int__(self) -> int:
        return int(self.get().item() if self.size == 1 else self.get())

    def __float__(self) -> float:
        return float(self.get().item() if self.size == 1 else self.get())

    def __complex__(self) -> complex:
        return complex(self.get().item() if self.size == 1 else self.get())

    def __repr__(self) -> str:
        return repr(self.get())

    def __str__(self) -> str:
        return str(self.get())

    def __format__(self, spec: str) -> str:
        return format(self.get(), spec)

    def __reduce__(self) -> Any:
        from . import functions

        return functions.array, (self.get(),)

    def dump(self, file: Any) -> None:
        pickle.dump(self, file)

    def dumps(self) -> bytes:
        return pickle.dumps(self)

    def __dlpack__(
        self, *, stream: Any = None, max_version: Any = None, dl_device: Any = None, copy: Any = None
    ) -> Any:
        # The capsule of host memory: libraries of the tests read it like a device's.
        return self._a.__dlpack__()

    def __dlpack_device__(self) -> tuple[int, int]:
        return 2, 0

    def toDlpack(self) -> Any:  # noqa: N802
        return self.__dlpack__()

    # Views and copies.

    def __len__(self) -> int:
        if not self.ndim:
            raise TypeError("len() of unsized object")
        return self.shape[0]

    def __iter__(self) -> Any:
        if not self.ndim:
            raise TypeError("iteration over a 0-d array")
        return (self[i] for i in range(len(self)))

    __hash__ = None  # type: ignore[assignment]

    def __copy__(self) -> ndarray:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> ndarray:
        return self.copy()

    def view(self, dtype: Any = None, type: Any = None) -> ndarray:
        return ndarray._view_of(self, self._a.view() if dtype is None else self._a.view(checked_dtype(dtype)))

    def copy(self, order: str = "C") -> ndarray:
        return compute(lambda x: np.array(x, order=order), self)

    def astype(
        self, dtype: Any, order: str = "K", casting: Any = None, subok: Any = None, copy: bool = True
    ) -> ndarray:
        if subok is not None:
            raise TypeError("subok is not supported yet")
        dtype = checked_dtype(dtype)
        if casting is not None and not np.can_cast(self.dtype, dtype, casting):
            raise TypeError(
                f"Cannot cast array data from {self.dtype!r} to {dtype!r} according to the rule '{casting}'"
            )
        fits = order == "K" or (order == "A" and self.flags.forc) or (order in "CF" and self.flags[order])
        if not copy and dtype == self.dtype and fits:
            return self
        if self.dtype.kind == "c" and dtype.kind not in "cb":
            return self.real.astype(dtype, order)
        return compute(lambda x: x.astype(dtype, order=order), self)

    def reshape(self, *shape: Any, order: str = "C", copy: bool | None = None) -> ndarray:
        if len(shape) == 1 and not isinstance(shape[0], (int, np.integer)):
            shape = tuple(shape[0])
        if copy is not True:
            try:
                return ndarray._view_of(self, np.reshape(self._a, shape, order=order, copy=False))
            except ValueError:
                if copy is False:
                    raise
        return compute(lambda x: x.reshape(shape, order=order), self)

    def ravel(self, order: str = "C") -> ndarray:
        return self.reshape(-1, order="C" if order == "K" else order)

    def flatten(self, order: str = "C") -> ndarray:
        return compute(lambda x: x.flatten(order), self)

    def transpose(self, *axes: Any) -> ndarray:
        return ndarray._view_of(self, self._a.transpose(*axes))

    def swapaxes(self, axis1: int, axis2: int) -> ndarray:
        return ndarray._view_of(self, self._a.swapaxes(axis1, axis2))

    def squeeze(self, axis: Any = None) -> ndarray:
        return ndarray._view_of(self, self._a.squeeze(axis))

    def diagonal(self, offset: int = 0, axis1: int = 0, axis2: int = 1) -> ndarray:
        view = self._a.diagonal(offset, axis1, axis2)
        return (
            ndarray._view_of(
                self,
                np.lib.stride_tricks.as_strided(self._diagonal_start(offset, axis1, axis2), view.shape, view.strides),
            )
            if view.size
            else ndarray._view_of(self, view)
        )

    def _diagonal_start(self, offset: int, axis1: int, axis2: int) -> np.ndarray:
        index: list[Any] = [slice(None)] * self.ndim
        index[axis1] = slice(max(0, -offset), None)
        index[axis2] = slice(max(0, offset), None)
        return self._a[tuple(index)]

    @property
    def flat(self) -> Any:
        return self.ravel()

    def reduced_view(self, dtype: Any = None) -> ndarray:
        return self.view(dtype)

    def __getitem__(self, index: Any) -> ndarray:
        index, advanced = _index(self, index)
        if not advanced:
            # Ellipsis keeps NumPy from making a scalar of an element.
            return ndarray._view_of(self, self._a[(*index, ...) if not any(i is ... for i in index) else index])
        return compute(_get, self, index)

    def __setitem__(self, index: Any, value: Any) -> None:
        index, advanced = _index(self, index)
        if not isinstance(value, ndarray):
            if isinstance(value, np.ndarray) and not advanced:
                if value.shape != ():
                    raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
                value = value.item()
            elif advanced:
                from . import functions

                value = functions.array(value, dtype=self.dtype)
            else:
                as_operand(value)
        if not advanced:
            # In a capture too, what cannot fit is refused at once.
            part = self._a[index]
            if isinstance(value, ndarray):
                if value.ndim > part.ndim:
                    value = value.reshape(value.shape[value.ndim - part.ndim :])
                np.broadcast_to(value._a, part.shape)
        mutate(_set, self, index, value)

    def fill(self, value: Any) -> None:
        if isinstance(value, np.ndarray):
            if value.shape != ():
                raise ValueError("non-scalar numpy.ndarray cannot be used for fill")
            value = value.item()
        if isinstance(value, ndarray):
            if value.shape != ():
                raise ValueError("non-scalar cupy.ndarray cannot be used for fill")
        else:
            as_operand(value)
        mutate(lambda x, v: np.copyto(x, np.asarray(v).astype(x.dtype)), self, value)

    def scatter_add(self, slices: Any, value: Any) -> None:
        scatter(self, slices, value, "add")

    def scatter_max(self, slices: Any, value: Any) -> None:
        scatter(self, slices, value, "max")

    def scatter_min(self, slices: Any, value: Any) -> None:
        scatter(self, slices, value, "min")

    # Reductions and the like.

    def sum(self, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> ndarray:
        return reduction("sum", self, axis=axis, dtype=dtype, out=out, keepdims=keepdims)

    def prod(self, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> ndarray:
        return reduction("prod", self, axis=axis, dtype=dtype, out=out, keepdims=keepdims)

    def mean(self, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: bool = False) -> ndarray:
        return reduction("mean", self, axis=axis, dtype=dtype, out=out, keepdims=keepdims)

    def var(
        self, axis: Any = None, dtype: Any = None, out: Any = None, ddof: int = 0, keepdims: bool = False
    ) -> ndarray:
        return reduction("var", self, axis=axis, dtype=dtype, out=out, ddof=ddof, keepdims=keepdims)

    def std(
        self, axis: Any = None, dtype: Any = None, out: Any = None, ddof: int = 0, keepdims: bool = False
    ) -> ndarray:
        return reduction("std", self, axis=axis, dtype=dtype, out=out, ddof=ddof, keepdims=keepdims)

    def max(self, axis: Any = None, out: Any = None, keepdims: bool = False) -> ndarray:
        return reduction("max", self, axis=axis, out=out, keepdims=keepdims)

    def min(self, axis: Any = None, out: Any = None, keepdims: bool = False) -> ndarray:
        return reduction("min", self, axis=axis, out=out, keepdims=keepdims)

    def ptp(self, axis: Any = None, out: Any = None, keepdims: bool = False) -> ndarray:
        return reduction("ptp", self, axis=axis, out=out, keepdims=keepdims)

    def all(self, axis: Any = None, out: Any = None, keepdims: bool = False) -> ndarray:
        return reduction("all", self, axis=axis, out=out, keepdims=keepdims)

    def any(self, axis: Any = None, out: Any = None, keepdims: bool = False) -> ndarray:
        return reduction("any", self, axis=axis, out=out, keepdims=keepdims)

    def argmax(self, axis: Any = None, out: Any = None, dtype: Any = None, keepdims: bool = False) -> ndarray:
        return _typed(reduction("argmax", self, axis=axis, out=out, keepdims=keepdims), dtype)

    def argmin(self, axis: Any = None, out: Any = None, dtype: Any = None, keepdims: bool = False) -> ndarray:
        return _typed(reduction("argmin", self, axis=axis, out=out, keepdims=keepdims), dtype)

    def cumsum(self, axis: Any = None, dtype: Any = None, out: Any = None) -> ndarray:
        return reduction("cumsum", self, axis=axis, dtype=dtype, out=out)

    def cumprod(self, axis: Any = None, dtype: Any = None, out: Any = None) -> ndarray:
        return reduction("cumprod", self, axis=axis, dtype=dtype, out=out)

    def take(self, indices: Any, axis: Any = None, out: Any = None) -> ndarray:
        from . import functions

        return functions.take(self, indices, axis, out)

    def repeat(self, repeats: Any, axis: Any = None) -> ndarray:
        from . import functions

        return functions.repeat(self, repeats, axis)

    def clip(self, min: Any = None, max: Any = None, out: Any = None) -> ndarray:
        from . import functions

        return functions.clip(self, min, max, out)

    def round(self, decimals: int = 0, out: Any = None) -> ndarray:
        return compute(np.round, self, decimals, out=out)

    def conj(self) -> ndarray:
        return UFUNCS["conjugate"](self) if self.dtype.kind == "c" else self

    conjugate = conj

    def trace(self, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None) -> ndarray:
        return self.diagonal(offset, axis1, axis2).sum(-1, dtype=dtype, out=out)

    def sort(self, axis: int = -1, kind: Any = None) -> None:
        check_kind(kind)
        mutate(lambda x: x.sort(axis, kind="stable"), self)

    def argsort(self, axis: int = -1, kind: Any = None) -> ndarray:
        check_kind(kind)
        return compute(lambda x: np.argsort(x, axis, kind="stable"), self)

    def partition(self, kth: Any, axis: int = -1) -> None:
        mutate(lambda x: x.partition(kth, axis), self)

    def argpartition(self, kth: Any, axis: int = -1) -> ndarray:
        return compute(lambda x: np.argpartition(x, kth, axis), self)

    def searchsorted(self, v: Any, side: str = "left", sorter: Any = None) -> ndarray:
        from . import functions

        return functions.searchsorted(self, v, side, sorter)

    def nonzero(self) -> tuple[ndarray, ...]:
        refuse_reading()
        return compute(np.nonzero, self)

    def dot(self, b: Any, out: Any = None) -> ndarray:
        streams.refuse_library("cuBLAS")
        return compute(np.dot, self, b, out=out)

    def __matmul__(self, other: Any) -> Any:
        return NotImplemented if _defers(other) else matmul(self, other)

    def __rmatmul__(self, other: Any) -> Any:
        return NotImplemented if _defers(other) else matmul(other, self)

    def __neg__(self) -> ndarray:
        return UFUNCS["negative"](self)

    def __pos__(self) -> ndarray:
        return UFUNCS["positive"](self)

    def __abs__(self) -> ndarray:
        return UFUNCS["absolute"](self)

    def __invert__(self) -> ndarray:
        return UFUNCS["invert"](self)

    def __pow__(self, other: Any, modulo: Any = None) -> Any:
        return NotImplemented if _defers(other) else UFUNCS["power"](self, other)

    def __divmod__(self, other: Any) -> Any:
        return UFUNCS["divmod"](self, other)

    __rpow__ = _reflected("power")
    __ipow__ = _in_place("power")
    for _name, _function in {
        "add": "add",
        "sub": "subtract",
        "mul": "multiply",
        "truediv": "true_divide",
        "floordiv": "floor_divide",
        "mod": "remainder",
        "and": "bitwise_and",
        "or": "bitwise_or",
        "xor": "bitwise_xor",
        "lshift": "left_shift",
        "rshift": "right_shift",
    }.items():
        locals()[f"__{_name}__"] = _binary(_function)
        locals()[f"__r{_name}__"] = _reflected(_function)
        locals()[f"__i{_name}__"] = _in_place(_function)
    for _name, _function in {
        "lt": "less",
        "le": "less_equal",
        "gt": "greater",
        "ge": "greater_equal",
        "eq": "equal",
        "ne": "not_equal",
    }.items():
        locals()[f"__{_name}__"] = _binary(_function)
    del _name, _function


def refuse_reading() -> None:
    """Refuse in a capture what has a result whose shape depends on values."""
    streams.refuse_copy()


def check_kind(kind: Any) -> None:
    """CuPy sorts in one way only."""
    if kind is not None and kind != "stable":
        raise ValueError("kind can only be None or 'stable'")


def _typed(array: ndarray, dtype: Any) -> ndarray:
    return array if dtype is None else array.astype(dtype, copy=False)


def _index(array: ndarray, index: Any) -> tuple[tuple[Any, ...], bool]:
    """An index as a tuple of what NumPy knows and device arrays; whether it has arrays in it."""
    parts = list(index) if isinstance(index, tuple) else [index]
    advanced = False
    result: list[Any] = []
    for part in parts:
        if isinstance(part, (list, np.ndarray, bool, np.bool_)):
            from . import functions

            part = functions.array(part if not isinstance(part, list) or part else np.empty(0, np.int64))
        if isinstance(part, ndarray):
            if part.dtype.kind == "b":
                refuse_reading()
            elif part.dtype.kind not in "iu":
                raise IndexError(f"arrays used as indices must be of integer or boolean type. (actual: {part.dtype})")
            advanced = True
        elif not (part is None or part is ... or isinstance(part, slice)):
            try:
                part = operator.index(part)
            except TypeError:
                raise IndexError(
                    "only integers, slices (`:`), ellipsis (`...`), numpy.newaxis (`None`) and integer or boolean "
                    f"arrays are valid indices. Received: {type(part)}"
                ) from None
        result.append(part)
    return tuple(result), advanced


def _wrapped(shape: tuple[int, ...], index: tuple[Any, ...]) -> tuple[Any, ...]:
    # On a device, an index beyond an axis wraps around.
    taken = sum(
        part.ndim if isinstance(part, np.ndarray) and part.dtype.kind == "b" else 1
        for part in index
        if part is not None and part is not ...
    )
    axis, result = 0, []
    for part in index:
        if part is None:
            result.append(part)
        elif part is ...:
            axis += len(shape) - taken
            result.append(part)
        elif isinstance(part, np.ndarray) and part.dtype.kind == "b":
            axis += part.ndim
            result.append(part)
        elif isinstance(part, np.ndarray):
            length = shape[axis]
            if not length and part.size:
                raise IndexError("index is out of bounds for an axis of size 0")
            # CuPy's indices are 64-bit and signed, so that the remainder is right for unsigned ones too.
            result.append(part.astype(np.int64) % max(1, length))
            axis += 1
        else:
            result.append(part)
            axis += 1
    return tuple(result)


def _get(x: np.ndarray, index: tuple[Any, ...]) -> Any:
    return x[_wrapped(x.shape, index)]


def _set(x: np.ndarray, index: tuple[Any, ...], value: Any) -> None:
    value = np.asarray(value)
    if value.dtype.kind == "c" and x.dtype.kind != "c":
        value = value.real
    x[_wrapped(x.shape, index)] = value.astype(x.dtype)


_SCATTER = {"add": np.add, "max": np.maximum, "min": np.minimum}


def scatter(a: ndarray, slices: Any, value: Any, kind: str) -> None:
    """`a[slices] += value`, counting indices that come twice."""
    index, _ = _index(a, slices)
    if not isinstance(value, ndarray):
        if isinstance(value, (np.ndarray, list)) or any(isinstance(part, ndarray) for part in index):
            from . import functions

            value = functions.array(value, dtype=a.dtype)
        else:
            as_operand(value)
    if a.dtype.kind == "i" and a.dtype.itemsize not in (4, 8):
        raise TypeError(f"cupyx.scatter_{kind} does not support dtype {a.dtype}")

    def step(x: np.ndarray, part: Any, values: Any) -> None:
        _SCATTER[kind].at(x, _wrapped(x.shape, part), np.asarray(values).astype(x.dtype))

    mutate(step, a, index, value)


def _widened(name: str, x: np.ndarray, **kwargs: Any) -> Any:
    """A reduction of half precision accumulates in float32."""
    dtype = kwargs.pop("dtype", None)
    function = getattr(np, name)
    target = np.dtype(dtype) if dtype is not None else x.dtype
    if name in ("sum", "prod", "mean", "var", "std", "nansum", "nanprod", "nanmean", "nanvar", "nanstd"):
        if target in HALF:
            wide = x.astype(np.float32)
            return np.asarray(function(wide, **kwargs)).astype(target)
        if dtype is not None:
            return function(x.astype(dtype, copy=False), **kwargs)
    elif dtype is not None:
        kwargs["dtype"] = dtype
    return function(x, **kwargs)


def reduction(name: str, x: ndarray, out: Any = None, **kwargs: Any) -> ndarray:
    """A reduction or scan of NumPy by name, as CuPy does it."""
    if not isinstance(x, ndarray):
        raise TypeError(f"Argument 'a' has incorrect type (expected cupy._core.core.ndarray, got {type(x).__name__})")
    if kwargs.get("dtype") is not None:
        kwargs["dtype"] = checked_dtype(kwargs["dtype"])
    return compute(lambda a: _widened(name, a, **kwargs), x, out=out, casting="unsafe")


def matmul(a: Any, b: Any, out: Any = None) -> ndarray:
    """cuBLAS: not in a capture; half precision accumulates in float32."""
    streams.refuse_library("cuBLAS")
    if not (isinstance(a, ndarray) and isinstance(b, ndarray)):
        raise TypeError(f"Unsupported type {type(b if isinstance(a, ndarray) else a)}")

    def product(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        if x.dtype in HALF and x.dtype == y.dtype:
            return (x.astype(np.float32) @ y.astype(np.float32)).astype(x.dtype)
        return x @ y

    x, y = unify([a, b])
    return compute(product, x, y, out=out)


ndarray.__module__ = ufunc.__module__ = "cupy"
UFUNCS: dict[str, ufunc] = {}
"""The ufuncs by NumPy's names."""


def _make_ufuncs() -> None:
    names = [
        "add", "subtract", "multiply", "divide", "true_divide", "floor_divide", "remainder", "mod", "fmod",
        "negative", "positive", "absolute", "sign", "exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt",
        "square", "cbrt", "reciprocal", "rint", "floor", "ceil", "trunc", "sin", "cos", "tan", "arcsin", "arccos",
        "arctan", "arctan2", "sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh", "hypot", "deg2rad", "rad2deg",
        "degrees", "radians", "maximum", "minimum", "fmax", "fmin", "greater", "greater_equal", "less",
        "less_equal", "equal", "not_equal", "logical_and", "logical_or", "logical_xor", "logical_not",
        "bitwise_and", "bitwise_or", "bitwise_xor", "invert", "bitwise_count", "left_shift", "right_shift",
        "isfinite", "isinf", "isnan", "signbit", "copysign", "nextafter", "ldexp", "logaddexp", "logaddexp2",
        "heaviside", "gcd", "lcm", "conjugate", "fabs", "float_power", "divmod", "modf", "frexp", "power",
    ]  # fmt: skip
    for name in names:
        function = getattr(np, name)
        own = "conj" if name == "conjugate" else name
        UFUNCS[name] = ufunc(own, _power if name == "power" else function, function.nin, function.nout)


_make_ufuncs()
