"""`Attention`: dot-product attention without weights of its own for queries and keys."""

from __future__ import annotations

from typing import Any

from kerasish import ops, random
from kerasish.autodiff import KerasTensor, Tensor
from kerasish.layers.attention.masks import causal_mask
from kerasish.layers.layer import Layer
from kerasish.random import SeedGenerator


class Attention(Layer):
    """Luong's attention: `softmax(query @ key^T) @ value`.

    Args:
        use_scale: Whether the scores are multiplied by a trained scalar.
        score_mode: "dot" for `query . key`, "concat" for a trained multiple of the sum of `tanh(query + key)`.
        dropout: The part of the weights of attention that is dropped in training.
        seed: The seed of the dropout.
        **kwargs: The arguments of `Layer`.

    Call arguments:
        inputs: A list `[query, value]` or `[query, value, key]`, of shapes `(batch, T, dim)`, `(batch, S, dim)` and
            `(batch, S, dim)`; the key is the value where it is not given.
        mask: A list `[query_mask, value_mask]`, of shapes `(batch, T)` and `(batch, S)`, each of which may be None.
            Outputs of masked queries are zero; masked values are not attended to.
        return_attention_scores: Whether to return the weights `(batch, T, S)` too.
        training: Whether dropout is active.
        use_causal_mask: Whether position `t` attends to positions up to `t` only.

    The outputs have the shape `(batch, T, dim)`.

    Raises:
        ValueError: If the inputs or the mask are no such lists, or `score_mode` is another one.

    Source: Luong et al., 2015, arXiv:1508.04025.

    >>> query, value = ops.zeros((1, 1, 2)), ops.array([[[1.0, 2.0], [3.0, 4.0]]])
    >>> Attention()([query, value]).tolist()
    [[[2.0, 3.0]]]
    """

    def __init__(
        self,
        use_scale: bool = False,
        score_mode: str = "dot",
        dropout: float = 0.0,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if score_mode not in ("dot", "concat"):
            raise ValueError(
                f"Expected score_mode of the layer {self.name!r} to be 'dot' or 'concat'. "
                f"Received: score_mode={score_mode!r}"
            )
        self.use_scale = use_scale
        self.score_mode = score_mode
        self.dropout = dropout
        self.seed = seed
        if dropout > 0:
            self.seed_generator = SeedGenerator(seed)
        self.scale: Any = None
        self.concat_score_weight: Any = None

    def build(self, input_shape: Any) -> None:
        self._check(input_shape)
        if self.use_scale:
            self.scale = self.add_weight(name="scale", shape=(), initializer="ones")
        if self.score_mode == "concat":
            self.concat_score_weight = self.add_weight(name="concat_score_weight", shape=(), initializer="ones")

    def _check(self, inputs: Any, mask: Any = None) -> None:
        if not isinstance(inputs, list) or len(inputs) not in (2, 3):
            raise ValueError(
                f"The layer {self.name!r} takes a list [query, value] or [query, value, key]. Received: inputs={inputs}"
            )
        if mask is not None and (not isinstance(mask, list) or len(mask) not in (2, 3)):
            raise ValueError(
                f"The layer {self.name!r} takes a list of masks [query_mask, value_mask]. Received: mask={mask}"
            )

    def call(
        self,
        inputs: Any,
        mask: Any = None,
        training: Any = False,
        return_attention_scores: bool = False,
        use_causal_mask: bool = False,
    ) -> Any:
        self._check(inputs, mask)
        query, value = inputs[:2]
        key = inputs[2] if len(inputs) > 2 else value
        query_mask, value_mask = mask[:2] if mask is not None else (None, None)
        scores = self._scores(query, key)
        allowed = self._allowed(scores, value_mask, use_causal_mask)
        if allowed is not None:
            # Lowered and not replaced: where nothing is allowed, the scores still decide, as in Keras.
            lowered = scores - (65504.0 if scores.dtype == "float16" else 1e9)
            scores = ops.where(allowed, scores, lowered)
        weights = ops.softmax(scores, axis=-1)
        if training and self.dropout > 0:
            weights = random.dropout(weights, self.dropout, seed=self.seed_generator)
        outputs = ops.matmul(weights, value)
        if query_mask is not None:
            kept = ops.expand_dims(ops.cast(query_mask, "bool"), -1)
            outputs = ops.where(kept, outputs, ops.zeros_like(outputs))
        return (outputs, weights) if return_attention_scores else outputs

    def _scores(self, query: Tensor, key: Tensor) -> Tensor:
        """How well each query fits each key: `(batch, T, S)`."""
        if self.score_mode == "dot":
            scores = ops.matmul(query, ops.swapaxes(key, -2, -1))
            return scores if self.scale is None else scores * self.scale
        pairs = ops.expand_dims(query, -2) + ops.expand_dims(key, -3)
        if self.scale is not None:
            pairs = pairs * self.scale
        return ops.sum(ops.tanh(pairs), axis=-1) * self.concat_score_weight

    def _allowed(self, scores: Tensor, value_mask: Any, causal: bool) -> Any:
        allowed = None if value_mask is None else ops.expand_dims(ops.cast(value_mask, "bool"), -2)
        if causal:
            lower = causal_mask(*scores.shape[-2:])
            allowed = lower if allowed is None else ops.logical_and(allowed, lower)
        return allowed

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        self._check(inputs, previous_mask)
        return None if previous_mask is None else previous_mask[0]

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        query, value = input_shape[:2]
        return (*query[:-1], value[-1])

    def compute_output_spec(self, inputs: Any, *args: Any, **kwargs: Any) -> Any:
        self._check(inputs)
        options = self._signature.bind((inputs, *args), kwargs)
        shapes = [tuple(x.shape) for x in inputs]
        output = KerasTensor(self.compute_output_shape(shapes), self.compute_dtype)
        if not options.get("return_attention_scores"):
            return output
        return output, KerasTensor((*shapes[0][:-1], shapes[-1][-2]), self.compute_dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "use_scale": self.use_scale,
            "score_mode": self.score_mode,
            "dropout": self.dropout,
            "seed": self.seed,
        }
