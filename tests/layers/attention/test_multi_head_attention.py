from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kerasish import GradientTape, ops
from kerasish.layers import GroupedQueryAttention, GroupQueryAttention, Input, Masking, MultiHeadAttention, deserialize
from kerasish.layers import serialize as serialize_layer
from kerasish.models import Model
from tests.layers.support import check_layer

RNG = np.random.default_rng(9)
Q, V, K = [RNG.normal(size=(2, n, 6)).astype(np.float32) for n in (3, 5, 5)]
SEEN = np.array([[1, 0, 1, 1, 0], [1, 1, 0, 0, 0]], bool)
QUERIES = np.array([[1, 0, 1], [0, 1, 1]], bool)
PAIRS = RNG.random((2, 3, 5)) > 0.4
PAIRS[..., 0] = True
KINDS: list[tuple[Any, dict[str, Any]]] = [
    (MultiHeadAttention, {"num_heads": 2, "key_dim": 3}),
    (GroupedQueryAttention, {"head_dim": 3, "num_query_heads": 4, "num_key_value_heads": 2}),
]
both = pytest.mark.parametrize(("cls", "sizes"), KINDS)


@pytest.mark.parametrize(
    "options",
    [{}, {"use_gate": True, "sliding_window": 3}, {"use_bias": False, "dropout": 0.4, "seed": 1}],
)
@both
def test_the_layers_keep_the_contract(cls: Any, sizes: dict[str, Any], options: dict[str, Any]) -> None:
    projections = 4 + bool(options.get("use_gate"))
    check_layer(
        cls,
        {**sizes, **options},
        inputs=Q,
        call_kwargs={"value": ops.array(V)},
        expected_output_shape=(2, 3, 6),
        expected_weights=projections * (1 if options.get("use_bias") is False else 2),
        expected_seed_generators=1 if "dropout" in options else 0,
        supports_masking=True,
        gradients=True,
        whole_model=False,
        tolerance=1e-4,
    )


@pytest.mark.parametrize("call", [{}, {"attention_mask": PAIRS}, {"value_mask": SEEN, "use_causal_mask": True}])
@both
def test_the_fused_kernel_computes_what_the_scores_give(cls: Any, sizes: dict[str, Any], call: dict[str, Any]) -> None:
    layer = cls(**sizes)
    layer(Q, V)
    found = []
    for options in ({}, {"return_attention_scores": True}):
        with GradientTape() as tape:
            y = layer(Q, V, K, **call, **options)
            y = y[0] if options else y
            loss = ops.sum(y * y)
        found.append([y, *tape.gradient(loss, layer.trainable_variables)])
    for a, b in zip(*found, strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-4, atol=1e-4)


@both
def test_scores_are_probabilities_of_what_may_be_seen(cls: Any, sizes: dict[str, Any]) -> None:
    y, scores = cls(**sizes)(Q, V, value_mask=SEEN, attention_mask=PAIRS, return_attention_scores=True)
    heads = scores.shape[1]
    assert scores.shape == (2, heads, 3, 5)
    hidden = np.broadcast_to(~(PAIRS & SEEN[:, None])[:, None], scores.shape)
    assert (scores.numpy()[hidden] == 0).all()
    np.testing.assert_allclose(scores.numpy().sum(-1), 1, rtol=1e-5)
    assert y.shape == (2, 3, 6)


@both
def test_a_mask_may_differ_between_heads(cls: Any, sizes: dict[str, Any]) -> None:
    layer = cls(**sizes)
    layer(Q, V)
    heads = layer._query_dense.kernel.shape[1]
    pairs = RNG.random((2, heads, 3, 5)) > 0.4
    pairs[..., 0] = True
    seen = SEEN.copy()
    y, scores = layer(Q, V, attention_mask=pairs, value_mask=seen, return_attention_scores=True)
    assert (scores.numpy()[~(pairs & seen[:, None, None])] == 0).all()
    np.testing.assert_allclose(
        layer(Q, V, attention_mask=pairs, value_mask=seen).numpy(), y.numpy(), rtol=1e-4, atol=1e-5
    )


@both
def test_carried_masks_are_used_and_that_of_the_query_goes_on(cls: Any, sizes: dict[str, Any]) -> None:
    layer = cls(**sizes)
    query, value = Masking()(Q * QUERIES[..., None]), Masking()(V * SEEN[..., None])
    y = layer(query, value)
    assert y._keras_mask.tolist() == QUERIES.tolist()
    wanted = layer(query.numpy(), value.numpy(), query_mask=QUERIES, value_mask=SEEN)
    np.testing.assert_allclose(y.numpy(), wanted.numpy())
    assert wanted._keras_mask.tolist() == QUERIES.tolist()
    assert not np.allclose(y.numpy(), layer(query.numpy(), value.numpy()).numpy())


@both
def test_a_masked_key_is_as_good_as_none(cls: Any, sizes: dict[str, Any]) -> None:
    layer = cls(**sizes)
    y = layer(Q, V, key_mask=SEEN).numpy()
    np.testing.assert_allclose(y[:1], layer(Q[:1], V[:1, SEEN[0]]).numpy(), rtol=1e-4, atol=1e-5)


@both
def test_a_sliding_window_hides_what_is_far(cls: Any, sizes: dict[str, Any]) -> None:
    _, scores = cls(**sizes, sliding_window=2)(V, V, return_attention_scores=True, use_causal_mask=True)
    near = np.tri(5, dtype=bool) & ~np.tri(5, k=-2, dtype=bool)
    assert ((scores.numpy() > 0) == near).all()


