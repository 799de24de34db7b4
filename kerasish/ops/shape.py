"""Rearranging the elements of tensors: reshape, transpose, join, split, pad, repeat."""

from __future__ import annotations

import builtins
import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasish.autodiff import Node, Primitive, Tensor, Variable, apply, convert_to_tensor, op
from kerasish.ops.gradients import BROADCAST_TO, RESHAPE, SUM, zeros_of
from kerasish.ops.promotion import promoted

COPY = Primitive("owned", lambda node, dy: (dy,), lambda x: (x.shape, x.dtype))


def tensor_of(x: Any) -> Tensor:
    """A tensor that may be viewed: the value of a variable changes in place, so that of a variable is a copy."""
    if not isinstance(x, Tensor):
        return convert_to_tensor(x)
    return apply(COPY, (x,)) if isinstance(x, Variable) else x


def one_axis(name: str, axis: Any, rank: int) -> int:
    """An axis as a number in [0, rank), or an error that names the function."""
    try:
        whole = axis.__index__()
    except (AttributeError, TypeError) as error:
        raise TypeError(f"{name}: expected axis to be an int. Received: axis={axis!r}") from error
    if not -rank <= whole < rank:
        raise ValueError(f"{name}: expected an axis in [{-rank}, {rank}). Received: axis={axis}")
    return whole % rank if whole < 0 else whole


def many_axes(name: str, axis: Any, rank: int) -> tuple[int, ...]:
    """Axes as distinct numbers in [0, rank); None stands for all of them."""
    if axis is None:
        return tuple(range(rank))
    given = axis if isinstance(axis, (tuple, list)) else (axis,)
    axes = tuple([one_axis(name, a, rank) for a in given])
    if len(set(axes)) != len(axes):
        raise ValueError(f"{name}: an axis is given twice. Received: axis={axis!r}")
    return axes


def sizes_of(name: str, shape: Any) -> tuple[int, ...]:
    """A shape as a tuple of ints."""
    if isinstance(shape, Tensor):
        shape = shape.tolist()
    given = shape if isinstance(shape, (tuple, list)) else (shape,)
    try:
        return tuple([size.__index__() for size in given])
    except (AttributeError, TypeError) as error:
        raise TypeError(f"{name}: expected a shape of ints. Received: shape={shape!r}") from error


def _transpose_vjp(node: Node, dy: Tensor) -> tuple[Tensor]:
    axes = node.attrs["axes"]
    back = [0] * len(axes)
    for position, axis in enumerate(axes):
        back[axis] = position
    return (apply(TRANSPOSE, (dy,), {"axes": tuple(back)}),)


def _concatenate_vjp(node: Node, dy: Tensor) -> tuple[Any, ...]:
    axis, position, parts = node.attrs["axis"], 0, []
    lead = (builtins.slice(None),) * axis
    for x, needed in zip(node.inputs, node.needs):
        size = x.array.shape[axis]
        parts.append(dy[(*lead, builtins.slice(position, position + size))] if needed else None)
        position += size
    return tuple(parts)


def _concatenate_infer(*xs: Any, axis: int) -> tuple[Any, Any]:
    first = xs[0].shape
    for x in xs[1:]:
        same = len(x.shape) == len(first)
        if not same or any(a != b for d, (a, b) in enumerate(zip(first, x.shape)) if d != axis):
            raise ValueError(
                "concatenate: expected the same shape but for the axis. "
                f"Received: shapes={[x.shape for x in xs]}, axis={axis}"
            )
    return (*first[:axis], builtins.sum(x.shape[axis] for x in xs), *first[axis + 1 :]), xs[0].dtype


def _split_vjp(node: Node, *dys: Tensor | None) -> tuple[Tensor]:
    parts = [Tensor(y) for y in node.results]
    grads = [zeros_of(y) if dy is None else dy for y, dy in zip(parts, dys)]
    return (apply(CONCATENATE, tuple(grads), {"axis": node.attrs["axis"]}),)


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


