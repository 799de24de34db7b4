"""`UnitNormalization`: division by the Euclidean norm."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.autodiff import Tensor
from kerasish.backend.dtypes import result_type
from kerasish.layers.layer import Layer
from kerasish.layers.normalization.axes import Shape, given_axes, require_axes


class UnitNormalization(Layer):
    """`inputs / sqrt(sum(inputs**2))`, with the sum over `axis`, so that the norm of the outputs is 1.

    Args:
        axis: The axis or axes whose norm becomes 1.
        **kwargs: Arguments of `Layer`.

    Raises:
        TypeError: If `axis` is neither an int nor a list or tuple of ints.
        ValueError: If an axis lies outside the inputs.

    >>> from kerasish import ops
    >>> UnitNormalization()(ops.array([[0.0, 4.0], [-2.0, 0.0]])).tolist()
    [[0.0, 1.0], [-1.0, 0.0]]
    """

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = given_axes(axis, self.name)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        require_axes(self.axis, input_shape, self.name)

    def call(self, inputs: Any) -> Tensor:
        # In half precision the squares overflow, and the bound on the division does not exist.
        wide = ops.cast(inputs, result_type(inputs.dtype, "float32"))
        return ops.cast(ops.normalize(wide, axis=self.axis, order=2, epsilon=1e-12), self._compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        require_axes(self.axis, input_shape, self.name)
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}
