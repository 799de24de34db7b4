"""`cupy.linalg`: cuSOLVER and cuBLAS, which cannot be captured."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import core, cupyx, streams
from .core import ndarray

LinAlgError = np.linalg.LinAlgError


def _call(function: Any, *arrays: Any, **kwargs: Any) -> Any:
    streams.refuse_library("cuSOLVER")
    for a in arrays:
        if not isinstance(a, ndarray):
            raise np.linalg.LinAlgError("cupy.linalg only supports cupy.ndarray")
        if a.dtype in core.HALF:
            raise TypeError(f"array type {a.dtype} is unsupported in linalg")
    return core.compute(function, *arrays, **kwargs)


def _reported(function: Any) -> Any:
    """CuPy raises for a matrix that has no decomposition only if it is told to; else the result means nothing."""

    def run(*arrays: np.ndarray) -> np.ndarray:
        try:
            return function(*arrays)
        except np.linalg.LinAlgError:
            if cupyx.linalg_raises():
                raise
            return np.full_like(arrays[-1], np.nan)

    return run


def inv(a: Any) -> ndarray:
    return _call(_reported(np.linalg.inv), a)


def pinv(a: Any, rcond: Any = 1e-15) -> ndarray:
    return _call(lambda x: np.linalg.pinv(x, rcond), a)


def det(a: Any) -> ndarray:
    return _call(np.linalg.det, a)


def slogdet(a: Any) -> Any:
    return _call(lambda x: tuple(np.linalg.slogdet(x)), a)


def solve(a: Any, b: Any) -> ndarray:
    return _call(_reported(np.linalg.solve), a, b)


def lstsq(a: Any, b: Any, rcond: Any = None) -> Any:
    return _call(lambda x, y: np.linalg.lstsq(x, y, rcond), a, b)


def cholesky(a: Any) -> ndarray:
    return _call(_reported(np.linalg.cholesky), a)


def qr(a: Any, mode: str = "reduced") -> Any:
    return _call(lambda x: np.linalg.qr(x, mode) if mode == "r" else tuple(np.linalg.qr(x, mode)), a)


def svd(a: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    def function(x: np.ndarray) -> Any:
        found = np.linalg.svd(x, full_matrices, compute_uv)
        return tuple(found) if compute_uv else found

    return _call(function, a)


def eigh(a: Any, UPLO: str = "L") -> Any:
    return _call(lambda x: tuple(np.linalg.eigh(x, UPLO)), a)


def eigvalsh(a: Any, UPLO: str = "L") -> ndarray:
    return _call(lambda x: np.linalg.eigvalsh(x, UPLO), a)


def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> ndarray:
    if isinstance(ord, str) and ord == "nuc":
        streams.refuse_library("cuSOLVER")
    if not isinstance(x, ndarray):
        raise TypeError(f"Unsupported type {type(x)}")

    def function(a: np.ndarray) -> Any:
        if a.dtype in core.HALF:
            return np.asarray(np.linalg.norm(a.astype(np.float32), ord, axis, keepdims)).astype(a.dtype)
        return np.linalg.norm(a, ord, axis, keepdims)

    return core.compute(function, x)


def matrix_rank(M: Any, tol: Any = None) -> ndarray:
    return _call(lambda x: np.linalg.matrix_rank(x, tol), M)


def matrix_power(M: Any, n: int) -> ndarray:
    return _call(lambda x: np.linalg.matrix_power(x, n), M)
