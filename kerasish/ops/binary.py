"""What functions of two tensors share: one dtype for both operands, broadcasting, and its undoing in gradients."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.autodiff import Primitive, Tensor, apply
from kerasish.ops.gradients import unbroadcast
from kerasish.ops.promotion import fits, promoted


def shape_of(x: Any) -> tuple[int, ...]:
    """The shape of an array, or that of a number."""
    return x.shape if hasattr(x, "shape") else ()


def broadcasted(x1: Any, x2: Any) -> tuple[Any, Any]:
    """The shape rule of a function of two arrays (or one and a number) that keeps their dtype."""
    if not hasattr(x1, "shape"):
        return x2.shape, x2.dtype
    if not hasattr(x2, "shape") or x1.shape == x2.shape:
        return x1.shape, x1.dtype
    return np.broadcast_shapes(x1.shape, x2.shape), x1.dtype


def binary(primitive: Primitive, x1: Any, x2: Any) -> Tensor:
    """Apply a function of two operands, brought to one dtype unless they have it already."""
    if isinstance(x1, Tensor):
        if isinstance(x2, Tensor):
            if x1.array.dtype is x2.array.dtype:
                return apply(primitive, (x1, x2))
        elif fits(x1.array, x2):
            return apply(primitive, (x1, x2))
    elif isinstance(x2, Tensor) and fits(x2.array, x1):
        return apply(primitive, (x1, x2))
    return apply(primitive, tuple(promoted(x1, x2)))


def fitted(gradient: Tensor, x: Any) -> Tensor:
    """A gradient in the shape of the operand that it belongs to."""
    return gradient if gradient.array.shape == x.array.shape else unbroadcast(gradient, x.array.shape)
