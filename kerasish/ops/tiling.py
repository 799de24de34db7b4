"""Making tensors larger by what they hold: pad, repeat, tile, meshgrid."""

from __future__ import annotations

import builtins
from typing import Any

import numpy as np

from kerasish.autodiff import Node, Primitive, Tensor, apply, convert_to_tensor, op
from kerasish.ops.axes import one_axis, sizes_of
from kerasish.ops.gradients import BROADCAST_TO, RESHAPE, SUM
from kerasish.ops.shape import ravel, swapaxes, tensor_of


def _pad_vjp(node: Node, dy: Tensor) -> tuple[Tensor]:
    x, widths, mode = node.inputs[0], node.attrs["pad_width"], node.attrs["mode"]
    if mode == "constant":
        key = tuple([builtins.slice(b, b + size) for size, (b, _) in zip(x.array.shape, widths)])
        return (dy[key],)
    from kerasish.ops.indexing import TAKE_BACKWARD

    for axis, (size, width) in enumerate(zip(x.array.shape, widths)):
        if width != (0, 0):
            # Where each element of the padded axis comes from.
            source = np.pad(np.arange(size, dtype=np.int32), width, mode)
            shape = (*dy.array.shape[:axis], size, *dy.array.shape[axis + 1 :])
            dy = apply(TAKE_BACKWARD, (dy, convert_to_tensor(source)), {"axis": axis, "shape": shape})
    return (dy,)


def _pad_infer(x: Any, *, pad_width: Any, mode: str, value: Any = 0) -> tuple[Any, Any]:
    return tuple([before + size + after for size, (before, after) in zip(x.shape, pad_width)]), x.dtype


def _repeat_vjp(node: Node, dy: Tensor) -> tuple[Tensor]:
    shape, axis, repeats = node.inputs[0].array.shape, node.attrs["axis"], node.attrs["repeats"]
    if isinstance(repeats, int):
        split_up = apply(RESHAPE, (dy,), {"shape": (*shape[: axis + 1], repeats, *shape[axis + 1 :])})
        return (apply(SUM, (split_up,), {"axis": (axis + 1,), "keepdims": False}),)
    from kerasish.ops.indexing import TAKE_BACKWARD

    source = convert_to_tensor(np.repeat(np.arange(shape[axis], dtype=np.int32), repeats))
    return (apply(TAKE_BACKWARD, (dy, source), {"axis": axis, "shape": shape}),)


def _repeat_infer(x: Any, *, repeats: Any, axis: int) -> tuple[Any, Any]:
    size = x.shape[axis] * repeats if isinstance(repeats, int) else builtins.sum(repeats)
    return (*x.shape[:axis], size, *x.shape[axis + 1 :]), x.dtype


def _tile_vjp(node: Node, dy: Tensor) -> tuple[Tensor]:
    shape, repeats = node.inputs[0].array.shape, node.attrs["repeats"]
    folded = [size for pair in zip(repeats, shape) for size in pair]
    split_up = apply(RESHAPE, (dy,), {"shape": tuple(folded)})
    return (apply(SUM, (split_up,), {"axis": tuple(range(0, len(folded), 2)), "keepdims": False}),)


PAD = Primitive("pad", _pad_vjp, _pad_infer)
REPEAT = Primitive("repeat", _repeat_vjp, _repeat_infer)
TILE = Primitive("tile", _tile_vjp, lambda x, *, repeats: (tuple([a * b for a, b in zip(x.shape, repeats)]), x.dtype))

_PAD_MODES = ("constant", "edge", "reflect", "symmetric", "wrap")


