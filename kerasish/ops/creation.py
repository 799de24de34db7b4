"""Making tensors: of one value, of nothing, matrices; and turning values into tensors and back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasish.autodiff import CAST, KerasTensor, Primitive, Tensor, apply, op
from kerasish.autodiff import convert_to_tensor as to_tensor
from kerasish.backend import K
from kerasish.backend.dtypes import FLOATS, numpy_dtype, standardize_dtype
from kerasish.ops.axes import sizes_of
from kerasish.ops.shape import COPY


def is_tensor(x: Any) -> bool:
    """Whether the value is a tensor of this library (a `Variable` is one; a `KerasTensor` too).

    >>> is_tensor(zeros((2,))), is_tensor(np.zeros(2))
    (True, False)
    """
    return isinstance(x, (Tensor, KerasTensor))


@op
def convert_to_tensor(x: Any, dtype: Any = None, sparse: bool | None = None, ragged: bool | None = None) -> Tensor:
    """A tensor of anything array-like.

    Args:
        x: A number, a list, a NumPy array, a tensor, or anything with `__array__` or DLPack.
        dtype: The dtype; by default that of an array, and the default float, int32 or bool of Python values.
        sparse: Kept for Keras's signature; sparse tensors are refused.
        ragged: Likewise.

    >>> convert_to_tensor([1.0, 2.0]).dtype
    'float32'
    """
    if sparse or ragged:
        raise ValueError(
            f"convert_to_tensor: sparse and ragged tensors are not supported. Received: {sparse=}, {ragged=}"
        )
    return to_tensor(x, dtype)


@op
def array(x: Any, dtype: Any = None) -> Tensor:
    """A tensor of anything array-like: another name of `convert_to_tensor`.

    >>> array([1, 2]).dtype
    'int32'
    """
    return to_tensor(x, dtype)


def convert_to_numpy(x: Any) -> np.ndarray[Any, Any]:
    """The values as a NumPy array on the host.

    >>> convert_to_numpy(ones((2,)))
    array([1., 1.], dtype=float32)
    """
    if isinstance(x, KerasTensor):
        raise ValueError(f"convert_to_numpy: a KerasTensor has no values. Received: x={x!r}")
    return to_tensor(x).numpy()


@op
def cast(x: Any, dtype: Any) -> Tensor:
    """The values in another dtype.

    >>> cast([1.7, -1.7], "int32").tolist()
    [1, -1]
    """
    x = to_tensor(x)
    wanted = numpy_dtype(dtype)
    return x if x.array.dtype == wanted else apply(CAST, (x,), {"dtype": wanted})


def _bounds(dtype: str) -> tuple[Any, Any]:
    if dtype == "bool":
        return 0, 1
    if dtype in FLOATS:
        limit = 3.3895313892515355e38 if dtype == "bfloat16" else float(np.finfo(dtype).max)
        return -limit, limit
    info = np.iinfo(dtype)
    return int(info.min), int(info.max)


@op
def saturate_cast(x: Any, dtype: Any) -> Tensor:
    """The values in another dtype, brought into its range first instead of wrapping round.

    >>> saturate_cast([-5.0, 300.0], "uint8").tolist()
    [0, 255]
    """
    from kerasish.ops.choice import clip

    x = to_tensor(x)
    name = standardize_dtype(dtype)
    low, high = _bounds(name)
    own_low, own_high = _bounds(x.dtype)
    low, high = max(low, own_low), min(high, own_high)
    if x.dtype in FLOATS and name not in FLOATS:
        # The largest integer may round up to a float that is out of range.
        edge = x.array.dtype.type(high)
        if float(edge) > high:
            high = float(np.nextafter(edge, x.array.dtype.type(0)))
        low, high = float(low), float(high)
    return cast(clip(x, low, high), name)


def shape(x: Any) -> tuple[Any, ...]:
    """The sizes of the dimensions: a tuple of ints, with None where those of a `KerasTensor` are unknown.

    >>> shape([[1, 2, 3]])
    (1, 3)
    """
    return x.shape if isinstance(x, (Tensor, KerasTensor)) else to_tensor(x).shape


def dtype(x: Any) -> str:
    """The name of the dtype.

    >>> dtype([1.0])
    'float32'
    """
    return x.dtype if isinstance(x, (Tensor, KerasTensor)) else to_tensor(x).dtype


def ndim(x: Any) -> int:
    """The number of dimensions.

    >>> ndim([[1, 2]])
    2
    """
    return len(shape(x))


def size(x: Any) -> int | None:
    """The number of elements; None where that of a `KerasTensor` is unknown.

    >>> size([[1, 2], [3, 4]])
    4
    """
    sizes = shape(x)
    return None if None in sizes else math.prod(sizes)


@op
def copy(x: Any) -> Tensor:
    """A fresh copy of the values.

    >>> copy([1, 2]).tolist()
    [1, 2]
    """
    return apply(COPY, (to_tensor(x),))


def _float(dtype: Any) -> Any:
    return numpy_dtype(dtype)


def zeros(shape: Any, dtype: Any = None) -> Tensor:
    """Zeros.

    >>> zeros((2,)).tolist()
    [0.0, 0.0]
    """
    return Tensor(K.zeros(sizes_of("zeros", shape), dtype=_float(dtype)))


def ones(shape: Any, dtype: Any = None) -> Tensor:
    """Ones.

    >>> ones((2,)).tolist()
    [1.0, 1.0]
    """
    return Tensor(K.ones(sizes_of("ones", shape), dtype=_float(dtype)))


def empty(shape: Any, dtype: Any = None) -> Tensor:
    """A tensor whose values do not matter. They are zeros.

    >>> empty((2, 3)).shape
    (2, 3)
    """
    return Tensor(K.zeros(sizes_of("empty", shape), dtype=_float(dtype)))


@op
def full(shape: Any, fill_value: Any, dtype: Any = None) -> Tensor:
    """One value everywhere; a tensor of values broadcasts to the shape.

    Args:
        shape: The shape.
        fill_value: The value.
        dtype: The dtype, by default the default float.

    >>> full((2,), 7).tolist()
    [7.0, 7.0]
    """
    from kerasish.ops.shape import broadcast_to

    if isinstance(fill_value, Tensor):
        return apply(COPY, (broadcast_to(cast(fill_value, _float(dtype)), shape),))
    return Tensor(K.full(sizes_of("full", shape), value=fill_value, dtype=_float(dtype)))


def _like(x: Tensor, dtype: Any) -> Any:
    return x.array.dtype if dtype is None else numpy_dtype(dtype)


@op
def zeros_like(x: Any, dtype: Any = None) -> Tensor:
    """Zeros of the shape of `x`, and of its dtype unless another is given.

    >>> zeros_like([1, 2]).tolist()
    [0, 0]
    """
    x = to_tensor(x)
    return Tensor(K.zeros(x.array.shape, dtype=_like(x, dtype)))


@op
def ones_like(x: Any, dtype: Any = None) -> Tensor:
    """Ones of the shape of `x`, and of its dtype unless another is given.

    >>> ones_like([1, 2]).tolist()
    [1, 1]
    """
    x = to_tensor(x)
    return Tensor(K.ones(x.array.shape, dtype=_like(x, dtype)))


@op
def empty_like(x: Any, dtype: Any = None) -> Tensor:
    """A tensor of the shape of `x` whose values do not matter. They are zeros.

    >>> empty_like([[1, 2]]).shape
    (1, 2)
    """
    return zeros_like(x, dtype)


@op
def full_like(x: Any, fill_value: Any, dtype: Any = None) -> Tensor:
    """One value in the shape of `x`, and in its dtype unless another is given.

    >>> full_like([1, 2], 5).tolist()
    [5, 5]
    """
    x = to_tensor(x)
    return full(x.array.shape, fill_value, _like(x, dtype))


def eye(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Tensor:
    """Ones on the `k`-th diagonal, zeros elsewhere: `(N, M)`, square by default.

    >>> eye(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    return Tensor(K.eye(rows=int(N), columns=int(N if M is None else M), k=int(k), dtype=_float(dtype)))


def identity(n: int, dtype: Any = None) -> Tensor:
    """The identity matrix `(n, n)`.

    >>> identity(2).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    return eye(n, dtype=dtype)


def tri(N: int, M: int | None = None, k: int = 0, dtype: Any = None) -> Tensor:
    """Ones on and below the `k`-th diagonal, zeros above: `(N, M)`.

    >>> tri(2).tolist()
    [[1.0, 0.0], [1.0, 1.0]]
    """
    return tril(ones((int(N), int(N if M is None else M)), dtype), k)


TRIL: Primitive = Primitive(
    "tril", lambda node, dy: (apply(TRIL, (dy,), node.attrs),), lambda x, *, k: (x.shape, x.dtype)
)
TRIU: Primitive = Primitive(
    "triu", lambda node, dy: (apply(TRIU, (dy,), node.attrs),), lambda x, *, k: (x.shape, x.dtype)
)


def _matrix(name: str, x: Any) -> Tensor:
    x = to_tensor(x)
    if x.array.ndim < 2:
        raise ValueError(f"{name}: expected at least two dimensions. Received: x.shape={x.shape}")
    return x


@op
def tril(x: Any, k: int = 0) -> Tensor:
    """The lower triangle of the last two dimensions; zeros above the `k`-th diagonal.

    >>> tril([[1, 2], [3, 4]]).tolist()
    [[1, 0], [3, 4]]
    """
    return apply(TRIL, (_matrix("tril", x),), {"k": int(k)})


@op
def triu(x: Any, k: int = 0) -> Tensor:
    """The upper triangle of the last two dimensions; zeros below the `k`-th diagonal.

    >>> triu([[1, 2], [3, 4]]).tolist()
    [[1, 2], [0, 4]]
    """
    return apply(TRIU, (_matrix("triu", x),), {"k": int(k)})
