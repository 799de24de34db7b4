"""`TimeDistributed`: a layer applied to each step of a sequence."""

from __future__ import annotations

from typing import Any

from kerasish import ops, tree
from kerasish.backend.dtypes import is_float
from kerasish.layers.core.wrapper import Wrapper
from kerasish.layers.layer import Layer


class TimeDistributed(Wrapper):
    """Applies a layer to each step of a sequence, always with the same weights.

    All steps run in one call, as one large batch. A layer whose state changes with each call, such as batch
    normalization, is called step by step.

    Args:
        layer: The layer.
        **kwargs: The arguments of `Layer`.

    Call arguments:
        inputs: `(batch, time, ...)`.
        training: Whether the layer trains.
        mask: `(batch, time, ...)`; what belongs to a step goes to the layer, if it takes a mask.

    Raises:
        ValueError: If `layer` is no layer, or the inputs have fewer than three dimensions.

    >>> from kerasish import layers, ops
    >>> TimeDistributed(layers.Dense(4))(ops.ones((2, 5, 3))).shape
    (2, 5, 4)
    """

    def __init__(self, layer: Layer, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        self.supports_masking = True

    def _step_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        flat = isinstance(input_shape, (list, tuple)) and not any(isinstance(n, (list, tuple)) for n in input_shape)
        if not flat or len(input_shape) < 3:
            raise ValueError(
                f"The layer {self.name!r} takes inputs of at least three dimensions (batch, time, ...). "
                f"Received: input_shape={input_shape}"
            )
        return (input_shape[0], *input_shape[2:])

    def build(self, input_shape: Any = None) -> None:
        super().build(self._step_shape(input_shape))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        batch, *rest = self.layer.compute_output_shape(self._step_shape(input_shape))
        return (batch, input_shape[1], *rest)

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        shape = inputs.shape
        mask = tree.flatten(mask)[0]
        if mask is not None and tuple(mask.shape[:2]) != tuple(shape[:2]):
            raise ValueError(
                f"The mask of the layer {self.name!r} must begin with the batch and the time of the inputs. "
                f"Received: mask.shape={mask.shape}, inputs.shape={shape}"
            )
        if self._changes_with_calls(training):
            steps = list(ops.unstack(inputs, axis=1))
            masks = [None] * len(steps) if mask is None else list(ops.unstack(mask, axis=1))
            outputs = [self._apply(x, m, training) for x, m in zip(steps, masks, strict=True)]
            return ops.stack(outputs, axis=1)
        merged = ops.reshape(inputs, (shape[0] * shape[1], *shape[2:]))
        if mask is not None:
            mask = ops.reshape(mask, (shape[0] * shape[1], *mask.shape[2:]))
        outputs = self._apply(merged, mask, training)
        return ops.reshape(outputs, (*shape[:2], *outputs.shape[1:]))

    def _changes_with_calls(self, training: Any) -> bool:
        """Whether one step leaves something behind for the next: statistics in training, or states always."""
        layers = self.layer._flatten_layers()
        if any(getattr(layer, "stateful", False) for layer in layers):
            return True
        return bool(training) and any(not v._trainable for layer in layers for v in layer._own_variables())

    def _apply(self, inputs: Any, mask: Any, training: Any) -> Any:
        signature = self.layer._signature
        options: dict[str, Any] = {}
        if signature.has_training:
            options["training"] = training
        if signature.has_mask and mask is not None:
            options["mask"] = mask
        outputs = self.layer(inputs, **options)
        # The layer inside may have been given another dtype.
        return ops.cast(outputs, self.compute_dtype) if is_float(outputs.dtype) else outputs