@op
def pad(x: Any, pad_width: Any, mode: str = "constant", constant_values: Any = None) -> Tensor:
    """Elements added before and after each dimension.

    Args:
        x: The tensor.
        pad_width: `((before, after), …)` for each dimension, one pair for all, or one number.
        mode: "constant", "edge" (the last element again), "reflect" (mirrored at the last element),
            "symmetric" (mirrored behind it) or "wrap".
        constant_values: The value in the mode "constant", 0 by default.

    >>> pad([1, 2], (1, 2)).tolist()
    [0, 1, 2, 0, 0]
    """
    x = convert_to_tensor(x)
    if mode not in _PAD_MODES:
        raise ValueError(f"pad: mode must be one of {_PAD_MODES}. Received: mode={mode!r}")
    if constant_values is not None and mode != "constant":
        raise ValueError(f"pad: constant_values belongs to the mode 'constant'. Received: mode={mode!r}")
    rank = x.array.ndim
    if isinstance(pad_width, Tensor):
        pad_width = pad_width.tolist()
    widths = np.asarray(pad_width)
    if widths.dtype.kind not in "iu" or widths.shape not in ((), (1,), (2,), (1, 2), (rank, 2)) or (widths < 0).any():
        raise ValueError(
            "pad: expected pad_width to be ((before, after), ...) for each dimension, one pair, or one "
            f"number, none of them negative. Received: pad_width={pad_width!r}, x.shape={x.shape}"
        )
    pairs = tuple([(int(before), int(after)) for before, after in np.broadcast_to(widths, (rank, 2))])
    attrs: dict[str, Any] = {"pad_width": pairs, "mode": mode}
    if constant_values is not None:
        attrs["value"] = constant_values.item() if hasattr(constant_values, "item") else constant_values
    return apply(PAD, (x,), attrs)


@op
def repeat(x: Any, repeats: Any, axis: int | None = None) -> Tensor:
    """Each slice along an axis several times.

    Args:
        x: The tensor.
        repeats: How many times, one number for all slices or one for each.
        axis: The axis; None for the flattened tensor.

    >>> repeat([1, 2], 2).tolist()
    [1, 1, 2, 2]
    """
    x = tensor_of(x)
    if axis is None:
        x, axis = ravel(x), 0
    place = one_axis("repeat", axis, x.array.ndim)
    counts = sizes_of("repeat", repeats.tolist() if hasattr(repeats, "tolist") else repeats)
    if len(counts) != 1 and len(counts) != x.array.shape[place]:
        raise ValueError(
            f"repeat: expected one number, or one for each slice. Received: {repeats=}, x.shape={x.shape}, {axis=}"
        )
    return apply(REPEAT, (x,), {"repeats": counts[0] if len(counts) == 1 else counts, "axis": place})


@op
def tile(x: Any, repeats: Any) -> Tensor:
    """The whole tensor several times along each dimension.

    >>> tile([1, 2], 2).tolist()
    [1, 2, 1, 2]
    """
    x = tensor_of(x)
    counts = sizes_of("tile", repeats.tolist() if hasattr(repeats, "tolist") else repeats)
    extra = len(counts) - x.array.ndim
    if extra > 0:
        x = apply(RESHAPE, (x,), {"shape": (1,) * extra + x.array.shape})
    return apply(TILE, (x,), {"repeats": (1,) * -extra + counts})


@op
def meshgrid(*x: Any, indexing: str = "xy") -> list[Tensor]:
    """Coordinates of the points of a grid, one tensor for each vector of ticks.

    Args:
        *x: Vectors, or numbers.
        indexing: "xy" gives shape `(n2, n1, n3, …)`, "ij" `(n1, n2, n3, …)`.

    >>> [grid.tolist() for grid in meshgrid([1, 2], [3, 4])]
    [[[1, 2], [1, 2]], [[3, 3], [4, 4]]]
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: indexing must be 'xy' or 'ij'. Received: indexing={indexing!r}")
    vectors = [ravel(v) for v in x]
    shape = tuple([v.size for v in vectors])
    grids = []
    for d, vector in enumerate(vectors):
        column = tuple([size if i == d else 1 for i, size in enumerate(shape)])
        grid = apply(BROADCAST_TO, (apply(RESHAPE, (vector,), {"shape": column}),), {"shape": shape})
        grids.append(swapaxes(grid, 0, 1) if indexing == "xy" and len(shape) > 1 else grid)
    return grids
