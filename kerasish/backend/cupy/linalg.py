"""Products of matrices through `gemm`, and decompositions as CuPy gives them by cuSOLVER.

Decompositions look at values on the host and cannot be captured in a CUDA graph.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from math import prod
from typing import Any

import numpy as np

from kerasish.backend.contract.types import Array
from kerasish.backend.cupy._cublaslt import DATA_TYPES
from kerasish.backend.cupy._device import cp
from kerasish.backend.cupy._gemm import gemm
from kerasish.backend.cupy._gemm_layout import broadcast_lead
from kerasish.backend.cupy._launch import Kernel, blocks, c_type
from kerasish.backend.dtypes import numpy_dtype, result_type
from kerasish.backend.numpy.linalg import _plan

_INTEGERS = (
    "bool", "signed char", "short", "int", "long long",
    "unsigned char", "unsigned short", "unsigned int", "unsigned long long",
)  # fmt: skip
_GEMM_PLAIN = Kernel("gemm_plain.cu", "gemm_plain", T=_INTEGERS)
_SIDE = 16
_MOST_BLOCKS = 65535


def _product(a: Array, b: Array) -> Array:
    """`a @ b` for matrices of any dtype."""
    dtype = a.dtype
    if b.dtype != dtype:
        dtype = numpy_dtype(result_type(dtype, b.dtype))
        return _product(a.astype(dtype, copy=False), b.astype(dtype, copy=False))
    if dtype.name in DATA_TYPES:
        return gemm(a, b)
    if dtype.kind == "c":
        # Rare enough for CuPy's own product, which cannot be captured.
        return cp.matmul(a, b)
    lead = broadcast_lead(a.shape, b.shape)
    m, k, n = a.shape[-2], a.shape[-1], b.shape[-1]
    c = cp.empty((*lead, m, n), dtype)
    if not c.size:
        return c
    single_a, single_b = [prod(x.shape[:-2]) == 1 for x in (a, b)]
    if not single_a:
        a = cp.broadcast_to(a, (*lead, m, k))
    if not single_b:
        b = cp.broadcast_to(b, (*lead, k, n))
    batch = prod(lead)
    grid = (blocks(n, _SIDE), min(blocks(m, _SIDE), _MOST_BLOCKS), min(batch, _MOST_BLOCKS))
    sizes = [batch, m, n, k, 0 if single_a else m * k, 0 if single_b else k * n]
    operands = [cp.ascontiguousarray(a), cp.ascontiguousarray(b), c]
    _GEMM_PLAIN((c_type(dtype),), grid, (_SIDE, _SIDE), [*operands, *[np.int64(size) for size in sizes]])
    return c


def matmul(a: Array, b: Array, *, transpose_a: bool = False, transpose_b: bool = False) -> Array:
    """Transposes are views, which the library reads as they are."""
    return _product(a.swapaxes(-1, -2) if transpose_a else a, b.swapaxes(-1, -2) if transpose_b else b)


def contract_leading(x: Array, y: Array) -> Array:
    """One product on the flattened leading dimensions."""
    rows = prod(x.shape[:-1])
    return _product(x.reshape(rows, x.shape[-1]).T, y.reshape(rows, y.shape[-1]))


def einsum(*operands: Array, subscripts: str) -> Array:
    """Transposes that stay views wherever the library takes strides, and one product."""
    if len(operands) == 1:
        labels, output = subscripts.split("->")
        return operands[0].transpose([labels.index(label) for label in output])
    swap, order_a, order_b, batch, rank_a, rank_b, summed, order = _plan(subscripts)
    a, b = operands[::-1] if swap else operands
    a = a if order_a is None else a.transpose(order_a)
    b = b if order_b is None else b.transpose(order_b)
    lead = a.shape[:batch]
    rows, columns = a.shape[batch : batch + rank_a], b.shape[batch + summed :]
    if not summed:
        y = a.reshape(a.shape + (1,) * rank_b) * b.reshape(lead + (1,) * rank_a + columns)
    else:
        inner = prod(a.shape[batch + rank_a :])
        y = _product(a.reshape(*lead, prod(rows), inner), b.reshape(*lead, inner, prod(columns)))
        y = y.reshape(lead + rows + columns)
    return y if order is None else y.transpose(order)


@contextmanager
def _checked() -> Iterator[None]:
    """Let CuPy look at what cuSOLVER reports, and raise LinAlgError."""
    import cupyx

    try:
        with cupyx.errstate(linalg="raise"):
            yield
    except ImportError as error:
        raise ImportError(
            "Decompositions on the GPU need cuSOLVER and cuBLAS: install the packages nvidia-cusolver, nvidia-cusparse "
            f"and nvidia-cublas (of CUDA 12: with the ending -cu12), or a CUDA toolkit. Received: {error}"
        ) from error


def _wide(x: Array) -> Array:
    return x if x.dtype in (np.float32, np.float64) or x.dtype.kind == "c" else x.astype(np.float32)


def _as(dtype: Any, *results: Array) -> tuple[Array, ...]:
    return tuple([x.astype(dtype, copy=False) for x in results])


def inv(x: Array) -> Array:
    """cuSOLVER's `getrf` and `getrs` with the identity."""
    with _checked():
        return cp.linalg.inv(_wide(x)).astype(x.dtype, copy=False)


