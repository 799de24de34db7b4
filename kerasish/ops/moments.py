"""The moments of a tensor over axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.autodiff import Tensor, convert_to_tensor, op
from kerasish.ops.choice import clip
from kerasish.ops.elementwise import square
from kerasish.ops.normalization import different_axes
from kerasish.ops.promotion import as_float
from kerasish.ops.reduction import mean as reduce_mean


@op
def moments(x: Any, axes: Any, keepdims: bool = False, synchronized: bool = False) -> tuple[Tensor, Tensor]:
    """The mean and the (biased) variance over axes.

    Args:
        x: The input. Half precision is reduced in float32 and clipped to what float16 holds.
        axes: The axis or axes.
        keepdims: Whether they stay, with size 1.
        synchronized: Must be False: there is one replica.

    >>> mean, variance = moments([1.0, 3.0], axes=0)
    >>> mean.item(), variance.item()
    (2.0, 1.0)
    """
    if synchronized:
        raise NotImplementedError("moments: there is one replica to reduce over. Received: synchronized=True")
    x = as_float(x)
    over = different_axes(axes, x, "moments")
    half = x.dtype in ("float16", "bfloat16")
    wide = convert_to_tensor(x, "float32") if half else x
    mean = reduce_mean(wide, axis=over, keepdims=True)
    variance = reduce_mean(square(wide - mean), axis=over, keepdims=True)
    if not keepdims:
        shape = [size for d, size in enumerate(x.shape) if d not in over]
        mean, variance = mean.reshape(shape), variance.reshape(shape)
    if half:
        largest = float(np.finfo(np.float16).max)
        mean = convert_to_tensor(clip(mean, -largest, largest), x.dtype)
        variance = convert_to_tensor(clip(variance, -largest, largest), x.dtype)
    return mean, variance
