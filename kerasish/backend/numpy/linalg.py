"""Products through BLAS and decompositions through LAPACK, as NumPy gives them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from kerasish.backend.contract.types import Array

_HALF = np.dtype(np.float16)


def matmul(a: Array, b: Array, *, transpose_a: bool = False, transpose_b: bool = False) -> Array:
    """One GEMM where `b` is a single matrix, else one a matrix pair."""
    if a.dtype == _HALF:
        wide = matmul(a.astype(np.float32), b.astype(np.float32), transpose_a=transpose_a, transpose_b=transpose_b)
        return wide.astype(_HALF)
    if transpose_b:
        b = b.T if b.ndim == 2 else b.swapaxes(-1, -2)
    if a.ndim == 2:
        return np.matmul(a.T if transpose_a else a, b)
    if transpose_a:
        return np.matmul(a.swapaxes(-1, -2), b)
    if b.ndim == 2:
        shape = a.shape
        rows = a.size // shape[-1] if shape[-1] else int(np.prod(shape[:-1]))
        return np.matmul(a.reshape(rows, shape[-1]), b).reshape((*shape[:-1], b.shape[1]))
    return np.matmul(a, b)


def contract_leading(x: Array, y: Array) -> Array:
    """One GEMM on the flattened leading dimensions."""
    if x.dtype == _HALF:
        return contract_leading(x.astype(np.float32), y.astype(np.float32)).astype(_HALF)
    if x.ndim == 2:
        return np.matmul(x.T, y)
    rows = int(np.prod(x.shape[:-1]))
    return np.matmul(x.reshape(rows, x.shape[-1]).T, y.reshape(rows, y.shape[-1]))


def _order(labels: str, wanted: str) -> tuple[int, ...] | None:
    axes = tuple([labels.index(label) for label in wanted])
    return None if axes == tuple(range(len(axes))) else axes


@lru_cache(maxsize=1024)
def _plan(subscripts: str) -> tuple[Any, ...]:
    """How a sum over two operands becomes one (batched) matrix product."""
    inputs, output = subscripts.split("->")
    a, b = inputs.split(",")
    batch = "".join([label for label in output if label in a and label in b])
    contracted = "".join([label for label in a if label in b and label not in output])
    free_a = "".join([label for label in output if label in a and label not in b])
    free_b = "".join([label for label in output if label in b and label not in a])
    natural = batch + free_a + free_b
    swap = natural != output and batch + free_b + free_a == output
    if swap:
        a, b, free_a, free_b = b, a, free_b, free_a
        natural = batch + free_a + free_b
    return (
        swap,
        _order(a, batch + free_a + contracted),
        _order(b, batch + contracted + free_b),
        len(batch),
        len(free_a),
        len(free_b),
        len(contracted),
        _order(natural, output),
    )


def einsum(*operands: Array, subscripts: str) -> Array:
    """Transposes that stay views wherever BLAS takes strides, and one `matmul`."""
    if len(operands) == 1:
        labels, output = subscripts.split("->")
        order = _order(labels, output)
        return operands[0] if order is None else operands[0].transpose(order)
    if operands[0].dtype == _HALF:
        return einsum(*[x.astype(np.float32) for x in operands], subscripts=subscripts).astype(_HALF)
    swap, order_a, order_b, batch, rank_a, rank_b, summed, order = _plan(subscripts)
    a, b = operands[::-1] if swap else operands
    if order_a is not None:
        a = a.transpose(order_a)
    if order_b is not None:
        b = b.transpose(order_b)
    shape = a.shape[: batch + rank_a] + b.shape[batch + summed :]
    if not summed:
        y = a.reshape(a.shape + (1,) * rank_b) * b.reshape(b.shape[:batch] + (1,) * rank_a + b.shape[batch:])
    else:
        lead = a.shape[:batch]
        if rank_a != 1 or summed != 1:
            rows, inner = int(np.prod(a.shape[batch : batch + rank_a])), int(np.prod(a.shape[batch + rank_a :]))
            a = a.reshape((*lead, rows, inner))
        if rank_b != 1 or summed != 1:
            inner, columns = int(np.prod(b.shape[batch : batch + summed])), int(np.prod(b.shape[batch + summed :]))
            b = b.reshape((*lead, inner, columns))
        y = np.matmul(a, b)
        if rank_a != 1 or rank_b != 1:
            y = y.reshape(shape)
    return y if order is None else y.transpose(order)


def _wide(x: Array) -> Array:
    return x.astype(np.float32) if x.dtype == _HALF else x


def inv(x: Array) -> Array:
    """LAPACK's `gesv` with the identity."""
    return np.linalg.inv(_wide(x)).astype(x.dtype, copy=False)


