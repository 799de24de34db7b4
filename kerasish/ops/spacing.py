"""Evenly spaced values: by a step, or between two ends, plainly or on a logarithmic scale."""

from __future__ import annotations

from typing import Any

from kerasish import config
from kerasish.autodiff import Tensor, op
from kerasish.autodiff import convert_to_tensor as to_tensor
from kerasish.backend import K
from kerasish.backend.dtypes import FLOATS, numpy_dtype, result_type
from kerasish.ops.creation import cast


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
