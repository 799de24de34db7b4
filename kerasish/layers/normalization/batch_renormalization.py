"""Batch renormalization: the correction of the moments of a batch towards their moving averages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kerasish import ops
from kerasish.autodiff import Tensor, Variable, no_recording

if TYPE_CHECKING:
    from kerasish.layers.normalization.batch_normalization import BatchNormalization

_BOUNDS = ("rmin", "rmax", "dmax")


class Renormalization:
    """What a `BatchNormalization` with `renorm=True` does besides.

    With the moving averages `m` and `s` of the mean and of the standard deviation, the normalized inputs `x`
    become `x * r + d`, where `r = std / s` and `d = (mean - m) / s` are clipped and taken as constants.

    Args:
        layer: The layer; its `renorm_clipping` and `renorm_momentum` are read.

    Raises:
        ValueError: If the clipping has other keys, or bounds that contradict each other.

    Source: Ioffe, 2017, arXiv:1702.03275.

    >>> from kerasish import layers, ops
    >>> layer = layers.BatchNormalization(renorm=True, epsilon=0.0)
    >>> layer(ops.array([[1.0], [3.0]]), training=True).tolist()
    [[1.0], [3.0]]
    """

    def __init__(self, layer: BatchNormalization) -> None:
        self._layer = layer
        clipping = layer.renorm_clipping or {}
        unknown = sorted(set(clipping) - set(_BOUNDS))
        if unknown:
            raise ValueError(
                f"Expected the keys of renorm_clipping of the layer {layer.name!r} to be among {_BOUNDS}. "
                f"Received: renorm_clipping={clipping}"
            )
        self._rmin, self._rmax, self._dmax = (clipping.get(key) for key in _BOUNDS)
        reversed_ = self._rmin is not None and self._rmax is not None and self._rmax < self._rmin
        if reversed_ or (self._dmax is not None and self._dmax < 0):
            raise ValueError(
                f"Expected renorm_clipping of the layer {layer.name!r} to have rmin <= rmax and dmax >= 0. "
                f"Received: renorm_clipping={clipping}"
            )

    def build(self, shape: tuple[int, ...]) -> None:
        """Make the weights `moving_stddev`, `renorm_mean` and `renorm_stddev` of the layer."""
        layer = self._layer

        def stddev(shape: Any, dtype: Any = None) -> Tensor:
            return ops.sqrt(layer.moving_variance_initializer(shape, dtype=dtype))

        layer.moving_stddev = layer._add_statistic("moving_stddev", shape, stddev)
        layer.renorm_mean = layer._add_statistic("renorm_mean", shape, layer.moving_mean_initializer)
        layer.renorm_stddev = layer._add_statistic("renorm_stddev", shape, stddev)

    def corrected(self, mean: Tensor, variance: Tensor) -> tuple[Tensor, Tensor]:
        """The scale and the offset of the layer, with the correction in them."""
        layer = self._layer
        with no_recording():
            # The averages start at zero where an initializer says so; the division must stay finite.
            spread = ops.maximum(layer.renorm_stddev, layer.epsilon**0.5)
            r = ops.sqrt(variance + layer.epsilon) / spread
            d = (mean - layer.renorm_mean) / spread
            if self._rmin is not None:
                r = ops.maximum(r, self._rmin)
            if self._rmax is not None:
                r = ops.minimum(r, self._rmax)
            if self._dmax is not None:
                d = ops.clip(d, -self._dmax, self._dmax)
        if layer.gamma is not None:
            r, d = r * layer.gamma, d * layer.gamma
        return r, d if layer.beta is None else d + layer.beta

    def follow(self, mean: Tensor, variance: Tensor) -> None:
        """Move the averages towards the moments of the batch."""
        layer = self._layer

        def towards(average: Variable, value: Tensor, momentum: float) -> None:
            average.assign(average * momentum + value * (1.0 - momentum))

        with no_recording():
            stddev = ops.sqrt(variance + layer.epsilon)
            towards(layer.renorm_mean, mean, layer.renorm_momentum)
            towards(layer.renorm_stddev, stddev, layer.renorm_momentum)
            towards(layer.moving_mean, mean, layer.momentum)
            towards(layer.moving_stddev, stddev, layer.momentum)
            layer.moving_variance.assign(ops.relu(ops.square(layer.moving_stddev) - layer.epsilon))
