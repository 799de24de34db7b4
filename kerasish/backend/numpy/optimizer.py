"""Optimizer updates: chains of in-place passes over blocks, with one scratch buffer a thread.

Each rule is a function of blocks in one wide dtype. `_run` feeds it: blocks are views of the buffers, or,
where a buffer is in half precision, wide copies that are written back.
"""

from __future__ import annotations

import functools
import math
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish.backend.contract.types import Array, Scalar
from kerasish.backend.numpy._widen import narrow, wide_dtype

# Larger than a first-level cache: in blocks that small, the cost of a NumPy call outweighs what the cache
# saves.
_BLOCK = 65536
_MOST_LENGTHS = 64


class _Scratch(threading.local):
    """The reusable temporaries of a thread, by dtype."""

    def __init__(self) -> None:
        self.buffers: dict[Any, Array] = {}
        self.rows_of: dict[tuple[int, int, Any], list[Array]] = {}

    def rows(self, count: int, length: int, dtype: Any) -> Array:
        """`count` contiguous rows of at least `length` elements."""
        have = self.buffers.get(dtype)
        if have is None or have.shape[0] < count or have.shape[1] < length:
            rows = count if have is None else max(count, have.shape[0])
            columns = length if have is None else max(length, have.shape[1])
            have = self.buffers[dtype] = np.empty((rows, columns), dtype)
            self.rows_of.clear()
        return have

    def vectors(self, count: int, length: int, dtype: Any) -> list[Array]:
        """`count` vectors of `length` elements."""
        found = self.rows_of.get((count, length, dtype))
        if found is None:
            if len(self.rows_of) >= _MOST_LENGTHS:
                self.rows_of.clear()
            rows = self.rows(count, length, dtype)
            found = self.rows_of[count, length, dtype] = [rows[i, :length] for i in range(count)]
        return found


_scratch = _Scratch()


def _run(rule: Callable[..., None], arrays: tuple[Array, ...], changed: str, scratch: int, *scalars: Scalar) -> None:
    """Run `rule(*blocks, *temporaries, *scalars)`; `changed` marks the buffers it writes to with "w"."""
    size = arrays[0].size
    dtype = arrays[0].dtype
    if size <= _BLOCK and dtype.itemsize >= 4:
        for array in arrays:
            if array.dtype is not dtype:
                break
        else:
            with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
                rule(*arrays, *_scratch.vectors(scratch, size, dtype), *scalars)
            return
    dtype = wide_dtype(dtype)
    halves = [i for i, array in enumerate(arrays) if array.dtype.itemsize < 4]
    rows = _scratch.rows(scratch + len(halves), min(size, _BLOCK), dtype)
    # A diverging run shows in its loss; one NumPy warning for each overflowing block would add nothing.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for start in range(0, size, _BLOCK):
            stop = min(start + _BLOCK, size)
            blocks = [array[start:stop] for array in arrays]
            temporaries = [rows[i, : stop - start] for i in range(scratch)]
            for row, i in enumerate(halves, scratch):
                wide = rows[row, : stop - start]
                wide[...] = blocks[i]
                blocks[i] = wide
            rule(*blocks, *temporaries, *scalars)
            for i in halves:
                if changed[i] == "w":
                    arrays[i][start:stop] = blocks[i]


def _move(average: Array, value: Array, t: Array, weight: Scalar) -> None:
    """`average += weight * (value - average)`."""
    np.subtract(value, average, out=t)
    np.multiply(t, weight, out=t)
    np.add(average, t, out=average)


def _move_square(average: Array, g: Array, t: Array, weight: Scalar) -> None:
    """`average += weight * (g^2 - average)`."""
    np.multiply(g, g, out=t)
    np.subtract(t, average, out=t)
    np.multiply(t, weight, out=t)
    np.add(average, t, out=average)


