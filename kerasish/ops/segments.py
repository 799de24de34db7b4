"""Sums and maxima over groups of elements."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.autodiff import Node, Primitive, Tensor, apply, convert_to_tensor, op
from kerasish.backend import K
from kerasish.ops.encoding import refuse_sparse
from kerasish.ops.indexing import TAKE, to_indices


def _segments_infer(data: Any, segment_ids: Any, *, num_segments: int) -> tuple[Any, Any]:
    return (num_segments, *data.shape[1:]), data.dtype


def _of_segment(values: Tensor, segment_ids: Tensor, data: Tensor) -> Tensor:
    """The value of its segment for each element; zero for one that belongs to none."""
    count = values.shape[0]
    inside = convert_to_tensor((segment_ids >= 0) & (segment_ids < count), "int32")
    picked = apply(TAKE, (values, segment_ids * convert_to_tensor(inside, segment_ids.dtype)), {"axis": 0})
    return picked * convert_to_tensor(inside, data.dtype).reshape(-1, *[1] * (data.ndim - 1))


def _segment_sum_vjp(node: Node, dy: Tensor) -> tuple[Any, ...]:
    data, segment_ids = node.inputs
    return _of_segment(dy, segment_ids, data), None


def _segment_max_vjp(node: Node, dy: Tensor) -> tuple[Any, ...]:
    data, segment_ids = node.inputs
    constant = Tensor(data.array)
    largest = apply(TAKE, (Tensor(node.results), segment_ids % dy.shape[0]), {"axis": 0})
    winners = convert_to_tensor(constant == largest, data.dtype)
    # Equal elements share the gradient.
    ties = apply(SEGMENT_SUM, (winners, segment_ids), {"num_segments": dy.shape[0]})
    shares = dy / (ties + convert_to_tensor(ties == 0, data.dtype))
    return _of_segment(shares, segment_ids, data) * winners, None


SEGMENT_SUM = Primitive("segment_sum", _segment_sum_vjp, _segments_infer)
SEGMENT_MAX = Primitive("segment_max", _segment_max_vjp, _segments_infer)


def _segments(name: str, data: Any, segment_ids: Any, num_segments: int | None) -> tuple[Tensor, Tensor, int]:
    data, ids = convert_to_tensor(data), to_indices(segment_ids, name)
    if ids.ndim != 1 or not data.ndim or data.shape[0] != ids.shape[0]:
        raise ValueError(
            f"{name}: expected one-dimensional segment_ids, one for each row of data. "
            f"Received: data.shape={data.shape}, segment_ids.shape={ids.shape}"
        )
    if num_segments is None:
        num_segments = int(ids.numpy().max()) + 1 if ids.size else 0
    return data, ids, int(num_segments)


@op
def segment_sum(data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> Tensor:
    """The sum of the rows of each segment: `y[s] = sum of data[i] with segment_ids[i] == s`.

    Args:
        data: The rows.
        segment_ids: The segment of each row; rows outside [0, num_segments) are left out.
        num_segments: How many segments there are, by default one more than the largest id.
        sorted: Whether the ids are in ascending order; the result does not depend on it.

    >>> segment_sum([1.0, 2.0, 3.0], [0, 2, 0], 3).tolist()
    [4.0, 0.0, 2.0]
    """
    data, ids, count = _segments("segment_sum", data, segment_ids, num_segments)
    return apply(SEGMENT_SUM, (data, ids), {"num_segments": count})


@op
def segment_max(data: Any, segment_ids: Any, num_segments: int | None = None, sorted: bool = False) -> Tensor:
    """The largest of the rows of each segment, element by element; the lowest value for an empty segment.

    Args:
        data: The rows.
        segment_ids: The segment of each row; rows outside [0, num_segments) are left out.
        num_segments: How many segments there are, by default one more than the largest id.
        sorted: Whether the ids are in ascending order; the result does not depend on it.

    >>> segment_max([1.0, 2.0, 3.0], [0, 1, 0], 2).tolist()
    [3.0, 2.0]
    """
    data, ids, count = _segments("segment_max", data, segment_ids, num_segments)
    return apply(SEGMENT_MAX, (data, ids), {"num_segments": count})


@op
def bincount(x: Any, weights: Any = None, minlength: int = 0, sparse: bool = False) -> Tensor:
    """How often each integer occurs, or the sum of the weights at which it occurs.

    Args:
        x: Non-negative integers `(n,)`, or `(batch, n)` for one count a row.
        weights: Weights in the shape of `x`, or None to count.
        minlength: The least length of the result, which otherwise ends with the largest integer.
        sparse: Kept for Keras's signature; sparse tensors are refused.

    >>> bincount([1, 1, 3]).tolist()
    [0, 2, 0, 1]
    """
    refuse_sparse("bincount", sparse)
    x = to_indices(x, "bincount")
    if x.ndim not in (1, 2):
        raise ValueError(f"bincount: expected one or two dimensions. Received: x.shape={x.shape}")
    host = x.numpy()
    if host.size and host.min() < 0:
        raise ValueError(f"bincount: expected non-negative integers. Received: {int(host.min())}")
    length = max(int(host.max()) + 1 if host.size else 0, minlength)
    if weights is None:
        weights = Tensor(K.ones(x.shape, dtype=np.dtype(np.int32)))
    else:
        weights = convert_to_tensor(weights)
    if x.ndim == 1:
        return segment_sum(weights, x, length)
    rows = x.shape[0]
    offsets = convert_to_tensor([[row * length] for row in range(rows)], x.dtype)
    return segment_sum(weights.reshape(-1), (x + offsets).reshape(-1), rows * length).reshape(rows, length)
