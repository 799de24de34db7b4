"""Attention on strided views (B, K, N // K, T, H): BLAS reads the heads in place."""

from __future__ import annotations

import numpy as np

from kerasish.backend.contract.types import Array
from kerasish.backend.numpy._widen import narrow, widen

# From here on, the rounding of a float32 logarithm shows in the probabilities that are recovered from it.
_LARGE_LOGARITHM = 64.0


def scaled_dot_product_attention(
    query: Array, key: Array, value: Array, mask: Array | None, *, scale: float, causal: bool
) -> tuple[Array, Array]:
    """Whole matrix of logits, softmax in place."""
    batch, time, heads, _ = query.shape
    q, k, v = _query_view(widen(query), key.shape[2]), _key_view(widen(key)), _key_view(widen(value))
    p, _ = _logits(q, k, mask, scale, causal)
    top = p.max(axis=-1, keepdims=True, initial=_fill(p.dtype))
    p -= top
    np.exp(p, out=p)
    denominator = p.sum(axis=-1, keepdims=True)
    out = np.empty((batch, time, heads, value.shape[3]), p.dtype)
    grouped = _query_view(out, key.shape[2])
    np.matmul(p, v, out=grouped)
    # Dividing the result rather than the probabilities saves a pass over T x S.
    np.divide(grouped, denominator, out=grouped, where=denominator > 0)
    with np.errstate(divide="ignore"):
        top += np.log(denominator)
    return narrow(out, query.dtype), top.reshape(batch, heads, time)


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
    """Recompute the probabilities from the logarithm of their denominator."""
    groups = key.shape[2]
    q, k, v = _query_view(widen(query), groups), _key_view(widen(key)), _key_view(widen(value))
    dy_wide = widen(dy)
    g = _query_view(dy_wide, groups)
    p, allowed = _logits(q, k, mask, scale, causal)
    p -= logsumexp.reshape(*p.shape[:-1], 1)
    np.exp(p, out=p)
    if np.abs(logsumexp).max(initial=0) > _LARGE_LOGARITHM:
        p /= p.sum(axis=-1, keepdims=True)
    ds = np.matmul(g, v.swapaxes(-1, -2))
    ds -= _query_view(np.vecdot(dy_wide, widen(out))[..., None], groups)
    ds *= p
    ds *= scale
    if allowed is not None and logsumexp.min(initial=0) < 0.5 * _fill(p.dtype):
        ds *= allowed
    dq = np.empty(query.shape, p.dtype)
    np.matmul(ds, k, out=_query_view(dq, groups))
    dk = _sum_of_group(np.matmul(ds.swapaxes(-1, -2), q))
    dv = _sum_of_group(np.matmul(p.swapaxes(-1, -2), g))
    return narrow(dq, query.dtype), narrow(dk, key.dtype), narrow(dv, value.dtype)


def _query_view(x: Array, groups: int) -> Array:
    """View (B, T, N, H) as (B, K, N // K, T, H)."""
    batch, time, heads, depth = x.shape
    return x.reshape(batch, time, groups, heads // groups, depth).transpose(0, 2, 3, 1, 4)


def _key_view(x: Array) -> Array:
    """View (B, S, K, H) as (B, K, 1, S, H)."""
    return x.transpose(0, 2, 1, 3)[:, :, None]


def _sum_of_group(x: Array) -> Array:
    """Add up (B, K, N // K, S, H) over the query heads that share a key head: (B, S, K, H)."""
    x = x[:, :, 0] if x.shape[2] == 1 else x.sum(axis=2)
    return np.ascontiguousarray(x.transpose(0, 2, 1, 3))


def _fill(dtype: np.dtype) -> float:
    return -0.7 * float(np.finfo(dtype).max)


def _logits(q: Array, k: Array, mask: Array | None, scale: float, causal: bool) -> tuple[Array, Array | None]:
    """Return the masked logits (B, K, N // K, T, S) and what may be attended (None: everything)."""
    logits = np.matmul(q * scale, k.swapaxes(-1, -2))
    batch, groups, shared, time, source = logits.shape
    allowed = None
    if mask is not None:
        full = np.broadcast_to(mask, (batch, groups * shared, time, source))
        # Splitting the head axis of a broadcast array by strides keeps it a view.
        full = full.reshape(logits.shape) if mask.ndim > 2 and mask.shape[-3] > 1 else full[:, None, :1]
        if mask.dtype == np.bool_:
            allowed = full
        else:
            logits += full
            np.maximum(logits, _fill(logits.dtype), out=logits)
    if causal:
        lower = np.tri(time, source, dtype=np.bool_)
        allowed = lower if allowed is None else allowed & lower
    if allowed is not None:
        np.copyto(logits, _fill(logits.dtype), where=~allowed)
    return logits, allowed