def _decay_square(average: Array, g: Array, t: Array, rho: float) -> None:
    """`average = rho * average + (1 - rho) * g^2`."""
    np.multiply(g, g, out=t)
    np.multiply(t, 1.0 - rho, out=t)
    np.multiply(average, rho, out=average)
    np.add(average, t, out=average)


def _decay(average: Array, value: Array, t: Array, rho: float) -> None:
    """`average = rho * average + (1 - rho) * value`."""
    np.multiply(value, 1.0 - rho, out=t)
    np.multiply(average, rho, out=average)
    np.add(average, t, out=average)


def _sgd(p: Array, g: Array, t: Array, rate: float) -> None:
    np.multiply(g, rate, out=t)
    np.subtract(p, t, out=p)


def _sgd_momentum(p: Array, g: Array, m: Array, t: Array, rate: float, momentum: float) -> None:
    np.multiply(g, rate, out=t)
    np.multiply(m, momentum, out=m)
    np.subtract(m, t, out=m)
    np.add(p, m, out=p)


def _sgd_nesterov(p: Array, g: Array, m: Array, t: Array, rate: float, momentum: float) -> None:
    np.multiply(g, rate, out=t)
    np.multiply(m, momentum, out=m)
    np.subtract(m, t, out=m)
    np.subtract(p, t, out=p)
    np.multiply(m, momentum, out=t)
    np.add(p, t, out=p)


def sgd_update(
    param: Array,
    grad: Array,
    momentum_buffer: Array | None,
    *,
    learning_rate: Scalar,
    momentum: Scalar,
    nesterov: bool,
) -> None:
    """Two passes without momentum, four with it, six with Nesterov's."""
    rate = float(learning_rate)
    if momentum_buffer is None:
        _run(_sgd, (param, grad), "wr", 1, rate)
    else:
        rule = _sgd_nesterov if nesterov else _sgd_momentum
        _run(rule, (param, grad, momentum_buffer), "wrw", 1, rate, float(momentum))


def _rmsprop_increment(g: Array, denominator: Array, t: Array, rate: float, epsilon: float) -> None:
    np.add(denominator, epsilon, out=t)
    np.sqrt(t, out=t)
    np.divide(g, t, out=t)
    np.multiply(t, rate, out=t)


def _rmsprop_centered(g: Array, v: Array, a: Array, t: Array, rate: float, rho: float, epsilon: float) -> None:
    _decay_square(v, g, t, rho)
    _decay(a, g, t, rho)
    np.multiply(a, a, out=t)
    np.subtract(v, t, out=t)
    np.maximum(t, 0.0, out=t)
    _rmsprop_increment(g, t, t, rate, epsilon)


def _momentum_step(p: Array, m: Array, increment: Array, momentum: float) -> None:
    np.multiply(m, momentum, out=m)
    np.add(m, increment, out=m)
    np.subtract(p, m, out=p)


def _rmsprop(p: Array, g: Array, v: Array, t: Array, rate: float, rho: float, epsilon: float) -> None:
    _decay_square(v, g, t, rho)
    _rmsprop_increment(g, v, t, rate, epsilon)
    np.subtract(p, t, out=p)


def _rmsprop_m(
    p: Array, g: Array, v: Array, m: Array, t: Array, rate: float, rho: float, epsilon: float, momentum: float
) -> None:
    _decay_square(v, g, t, rho)
    _rmsprop_increment(g, v, t, rate, epsilon)
    _momentum_step(p, m, t, momentum)


def _rmsprop_a(p: Array, g: Array, v: Array, a: Array, t: Array, rate: float, rho: float, epsilon: float) -> None:
    _rmsprop_centered(g, v, a, t, rate, rho, epsilon)
    np.subtract(p, t, out=p)


def _rmsprop_ma(
    p: Array,
    g: Array,
    v: Array,
    m: Array,
    a: Array,
    t: Array,
    rate: float,
    rho: float,
    epsilon: float,
    momentum: float,
) -> None:
    _rmsprop_centered(g, v, a, t, rate, rho, epsilon)
    _momentum_step(p, m, t, momentum)


