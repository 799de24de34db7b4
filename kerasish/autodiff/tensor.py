"""`Tensor`: one array of the backend, with its place in the graph of a recorded computation."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasish.autodiff.state import state
from kerasish.backend import K
from kerasish.backend.dtypes import dtype_name, numpy_dtype, standardize_dtype

if TYPE_CHECKING:
    from kerasish.autodiff.primitive import Node


class Tensor:
    """An immutable n-dimensional array that operations are recorded on.

    Args:
        array: An array of the active backend. `convert_to_tensor` takes anything else.
        node: The recorded operation that produced it, or None for a constant.
        index: Which of the operation's outputs it is.

    >>> x = convert_to_tensor([[1.0, 2.0]])
    >>> x.shape, x.dtype
    ((1, 2), 'float32')
    """

    __slots__ = ("__weakref__", "_keras_mask", "array", "index", "node")

    def __init__(self, array: Any, node: Node | None = None, index: int = 0) -> None:
        self.array = array
        self.node = node
        self.index = index
        self._keras_mask: Tensor | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """The size of each dimension."""
        return self.array.shape

    @property
    def dtype(self) -> str:
        """The name of the dtype."""
        return dtype_name(self.array.dtype)

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return self.array.ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return self.array.size

    @property
    def T(self) -> Tensor:  # noqa: N802
        """The transpose: all dimensions in reverse order."""
        return _operators["transpose"](self)

    def numpy(self) -> np.ndarray[Any, Any]:
        """The values as a NumPy array on the host. Do not modify it: it may be the tensor's own memory."""
        if state.recorder is not None and not state.abstract:
            state.recorder.refuse("the value of a tensor is read on the host (numpy(), item(), float(), bool())")
        return K.to_numpy(self.array)

    def item(self) -> Any:
        """The value of a tensor of one element, as a Python number."""
        return self.numpy().item()

    def tolist(self) -> Any:
        """The values as nested Python lists."""
        return self.numpy().tolist()

    def astype(self, dtype: Any) -> Tensor:
        """The values cast to a dtype."""
        return _operators["cast"](self, dtype)

    def reshape(self, *shape: Any) -> Tensor:
        """The values in another shape."""
        newshape = shape[0] if len(shape) == 1 and isinstance(shape[0], (tuple, list)) else shape
        return _operators["reshape"](self, newshape)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray[Any, Any]:
        values = self.numpy()
        if dtype is not None and values.dtype != dtype:
            return values.astype(dtype)
        return values.copy() if copy else values

    __array_priority__ = 100
    __array_ufunc__ = None

    def __dlpack__(self, **kwargs: Any) -> Any:
        return self.array.__dlpack__(**kwargs)

    def __dlpack_device__(self) -> Any:
        return self.array.__dlpack_device__()

    def __len__(self) -> int:
        if not self.array.ndim:
            raise TypeError("A tensor without dimensions has no length.")
        return self.array.shape[0]

    def __iter__(self) -> Iterator[Tensor]:
        if not self.array.ndim:
            raise TypeError("A tensor without dimensions cannot be iterated over.")
        return (self[position] for position in range(self.array.shape[0]))

    def __bool__(self) -> bool:
        return bool(self.numpy())

    def __int__(self) -> int:
        return int(self.numpy())

    def __float__(self) -> float:
        return float(self.numpy())

    def __index__(self) -> int:
        return self.numpy().__index__()

    def __format__(self, spec: str) -> str:
        return format(self.item() if spec and not self.array.ndim else str(self), spec)

    def __repr__(self) -> str:
        return f"<Tensor shape={self.shape}, dtype={self.dtype}, numpy={self.numpy()!r}>"

    if TYPE_CHECKING:
        # `kerasish.ops.operators` installs them.
        def __add__(self, other: Any) -> Tensor: ...
        def __radd__(self, other: Any) -> Tensor: ...
        def __sub__(self, other: Any) -> Tensor: ...
        def __rsub__(self, other: Any) -> Tensor: ...
        def __mul__(self, other: Any) -> Tensor: ...
        def __rmul__(self, other: Any) -> Tensor: ...
        def __truediv__(self, other: Any) -> Tensor: ...
        def __rtruediv__(self, other: Any) -> Tensor: ...
        def __floordiv__(self, other: Any) -> Tensor: ...
        def __rfloordiv__(self, other: Any) -> Tensor: ...
        def __mod__(self, other: Any) -> Tensor: ...
        def __rmod__(self, other: Any) -> Tensor: ...
        def __pow__(self, other: Any) -> Tensor: ...
        def __rpow__(self, other: Any) -> Tensor: ...
        def __matmul__(self, other: Any) -> Tensor: ...
        def __rmatmul__(self, other: Any) -> Tensor: ...
        def __and__(self, other: Any) -> Tensor: ...
        def __rand__(self, other: Any) -> Tensor: ...
        def __or__(self, other: Any) -> Tensor: ...
        def __ror__(self, other: Any) -> Tensor: ...
        def __xor__(self, other: Any) -> Tensor: ...
        def __rxor__(self, other: Any) -> Tensor: ...
        def __lt__(self, other: Any) -> Tensor: ...
        def __le__(self, other: Any) -> Tensor: ...
        def __gt__(self, other: Any) -> Tensor: ...
        def __ge__(self, other: Any) -> Tensor: ...
        def __eq__(self, other: Any) -> Tensor: ...  # type: ignore[override]
        def __ne__(self, other: Any) -> Tensor: ...  # type: ignore[override]
        def __neg__(self) -> Tensor: ...
        def __abs__(self) -> Tensor: ...
        def __invert__(self) -> Tensor: ...
        def __round__(self, digits: int = 0) -> Tensor: ...
        def __getitem__(self, key: Any) -> Tensor: ...

    __hash__ = None  # type: ignore[assignment]


