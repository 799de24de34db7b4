"""Products of tensors that follow from matmul and einsum, and diagonals."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.autodiff import Tensor, apply, convert_to_tensor, op
from kerasish.backend import K
from kerasish.ops.indexing import GET_ITEM, SCATTER_ITEM
from kerasish.ops.matmul import EINSUM, einsum, matmul, paired
from kerasish.ops.promotion import autocasted

__all__ = [
    "autocasted",
    "cross",
    "diag",
    "diagflat",
    "diagonal",
    "dot",
    "einsum",
    "inner",
    "kron",
    "matmul",
    "outer",
    "tensordot",
    "trace",
    "vdot",
]


def _axes(axes: Any, rank_a: int, rank_b: int) -> tuple[list[int], list[int]]:
    if isinstance(axes, (int, np.integer)):
        count = int(axes)
        return list(range(rank_a - count, rank_a)), list(range(count))
    first, second = axes
    first = [first] if isinstance(first, (int, np.integer)) else list(first)
    second = [second] if isinstance(second, (int, np.integer)) else list(second)
    return [int(axis) % rank_a for axis in first], [int(axis) % rank_b for axis in second]


_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@op
def tensordot(x1: Any, x2: Any, axes: Any = 2) -> Tensor:
    """The sum of products over pairs of dimensions.

    Args:
        x1: The first tensor.
        x2: The second tensor.
        axes: How many of the last dimensions of `x1` meet the first of `x2`, or a pair of lists: which
            dimensions of `x1` meet which of `x2`.

    Raises:
        ValueError: If the sizes of the dimensions that meet differ.

    >>> tensordot([[1.0, 2.0]], [[3.0], [4.0]], axes=1).tolist()
    [[11.0]]
    """
    a, b = paired(x1, x2)
    first, second = _axes(axes, a.ndim, b.ndim)
    if len(first) != len(second) or [a.shape[d] for d in first] != [b.shape[d] for d in second]:
        raise ValueError(
            "tensordot: the dimensions that meet must have the same sizes. "
            f"Received: x1.shape={a.shape}, x2.shape={b.shape}, axes={axes!r}"
        )
    labels_a = list(_LETTERS[: a.ndim])
    labels_b = list(_LETTERS[a.ndim : a.ndim + b.ndim])
    for left, right in zip(first, second, strict=True):
        labels_b[right] = labels_a[left]
    output = [label for label in labels_a + labels_b if (label in labels_a) != (label in labels_b)]
    return apply(EINSUM, (a, b), {"subscripts": f"{''.join(labels_a)},{''.join(labels_b)}->{''.join(output)}"})


@op
def dot(x1: Any, x2: Any) -> Tensor:
    """The sum of products over the last dimension of `x1` and the second to last (or only) one of `x2`.

    >>> dot([1.0, 2.0], [3.0, 4.0]).item()
    11.0
    """
    a, b = paired(x1, x2)
    if not a.ndim or not b.ndim:
        return a * b
    if a.ndim == b.ndim == 2:
        return matmul(a, b)
    return tensordot(a, b, axes=([-1], [-1 if b.ndim == 1 else -2]))


@op
def inner(x1: Any, x2: Any) -> Tensor:
    """The sum of products over the last dimension of both.

    >>> inner([[1.0, 2.0]], [3.0, 4.0]).tolist()
    [11.0]
    """
    a, b = paired(x1, x2)
    if not a.ndim or not b.ndim:
        return a * b
    return tensordot(a, b, axes=([-1], [-1]))


@op
def outer(x1: Any, x2: Any) -> Tensor:
    """`y[i, j] = x1[i] * x2[j]` of the flattened tensors.

    >>> outer([1.0, 2.0], [3.0, 4.0]).tolist()
    [[3.0, 4.0], [6.0, 8.0]]
    """
    a, b = paired(x1, x2)
    return a.reshape(a.size, 1) * b.reshape(1, b.size)


@op
def vdot(x1: Any, x2: Any) -> Tensor:
    """The sum of products of the flattened tensors.

    >>> vdot([[1.0, 2.0]], [[3.0], [4.0]]).item()
    11.0
    """
    a, b = paired(x1, x2)
    return tensordot(a.reshape(a.size), b.reshape(b.size), axes=1)


def _diagonal_key(rows: int, columns: int, offset: int) -> tuple[Any, Any]:
    count = max(min(rows + min(offset, 0), columns - max(offset, 0)), 0)
    steps = np.arange(count)
    return K.asarray(steps + max(-offset, 0)), K.asarray(steps + max(offset, 0))


@op
def diagonal(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The diagonal of two dimensions, which becomes the last one.

    Args:
        x: A tensor of two dimensions or more.
        offset: How far above the main diagonal.
        axis1: The dimension of the rows.
        axis2: The dimension of the columns.

    >>> diagonal([[1, 2], [3, 4]]).tolist()
    [1, 4]
    """
    from kerasish.ops.shape import moveaxis

    x = convert_to_tensor(x)
    if x.ndim < 2:
        raise ValueError(f"diagonal: expected a tensor of two dimensions or more. Received: x.shape={x.shape}")
    axis1, axis2 = axis1 % x.ndim, axis2 % x.ndim
    if axis1 == axis2:
        raise ValueError(f"diagonal: expected two dimensions. Received: axis1={axis1}, axis2={axis2}")
    if (axis1, axis2) != (x.ndim - 2, x.ndim - 1):
        x = moveaxis(x, (axis1, axis2), (-2, -1))
    return apply(GET_ITEM, (x,), {"key": (Ellipsis, *_diagonal_key(x.shape[-2], x.shape[-1], offset))})


