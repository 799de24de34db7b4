"""`OrthogonalRegularizer`: a penalty on vectors that are not at right angles."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.autodiff import Tensor, convert_to_tensor
from kerasish.regularizers.regularizer import Regularizer, checked_factor


class OrthogonalRegularizer(Regularizer):
    """`factor` times the mean absolute cosine between the rows (or columns) of a matrix.

    Args:
        factor: The factor.
        mode: "rows" or "columns": which vectors are compared.

    Raises:
        ValueError: If the factor is negative, or the mode is another one.

    >>> round(float(OrthogonalRegularizer(1.0)([[1.0, 0.0], [1.0, 1.0]])), 4)
    0.7071
    """

    def __init__(self, factor: float = 0.01, mode: str = "rows") -> None:
        self.factor = checked_factor(factor, "factor")
        if mode not in ("rows", "columns"):
            raise ValueError(f"mode must be 'rows' or 'columns'. Received: mode={mode!r}")
        self.mode = mode

    def __call__(self, x: Any) -> Tensor:
        """The penalty of a matrix.

        Raises:
            ValueError: If it is not a matrix.
        """
        x = convert_to_tensor(x)
        if len(x.shape) != 2:
            raise ValueError(f"OrthogonalRegularizer takes matrices: expected rank 2. Received: shape={x.shape}")
        if self.mode == "columns":
            x = ops.transpose(x)
        vectors = ops.normalize(x, axis=1)
        size = x.shape[0]
        cosines = ops.matmul(vectors, ops.transpose(vectors)) * (1.0 - ops.eye(size, dtype=x.dtype))
        pairs = size * (size - 1.0) / 2.0
        return ops.sum(ops.absolute(cosines)) * (self.factor * 0.5) / pairs

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {"factor": self.factor, "mode": self.mode}
