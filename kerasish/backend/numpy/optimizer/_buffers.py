"""Whole buffers: weight decay, averages of weights, accumulated, scaled and clipped gradients."""

from __future__ import annotations

import numpy as np

from kerasish.backend.contract.types import Array, Scalar
from kerasish.backend.numpy._widen import narrow, wide_dtype
from kerasish.backend.numpy.optimizer import _blocks
from kerasish.backend.numpy.optimizer._averages import decay
from kerasish.backend.numpy.optimizer._blocks import run
from kerasish.backend.numpy.optimizer._sgd import descend


def weight_decay_update(param: Array, *, rate: Scalar) -> None:
    """Two passes; one product with `1 - rate` would lose most digits of a small rate."""
    run(lambda p, t, rate: descend(p, p, t, rate), (param,), "w", 1, float(rate))


def ema_update(average: Array, value: Array, *, momentum: Scalar) -> None:
    """Three passes."""
    run(decay, (average, value), "wr", 1, float(momentum))


def accumulate(buffer: Array, grad: Array) -> None:
    """One pass."""
    np.add(buffer, grad, out=buffer, casting="same_kind")


def scale(buffer: Array, *, factor: Scalar) -> None:
    """One pass; half precision takes the factor in float32."""
    run(lambda block, factor: np.multiply(block, factor, out=block), (buffer,), "w", 0, float(factor))


def clip_values(buffer: Array, *, limit: Scalar) -> None:
    """Two passes."""
    bound = float(limit)
    np.minimum(buffer, bound, out=buffer)
    np.maximum(buffer, -bound, out=buffer)


def sum_squares(x: Array) -> Array:
    """One dot product a block, added up in double precision."""
    dtype = wide_dtype(x.dtype)
    flat = x.reshape(-1)
    total = 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, flat.size, _blocks.BLOCK):
            block = flat[start : start + _blocks.BLOCK].astype(dtype, copy=False)
            total += float(np.dot(block, block))
        return narrow(np.asarray(total), dtype)
