from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kerasish import GradientTape, layers, ops, tree
from kerasish.layers import GRU, LSTM, RNN, GRUCell, Input, LSTMCell, SimpleRNN, SimpleRNNCell, StackedRNNCells
from kerasish.models import Model
from kerasish.ops.seeds import set_global_seed
from tests.layers.support import check_layer

RNG = np.random.default_rng(3)
X = RNG.normal(size=(2, 4, 3)).astype(np.float32)
MASK = np.array([[1, 1, 0, 1], [0, 1, 1, 0]], bool)
KINDS = (SimpleRNN, GRU, LSTM)
FULL = {"return_sequences": True, "return_state": True}


class StepSimpleRNNCell(SimpleRNNCell):
    """The cell as a subclass whose `call` no kernel can stand for."""

    def call(self, sequence: Any, states: Any, training: Any = False) -> Any:
        return super().call(sequence, states, training)


class StepGRUCell(GRUCell):
    def call(self, inputs: Any, states: Any, training: Any = False) -> Any:
        return super().call(inputs, states, training)


class StepLSTMCell(LSTMCell):
    def call(self, inputs: Any, states: Any, training: Any = False) -> Any:
        return super().call(inputs, states, training)


CELLS = ((SimpleRNNCell, StepSimpleRNNCell), (GRUCell, StepGRUCell), (LSTMCell, StepLSTMCell))


def results(layer: Any, x: Any, **call: Any) -> list[np.ndarray[Any, Any]]:
    """Outputs, states, and the gradients of all weights and of the inputs."""
    x = ops.array(x)
    with GradientTape() as tape:
        tape.watch(x)
        outputs = tree.flatten(layer(x, **call))
        loss = sum(ops.sum(y * y * (i + 1)) for i, y in enumerate(outputs))
    return [y.numpy() for y in [*outputs, *tape.gradient(loss, [*layer.trainable_variables, x])]]


@pytest.mark.parametrize("cls", KINDS)
def test_the_layers_keep_the_contract(cls: Any) -> None:
    count = {"expected_seed_generators": 1, "expected_weights": 3, "supports_masking": True}
    check_layer(cls, {"units": 3}, (2, 4, 3), expected_output_shape=(2, 3), gradients=True, **count)
    check_layer(
        cls,
        {"units": 3, **FULL, "dropout": 0.3, "recurrent_dropout": 0.2, "seed": 1},
        (2, 4, 3),
        gradients=True,
        **count,
    )
    check_layer(
        cls,
        {"units": 3, "activation": "softsign", "use_bias": False, "kernel_regularizer": "l2"},
        (2, 4, 3),
        expected_losses=1,
        **{**count, "expected_weights": 2},
    )


@pytest.mark.parametrize("cell", [SimpleRNNCell, GRUCell, LSTMCell])
def test_rnn_keeps_the_contract_with_one_cell_and_with_two(cell: Any) -> None:
    check_layer(RNN, lambda: {"cell": cell(3)}, (2, 4, 3), expected_weights=3, expected_seed_generators=1)
    check_layer(
        RNN,
        lambda: {"cell": [cell(3), cell(2)], "return_sequences": True, "go_backwards": True},
        (2, 4, 3),
        expected_output_shape=(2, 4, 2),
        expected_weights=6,
        expected_seed_generators=2,
    )


@pytest.mark.parametrize("options", [{}, {"go_backwards": True, **FULL}, {"zero_output_for_mask": True, **FULL}])
@pytest.mark.parametrize("mask", [None, MASK])
@pytest.mark.parametrize(("fast", "slow"), CELLS)
def test_the_kernel_computes_what_the_loop_over_the_cell_does(
    fast: Any, slow: Any, mask: Any, options: dict[str, Any]
) -> None:
    settings: dict[str, Any] = {"units": 3, "bias_initializer": "random_normal"}
    for variant in ({}, {"use_bias": False}, {"reset_after": False}, {"unit_forget_bias": False}):
        if variant.keys() - {"use_bias"} and next(iter(variant)) not in fast(3).get_config():
            continue
        a, b = RNN(fast(**settings, **variant), **options), RNN(slow(**settings, **variant), **options)
        a(X)
        b(X)
        b.set_weights(a.get_weights())
        assert a.cell.can_run_sequence(False)
        assert not b.cell.can_run_sequence(False)
        call = {} if mask is None else {"mask": mask}
        for got, wanted in zip(results(a, X, **call), results(b, X, **call), strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("backwards", [False, True])
def test_stacked_kernels_compute_what_stacked_steps_do(backwards: bool) -> None:
    a = RNN([GRUCell(3), LSTMCell(2), SimpleRNNCell(4)], go_backwards=backwards, **FULL)
    b = RNN([StepGRUCell(3), LSTMCell(2), SimpleRNNCell(4)], go_backwards=backwards, **FULL)
    a(X)
    b(X)
    b.set_weights(a.get_weights())
    for call in ({}, {"mask": MASK}):
        for got, wanted in zip(results(a, X, **call), results(b, X, **call), strict=True):
            np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("fast", "slow"), CELLS)
