"""`Concatenate`: tensors one after the other, and the same as a function."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.autodiff import Tensor
from kerasish.layers.merging.base_merge import Merge


class Concatenate(Merge):
    """A list of tensors one after the other along an axis; all other sizes are the same.

    Args:
        axis: The axis.

    >>> from kerasish import ops
    >>> Concatenate()([ops.ones((2, 3)), ops.ones((2, 1))]).shape
    (2, 4)
    """

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def call(self, inputs: Any) -> Tensor:
        if not isinstance(inputs, (list, tuple)):
            raise ValueError(f"The layer {self.name!r} takes a list of inputs. Received: inputs={inputs!r}")
        return ops.concatenate(list(inputs), axis=self.axis)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        self._check_list(input_shape)
        rank = len(input_shape[0])
        if any(len(shape) != rank for shape in input_shape) or not -rank <= self.axis < rank:
            raise ValueError(
                f"The layer {self.name!r} joins inputs of one number of dimensions along axis {self.axis}. "
                f"Received: input_shape={input_shape}"
            )
        axis = self.axis % rank
        sizes: list[int | None] = []
        for position, column in enumerate(zip(*input_shape, strict=True)):
            known = {size for size in column if size is not None}
            if position == axis:
                sizes.append(None if None in column else sum(column))
            elif len(known) > 1:
                raise ValueError(
                    f"The inputs of the layer {self.name!r} must have the same sizes apart from axis {self.axis}. "
                    f"Received: input_shape={input_shape}"
                )
            else:
                sizes.append(known.pop() if known else None)
        return tuple(sizes)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        if previous_mask is None or all(mask is None for mask in previous_mask):
            return None
        masks = []
        for x, mask in zip(inputs, previous_mask, strict=True):
            if mask is None:
                masks.append(ops.ones_like(x, dtype="bool"))
            elif len(mask.shape) < len(x.shape):
                masks.append(ops.logical_or(ops.expand_dims(mask, -1), ops.zeros_like(x, dtype="bool")))
            else:
                masks.append(mask)
        return ops.any(ops.concatenate(masks, axis=self.axis), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Tensor:
    """A list of tensors one after the other, by a `Concatenate` layer made for it.

    >>> from kerasish import ops
    >>> concatenate([ops.ones((2, 3)), ops.ones((2, 1))]).shape
    (2, 4)
    """
    return Concatenate(axis=axis, **kwargs)(inputs)
