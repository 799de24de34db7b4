"""`GroupNormalization`: normalization of groups of channels, sample by sample."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.autodiff import Tensor
from kerasish.backend.dtypes import result_type
from kerasish.layers.input_spec import InputSpec
from kerasish.layers.normalization.affine import AffineNormalization
from kerasish.layers.normalization.axes import Shape, require_axes, require_sizes


class GroupNormalization(AffineNormalization):
    """`gamma * (inputs - mean) / sqrt(variance + epsilon) + beta`, with moments of a sample and a group of channels.

    With one group this is the normalization of whole samples, with as many groups as channels the instance
    normalization.

    Args:
        groups: The number of groups, which divides the channels; -1 makes each channel a group.
        axis: The axis of the channels.
        epsilon: Keeps the division finite.
        center: Whether there is an offset `beta`.
        scale: Whether there is a scale `gamma`.
        beta_initializer: Initializer of the offset.
        gamma_initializer: Initializer of the scale.
        beta_regularizer: Regularizer of the offset.
        gamma_regularizer: Regularizer of the scale.
        beta_constraint: Constraint of the offset.
        gamma_constraint: Constraint of the scale.
        **kwargs: Arguments of `Layer`.

    Outputs have the shape of the inputs; `gamma` and `beta` have one element a channel.

    Raises:
        ValueError: If the groups or the axis do not fit.

    Source: Wu and He, 2018, arXiv:1803.08494.

    >>> from kerasish import ops
    >>> GroupNormalization(groups=2, epsilon=0.0)(ops.array([[1.0, 3.0, 10.0, 30.0]])).tolist()
    [[-1.0, 1.0, -1.0, 1.0]]
    """

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
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
        if not isinstance(groups, int) or isinstance(groups, bool) or (groups <= 0 and groups != -1):
            raise ValueError(
                f"Expected groups of the layer {self.name!r} to be a positive int, or -1 for a group a channel. "
                f"Received: groups={groups!r}"
            )
        self.groups = groups
        self.axis = axis
        self.autocast = False

    def build(self, input_shape: Any) -> None:
        (channels,) = require_sizes(self.axis, input_shape, self.name)
        groups = channels if self.groups == -1 else self.groups
        if groups > channels or channels % groups:
            raise ValueError(
                f"Expected groups of the layer {self.name!r} to divide the channels of its inputs. "
                f"Received: groups={groups}, {channels} channels, input_shape={tuple(input_shape)}"
            )
        self.groups = groups
        self._add_affine((channels,), self.center, self.scale)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: channels})

    def call(self, inputs: Any) -> Tensor:
        shape, axis = inputs.shape, self.axis % inputs.ndim
        channels = shape[axis]
        x = ops.cast(inputs, result_type(inputs.dtype, "float32"))
        x = ops.reshape(x, (*shape[:axis], self.groups, channels // self.groups, *shape[axis + 1 :]))
        over = [d for d in range(1, x.ndim) if d != axis]
        outputs = ops.reshape(ops.layer_normalization(x, axis=over, epsilon=self.epsilon), shape)
        along = [channels if d == axis else 1 for d in range(inputs.ndim)]
        if self.gamma is not None:
            outputs = outputs * ops.reshape(self.gamma, along)
        if self.beta is not None:
            outputs = outputs + ops.reshape(self.beta, along)
        return ops.cast(outputs, self._compute_dtype)

    def compute_output_shape(self, input_shape: Any) -> Shape:
        require_axes(self.axis, input_shape, self.name)
        return tuple(input_shape)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "groups": self.groups, "axis": self.axis}
