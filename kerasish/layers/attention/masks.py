"""Which positions may attend to which: the masks of attention layers, joined into one."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.autodiff import Tensor


def causal_mask(queries: int, keys: int) -> Tensor:
    """Booleans `(1, queries, keys)`: no position attends to a later one.

    >>> causal_mask(2, 3).tolist()
    [[[True, False, False], [True, True, False]]]
    """
    return ops.greater_equal(ops.reshape(ops.arange(queries), (1, -1, 1)), ops.reshape(ops.arange(keys), (1, 1, -1)))


def window_mask(queries: int, keys: int, window: int) -> Tensor:
    """Booleans `(1, queries, keys)`: positions that are fewer than `window` steps apart.

    >>> window_mask(1, 3, 2).tolist()
    [[[True, True, False]]]
    """
    distance = ops.reshape(ops.arange(queries), (1, -1, 1)) - ops.reshape(ops.arange(keys), (1, 1, -1))
    return ops.less(ops.abs(distance), window)


def joined_mask(
    lengths: tuple[int, int],
    query_mask: Any = None,
    value_mask: Any = None,
    key_mask: Any = None,
    attention_mask: Any = None,
    window: int | None = None,
) -> Any:
    """The masks of the sequences and of the pairs as one, or None where all is allowed.

    Args:
        lengths: The numbers of queries T and of keys S.
        query_mask: `(batch, T)`.
        value_mask: `(batch, S)`.
        key_mask: `(batch, S)`.
        attention_mask: `(batch, T, S)`, or with a dimension for the heads `(batch, heads, T, S)`.
        window: How far a query sees, plus one.
    """
    masks = []
    if query_mask is not None:
        masks.append(ops.expand_dims(ops.cast(query_mask, "bool"), -1))
    for mask in (value_mask, key_mask):
        if mask is not None:
            masks.append(ops.expand_dims(ops.cast(mask, "bool"), -2))
    if window is not None:
        masks.append(window_mask(*lengths, window))
    if attention_mask is not None:
        attention_mask = ops.cast(attention_mask, "bool")
        if len(attention_mask.shape) == 4:
            masks = [ops.expand_dims(mask, 1) if len(mask.shape) == 3 else mask for mask in masks]
        masks.append(attention_mask)
    joined = None
    for mask in masks:
        joined = mask if joined is None else ops.logical_and(joined, mask)
    return joined


def with_heads(mask: Any, rank: int, axes: int = 1) -> Any:
    """The mask with dimensions of size 1 for the heads, so that it has the rank of the scores.

    Args:
        mask: `(batch, ..., T, S)`.
        rank: The rank of the scores, `(batch, ..., heads, T, S)`.
        axes: The number of dimensions that T, and S, stand for.
    """
    while len(mask.shape) < rank:
        mask = ops.expand_dims(mask, -2 * axes - 1)
    return mask