def rmsprop_update(
    param: Array,
    grad: Array,
    velocity: Array,
    momentum_buffer: Array | None,
    average_gradient: Array | None,
    *,
    learning_rate: Scalar,
    rho: Scalar,
    momentum: Scalar,
    epsilon: Scalar,
) -> None:
    """Nine passes; three more centered, two more with momentum."""
    scalars = float(learning_rate), float(rho), float(epsilon)
    if momentum_buffer is None and average_gradient is None:
        _run(_rmsprop, (param, grad, velocity), "wrw", 1, *scalars)
    elif average_gradient is None:
        _run(_rmsprop_m, (param, grad, velocity, momentum_buffer), "wrww", 1, *scalars, float(momentum))
    elif momentum_buffer is None:
        _run(_rmsprop_a, (param, grad, velocity, average_gradient), "wrww", 1, *scalars)
    else:
        slots = (velocity, momentum_buffer, average_gradient)
        _run(_rmsprop_ma, (param, grad, *slots), "wrwww", 1, *scalars, float(momentum))


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
    _move(m, g, t, rest_1)
    _move_square(v, g, t, rest_2)
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
    _move(m, g, t, rest_1)
    _move_square(v, g, t, rest_2)
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
        _run(_adam, (param, grad, m, v), "wrww", 1, *scalars)
    else:
        _run(_amsgrad, (param, grad, m, v, v_hat), "wrwww", 1, *scalars)


def _adagrad(p: Array, g: Array, a: Array, t: Array, rate: float, epsilon: float) -> None:
    np.multiply(g, g, out=t)
    np.add(a, t, out=a)
    _rmsprop_increment(g, a, t, rate, epsilon)
    np.subtract(p, t, out=p)


def adagrad_update(param: Array, grad: Array, accumulator: Array, *, learning_rate: Scalar, epsilon: Scalar) -> None:
    """Seven passes."""
    _run(_adagrad, (param, grad, accumulator), "wrw", 1, float(learning_rate), float(epsilon))


def _adadelta(
    p: Array, g: Array, a: Array, d: Array, t: Array, s: Array, rate: float, rho: float, epsilon: float
) -> None:
    _decay_square(a, g, t, rho)
    np.add(d, epsilon, out=s)
    np.add(a, epsilon, out=t)
    # One root of the quotient instead of the quotient of two roots.
    np.divide(s, t, out=s)
    np.sqrt(s, out=s)
    np.multiply(s, g, out=s)
    _decay_square(d, s, t, rho)
    np.multiply(s, rate, out=s)
    np.subtract(p, s, out=p)


def adadelta_update(
    param: Array,
    grad: Array,
    accumulated_grad: Array,
    accumulated_delta: Array,
    *,
    learning_rate: Scalar,
    rho: Scalar,
    epsilon: Scalar,
) -> None:
    """Fifteen passes, two temporaries."""
    arrays = (param, grad, accumulated_grad, accumulated_delta)
    _run(_adadelta, arrays, "wrww", 2, float(learning_rate), float(rho), float(epsilon))


def _adamax(
    p: Array, g: Array, m: Array, u: Array, t: Array, alpha: float, rest_1: float, b2: float, epsilon: float
) -> None:
    _move(m, g, t, rest_1)
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
    _run(_adamax, (param, grad, m, u), "wrww", 1, alpha, 1.0 - b1, float(beta_2), float(epsilon))


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
    _move(m, g, t, rest_1)
    _move_square(v, g, t, rest_2)
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
    _run(_nadam, (param, grad, m, v), "wrww", 2, *scalars)


def _lion(p: Array, g: Array, m: Array, t: Array, s: Array, rate: float, b1: float, b2: float) -> None:
    np.multiply(m, b1, out=t)
    np.multiply(g, 1.0 - b1, out=s)
    np.add(t, s, out=t)
    np.sign(t, out=t)
    np.multiply(t, rate, out=t)
    np.subtract(p, t, out=p)
    _decay(m, g, t, b2)


