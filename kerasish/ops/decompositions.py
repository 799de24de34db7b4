"""Decompositions of matrices: Cholesky, QR, singular values, eigenvalues, LU."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.autodiff import Node, Primitive, Tensor, apply, op
from kerasish.ops.matmul import MATMUL, TRANSPOSE_A, TRANSPOSE_B, matmul
from kerasish.ops.solvers import SOLVE_TRIANGULAR, constant, matrices, same, transposed, triangle


def _cholesky_vjp(node: Node, dy: Tensor) -> tuple[Any, ...]:
    factor = node.output
    inner = triangle(apply(MATMUL, (factor, dy), TRANSPOSE_A), lower=True, diagonal_weight=0.5)
    upper = {"lower": False}
    left = apply(SOLVE_TRIANGULAR, (transposed(factor), inner), upper)
    both = apply(SOLVE_TRIANGULAR, (transposed(factor), transposed(left)), upper)
    return ((both + transposed(both)) * 0.5,)


CHOLESKY = Primitive("cholesky", _cholesky_vjp, same)


@op
def cholesky(x: Any, upper: bool = False) -> Tensor:
    """The triangular factor of positive definite matrices: `x = L @ L^T`.

    Args:
        x: Matrices `(..., n, n)`; of one that is not symmetric, `(x + x^T) / 2` is taken.
        upper: Return `L^T` instead of `L`.

    Raises:
        numpy.linalg.LinAlgError: If a matrix is not positive definite.

    >>> cholesky([[4.0, 0.0], [0.0, 9.0]]).tolist()
    [[2.0, 0.0], [0.0, 3.0]]
    """
    x = matrices("cholesky", x)
    factor = apply(CHOLESKY, ((x + transposed(x)) * 0.5,))
    return transposed(factor) if upper else factor


def _qr_vjp(node: Node, d_q: Tensor | None, d_r: Tensor | None) -> tuple[Any, ...]:
    if node.inputs[0].shape[-2] > node.inputs[0].shape[-1] and node.attrs["mode"] == "complete":
        raise NotImplementedError("The gradient of qr is not defined for mode='complete' on tall matrices.")
    q, r = node.outputs
    inner = None
    if d_r is not None:
        inner = apply(MATMUL, (r, d_r), TRANSPOSE_B)
    if d_q is not None:
        turned = apply(MATMUL, (d_q, q), TRANSPOSE_A)
        inner = -turned if inner is None else inner - turned
    if inner is None:
        return (None,)
    symmetric = triangle(inner, lower=True) + transposed(triangle(inner, lower=True, diagonal_weight=0.0))
    y = matmul(q, symmetric)
    if d_q is not None:
        y = y + d_q
    return (transposed(apply(SOLVE_TRIANGULAR, (r, transposed(y)), {"lower": False})),)


def _qr_infer(x: Any, *, mode: str) -> list[Any]:
    m, n = x.shape[-2:]
    k = m if mode == "complete" else min(m, n)
    return [((*x.shape[:-1], k), x.dtype), ((*x.shape[:-2], k, n), x.dtype)]


QR = Primitive("qr", _qr_vjp, _qr_infer)


@op
def qr(x: Any, mode: str = "reduced") -> tuple[Tensor, Tensor]:
    """The factors of `x = Q @ R`: the columns of Q are orthonormal, R is upper triangular.

    Args:
        x: Matrices `(..., m, n)`.
        mode: "reduced" gives Q `(..., m, k)` and R `(..., k, n)` with `k = min(m, n)`, "complete" gives
            Q `(..., m, m)` and R `(..., m, n)`.

    >>> q, r = qr([[3.0], [4.0]])
    >>> round(abs(r.item()), 4)
    5.0
    """
    if mode not in ("reduced", "complete"):
        raise ValueError(f"mode must be 'reduced' or 'complete'. Received: mode={mode!r}")
    x = matrices("qr", x, square=False)
    m, n = x.shape[-2:]
    if m >= n:
        return apply(QR, (x,), {"mode": mode})
    from kerasish.ops.joining import concatenate

    q, r = apply(QR, (x[..., :m],), {"mode": mode})
    return q, concatenate([r, apply(MATMUL, (q, x[..., m:]), TRANSPOSE_A)], axis=-1)


def _gaps(values: Tensor) -> Tensor:
    """`1 / (v[j] - v[i])` off the diagonal, zero on it."""
    n = values.shape[-1]
    identity = constant(values, np.eye(n))
    differences = values.reshape(*values.shape[:-1], 1, n) - values.reshape(*values.shape, 1)
    return (1 - identity) / (differences + identity)


def _svd_vjp(node: Node, d_u: Tensor | None, d_s: Tensor | None, d_vh: Tensor | None) -> tuple[Any, ...]:
    u, s, vh = node.outputs
    m, n = node.inputs[0].shape[-2:]
    k = min(m, n)
    if d_u is not None or d_vh is not None:
        if node.attrs["full_matrices"] and m != n:
            raise NotImplementedError(
                "The gradient of svd by its vectors is not defined for full_matrices=True on matrices that are "
                "not square: use full_matrices=False."
            )
        gaps = _gaps(s * s)
    u, vh = u[..., :k], vh[..., :k, :]
    row = s.reshape(*s.shape[:-1], 1, k)
    column = s.reshape(*s.shape, 1)
    inner = None
    if d_s is not None:
        inner = d_s.reshape(*s.shape, 1) * constant(s, np.eye(k))
    outside = None
    if d_u is not None:
        turn = apply(MATMUL, (u, d_u), TRANSPOSE_A)
        part = gaps * (turn - transposed(turn)) * row
        inner = part if inner is None else inner + part
        if m > k:
            outside = matmul((d_u - matmul(u, turn)) / row, vh)
    if d_vh is not None:
        turn = apply(MATMUL, (vh, d_vh), TRANSPOSE_B)
        part = column * (gaps * (turn - transposed(turn)))
        inner = part if inner is None else inner + part
        if n > k:
            rest = matmul(u, (d_vh - matmul(transposed(turn), vh)) / column)
            outside = rest if outside is None else outside + rest
    if inner is None:
        return (None,)
    d_x = matmul(matmul(u, inner), vh)
    return (d_x if outside is None else d_x + outside,)


def _svd_infer(x: Any, *, full_matrices: bool) -> list[Any]:
    m, n = x.shape[-2:]
    k = min(m, n)
    lead, dtype = x.shape[:-2], x.dtype
    return [
        ((*lead, m, m if full_matrices else k), dtype),
        ((*lead, k), dtype),
        ((*lead, n if full_matrices else k, n), dtype),
    ]


SVD = Primitive("svd", _svd_vjp, _svd_infer)


@op
def svd(x: Any, full_matrices: bool = True, compute_uv: bool = True) -> Any:
    """The singular value decomposition `x = u @ diag(s) @ vh`, the values in descending order.

    Args:
        x: Matrices `(..., m, n)`.
        full_matrices: Whether u is `(..., m, m)` and vh `(..., n, n)`, or have `min(m, n)` columns and rows.
        compute_uv: Whether to return `(u, s, vh)` or s alone.

    >>> svd([[3.0, 0.0], [0.0, 4.0]], compute_uv=False).tolist()
    [4.0, 3.0]
    """
    x = matrices("svd", x, square=False)
    u, s, vh = apply(SVD, (x,), {"full_matrices": bool(full_matrices) and bool(compute_uv)})
    return (u, s, vh) if compute_uv else s


def _eigh_vjp(node: Node, d_values: Tensor | None, d_vectors: Tensor | None) -> tuple[Any, ...]:
    values, vectors = node.outputs
    inner = None
    if d_values is not None:
        inner = d_values.reshape(*values.shape, 1) * constant(values, np.eye(values.shape[-1]))
    if d_vectors is not None:
        part = _gaps(values) * apply(MATMUL, (vectors, d_vectors), TRANSPOSE_A)
        inner = part if inner is None else inner + part
    if inner is None:
        return (None,)
    d_x = apply(MATMUL, (matmul(vectors, inner), vectors), TRANSPOSE_B)
    return ((d_x + transposed(d_x)) * 0.5,)


EIGH = Primitive("eigh", _eigh_vjp, lambda x: [(x.shape[:-1], x.dtype), (x.shape, x.dtype)])


@op
def eigh(x: Any) -> tuple[Tensor, Tensor]:
    """The eigenvalues, in ascending order, and eigenvectors of symmetric matrices.

    Args:
        x: Matrices `(..., n, n)`; of one that is not symmetric, `(x + x^T) / 2` is taken.

    Returns:
        Eigenvalues `(..., n)`, and eigenvectors `(..., n, n)` as columns.

    >>> eigh([[3.0, 0.0], [0.0, 2.0]])[0].tolist()
    [2.0, 3.0]
    """
    x = matrices("eigh", x)
    return apply(EIGH, ((x + transposed(x)) * 0.5,))


def _complex(x: Any) -> Any:
    return np.complex128 if x.dtype == np.float64 else np.complex64


EIG = Primitive("eig", infer=lambda x: [(x.shape[:-1], _complex(x)), (x.shape, _complex(x))])
LU_FACTOR = Primitive("lu_factor", infer=lambda x: [(x.shape, x.dtype), (x.shape[:-1], np.int32)])


@op
def eig(x: Any) -> tuple[Tensor, Tensor]:
    """The complex eigenvalues and right eigenvectors of square matrices. No gradient.

    >>> eig([[2.0, 0.0], [0.0, 3.0]])[0].dtype
    'complex64'
    """
    return apply(EIG, (matrices("eig", x),))


@op
def lu_factor(x: Any) -> tuple[Tensor, Tensor]:
    """The LU decomposition with partial pivoting of square matrices: L and U in one, and the pivots. No gradient.

    >>> lu, pivots = lu_factor([[1.0, 2.0], [2.0, 2.0]])
    >>> lu.tolist(), pivots.tolist()
    ([[2.0, 2.0], [0.5, 1.0]], [1, 1])
    """
    return apply(LU_FACTOR, (matrices("lu_factor", x),))
