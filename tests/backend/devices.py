"""Kernels of a GPU called with NumPy arrays: layouts are kept on the way there, values on the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

# These take or give host data themselves.
_HOST = frozenset(("asarray", "to_numpy"))


def to_device(array: np.ndarray) -> Any:
    """The values on the device, with the strides that they have here, gaps included."""
    import cupy

    if array.ndim == 0 or not array.size or array.flags.c_contiguous:
        return cupy.asarray(np.ascontiguousarray(array).reshape(array.shape))
    # Axes that run backwards are turned around, laid out, and turned back.
    turned = tuple(slice(None, None, -1) if stride < 0 else slice(None) for stride in array.strides)
    forward = array[turned]
    extent = sum((size - 1) * stride for size, stride in zip(forward.shape, forward.strides)) + array.itemsize
    memory = cupy.zeros(-(-extent // array.itemsize), array.dtype)
    view = cupy.lib.stride_tricks.as_strided(memory, forward.shape, forward.strides)
    view[...] = cupy.asarray(np.ascontiguousarray(forward))
    return view[turned]


def _sent(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return to_device(value)
    if isinstance(value, tuple):
        return tuple([_sent(member) for member in value])
    return value


def _fetched(value: Any) -> Any:
    import cupy

    if isinstance(value, cupy.ndarray):
        return cupy.asnumpy(value)
    if isinstance(value, (tuple, list)):
        return type(value)([_fetched(member) for member in value])
    return value


def on_device(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The kernel as a function of NumPy arrays; what it changes in place is changed in them."""
    if name in _HOST:
        return lambda x, **attrs: _fetched(function(x if name == "asarray" else _sent(x), **attrs))

    def run(*args: Any, **attrs: Any) -> Any:
        sent = [_sent(argument) for argument in args]
        results = function(*sent, **{key: _sent(value) for key, value in attrs.items()})
        for before, after in zip(args, sent):
            if isinstance(before, np.ndarray) and before.flags.writeable and before.size:
                before[...] = _fetched(after)
        return _fetched(results)

    run.__name__ = name
    return run
