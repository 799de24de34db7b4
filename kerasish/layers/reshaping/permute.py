"""`Permute`: the axes in another order."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.autodiff import Tensor
from kerasish.layers.input_spec import InputSpec
from kerasish.layers.reshaping.moving import MovingLayer


class Permute(MovingLayer):
    """The axes of each sample in another order.

    Args:
        dims: The axes (from 1; the batch stays): `(2, 1)` swaps the two axes of a sample.

    Raises:
        ValueError: If the axes are not 1, 2, … in some order.

    >>> from kerasish import ops
    >>> Permute((2, 1))(ops.ones((5, 2, 3))).shape
    (5, 3, 2)
    """

    def __init__(self, dims: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(
                f"Expected dims of the layer {self.name!r} to be the axes from 1 on, in some order. "
                f"Received: dims={dims!r}"
            )
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)

    def call(self, inputs: Any) -> Tensor:
        return ops.transpose(inputs, (0, *self.dims))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return input_shape[0], *[input_shape[dim] for dim in self.dims]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "dims": self.dims}
