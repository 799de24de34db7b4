"""Penalties on the size of weights: L1, L2, and both."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.autodiff import Tensor, convert_to_tensor
from kerasish.regularizers.regularizer import Regularizer, checked_factor


class L1(Regularizer):
    """The penalty `l1 * sum(|x|)`.

    Args:
        l1: The factor.

    Raises:
        ValueError: If the factor is negative or not finite.

    >>> round(float(L1(0.1)([1.0, -2.0])), 4)
    0.3
    """

    def __init__(self, l1: float = 0.01) -> None:
        self.l1 = checked_factor(0.01 if l1 is None else l1, "l1")

    def __call__(self, x: Any) -> Tensor:
        """The penalty of a tensor."""
        return ops.sum(ops.absolute(x)) * self.l1

    def get_config(self) -> dict[str, Any]:
        """The factor."""
        return {"l1": self.l1}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> L1:
        """The regularizer of a config; "l" is an old name of the factor."""
        return cls(config.get("l1", config.get("l", 0.01)))


class L2(Regularizer):
    """The penalty `l2 * sum(x ** 2)`.

    Args:
        l2: The factor.

    Raises:
        ValueError: If the factor is negative or not finite.

    >>> float(L2(0.5)([1.0, -2.0]))
    2.5
    """

    def __init__(self, l2: float = 0.01) -> None:
        self.l2 = checked_factor(0.01 if l2 is None else l2, "l2")

    def __call__(self, x: Any) -> Tensor:
        """The penalty of a tensor."""
        return ops.sum(ops.square(x)) * self.l2

    def get_config(self) -> dict[str, Any]:
        """The factor."""
        return {"l2": self.l2}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> L2:
        """The regularizer of a config; "l" is an old name of the factor."""
        return cls(config.get("l2", config.get("l", 0.01)))


class L1L2(Regularizer):
    """The penalty `l1 * sum(|x|) + l2 * sum(x ** 2)`.

    Args:
        l1: The factor of the absolute values.
        l2: The factor of the squares.

    Raises:
        ValueError: If a factor is negative or not finite.

    >>> float(L1L2(l1=1.0, l2=0.5)([1.0, -2.0]))
    5.5
    """

    def __init__(self, l1: float = 0.0, l2: float = 0.0) -> None:
        self.l1 = checked_factor(0.0 if l1 is None else l1, "l1")
        self.l2 = checked_factor(0.0 if l2 is None else l2, "l2")

    def __call__(self, x: Any) -> Tensor:
        """The penalty of a tensor."""
        x = convert_to_tensor(x)
        terms = []
        if self.l1:
            terms.append(ops.sum(ops.absolute(x)) * self.l1)
        if self.l2:
            terms.append(ops.sum(ops.square(x)) * self.l2)
        if not terms:
            return convert_to_tensor(0.0, x.dtype)
        return terms[0] if len(terms) == 1 else terms[0] + terms[1]

    def get_config(self) -> dict[str, Any]:
        """The factors."""
        return {"l1": self.l1, "l2": self.l2}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> L1L2:
        """The regularizer of a config."""
        return cls(config.get("l1", 0.0), config.get("l2", 0.0))
