from __future__ import annotations

import threading

import numpy as np
import pytest


RATE = 0.05
TOLERANCE = {"float16": 2e-2, "float32": 1e-5, "float64": 1e-11}


def sgd(p, g, m, step, *, learning_rate, momentum, nesterov):
    if m is None:
        return p - learning_rate * g, None
    m = momentum * m - learning_rate * g
    return p + (momentum * m - learning_rate * g if nesterov else m), m


def rmsprop(p, g, v, m, a, step, *, learning_rate, rho, momentum, epsilon):
    v = rho * v + (1 - rho) * g**2
    a = None if a is None else rho * a + (1 - rho) * g
    increment = learning_rate * g / np.sqrt(v - (0 if a is None else a**2) + epsilon)
    m = None if m is None else momentum * m + increment
    return p - (increment if m is None else m), v, m, a


def adam(p, g, m, v, v_hat, step, *, learning_rate, beta_1, beta_2, epsilon):
    m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g**2
    v_hat = None if v_hat is None else np.maximum(v_hat, v)
    alpha = learning_rate * np.sqrt(1 - beta_2**step) / (1 - beta_1**step)
    return p - alpha * m / (np.sqrt(v if v_hat is None else v_hat) + epsilon), m, v, v_hat


def adagrad(p, g, a, step, *, learning_rate, epsilon):
    a = a + g**2
    return p - learning_rate * g / np.sqrt(a + epsilon), a


def adadelta(p, g, a, d, step, *, learning_rate, rho, epsilon):
    a = rho * a + (1 - rho) * g**2
    delta = g * np.sqrt(d + epsilon) / np.sqrt(a + epsilon)
    return p - learning_rate * delta, a, rho * d + (1 - rho) * delta**2


def adamax(p, g, m, u, step, *, learning_rate, beta_1, beta_2, epsilon):
    m, u = beta_1 * m + (1 - beta_1) * g, np.maximum(beta_2 * u, np.abs(g))
    return p - learning_rate * m / ((1 - beta_1**step) * (u + epsilon)), m, u


def u_product(step, beta_1):
    return np.prod([beta_1 * (1 - 0.5 * 0.96**k) for k in range(1, int(step) + 1)])


def nadam(p, g, m, v, step, *, learning_rate, beta_1, beta_2, epsilon):
    m, v = beta_1 * m + (1 - beta_1) * g, beta_2 * v + (1 - beta_2) * g**2
    now, after = (beta_1 * (1 - 0.5 * 0.96**k) for k in (step, step + 1))
    m_hat = after * m / (1 - u_product(step + 1, beta_1)) + (1 - now) * g / (1 - u_product(step, beta_1))
    return p - learning_rate * m_hat / (np.sqrt(v / (1 - beta_2**step)) + epsilon), m, v


def lion(p, g, m, step, *, learning_rate, beta_1, beta_2):
    p = p - learning_rate * np.sign(beta_1 * m + (1 - beta_1) * g)
    return p, beta_2 * m + (1 - beta_2) * g


def ftrl(p, g, a, linear, step, *, learning_rate, learning_rate_power, beta, **strengths):
    l1, l2, shrinkage = strengths.values()
    new, q = a + g**2, -learning_rate_power
    linear = linear + g + 2 * shrinkage * p - (new**q - a**q) / learning_rate * p
    quadratic = new**q / learning_rate + 2 * (l2 + beta / (2 * learning_rate))
    return (np.clip(linear, -l1, l1) - linear) / quadratic, new, linear