@op
def trace(x: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    """The sum of the diagonal of two dimensions.

    >>> trace([[1, 2], [3, 4]]).item()
    5
    """
    from kerasish.ops.reduction import sum as reduce_sum

    return reduce_sum(diagonal(x, offset, axis1, axis2), axis=-1)


@op
def diag(x: Any, k: int = 0) -> Tensor:
    """A matrix with `x` on its k-th diagonal, or the k-th diagonal of a matrix.

    >>> diag([1, 2]).tolist()
    [[1, 0], [0, 2]]
    """
    x = convert_to_tensor(x)
    if x.ndim == 2:
        return diagonal(x, offset=k)
    if x.ndim != 1:
        raise ValueError(f"diag: expected one or two dimensions. Received: x.shape={x.shape}")
    size = x.shape[0] + abs(k)
    return apply(SCATTER_ITEM, (x,), {"key": _diagonal_key(size, size, k), "shape": (size, size)})


@op
def diagflat(x: Any, k: int = 0) -> Tensor:
    """A matrix with the flattened `x` on its k-th diagonal.

    >>> diagflat([[1], [2]]).tolist()
    [[1, 0], [0, 2]]
    """
    return diag(convert_to_tensor(x).reshape(-1), k)


@op
def kron(x1: Any, x2: Any) -> Tensor:
    """The Kronecker product: each element of `x1` becomes a block, a multiple of `x2`.

    >>> kron([[1.0, 2.0]], [[1.0], [3.0]]).tolist()
    [[1.0, 2.0], [3.0, 6.0]]
    """
    a, b = paired(x1, x2)
    rank = max(a.ndim, b.ndim)
    sizes_a = (1,) * (rank - a.ndim) + a.shape
    sizes_b = (1,) * (rank - b.ndim) + b.shape
    blocks = a.reshape([n for size in sizes_a for n in (size, 1)])
    inside = b.reshape([n for size in sizes_b for n in (1, size)])
    return (blocks * inside).reshape([m * n for m, n in zip(sizes_a, sizes_b, strict=True)])


@op
def cross(x1: Any, x2: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Tensor:
    """The cross product of vectors of three components, or two (whose third is zero).

    Args:
        x1: The first vectors.
        x2: The second vectors; the other dimensions broadcast.
        axisa: The dimension of `x1` that holds the components.
        axisb: The dimension of `x2` that holds the components.
        axisc: Where they go in the result. With two components in both, the result has none: it is the
            third component.
        axis: All three at once.

    >>> cross([1.0, 0.0, 0.0], [0.0, 1.0, 0.0]).tolist()
    [0.0, 0.0, 1.0]
    """
    from kerasish.ops.joining import stack
    from kerasish.ops.shape import moveaxis

    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = paired(x1, x2)
    a, b = moveaxis(a, axisa, -1), moveaxis(b, axisb, -1)
    if a.shape[-1] not in (2, 3) or b.shape[-1] not in (2, 3):
        raise ValueError(
            f"cross: expected vectors of 2 or 3 components. Received: x1.shape={a.shape}, x2.shape={b.shape}"
        )
    a0, a1 = a[..., 0], a[..., 1]
    b0, b1 = b[..., 0], b[..., 1]
    third = a0 * b1 - a1 * b0
    if a.shape[-1] == b.shape[-1] == 2:
        return third
    if a.shape[-1] == 2:
        b2 = b[..., 2]
        parts = [a1 * b2, -(a0 * b2), third]
    elif b.shape[-1] == 2:
        a2 = a[..., 2]
        parts = [-(a2 * b1), a2 * b0, third]
    else:
        a2, b2 = a[..., 2], b[..., 2]
        parts = [a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, third]
    return moveaxis(stack(parts, axis=-1), -1, axisc)
