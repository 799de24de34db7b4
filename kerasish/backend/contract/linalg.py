"""Products of matrices, and their decompositions."""

from __future__ import annotations

from kerasish.backend.contract.types import Array


def matmul(a: Array, b: Array, *, transpose_a: bool = False, transpose_b: bool = False) -> Array:
    """The product of matrices: `(..., m, k) @ (..., k, n) -> (..., m, n)`.

    The leading dimensions broadcast; each operand has at least two dimensions and is used with its last
    two swapped where its flag says so. Half precision accumulates in float32.
    """
    raise NotImplementedError


def contract_leading(x: Array, y: Array) -> Array:
    """The sum over all leading dimensions of outer products: `(..., d), (..., u) -> (d, u)`.

    This is the gradient of the kernel of a dense layer: `x` its input, `y` the gradient of its output.
    """
    raise NotImplementedError


def einsum(*operands: Array, subscripts: str) -> Array:
    """Einstein's sum over one or two operands, written "ab,bc->ac".

    No ellipsis; no label occurs twice in an operand; in an operand, each label also occurs in the other
    operand or in the output.
    """
    raise NotImplementedError


def inv(x: Array) -> Array:
    """The inverse of square matrices `(..., n, n)`. Raises `numpy.linalg.LinAlgError` for a singular one."""
    raise NotImplementedError


def det(x: Array) -> Array:
    """The determinant of square matrices: `(..., n, n) -> (...)`."""
    raise NotImplementedError


def slogdet(x: Array) -> tuple[Array, Array]:
    """The sign and the logarithm of the absolute value of the determinant: `(..., n, n) -> (...), (...)`."""
    raise NotImplementedError


def solve(a: Array, b: Array) -> Array:
    """The `x` with `a @ x = b`: `(..., n, n), (..., n, m) -> (..., n, m)`."""
    raise NotImplementedError


def solve_triangular(a: Array, b: Array, *, lower: bool) -> Array:
    """The `x` with `a @ x = b` where only one triangle of `a` is looked at; shapes as in `solve`."""
    raise NotImplementedError


def cholesky(x: Array) -> Array:
    """The lower triangular `L` with `x = L @ L^T`; only the lower triangle of `x` is looked at."""
    raise NotImplementedError


def qr(x: Array, *, mode: str) -> tuple[Array, Array]:
    """The factors of `x = Q @ R`: with mode "reduced" `(..., m, k), (..., k, n)`, `k = min(m, n)`;

    with mode "complete" `(..., m, m), (..., m, n)`.
    """
    raise NotImplementedError


def svd(x: Array, *, full_matrices: bool) -> tuple[Array, Array, Array]:
    """The factors `(u, s, vh)` of `x = u @ diag(s) @ vh`, the singular values in descending order."""
    raise NotImplementedError


def eigh(x: Array) -> tuple[Array, Array]:
    """The eigenvalues in ascending order `(..., n)` and the eigenvectors `(..., n, n)` of symmetric matrices.

    Only the lower triangle of `x` is looked at.
    """
    raise NotImplementedError


def eig(x: Array) -> tuple[Array, Array]:
    """The complex eigenvalues `(..., n)` and right eigenvectors `(..., n, n)` of square matrices."""
    raise NotImplementedError


def lu_factor(x: Array) -> tuple[Array, Array]:
    """The LU decomposition with partial pivoting of square matrices `(..., n, n)`.

    Returns L (unit diagonal, not stored) and U packed into one matrix, and the int32 pivots `(..., n)`: row
    i was swapped with row `pivots[i]`, as LAPACK's `getrf` does.
    """
    raise NotImplementedError
