"""Making tensors: of one value, of evenly spaced values, of nothing; and turning values into tensors and back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasish import config
from kerasish.autodiff import CAST, KerasTensor, Primitive, Tensor, apply, op
from kerasish.autodiff import convert_to_tensor as to_tensor
from kerasish.backend import K
from kerasish.backend.dtypes import FLOATS, numpy_dtype, result_type, standardize_dtype
from kerasish.ops.shape import COPY, sizes_of


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
    from kerasish.ops.arithmetic import clip

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


def arange(start: Any, stop: Any = None, step: Any = None, dtype: Any = None) -> Tensor:
    """Evenly spaced values from `start` up to, but without, `stop`; from 0 when only one bound is given.

    Args:
        start: The first value (the bound, when `stop` is None).
        stop: The bound.
        step: The distance, 1 by default.
        dtype: The dtype; by default the common one of the arguments.

    >>> arange(3).tolist(), arange(1, 2, 0.5).tolist()
    ([0, 1, 2], [1.0, 1.5])
    """
    start, stop, step = [x.item() if hasattr(x, "item") else x for x in (start, stop, step)]
    if dtype is None:
        dtype = result_type(*[float if isinstance(x, float) else int for x in (start, stop, step) if x is not None])
    if stop is None:
        start, stop = 0, start
    return Tensor(K.arange(start=start, stop=stop, step=1 if step is None else step, dtype=numpy_dtype(dtype)))


def _ends(*ends: Any, dtype: Any) -> tuple[list[Any], Any]:
    tensors = [to_tensor(end) for end in ends]
    if dtype is not None:
        return [t.array for t in tensors], numpy_dtype(dtype)
    common = result_type(*[float if isinstance(end, float) else t.dtype for end, t in zip(ends, tensors)])
    return [t.array for t in tensors], numpy_dtype(common if common in FLOATS else config.floatx())


@op
def linspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, retstep: bool = False, dtype: Any = None, axis: int = 0
) -> Any:
    """`num` evenly spaced values from `start` to `stop` along a new axis.

    Args:
        start: The first value, or a tensor of first values.
        stop: The last value, or the bound where `endpoint` is false.
        num: How many.
        endpoint: Whether `stop` is the last value.
        retstep: Whether to return the distance too.
        dtype: The dtype, by default a float.
        axis: Where the new axis goes.

    >>> linspace(0, 1, 3).tolist()
    [0.0, 0.5, 1.0]
    """
    (first, last), wanted = _ends(start, stop, dtype=dtype)
    if num < 0:
        raise ValueError(f"linspace: expected num not to be negative. Received: num={num}")
    axis = axis % (max(first.ndim, last.ndim) + 1)
    values = Tensor(K.linspace(first, last, num=int(num), endpoint=bool(endpoint), dtype=wanted, axis=axis))
    if not retstep:
        return values
    parts = num - 1 if endpoint else num
    return values, (to_tensor(stop) - to_tensor(start)) / parts if parts > 0 else float("nan")


@op
def logspace(
    start: Any, stop: Any, num: int = 50, endpoint: bool = True, base: Any = 10, dtype: Any = None, axis: int = 0
) -> Tensor:
    """`base ** linspace(start, stop, …)`: values evenly spaced on a logarithmic scale.

    Args:
        start: The exponent of the first value.
        stop: That of the last.
        num: How many.
        endpoint: Whether `stop` is the last exponent.
        base: The base.
        dtype: The dtype, by default a float.
        axis: Where the new axis goes.

    >>> logspace(0, 2, 3).tolist()
    [1.0, 10.0, 100.0]
    """
    exponents = linspace(start, stop, num, endpoint, axis=axis)
    values = cast(base, exponents.dtype) ** exponents
    return values if dtype is None else cast(values, dtype)


@op
def geomspace(start: Any, stop: Any, num: int = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0) -> Tensor:
    """`num` values from `start` to `stop`, each the same multiple of the one before.

    Args:
        start: The first value; with the sign of `stop`, and not 0.
        stop: The last value, or the bound where `endpoint` is false.
        num: How many.
        endpoint: Whether `stop` is the last value.
        dtype: The dtype, by default a float.
        axis: Where the new axis goes.

    >>> [round(x, 3) for x in geomspace(1.0, 100.0, 3).tolist()]
    [1.0, 10.0, 100.0]
    """
    from kerasish.ops.elementwise import absolute, exp, log
    from kerasish.ops.elementwise import sign as sign_of

    first, last = cast(start, result_type(to_tensor(start).dtype, float)), to_tensor(stop)
    exponents = linspace(log(absolute(first)), log(absolute(last)), num, endpoint, axis=axis)
    values = exp(exponents) * sign_of(first)
    return values if dtype is None else cast(values, dtype)


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
