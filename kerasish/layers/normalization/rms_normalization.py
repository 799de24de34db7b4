"""`RMSNormalization`: division by the root mean square of each sample."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.autodiff import Tensor
from kerasish.layers.layer import Layer
from kerasish.layers.normalization.axes import Shape, given_axes, require_axes, require_sizes


class RMSNormalization(Layer):
    """`scale * inputs / sqrt(mean(inputs**2) + epsilon)`, with the mean of each sample over `axis`.

    Args:
        axis: The axis or axes that are normalized together.
        epsilon: Keeps the division finite.
        **kwargs: Arguments of `Layer`.

    Outputs have the shape of the inputs; `scale` has the sizes of the inputs along `axis`.

    Raises:
        TypeError: If `axis` is neither an int nor a list or tuple of ints.
        ValueError: If an axis lies outside the inputs, or their size along it is not known.

    Source: Zhang and Sennrich, 2019, arXiv:1910.07467.

    >>> from kerasish import ops
    >>> RMSNormalization(epsilon=0.0)(ops.array([[3.0, -3.0]])).tolist()
    [[1.0, -1.0]]
    """

    def __init__(self, axis: Any = -1, epsilon: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = given_axes(axis, self.name)
        self.epsilon = epsilon

    def build(self, input_shape: Any) -> None:
        axis = [self.axis] if isinstance(self.axis, int) else sorted(self.axis)
        shape = require_sizes(axis, input_shape, self.name)
        self._axes = require_axes(axis, input_shape, self.name)
        self._sizes = tuple([input_shape[a] for a in self._axes])
        self.scale = self.add_weight(name="scale", shape=shape, initializer="ones")
        self.axis = axis

    def call(self, inputs: Any) -> Tensor:
        scale: Any = self.scale
        if scale.shape != self._sizes:
            scale = ops.reshape(scale, self._sizes)
        return ops.rms_normalization(inputs, scale, self._axes, self.epsilon)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        require_axes(self.axis, input_shape, self.name)
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis, "epsilon": self.epsilon}
