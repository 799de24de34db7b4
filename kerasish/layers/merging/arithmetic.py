"""`Add`, `Subtract`, `Multiply`, `Average`, `Maximum`, `Minimum`, and the same as functions."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.autodiff import Tensor
from kerasish.layers.merging.base_merge import Merge, expanded_mask, fold, fold_kept


class Add(Merge):
    """The sum of a list of tensors.

    >>> from kerasish import ops
    >>> Add()([ops.array([1.0, 2.0]), ops.array([3.0, 4.0])]).tolist()
    [4.0, 6.0]
    """

    def _merge(self, inputs: list[Tensor]) -> Tensor:
        return fold(ops.add, inputs)


class Subtract(Merge):
    """The first of two tensors less the second.

    >>> from kerasish import ops
    >>> Subtract()([ops.array([1.0, 2.0]), ops.array([3.0, 5.0])]).tolist()
    [-2.0, -3.0]
    """

    def build(self, input_shape: Any) -> None:
        super().build(input_shape)
        if len(input_shape) != 2:
            raise ValueError(f"The layer {self.name!r} takes two inputs. Received: input_shape={input_shape}")

    def _merge(self, inputs: list[Tensor]) -> Tensor:
        if len(inputs) != 2:
            raise ValueError(f"The layer {self.name!r} takes two inputs. Received: {len(inputs)} inputs")
        return ops.subtract(inputs[0], inputs[1])


class Multiply(Merge):
    """The product of a list of tensors, element by element.

    A step that the mask of one tensor leaves out counts as one; where the masks of all leave it out, the product
    is zero.

    >>> from kerasish import ops
    >>> Multiply()([ops.array([1.0, 2.0]), ops.array([3.0, 4.0])]).tolist()
    [3.0, 8.0]
    """

    def _merge(self, inputs: list[Tensor]) -> Tensor:
        masks = [expanded_mask(x) for x in inputs]
        kept = [x if m is None else ops.where(m, x, ops.ones_like(x)) for x, m in zip(inputs, masks, strict=True)]
        output = fold(ops.multiply, kept)
        if all(mask is not None for mask in masks):
            mask = fold(ops.logical_or, masks)
            output = ops.where(mask, output, ops.zeros_like(output))
            output._keras_mask = ops.any(mask, axis=-1)
        return output


class Average(Merge):
    """The mean of a list of tensors.

    >>> from kerasish import ops
    >>> Average()([ops.array([1.0, 2.0]), ops.array([3.0, 4.0])]).tolist()
    [2.0, 3.0]
    """

    def _merge(self, inputs: list[Tensor]) -> Tensor:
        return fold(ops.add, inputs) / len(inputs)


class Maximum(Merge):
    """The largest of a list of tensors, element by element. Steps that a mask leaves out do not count.

    >>> from kerasish import ops
    >>> Maximum()([ops.array([1.0, 5.0]), ops.array([3.0, 4.0])]).tolist()
    [3.0, 5.0]
    """

    def _merge(self, inputs: list[Tensor]) -> Tensor:
        return fold_kept(ops.maximum, inputs)


class Minimum(Merge):
    """The smallest of a list of tensors, element by element. Steps that a mask leaves out do not count.

    >>> from kerasish import ops
    >>> Minimum()([ops.array([1.0, 5.0]), ops.array([3.0, 4.0])]).tolist()
    [1.0, 4.0]
    """

    def _merge(self, inputs: list[Tensor]) -> Tensor:
        return fold_kept(ops.minimum, inputs)


def add(inputs: Any, **kwargs: Any) -> Tensor:
    """The sum of a list of tensors, by an `Add` layer made for it; the other arguments are the layer's.

    >>> from kerasish import ops
    >>> add([ops.array([1.0]), ops.array([3.0])]).tolist()
    [4.0]
    """
    return Add(**kwargs)(inputs)


def subtract(inputs: Any, **kwargs: Any) -> Tensor:
    """The first of two tensors less the second, by a `Subtract` layer made for it.

    >>> from kerasish import ops
    >>> subtract([ops.array([1.0]), ops.array([3.0])]).tolist()
    [-2.0]
    """
    return Subtract(**kwargs)(inputs)


def multiply(inputs: Any, **kwargs: Any) -> Tensor:
    """The product of a list of tensors, by a `Multiply` layer made for it.

    >>> from kerasish import ops
    >>> multiply([ops.array([2.0]), ops.array([3.0])]).tolist()
    [6.0]
    """
    return Multiply(**kwargs)(inputs)


def average(inputs: Any, **kwargs: Any) -> Tensor:
    """The mean of a list of tensors, by an `Average` layer made for it.

    >>> from kerasish import ops
    >>> average([ops.array([2.0]), ops.array([3.0])]).tolist()
    [2.5]
    """
    return Average(**kwargs)(inputs)


def maximum(inputs: Any, **kwargs: Any) -> Tensor:
    """The largest of a list of tensors, by a `Maximum` layer made for it.

    >>> from kerasish import ops
    >>> maximum([ops.array([2.0]), ops.array([3.0])]).tolist()
    [3.0]
    """
    return Maximum(**kwargs)(inputs)


def minimum(inputs: Any, **kwargs: Any) -> Tensor:
    """The smallest of a list of tensors, by a `Minimum` layer made for it.

    >>> from kerasish import ops
    >>> minimum([ops.array([2.0]), ops.array([3.0])]).tolist()
    [2.0]
    """
    return Minimum(**kwargs)(inputs)
