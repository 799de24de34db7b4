"""`GroupedQueryAttention`: multi-head attention in which heads share keys and values."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.autodiff import Tensor
from kerasish.layers.activations.softmax import Softmax
from kerasish.layers.attention.projected import ProjectedAttention
from kerasish.layers.core.einsum_dense import EinsumDense
from kerasish.layers.regularization.dropout import Dropout


class GroupedQueryAttention(ProjectedAttention):
    """Attention in which groups of query heads share one head of keys and values.

    Without dropout and returned scores it is one fused kernel.

    Args:
        head_dim: The size of each head.
        num_query_heads: The number of query heads, a multiple of `num_key_value_heads`.
        num_key_value_heads: The number of heads of keys and values.
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

    Call arguments are those of `MultiHeadAttention`; query, value and key have three dimensions.

    Raises:
        ValueError: If a size is not a positive int, or the numbers of heads or the shapes do not go together.

    Source: Ainslie et al., 2023, arXiv:2305.13245.

    >>> layer = GroupedQueryAttention(head_dim=4, num_query_heads=4, num_key_value_heads=2)
    >>> layer(ops.ones((1, 8, 16)), ops.ones((1, 5, 16))).shape
    (1, 8, 16)
    """

    def __init__(
        self,
        head_dim: int,
        num_query_heads: int,
        num_key_value_heads: int,
        dropout: float = 0.0,
        use_bias: bool = True,
        sliding_window: int | None = None,
        flash_attention: bool | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        use_gate: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        sizes = {
            "head_dim": head_dim,
            "num_query_heads": num_query_heads,
            "num_key_value_heads": num_key_value_heads,
        }
        for name, size in sizes.items():
            if isinstance(size, bool) or not isinstance(size, int) or size <= 0:
                raise ValueError(
                    f"Expected {name} of a GroupedQueryAttention to be a positive int. Received: {name}={size!r}"
                )
        if num_query_heads % num_key_value_heads:
            raise ValueError(
                "Expected num_query_heads of a GroupedQueryAttention to be a multiple of num_key_value_heads. "
                f"Received: num_query_heads={num_query_heads}, num_key_value_heads={num_key_value_heads}"
            )
        super().__init__(
            head_dim,
            dropout,
            use_bias,
            sliding_window,
            flash_attention,
            kernel_initializer,
            bias_initializer,
            kernel_regularizer,
            bias_regularizer,
            activity_regularizer,
            kernel_constraint,
            bias_constraint,
            use_gate,
            seed,
            **kwargs,
        )
        self.head_dim = head_dim
        self.num_query_heads = num_query_heads
        self.num_key_value_heads = num_key_value_heads
        self.num_repeats = num_query_heads // num_key_value_heads
        self.dropout = dropout
        self.use_bias = use_bias
        self.use_gate = use_gate
        self.sliding_window = sliding_window

    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None:
        key_shape = value_shape if key_shape is None else key_shape
        self._check_lengths(value_shape, key_shape)
        self.feature_dim = query_shape[-1]
        self._query_dense = self._heads("query", query_shape, self.num_query_heads)
        self._key_dense = self._heads("key", key_shape, self.num_key_value_heads)
        if self._gate:
            self._gate_dense = self._heads("gate", query_shape, self.num_query_heads, activation="sigmoid")
        self._value_dense = self._heads("value", value_shape, self.num_key_value_heads)
        self._softmax = Softmax(axis=-1, dtype=self.dtype_policy)
        self._dropout_layer = Dropout(self._rate, dtype=self.dtype_policy, seed=self.seed)
        self._output_dense = EinsumDense(
            "bquh,uhm->bqm",
            output_shape=(None, self.feature_dim),
            bias_axes="m" if self._bias else None,
            name="attention_output",
            **self._projection_options(),
        )
        self._output_dense.build((None, None, self.num_query_heads, self.head_dim))

    def _heads(self, name: str, shape: Any, heads: int, **options: Any) -> EinsumDense:
        dense = EinsumDense(
            "bqm,muh->bquh",
            output_shape=(None, heads, self.head_dim),
            bias_axes="uh" if self._bias else None,
            name=name,
            **self._projection_options(),
            **options,
        )
        dense.supports_masking = True
        dense.build(tuple(shape))
        return dense

    def _weigh(self, query: Tensor, key: Tensor, value: Tensor, mask: Any, training: Any) -> tuple[Tensor, Tensor]:
        key, value = [ops.repeat(x, self.num_repeats, axis=2) for x in (key, value)]
        scores = ops.einsum("bquh,bkuh->buqk", query * self._scale, key)
        weights, dropped = self._softmax_dropped(scores, mask, training)
        return ops.einsum("buqk,bkuh->bquh", dropped, value), weights

    def compute_output_shape(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> tuple[int | None, ...]:
        self._check_lengths(value_shape, value_shape if key_shape is None else key_shape)
        if query_shape[-1] != value_shape[-1]:
            raise ValueError(
                f"The query and the value of the layer {self.name!r} must have the same number of features. "
                f"Received: query_shape={query_shape}, value_shape={value_shape}"
            )
        return tuple(query_shape)

    def _scores_shape(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> tuple[int | None, ...]:
        return query_shape[0], self.num_query_heads, query_shape[1], value_shape[1]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "head_dim": self.head_dim,
            "num_query_heads": self.num_query_heads,
            "num_key_value_heads": self.num_key_value_heads,
            **self._shared_config(),
        }


GroupQueryAttention = GroupedQueryAttention