def _roll_vjp(node: Node, dy: Tensor) -> tuple[Tensor]:
    back = tuple([-shift for shift in node.attrs["shift"]])
    return (apply(ROLL, (dy,), {"shift": back, "axis": node.attrs["axis"]}),)


TRANSPOSE = Primitive("transpose", _transpose_vjp)
CONCATENATE = Primitive("concatenate", _concatenate_vjp, _concatenate_infer)
SPLIT = Primitive("split", _split_vjp)
PAD = Primitive("pad", _pad_vjp, _pad_infer)
FLIP: Primitive = Primitive(
    "flip", lambda node, dy: (apply(FLIP, (dy,), node.attrs),), lambda x, *, axis: (x.shape, x.dtype)
)
REPEAT = Primitive("repeat", _repeat_vjp, _repeat_infer)
TILE = Primitive("tile", _tile_vjp, lambda x, *, repeats: (tuple([a * b for a, b in zip(x.shape, repeats)]), x.dtype))
ROLL = Primitive("roll", _roll_vjp, lambda x, *, shift, axis: (x.shape, x.dtype))


@op
def reshape(x: Any, newshape: Any) -> Tensor:
    """The elements in row-major order in another shape. One size may be -1.

    >>> reshape([1, 2, 3, 4], (2, -1)).tolist()
    [[1, 2], [3, 4]]
    """
    x = tensor_of(x)
    shape = sizes_of("reshape", newshape)
    if -1 in shape:
        known = -math.prod(shape)
        if shape.count(-1) > 1 or (x.size % known if known else x.size):
            raise ValueError(
                f"reshape: cannot bring {x.size} elements into the shape. Received: x.shape={x.shape}, newshape={shape}"
            )
        if known:
            shape = tuple([x.size // known if size == -1 else size for size in shape])
        else:
            shape = tuple([0 if size == -1 else size for size in shape])
    elif math.prod(shape) != x.size:
        raise ValueError(
            f"reshape: cannot bring {x.size} elements into the shape. Received: x.shape={x.shape}, newshape={shape}"
        )
    return apply(RESHAPE, (x,), {"shape": shape})


@op
def ravel(x: Any) -> Tensor:
    """All elements in one dimension, in row-major order.

    >>> ravel([[1, 2], [3, 4]]).tolist()
    [1, 2, 3, 4]
    """
    x = tensor_of(x)
    return apply(RESHAPE, (x,), {"shape": (x.size,)})


@op
def transpose(x: Any, axes: Sequence[int] | None = None) -> Tensor:
    """The dimensions in another order, by default reversed.

    Args:
        x: The tensor.
        axes: For each dimension of the result, that of `x` it is.

    >>> transpose([[1, 2], [3, 4]]).tolist()
    [[1, 3], [2, 4]]
    """
    x = tensor_of(x)
    rank = x.array.ndim
    order = tuple(range(rank))[::-1] if axes is None else many_axes("transpose", tuple(axes), rank)
    if len(order) != rank:
        raise ValueError(f"transpose: expected {rank} axes. Received: axes={axes}, x.shape={x.shape}")
    return apply(TRANSPOSE, (x,), {"axes": order})


@op
def swapaxes(x: Any, axis1: int, axis2: int) -> Tensor:
    """Two dimensions in each other's place.

    >>> swapaxes([[1, 2], [3, 4]], 0, 1).tolist()
    [[1, 3], [2, 4]]
    """
    x = tensor_of(x)
    rank = x.array.ndim
    a, b = one_axis("swapaxes", axis1, rank), one_axis("swapaxes", axis2, rank)
    order = list(range(rank))
    order[a], order[b] = b, a
    return apply(TRANSPOSE, (x,), {"axes": tuple(order)})


@op
def moveaxis(x: Any, source: int | Sequence[int], destination: int | Sequence[int]) -> Tensor:
    """Dimensions moved to other places; the others keep their order.

    >>> moveaxis([[[1, 2]]], -1, 0).shape
    (2, 1, 1)
    """
    x = tensor_of(x)
    rank = x.array.ndim
    sources, targets = many_axes("moveaxis", source, rank), many_axes("moveaxis", destination, rank)
    if len(sources) != len(targets):
        raise ValueError(f"moveaxis: expected as many sources as destinations. Received: {source=}, {destination=}")
    order = [d for d in range(rank) if d not in sources]
    for target, origin in sorted(zip(targets, sources)):
        order.insert(target, origin)
    return apply(TRANSPOSE, (x,), {"axes": tuple(order)})


@op
def expand_dims(x: Any, axis: int | Sequence[int]) -> Tensor:
    """New dimensions of size 1.

    >>> expand_dims([1, 2], -1).tolist()
    [[1], [2]]
    """
    x = tensor_of(x)
    count = len(axis) if isinstance(axis, (tuple, list)) else 1
    new = many_axes("expand_dims", axis, x.array.ndim + count)
    sizes = iter(x.array.shape)
    shape = tuple([1 if d in new else next(sizes) for d in range(x.array.ndim + count)])
    return apply(RESHAPE, (x,), {"shape": shape})


@op
def squeeze(x: Any, axis: int | Sequence[int] | None = None) -> Tensor:
    """Dimensions of size 1 removed: all of them, or those given.

    >>> squeeze([[1, 2]], 0).tolist()
    [1, 2]
    """
    x = tensor_of(x)
    given = x.array.shape
    gone = [d for d, size in enumerate(given) if size == 1] if axis is None else many_axes("squeeze", axis, len(given))
    for d in gone:
        if given[d] != 1:
            raise ValueError(f"squeeze: expected a dimension of size 1. Received: axis={axis}, x.shape={given}")
    return apply(RESHAPE, (x,), {"shape": tuple([size for d, size in enumerate(given) if d not in gone])})


@op
def broadcast_to(x: Any, shape: Any) -> Tensor:
    """The tensor repeated along missing dimensions and those of size 1.

    >>> broadcast_to([1, 2], (2, 2)).tolist()
    [[1, 2], [1, 2]]
    """
    return apply(BROADCAST_TO, (tensor_of(x),), {"shape": sizes_of("broadcast_to", shape)})


@op
def concatenate(xs: Sequence[Any], axis: int = 0) -> Tensor:
    """Tensors one after the other along an axis.

    Args:
        xs: The tensors: one shape but for the axis, brought to one dtype.
        axis: The axis.

    >>> concatenate([[1, 2], [3]]).tolist()
    [1, 2, 3]
    """
    tensors = promoted(*[convert_to_tensor(x) for x in xs]) if len(xs) else []
    if not tensors:
        raise ValueError(f"concatenate: expected at least one tensor. Received: xs={xs!r}")
    return apply(CONCATENATE, tuple(tensors), {"axis": one_axis("concatenate", axis, tensors[0].array.ndim)})


@op
def append(x1: Any, x2: Any, axis: int | None = None) -> Tensor:
    """`x2` after `x1` along an axis; both flattened for None.

    >>> append([1, 2], [3]).tolist()
    [1, 2, 3]
    """
    x1, x2 = convert_to_tensor(x1), convert_to_tensor(x2)
    return concatenate([ravel(x1), ravel(x2)]) if axis is None else concatenate([x1, x2], axis)


@op
def stack(x: Sequence[Any], axis: int = 0) -> Tensor:
    """Tensors of one shape along a new axis.

    >>> stack([[1, 2], [3, 4]], axis=1).tolist()
    [[1, 3], [2, 4]]
    """
    tensors = promoted(*[convert_to_tensor(member) for member in x]) if len(x) else []
    if not tensors or any(t.array.shape != tensors[0].array.shape for t in tensors):
        raise ValueError(
            f"stack: expected tensors of one shape, at least one. Received: shapes={[t.array.shape for t in tensors]}"
        )
    given = tensors[0].array.shape
    place = one_axis("stack", axis, len(given) + 1)
    shape = {"shape": (*given[:place], 1, *given[place:])}
    return apply(CONCATENATE, tuple([apply(RESHAPE, (t,), shape) for t in tensors]), {"axis": place})


@op
def hstack(xs: Sequence[Any]) -> Tensor:
    """Tensors side by side: along the second axis, or the first of vectors.

    >>> hstack([[1, 2], [3]]).tolist()
    [1, 2, 3]
    """
    tensors = [_at_least(x, 1) for x in xs]
    return concatenate(tensors, 0 if tensors and tensors[0].ndim == 1 else 1)


@op
def vstack(xs: Sequence[Any]) -> Tensor:
    """Tensors one under the other: along the first axis, vectors as rows.

    >>> vstack([[1, 2], [3, 4]]).tolist()
    [[1, 2], [3, 4]]
    """
    return concatenate([_at_least(x, 2) for x in xs], 0)


@op
def dstack(xs: Sequence[Any]) -> Tensor:
    """Tensors one behind the other: along the third axis.

    >>> dstack([[1, 2], [3, 4]]).tolist()
    [[[1, 3], [2, 4]]]
    """
    return concatenate([_at_least(x, 3) for x in xs], 2)


def _at_least(x: Any, rank: int) -> Tensor:
    x = tensor_of(x)
    shape = x.array.shape
    if len(shape) >= rank:
        return x
    if rank == 3:
        shape = (1, shape[0] if shape else 1, 1) if len(shape) < 2 else (*shape, 1)
    else:
        shape = (1,) * (rank - len(shape)) + shape
    return apply(RESHAPE, (x,), {"shape": shape})


@op
def split(x: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """A tensor cut along an axis.

    Args:
        x: The tensor.
        indices_or_sections: Into how many equal parts, or the positions to cut at.
        axis: The axis.

    >>> [part.tolist() for part in split([1, 2, 3, 4], 2)]
    [[1, 2], [3, 4]]
    """
    return _split("split", x, indices_or_sections, axis, equal=True)


@op
def array_split(x: Any, indices_or_sections: int | Sequence[int], axis: int = 0) -> list[Tensor]:
    """A tensor cut along an axis; the first parts are larger by one where it does not divide.

    >>> [part.tolist() for part in array_split([1, 2, 3], 2)]
    [[1, 2], [3]]
    """
    return _split("array_split", x, indices_or_sections, axis, equal=False)


def _split(name: str, x: Any, indices_or_sections: Any, axis: int, equal: bool) -> list[Tensor]:
    x = tensor_of(x)
    place = one_axis(name, axis, x.array.ndim)
    size = x.array.shape[place]
    if isinstance(indices_or_sections, (int, np.integer)):
        count = int(indices_or_sections)
        if count < 1 or (equal and size % count):
            raise ValueError(
                f"{name}: expected a number of parts that divides the size {size} of axis {axis}. "
                f"Received: indices_or_sections={count}, x.shape={x.shape}"
            )
        width, extra = divmod(size, count)
        cuts = [i * width + builtins.min(i, extra) for i in range(1, count)]
    else:
        cuts = [
            builtins.min(builtins.max(cut + size if cut < 0 else cut, 0), size)
            for cut in sizes_of(name, indices_or_sections)
        ]
    return list(apply(SPLIT, (x,), {"indices": tuple(cuts), "axis": place}))


@op
def hsplit(x: Any, indices_or_sections: int | Sequence[int]) -> list[Tensor]:
    """A tensor cut along the second axis, or the first of a vector.

    >>> [part.tolist() for part in hsplit([1, 2], 2)]
    [[1], [2]]
    """
    x = convert_to_tensor(x)
    return _split("hsplit", x, indices_or_sections, 0 if x.ndim == 1 else 1, equal=True)


@op
def vsplit(x: Any, indices_or_sections: int | Sequence[int]) -> list[Tensor]:
    """A tensor cut along the first axis.

    >>> [part.tolist() for part in vsplit([[1], [2]], 2)]
    [[[1]], [[2]]]
    """
    return _split("vsplit", x, indices_or_sections, 0, equal=True)


@op
def dsplit(x: Any, indices_or_sections: int | Sequence[int]) -> list[Tensor]:
    """A tensor cut along the third axis.

    >>> [part.shape for part in dsplit([[[1, 2]]], 2)]
    [(1, 1, 1), (1, 1, 1)]
    """
    return _split("dsplit", x, indices_or_sections, 2, equal=True)


@op
def unstack(x: Any, num: int | None = None, axis: int = 0) -> list[Tensor]:
    """The slices along an axis, without it.

    Args:
        x: The tensor.
        num: How many slices there are, if one wants it checked.
        axis: The axis.

    >>> [part.tolist() for part in unstack([[1, 2], [3, 4]])]
    [[1, 2], [3, 4]]
    """
    x = tensor_of(x)
    place = one_axis("unstack", axis, x.array.ndim)
    shape = x.array.shape
    if num is not None and num != shape[place]:
        raise ValueError(f"unstack: expected num to be the size of the axis. Received: {num=}, x.shape={shape}")
    rest = {"shape": (*shape[:place], *shape[place + 1 :])}
    parts = apply(SPLIT, (x,), {"indices": tuple(range(1, shape[place])), "axis": place}) if shape[place] else ()
    return [apply(RESHAPE, (part,), rest) for part in parts]


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
def flip(x: Any, axis: int | Sequence[int] | None = None) -> Tensor:
    """The elements in reverse order along axes, by default all.

    >>> flip([1, 2, 3]).tolist()
    [3, 2, 1]
    """
    x = tensor_of(x)
    return apply(FLIP, (x,), {"axis": many_axes("flip", axis, x.array.ndim)})


@op
def fliplr(x: Any) -> Tensor:
    """The second dimension in reverse order.

    >>> fliplr([[1, 2]]).tolist()
    [[2, 1]]
    """
    return flip(x, 1)


@op
def flipud(x: Any) -> Tensor:
    """The first dimension in reverse order.

    >>> flipud([1, 2]).tolist()
    [2, 1]
    """
    return flip(x, 0)


@op
def rot90(array: Any, k: int = 1, axes: Sequence[int] = (0, 1)) -> Tensor:
    """Rotated by 90 degrees, `k` times, in the plane of two axes, from the first towards the second.

    >>> rot90([[1, 2], [3, 4]]).tolist()
    [[2, 4], [1, 3]]
    """
    x = tensor_of(array)
    if len(axes) != 2:
        raise ValueError(f"rot90: expected two axes. Received: axes={axes}")
    first, second = many_axes("rot90", tuple(axes), x.array.ndim)
    turns = k % 4
    if turns == 2:
        return flip(x, (first, second))
    if turns == 1:
        return swapaxes(flip(x, second), first, second)
    return flip(swapaxes(x, first, second), second) if turns else x


@op
def roll(x: Any, shift: int | Sequence[int], axis: int | Sequence[int] | None = None) -> Tensor:
    """Elements moved on along axes; what leaves at the end comes in at the beginning.

    Args:
        x: The tensor.
        shift: By how many places, one number, or one for each axis.
        axis: The axes; None for the flattened tensor.

    >>> roll([1, 2, 3], 1).tolist()
    [3, 1, 2]
    """
    x = convert_to_tensor(x)
    if axis is None:
        return reshape(roll(ravel(x), shift, 0), x.shape)
    # One axis may be given several times: its shifts add up.
    axes = [one_axis("roll", a, x.array.ndim) for a in (axis if isinstance(axis, (tuple, list)) else (axis,))]
    shifts = sizes_of("roll", shift)
    if len(shifts) == 1:
        shifts *= len(axes)
    if len(shifts) != len(axes):
        raise ValueError(f"roll: expected one shift for each axis. Received: shift={shift}, axis={axis}")
    return apply(ROLL, (x,), {"shift": shifts, "axis": tuple(axes)})


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
