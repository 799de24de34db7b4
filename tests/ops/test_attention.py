import numpy as np
import pytest

from kerasish.autodiff import KerasTensor
from kerasish.ops.attention import dot_product_attention
from tests.support import check_gradients


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def reference(q, k, v, bias=0.0, mask=None, cap=None, causal=False):
    """The formula, head by head, in float64."""
    out = np.empty((*q.shape[:3], v.shape[-1]))
    bias = np.broadcast_to(bias, (q.shape[0], q.shape[2], q.shape[1], k.shape[1]))
    allowed = np.ones(bias.shape, bool) if mask is None else np.broadcast_to(mask, bias.shape)
    if causal:
        allowed = allowed & np.tri(q.shape[1], k.shape[1], dtype=bool)
    for b, n in np.ndindex(q.shape[0], q.shape[2]):
        head = n // (q.shape[2] // k.shape[2])
        logits = q[b, :, n] @ k[b, :, head].T / np.sqrt(q.shape[-1]) + bias[b, n]
        if cap is not None:
            logits = logits / (1 + np.abs(logits) / cap)
        weights = np.exp(np.where(allowed[b, n], logits, -np.inf))
        out[b, :, n] = weights / weights.sum(-1, keepdims=True) @ v[b, :, head]
    return out


def operands(rng, heads=2, key_heads=2):
    shapes = ((2, 3, heads, 2), (2, 4, key_heads, 2), (2, 4, key_heads, 3))
    return [rng.normal(size=shape) for shape in shapes]


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("key_heads", [1, 2, 4])
def test_attention_has_first_and_second_derivatives(rng, key_heads, causal):
    arrays = operands(rng, 4, key_heads)
    y = dot_product_attention(*arrays, is_causal=causal)
    np.testing.assert_allclose(y.numpy(), reference(*arrays, causal=causal), atol=1e-12)
    check_gradients(lambda q, k, v: dot_product_attention(q, k, v, is_causal=causal), arrays)


@pytest.mark.parametrize("shape", [(2, 2, 3, 4), (1, 1, 3, 4), (3, 4), (2, 1, 1, 4)])
def test_a_bias_is_added_and_has_a_gradient_of_its_shape(rng, shape):
    arrays = [*operands(rng), rng.normal(size=shape)]
    np.testing.assert_allclose(dot_product_attention(*arrays).numpy(), reference(*arrays), atol=1e-12)
    check_gradients(dot_product_attention, arrays)


def test_a_mask_forbids_with_and_without_a_bias(rng):
    arrays = operands(rng)
    mask = rng.random((2, 1, 3, 4)) > 0.4
    mask[..., 0] = True
    bias = rng.normal(size=(1, 2, 3, 4))
    for cap in (None, 2.0):
        for added in (None, bias):
            y = dot_product_attention(*arrays, bias=added, mask=mask, attn_logits_soft_cap=cap)
            expected = reference(*arrays, 0.0 if added is None else added, mask, cap)
            np.testing.assert_allclose(y.numpy(), expected, atol=1e-12)
    check_gradients(lambda q, k, v, b: dot_product_attention(q, k, v, b, mask), [*arrays, bias])
    check_gradients(lambda q, k, v: dot_product_attention(q, k, v, mask=mask), arrays)


def test_a_query_that_may_attend_to_nothing_averages_all_values(rng):
    q, k, v = operands(rng)
    y = dot_product_attention(q, k, v, mask=np.zeros((2, 1, 3, 4), bool)).numpy()
    np.testing.assert_allclose(y, np.broadcast_to(v.mean(1, keepdims=True), y.shape))


def test_logits_that_are_forbidden_have_no_gradient_even_where_nothing_else_is_allowed(rng):
    mask = np.ones((2, 1, 3, 4), bool)
    mask[:, :, 1] = False
    check_gradients(lambda q, k, v: dot_product_attention(q, k, v, mask=mask), operands(rng))


def test_a_soft_cap_bounds_the_logits_and_has_derivatives(rng):
    arrays = operands(rng)
    y = dot_product_attention(*arrays, attn_logits_soft_cap=0.5)
    np.testing.assert_allclose(y.numpy(), reference(*arrays, cap=0.5), atol=1e-12)
    check_gradients(lambda q, k, v: dot_product_attention(q, k, v, attn_logits_soft_cap=0.5), arrays)


def test_half_precision_comes_out_as_it_went_in(rng):
    arrays = operands(rng)
    y = dot_product_attention(*[a.astype(np.float16) for a in arrays])
    assert y.dtype == "float16"
    np.testing.assert_allclose(y.numpy(), reference(*arrays), atol=5e-3)


def test_symbolic_shapes_are_those_of_values():
    q, k, v = KerasTensor((None, None, 4, 8)), KerasTensor((None, 7, 2, 8)), KerasTensor((None, 7, 2, 5))
    assert dot_product_attention(q, k, v).shape == (None, None, 4, 5)


@pytest.mark.parametrize("position", [0, 1, 2])
def test_shapes_that_do_not_fit_are_refused(rng, position):
    arrays = operands(rng)
    arrays[position] = arrays[position][:, :, :, 0]
    with pytest.raises(ValueError, match=r"Received: query\.shape="):
        dot_product_attention(*arrays)
    with pytest.raises(ValueError, match=r"Received: mask\.shape=\(2, 5\)"):
        dot_product_attention(*operands(rng), mask=np.ones((2, 5), bool))
