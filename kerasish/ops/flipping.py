"""Moving elements along axes: flip, rotate, roll."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from kerasish.autodiff import Node, Primitive, Tensor, apply, convert_to_tensor, op
from kerasish.ops.axes import many_axes, one_axis, sizes_of
from kerasish.ops.shape import ravel, reshape, swapaxes, tensor_of


def _roll_vjp(node: Node, dy: Tensor) -> tuple[Tensor]:
    back = tuple([-shift for shift in node.attrs["shift"]])
    return (apply(ROLL, (dy,), {"shift": back, "axis": node.attrs["axis"]}),)


FLIP: Primitive = Primitive(
    "flip", lambda node, dy: (apply(FLIP, (dy,), node.attrs),), lambda x, *, axis: (x.shape, x.dtype)
)
ROLL = Primitive("roll", _roll_vjp, lambda x, *, shift, axis: (x.shape, x.dtype))


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
