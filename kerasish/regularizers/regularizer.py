"""`Regularizer`: a penalty on weights or outputs that is added to the loss."""

from __future__ import annotations

import math
from typing import Any

from kerasish.autodiff import Tensor


class Regularizer:
    """The base of all regularizers: a function from a tensor to a scalar, with a config.

    >>> from kerasish import ops
    >>> class Sum(Regularizer):
    ...     def __call__(self, x):
    ...         return ops.sum(x)
    ...     def get_config(self):
    ...         return {}
    >>> float(Sum()([1.0, 2.0]))
    3.0
    """

    def __call__(self, x: Any) -> Tensor | float:
        """The penalty of a tensor."""
        return 0.0

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Regularizer:
        """The regularizer of a config."""
        return cls(**config)

    def get_config(self) -> dict[str, Any]:
        """The arguments to make the regularizer again, as values of JSON."""
        raise NotImplementedError(f"The regularizer {type(self).__name__} needs a method get_config().")


def checked_factor(value: Any, name: str) -> float:
    """A factor as a float; anything but a finite number of at least 0 is an error."""
    try:
        number = math.nan if isinstance(value, (str, bytes)) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not 0 <= number < math.inf:
        raise ValueError(f"{name} must be a finite number of at least 0. Received: {name}={value!r}")
    return number
