"""Constraints on the Euclidean norms of the vectors of a weight."""

from __future__ import annotations

from typing import Any

from kerasish import config, ops
from kerasish.autodiff import Tensor, convert_to_tensor
from kerasish.constraints.constraint import Constraint

Axis = int | list[int] | tuple[int, ...]


def _norms(w: Tensor, axis: Axis) -> Tensor:
    return ops.sqrt(ops.sum(ops.square(w), axis=tuple(axis) if isinstance(axis, list) else axis, keepdims=True))


class MaxNorm(Constraint):
    """Vectors longer than `max_value` are scaled down to that length.

    Args:
        max_value: The greatest norm.
        axis: The axes over which a norm is taken: 0 for the incoming weights of each unit of a `Dense` kernel,
            `[0, 1, 2]` for each filter of a `Conv2D` kernel.

    >>> MaxNorm(1.0)([[3.0, 0.3], [4.0, 0.4]]).numpy().round(3).tolist()
    [[0.6000000238418579, 0.30000001192092896], [0.800000011920929, 0.4000000059604645]]
    """

    def __init__(self, max_value: float = 2, axis: Axis = 0) -> None:
        self.max_value = max_value
        self.axis = axis

    def __call__(self, w: Any) -> Tensor:
        """The weight with its norms bounded."""
        w = convert_to_tensor(w)
        norms = _norms(w, self.axis)
        return w * (ops.minimum(norms, self.max_value) / (norms + config.epsilon()))

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {"max_value": self.max_value, "axis": self.axis}


class UnitNorm(Constraint):
    """Each vector is scaled to length 1.

    Args:
        axis: The axes over which a norm is taken, as in `MaxNorm`.

    >>> UnitNorm()([[3.0], [4.0]]).numpy().round(3).tolist()
    [[0.6000000238418579], [0.800000011920929]]
    """

    def __init__(self, axis: Axis = 0) -> None:
        self.axis = axis

    def __call__(self, w: Any) -> Tensor:
        """The weight with norms of 1."""
        w = convert_to_tensor(w)
        return w / (_norms(w, self.axis) + config.epsilon())

    def get_config(self) -> dict[str, Any]:
        """The argument."""
        return {"axis": self.axis}


class MinMaxNorm(Constraint):
    """Vectors are scaled so that their lengths come to lie between two bounds.

    Args:
        min_value: The smallest norm.
        max_value: The greatest norm.
        rate: How far towards the bound a vector is scaled by each update, from 0 to 1.
        axis: The axes over which a norm is taken, as in `MaxNorm`.

    >>> MinMaxNorm(1.0, 2.0)([[3.0], [4.0]]).numpy().round(3).tolist()
    [[1.2000000476837158], [1.600000023841858]]
    """

    def __init__(self, min_value: float = 0.0, max_value: float = 1.0, rate: float = 1.0, axis: Axis = 0) -> None:
        self.min_value = min_value
        self.max_value = max_value
        self.rate = rate
        self.axis = axis

    def __call__(self, w: Any) -> Tensor:
        """The weight with its norms bounded from both sides."""
        w = convert_to_tensor(w)
        norms = _norms(w, self.axis)
        desired = ops.clip(norms, self.min_value, self.max_value) * self.rate + norms * (1 - self.rate)
        return w * (desired / (norms + config.epsilon()))

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {"min_value": self.min_value, "max_value": self.max_value, "rate": self.rate, "axis": self.axis}
