"""Scaled dot-product attention.

Layout of Keras' `dot_product_attention`: `query` (B, T, N, H), `key` (B, S, K, H), `value` (B, S, K, V),
where N, the number of query heads, is K or a multiple of it (grouped-query attention: query head `n` reads
key head `n // (N // K)`).

Products and softmax are computed in float32, or float64 for float64 inputs.
"""

from __future__ import annotations

from kerasish.backend.contract.types import Array


def scaled_dot_product_attention(
    query: Array, key: Array, value: Array, mask: Array | None, *, scale: float, causal: bool
) -> tuple[Array, Array]:
    """`softmax(scale * query key^T + mask) value`; returns `(out, logsumexp)`.

    `mask` broadcasts to (B, N, T, S): booleans (true attends) or floats that are added to the scaled
    products. `causal` lets position `t` attend to `s <= t` only. What may not be attended gets the logit
    `-0.7 * finfo.max`, so that a query that may attend to nothing averages all values, as in Keras, and gives
    no NaN; an added `-inf` counts as that logit.

    `out` is (B, T, N, V) in the dtype of `query`. `logsumexp` (B, N, T) is the logarithm of each softmax's
    denominator, float32 (float64 for float64 inputs), kept for the backward kernel.
    """
    raise NotImplementedError


def scaled_dot_product_attention_backward(
    dy: Array,
    query: Array,
    key: Array,
    value: Array,
    mask: Array | None,
    out: Array,
    logsumexp: Array,
    *,
    scale: float,
    causal: bool,
) -> tuple[Array, Array, Array]:
    """Gradients `(dquery, dkey, dvalue)` from `dy` (B, T, N, V); none for the mask.

    With `p = exp(logits - logsumexp)`: `dvalue = p^T dy`, `ds = p * (dy value^T - sum(dy * out))`,
    `dquery = scale * ds key`, `dkey = scale * ds^T query`. `ds` is 0 where a boolean mask or `causal`
    forbids. Implementations must divide `p` by its sum over S where `logsumexp` is so large that its rounding
    shows.
    """
    raise NotImplementedError