ADAM = {"learning_rate": RATE, "beta_1": 0.9, "beta_2": 0.99, "epsilon": 1e-3}
RMS = {"learning_rate": RATE, "rho": 0.9, "momentum": 0.8, "epsilon": 1e-3}
SGD = {"learning_rate": RATE, "momentum": 0.9}
FTRL = {
    "learning_rate": RATE,
    "l1_regularization_strength": 0.02,
    "l2_regularization_strength": 0.03,
    "l2_shrinkage_regularization_strength": 0.01,
    "beta": 0.1,
}
# The kernel, its reference, the initial value of each slot, the hyperparameters.
CASES = {
    "sgd": ("sgd_update", sgd, [None], SGD | {"nesterov": False}),
    "sgd momentum": ("sgd_update", sgd, [0], SGD | {"nesterov": False}),
    "sgd nesterov": ("sgd_update", sgd, [0], SGD | {"nesterov": True}),
    "rmsprop": ("rmsprop_update", rmsprop, [0, None, None], RMS),
    "rmsprop momentum": ("rmsprop_update", rmsprop, [0, 0, None], RMS),
    "rmsprop centered": ("rmsprop_update", rmsprop, [0, None, 0], RMS),
    "rmsprop both": ("rmsprop_update", rmsprop, [0, 0, 0], RMS),
    "adam": ("adam_update", adam, [0, 0, None], ADAM),
    "amsgrad": ("adam_update", adam, [0, 0, 0], ADAM),
    "adagrad": ("adagrad_update", adagrad, [0.1], {"learning_rate": RATE, "epsilon": 1e-3}),
    "adadelta": ("adadelta_update", adadelta, [0, 0], {"learning_rate": 1.0, "rho": 0.9, "epsilon": 1e-3}),
    "adamax": ("adamax_update", adamax, [0, 0], ADAM),
    "nadam": ("nadam_update", nadam, [0, 0], ADAM),
    "lion": ("lion_update", lion, [0], {"learning_rate": RATE, "beta_1": 0.9, "beta_2": 0.99}),
    "ftrl": ("ftrl_update", ftrl, [0.1, 0], {"learning_rate_power": -0.5} | FTRL),
    "ftrl power": ("ftrl_update", ftrl, [0.1, 0], {"learning_rate_power": -0.8} | FTRL),
}


def follow(kernels, case, dtype, size=7, wrap=float, steps=5, make=None):
    """Run a kernel and its reference side by side for some steps."""
    name, reference, initial, attrs = CASES[case]
    make = make or (lambda a: a)
    rng = np.random.default_rng(5)
    param = make(rng.normal(size=size).astype(dtype))
    slots = [s if s is None else make(np.full(size, s, dtype)) for s in initial]
    expected = [a if a is None else a.astype("float64") for a in (param, *slots)]
    for step in range(1, steps + 1):
        grad = make(rng.normal(size=size).astype(dtype))
        kept = grad.copy()
        scalars = {k: v if isinstance(v, bool) else wrap(v) for k, v in attrs.items()}
        if name in ("adam_update", "adamax_update", "nadam_update"):
            scalars["step"] = wrap(step)
        if name == "nadam_update":
            scalars["u_product"] = wrap(u_product(step, attrs["beta_1"]))
        assert getattr(kernels, name)(param, grad, *slots, **scalars) is None
        np.testing.assert_array_equal(grad, kept)
        p, *rest = expected
        expected = list(reference(p, kept.astype("float64"), *rest, step, **attrs))
        for got, wanted in zip((param, *slots), expected):
            if wanted is None:
                assert got is None
                continue
            assert got.dtype == dtype
            np.testing.assert_allclose(got, wanted, rtol=TOLERANCE[dtype], atol=TOLERANCE[dtype])


@pytest.mark.parametrize("case", CASES)
class TestUpdates:
    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
    def test_five_steps_follow_the_formula(self, kernels, case, dtype):
        follow(kernels, case, dtype)

    def test_scalars_may_be_0_d_arrays(self, kernels, case):
        follow(kernels, case, "float32", wrap=lambda v: np.asarray(v, "float64"))

    @pytest.mark.parametrize("size", [0, 1, 40])
    def test_any_length_is_covered_block_by_block(self, kernels, case, size, monkeypatch):
        monkeypatch.setattr(kernels, "_BLOCK", 16)
        follow(kernels, case, "float64", size)
        follow(kernels, case, "float16", size, steps=2)

    def test_non_contiguous_buffers_are_updated(self, kernels, case):
        follow(kernels, case, "float32", make=lambda a: np.repeat(a, 2)[::2])


DTYPES = pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])


@DTYPES
def test_weight_decay_subtracts_a_share(kernels, dtype):
    p = np.array([1, -2, 0], dtype)
    kernels.weight_decay_update(p, rate=np.asarray(0.25))
    assert p.dtype == dtype
    assert p.tolist() == [0.75, -1.5, 0]