def det(x: Array) -> Array:
    """The product of the diagonal of an LU decomposition."""
    with _checked():
        return cp.linalg.det(_wide(x)).astype(x.dtype, copy=False)


def slogdet(x: Array) -> tuple[Array, Array]:
    """The same as a sum of logarithms."""
    with _checked():
        sign, logarithm = _as(x.dtype, *cp.linalg.slogdet(_wide(x)))
    return sign, logarithm


def solve(a: Array, b: Array) -> Array:
    """cuSOLVER's `getrf` and `getrs`, or cuBLAS's for batches of small matrices."""
    with _checked():
        x = cp.linalg.solve(_wide(a), _wide(b))
        # CuPy does not look at what the batched routine reports.
        if a.ndim > 2 and bool(cp.isfinite(a).all() & cp.isfinite(b).all() & ~cp.isfinite(x).all()):
            raise np.linalg.LinAlgError(f"A singular matrix cannot be solved. Received: a of shape {a.shape}")
    return x.astype(a.dtype, copy=False)


def solve_triangular(a: Array, b: Array, *, lower: bool) -> Array:
    """A general solver on the triangle: CuPy's triangular one takes no batches."""
    return solve(cp.tril(a) if lower else cp.triu(a), b)


def cholesky(x: Array) -> Array:
    """cuSOLVER's `potrf`."""
    with _checked():
        return cp.linalg.cholesky(_wide(x)).astype(x.dtype, copy=False)


def qr(x: Array, *, mode: str) -> tuple[Array, Array]:
    """Householder reflections."""
    with _checked():
        q, r = _as(x.dtype, *cp.linalg.qr(_wide(x), mode="complete" if mode == "complete" else "reduced"))
    return q, r


def svd(x: Array, *, full_matrices: bool) -> tuple[Array, Array, Array]:
    """cuSOLVER's `gesvd`, or `gesvdj` for batches."""
    with _checked():
        u, s, vh = _as(x.dtype, *cp.linalg.svd(_wide(x), full_matrices=full_matrices))
    return u, s, vh


def eigh(x: Array) -> tuple[Array, Array]:
    """cuSOLVER's `syevd`, or `syevj` for batches."""
    with _checked():
        values, vectors = _as(x.dtype, *cp.linalg.eigh(_wide(x)))
    return values, vectors


def eig(x: Array) -> tuple[Array, Array]:
    """LAPACK's `geev` on the host: cuSOLVER has it only from CUDA 12.6 on, and iterates on the host's side too."""
    from kerasish.backend.numpy import linalg

    values, vectors = linalg.eig(cp.asnumpy(_wide(x)))
    return cp.asarray(values), cp.asarray(vectors)


def lu_factor(x: Array) -> tuple[Array, Array]:
    """On the host: CuPy factors single matrices only, one call each, and here they are small and many."""
    from kerasish.backend.numpy import linalg

    lu, pivots = linalg.lu_factor(cp.asnumpy(_wide(x)))
    return cp.asarray(lu).astype(x.dtype, copy=False), cp.asarray(pivots)
