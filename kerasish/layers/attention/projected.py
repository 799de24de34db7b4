"""What the attention layers with projections share: the layers inside, the masks, and the way through the kernel."""

from __future__ import annotations

import math
from typing import Any

from kerasish import constraints, initializers, ops, regularizers
from kerasish.autodiff import KerasTensor, Tensor
from kerasish.layers.attention.masks import causal_mask, joined_mask, with_heads
from kerasish.layers.layer import Layer


def clone_initializer(initializer: Any) -> Any:
    """An initializer like the given one, which draws numbers of its own."""
    if not hasattr(initializer, "get_config"):
        return initializer
    return type(initializer).from_config(initializer.get_config())


class ProjectedAttention(Layer):
    """The base of `MultiHeadAttention` and `GroupedQueryAttention`.

    A subclass makes `_query_dense`, `_key_dense`, `_value_dense`, `_output_dense` and, with a gate, `_gate_dense` in
    `build`, and writes `_weigh`.

    Args:
        depth: The size of a key's head.
        dropout: The part of the weights of attention that is dropped in training.
        use_bias: Whether the projections have biases.
        sliding_window: How far a query sees to either side, plus one.
        flash_attention: True refuses what a fused kernel cannot do: dropout, and returned scores.
        kernel_initializer: Initializer of the kernels.
        bias_initializer: Initializer of the biases.
        kernel_regularizer: Regularizer of the kernels.
        bias_regularizer: Regularizer of the biases.
        activity_regularizer: Regularizer of the outputs of the projections.
        kernel_constraint: Constraint of the kernels.
        bias_constraint: Constraint of the biases.
        use_gate: Whether the heads' outputs are multiplied by a sigmoid of a projection of the query.
        seed: The seed of the dropout.
        **kwargs: The arguments of `Layer`.
    """

    _query_dense: Any
    _key_dense: Any
    _value_dense: Any
    _gate_dense: Any
    _output_dense: Any
    _softmax: Any
    _dropout_layer: Any
    _axes = 1

    def __init__(
        self,
        depth: int,
        dropout: float,
        use_bias: bool,
        sliding_window: int | None,
        flash_attention: bool | None,
        kernel_initializer: Any,
        bias_initializer: Any,
        kernel_regularizer: Any,
        bias_regularizer: Any,
        activity_regularizer: Any,
        kernel_constraint: Any,
        bias_constraint: Any,
        use_gate: bool,
        seed: int | None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if sliding_window is not None:
            self._positive("sliding_window", sliding_window)
        if isinstance(dropout, bool) or not hasattr(dropout, "__float__") or not 0 <= dropout <= 1:
            raise ValueError(
                f"Expected dropout of the layer {self.name!r} to be a number between 0 and 1. "
                f"Received: dropout={dropout!r}"
            )
        if flash_attention and dropout > 0:
            raise ValueError(
                f"Flash attention has no dropout, in the layer {self.name!r}. "
                f"Received: flash_attention={flash_attention}, dropout={dropout}"
            )
        self.supports_masking = True
        self.seed = seed
        self._rate = dropout
        self._bias = use_bias
        self._gate = use_gate
        self._window = sliding_window
        self._flash_attention = flash_attention
        self._scale = 1 / math.sqrt(depth)
        self._kernel_initializer = initializers.get(kernel_initializer)
        self._bias_initializer = initializers.get(bias_initializer)
        self._kernel_regularizer = regularizers.get(kernel_regularizer)
        self._bias_regularizer = regularizers.get(bias_regularizer)
        self._activity_regularizer = regularizers.get(activity_regularizer)
        self._kernel_constraint = constraints.get(kernel_constraint)
        self._bias_constraint = constraints.get(bias_constraint)

    def _positive(self, name: str, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
            raise ValueError(
                f"Expected {name} of the layer {self.name!r} to be a positive int. Received: {name}={value!r}"
            )

    def _projection_options(self) -> dict[str, Any]:
        """The arguments that all projections have in common."""
        return {
            "kernel_initializer": clone_initializer(self._kernel_initializer),
            "bias_initializer": clone_initializer(self._bias_initializer),
            "kernel_regularizer": self._kernel_regularizer,
            "bias_regularizer": self._bias_regularizer,
            "activity_regularizer": self._activity_regularizer,
            "kernel_constraint": self._kernel_constraint,
            "bias_constraint": self._bias_constraint,
            "dtype": self.dtype_policy,
        }

    def _check_lengths(self, value_shape: Any, key_shape: Any) -> None:
        if tuple(value_shape[1:-1]) != tuple(key_shape[1:-1]):
            raise ValueError(
                f"The value and the key of the layer {self.name!r} must agree in all dimensions but the last. "
                f"Received: value_shape={value_shape}, key_shape={key_shape}"
            )

    def call(
        self,
        query: Any,
        value: Any,
        key: Any = None,
        query_mask: Any = None,
        value_mask: Any = None,
        key_mask: Any = None,
        attention_mask: Any = None,
        return_attention_scores: bool = False,
        training: Any = None,
        use_causal_mask: bool = False,
    ) -> Any:
        if return_attention_scores and self._flash_attention:
            raise ValueError(
                f"Flash attention has no scores to return, in the layer {self.name!r}. "
                f"Received: return_attention_scores=True, flash_attention={self._flash_attention}"
            )
        key = value if key is None else key
        lengths = query.shape[1], value.shape[1]
        mask = joined_mask(lengths, query_mask, value_mask, key_mask, attention_mask, self._window)
        projected = self._query_dense(query), self._key_dense(key), self._value_dense(value)
        if return_attention_scores or (training and self._rate > 0) or len(projected[0].shape) != 4:
            if use_causal_mask:
                lower = causal_mask(*lengths)
                mask = lower if mask is None else ops.logical_and(mask, lower)
            outputs, scores = self._weigh(*projected, mask, training)
        else:
            outputs, scores = self._fused(*projected, mask, use_causal_mask), None
        if self._gate:
            outputs = outputs * self._gate_dense(query)
        outputs = self._output_dense(outputs)
        if query_mask is not None:
            outputs._keras_mask = query_mask
        return (outputs, scores) if return_attention_scores else outputs

    def _fused(self, query: Tensor, key: Tensor, value: Tensor, mask: Any, causal: bool) -> Tensor:
        if mask is not None:
            mask = with_heads(mask, 4)
        outputs = ops.dot_product_attention(query, key, value, mask=mask, scale=self._scale, is_causal=causal)
        if self._rate > 0 and mask is not None:
            # A layer that drops weights gives zeros where nothing may be attended to; the kernel gives a mean.
            seen = ops.logical_and(mask, causal_mask(*mask.shape[-2:])) if causal else mask
            seen = ops.swapaxes(ops.any(seen, axis=-1, keepdims=True), 1, 2)
            outputs = ops.where(seen, outputs, ops.zeros_like(outputs))
        return outputs

    def _weigh(self, query: Tensor, key: Tensor, value: Tensor, mask: Any, training: Any) -> tuple[Tensor, Tensor]:
        """The heads' outputs, and the weights of attention before dropout."""
        raise NotImplementedError

    def _softmax_dropped(self, scores: Tensor, mask: Any, training: Any) -> tuple[Tensor, Tensor]:
        """The weights of attention, and with dropout."""
        if mask is not None:
            mask = with_heads(mask, len(scores.shape), self._axes)
        weights = self._softmax(scores, mask=mask)
        return weights, self._dropout_layer(weights, training=training) if self._rate > 0 else weights

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        options = self._signature.bind(args, kwargs)
        shapes = [tuple(options[name].shape) for name in ("query", "value", "key") if options.get(name) is not None]
        output = KerasTensor(self.compute_output_shape(*shapes), self.compute_dtype)
        if not options.get("return_attention_scores"):
            return output
        return output, KerasTensor(self._scores_shape(*shapes), self.compute_dtype)

    def _scores_shape(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> tuple[int | None, ...]:
        raise NotImplementedError

    def _shared_config(self) -> dict[str, Any]:
        return {
            "dropout": self._rate,
            "use_bias": self._bias,
            "use_gate": self._gate,
            "sliding_window": self._window,
            "kernel_initializer": initializers.serialize(self._kernel_initializer),
            "bias_initializer": initializers.serialize(self._bias_initializer),
            "kernel_regularizer": regularizers.serialize(self._kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self._bias_regularizer),
            "activity_regularizer": regularizers.serialize(self._activity_regularizer),
            "kernel_constraint": constraints.serialize(self._kernel_constraint),
            "bias_constraint": constraints.serialize(self._bias_constraint),
            "seed": self.seed,
        }
