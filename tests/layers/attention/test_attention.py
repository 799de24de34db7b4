from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kerasish.layers import AdditiveAttention, Attention, Input, Masking
from kerasish.models import Model
from tests.layers.support import check_layer

RNG = np.random.default_rng(8)
Q, V, K = [RNG.normal(size=(2, n, 4)).astype(np.float32) for n in (3, 5, 5)]
SEEN = np.array([[1, 0, 1, 1, 0], [1, 1, 0, 0, 0]], bool)


@pytest.mark.parametrize(
    ("cls", "arguments", "weights"),
    [
        (Attention, {}, 0),
        (Attention, {"use_scale": True, "score_mode": "concat"}, 2),
        (Attention, {"use_scale": True, "dropout": 0.5, "seed": 1}, 1),
        (AdditiveAttention, {}, 1),
        (AdditiveAttention, {"use_scale": False}, 0),
    ],
)
def test_the_layers_keep_the_contract(cls: Any, arguments: dict[str, Any], weights: int) -> None:
    for inputs in ([Q, V], [Q, V, K]):
        check_layer(
            cls,
            arguments,
            inputs=inputs,
            expected_output_shape=(2, 3, 4),
            expected_weights=weights,
            expected_seed_generators=1 if "dropout" in arguments else 0,
            gradients=True,
            tolerance=1e-4,
        )


def test_attention_averages_by_the_softmax_of_the_products() -> None:
    scores = np.exp(Q @ K.swapaxes(1, 2))
    weights = scores / scores.sum(-1, keepdims=True)
    y, returned = Attention()([Q, V, K], return_attention_scores=True)
    np.testing.assert_allclose(returned.numpy(), weights, rtol=1e-4)
    np.testing.assert_allclose(y.numpy(), weights @ V, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("cls", [Attention, AdditiveAttention])
def test_masked_values_do_not_count_and_masked_queries_give_zeros(cls: Any) -> None:
    layer = cls()
    queries = np.array([[1, 0, 1], [0, 1, 1]], bool)
    y, scores = layer([Q, V], mask=[queries, SEEN], return_attention_scores=True)
    assert (scores.numpy()[np.broadcast_to(~SEEN[:, None], (2, 3, 5))] == 0).all()
    assert (y.numpy()[~queries] == 0).all()
    np.testing.assert_allclose(y.numpy()[0, 0], layer([Q[:1, :1], V[:1, SEEN[0]]]).numpy()[0, 0], rtol=1e-4, atol=1e-5)


def test_carried_masks_are_used_and_that_of_the_query_goes_on() -> None:
    values = Masking()(V * SEEN[..., None])
    queries = np.array([[1, 0, 1], [0, 1, 1]], bool)
    query = Masking()(Q * queries[..., None])
    layer = Attention()
    y = layer([query, values])
    assert y._keras_mask.tolist() == queries.tolist()
    wanted = layer([query.numpy(), values.numpy()], mask=[queries, SEEN])
    np.testing.assert_allclose(y.numpy(), wanted.numpy())
    assert layer([Q, values])._keras_mask is None


def test_causal_attention_sees_no_later_position() -> None:
    _, scores = Attention()([V, V], return_attention_scores=True, use_causal_mask=True)
    assert (np.triu(scores.numpy(), 1) == 0).all()
    np.testing.assert_allclose(scores.numpy()[:, 0, 0], 1)
    _, both = Attention()([V, V], [None, SEEN], return_attention_scores=True, use_causal_mask=True)
    assert (both.numpy()[0, 2, [1, 3, 4]] == 0).all()


def test_dropout_acts_in_training() -> None:
    layer = Attention(dropout=0.5, seed=1)
    _, scores = layer([Q, V], return_attention_scores=True, training=True)
    assert (scores.numpy() == 0).any()
    _, scores = layer([Q, V], return_attention_scores=True)
    assert (scores.numpy() > 0).all()


def test_scores_are_an_output_of_a_model() -> None:
    inputs = [Input((3, 4)), Input((None, 4))]
    outputs = Attention()(inputs, return_attention_scores=True)
    assert [y.shape for y in outputs] == [(None, 3, 4), (None, 3, None)]
    y, scores = Model(inputs, list(outputs))([Q, V])
    np.testing.assert_allclose(scores.numpy() @ V, y.numpy(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Attention(score_mode="sum"), "score_mode='sum'"),
        (lambda: Attention()([Q]), r"list \[query, value\]"),
        (lambda: Attention()(Q), r"list \[query, value\]"),
        (lambda: Attention()([Q, V], mask=SEEN), "list of masks"),
    ],
)
def test_bad_arguments_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()
