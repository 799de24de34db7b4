"""Order: sorting, the largest elements, searching in sorted sequences, unique values."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.autodiff import Node, Primitive, Tensor, apply, convert_to_tensor, op
from kerasish.backend import K
from kerasish.ops.indexing import SCATTER_ALONG_AXIS, TAKE_ALONG_AXIS, to_indices


def _sort_vjp(node: Node, dy: Tensor) -> tuple[Any, ...]:
    (x,) = node.inputs
    axis = node.attrs["axis"]
    order = apply(ARGSORT, (x,), {"axis": axis})
    return (apply(SCATTER_ALONG_AXIS, (dy, order), {"axis": axis, "shape": x.array.shape}),)


SORT = Primitive("sort", _sort_vjp, lambda x, *, axis: (x.shape, x.dtype))
ARGSORT = Primitive("argsort", infer=lambda x, *, axis: (x.shape, np.dtype(np.int32)))


def _along(x: Any, axis: int | None, name: str) -> tuple[Tensor, int]:
    x = convert_to_tensor(x)
    if axis is None:
        return x.reshape(-1), 0
    if not -x.ndim <= axis < x.ndim:
        raise ValueError(f"{name}: the axis does not exist. Received: axis={axis}, x.shape={x.shape}")
    return x, axis % x.ndim


@op
def sort(x: Any, axis: int | None = -1) -> Tensor:
    """The elements in ascending order along an axis (None: of the flattened tensor).

    >>> sort([3, 1, 2]).tolist()
    [1, 2, 3]
    """
    x, axis = _along(x, axis, "sort")
    return apply(SORT, (x,), {"axis": axis})


@op
def argsort(x: Any, axis: int | None = -1) -> Tensor:
    """The int32 indices that sort along an axis (None: of the flattened tensor); ties keep their order.

    >>> argsort([3, 1, 2]).tolist()
    [1, 2, 0]
    """
    x, axis = _along(x, axis, "argsort")
    return apply(ARGSORT, (x,), {"axis": axis})


@op
def argpartition(x: Any, kth: int, axis: int | None = -1) -> Tensor:
    """Indices with that of the kth smallest element in its place, those of smaller ones before it.

    >>> argpartition([3, 1, 2], 1).tolist()[1]
    2
    """
    x, axis = _along(x, axis, "argpartition")
    if not -x.shape[axis] <= kth < x.shape[axis]:
        raise ValueError(f"argpartition: kth is out of bounds. Received: kth={kth}, x.shape={x.shape}")
    # A full order is a partition at every position.
    return apply(ARGSORT, (x,), {"axis": axis})


def _top_k_vjp(node: Node, d_values: Tensor | None, d_indices: Any) -> tuple[Any, ...]:
    if d_values is None:
        return (None,)
    (x,) = node.inputs
    axis = x.array.ndim - 1
    return (apply(SCATTER_ALONG_AXIS, (d_values, Tensor(node.results[1])), {"axis": axis, "shape": x.array.shape}),)


def _top_k_infer(x: Any, *, k: int) -> list[Any]:
    shape = (*x.shape[:-1], k)
    return [(shape, x.dtype), (shape, np.dtype(np.int32))]


TOP_K = Primitive("top_k", _top_k_vjp, _top_k_infer)


@op
def top_k(x: Any, k: int, sorted: bool = True) -> tuple[Tensor, Tensor]:
    """The k largest elements of the last dimension and their int32 indices.

    Args:
        x: The tensor `(..., n)`.
        k: How many, at most n.
        sorted: Kept for Keras's signature: they always come in descending order, and of equal ones the one
            with the lower index first.

    >>> values, indices = top_k([1.0, 3.0, 2.0], 2)
    >>> values.tolist(), indices.tolist()
    ([3.0, 2.0], [1, 2])
    """
    x = convert_to_tensor(x)
    if not x.ndim or not 0 <= k <= x.shape[-1]:
        raise ValueError(
            f"top_k: expected k between 0 and the size of the last dimension. Received: k={k}, x.shape={x.shape}"
        )
    return apply(TOP_K, (x,), {"k": int(k)})


@op
def in_top_k(targets: Any, predictions: Any, k: int) -> Tensor:
    """Whether the prediction for the target class is among the k largest of its row.

    Args:
        targets: Integer classes `(batch,)`.
        predictions: Scores `(batch, classes)`. Scores equal to the target's do not push it out.
        k: How many.

    >>> in_top_k([1, 0], [[0.1, 0.9], [0.2, 0.8]], k=1).tolist()
    [True, False]
    """
    from kerasish.ops.reduction import sum as reduce_sum

    predictions = convert_to_tensor(predictions)
    targets = to_indices(targets, "in_top_k")
    if predictions.ndim != targets.ndim + 1:
        raise ValueError(
            "in_top_k: expected targets (batch,) and predictions (batch, classes). "
            f"Received: targets.shape={targets.shape}, predictions.shape={predictions.shape}"
        )
    axis = predictions.ndim - 1
    own = apply(TAKE_ALONG_AXIS, (predictions, targets.reshape(*targets.shape, 1)), {"axis": axis})
    above = reduce_sum(convert_to_tensor(predictions > own, "int32"), axis=-1)
    # The comparison of a row with itself leaves out targets whose score is not a number.
    return (above < k) & (own == own).reshape(targets.shape)


SEARCHSORTED = Primitive("searchsorted", infer=lambda sequence, values, *, side: (values.shape, np.dtype(np.int32)))


@op
def searchsorted(sorted_sequence: Any, values: Any, side: str = "left") -> Tensor:
    """The positions at which values would go into a sorted sequence, as int32.

    Args:
        sorted_sequence: A one-dimensional tensor in ascending order.
        values: Values of any shape.
        side: "left" gives the position before equal elements, "right" the one after them.

    >>> searchsorted([1, 3, 5], [3, 4]).tolist()
    [1, 2]
    """
    if side not in ("left", "right"):
        raise ValueError(f"side must be 'left' or 'right'. Received: side={side!r}")
    sequence, wanted = convert_to_tensor(sorted_sequence), convert_to_tensor(values)
    if sequence.ndim != 1:
        raise ValueError(
            f"searchsorted: expected a one-dimensional sequence. Received: sorted_sequence.shape={sequence.shape}"
        )
    return apply(SEARCHSORTED, (sequence, wanted), {"side": side})


@op
def digitize(x: Any, bins: Any) -> Tensor:
    """The int32 index of the bin of each element: `bins[i - 1] <= x < bins[i]`.

    Args:
        x: The tensor.
        bins: The edges in ascending order.

    >>> digitize([0.5, 2.0, 9.0], [1.0, 2.0, 3.0]).tolist()
    [0, 2, 3]
    """
    return searchsorted(bins, x, side="right")


@op
def nonzero(x: Any) -> tuple[Tensor, ...]:
    """The int32 indices of the elements that are not zero, one tensor for each dimension.

    Their number depends on the values, which are read on the host.

    >>> [i.tolist() for i in nonzero([[0, 1], [2, 0]])]
    [[0, 1], [1, 0]]
    """
    found = np.nonzero(convert_to_tensor(x).numpy())
    return tuple([Tensor(K.asarray(index.astype(np.int32))) for index in found])


@op
def unique(
    x: Any,
    sorted: bool = True,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    size: int | None = None,
    fill_value: Any = None,
) -> Any:
    """The different values, or slices, in ascending order. Their number is found on the host.

    Args:
        x: The tensor.
        sorted: Kept for Keras's signature: the values always come in ascending order.
        return_index: Also return where each value occurs first.
        return_inverse: Also return the indices that rebuild `x`.
        return_counts: Also return how often each value occurs.
        axis: The dimension whose slices are compared; None for the flattened tensor.
        size: The number of values to return: more are cut off, missing ones are filled.
        fill_value: What fills missing values, by default the smallest value there is.

    >>> unique([3, 1, 3]).tolist()
    [1, 3]
    """
    values, first, inverse, counts = np.unique(
        convert_to_tensor(x).numpy(),
        return_index=True,
        return_inverse=True,
        return_counts=True,
        axis=axis,
        equal_nan=False,
    )
    along = 0 if axis is None else axis
    if size is not None:
        values = _resized(values, size, along, fill_value)
        first = _resized(first, size, 0, first[0] if first.size else 0)
        counts = _resized(counts, size, 0, 0)
    results = [Tensor(K.asarray(values))]
    for wanted, extra in ((return_index, first), (return_inverse, inverse), (return_counts, counts)):
        if wanted:
            results.append(Tensor(K.asarray(extra.astype(np.int32))))
    return results[0] if len(results) == 1 else tuple(results)


def _resized(values: np.ndarray[Any, Any], size: int, axis: int, fill: Any) -> np.ndarray[Any, Any]:
    values = np.moveaxis(values, axis, 0)
    if len(values) < size:
        if fill is None:
            fill = values[0] if len(values) else 0
        filled = np.empty((size - len(values), *values.shape[1:]), values.dtype)
        filled[...] = fill
        values = np.concatenate([values, filled])
    return np.moveaxis(values[:size], 0, axis)
