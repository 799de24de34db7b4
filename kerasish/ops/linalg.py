"""What `keras.ops.linalg` offers: solvers and decompositions, what follows from them, and norms."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish import tree
from kerasish.autodiff import GradientTape, Tensor, convert_to_tensor, op
from kerasish.backend import K
from kerasish.ops.decompositions import cholesky, eig, eigh, lu_factor, qr, svd
from kerasish.ops.matmul import matmul, paired
from kerasish.ops.promotion import as_float
from kerasish.ops.solvers import constant, det, inv, logdet, matrices, slogdet, solve, solve_triangular, transposed

__all__ = [
    "cholesky",
    "cholesky_inverse",
    "det",
    "eig",
    "eigh",
    "inv",
    "jvp",
    "logdet",
    "lstsq",
    "lu_factor",
    "matrix_rank",
    "norm",
    "pinv",
    "qr",
    "slogdet",
    "solve",
    "solve_triangular",
    "svd",
]


@op
def cholesky_inverse(x: Any, upper: bool = False) -> Tensor:
    """The inverse of a positive definite matrix, from its triangular factor.

    >>> cholesky_inverse([[2.0, 0.0], [0.0, 4.0]]).tolist()
    [[0.25, 0.0], [0.0, 0.0625]]
    """
    x = matrices("cholesky_inverse", x)
    identity = constant(x, np.broadcast_to(np.eye(x.shape[-1]), x.shape))
    root = solve_triangular(x, identity, lower=not upper)
    return matmul(root, transposed(root)) if upper else matmul(transposed(root), root)


@op
def pinv(x: Any, rcond: float | None = None) -> Tensor:
    """The Moore-Penrose inverse of matrices `(..., m, n)`, through the singular values.

    Args:
        x: The matrices.
        rcond: Singular values below `rcond` times the largest count as zero; by default ten times the
            machine precision times the larger size.

    >>> pinv([[2.0, 0.0], [0.0, 0.0]]).tolist()
    [[0.5, 0.0], [0.0, 0.0]]
    """
    from kerasish.ops.choice import where

    x = matrices("pinv", x, square=False)
    u, s, vh = svd(x, full_matrices=False)
    if rcond is None:
        rcond = 10.0 * max(x.shape[-2:]) * float(np.finfo(x.array.dtype).eps)
    kept = s > s[..., :1] * rcond
    inverse = where(kept, 1 / where(kept, s, 1.0), 0.0)
    return matmul(transposed(vh) * inverse.reshape(*s.shape[:-1], 1, s.shape[-1]), transposed(u))


@op
def lstsq(a: Any, b: Any, rcond: float | None = None) -> Tensor:
    """The `x` of least norm that minimises `|a @ x - b|`.

    Args:
        a: A matrix `(m, n)`.
        b: Right-hand sides `(m,)` or `(m, k)`.
        rcond: As in `pinv`.

    >>> [round(v, 4) for v in lstsq([[1.0], [1.0]], [1.0, 3.0]).tolist()]
    [2.0]
    """
    a, b = paired(matrices("lstsq", a, square=False), as_float(b))
    if a.ndim != 2 or b.ndim not in (1, 2) or a.shape[0] != b.shape[0]:
        raise ValueError(
            "lstsq: expected a of shape (m, n) and b of shape (m,) or (m, k). "
            f"Received: a.shape={a.shape}, b.shape={b.shape}"
        )
    return matmul(pinv(a, rcond), b)


@op
def matrix_rank(x: Any, tol: float | None = None) -> Tensor:
    """How many singular values exceed a tolerance, an int32.

    >>> matrix_rank([[1.0, 1.0], [1.0, 1.0]]).item()
    1
    """
    from kerasish.ops.reduction import sum as reduce_sum

    x = matrices("matrix_rank", x, square=False)
    s = svd(x, compute_uv=False)
    limit = s[..., :1] * (max(x.shape[-2:]) * float(np.finfo(x.array.dtype).eps)) if tol is None else tol
    return reduce_sum(convert_to_tensor(s > limit, "int32"), axis=-1)


@op
def norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Tensor:
    """The norm of vectors or matrices.

    Args:
        x: The tensor.
        ord: For vectors: None or 2 `sqrt(sum |x|^2)`, 1, inf, -inf, 0 (how many are not zero), or any p
            `(sum |x|^p)^(1/p)`. For matrices: None or "fro", "nuc", 1, -1, 2, -2, inf, -inf.
        axis: One dimension for vectors, two for matrices; None for the whole tensor (flattened when `ord`
            is None).
        keepdims: Keep the dimensions with size 1.

    >>> norm([3.0, 4.0]).item()
    5.0
    """
    x = as_float(x)
    rank = x.ndim
    if axis is None:
        axes = tuple(range(rank))
        if ord is not None and rank not in (1, 2):
            raise ValueError(
                f"norm: an order needs an axis where x is not a vector or a matrix. Received: {ord=}, x.shape={x.shape}"
            )
    else:
        given = (axis,) if isinstance(axis, (int, np.integer)) else tuple(axis)
        axes = tuple([int(a) % rank for a in given])
        if len(axes) not in (1, 2) or len(set(axes)) != len(axes):
            raise ValueError(f"norm: expected an axis, or two different ones. Received: axis={axis!r}")
    if ord is None or (ord == "fro" and len(axes) == 2) or (ord == 2 and len(axes) == 1):
        from kerasish.ops.elementwise import sqrt
        from kerasish.ops.reduction import sum as reduce_sum

        return sqrt(reduce_sum(x * x, axis=axes, keepdims=keepdims))
    return _vector_norm(x, ord, axes, keepdims) if len(axes) == 1 else _matrix_norm(x, ord, axes, keepdims)


def _vector_norm(x: Tensor, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    from kerasish.ops import reduction

    if isinstance(ord, str):
        raise ValueError(f"norm: invalid order for vectors. Received: ord={ord!r}")
    if ord == math.inf:
        return reduction.max(abs(x), axis=axes, keepdims=keepdims)
    if ord == -math.inf:
        return reduction.min(abs(x), axis=axes, keepdims=keepdims)
    if ord == 0:
        return reduction.sum(convert_to_tensor(x != 0, x.dtype), axis=axes, keepdims=keepdims)
    if ord == 1:
        return reduction.sum(abs(x), axis=axes, keepdims=keepdims)
    return reduction.sum(abs(x) ** ord, axis=axes, keepdims=keepdims) ** (1.0 / ord)


def _matrix_norm(x: Tensor, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Tensor:
    from kerasish.ops import reduction
    from kerasish.ops.shape import moveaxis

    kept = tuple([1 if d in axes else size for d, size in enumerate(x.shape)])
    x = moveaxis(x, axes, (-2, -1))
    if ord in (1, -1, math.inf, -math.inf):
        sums = reduction.sum(abs(x), axis=-2 if abs(ord) == 1 else -1)
        y = reduction.max(sums, axis=-1) if ord > 0 else reduction.min(sums, axis=-1)
    elif ord in (2, -2, "nuc"):
        values = svd(x, compute_uv=False)
        y = reduction.sum(values, axis=-1) if ord == "nuc" else values[..., 0 if ord == 2 else -1]
    else:
        raise ValueError(f"norm: invalid order for matrices. Received: ord={ord!r}")
    return y.reshape(kept) if keepdims else y


def jvp(fun: Callable[..., Any], primals: Any, tangents: Any, has_aux: bool = False) -> Any:
    """The value of a function, and its directional derivative: the Jacobian times the tangents.

    It is found by differentiating the gradient, which is linear in what arrives at the outputs, once more.

    Args:
        fun: A differentiable function of tensors.
        primals: The arguments at which to evaluate it, a list or a tuple.
        tangents: The direction, one tensor in the shape of each argument.
        has_aux: Whether the function returns a pair of its value and something else.

    Returns:
        `(value, derivative)`, and what else the function returned with `has_aux`.

    >>> value, derivative = jvp(lambda x: x * x, (3.0,), (2.0,))
    >>> value.item(), derivative.item()
    (9.0, 12.0)
    """
    if not isinstance(primals, (list, tuple)) or len(primals) != len(tangents):
        raise ValueError(
            "jvp: expected a list or a tuple of primals and as many tangents. "
            f"Received: primals={primals!r}, tangents={tangents!r}"
        )
    points = [convert_to_tensor(x) for x in primals]
    directions = [convert_to_tensor(t, x.dtype) for t, x in zip(tangents, points, strict=True)]
    for x, direction in zip(points, directions, strict=True):
        if x.shape != direction.shape:
            raise ValueError(
                "jvp: expected each tangent in the shape of its primal. "
                f"Received: primal.shape={x.shape}, tangent.shape={direction.shape}"
            )
    with GradientTape() as outer:
        with GradientTape() as inner:
            inner.watch(points)
            given = fun(*points)
        value, aux = given if has_aux else (given, None)
        outputs = [convert_to_tensor(y) for y in tree.flatten(value)]
        seeds = [Tensor(K.zeros(y.shape, dtype=y.array.dtype)) for y in outputs]
        outer.watch(seeds)
        gradients = inner.gradient(outputs, points, seeds, unconnected_gradients="zero")
    derivatives = outer.gradient(gradients, seeds, directions, unconnected_gradients="zero")
    derivative = tree.pack_sequence_as(value, derivatives) if tree.is_nested(value) else derivatives[0]
    return (value, derivative, aux) if has_aux else (value, derivative)
