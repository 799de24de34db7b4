"""`Orthogonal`: random orthogonal matrices."""

from __future__ import annotations

import math
from typing import Any

from kerasish import ops, random
from kerasish.autodiff import Tensor
from kerasish.backend.dtypes import standardize_dtype
from kerasish.initializers.random import RandomInitializer


class Orthogonal(RandomInitializer):
    """`gain` times a random matrix with orthonormal columns (or rows, where those are fewer).

    It is the factor Q of the QR decomposition of a matrix of normal numbers, with the signs that make its
    distribution uniform. More than two dimensions are flattened to `(product of all but the last, last)`.
    Source: Saxe et al., 2014.

    Args:
        gain: A factor.
        seed: See `RandomInitializer`.

    >>> q = Orthogonal(seed=1)((3, 3)).numpy()
    >>> bool(abs(q.T @ q - [[1, 0, 0], [0, 1, 0], [0, 0, 1]]).max() < 1e-5)
    True
    """

    def __init__(self, gain: float = 1.0, seed: Any = None) -> None:
        self.gain = gain
        super().__init__(seed)

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        """A random orthogonal tensor of this shape.

        Raises:
            ValueError: If the shape has fewer than two dimensions.
        """
        shape, dtype = tuple(shape), standardize_dtype(dtype)
        if len(shape) < 2:
            raise ValueError(f"Orthogonal needs a shape of at least two dimensions. Received: shape={shape}")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        # QR exists for the wider floats only.
        working = "float32" if dtype in ("float16", "bfloat16") else dtype
        normal = random.normal((max(rows, columns), min(rows, columns)), seed=self.seed, dtype=working)
        q, r = ops.qr(normal)
        q = q * ops.sign(ops.diagonal(r))
        if rows < columns:
            q = ops.transpose(q)
        return ops.cast(ops.reshape(q, shape) * self.gain, dtype)

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {**super().get_config(), "gain": self.gain}
