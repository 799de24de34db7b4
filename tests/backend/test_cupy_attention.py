"""Attention in sizes of several tiles, on both kinds of arithmetic, against NumPy in float64."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from kerasish.backend.numpy.attention import scaled_dot_product_attention as forward
from kerasish.backend.numpy.attention import scaled_dot_product_attention_backward as backward

DTYPES = {"float16": np.float16, "bfloat16": ml_dtypes.bfloat16, "float32": np.float32, "float64": np.float64}
TOLERANCE = {"float16": 2e-3, "bfloat16": 2e-2, "float32": 1e-5, "float64": 1e-12}


def inputs(dtype, *, batch=1, time, source, heads=2, key_heads=1, depth, width):
    rng = np.random.default_rng(0)
    shapes = [
        (batch, time, heads, depth),
        (batch, source, key_heads, depth),
        (batch, source, key_heads, width),
        (batch, time, heads, width),
    ]
    return [rng.normal(size=shape).astype(DTYPES[dtype]) for shape in shapes]


def make_mask(name, heads, time, source, dtype):
    rng = np.random.default_rng(1)
    if name == "none":
        return None
    if name == "sources":
        return np.arange(source) < source - 3
    if name == "lost rows":
        mask = rng.uniform(size=(heads, time, source)) < 0.7
        mask[:, 1::50] = False
        return mask
    if name == "lost first row":
        mask = np.ones((1, 1, time, source), bool)
        mask[..., 0, :] = False
        return mask
    if name == "bias":
        return rng.normal(size=(heads, 1, source)).astype(DTYPES[dtype])
    return rng.normal(size=(time, source))


def check(kernels, dtype, mask=None, causal=False, scale=0.3, tolerance=None, **sizes):
    q, k, v, dy = inputs(dtype, **sizes)
    mask = make_mask(mask or "none", q.shape[2], q.shape[1], k.shape[1], dtype)
    attributes = {"scale": scale, "causal": causal}
    out, logsumexp = kernels.scaled_dot_product_attention(q, k, v, mask, **attributes)
    gradients = kernels.scaled_dot_product_attention_backward(dy, q, k, v, mask, out, logsumexp, **attributes)
    wide = [x.astype("float64") for x in (q, k, v, dy)]
    if mask is not None and mask.dtype != bool:
        mask = mask.astype("float64")
    expected, expected_logsumexp = forward(*wide[:3], mask, **attributes)
    expected_gradients = backward(wide[3], *wide[:3], mask, expected, expected_logsumexp, **attributes)
    tolerance = tolerance or TOLERANCE[dtype]
    seen = expected_logsumexp > -1e20
    np.testing.assert_allclose(logsumexp[seen], expected_logsumexp[seen], rtol=1e-5, atol=1e-5)
    for got, wanted, like in zip((out, *gradients), (expected, *expected_gradients), (q, q, k, v)):
        assert got.dtype == like.dtype
        size = max(1.0, abs(wanted).max(initial=0))
        np.testing.assert_allclose(got.astype("float64"), wanted, rtol=0, atol=tolerance * size)
    return gradients


@pytest.mark.parametrize(
    ("mask", "causal"),
    [
        ("none", False),
        ("none", True),
        ("sources", True),
        ("lost rows", False),
        ("lost first row", True),
        ("bias", False),
        ("wide bias", True),
    ],
)
@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_several_tiles_of_queries_and_keys_match_numpy(cupy_kernels, dtype, mask, causal):
    check(cupy_kernels, dtype, mask, causal, time=70, source=135, depth=16, width=8)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize(("depth", "width"), [(64, 64), (13, 22), (72, 128), (128, 5)])
def test_tensor_cores_take_every_depth_up_to_their_tiles(cupy_kernels, dtype, depth, width):
    check(cupy_kernels, dtype, causal=True, time=34, source=70, depth=depth, width=width, scale=0.1)


@pytest.mark.parametrize("dtype", list(DTYPES))
def test_heads_wider_than_a_tile_are_computed_in_chunks(cupy_kernels, dtype):
    check(cupy_kernels, dtype, time=3, source=66, depth=130, width=150, scale=0.1)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_half_precision_works_without_tensor_cores(cupy_kernels, dtype, monkeypatch):
    from kerasish.backend.cupy import attention

    monkeypatch.setattr(attention, "_has_tensor_cores", lambda device: False)
    check(cupy_kernels, dtype, "lost rows", True, time=66, source=66, depth=9, width=7)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_more_queries_than_a_block_of_rows_match_numpy(cupy_kernels, dtype):
    check(cupy_kernels, dtype, "lost rows", True, time=140, source=150, heads=3, key_heads=3, depth=8, width=8)


@pytest.mark.parametrize("dtype", list(DTYPES))
def test_the_keys_gradient_gathers_all_heads_of_a_group(cupy_kernels, dtype):
    check(cupy_kernels, dtype, "sources", time=5, source=6, batch=2, heads=6, key_heads=2, depth=4, width=4)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_probabilities_from_large_logits_sum_to_one(cupy_kernels, dtype):
    q, k, v, dy = inputs(dtype, time=5, source=70, depth=4, width=3)
    attributes = {"scale": 300.0, "causal": False}
    mask = np.ones((5, 70), bool)
    mask[2] = False
    out, logsumexp = cupy_kernels.scaled_dot_product_attention(q, k, v, mask, **attributes)
    ones = np.ones_like(dy)
    dv = cupy_kernels.scaled_dot_product_attention_backward(ones, q, k, v, mask, out, logsumexp, **attributes)[2]
    assert abs(logsumexp).max() > 64
    # Each of the queries of the two heads hands out its probabilities: one in all.
    np.testing.assert_allclose(dv.astype("float64").sum(axis=1), 10.0, rtol=2e-3 if dtype == "float16" else 1e-5)


def test_no_gradient_reaches_what_a_lost_query_sees_only_by_averaging(cupy_kernels):
    dq, _, dv = check(cupy_kernels, "float32", "lost first row", True, time=70, source=140, depth=8, width=8)
    assert not dq[:, 0].any()
    assert dv[:, -1].any()


def test_results_are_the_same_bit_for_bit(cupy_kernels):
    arguments = inputs("float16", time=70, source=70, depth=16, width=16)
    attributes = {"scale": 0.2, "causal": True}
    out, logsumexp = cupy_kernels.scaled_dot_product_attention(*arguments[:3], None, **attributes)
    first, second = (
        cupy_kernels.scaled_dot_product_attention_backward(
            arguments[3], *arguments[:3], None, out, logsumexp, **attributes
        )
        for _ in range(2)
    )
    for one, other in zip(first, second):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("sizes", [(0, 3, 2, 2), (3, 0, 2, 2), (2, 3, 2, 0), (2, 3, 0, 2)])
def test_empty_axes_give_what_numpy_gives(cupy_kernels, sizes):
    time, source, depth, width = sizes
    check(cupy_kernels, "float32", time=time, source=source, depth=depth, width=width)