def det(x: Array) -> Array:
    """The product of the diagonal of an LU decomposition."""
    return np.asarray(np.linalg.det(_wide(x))).astype(x.dtype, copy=False)


def slogdet(x: Array) -> tuple[Array, Array]:
    """The same as a sum of logarithms."""
    sign, logarithm = np.linalg.slogdet(_wide(x))
    return np.asarray(sign).astype(x.dtype, copy=False), np.asarray(logarithm).astype(x.dtype, copy=False)


def solve(a: Array, b: Array) -> Array:
    """LAPACK's `gesv`."""
    return np.linalg.solve(_wide(a), _wide(b)).astype(a.dtype, copy=False)


def solve_triangular(a: Array, b: Array, *, lower: bool) -> Array:
    """A general solver on the triangle: NumPy offers no triangular one."""
    wide = _wide(a)
    return np.linalg.solve(np.tril(wide) if lower else np.triu(wide), _wide(b)).astype(a.dtype, copy=False)


def cholesky(x: Array) -> Array:
    """LAPACK's `potrf`."""
    return np.linalg.cholesky(_wide(x)).astype(x.dtype, copy=False)


def qr(x: Array, *, mode: str) -> tuple[Array, Array]:
    """Householder reflections."""
    q, r = np.linalg.qr(_wide(x), mode="complete" if mode == "complete" else "reduced")
    return q.astype(x.dtype, copy=False), r.astype(x.dtype, copy=False)


def svd(x: Array, *, full_matrices: bool) -> tuple[Array, Array, Array]:
    """LAPACK's `gesdd`."""
    u, s, vh = np.linalg.svd(_wide(x), full_matrices=full_matrices)
    return u.astype(x.dtype, copy=False), s.astype(x.dtype, copy=False), vh.astype(x.dtype, copy=False)


def eigh(x: Array) -> tuple[Array, Array]:
    """LAPACK's `syevd`."""
    values, vectors = np.linalg.eigh(_wide(x))
    return values.astype(x.dtype, copy=False), vectors.astype(x.dtype, copy=False)


def eig(x: Array) -> tuple[Array, Array]:
    """LAPACK's `geev`; real results become complex, so that the dtype does not depend on the values."""
    kind = np.complex128 if x.dtype == np.float64 else np.complex64
    values, vectors = np.linalg.eig(_wide(x))
    return values.astype(kind), vectors.astype(kind)


def lu_factor(x: Array) -> tuple[Array, Array]:
    """Gaussian elimination, one column of all matrices at a time."""
    n = x.shape[-1]
    lead = x.shape[:-2]
    lu = np.array(_wide(x)).reshape((int(np.prod(lead)), n, n))
    pivots = np.zeros((len(lu), n), np.int32)
    batch = np.arange(len(lu))
    for column in range(n):
        if not len(lu):
            break
        best = column + np.abs(lu[:, column:, column]).argmax(axis=1)
        pivots[:, column] = best
        lu[batch, column], lu[batch, best] = lu[batch, best], lu[batch, column]
        pivot = lu[:, column, column][:, None]
        scale = np.divide(
            lu[:, column + 1 :, column], pivot, out=np.zeros_like(lu[:, column + 1 :, column]), where=pivot != 0
        )
        lu[:, column + 1 :, column] = scale
        lu[:, column + 1 :, column + 1 :] -= scale[:, :, None] * lu[:, None, column, column + 1 :]
    return lu.reshape(x.shape).astype(x.dtype, copy=False), pivots.reshape((*lead, n))
