"""Rows of a table by index."""

from __future__ import annotations

from typing import Any

from kerasish.autodiff import Node, Primitive, Tensor, apply, convert_to_tensor, op
from kerasish.backend.dtypes import FLOATS, INTEGERS


def _gather_vjp(node: Node, dy: Tensor) -> tuple[Any, ...]:
    table, indices = node.inputs
    return apply(SCATTER_ADD, (dy, indices), {"rows": table.array.shape[0]}), None


def _scatter_add_vjp(node: Node, g: Tensor) -> tuple[Any, ...]:
    return apply(GATHER, (g, node.inputs[1])), None


GATHER = Primitive("gather", _gather_vjp, lambda table, indices: ((*indices.shape, *table.shape[1:]), table.dtype))
SCATTER_ADD = Primitive(
    "scatter_add",
    _scatter_add_vjp,
    lambda updates, indices, *, rows: ((rows, *updates.shape[len(indices.shape) :]), updates.dtype),
)


@op
def embedding(table: Any, indices: Any) -> Tensor:
    """Rows of a table: `y[i..., :] = table[indices[i...], :]`. What the layer `Embedding` calls.

    An extension of `keras.ops`. The gradient adds up the rows that share an index.

    Args:
        table: `(rows, *dims)`.
        indices: Integers of any shape, from 0 to `rows - 1` (not checked: looking at them would make a GPU
            wait). Floats are cut to integers.

    Returns:
        A tensor of shape `indices.shape + dims`.

    Raises:
        ValueError: If the table has no dimension, or the indices are no numbers.

    >>> embedding([[1.0, 2.0], [3.0, 4.0]], [1, 1]).tolist()
    [[3.0, 4.0], [3.0, 4.0]]
    """
    table, indices = convert_to_tensor(table), convert_to_tensor(indices)
    if not table.array.ndim:
        raise ValueError(f"embedding: the table must have at least one dimension. Received: table.shape={table.shape}")
    if indices.dtype in FLOATS:
        indices = convert_to_tensor(indices, "int32")
    if indices.dtype not in INTEGERS:
        raise ValueError(f"embedding: expected integer indices. Received: indices.dtype={indices.dtype}")
    return apply(GATHER, (table, indices))
