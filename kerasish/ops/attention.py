"""Scaled dot-product attention."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasish.autodiff import Node, Tensor, apply, convert_to_tensor, fused, op
from kerasish.backend import K
from kerasish.backend.dtypes import numpy_dtype, result_type
from kerasish.ops.choice import maximum, where
from kerasish.ops.elementwise import absolute
from kerasish.ops.gradients import unbroadcast
from kerasish.ops.matmul import einsum
from kerasish.ops.promotion import autocasted
from kerasish.ops.reduction import sum as reduce_sum
from kerasish.ops.softmax import SOFTMAX


def _wide(dtype: Any) -> Any:
    return dtype if dtype == np.float64 else np.dtype(np.float32)


def _lowest(dtype: str) -> float:
    """The logit of what may not be attended, as in Keras."""
    return -0.7 * float(np.finfo(numpy_dtype(dtype)).max)


def _allowed(mask: Any, query: Tensor, key: Tensor, causal: bool) -> Any:
    """A boolean mask that broadcasts to (B, K, G, T, S), or None where all is allowed."""
    allowed = None
    if mask is not None and mask.dtype == "bool":
        allowed = _by_key_head(mask, key)
    if causal:
        steps = [np.arange(size) for size in (query.shape[1], key.shape[1])]
        lower = Tensor(K.asarray(steps[0][:, None] >= steps[1]))
        allowed = lower if allowed is None else allowed & lower
    return allowed


def _by_key_head(x: Tensor, key: Tensor) -> Tensor:
    """(B or 1, N or 1, T, S) split into (B or 1, K, G, T, S) or (B or 1, 1, 1, T, S)."""
    batch, heads, *lengths = x.shape
    groups = (1, 1) if heads == 1 else (key.shape[2], heads // key.shape[2])
    return x.reshape((batch, *groups, *lengths))


def _grouped(query: Tensor, key: Tensor) -> Tensor:
    batch, length, heads, depth = query.shape
    return query.reshape((batch, length, key.shape[2], heads // key.shape[2], depth))


def _probabilities(
    query: Tensor, key: Tensor, mask: Any, scale: float, causal: bool, bias: Any = None, soft_cap: Any = None
) -> tuple[Tensor, Any]:
    """The weights (B, K, G, T, S), and which of them may be other than nothing (or None for all)."""
    logits = einsum("btkgh,bskh->bkgts", _grouped(query, key), key) * scale
    lowest = _lowest(logits.dtype)
    if mask is not None and mask.dtype != "bool":
        bias = mask
    if bias is not None:
        logits = logits + maximum(_by_key_head(convert_to_tensor(bias, logits.dtype), key), lowest)
    if soft_cap is not None:
        logits = logits / (1.0 + absolute(logits) / soft_cap)
    allowed = _allowed(mask, query, key, causal)
    if allowed is not None:
        logits = where(allowed, logits, lowest)
    return apply(SOFTMAX, (logits,), {"axis": 4}), allowed


def _logit_gradient(dy: Tensor, p: Tensor, value: Tensor, allowed: Any) -> Tensor:
    """The gradient of the logits (B, K, G, T, S) from that of the output (B, T, K, G, V)."""
    d_p = einsum("btkgv,bskv->bkgts", dy, value)
    d_logits = p * (d_p - reduce_sum(d_p * p, axis=-1, keepdims=True))
    return d_logits if allowed is None else where(allowed, d_logits, 0.0)


def _attention_gradient(
    dy: Tensor,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    mask: Any,
    out: Tensor,
    logsumexp: Tensor,
    *,
    scale: float,
    causal: bool,
) -> tuple[Tensor, Tensor, Tensor]:
    """Of `dy`, `query`, `key`, `value` and `mask` alone: the output and its denominators are computed anew."""
    dtype, wide = query.dtype, logsumexp.dtype
    dy, query, key, value = [convert_to_tensor(x, wide) for x in (dy, query, key, value)]
    p, allowed = _probabilities(query, key, mask, scale, causal)
    dy = _grouped(dy, key)
    d_value = einsum("bkgts,btkgv->bskv", p, dy)
    d_logits = _logit_gradient(dy, p, value, allowed) * scale
    d_query = einsum("bkgts,bskh->btkgh", d_logits, key).reshape(query.shape)
    d_key = einsum("bkgts,btkgh->bskh", d_logits, _grouped(query, key))
    return convert_to_tensor(d_query, dtype), convert_to_tensor(d_key, dtype), convert_to_tensor(d_value, dtype)


def _attention_vjp(node: Node, dy: Any, d_logsumexp: Any) -> tuple[Any, ...]:
    query, key, value, mask = node.inputs
    if dy is None:
        return None, None, None, None
    out, logsumexp = node.outputs
    results = apply(ATTENTION_BACKWARD, (dy, query, key, value, mask, out, logsumexp), node.attrs)
    d_mask = None
    if node.needs[3]:
        wide = logsumexp.dtype
        p, allowed = _probabilities(convert_to_tensor(query, wide), convert_to_tensor(key, wide), mask, **node.attrs)
        grouped = _grouped(convert_to_tensor(dy, wide), key)
        d_logits = _logit_gradient(grouped, p, convert_to_tensor(value, wide), allowed)
        batch, _, _, *lengths = d_logits.shape
        d_logits = d_logits.reshape((batch, query.shape[2], *lengths))
        d_mask = convert_to_tensor(unbroadcast(d_logits, mask.array.shape), mask.dtype)
    return (*results, d_mask)


def _attention_infer(query: Any, key: Any, value: Any, mask: Any, *, scale: float, causal: bool) -> list[Any]:
    batch, length, heads, _ = query.shape
    return [
        ((batch, length, heads, value.shape[-1]), query.dtype),
        ((batch, heads, length), _wide(query.dtype)),
    ]


def _attention_backward_infer(dy: Any, query: Any, key: Any, value: Any, *rest: Any, **attrs: Any) -> list[Any]:
    return [(x.shape, x.dtype) for x in (query, key, value)]


ATTENTION, ATTENTION_BACKWARD = fused(
    "scaled_dot_product_attention",
    "scaled_dot_product_attention_backward",
    _attention_vjp,
    _attention_gradient,
    _attention_infer,
    _attention_backward_infer,
)


@op
def dot_product_attention(
    query: Any,
    key: Any,
    value: Any,
    bias: Any = None,
    mask: Any = None,
    scale: float | None = None,
    is_causal: bool = False,
    flash_attention: bool | None = None,
    attn_logits_soft_cap: float | None = None,
) -> Tensor:
    """`softmax(scale * query key^T + bias) value` for each head.

    Args:
        query: `(batch, T, heads, depth)`.
        key: `(batch, S, key_heads, depth)`; `heads` is a multiple of `key_heads` (grouped-query attention).
        value: `(batch, S, key_heads, value_depth)`.
        bias: Added to the logits; broadcasts to `(batch, heads, T, S)`.
        mask: Booleans, true where a query may attend; broadcasts likewise. A query that may attend to
            nothing averages all values.
        scale: The factor of the products; `1 / sqrt(depth)` by default.
        is_causal: Whether position `t` attends to `s <= t` only.
        flash_attention: Kept for Keras's signature: the kernel is always a fused one.
        attn_logits_soft_cap: With a cap `c`, logits become `logits / (1 + |logits| / c)`; by simple
            operations in place of the fused kernel.

    Returns:
        A tensor of shape `(batch, T, heads, value_depth)`.

    Raises:
        ValueError: If ranks or shapes do not fit.

    >>> dot_product_attention([[[[1.0]]]], [[[[1.0]], [[1.0]]]], [[[[2.0]], [[4.0]]]]).tolist()
    [[[[3.0]]]]
    """
    query, key, value = [autocasted(convert_to_tensor(x)) for x in (query, key, value)]
    _require_shapes(query, key, value)
    dtype = result_type(query.dtype, key.dtype, value.dtype, float)
    query, key, value = [convert_to_tensor(x, dtype) for x in (query, key, value)]
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else float(scale)
    full = (query.shape[0], query.shape[2], query.shape[1], key.shape[1])
    if mask is not None:
        mask = _fits("mask", convert_to_tensor(convert_to_tensor(mask), "bool"), full)
    if bias is not None:
        bias = _fits("bias", convert_to_tensor(autocasted(convert_to_tensor(bias)), dtype), full)
    if attn_logits_soft_cap is not None:
        wide = "float64" if dtype == "float64" else "float32"
        q, k, v = [convert_to_tensor(x, wide) for x in (query, key, value)]
        p, _ = _probabilities(q, k, mask, scale, is_causal, bias, float(attn_logits_soft_cap))
        out = einsum("bkgts,bskv->btkgv", p, v)
        return convert_to_tensor(out.reshape((*query.shape[:3], value.shape[-1])), dtype)
    if bias is not None:
        mask = bias if mask is None else where(mask, bias, _lowest(dtype))
    return apply(ATTENTION, (query, key, value, mask), {"scale": scale, "causal": bool(is_causal)})[0]


def _require_shapes(query: Tensor, key: Tensor, value: Tensor) -> None:
    q, k, v = query.shape, key.shape, value.shape
    if not len(q) == len(k) == len(v) == 4 or q[0] != k[0] or q[3] != k[3] or k[:3] != v[:3]:
        fits = False
    else:
        fits = k[2] > 0 and q[2] % k[2] == 0
    if not fits:
        raise ValueError(
            "dot_product_attention: expected query (batch, T, heads, depth), key (batch, S, key_heads, depth) and "
            "value (batch, S, key_heads, value_depth), with heads a multiple of key_heads. "
            f"Received: query.shape={q}, key.shape={k}, value.shape={v}"
        )


def _fits(argument: str, x: Tensor, full: tuple[int, ...]) -> Tensor:
    """The mask or bias with four dimensions."""
    shape = (1,) * (4 - x.ndim) + x.shape
    if len(shape) != 4 or any(a not in (1, b) for a, b in zip(shape, full, strict=True)):
        raise ValueError(
            f"dot_product_attention: {argument} must broadcast to (batch, heads, T, S) = {full}. "
            f"Received: {argument}.shape={x.shape}"
        )
    return x if x.ndim == 4 else x.reshape(shape)