@both
def test_dropout_acts_in_training_and_leaves_unseen_queries_at_zero(cls: Any, sizes: dict[str, Any]) -> None:
    layer = cls(**sizes, dropout=0.5, seed=1, bias_initializer="random_normal")
    plain = layer(Q, V).numpy()
    assert np.array_equal(plain, layer(Q, V).numpy())
    assert not np.allclose(plain, layer(Q, V, training=True).numpy())
    hidden = PAIRS.copy()
    hidden[0, 1] = False
    fused = layer(Q, V, attention_mask=hidden).numpy()
    composed, _ = layer(Q, V, attention_mask=hidden, return_attention_scores=True)
    np.testing.assert_allclose(fused, composed.numpy(), rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(fused[0, 1], layer.weights[-1].numpy(), rtol=1e-5)


@both
def test_symbolic_calls_know_the_shapes(cls: Any, sizes: dict[str, Any]) -> None:
    query, value = Input((None, 6)), Input((5, 6))
    layer = cls(**sizes)
    y, scores = layer(query, value, return_attention_scores=True)
    assert y.shape == (None, None, 6)
    assert scores.shape == (None, layer._query_dense.kernel.shape[1], None, 5)
    model = Model([query, value], [y, scores])
    for a, b in zip(model([Q, V]), layer(Q, V, return_attention_scores=True), strict=True):
        np.testing.assert_allclose(a.numpy(), b.numpy(), rtol=1e-5, atol=1e-6)


@both
def test_weights_have_the_names_of_keras(cls: Any, sizes: dict[str, Any]) -> None:
    layer = cls(**sizes, use_gate=True, name="look")
    layer(Q, V)
    parts = [f"look/{p}/{w}" for p in ("query", "key", "gate", "value", "attention_output") for w in ("kernel", "bias")]
    assert [v.path for v in layer.weights] == parts


@both
def test_a_layer_from_a_config_with_shapes_is_built(cls: Any, sizes: dict[str, Any]) -> None:
    layer = cls(**sizes, kernel_initializer="he_normal")
    layer(Q, V, K)
    again = deserialize(serialize_layer(layer))
    again.set_weights(layer.get_weights())
    np.testing.assert_allclose(again(Q, V, K).numpy(), layer(Q, V, K).numpy())


def test_the_output_may_have_a_shape_of_its_own() -> None:
    layer = MultiHeadAttention(2, 3, value_dim=4, output_shape=(2, 5))
    assert layer(Q, V).shape == (2, 3, 2, 5)
    assert layer.compute_output_shape((2, 3, 6), (2, 5, 6)) == (2, 3, 2, 5)
    assert layer.get_config()["output_shape"] == (2, 5)
    assert MultiHeadAttention(2, 3, output_shape=7)(Q, V).shape == (2, 3, 7)


def test_attention_over_two_axes_returns_scores_of_both() -> None:
    image = RNG.normal(size=(2, 2, 3, 4)).astype(np.float32)
    y, scores = MultiHeadAttention(2, 3)(image, image, return_attention_scores=True)
    assert y.shape == image.shape
    assert scores.shape == (2, 2, 2, 3, 2, 3)
    np.testing.assert_allclose(scores.numpy().sum((-1, -2)), 1, rtol=1e-5)
    layer = MultiHeadAttention(2, 3, attention_axes=2)
    assert layer(image, image).shape == image.shape
    assert layer.attention_axes == (2,)


def test_both_names_mean_grouped_queries() -> None:
    assert GroupQueryAttention is GroupedQueryAttention


def test_one_group_for_each_head_is_multi_head_attention() -> None:
    grouped, multi = GroupedQueryAttention(3, 2, 2), MultiHeadAttention(2, 3)
    grouped(Q, V)
    multi(Q, V)
    multi.set_weights(grouped.get_weights())
    np.testing.assert_allclose(multi(Q, V).numpy(), grouped(Q, V).numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: MultiHeadAttention(0, 3), "num_heads=0"),
        (lambda: MultiHeadAttention(2, 3.5), "key_dim=3.5"),
        (lambda: MultiHeadAttention(2, 3, value_dim=-1), "value_dim=-1"),
        (lambda: MultiHeadAttention(2, 3, output_shape="x"), "output_shape='x'"),
        (lambda: MultiHeadAttention(2, 3, attention_axes=1.5), "attention_axes=1.5"),
        (lambda: MultiHeadAttention(2, 3, sliding_window=0), "sliding_window=0"),
        (lambda: MultiHeadAttention(2, 3, dropout=2), "dropout=2"),
        (lambda: MultiHeadAttention(2, 3, dropout=0.1, flash_attention=True), "flash_attention=True"),
        (lambda: MultiHeadAttention(2, 3, flash_attention=True)(Q, V, return_attention_scores=True), "no scores"),
        (lambda: MultiHeadAttention(2, 3)(Q, V, K[:, :4]), "must agree"),
        (lambda: GroupedQueryAttention(3, 4, 3), "num_key_value_heads=3"),
        (lambda: GroupedQueryAttention(3, 4, 0), "num_key_value_heads=0"),
        (lambda: GroupedQueryAttention(3, 4, 2)(Input((3, 6)), Input((5, 4))), "same number of features"),
    ],
)
def test_bad_arguments_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
