"""Clipping of gradients in place. The norms stay on the device."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.backend import K


def clip_values(buffers: list[Any], limit: float) -> None:
    """Bring every element between `-limit` and `limit`."""
    for buffer in buffers:
        K.clip_values(buffer, limit=limit)


def clip_norms(buffers: list[Any], limit: float) -> None:
    """Scale each buffer whose L2 norm is over the limit down to it."""
    with np.errstate(all="ignore"):
        for buffer in buffers:
            K.scale(buffer, factor=_factor(K.sum_squares(buffer), limit))


def clip_global_norm(buffers: list[Any], limit: float) -> None:
    """Scale all buffers by one factor where their L2 norm together is over the limit; NaN where it is not finite."""
    with np.errstate(all="ignore"):
        squares = K.sum_squares(buffers[0])
        for buffer in buffers[1:]:
            squares = squares + K.sum_squares(buffer)
        factor = _factor(squares, limit) + (squares - squares)
        for buffer in buffers:
            K.scale(buffer, factor=factor)


def _factor(squares: Any, limit: float) -> Any:
    return limit / K.maximum(K.sqrt(squares), limit)
