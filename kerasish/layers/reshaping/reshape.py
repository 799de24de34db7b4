"""`Reshape`: each sample in another shape."""

from __future__ import annotations

import math
from typing import Any

from kerasish import ops
from kerasish.autodiff import Tensor
from kerasish.layers.reshaping.moving import MovingLayer


class Reshape(MovingLayer):
    """Each sample in another shape, its elements in the same order.

    Args:
        target_shape: The shape of a sample, without the batch. One size may be -1: it is found from the others.

    >>> from kerasish import ops
    >>> Reshape((2, -1))(ops.ones((5, 12))).shape
    (5, 2, 6)
    """

    def __init__(self, target_shape: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        sizes = (target_shape,) if isinstance(target_shape, int) else tuple(target_shape)
        if any(isinstance(n, bool) or not hasattr(n, "__index__") or n < -1 for n in sizes) or sizes.count(-1) > 1:
            raise ValueError(
                f"Expected target_shape of the layer {self.name!r} to be non-negative ints, one of which may be -1. "
                f"Received: target_shape={target_shape!r}"
            )
        self.target_shape = tuple([n.__index__() for n in sizes])
        self._build_at_init()

    def call(self, inputs: Any) -> Tensor:
        return ops.reshape(inputs, self.compute_output_shape(inputs.shape))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        given, target = tuple(input_shape[1:]), self.target_shape
        if None in given:
            return input_shape[0], *[None if n == -1 else n for n in target]
        total, known = math.prod(given), math.prod([n for n in target if n != -1])
        if (known == 0 or total % known if -1 in target else total != known) and not (total == 0 == known):
            raise ValueError(
                f"The layer {self.name!r} cannot reshape samples of {total} elements to {target}. "
                f"Received: input_shape={tuple(input_shape)}"
            )
        return input_shape[0], *[(total // known if known else 0) if n == -1 else n for n in target]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "target_shape": self.target_shape}
