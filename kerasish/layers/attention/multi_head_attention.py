"""`MultiHeadAttention`: attention between projections of the inputs, in several heads."""

from __future__ import annotations

import string
from typing import Any

from kerasish import ops
from kerasish.autodiff import Tensor
from kerasish.layers.activations.softmax import Softmax
from kerasish.layers.attention.projected import ProjectedAttention
from kerasish.layers.core.einsum_dense import EinsumDense
from kerasish.layers.regularization.dropout import Dropout


class MultiHeadAttention(ProjectedAttention):
    """Multi-head attention: each head computes `softmax(q k^T / sqrt(key_dim)) v` of its own projections.

    Without dropout and returned scores, attention over one axis is one fused kernel.

    Args:
        num_heads: The number of heads.
        key_dim: The size of each head's query and key.
        value_dim: The size of each head's value; by default `key_dim`.
        dropout: The part of the weights of attention that is dropped in training.
        use_bias: Whether the projections have biases.
        output_shape: The size, or the shape, of the output's features; by default that of the query's.
        attention_axes: The axes that attention is over; by default all but the batch and the features.
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

    Call arguments:
        query: `(batch, T, features)`.
        value: `(batch, S, features)`.
        key: `(batch, S, features)`; by default the value.
        query_mask: Booleans `(batch, T)`; by default the mask that the query carries.
        value_mask: Booleans `(batch, S)`.
        key_mask: Booleans `(batch, S)`.
        attention_mask: Booleans `(batch, T, S)`: which query may attend to which key.
        return_attention_scores: Whether to return the weights `(batch, heads, T, S)` too.
        training: Whether dropout is active.
        use_causal_mask: Whether position `t` attends to positions up to `t` only.

    The outputs have the shape `(batch, T, features of the query)`, or end in `output_shape`.

    Raises:
        ValueError: If a size is not a positive int, or the shapes do not go together.

    Source: Vaswani et al., 2017, arXiv:1706.03762.

    >>> layer = MultiHeadAttention(num_heads=2, key_dim=4)
    >>> layer(ops.ones((1, 8, 16)), ops.ones((1, 5, 16))).shape
    (1, 8, 16)
    """

    def __init__(
        self,
        num_heads: int,
        key_dim: int,
        value_dim: int | None = None,
        dropout: float = 0.0,
        use_bias: bool = True,
        output_shape: Any = None,
        attention_axes: Any = None,
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
        sizes = {"num_heads": num_heads, "key_dim": key_dim, "value_dim": key_dim if value_dim is None else value_dim}
        for name, size in sizes.items():
            if isinstance(size, bool) or not isinstance(size, int) or size <= 0:
                raise ValueError(
                    f"Expected {name} of a MultiHeadAttention to be a positive int. Received: {name}={size!r}"
                )
        super().__init__(
            key_dim,
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
        self._num_heads = num_heads
        self._key_dim = key_dim
        self._value_dim = sizes["value_dim"]
        self._output_shape = self._tuple("output_shape", output_shape) or None
        self._attention_axes = self._tuple("attention_axes", attention_axes)

    def _tuple(self, name: str, value: Any) -> tuple[int, ...] | None:
        if value is None or isinstance(value, (list, tuple)):
            return None if value is None else tuple(value)
        if isinstance(value, bool) or not isinstance(value, int):
            raise ValueError(
                f"Expected {name} of the layer {self.name!r} to be an int, or a list or tuple of ints. "
                f"Received: {name}={value!r}"
            )
        return (value,)

    @property
    def num_heads(self) -> int:
        """The number of heads."""
        return self._num_heads

    @property
    def key_dim(self) -> int:
        """The size of each head's query and key."""
        return self._key_dim

    @property
    def value_dim(self) -> int:
        """The size of each head's value."""
        return self._value_dim

    @property
    def dropout(self) -> float:
        """The part of the weights of attention that is dropped in training."""
        return self._rate

    @property
    def use_bias(self) -> bool:
        """Whether the projections have biases."""
        return self._bias

    @property
    def attention_axes(self) -> tuple[int, ...] | None:
        """The axes that attention is over."""
        return self._attention_axes

    @property
    def query_dense(self) -> Any:
        """The projection of the query."""
        return self._query_dense

    @property
    def key_dense(self) -> Any:
        """The projection of the key."""
        return self._key_dense

    @property
    def value_dense(self) -> Any:
        """The projection of the value."""
        return self._value_dense

    @property
    def output_dense(self) -> Any:
        """The projection of the heads' outputs."""
        return self._output_dense

    def build(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> None:
        key_shape = value_shape if key_shape is None else key_shape
        self._check_lengths(value_shape, key_shape)
        self._query_dense = self._heads("query", query_shape, self._key_dim)
        self._key_dense = self._heads("key", key_shape, self._key_dim)
        if self._gate:
            self._gate_dense = self._heads("gate", query_shape, self._value_dim, activation="sigmoid")
        self._value_dense = self._heads("value", value_shape, self._value_dim)
        self._build_attention(len(value_shape) + 1)
        self._softmax = Softmax(axis=list(range(-len(self._attention_axes or ()), 0)), dtype=self.dtype_policy)
        self._dropout_layer = Dropout(self._rate, dtype=self.dtype_policy, seed=self.seed)
        features = self._output_shape or (query_shape[-1],)
        self._output_dense = self._projection(
            "attention_output", (*query_shape[:-1], self._num_heads, self._value_dim), 2, features
        )

    def _heads(self, name: str, shape: Any, size: int, **options: Any) -> EinsumDense:
        return self._projection(name, shape, 1, (self._num_heads, size), **options)

    def _projection(self, name: str, shape: Any, bound: int, features: Any, **options: Any) -> EinsumDense:
        """A built dense layer from the last `bound` axes to `features`."""
        free = len(shape) - bound
        kept, summed = string.ascii_lowercase[:free], string.ascii_lowercase[free : len(shape)]
        made = string.ascii_lowercase[len(shape) : len(shape) + len(features)]
        dense = EinsumDense(
            f"{kept}{summed},{summed}{made}->{kept}{made}",
            output_shape=(*[None] * (free - 1), *features),
            bias_axes=made if self._bias else None,
            name=name,
            **self._projection_options(),
            **options,
        )
        dense.supports_masking = True
        dense.build(tuple(shape))
        return dense

    def _build_attention(self, rank: int) -> None:
        """The einsums of attention over the chosen axes of projections of this rank."""
        axes = self._attention_axes
        axes = tuple(range(1, rank - 2)) if axes is None else tuple([a if a >= 0 else rank - 1 + a for a in axes])
        self._attention_axes = axes
        self._axes = len(axes)
        query = string.ascii_lowercase[:rank]
        fresh = iter(string.ascii_lowercase[rank:])
        key = "".join([next(fresh) if axis in axes else letter for axis, letter in enumerate(query)])
        batch = "".join([query[axis] for axis in range(rank - 1) if axis not in axes])
        scores = batch + "".join([query[axis] for axis in axes]) + "".join([key[axis] for axis in axes])
        self._dot_product_equation = f"{key},{query}->{scores}"
        self._combine_equation = f"{scores},{key}->{query}"

    def _weigh(self, query: Tensor, key: Tensor, value: Tensor, mask: Any, training: Any) -> tuple[Tensor, Tensor]:
        scores = ops.einsum(self._dot_product_equation, key, query * self._scale)
        weights, dropped = self._softmax_dropped(scores, mask, training)
        return ops.einsum(self._combine_equation, dropped, value), weights

    def compute_output_shape(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> tuple[int | None, ...]:
        self._check_lengths(value_shape, value_shape if key_shape is None else key_shape)
        return (*query_shape[:-1], *self._output_shape) if self._output_shape else tuple(query_shape)

    def _scores_shape(self, query_shape: Any, value_shape: Any, key_shape: Any = None) -> tuple[int | None, ...]:
        axes = self._attention_axes or tuple(range(1, len(query_shape) - 1))
        batch = [n for axis, n in enumerate(query_shape[:-1]) if axis not in axes]
        return (*batch, self._num_heads, *[query_shape[a] for a in axes], *[value_shape[a] for a in axes])

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_heads": self._num_heads,
            "key_dim": self._key_dim,
            "value_dim": self._value_dim,
            "output_shape": self._output_shape,
            "attention_axes": self._attention_axes,
            **self._shared_config(),
        }