def lion_update(param: Array, grad: Array, m: Array, *, learning_rate: Scalar, beta_1: Scalar, beta_2: Scalar) -> None:
    """Nine passes, two temporaries."""
    _run(_lion, (param, grad, m), "wrw", 2, float(learning_rate), float(beta_1), float(beta_2))


def _power(x: Array, exponent: float, out: Array) -> None:
    if exponent == 0.5:
        np.sqrt(x, out=out)
    else:
        np.power(x, exponent, out=out)


def _ftrl(
    p: Array,
    g: Array,
    a: Array,
    linear: Array,
    t: Array,
    s: Array,
    rate: float,
    exponent: float,
    l1: float,
    l2: float,
    shrinkage: float,
) -> None:
    np.add(linear, g, out=linear)
    np.multiply(p, 2.0 * shrinkage, out=t)
    np.add(linear, t, out=linear)
    _power(a, exponent, t)
    np.multiply(g, g, out=s)
    np.add(a, s, out=a)
    _power(a, exponent, s)
    np.subtract(s, t, out=t)
    np.multiply(t, 1.0 / rate, out=t)
    np.multiply(t, p, out=t)
    np.subtract(linear, t, out=linear)
    np.multiply(s, 1.0 / rate, out=s)
    np.add(s, 2.0 * l2, out=s)
    np.minimum(linear, l1, out=t)
    np.maximum(t, -l1, out=t)
    np.subtract(t, linear, out=t)
    np.divide(t, s, out=p)


def ftrl_update(
    param: Array,
    grad: Array,
    accumulator: Array,
    linear: Array,
    *,
    learning_rate: Scalar,
    learning_rate_power: Scalar,
    l1_regularization_strength: Scalar,
    l2_regularization_strength: Scalar,
    l2_shrinkage_regularization_strength: Scalar,
    beta: Scalar,
) -> None:
    """Seventeen passes, two temporaries; roots for powers at the usual exponent."""
    rate = float(learning_rate)
    if rate <= 0.0:
        raise ValueError(f"ftrl_update: expected a learning rate above 0. Received: learning_rate={rate}")
    scalars = (
        rate,
        -float(learning_rate_power),
        float(l1_regularization_strength),
        float(l2_regularization_strength) + float(beta) / (2.0 * rate),
        float(l2_shrinkage_regularization_strength),
    )
    _run(_ftrl, (param, grad, accumulator, linear), "wrww", 2, *scalars)


def weight_decay_update(param: Array, *, rate: Scalar) -> None:
    """Two passes; one product with `1 - rate` would lose most digits of a small rate."""
    _run(lambda p, t, rate: _sgd(p, p, t, rate), (param,), "w", 1, float(rate))


def ema_update(average: Array, value: Array, *, momentum: Scalar) -> None:
    """Three passes."""
    _run(_decay, (average, value), "wr", 1, float(momentum))


def accumulate(buffer: Array, grad: Array) -> None:
    """One pass."""
    np.add(buffer, grad, out=buffer, casting="same_kind")


def scale(buffer: Array, *, factor: Scalar) -> None:
    """One pass; half precision takes the factor in float32."""
    _run(lambda block, factor: np.multiply(block, factor, out=block), (buffer,), "w", 0, float(factor))


def clip_values(buffer: Array, *, limit: Scalar) -> None:
    """Two passes."""
    bound = float(limit)
    np.minimum(buffer, bound, out=buffer)
    np.maximum(buffer, -bound, out=buffer)


def sum_squares(x: Array) -> Array:
    """One dot product a block, added up in double precision."""
    dtype = wide_dtype(x.dtype)
    flat = x.reshape(-1)
    total = 0.0
    with np.errstate(over="ignore", invalid="ignore"):
        for start in range(0, flat.size, _BLOCK):
            block = flat[start : start + _BLOCK].astype(dtype, copy=False)
            total += float(np.dot(block, block))
        return narrow(np.asarray(total), dtype)