def test_dropout_is_the_same_in_all_steps_and_on_both_ways(fast: Any, slow: Any) -> None:
    a, b = RNN(fast(3, dropout=0.5, seed=4), **FULL), RNN(slow(3, dropout=0.5, seed=4), **FULL)
    a(X)
    b(X)
    b.set_weights(a.get_weights())
    dropped = results(a, X, training=True)
    for got, wanted in zip(dropped, results(b, X, training=True), strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-4, atol=1e-5)
    assert not np.allclose(dropped[0], a(X)[0].numpy())
    # The gradient of the inputs is zero exactly where a feature was dropped: in all steps, or in none.
    zero = dropped[-1] == 0
    assert zero.any()
    assert (zero == zero[:, :1]).all()
    assert not np.allclose(dropped[0], a(X, training=True)[0].numpy())


@pytest.mark.parametrize("cls", KINDS)
def test_recurrent_dropout_acts_in_training_only(cls: Any) -> None:
    layer = cls(8, recurrent_dropout=0.5, seed=1)
    plain = layer(X).numpy()
    assert np.array_equal(plain, layer(X).numpy())
    assert not np.allclose(plain, layer(X, training=True).numpy())
    assert not np.allclose(layer(X, training=True).numpy(), layer(X, training=True).numpy())


@pytest.mark.parametrize("cls", [GRU, LSTM])
def test_implementation_1_drops_other_features_for_each_gate(cls: Any) -> None:
    set_global_seed(1)
    one, two = cls(3, dropout=0.5, seed=2, implementation=1), cls(3, dropout=0.5, seed=2)
    one(X)
    two(X)
    one.set_weights(two.get_weights())
    np.testing.assert_allclose(one(X).numpy(), two(X).numpy(), rtol=1e-5)
    assert not np.allclose(one(X, training=True).numpy(), two(X, training=True).numpy())


