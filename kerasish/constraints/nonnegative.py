"""`NonNeg`: weights that are not negative."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.autodiff import Tensor, convert_to_tensor
from kerasish.constraints.constraint import Constraint


class NonNeg(Constraint):
    """Negative weights become 0.

    >>> NonNeg()([-1.0, 2.0]).tolist()
    [0.0, 2.0]
    """

    def __call__(self, w: Any) -> Tensor:
        """The weight without its negative values."""
        return ops.maximum(convert_to_tensor(w), 0)
