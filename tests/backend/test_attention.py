from __future__ import annotations

import numpy as np
import pytest
from scipy import special

TOLERANCE = {"float16": 4e-3, "float32": 2e-6, "float64": 1e-12}


def sample(dtype="float64", batch=2, time=5, source=7, heads=4, key_heads=4, depth=3, value_depth=2):
    rng = np.random.default_rng(0)
    shapes = [
        (batch, time, heads, depth),
        (batch, source, key_heads, depth),
        (batch, source, key_heads, value_depth),
        (batch, time, heads, value_depth),
    ]
    return [rng.normal(size=shape).astype(dtype) for shape in shapes]


def masks(name, batch=2, time=5, source=7, heads=4):
    rng = np.random.default_rng(1)
    if name == "none":
        return None
    if name == "padding":
        return np.arange(source) < np.array([4, 7])[:, None, None, None]
    if name == "heads":
        return rng.uniform(size=(1, heads, time, source)) < 0.6
    if name == "rank 2":
        return rng.uniform(size=(time, source)) < 0.6
    if name == "fully masked":
        return np.arange(time)[:, None] * np.ones(source) != 2
    return rng.normal(size=(heads, time, source))


MASKS = ["none", "padding", "heads", "rank 2", "fully masked", "bias"]


def reference(query, key, value, mask, scale, causal):
    q, k, v = (x.astype("float64").swapaxes(1, 2) for x in (query, key, value))
    k, v = (np.repeat(x, q.shape[1] // x.shape[1], axis=1) for x in (k, v))
    logits = scale * q @ k.swapaxes(2, 3)
    if mask is not None and mask.dtype != bool:
        logits = logits + mask
    allowed = np.ones(logits.shape, bool)
    if mask is not None and mask.dtype == bool:
        allowed &= mask
    if causal:
        allowed &= np.tri(*logits.shape[2:], dtype=bool)
    logits = np.where(allowed, logits, -1e30)
    return (special.softmax(logits, axis=-1) @ v).swapaxes(1, 2), special.logsumexp(logits, axis=-1)


@pytest.mark.parametrize("dtype", list(TOLERANCE))
@pytest.mark.parametrize("key_heads", [4, 2, 1])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("mask", MASKS)
def test_attention_matches_its_formula(kernels, mask, causal, key_heads, dtype):
    q, k, v, _ = sample(dtype, key_heads=key_heads)
    array = masks(mask)
    out, logsumexp = kernels.scaled_dot_product_attention(q, k, v, array, scale=0.4, causal=causal)
    expected, expected_logsumexp = reference(q, k, v, array, 0.4, causal)
    assert out.dtype == dtype
    assert logsumexp.dtype == ("float64" if dtype == "float64" else "float32")
    np.testing.assert_allclose(out, expected, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])
    finite = expected_logsumexp > -1e20
    np.testing.assert_allclose(logsumexp[finite], expected_logsumexp[finite], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("key_heads", [4, 2])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("mask", MASKS)
def test_attention_gradients_match_numeric_differentiation(kernels, mask, causal, key_heads):
    sizes = {"batch": 2, "time": 3, "source": 4, "depth": 2}
    arrays = sample(**sizes, key_heads=key_heads)
    dy = arrays.pop()
    array = masks(mask, time=3, source=4)
    attributes = {"scale": 0.7, "causal": causal}
    out, logsumexp = kernels.scaled_dot_product_attention(*arrays, array, **attributes)
    gradients = kernels.scaled_dot_product_attention_backward(dy, *arrays, array, out, logsumexp, **attributes)
    for position, gradient in enumerate(gradients):
        expected = np.empty_like(arrays[position])
        for index in np.ndindex(expected.shape):
            values = []
            for step in (1e-5, -1e-5):
                moved = [x.copy() for x in arrays]
                moved[position][index] += step
                values.append((dy * reference(*moved, array, 0.7, causal)[0]).sum())
            expected[index] = (values[0] - values[1]) / 2e-5
        np.testing.assert_allclose(gradient, expected, atol=1e-8)


@pytest.mark.parametrize("dtype", ["float16", "float32"])
def test_a_query_that_may_attend_to_nothing_averages_all_values(kernels, dtype):
    q, k, v, dy = sample(dtype)
    average = np.broadcast_to(v.astype("float64").mean(1, keepdims=True), dy.shape)
    lost = [np.zeros((5, 7), bool), np.full((5, 7), -np.inf, "float32"), np.full((5, 7), -1e9, "float32")]
    for mask, tolerance in zip(lost, (4e-3, 4e-3, 4e-3)):
        out, logsumexp = kernels.scaled_dot_product_attention(q, k, v, mask, scale=0.1, causal=False)
        np.testing.assert_allclose(out, average, atol=tolerance)
        dq, dk, dv = kernels.scaled_dot_product_attention_backward(
            dy, q, k, v, mask, out, logsumexp, scale=0.1, causal=False
        )
        expected = np.broadcast_to(dy.astype("float64").sum(1, keepdims=True) / 7, v.shape)
        np.testing.assert_allclose(dv, expected, atol=tolerance)
        assert np.isfinite(dq).all()
        assert np.isfinite(dk).all()
        if mask.dtype == bool:
            assert not dq.any()
            assert not dk.any()


def test_large_logits_do_not_blur_the_gradient(kernels):
    q, k, v, dy = sample("float32")
    q *= 1e3
    arguments = {"scale": 1.0, "causal": False}
    out, logsumexp = kernels.scaled_dot_product_attention(q, k, v, None, **arguments)
    dv = kernels.scaled_dot_product_attention_backward(dy, q, k, v, None, out, logsumexp, **arguments)[2]
    wide = [x.astype("float64") for x in (q, k, v, dy)]
    out, logsumexp = kernels.scaled_dot_product_attention(*wide[:3], None, **arguments)
    expected = kernels.scaled_dot_product_attention_backward(wide[3], *wide[:3], None, out, logsumexp, **arguments)[2]
    np.testing.assert_allclose(dv, expected, rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("sizes", [{"batch": 0}, {"batch": 1, "time": 1, "source": 1, "heads": 1, "key_heads": 1}])
def test_empty_and_single_element_inputs_are_accepted(kernels, sizes):
    q, k, v, dy = sample(**sizes)
    for causal in (False, True):
        out, logsumexp = kernels.scaled_dot_product_attention(q, k, v, None, scale=1.0, causal=causal)
        gradients = kernels.scaled_dot_product_attention_backward(
            dy, q, k, v, None, out, logsumexp, scale=1.0, causal=causal
        )
        assert out.shape == dy.shape
        assert [g.shape for g in gradients] == [q.shape, k.shape, v.shape]
        np.testing.assert_allclose(out, reference(q, k, v, None, 1.0, causal)[0])


def test_strided_inputs_are_accepted_and_left_alone(kernels):
    q, k, v, dy = (np.repeat(x, 2, axis=1)[:, ::2].swapaxes(0, 3)[::-1].swapaxes(0, 3) for x in sample())
    before = [x.copy() for x in (q, k, v, dy)]
    out, logsumexp = kernels.scaled_dot_product_attention(q, k, v, None, scale=0.3, causal=True)
    gradients = kernels.scaled_dot_product_attention_backward(dy, q, k, v, None, out, logsumexp, scale=0.3, causal=True)
    again = kernels.scaled_dot_product_attention_backward(
        before[3], *before[:3], None, out, logsumexp, scale=0.3, causal=True
    )
    np.testing.assert_allclose(out, reference(*before[:3], None, 0.3, True)[0])
    for one, other in zip(gradients, again):
        np.testing.assert_allclose(one, other, atol=1e-12)
    for x, copy in zip((q, k, v, dy), before):
        np.testing.assert_array_equal(x, copy)
