"""Inverses, determinants, and systems of linear equations."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.autodiff import Node, Primitive, Tensor, apply, op
from kerasish.backend import K
from kerasish.ops.gradients import unbroadcast
from kerasish.ops.matmul import MATMUL, TRANSPOSE_A, TRANSPOSE_B, paired
from kerasish.ops.promotion import as_float


def transposed(x: Tensor) -> Tensor:
    """The matrices with rows and columns exchanged."""
    from kerasish.ops.shape import swapaxes

    return swapaxes(x, -1, -2)


def constant(x: Tensor, values: np.ndarray[Any, Any]) -> Tensor:
    """Values as a tensor of the dtype of another one."""
    return Tensor(K.cast(K.asarray(values), dtype=x.array.dtype))


def triangle(x: Tensor, lower: bool, diagonal_weight: float = 1.0) -> Tensor:
    """One triangle of square matrices, zeros elsewhere, with the diagonal times a weight."""
    n = x.shape[-1]
    strict = np.tril(np.ones((n, n)), -1) if lower else np.triu(np.ones((n, n)), 1)
    return x * constant(x, strict + diagonal_weight * np.eye(n))


def matrices(name: str, x: Any, square: bool = True) -> Tensor:
    """A tensor of float matrices, or an error that names the function."""
    x = as_float(x)
    if x.ndim < 2 or (square and x.shape[-1] != x.shape[-2]):
        wanted = "square matrices (..., n, n)" if square else "matrices (..., m, n)"
        raise ValueError(f"{name}: expected {wanted}. Received: x.shape={x.shape}")
    return x


def same(x: Any, **attrs: Any) -> tuple[Any, Any]:
    """The shape rule of what keeps shape and dtype."""
    return x.shape, x.dtype


def _inv_vjp(node: Node, dy: Tensor) -> tuple[Any, ...]:
    y = node.output
    return (-apply(MATMUL, (apply(MATMUL, (y, dy), TRANSPOSE_A), y), TRANSPOSE_B),)


INV = Primitive("inv", _inv_vjp, same)


@op
def inv(x: Any) -> Tensor:
    """The inverse of square matrices `(..., n, n)`.

    Raises:
        numpy.linalg.LinAlgError: If a matrix is singular.

    >>> inv([[2.0, 0.0], [0.0, 4.0]]).tolist()
    [[0.5, 0.0], [0.0, 0.25]]
    """
    return apply(INV, (matrices("inv", x),))


def _det_vjp(node: Node, dy: Tensor) -> tuple[Any, ...]:
    scale = dy * node.output
    return (transposed(apply(INV, (node.inputs[0],))) * scale.reshape(*scale.shape, 1, 1),)


DET = Primitive("det", _det_vjp, lambda x: (x.shape[:-2], x.dtype))


@op
def det(x: Any) -> Tensor:
    """The determinant of square matrices: `(..., n, n) -> (...)`.

    Its gradient, `det(x) * inv(x)^T`, needs matrices that are not singular.

    >>> det([[2.0, 0.0], [0.0, 4.0]]).item()
    8.0
    """
    return apply(DET, (matrices("det", x),))


def _slogdet_vjp(node: Node, d_sign: Tensor | None, d_log: Tensor | None) -> tuple[Any, ...]:
    if d_log is None:
        return (None,)
    return (transposed(apply(INV, (node.inputs[0],))) * d_log.reshape(*d_log.shape, 1, 1),)


SLOGDET = Primitive("slogdet", _slogdet_vjp, lambda x: [(x.shape[:-2], x.dtype), (x.shape[:-2], x.dtype)])


@op
def slogdet(x: Any) -> tuple[Tensor, Tensor]:
    """The sign of the determinant, and the logarithm of its absolute value.

    >>> sign, logarithm = slogdet([[-1.0, 0.0], [0.0, 1.0]])
    >>> sign.item(), logarithm.item()
    (-1.0, 0.0)
    """
    return apply(SLOGDET, (matrices("slogdet", x),))


@op
def logdet(x: Any) -> Tensor:
    """The logarithm of the determinant of positive definite matrices.

    >>> logdet([[1.0, 0.0], [0.0, 1.0]]).item()
    0.0
    """
    return slogdet(x)[1]


def _solve_vjp(node: Node, dy: Tensor) -> tuple[Any, ...]:
    a, b = node.inputs
    d_b = apply(SOLVE, (transposed(a), dy))
    d_a = -apply(MATMUL, (d_b, node.output), TRANSPOSE_B) if node.needs[0] else None
    return None if d_a is None else unbroadcast(d_a, a.shape), unbroadcast(d_b, b.shape) if node.needs[1] else None


def _solve_infer(a: Any, b: Any, **attrs: Any) -> tuple[Any, Any]:
    lead = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    return (*lead, a.shape[-1], b.shape[-1]), a.dtype


SOLVE = Primitive("solve", _solve_vjp, _solve_infer)


def _system(name: str, a: Any, b: Any) -> tuple[Tensor, Tensor, bool]:
    a, b = paired(matrices(name, a), as_float(b))
    vector = b.ndim == a.ndim - 1
    if b.ndim < 1 or (b.ndim != a.ndim and not vector) or b.shape[-1 if vector else -2] != a.shape[-1]:
        raise ValueError(
            f"{name}: expected b of shape (..., n) or (..., n, m) for a of shape (..., n, n). "
            f"Received: a.shape={a.shape}, b.shape={b.shape}"
        )
    return a, b.reshape(*b.shape, 1) if vector else b, vector


@op
def solve(a: Any, b: Any) -> Tensor:
    """The `x` with `a @ x = b`.

    Args:
        a: Square matrices `(..., n, n)`.
        b: Right-hand sides `(..., n)` or `(..., n, m)`.

    >>> solve([[2.0, 0.0], [0.0, 4.0]], [2.0, 2.0]).tolist()
    [1.0, 0.5]
    """
    a, b, vector = _system("solve", a, b)
    x = apply(SOLVE, (a, b))
    return x.reshape(x.shape[:-1]) if vector else x


def _solve_triangular_vjp(node: Node, dy: Tensor) -> tuple[Any, ...]:
    a, b = node.inputs
    lower = node.attrs["lower"]
    d_b = apply(SOLVE_TRIANGULAR, (transposed(a), dy), {"lower": not lower})
    d_a = None
    if node.needs[0]:
        d_a = unbroadcast(triangle(-apply(MATMUL, (d_b, node.output), TRANSPOSE_B), lower), a.shape)
    return d_a, unbroadcast(d_b, b.shape) if node.needs[1] else None


SOLVE_TRIANGULAR = Primitive("solve_triangular", _solve_triangular_vjp, _solve_infer)


@op
def solve_triangular(a: Any, b: Any, lower: bool = False) -> Tensor:
    """The `x` with `a @ x = b`, where `a` is triangular: the other triangle is not looked at.

    >>> solve_triangular([[2.0, 0.0], [1.0, 1.0]], [2.0, 3.0], lower=True).tolist()
    [1.0, 2.0]
    """
    a, b, vector = _system("solve_triangular", a, b)
    x = apply(SOLVE_TRIANGULAR, (a, b), {"lower": bool(lower)})
    return x.reshape(x.shape[:-1]) if vector else x
