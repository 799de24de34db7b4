"""`Softmax`: probabilities that add up to one."""

from __future__ import annotations

from typing import Any

from kerasish import activations, ops
from kerasish.autodiff import Tensor
from kerasish.layers.layer import Layer


class Softmax(Layer):
    """`exp(x) / sum(exp(x))` along one axis or several.

    Args:
        axis: The axis, or a list of axes.

    Call arguments:
        inputs: The logits.
        mask: What to count, true or above 0.5, of a shape that broadcasts to that of the logits; elsewhere the
            probability is zero.

    >>> from kerasish import ops
    >>> Softmax()(ops.array([[1.0, 1.0]])).tolist()
    [[0.5, 0.5]]
    """

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis
        self.supports_masking = True
        self._build_at_init()

    def call(self, inputs: Any, mask: Any = None) -> Tensor:
        if mask is not None:
            mask = self._checked_mask(inputs, mask)
            # Far below any logit, and still finite in half precision.
            inputs = ops.where(mask, inputs, ops.cast(-3e4 if inputs.dtype == "float16" else -1e9, inputs.dtype))
        axes = tuple(self.axis) if isinstance(self.axis, (list, tuple)) else (self.axis,)
        if len(axes) > 1:
            outputs = ops.exp(inputs - ops.logsumexp(inputs, axis=axes, keepdims=True))
        else:
            outputs = activations.softmax(inputs, axis=axes[0])
        return outputs if mask is None else ops.where(mask, outputs, ops.zeros_like(outputs))

    def _checked_mask(self, inputs: Any, mask: Any) -> Any:
        fits = len(mask.shape) <= len(inputs.shape) and all(
            m in (1, n) for m, n in zip(mask.shape[::-1], inputs.shape[::-1], strict=False)
        )
        if not fits:
            raise ValueError(
                f"The mask of the layer {self.name!r} must broadcast to the inputs. "
                f"Received: mask.shape={mask.shape}, inputs.shape={inputs.shape}"
            )
        return mask if mask.dtype == "bool" else ops.greater(mask, 0.5)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "axis": self.axis}
