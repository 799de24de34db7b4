import numpy as np
import pytest

from kerasish.autodiff import KerasTensor
from kerasish.ops import recurrent
from tests.support import check_gradients

MASK = np.array([[True, False, True], [False, True, True]])
N, T, D, U = 2, 3, 2, 2


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def weights(rng, gates, bias_shape):
    shapes = ((N, T, D), (D, gates * U), (U, gates * U), bias_shape, (N, U))
    return [rng.normal(size=shape) for shape in shapes]


OPTIONS = [
    {},
    {"reverse": True, "mask": MASK},
    {"zero_output_for_mask": True, "mask": MASK},
]


def merged(results):
    """All results in one tensor: outputs, and the last states in front of them."""
    outputs, *last = results
    total = outputs
    for position, state in enumerate(last):
        total = total + (position + 2) * state.reshape((N, 1, U))
    return total


@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: "-".join(o) or "plain")
@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_simple_rnn_has_first_and_second_derivatives(rng, options, activation):
    check_gradients(
        lambda *a: merged(recurrent.simple_rnn(*a, activation=activation, **options)), weights(rng, 1, (U,))
    )


@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: "-".join(o) or "plain")
def test_lstm_has_first_and_second_derivatives(rng, options):
    x, k, r, b, h = weights(rng, 4, (4 * U,))
    c = rng.normal(size=(N, U))
    check_gradients(lambda x, k, r, b, h, c: merged(recurrent.lstm(x, k, r, b, (h, c), **options)), [x, k, r, b, h, c])


@pytest.mark.parametrize("options", OPTIONS, ids=lambda o: "-".join(o) or "plain")
@pytest.mark.parametrize("reset_after", [False, True])
def test_gru_has_first_and_second_derivatives(rng, options, reset_after):
    arrays = weights(rng, 3, (2, 3 * U) if reset_after else (3 * U,))
    check_gradients(lambda *a: merged(recurrent.gru(*a, reset_after=reset_after, **options)), arrays)


def test_a_sequence_without_bias_and_state_is_the_recurrence_written_out(rng):
    x, k, r, _, _ = weights(rng, 1, (U,))
    outputs, last = recurrent.simple_rnn(x, k, r)
    h = np.zeros((N, U))
    for time in range(T):
        h = np.tanh(x[:, time] @ k + h @ r)
        np.testing.assert_allclose(outputs.numpy()[:, time], h)
    np.testing.assert_allclose(last.numpy(), h)
    check_gradients(lambda x, k, r: recurrent.simple_rnn(x, k, r)[0], [x, k, r])


def test_lstm_is_the_recurrence_written_out(rng):
    x, k, r, b, h = weights(rng, 4, (4 * U,))
    c = rng.normal(size=(N, U))
    outputs, last_h, last_c = recurrent.lstm(x, k, r, b, (h, c))

    def s(z):
        return 1 / (1 + np.exp(-z))

    for time in range(T):
        i, f, g, o = np.split(x[:, time] @ k + h @ r + b, 4, axis=1)
        c = s(f) * c + s(i) * np.tanh(g)
        h = s(o) * np.tanh(c)
        np.testing.assert_allclose(outputs.numpy()[:, time], h)
    np.testing.assert_allclose(last_h.numpy(), h)
    np.testing.assert_allclose(last_c.numpy(), c)


def test_a_masked_step_keeps_the_state_and_repeats_the_output_or_gives_zero(rng):
    x, k, r, b, h = weights(rng, 1, (U,))
    mask = np.array([[True, False, False]] * 2)
    kept, last = recurrent.simple_rnn(x, k, r, b, h, mask)
    zeroed, _ = recurrent.simple_rnn(x, k, r, b, h, mask, zero_output_for_mask=True)
    for time in (1, 2):
        np.testing.assert_array_equal(kept.numpy()[:, time], kept.numpy()[:, 0])
        assert not zeroed.numpy()[:, time].any()
    np.testing.assert_array_equal(last.numpy(), kept.numpy()[:, 0])


def test_symbolic_shapes_are_those_of_values(rng):
    x = KerasTensor((None, None, D))
    _, k, r, b, _ = weights(rng, 4, (4 * U,))
    outputs, h, c = recurrent.lstm(x, k, r, b)
    assert (outputs.shape, h.shape, c.shape) == ((None, None, U), (None, U), (None, U))
    _, k, r, b, _ = weights(rng, 3, (2, 3 * U))
    assert [y.shape for y in recurrent.gru(x, k, r, b)] == [(None, None, U), (None, U)]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"inputs": np.ones((N, D))}, r"Received: inputs\.shape=\(2, 2\)"),
        ({"kernel": np.ones((D + 1, U))}, r"kernel\.shape=\(3, 2\)"),
        ({"recurrent_kernel": np.ones((U, U + 1))}, r"recurrent_kernel\.shape=\(2, 3\)"),
        ({"bias": np.ones(3)}, r"Received: bias\.shape=\(3,\)"),
        ({"initial_state": np.ones((N, 3))}, r"Received: shape=\(2, 3\)"),
        ({"mask": np.ones((N, 4), bool)}, r"Received: mask\.shape=\(2, 4\)"),
        ({"activation": "gelu"}, r"Received: activation='gelu'"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(rng, change, message):
    names = ("inputs", "kernel", "recurrent_kernel", "bias", "initial_state")
    arguments = dict(zip(names, weights(rng, 1, (U,)), strict=True))
    with pytest.raises(ValueError, match=message):
        recurrent.simple_rnn(**{**arguments, **change})
