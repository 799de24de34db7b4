"""Attention in tiles: the matrix of logits is never formed, and nothing is added up in an undefined order.

Tiled softmax after Dao 2023, "FlashAttention-2", https://arxiv.org/abs/2307.08691: the forward kernel goes through
the keys with a running maximum and sum; the backward kernels recover the probabilities from the logarithm of that
sum, one kernel by tiles of queries, one by tiles of keys. Half precision with heads of up to 128 elements runs on
tensor cores; with wider ones, or on a GPU without, it is turned into float32 first.

Where the option cuDNN is installed and has a plan, that is taken instead (`_choose`).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from kerasish.backend.contract.types import Array
from kerasish.backend.cupy import _cudnn
from kerasish.backend.cupy._device import cp
from kerasish.backend.cupy._launch import FLOATS, Kernel, blocks, c_type, contiguous

__all__ = ["scaled_dot_product_attention", "scaled_dot_product_attention_backward"]

_THREADS = 256
_TILE = 64
_TENSOR_TILE = 128
_HALVES = ("__half", "__nv_bfloat16")
_DEPTHS = ("0", "64", "128")


def _exists(T: str, D: str) -> bool:
    return (D != "0") == (T in _HALVES)


_FORWARD = Kernel("attention.cu", "attention_forward", T=FLOATS, D=_DEPTHS, where=_exists)
_ROWS = Kernel("attention.cu", "attention_rows", T=FLOATS)
_QUERY_GRADIENT = Kernel("attention.cu", "attention_query_gradient", T=FLOATS, D=_DEPTHS, where=_exists)
_KEY_GRADIENTS = Kernel("attention.cu", "attention_key_gradients", T=FLOATS, D=_DEPTHS, where=_exists)


def _choose(library: _cudnn.Attention | None) -> str:
    """How attention or its gradients are computed: by "cudnn" where it has a plan, else in "tiles"."""
    return "cudnn" if library is not None and _cudnn.plan(library) is not None else "tiles"


def scaled_dot_product_attention(
    query: Array, key: Array, value: Array, mask: Array | None, *, scale: float, causal: bool
) -> tuple[Array, Array]:
    """One pass over the keys for each tile of queries."""
    library = _cudnn.attention("forward", query, key, value, mask, scale, causal)
    if library is not None and _choose(library) == "cudnn":
        return _cudnn.scaled_dot_product_attention(library, query, key, value)
    batch, time, heads, depth = query.shape
    width, dtype, wide = value.shape[3], query.dtype, _wide(query.dtype)
    template = _template(dtype, depth, width)
    if template == "0" and dtype != wide:
        query, key, value = query.astype(wide), key.astype(wide), value.astype(wide)
        out, logsumexp = scaled_dot_product_attention(query, key, value, mask, scale=scale, causal=causal)
        return out.astype(dtype), logsumexp
    query, key, value = contiguous(query), contiguous(key), contiguous(value)
    out = cp.empty((batch, time, heads, width), query.dtype)
    logsumexp = cp.empty((batch, heads, time), wide)
    if logsumexp.size:
        arguments = _arguments(query, key, value, mask, scale, causal)
        grid = _grid(template, batch * heads, time, width)
        # The tiles of the queries and of the keys and values.
        shared = int(template) * (_TENSOR_TILE + 2 * _TILE) * 2
        _FORWARD((c_type(query.dtype), template), grid, _THREADS, (*arguments, out, logsumexp), shared)
    return out, logsumexp


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
    """A pass over the rows, one over the keys for each tile of queries, one over the queries for each tile of keys."""
    library = _cudnn.attention("backward", query, key, value, mask, scale, causal)
    if library is not None and _choose(library) == "cudnn":
        return _cudnn.scaled_dot_product_attention_backward(library, dy, query, key, value, out, logsumexp)
    dtype, wide = query.dtype, _wide(query.dtype)
    template = _template(dtype, query.shape[3], value.shape[3])
    if template == "0" and dtype != wide:
        dy, query, key, value, out = (x.astype(wide) for x in (dy, query, key, value, out))
        gradients = scaled_dot_product_attention_backward(
            dy, query, key, value, mask, out, logsumexp, scale=scale, causal=causal
        )
        return gradients[0].astype(dtype), gradients[1].astype(dtype), gradients[2].astype(dtype)
    query, key, value = contiguous(query), contiguous(key), contiguous(value)
    dy, out, logsumexp = contiguous(dy.astype(query.dtype, copy=False)), contiguous(out), contiguous(logsumexp)
    batch, time, heads, depth = query.shape
    source, groups, width = value.shape[1:]
    dquery, dkey, dvalue = (cp.empty(x.shape, x.dtype) for x in (query, key, value))
    if not (logsumexp.size and source):
        # Without a query no gradient reaches the keys, without a key none the queries.
        for gradient in (dquery, dkey, dvalue):
            gradient.fill(0)
        return dquery, dkey, dvalue
    delta, correction = cp.empty(logsumexp.shape, logsumexp.dtype), cp.empty(logsumexp.shape, logsumexp.dtype)
    tiles = batch * heads * blocks(time, _TILE)
    lost = cp.empty(tiles, np.int32)
    arguments = _arguments(query, key, value, mask, scale, causal)
    kind = c_type(query.dtype)
    _ROWS((kind,), tiles, _THREADS, (*arguments, dy, out, logsumexp, delta, correction, lost))
    rows = (dy, logsumexp, delta, correction, lost)
    # The block's own two tiles, and two stages of the two tiles that stream by.
    streamed = 64 if template == "64" else 32
    shared = int(template) * (2 * _TENSOR_TILE + 4 * streamed) * 2
    if depth:
        grid = _grid(template, batch * heads, time, depth)
        _QUERY_GRADIENT((kind, template), grid, _THREADS, (*arguments, *rows, dquery), shared)
    grid = _grid(template, batch * groups, source, max(depth, width))
    _KEY_GRADIENTS((kind, template), grid, _THREADS, (*arguments, *rows, dkey, dvalue), shared)
    return dquery, dkey, dvalue


def _wide(dtype: Any) -> Any:
    return np.dtype(np.float64 if dtype == np.float64 else np.float32)


@cache
def _has_tensor_cores(device: int) -> bool:
    """Whether this GPU multiplies both half precisions in tiles of 16 x 8 x 16: Ampere and later."""
    return int(cp.cuda.Device(device).compute_capability) >= 80


def _template(dtype: Any, depth: int, width: int) -> str:
    """The size of the tiles on tensor cores, or "0" for plain arithmetic."""
    largest = max(depth, width)
    if dtype.itemsize != 2 or largest > 128 or not _has_tensor_cores(cp.cuda.runtime.getDevice()):
        return "0"
    return "64" if largest <= 64 else "128"


def _grid(template: str, sequences: int, rows: int, columns: int) -> tuple[int, int]:
    if template != "0":
        return sequences * blocks(rows, _TENSOR_TILE), 1
    return sequences * blocks(rows, _TILE), blocks(columns, _TILE)


def _arguments(
    query: Array, key: Array, value: Array, mask: Array | None, scale: float, causal: bool
) -> tuple[Any, ...]:
    """What the kernels call a problem. A mask is read through its strides, whatever shape it broadcasts from."""
    batch, time, heads, depth = query.shape
    source, groups, width = value.shape[1:]
    masks: list[Array | None] = [None, None, None]
    strides = [np.int64(0)] * 4
    if mask is not None:
        if mask.dtype == np.bool_:
            masks[0] = mask
        elif mask.dtype == query.dtype:
            masks[1] = mask
        else:
            masks[2] = mask = mask.astype(_wide(query.dtype), copy=False)
        full = cp.broadcast_to(mask, (batch, heads, time, source))
        strides = [np.int64(stride // mask.itemsize) for stride in full.strides]
    sizes = [np.int32(size) for size in (batch, heads, groups, time, source, depth, width)]
    return query, key, value, *masks, *strides, *sizes, np.float64(scale), np.int32(causal)
