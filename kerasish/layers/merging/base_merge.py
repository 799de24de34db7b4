"""`Merge`: the base of layers that combine several tensors element by element."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerasish import ops
from kerasish.autodiff import KerasTensor, Tensor
from kerasish.layers.layer import Layer


class Merge(Layer):
    """The base of layers that combine a list of tensors of shapes that broadcast.

    Tensors with fewer axes get axes of size 1 after the batch. A subclass writes `_merge(inputs)`.

    Args:
        **kwargs: The arguments of `Layer`.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def _merge(self, inputs: list[Tensor]) -> Tensor:
        raise NotImplementedError(f"{type(self).__name__} has no `_merge`.")

    def build(self, input_shape: Any) -> None:
        self._check_list(input_shape)
        self.compute_output_shape(input_shape)

    def _check_list(self, shapes: Any) -> None:
        if not isinstance(shapes, (list, tuple)) or not shapes or not isinstance(shapes[0], (list, tuple)):
            raise ValueError(f"The layer {self.name!r} takes a list of inputs. Received: input_shape={shapes}")

    def call(self, inputs: Any) -> Tensor:
        if not isinstance(inputs, (list, tuple)):
            raise ValueError(f"The layer {self.name!r} takes a list of inputs. Received: inputs={inputs!r}")
        rank = max(x.ndim for x in inputs)
        return self._merge([self._widened(x, rank) for x in inputs])

    def _widened(self, x: Tensor, rank: int) -> Tensor:
        if x.ndim == rank:
            return x
        wide = ops.reshape(x, (x.shape[0], *[1] * (rank - x.ndim), *x.shape[1:]))
        wide._keras_mask = x._keras_mask
        return wide

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        self._check_list(input_shape)
        batches = {shape[0] for shape in input_shape if len(shape)} - {None}
        if len(batches) > 1:
            raise ValueError(
                f"The layer {self.name!r} merges inputs of one batch size. Received: input_shape={input_shape}"
            )
        merged: list[int | None] = list(input_shape[0][1:])
        for shape in input_shape[1:]:
            merged = self._broadcast(merged, list(shape[1:]), input_shape)
        return (batches.pop() if batches else None, *merged)

    def _broadcast(self, a: list[int | None], b: list[int | None], shapes: Any) -> list[int | None]:
        rank = max(len(a), len(b))
        wide_a: list[int | None] = [*[1] * (rank - len(a)), *a]
        wide_b: list[int | None] = [*[1] * (rank - len(b)), *b]
        sizes: list[int | None] = []
        for m, n in zip(wide_a, wide_b, strict=True):
            if m is None or n is None:
                sizes.append(n if m in (None, 1) and n not in (None, 1) else m if m not in (None, 1) else None)
            elif 1 in (m, n):
                sizes.append(m * n)
            elif m == n:
                sizes.append(m)
            else:
                raise ValueError(
                    f"The shapes of the inputs of the layer {self.name!r} do not broadcast. "
                    f"Received: input_shape={shapes}"
                )
        return sizes

    def compute_output_spec(self, inputs: Any) -> KerasTensor:
        if not isinstance(inputs, (list, tuple)):
            raise ValueError(f"The layer {self.name!r} takes a list of inputs. Received: inputs={inputs!r}")
        return KerasTensor(self.compute_output_shape([x.shape for x in inputs]), self.compute_dtype)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        if previous_mask is None or any(mask is None for mask in previous_mask):
            return None
        merged = previous_mask[0]
        for mask in previous_mask[1:]:
            merged = ops.logical_or(merged, mask)
        return merged


def fold(function: Callable[[Any, Any], Tensor], inputs: list[Tensor]) -> Tensor:
    """A function of two tensors applied from left to right.

    >>> from kerasish import ops
    >>> fold(ops.add, [ops.array(1.0), ops.array(2.0), ops.array(3.0)]).tolist()
    6.0
    """
    result = inputs[0]
    for x in inputs[1:]:
        result = function(result, x)
    return result


def fold_kept(function: Callable[[Any, Any], Tensor], inputs: list[Tensor]) -> Tensor:
    """The same, where steps that the mask of one tensor leaves out count for the others alone.

    The mask of the result keeps what any of the masks keeps; without a mask of each there is none.
    """
    if all(x._keras_mask is None for x in inputs):
        return fold(function, inputs)
    result, result_mask = inputs[0], expanded_mask(inputs[0])
    for x in inputs[1:]:
        mask = expanded_mask(x)
        if mask is not None:
            x = ops.where(mask, x, result)
        if result_mask is not None:
            result = ops.where(result_mask, result, x)
        result_mask = ops.logical_or(result_mask, mask) if mask is not None and result_mask is not None else None
        result = function(result, x)
    if result_mask is not None:
        result._keras_mask = ops.any(result_mask, axis=-1)
    return result


def expanded_mask(x: Tensor) -> Any:
    """The mask of a tensor in the tensor's own shape, or None."""
    mask = x._keras_mask
    if mask is None:
        return None
    return ops.broadcast_to(ops.reshape(mask, (*mask.shape, *[1] * (x.ndim - mask.ndim))), x.shape)
