"""`cupyx`, as far as a training backend uses it."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np

from . import core, memory
from .core import ndarray

__all__ = [
    "empty_like_pinned",
    "empty_pinned",
    "errstate",
    "rsqrt",
    "scatter_add",
    "scatter_max",
    "scatter_min",
    "scipy",
    "zeros_like_pinned",
    "zeros_pinned",
]


_settings = threading.local()


def linalg_raises() -> bool:
    """Whether what cuSOLVER reports becomes an error."""
    return getattr(_settings, "linalg", "ignore") == "raise"


@contextlib.contextmanager
def errstate(
    *, divide: Any = None, over: Any = None, under: Any = None, invalid: Any = None, linalg: Any = None
) -> Iterator[None]:
    if any(value is not None for value in (divide, over, under, invalid)):
        raise NotImplementedError
    if linalg not in (None, "ignore", "raise"):
        raise ValueError
    before = getattr(_settings, "linalg", "ignore")
    _settings.linalg = before if linalg is None else linalg
    try:
        yield
    finally:
        _settings.linalg = before


def scatter_add(a: ndarray, slices: Any, value: Any) -> None:
    a.scatter_add(slices, value)


def scatter_max(a: ndarray, slices: Any, value: Any) -> None:
    a.scatter_max(slices, value)


def scatter_min(a: ndarray, slices: Any, value: Any) -> None:
    a.scatter_min(slices, value)


def empty_pinned(shape: Any, dtype: Any = float, order: str = "C") -> np.ndarray:
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    dtype = np.dtype(dtype)
    count = int(np.prod(shape, dtype=np.int64))
    return memory.pinned_array(count * dtype.itemsize)[: count * dtype.itemsize].view(dtype).reshape(shape, order=order)


def zeros_pinned(shape: Any, dtype: Any = float, order: str = "C") -> np.ndarray:
    found = empty_pinned(shape, dtype, order)
    found[...] = 0
    return found


def empty_like_pinned(a: Any, dtype: Any = None, order: str = "K", subok: Any = None, shape: Any = None) -> np.ndarray:
    return empty_pinned(a.shape if shape is None else shape, a.dtype if dtype is None else dtype)


def zeros_like_pinned(a: Any, dtype: Any = None, order: str = "K", subok: Any = None, shape: Any = None) -> np.ndarray:
    return zeros_pinned(a.shape if shape is None else shape, a.dtype if dtype is None else dtype)


def _special(name: str, inputs: int = 1) -> core.ufunc:
    def function(*values: Any) -> Any:
        import scipy.special

        dtype = np.result_type(*values)
        wide = [np.asarray(v, np.float32) if dtype in core.HALF else v for v in values]
        found = getattr(scipy.special, name)(*wide)
        return found.astype(dtype) if dtype in core.HALF else found

    return core.ufunc(name, function, inputs)


rsqrt = core.ufunc("rsqrt", lambda x: (1 / np.sqrt(x)).astype(np.sqrt(x).dtype), 1)
special = ModuleType("cupyx.scipy.special")
for _name in ("erf", "erfc", "erfcx", "erfinv", "erfcinv", "gamma", "gammaln", "loggamma", "digamma", "psi", "expit",
              "logit", "log_ndtr", "ndtr", "ndtri", "i0", "i0e", "i1", "i1e", "sinc"):  # fmt: skip
    if _name != "sinc":
        setattr(special, _name, _special(_name))
for _name in ("zeta", "beta", "betaln", "xlogy", "xlog1py", "gammainc", "gammaincc", "rel_entr", "entr"):
    setattr(special, _name, _special(_name, 1 if _name == "entr" else 2))


def _logsumexp(a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False) -> Any:
    import scipy.special

    return core.compute(lambda x: scipy.special.logsumexp(x, axis, keepdims=keepdims), a)


special.logsumexp = _logsumexp  # type: ignore[attr-defined]
scipy = ModuleType("cupyx.scipy")
scipy.special = special  # type: ignore[attr-defined]
