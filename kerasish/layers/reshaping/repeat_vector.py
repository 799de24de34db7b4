"""`RepeatVector`: a sequence of equal steps."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.autodiff import Tensor
from kerasish.layers.input_spec import InputSpec
from kerasish.layers.reshaping.moving import MovingLayer


class RepeatVector(MovingLayer):
    """Each sample n times: `(batch, features)` becomes `(batch, n, features)`.

    Args:
        n: How often.

    Raises:
        TypeError: If `n` is not an int.
        ValueError: If it is not positive.

    >>> from kerasish import ops
    >>> RepeatVector(2)(ops.array([[1.0, 2.0]])).tolist()
    [[[1.0, 2.0], [1.0, 2.0]]]
    """

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if isinstance(n, bool) or not isinstance(n, int):
            raise TypeError(f"Expected n of the layer {self.name!r} to be an int. Received: n={n!r}")
        if n <= 0:
            raise ValueError(f"Expected n of the layer {self.name!r} to be positive. Received: n={n}")
        self.n = n
        self.input_spec = InputSpec(ndim=2)

    def call(self, inputs: Any) -> Tensor:
        return ops.repeat(ops.expand_dims(inputs, 1), self.n, axis=1)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return input_shape[0], self.n, input_shape[1]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "n": self.n}
