from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kerasish import layers
from kerasish.layers import LSTM, BatchNormalization, Conv2D, Dense, Dropout, Input, Masking, TimeDistributed
from tests.layers.support import check_layer

X = np.random.default_rng(6).normal(size=(2, 4, 3)).astype(np.float32)


def test_the_layer_keeps_the_contract() -> None:
    check_layer(
        TimeDistributed,
        lambda: {"layer": Dense(2, kernel_regularizer="l2")},
        (2, 4, 3),
        expected_output_shape=(2, 4, 2),
        expected_weights=2,
        expected_losses=1,
        supports_masking=True,
    )
    check_layer(
        TimeDistributed,
        lambda: {"layer": Conv2D(2, 2)},
        (2, 3, 4, 4, 1),
        expected_output_shape=(2, 3, 3, 3, 2),
        expected_weights=2,
    )


def test_each_step_goes_through_the_layer() -> None:
    layer = TimeDistributed(LSTM(2))
    x = np.random.default_rng(1).normal(size=(2, 3, 4, 5)).astype(np.float32)
    y = layer(x).numpy()
    for t in range(3):
        np.testing.assert_allclose(y[:, t], layer.layer(x[:, t]).numpy(), rtol=1e-5, atol=1e-6)


def test_the_steps_of_a_mask_go_with_their_steps() -> None:
    x = np.random.default_rng(1).normal(size=(2, 3, 4, 5)).astype(np.float32)
    mask = np.random.default_rng(2).random((2, 3, 4)) > 0.4
    layer = TimeDistributed(LSTM(2))
    y = layer(x, mask=mask).numpy()
    for t in range(3):
        np.testing.assert_allclose(y[:, t], layer.layer(x[:, t], mask=mask[:, t]).numpy(), rtol=1e-5, atol=1e-6)


def test_the_mask_goes_on() -> None:
    mask = np.array([[1, 0, 1, 1], [1, 1, 0, 0]], bool)
    y = TimeDistributed(Dense(2))(Masking()(X * mask[..., None]))
    assert y._keras_mask.tolist() == mask.tolist()


def test_statistics_are_taken_step_by_step() -> None:
    layer, single = TimeDistributed(BatchNormalization()), BatchNormalization()
    y = layer(X, training=True).numpy()
    wanted = np.stack([single(X[:, t], training=True).numpy() for t in range(4)], axis=1)
    np.testing.assert_allclose(y, wanted, rtol=1e-5, atol=1e-6)
    for a, b in zip(layer.get_weights(), single.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5)
    assert not np.allclose(layer(X).numpy(), y)


def test_training_reaches_the_layer() -> None:
    layer = TimeDistributed(Dropout(0.5, seed=1))
    assert np.array_equal(layer(X).numpy(), X)
    assert (layer(X, training=True).numpy() == 0).any()


def test_an_unknown_number_of_steps_is_no_obstacle() -> None:
    assert TimeDistributed(Dense(2))(Input((None, 3))).shape == (None, None, 2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: TimeDistributed(3), "Received: 3"),
        (lambda: TimeDistributed(Dense(2))(X[:, 0]), "at least three dimensions"),
        (lambda: TimeDistributed(Dense(2))(X, mask=np.ones((2, 3), bool)), r"mask.shape=\(2, 3\)"),
    ],
)
def test_bad_arguments_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_a_model_may_be_inside() -> None:
    inner = layers.Input((3,))
    from kerasish.models import Model

    model = Model(inner, Dense(2)(inner))
    layer = TimeDistributed(model)
    assert layer(Input((None, 3))).shape == (None, None, 2)
    np.testing.assert_allclose(layer(X).numpy()[:, 1], model(X[:, 1]).numpy(), rtol=1e-5, atol=1e-6)