def test_small_weight_decay_keeps_its_digits_over_many_steps(kernels):
    p = np.linspace(1, 2, 4001, dtype="float32")
    before = p.astype("float64")
    for _ in range(50):
        kernels.weight_decay_update(p, rate=1e-5)
    assert np.mean(1 - p / before) == pytest.approx(1 - (1 - 1e-5) ** 50, rel=1e-2)


@DTYPES
def test_moving_average_moves_towards_the_value(kernels, dtype):
    average, value = np.array([1, 2], dtype), np.array([3, -2], dtype)
    kernels.ema_update(average, value, momentum=0.75)
    assert average.tolist() == [1.5, 1.0]
    assert value.tolist() == [3, -2]


@DTYPES
def test_accumulate_scale_and_clip_work_in_place(kernels, dtype):
    buffer, grad = np.array([1, -2, 3], dtype), np.array([1, 1, 1], dtype)
    kernels.accumulate(buffer, grad)
    assert buffer.tolist() == [2, -1, 4]
    kernels.scale(buffer, factor=np.asarray(0.5))
    assert buffer.tolist() == [1, -0.5, 2]
    kernels.clip_values(buffer, limit=np.asarray(0.75))
    assert buffer.tolist() == [0.75, -0.5, 0.75]
    assert buffer.dtype == dtype
    assert grad.tolist() == [1, 1, 1]


def test_clipping_keeps_nan_and_bounds_infinity(kernels):
    buffer = np.array([np.nan, np.inf, -np.inf], "float32")
    kernels.clip_values(buffer, limit=2.0)
    np.testing.assert_array_equal(buffer, [np.nan, 2, -2])


@DTYPES
@pytest.mark.parametrize("shape", [(0,), (), (1,), (7, 3), (300_000,)])
def test_sum_of_squares_is_accurate_for_any_shape(kernels, dtype, shape):
    x = np.random.default_rng(2).normal(size=shape).astype(dtype)
    total = kernels.sum_squares(x)
    assert isinstance(total, np.ndarray)
    assert total.shape == ()
    assert total.dtype == ("float64" if dtype == "float64" else "float32")
    np.testing.assert_allclose(total, np.sum(x.astype("float64") ** 2), rtol=2e-6)


def test_sum_of_squares_reads_non_contiguous_arrays(kernels):
    assert kernels.sum_squares(np.arange(6.0).reshape(2, 3).T[::2]) == 0 + 9 + 4 + 25


def test_overflowing_gradients_give_infinities_without_a_warning(kernels):
    param, grad, m, v = (
        np.zeros(3, "float32"),
        np.full(3, 1e30, "float32"),
        np.zeros(3, "f4"),
        np.zeros(3, "f4"),
    )
    kernels.adam_update(param, grad, m, v, None, **ADAM, step=1)
    assert np.isinf(v).all()
    assert np.isinf(kernels.sum_squares(grad))


def test_zero_learning_rate_leaves_parameters_where_they_are(kernels):
    for beta_1 in (0.9, 0.0):
        param, grad, m, v = (np.full(3, x) for x in (1.0, 2.0, 0.0, 0.0))
        attrs = ADAM | {"learning_rate": 0.0, "beta_1": beta_1}
        kernels.nadam_update(param, grad, m, v, **attrs, step=1, u_product=u_product(1, beta_1))
        assert param.tolist() == [1, 1, 1]
        assert m[0] == pytest.approx(2 * (1 - beta_1))


def test_ftrl_refuses_a_learning_rate_of_zero_before_changing_anything(kernels):
    arrays = [np.ones(2) for _ in range(4)]
    with pytest.raises(ValueError, match=r"Received: learning_rate=0\.0"):
        kernels.ftrl_update(*arrays, **(FTRL | {"learning_rate": 0.0}), learning_rate_power=-0.5)
    assert all((a == 1).all() for a in arrays)


def test_threads_do_not_share_their_scratch_memory(kernels):
    rows = {}

    def take(name):
        rows[name] = kernels._scratch.rows(1, 8, np.dtype("float32"))

    threads = [threading.Thread(target=take, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not np.shares_memory(rows["a"], rows["b"])