_operators: dict[str, Callable[..., Any]] = {}

_BINARY = {
    "add": "add",
    "sub": "subtract",
    "mul": "multiply",
    "truediv": "divide",
    "floordiv": "floor_divide",
    "mod": "mod",
    "pow": "power",
    "matmul": "matmul",
    "and": "logical_and",
    "or": "logical_or",
    "xor": "logical_xor",
}
_COMPARE = {
    "eq": "equal",
    "ne": "not_equal",
    "lt": "less",
    "le": "less_equal",
    "gt": "greater",
    "ge": "greater_equal",
}
_UNARY = {"neg": "negative", "abs": "absolute", "invert": "logical_not"}


def install_operators(cls: type, functions: dict[str, Callable[..., Any]]) -> None:
    """Give a class the arithmetic of Python: `+` calls `functions["add"]`, and so on."""
    _operators.update(functions)
    for special, name in {**_BINARY, **_COMPARE}.items():
        function = functions[name]
        setattr(cls, f"__{special}__", lambda self, other, function=function: function(self, other))
        if special in _BINARY:
            setattr(cls, f"__r{special}__", lambda self, other, function=function: function(other, self))
    for special, name in _UNARY.items():
        setattr(cls, f"__{special}__", lambda self, function=functions[name]: function(self))
    get_item = functions["get_item"]
    cls.__getitem__ = lambda self, key: get_item(self, key)  # type: ignore[index]
    round_ = functions["round"]
    cls.__round__ = lambda self, digits=0: round_(self, digits)  # type: ignore[attr-defined]
    cls.__hash__ = object.__hash__ if cls is not Tensor else None  # type: ignore[assignment]


def convert_to_array(x: Any, dtype: Any = None) -> Any:
    """An array of the active backend from anything array-like.

    Python numbers and lists of them become the default float, int32 or bool; arrays keep their dtype.
    """
    if isinstance(x, Tensor):
        array = x.array
    elif isinstance(x, (bool, int, float, list, tuple)):
        array = _from_python(x, dtype)
    else:
        array = K.asarray(_from_object(x))
    if dtype is not None:
        wanted = numpy_dtype(dtype)
        if array.dtype != wanted:
            array = K.cast(array, dtype=wanted)
    return array


def _from_python(x: Any, dtype: Any) -> Any:
    if isinstance(x, (list, tuple)) and any(isinstance(leaf, Tensor) for leaf in _leaves(x)):
        x = _unwrapped(x)
        values = np.asarray(x)
    else:
        try:
            values = np.asarray(x)
        except ValueError as error:
            raise ValueError(
                f"Expected a list whose rows have the same length (a rectangular array). Received: {_short(x)}"
            ) from error
        arrays = any(isinstance(leaf, (np.ndarray, np.generic)) for leaf in _leaves(x))
        if values.dtype == np.float64 and dtype is None and not arrays:
            values = values.astype(numpy_dtype(None))
        elif values.dtype == np.int64 and not arrays and _fits_int32(values):
            values = values.astype(np.int32)
    return K.asarray(_numeric(values, x))


def _fits_int32(values: np.ndarray[Any, Any]) -> bool:
    return not values.size or (values.min() >= -(2**31) and values.max() < 2**31)


def _leaves(x: Any) -> Iterator[Any]:
    if isinstance(x, (list, tuple)):
        for member in x:
            yield from _leaves(member)
            break
    else:
        yield x


def _unwrapped(x: Any) -> Any:
    if isinstance(x, (list, tuple)):
        return [_unwrapped(member) for member in x]
    return x.numpy() if isinstance(x, Tensor) else x


def _from_object(x: Any) -> Any:
    if isinstance(x, (np.ndarray, np.generic)):
        return _numeric(np.asarray(x), x)
    if hasattr(x, "__cuda_array_interface__") or hasattr(x, "__array__") or hasattr(x, "__array_interface__"):
        return x
    return _numeric(np.asarray(x), x)


def _numeric(values: np.ndarray[Any, Any], x: Any) -> np.ndarray[Any, Any]:
    if values.dtype == object:
        raise ValueError(
            f"Cannot convert to a tensor: expected numbers. Received: {_short(x)} (of type {type(x).__name__})"
        )
    return values


def _short(x: Any) -> str:
    text = repr(x)
    return text if len(text) < 80 else text[:77] + "..."


def convert_to_tensor(x: Any, dtype: Any = None) -> Tensor:
    """A `Tensor` from a number, a list, a NumPy array or anything with `__array__` or DLPack.

    >>> convert_to_tensor([1, 2, 3]).dtype
    'int32'
    """
    if isinstance(x, Tensor):
        if dtype is None or x.dtype == standardize_dtype(dtype):
            return x
        return _operators["cast"](x, dtype)
    return Tensor(convert_to_array(x, dtype))
