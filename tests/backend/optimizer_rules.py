"""The rules of the optimizer kernels in float64, and a comparison of a kernel with its rule."""

from __future__ import annotations

import numpy as np

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
