"""Picking elements of tensors and putting them back: slices, gathers, scatters."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from kerasish.autodiff import Node, Primitive, Tensor, Variable, apply, convert_to_tensor, op
from kerasish.autodiff.state import state
from kerasish.backend import K
from kerasish.backend.dtypes import FLOATS, INTEGERS


def _get_item_vjp(node: Node, dy: Tensor) -> tuple[Any, ...]:
    return (apply(SCATTER_ITEM, (dy,), {"key": node.attrs["key"], "shape": node.inputs[0].array.shape}),)


GET_ITEM = Primitive("get_item", _get_item_vjp)
SCATTER_ITEM = Primitive(
    "scatter_item",
    lambda node, dy: (apply(GET_ITEM, (dy,), {"key": node.attrs["key"]}),),
    lambda dy, *, key, shape: (shape, dy.dtype),
)


def _key_part(part: Any) -> Any:
    if type(part) in (int, builtins.slice) or part is None or part is Ellipsis:
        return part
    if isinstance(part, (int, np.integer)) and not isinstance(part, bool):
        return int(part)
    if isinstance(part, (bool, np.bool_)):
        return K.asarray(np.asarray(part))
    if isinstance(part, list) and not part:
        return K.asarray(np.zeros(0, np.int32))
    try:
        array = convert_to_tensor(part).array
    except (TypeError, ValueError) as error:
        raise TypeError(
            "Expected an index of ints, slices, None, Ellipsis, and arrays of ints or booleans. "
            f"Received: {part!r} (of type {type(part).__name__})"
        ) from error
    if array.dtype.kind not in "iub":
        raise TypeError(f"Expected an index array of ints or booleans. Received: dtype={array.dtype.name}")
    return array


@op
def get_item(x: Any, key: Any) -> Tensor:
    """`x[key]`: basic and advanced indexing, as in NumPy.

    Raises:
        IndexError: If an index is out of bounds.
        TypeError: If the key holds something else than ints, slices, None, Ellipsis and arrays of ints or
            booleans.

    >>> get_item([[1, 2], [3, 4]], (builtins.slice(None), 0)).tolist()
    [1, 3]
    """
    if not isinstance(x, Tensor):
        x = convert_to_tensor(x)
    if isinstance(key, Tensor) and key.array.ndim and key.dtype in INTEGERS:
        return apply(TAKE, (x, key), {"axis": 0})
    parts = tuple([_key_part(part) for part in key]) if isinstance(key, tuple) else (_key_part(key),)
    # The value of a variable changes in place later on, so a view of it is no value to keep.
    return apply(GET_ITEM, (x,), {"key": parts, "copy": True} if isinstance(x, Variable) else {"key": parts})


def _take_vjp(node: Node, dy: Tensor) -> tuple[Any, ...]:
    x, indices = node.inputs
    return apply(TAKE_BACKWARD, (dy, indices), {"axis": node.attrs["axis"], "shape": x.array.shape}), None


def _take_infer(x: Any, indices: Any, *, axis: int) -> tuple[Any, Any]:
    axis %= len(x.shape)
    return (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :]), x.dtype


TAKE = Primitive("take", _take_vjp, _take_infer)
TAKE_BACKWARD = Primitive(
    "take_backward",
    lambda node, dy: (apply(TAKE, (dy, node.inputs[1]), {"axis": node.attrs["axis"]}), None),
    lambda dy, indices, *, axis, shape: (shape, dy.dtype),
)


def to_indices(x: Any, name: str) -> Tensor:
    """A tensor of integers, or an error that names the function."""
    indices = convert_to_tensor(x, "int32") if isinstance(x, (list, tuple)) and not x else convert_to_tensor(x)
    if indices.dtype in INTEGERS:
        return indices
    if indices.dtype in FLOATS:
        return convert_to_tensor(indices, "int32")
    raise ValueError(f"{name}: expected integer indices. Received: dtype={indices.dtype}")


@op
def take(x: Any, indices: Any, axis: int | None = None) -> Tensor:
    """Slices along an axis: `y = x[..., indices, ...]`.

    Args:
        x: The tensor.
        indices: Integers of any shape; negative ones count from the end.
        axis: The axis, or None for the flattened tensor.

    Returns:
        A tensor of shape `x.shape[:axis] + indices.shape + x.shape[axis + 1:]`.

    >>> take([[1, 2, 3], [4, 5, 6]], [2, 0], axis=1).tolist()
    [[3, 1], [6, 4]]
    """
    x = convert_to_tensor(x)
    indices = to_indices(indices, "take")
    if axis is None:
        x, axis = x.reshape(-1), 0
    return apply(TAKE, (x, indices), {"axis": position_of_axis(axis, x, "take")})


def position_of_axis(axis: int, x: Tensor, name: str) -> int:
    """An axis as a number in [0, rank), or an error that names the function."""
    rank = x.array.ndim
    if not -rank <= axis < rank:
        raise ValueError(f"{name}: expected an axis in [{-rank}, {rank}). Received: axis={axis}, shape={x.shape}")
    return axis % rank


def _take_along_axis_vjp(node: Node, dy: Tensor) -> tuple[Any, ...]:
    x, indices = node.inputs
    return apply(SCATTER_ALONG_AXIS, (dy, indices), {"axis": node.attrs["axis"], "shape": x.array.shape}), None


TAKE_ALONG_AXIS = Primitive("take_along_axis", _take_along_axis_vjp)
SCATTER_ALONG_AXIS = Primitive(
    "scatter_along_axis",
    lambda node, dy: (apply(TAKE_ALONG_AXIS, (dy, node.inputs[1]), {"axis": node.attrs["axis"]}), None),
    lambda dy, indices, *, axis, shape: (shape, dy.dtype),
)


@op
def take_along_axis(x: Any, indices: Any, axis: int | None = None) -> Tensor:
    """One element for each index along an axis: `y[..., i, ...] = x[..., indices[..., i, ...], ...]`.

    Args:
        x: The tensor.
        indices: Integers, with the rank of `x`; the other dimensions broadcast.
        axis: The axis, or None for the flattened tensor.

    >>> take_along_axis([[1, 2, 3], [4, 5, 6]], [[2], [0]], axis=1).tolist()
    [[3], [4]]
    """
    x = convert_to_tensor(x)
    indices = to_indices(indices, "take_along_axis")
    if axis is None:
        x, indices, axis = x.reshape(-1), indices.reshape(-1), 0
    if x.ndim != indices.ndim:
        raise ValueError(
            "take_along_axis: expected indices with as many dimensions as x. "
            f"Received: x.shape={x.shape}, indices.shape={indices.shape}"
        )
    axis = position_of_axis(axis, x, "take_along_axis")
    lead = [1 if d == axis else max(a, b) if a and b else 0 for d, (a, b) in enumerate(zip(x.shape, indices.shape))]
    wanted = tuple([x.shape[d] if d == axis else size for d, size in enumerate(lead)])
    if x.shape != wanted:
        from kerasish.ops.shape import broadcast_to

        x = broadcast_to(x, wanted)
    return apply(TAKE_ALONG_AXIS, (x, indices), {"axis": axis})


GATHER_ND = Primitive(
    "gather_nd",
    lambda node, dy: (
        apply(SCATTER_ND, (node.inputs[1], dy), {"shape": node.inputs[0].array.shape}),
        None,
    ),
    lambda x, indices: ((*indices.shape[:-1], *x.shape[indices.shape[-1] :]), x.dtype),
)
SCATTER_ND: Primitive = Primitive(
    "scatter_nd",
    lambda node, dy: (None, apply(GATHER_ND, (dy, node.inputs[0]))),
    lambda indices, values, *, shape: (shape, values.dtype),
)


@op
def scatter(indices: Any, values: Any, shape: Any) -> Tensor:
    """Zeros, with values added at indices: `y[indices[i, 0], indices[i, 1], ...] += values[i]`.

    Args:
        indices: Integers of shape `(n, r)`: positions in the first `r` dimensions.
        values: Of shape `(n,) + shape[r:]`. Values at one position add up.
        shape: The shape of the result.

    >>> scatter([[0], [2], [2]], [1.0, 2.0, 3.0], (4,)).tolist()
    [1.0, 0.0, 5.0, 0.0]
    """
    indices, values = to_indices(indices, "scatter"), convert_to_tensor(values)
    target = tuple([int(size) for size in shape])
    _check_nd("scatter", indices, values, target)
    return apply(SCATTER_ND, (indices, values), {"shape": target})


def _check_nd(name: str, indices: Tensor, values: Tensor, shape: tuple[int, ...]) -> None:
    depth = indices.shape[-1] if indices.ndim else 0
    wanted = (*indices.shape[:-1], *shape[depth:])
    if not indices.ndim or depth > len(shape) or values.shape != wanted:
        raise ValueError(
            f"{name}: expected indices of shape (n, r) and values of shape (n,) + shape[r:]. "
            f"Received: indices.shape={indices.shape}, values.shape={values.shape}, shape={shape}"
        )


def _scatter_update_vjp(node: Node, dy: Tensor) -> tuple[Any, ...]:
    x, indices, updates = node.inputs
    reduction = node.attrs["reduction"]
    d_x = d_updates = None
    if reduction == "add":
        return dy, None, apply(GATHER_ND, (dy, indices)) if node.needs[2] else None
    if reduction is None:
        if node.needs[0]:
            d_x = apply(SCATTER_UPDATE, (dy, indices, updates * 0), {"reduction": None})
        if node.needs[2]:
            d_updates = apply(GATHER_ND, (dy, indices)) * _stays(x, indices, updates)
    elif reduction == "mul":
        ones = Tensor(K.ones(x.shape, dtype=x.array.dtype))
        if node.needs[0]:
            d_x = dy * apply(SCATTER_UPDATE, (ones, indices, updates), node.attrs)
        if node.needs[2]:
            d_updates = apply(GATHER_ND, (dy * x, indices))
    else:
        y = node.output
        from_x = convert_to_tensor(Tensor(x.array) == Tensor(y.array), x.dtype)
        picked = apply(GATHER_ND, (Tensor(y.array), indices))
        from_updates = convert_to_tensor(Tensor(updates.array) == picked, x.dtype)
        # Equal candidates share the gradient.
        shared = dy / (from_x + apply(SCATTER_ND, (indices, from_updates), {"shape": x.shape}))
        if node.needs[0]:
            d_x = shared * from_x
        if node.needs[2]:
            d_updates = apply(GATHER_ND, (shared, indices)) * from_updates
    return d_x, None, d_updates


def _stays(x: Tensor, indices: Tensor, updates: Tensor) -> Tensor:
    """One where an update is the last at its position, zero where another one overwrites it."""
    lead, rest = indices.shape[:-1], updates.ndim - indices.ndim + 1
    count = int(np.prod(lead))
    numbers = Tensor(K.asarray(np.arange(count, dtype=np.int32).reshape(lead)))
    table = Tensor(K.zeros(x.shape[: indices.shape[-1]], dtype=np.dtype(np.int32)))
    last = apply(GATHER_ND, (apply(SCATTER_UPDATE, (table, indices, numbers), {"reduction": None}), indices))
    return convert_to_tensor(last == numbers, x.dtype).reshape(lead + (1,) * rest)


SCATTER_UPDATE = Primitive(
    "scatter_update",
    _scatter_update_vjp,
    lambda x, indices, updates, *, reduction=None: (x.shape, x.dtype),
)


@op
def scatter_update(inputs: Any, indices: Any, updates: Any, reduction: str | None = None) -> Tensor:
    """A copy with updates at indices: `y[indices[i, 0], indices[i, 1], ...] = updates[i]`.

    Args:
        inputs: The tensor.
        indices: Integers of shape `(n, r)`: positions in its first `r` dimensions.
        updates: Of shape `(n,) + inputs.shape[r:]`.
        reduction: How an update meets what is there: None replaces it (the last of several stays), "add",
            "mul", "max" and "min" combine. The gradient of "mul" supposes that no position occurs twice.

    >>> scatter_update([1.0, 2.0, 3.0], [[1]], [9.0]).tolist()
    [1.0, 9.0, 3.0]
    """
    if reduction not in (None, "add", "mul", "max", "min"):
        raise ValueError(f"reduction must be None, 'add', 'mul', 'max' or 'min'. Received: reduction={reduction!r}")
    x = convert_to_tensor(inputs)
    indices, values = to_indices(indices, "scatter_update"), convert_to_tensor(updates, x.dtype)
    _check_nd("scatter_update", indices, values, x.shape)
    return apply(SCATTER_UPDATE, (x, indices, values), {"reduction": reduction})


def _starts(start_indices: Any) -> list[int]:
    if isinstance(start_indices, Tensor) and state.abstract:
        return [0] * start_indices.size
    return [int(start) for start in np.asarray(start_indices).reshape(-1)]


def _window(name: str, x: Tensor, start_indices: Any, shape: tuple[int, ...]) -> tuple[builtins.slice, ...]:
    starts = _starts(start_indices)
    if not len(starts) == len(shape) == x.ndim:
        raise ValueError(
            f"{name}: expected one start and one size for each dimension. "
            f"Received: inputs.shape={x.shape}, start_indices={start_indices!r}, shape={shape}"
        )
    for start, size, whole in zip(starts, shape, x.shape, strict=True):
        if start < 0 or start + size > whole:
            raise ValueError(
                f"{name}: the slice leaves the tensor. Received: inputs.shape={x.shape}, "
                f"start_indices={starts}, shape={shape}"
            )
    return tuple([builtins.slice(start, start + size) for start, size in zip(starts, shape, strict=True)])


@op
def slice(inputs: Any, start_indices: Any, shape: Any) -> Tensor:
    """The part of a tensor that begins at `start_indices` and has the given shape.

    Args:
        inputs: The tensor.
        start_indices: Where the part begins, one integer for each dimension.
        shape: Its size in each dimension; -1 reaches to the end.

    >>> slice([[1, 2, 3], [4, 5, 6]], (0, 1), (2, 2)).tolist()
    [[2, 3], [5, 6]]
    """
    x = convert_to_tensor(inputs)
    starts = _starts(start_indices)
    sizes = [int(size) for size in shape]
    if len(starts) == len(sizes) == x.ndim:
        sizes = [
            whole - start if size == -1 else size for start, size, whole in zip(starts, sizes, x.shape, strict=True)
        ]
    return get_item(x, _window("slice", x, start_indices, tuple(sizes)))


def _slice_update_vjp(node: Node, dy: Tensor) -> tuple[Any, ...]:
    updates = node.inputs[1]
    key = node.attrs["key"]
    return (
        apply(SET_ITEM, (dy, updates * 0), {"key": key}) if node.needs[0] else None,
        apply(GET_ITEM, (dy,), {"key": key}) if node.needs[1] else None,
    )


SET_ITEM = Primitive("set_item", _slice_update_vjp, lambda x, updates, *, key: (x.shape, x.dtype))


@op
def slice_update(inputs: Any, start_indices: Any, updates: Any) -> Tensor:
    """A copy in which the part that begins at `start_indices` is replaced.

    Args:
        inputs: The tensor.
        start_indices: Where the part begins, one integer for each dimension.
        updates: The new values, with as many dimensions as `inputs`.

    >>> slice_update([1, 2, 3, 4], (1,), [8, 9]).tolist()
    [1, 8, 9, 4]
    """
    x = convert_to_tensor(inputs)
    values = convert_to_tensor(updates, x.dtype)
    key = _window("slice_update", x, start_indices, values.shape)
    return apply(SET_ITEM, (x, values), {"key": key})
