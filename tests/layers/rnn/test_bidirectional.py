from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kerasish import layers, ops
from kerasish.layers import GRU, LSTM, Bidirectional, Input, SimpleRNN
from tests.layers.support import check_layer

X = np.random.default_rng(5).normal(size=(2, 4, 3)).astype(np.float32)
MASK = np.array([[1, 1, 0, 1], [0, 1, 1, 0]], bool)


@pytest.mark.parametrize("cls", [SimpleRNN, GRU, LSTM])
@pytest.mark.parametrize("mode", ["concat", "sum", "mul", "ave"])
def test_the_layer_keeps_the_contract(cls: Any, mode: str) -> None:
    check_layer(
        Bidirectional,
        lambda: {"layer": cls(2, return_sequences=mode == "sum"), "merge_mode": mode},
        (2, 4, 3),
        expected_weights=6,
        expected_seed_generators=2,
        supports_masking=True,
    )


def test_without_a_merge_both_outputs_and_all_states_come_back() -> None:
    layer = Bidirectional(LSTM(2, return_sequences=True, return_state=True), merge_mode=None)
    outputs = layer(X)
    symbols = layer(Input((4, 3)))
    assert [y.shape for y in outputs] == [(2, 4, 2)] * 2 + [(2, 2)] * 4
    assert [s.shape[1:] for s in symbols] == [y.shape[1:] for y in outputs]
    np.testing.assert_allclose(outputs[1].numpy()[:, 0], outputs[4].numpy())
    np.testing.assert_allclose(outputs[0].numpy()[:, -1], outputs[2].numpy())
    masked = layer(X, mask=MASK)
    assert [y._keras_mask for y in masked[2:]] == [None] * 4


def test_the_backward_layer_sees_the_sequence_from_its_end() -> None:
    layer = Bidirectional(GRU(2, return_sequences=True))
    y = layer(X).numpy()
    single = GRU(2, return_sequences=True)
    single(X)
    single.set_weights(layer.get_weights()[3:])
    np.testing.assert_allclose(y[..., 2:], single(X[:, ::-1]).numpy()[:, ::-1], rtol=1e-5, atol=1e-6)


def test_masked_steps_put_out_zeros() -> None:
    y = Bidirectional(LSTM(2, return_sequences=True))(X, mask=MASK).numpy()
    assert (y[~MASK] == 0).all()
    assert (y[MASK] != 0).all()


def test_weights_are_forward_then_backward_with_the_names_of_keras() -> None:
    layer = Bidirectional(LSTM(2, name="lstm"), name="both")
    layer(X)
    parts = ("kernel", "recurrent_kernel", "bias")
    expected = [f"both/{way}_lstm/lstm_cell/{part}" for way in ("forward", "backward") for part in parts]
    assert [v.path for v in layer.weights] == expected
    again = Bidirectional.from_config(layer.get_config())
    again.build((2, 4, 3))
    assert [v.path for v in again.weights] == expected
    assert (again.forward_layer.name, again.backward_layer.name) == ("forward_lstm", "backward_lstm")


def test_initial_weights_are_taken_in_the_same_order() -> None:
    layer = Bidirectional(GRU(2))
    y = layer(X)
    again = Bidirectional(GRU(2), weights=layer.get_weights())
    np.testing.assert_allclose(again(X).numpy(), y.numpy())


def test_a_backward_layer_of_another_kind_may_be_given() -> None:
    layer = Bidirectional(LSTM(2), backward_layer=GRU(3, go_backwards=True), merge_mode=None)
    assert [y.shape for y in layer(X)] == [(2, 2), (2, 3)]


def test_a_stateful_pair_keeps_its_states() -> None:
    layer = Bidirectional(LSTM(2, stateful=True))
    first = layer(X).numpy()
    assert len(layer.states) == 4
    assert not np.allclose(first, layer(X).numpy())
    layer.reset_states()
    np.testing.assert_allclose(first, layer(X).numpy())
    with pytest.raises(AttributeError, match="not stateful"):
        Bidirectional(LSTM(2)).reset_state()


def test_training_reaches_both_layers() -> None:
    layer = Bidirectional(LSTM(2, dropout=0.5, seed=1), merge_mode=None)
    plain, dropped = layer(X), layer(X, training=True)
    assert all(not np.allclose(a.numpy(), b.numpy()) for a, b in zip(plain, dropped, strict=True))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Bidirectional("lstm"), "layer='lstm'"),
        (lambda: Bidirectional(LSTM(2), merge_mode="max"), "merge_mode='max'"),
        (lambda: Bidirectional(LSTM(2), backward_layer=3), "backward_layer=3"),
        (lambda: Bidirectional(LSTM(2), backward_layer=LSTM(2)), "must differ in go_backwards"),
        (
            lambda: Bidirectional(LSTM(2), backward_layer=LSTM(2, go_backwards=True, stateful=True)),
            "must agree in stateful",
        ),
    ],
)
def test_bad_arguments_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_initial_states_are_split_between_the_layers() -> None:
    layer = Bidirectional(SimpleRNN(2), merge_mode=None)
    layer(X)
    states = [ops.ones((2, 2)), ops.zeros((2, 2))]
    a, b = layer(X, initial_state=states)
    np.testing.assert_allclose(a.numpy(), layer.forward_layer(X, initial_state=states[:1]).numpy())
    np.testing.assert_allclose(b.numpy(), layer.backward_layer(X).numpy())


def test_it_stands_in_a_sequential_model_after_an_embedding() -> None:
    from kerasish.models import Sequential

    model = Sequential([layers.Embedding(5, 3, mask_zero=True), Bidirectional(LSTM(2)), layers.Dense(1)])
    words = np.array([[1, 2, 0], [3, 0, 0]])
    longer = np.pad(words, ((0, 0), (0, 2)))
    np.testing.assert_allclose(model(words).numpy(), model(longer).numpy(), rtol=1e-5, atol=1e-6)


def test_a_layer_that_was_built_is_copied_without_its_weights() -> None:
    single = LSTM(2, name="lstm")
    single(X)
    layer = Bidirectional(single, name="both")
    assert not layer.forward_layer.built
    layer(X)
    assert layer.weights[0].path == "both/forward_lstm/lstm_cell/kernel"
