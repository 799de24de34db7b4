"""Pooling: the maximum or the mean of windows, and of windows of adapted size."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.autodiff import Node, Primitive, Tensor, apply, convert_to_tensor, op
from kerasish.backend import K
from kerasish.ops.choice import where
from kerasish.ops.indexing import take
from kerasish.ops.joining import concatenate
from kerasish.ops.promotion import as_float
from kerasish.ops.tiling import pad
from kerasish.ops.windows import (
    channels_back,
    channels_last,
    padding_pairs,
    per_axis,
    require_windows,
    window_count,
)


def _pool_infer(x: Any, *, window: Any, strides: Any, padding: Any) -> tuple[Any, Any]:
    return (x.shape[0], *map(window_count, x.shape[1:-1], padding, window, strides), x.shape[-1]), x.dtype


def _max_pool_vjp(node: Node, dy: Tensor) -> tuple[Tensor]:
    return (apply(MAX_POOL_BACKWARD, (dy, node.inputs[0], node.output), node.attrs),)


def _max_pool_backward_vjp(node: Node, g: Tensor) -> tuple[Any, ...]:
    """`g` at the first maximum of each window: what `max_pool_backward` moves, moved back."""
    if not node.needs[0]:
        return None, None, None
    _, x, y = node.inputs
    window, strides, padding = node.attrs["window"], node.attrs["strides"], node.attrs["padding"]
    widths = ((0, 0), *padding, (0, 0))
    g = pad(g, widths)
    # Padding is zero here, which only the mask tells from an element that is zero.
    values, inside = pad(Tensor(x.array), widths), pad(Tensor(K.ones(x.shape, dtype=np.dtype(np.bool_))), widths)
    best, waiting = Tensor(y.array), Tensor(K.ones(y.shape, dtype=np.dtype(np.bool_)))
    result: Any = 0
    for position in np.ndindex(*window):
        places = [
            slice(start, start + (count - 1) * step + 1, step)
            for start, count, step in zip(position, y.shape[1:-1], strides, strict=True)
        ]
        key = (slice(None), *places)
        hit = (values[key] == best) & inside[key] & waiting
        waiting = waiting & ~hit
        result = where(hit, g[key], 0.0) + result
    return result, None, None


MAX_POOL = Primitive("max_pool", _max_pool_vjp, _pool_infer)
MAX_POOL_BACKWARD = Primitive(
    "max_pool_backward", _max_pool_backward_vjp, lambda dy, x, y, **attrs: (x.shape, dy.dtype)
)


def _average_pool_vjp(node: Node, dy: Tensor) -> tuple[Tensor]:
    shape = node.inputs[0].array.shape
    return (apply(AVERAGE_POOL_BACKWARD, (dy,), {"input_shape": shape, **node.attrs}),)


def _average_pool_backward_vjp(node: Node, g: Tensor) -> tuple[Tensor]:
    attrs = {name: value for name, value in node.attrs.items() if name != "input_shape"}
    return (apply(AVERAGE_POOL, (g,), attrs),)


AVERAGE_POOL = Primitive("average_pool", _average_pool_vjp, _pool_infer)
AVERAGE_POOL_BACKWARD = Primitive(
    "average_pool_backward", _average_pool_backward_vjp, lambda dy, *, input_shape, **attrs: (input_shape, dy.dtype)
)


def _require_rank(name: str, x: Tensor) -> int:
    if not 3 <= x.array.ndim <= 5:
        raise ValueError(
            f"{name}: inputs must have a batch axis, one to three spatial axes, and channels. "
            f"Received: inputs.shape={x.shape}"
        )
    return x.array.ndim - 2


def _pool(
    primitive: Primitive, x: Tensor, pool_size: Any, strides: Any, padding: Any, data_format: str | None
) -> Tensor:
    name = primitive.name
    rank = _require_rank(name, x)
    x, moved = channels_last(x, data_format)
    window = per_axis(pool_size, rank, "pool_size", name)
    steps = window if strides is None else per_axis(strides, rank, "strides", name)
    sizes = x.array.shape[1:-1]
    pairs = padding_pairs(padding, sizes, window, steps, name)
    require_windows(name, sizes, pairs, window, steps, x.array.shape)
    return channels_back(apply(primitive, (x,), {"window": window, "strides": steps, "padding": pairs}), moved)


@op
def max_pool(
    inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid", data_format: str | None = None
) -> Tensor:
    """The largest element of each window and channel.

    Args:
        inputs: `(batch, *spatial, channels)`, or `(batch, channels, *spatial)` with "channels_first".
        pool_size: The size of the window, an int or one for each spatial axis.
        strides: Its step; None takes `pool_size`.
        padding: "valid" or "same"; padding is never a maximum.
        data_format: "channels_last", "channels_first", or None for the default.

    Raises:
        ValueError: If the rank does not fit, or no window fits into the inputs.

    >>> max_pool([[[1.0], [3.0], [2.0], [0.0]]], 2).tolist()
    [[[3.0], [2.0]]]
    """
    return _pool(MAX_POOL, convert_to_tensor(inputs), pool_size, strides, padding, data_format)


@op
def average_pool(
    inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid", data_format: str | None = None
) -> Tensor:
    """The mean of the elements of each window; padding is not counted. Arguments are those of `max_pool`.

    >>> average_pool([[[1.0], [3.0], [2.0], [0.0]]], 2).tolist()
    [[[2.0], [1.0]]]
    """
    return _pool(AVERAGE_POOL, as_float(inputs), pool_size, strides, padding, data_format)


def _adaptive(primitive: Primitive, name: str, inputs: Any, output_size: Any, data_format: str | None) -> Tensor:
    """One axis after the other: along each, windows of at most two sizes, each pooled in one kernel."""
    x = convert_to_tensor(inputs)
    rank = _require_rank(name, x)
    x, moved = channels_last(x, data_format)
    targets = per_axis(output_size, rank, "output_size", name)
    for axis, target in enumerate(targets):
        size = x.array.shape[1 + axis]
        if not size:
            raise ValueError(f"{name}: a spatial axis is empty. Received: inputs.shape={x.shape}")
        starts = [i * size // target for i in range(target)]
        ends = [-(-(i + 1) * size // target) for i in range(target)]
        x = _pool_ranges(primitive, x, axis, starts, ends)
    return channels_back(x, moved)


def _pool_ranges(primitive: Primitive, x: Tensor, axis: int, starts: list[int], ends: list[int]) -> Tensor:
    rank = x.array.ndim - 2
    widths = sorted({end - start for start, end in zip(starts, ends, strict=True)})
    parts, offsets, total = [], {}, 0
    for width in widths:
        window = tuple([width if d == axis else 1 for d in range(rank)])
        attrs = {"window": window, "strides": (1,) * rank, "padding": ((0, 0),) * rank}
        parts.append(apply(primitive, (x,), attrs))
        offsets[width] = total
        total += parts[-1].array.shape[1 + axis]
    pooled = parts[0] if len(parts) == 1 else concatenate(parts, axis=1 + axis)
    rows = [offsets[end - start] + start for start, end in zip(starts, ends, strict=True)]
    return take(pooled, np.asarray(rows, np.int32), axis=1 + axis)


@op
def adaptive_max_pool(inputs: Any, output_size: Any, data_format: str | None = None) -> Tensor:
    """The maximum of windows that are sized so that the output has a given size.

    Along an axis of `size` elements, window `i` of `n` runs from `floor(i * size / n)` to
    `ceil((i + 1) * size / n)`.

    Args:
        inputs: `(batch, *spatial, channels)`, or `(batch, channels, *spatial)` with "channels_first".
        output_size: The spatial sizes of the output, an int or one for each axis.
        data_format: As in `max_pool`.

    >>> adaptive_max_pool([[[1.0], [3.0], [2.0]]], 2).tolist()
    [[[3.0], [3.0]]]
    """
    return _adaptive(MAX_POOL, "adaptive_max_pool", inputs, output_size, data_format)


@op
def adaptive_average_pool(inputs: Any, output_size: Any, data_format: str | None = None) -> Tensor:
    """The mean of windows that are sized so that the output has a given size; see `adaptive_max_pool`.

    >>> adaptive_average_pool([[[1.0], [3.0], [2.0]]], 2).tolist()
    [[[2.0], [2.5]]]
    """
    return _adaptive(AVERAGE_POOL, "adaptive_average_pool", as_float(inputs), output_size, data_format)
