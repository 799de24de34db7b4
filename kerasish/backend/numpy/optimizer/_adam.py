"""Adam, AMSGrad, Adamax and Nadam: two moments of the gradient."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from kerasish.backend.contract.types import Array, Scalar
from kerasish.backend.numpy._widen import wide_dtype
from kerasish.backend.numpy.optimizer._averages import move, move_square
from kerasish.backend.numpy.optimizer._blocks import run


def _adam_step(p: Array, m: Array, v: Array, t: Array, alpha: Array, epsilon: Array) -> None:
    np.sqrt(v, out=t)
    np.add(t, epsilon, out=t)
    np.divide(m, t, out=t)
    np.multiply(t, alpha, out=t)
    np.subtract(p, t, out=p)


def _adam(
    p: Array,
    g: Array,
    m: Array,
    v: Array,
    t: Array,
    alpha: Array,
    rest_1: Array,
    rest_2: Array,
    epsilon: Array,
) -> None:
    move(m, g, t, rest_1)
    move_square(v, g, t, rest_2)
    _adam_step(p, m, v, t, alpha, epsilon)


def _amsgrad(
    p: Array,
    g: Array,
    m: Array,
    v: Array,
    v_hat: Array,
    t: Array,
    alpha: Array,
    rest_1: Array,
    rest_2: Array,
    epsilon: Array,
) -> None:
    move(m, g, t, rest_1)
    move_square(v, g, t, rest_2)
    np.maximum(v_hat, v, out=v_hat)
    _adam_step(p, m, v_hat, t, alpha, epsilon)


@functools.lru_cache(maxsize=64)
def _constants(dtype: Any, *values: float) -> tuple[Array, ...]:
    return tuple([np.array(value, dtype) for value in values])


def adam_update(
    param: Array,
    grad: Array,
    m: Array,
    v: Array,
    v_hat: Array | None,
    *,
    learning_rate: Scalar,
    beta_1: Scalar,
    beta_2: Scalar,
    epsilon: Scalar,
    step: Scalar,
) -> None:
    """Twelve passes; both bias corrections are folded into one scalar."""
    b1, b2, t = float(beta_1), float(beta_2), float(step)
    alpha = float(learning_rate) * math.sqrt(1.0 - b2**t) / (1.0 - b1**t)
    # NumPy takes an array without dimensions faster than a Python number; at a few thousand elements it shows.
    dtype = param.dtype if param.dtype.itemsize >= 4 else wide_dtype(param.dtype)
    scalars = np.array(alpha, dtype), *_constants(dtype, 1.0 - b1, 1.0 - b2, float(epsilon))
    if v_hat is None:
        run(_adam, (param, grad, m, v), "wrww", 1, *scalars)
    else:
        run(_amsgrad, (param, grad, m, v, v_hat), "wrwww", 1, *scalars)


def _adamax(
    p: Array, g: Array, m: Array, u: Array, t: Array, alpha: float, rest_1: float, b2: float, epsilon: float
) -> None:
    move(m, g, t, rest_1)
    np.multiply(u, b2, out=u)
    np.absolute(g, out=t)
    np.maximum(u, t, out=u)
    np.add(u, epsilon, out=t)
    np.divide(m, t, out=t)
    np.multiply(t, alpha, out=t)
    np.subtract(p, t, out=p)


def adamax_update(
    param: Array,
    grad: Array,
    m: Array,
    u: Array,
    *,
    learning_rate: Scalar,
    beta_1: Scalar,
    beta_2: Scalar,
    epsilon: Scalar,
    step: Scalar,
) -> None:
    """Ten passes; the bias correction is folded into the learning rate."""
    b1 = float(beta_1)
    alpha = float(learning_rate) / (1.0 - b1 ** float(step))
    run(_adamax, (param, grad, m, u), "wrww", 1, alpha, 1.0 - b1, float(beta_2), float(epsilon))


def _nadam(
    p: Array,
    g: Array,
    m: Array,
    v: Array,
    t: Array,
    s: Array,
    m_factor: float,
    g_factor: float,
    v_factor: float,
    rest_1: float,
    rest_2: float,
    epsilon: float,
) -> None:
    move(m, g, t, rest_1)
    move_square(v, g, t, rest_2)
    np.multiply(v, v_factor, out=t)
    np.sqrt(t, out=t)
    np.add(t, epsilon, out=t)
    np.multiply(g, g_factor, out=s)
    np.divide(s, t, out=s)
    np.subtract(p, s, out=p)
    np.multiply(m, m_factor, out=s)
    np.divide(s, t, out=s)
    np.subtract(p, s, out=p)


def nadam_update(
    param: Array,
    grad: Array,
    m: Array,
    v: Array,
    *,
    learning_rate: Scalar,
    beta_1: Scalar,
    beta_2: Scalar,
    epsilon: Scalar,
    step: Scalar,
    u_product: Scalar,
) -> None:
    """Sixteen passes, two temporaries; the corrections of both momentum terms are folded into two scalars."""
    b1, b2, t = float(beta_1), float(beta_2), float(step)
    rate, product = float(learning_rate), float(u_product)
    now, after = b1 * (1.0 - 0.5 * 0.96**t), b1 * (1.0 - 0.5 * 0.96 ** (t + 1.0))
    m_factor = rate * after / (1.0 - product * after)
    g_factor = rate * (1.0 - now) / (1.0 - product)
    v_factor = 1.0 / (1.0 - b2**t)
    scalars = m_factor, g_factor, v_factor, 1.0 - b1, 1.0 - b2, float(epsilon)
    run(_nadam, (param, grad, m, v), "wrww", 2, *scalars)