@pytest.mark.parametrize("cls", KINDS)
def test_a_masked_step_changes_nothing(cls: Any) -> None:
    layer = cls(3, **FULL)
    outputs, *states = layer(X, mask=MASK)
    short, *short_states = layer(X[:1, [0, 1, 3]])
    np.testing.assert_allclose(outputs.numpy()[0, [0, 1, 3]], short.numpy()[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(outputs.numpy()[0, 2], outputs.numpy()[0, 1])
    np.testing.assert_allclose(outputs.numpy()[1, 0], 0)
    for state, wanted in zip(states, short_states, strict=True):
        np.testing.assert_allclose(state.numpy()[:1], wanted.numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("cls", KINDS)
def test_a_stateful_layer_goes_on_where_the_last_batch_ended(cls: Any) -> None:
    layer = cls(3, stateful=True, return_sequences=True)
    first, second = layer(X[:, :2]).numpy(), layer(X[:, 2:]).numpy()
    whole = cls(3, return_sequences=True)
    whole(X)
    whole.set_weights(layer.get_weights())
    np.testing.assert_allclose(np.concatenate([first, second], axis=1), whole(X).numpy(), rtol=1e-5, atol=1e-6)
    assert len(layer.states) == (2 if cls is LSTM else 1)
    assert layer.states[0].path.endswith("/rnn_state")
    layer.reset_states()
    np.testing.assert_allclose(layer(X[:, :2]).numpy(), first)
    assert len(layer.weights) == 3


def test_the_gradient_of_a_stateful_layer_uses_the_states_before_the_step() -> None:
    layer = LSTM(3, stateful=True)
    layer(X)
    states = [v.numpy() for v in layer.states]
    stateful = results(layer, X)
    other = LSTM(3)
    other(X)
    other.set_weights(layer.get_weights())
    wanted = results(other, X, initial_state=[ops.array(s) for s in states])
    for got, expected in zip(stateful, wanted, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-6)


def test_a_stateful_layer_refuses_another_batch_size() -> None:
    layer = LSTM(3, stateful=True, name="memory")
    layer(X)
    with pytest.raises(ValueError, match=r"'memory' keeps states for batches of 2\. Received: .*\(1, 4, 3\)"):
        layer(X[:1])
    with pytest.raises(ValueError, match="needs a fixed batch size"):
        LSTM(3, stateful=True)(Input((4, 3)))


def test_a_symbolic_call_leaves_the_states_alone() -> None:
    layer = LSTM(3, stateful=True)
    layer(X)
    before = [v.numpy() for v in layer.states]
    Model(i := Input(batch_shape=(2, 4, 3)), layer(i))
    assert all(np.array_equal(a, v.numpy()) for a, v in zip(before, layer.states, strict=True))


def test_an_encoder_hands_its_states_to_a_decoder() -> None:
    source, target = Input((None, 3)), Input((None, 3))
    _, *states = LSTM(4, return_state=True, name="encoder")(source)
    decoded = LSTM(4, return_sequences=True, name="decoder")(target, initial_state=states)
    model = Model([source, target], decoded)
    assert decoded.shape == (None, None, 4)
    outputs = model([X, X[:, :2]])
    encoder, decoder = model.get_layer("encoder"), model.get_layer("decoder")
    wanted = decoder(X[:, :2], initial_state=encoder(X)[1:])
    np.testing.assert_allclose(outputs.numpy(), wanted.numpy(), rtol=1e-6)


def test_the_mask_of_an_embedding_reaches_the_end_of_the_model() -> None:
    words = np.array([[1, 2, 0, 0], [3, 0, 0, 0]])
    model = layers.Embedding(5, 3, mask_zero=True)
    recurrent = LSTM(4, return_sequences=True)
    dense = layers.TimeDistributed(layers.Dense(2))
    y = dense(layers.Bidirectional(GRU(2, return_sequences=True))(recurrent(model(words))))
    assert y._keras_mask.tolist() == (words != 0).tolist()
    last = LSTM(4)
    embedded = model(words)
    y = last(embedded)
    assert y._keras_mask is None
    np.testing.assert_allclose(y.numpy()[1], last(embedded.numpy()[1:, :1]).numpy()[0], rtol=1e-5)


def test_states_carry_no_mask() -> None:
    y, h, c = LSTM(3, **FULL)(layers.Masking()(X * MASK[..., None]))
    assert y._keras_mask.tolist() == MASK.tolist()
    assert h._keras_mask is None
    assert c._keras_mask is None


def test_weights_have_the_names_of_keras() -> None:
    layer = LSTM(3, name="memory")
    layer(X)
    assert [v.path for v in layer.weights] == [f"memory/lstm_cell/{n}" for n in ("kernel", "recurrent_kernel", "bias")]
    assert layer.get_weights()[2].tolist() == [0.0] * 3 + [1.0] * 3 + [0.0] * 6


class PlainCell:
    """A cell that is no layer."""

    state_size = (3, 1)

    def call(self, inputs: Any, states: Any) -> Any:
        total = states[0] + inputs
        return total * 2, [total, states[1] + 1]


def test_any_object_with_a_call_and_a_state_size_is_a_cell() -> None:
    outputs, total, count = RNN(PlainCell(), return_state=True, go_backwards=True)(X)
    np.testing.assert_allclose(total.numpy(), X.sum(axis=1), rtol=1e-5)
    np.testing.assert_allclose(outputs.numpy(), 2 * total.numpy())
    assert count.tolist() == [[4.0], [4.0]]


def test_a_cell_takes_single_steps() -> None:
    cell = LSTMCell(3)
    h, c = ops.zeros((2, 3)), ops.zeros((2, 3))
    layer = LSTM(3)
    wanted = layer(X)
    cell.build((2, 3))
    cell.set_weights(layer.get_weights())
    for t in range(4):
        y, (h, c) = cell(X[:, t], [h, c])
    np.testing.assert_allclose(y.numpy(), wanted.numpy(), rtol=1e-5, atol=1e-6)
    symbolic, states = cell(Input((3,)), [Input((3,)), Input((3,))])
    assert symbolic.shape == states[1].shape == (None, 3)


def test_stacked_cells_round_trip_through_their_config() -> None:
    cells = StackedRNNCells([GRUCell(3, reset_after=False), LSTMCell(2)])
    again = StackedRNNCells.from_config(cells.get_config())
    assert again.get_config() == cells.get_config()
    assert again.state_size == [3, [2, 2]]
    assert again.output_size == 2


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LSTM(0), "units=0"),
        (lambda: GRUCell(2.5), "units=2.5"),
        (lambda: LSTM(3, use_cudnn="yes"), "use_cudnn='yes'"),
        (lambda: RNN(object()), "to have a `call`"),
        (lambda: RNN(layers.Dense(3)), "state_size=None"),
        (lambda: StackedRNNCells([]), r"cells=\[\]"),
        (lambda: StackedRNNCells([layers.Dense(3)]), "to have `state_size`"),
        (lambda: LSTM(3)(X, initial_state=[ops.zeros((2, 3))]), "has 2 states"),
        (lambda: LSTM(3)(X[0]), "ndim=3"),
        (lambda: LSTM(3, use_cudnn=True, activation="softsign")(X), "use_cudnn=True"),
        (lambda: GRU(3, activation="softsign")(X[:, :0]), "at least one step"),
    ],
)
def test_bad_arguments_are_refused(make: Any, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make()


def test_recurrent_dropout_acts_on_the_candidate_of_a_gru_that_resets_first() -> None:
    cell = GRUCell(4, reset_after=False, recurrent_dropout=0.5, seed=1, activation="linear", use_bias=False)
    x, h = ops.array(X[:, 0]), ops.ones((2, 4))
    cell(x, [h])
    # Without kernels for the gates, both are one half.
    cell.set_weights([np.zeros((3, 12)), np.concatenate([np.zeros((4, 8)), np.eye(4)], axis=1)])
    mask = cell.get_recurrent_dropout_mask(h)[2].numpy()
    assert {0.0, 2.0} == set(mask.ravel().tolist())
    np.testing.assert_allclose(cell(x, [h], training=True)[0].numpy(), 0.5 + 0.5 * 0.5 * mask)
    cell.reset_recurrent_dropout_mask()
    cell.reset_dropout_mask()
    assert not np.array_equal(cell.get_recurrent_dropout_mask(h)[2].numpy(), mask)
