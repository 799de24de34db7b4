"""`LayerNormalization`: normalization of each sample by itself."""

from __future__ import annotations

import warnings
from typing import Any

from kerasish import ops
from kerasish.autodiff import Tensor
from kerasish.backend.dtypes import result_type
from kerasish.layers.normalization.affine import AffineNormalization
from kerasish.layers.normalization.axes import Shape, given_axes, require_axes, require_sizes


class LayerNormalization(AffineNormalization):
    """`gamma * (inputs - mean) / sqrt(variance + epsilon) + beta`, with the moments of each sample over `axis`.

    Args:
        axis: The axis or axes that are normalized together.
        epsilon: Keeps the division finite.
        center: Whether there is an offset `beta`.
        scale: Whether there is a scale `gamma`.
        beta_initializer: Initializer of the offset.
        gamma_initializer: Initializer of the scale.
        beta_regularizer: Regularizer of the offset.
        gamma_regularizer: Regularizer of the scale.
        beta_constraint: Constraint of the offset.
        gamma_constraint: Constraint of the scale.
        **kwargs: Arguments of `Layer`, and the deprecated `rms_scaling`, which divides by the standard deviation
            without subtracting the mean; `RMSNormalization` is what its name says.

    Outputs have the shape of the inputs; `gamma` and `beta` have the sizes of the inputs along `axis`.

    Raises:
        TypeError: If `axis` is neither an int nor a list or tuple of ints.
        ValueError: If an axis lies outside the inputs, or their size along it is not known.

    Source: Ba, Kiros and Hinton, 2016, arXiv:1607.06450.

    >>> from kerasish import ops
    >>> LayerNormalization(epsilon=0.0)(ops.array([[1.0, 3.0], [10.0, 30.0]])).tolist()
    [[-1.0, 1.0], [-1.0, 1.0]]
    """

    def __init__(
        self,
        axis: Any = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        rms_scaling = kwargs.pop("rms_scaling", False)
        super().__init__(
            epsilon=epsilon,
            center=center,
            scale=scale,
            beta_initializer=beta_initializer,
            gamma_initializer=gamma_initializer,
            beta_regularizer=beta_regularizer,
            gamma_regularizer=gamma_regularizer,
            beta_constraint=beta_constraint,
            gamma_constraint=gamma_constraint,
            **kwargs,
        )
        if rms_scaling:
            warnings.warn(
                f"rms_scaling=True of the layer {self.name!r} divides by the standard deviation, not by the root "
                "mean square, and is deprecated. Use RMSNormalization instead.",
                stacklevel=2,
            )
        self.axis = given_axes(axis, self.name)
        self.rms_scaling = rms_scaling
        self.autocast = False

    def build(self, input_shape: Any) -> None:
        axis = [self.axis] if isinstance(self.axis, int) else sorted(self.axis)
        shape = require_sizes(axis, input_shape, self.name)
        self._add_affine(shape, self.center and not self.rms_scaling, self.scale or self.rms_scaling)
        self._axes = require_axes(axis, input_shape, self.name)
        self._sizes = tuple([input_shape[a] for a in self._axes])
        self.axis = axis

    def call(self, inputs: Any) -> Tensor:
        gamma, beta = self._in_place(self.gamma), self._in_place(self.beta)
        if self.rms_scaling:
            outputs = self._scaled(inputs, gamma)
        else:
            outputs = ops.layer_normalization(inputs, gamma, beta, self._axes, self.epsilon)
        return outputs if outputs.dtype == self._compute_dtype else ops.cast(outputs, self._compute_dtype)

    def _in_place(self, weight: Any) -> Any:
        """A weight in the order of the inputs' axes: negative axes come first in its own."""
        return weight if weight is None or weight.shape == self._sizes else ops.reshape(weight, self._sizes)

    def _scaled(self, inputs: Any, gamma: Any) -> Tensor:
        x = ops.cast(inputs, result_type(inputs.dtype, "float32"))
        inverse = ops.rsqrt(ops.var(x, axis=self._axes, keepdims=True) + self.epsilon)
        shape = [size if d in self._axes else 1 for d, size in enumerate(x.shape)]
        return x * inverse * ops.reshape(gamma, shape)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        require_axes(self.axis, input_shape, self.name)
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis, "rms_scaling": self.rms_scaling}
