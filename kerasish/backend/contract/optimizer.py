"""Optimizer updates: in place, over flat contiguous 1-d buffers; every kernel but `sum_squares` returns None.

The formulas are those of Keras 3's optimizers. `param` and the slots of one call have one length; half
precision is computed in float32. Hyperparameters are Python numbers or 0-d arrays. `step` counts the updates
from 1.
"""

from __future__ import annotations

from kerasish.backend.contract.types import Array, Scalar

__all__ = [
    "accumulate",
    "adadelta_update",
    "adagrad_update",
    "adam_update",
    "adamax_update",
    "clip_values",
    "ema_update",
    "ftrl_update",
    "lion_update",
    "nadam_update",
    "rmsprop_update",
    "scale",
    "sgd_update",
    "sum_squares",
    "weight_decay_update",
]


def sgd_update(
    param: Array,
    grad: Array,
    momentum_buffer: Array | None,
    *,
    learning_rate: Scalar,
    momentum: Scalar,
    nesterov: bool,
) -> None:
    """Gradient descent with momentum; changes `param` and `momentum_buffer` in place.

    `m = momentum * m - learning_rate * g`, then `param += m`, or with `nesterov`
    `param += momentum * m - learning_rate * g`. Without a buffer, `param -= learning_rate * g`.
    """
    raise NotImplementedError


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
    """RMSprop, centered where `average_gradient` is given; changes `param` and the slots in place.

    `v = rho * v + (1 - rho) * g^2`, `a = rho * a + (1 - rho) * g`,
    `increment = learning_rate * g / sqrt(max(v - a^2, 0) + epsilon)` (`a = 0` when not centered; the maximum
    only removes a rounding error), then `param -= increment`, or with a momentum buffer `m = momentum * m +
    increment`, `param -= m`.
    """
    raise NotImplementedError


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
    """Adam, or AMSGrad where `v_hat` is given; changes `param` and the slots in place.

    `m += (1 - beta_1) * (g - m)`, `v += (1 - beta_2) * (g^2 - v)`, `v_hat = max(v_hat, v)`,
    `alpha = learning_rate * sqrt(1 - beta_2^step) / (1 - beta_1^step)`,
    `param -= alpha * m / (sqrt(v) + epsilon)`, with `v_hat` in place of `v` for AMSGrad.
    Kingma and Ba, https://arxiv.org/abs/1412.6980.
    """
    raise NotImplementedError


def adagrad_update(param: Array, grad: Array, accumulator: Array, *, learning_rate: Scalar, epsilon: Scalar) -> None:
    """Adagrad; changes `param` and `accumulator` in place.

    `a += g^2`, `param -= learning_rate * g / sqrt(a + epsilon)`.
    """
    raise NotImplementedError


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
    """Adadelta; changes `param` and both accumulators in place.

    `a = rho * a + (1 - rho) * g^2`, `delta = g * sqrt(d + epsilon) / sqrt(a + epsilon)`,
    `d = rho * d + (1 - rho) * delta^2`, `param -= learning_rate * delta`. Zeiler,
    https://arxiv.org/abs/1212.5701.
    """
    raise NotImplementedError


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
    """Adamax, Adam under the infinity norm; changes `param`, `m` and `u` in place.

    `m += (1 - beta_1) * (g - m)`, `u = max(beta_2 * u, |g|)`,
    `param -= learning_rate / (1 - beta_1^step) * m / (u + epsilon)`.
    """
    raise NotImplementedError


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
    """Nadam, Adam with Nesterov momentum; changes `param`, `m` and `v` in place.

    With `u_t = beta_1 * (1 - 0.5 * 0.96^t)`, and `u_product = u_1 u_2 ... u_step`, the current step included:
    `m += (1 - beta_1) * (g - m)`, `v += (1 - beta_2) * (g^2 - v)`,
    `m_hat = u_(step+1) * m / (1 - u_product * u_(step+1)) + (1 - u_step) * g / (1 - u_product)`,
    `param -= learning_rate * m_hat / (sqrt(v / (1 - beta_2^step)) + epsilon)`.
    """
    raise NotImplementedError


def lion_update(param: Array, grad: Array, m: Array, *, learning_rate: Scalar, beta_1: Scalar, beta_2: Scalar) -> None:
    """Lion; changes `param` and `m` in place.

    `param -= learning_rate * sign(beta_1 * m + (1 - beta_1) * g)`, then `m = beta_2 * m + (1 - beta_2) * g`.
    Chen et al., https://arxiv.org/abs/2302.06675.
    """
    raise NotImplementedError


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
    """FTRL ("follow the regularized leader"); changes `param`, `accumulator` and `linear` in place.

    With `p = -learning_rate_power`, `l1`, `l2` and `shrinkage` for the three strengths:
    `a' = a + g^2`, `linear += g + 2 * shrinkage * param - (a'^p - a^p) / learning_rate * param`,
    `quadratic = a'^p / learning_rate + 2 * (l2 + beta / (2 * learning_rate))`,
    `param = (clip(linear, -l1, l1) - linear) / quadratic`, `a = a'`. A learning rate of 0 or less has no
    meaning here: an implementation that reads it on the host raises a ValueError.
    """
    raise NotImplementedError


def weight_decay_update(param: Array, *, rate: Scalar) -> None:
    """Decoupled weight decay in place: `param -= param * rate` (`rate = weight_decay * learning_rate`)."""
    raise NotImplementedError


def ema_update(average: Array, value: Array, *, momentum: Scalar) -> None:
    """Exponential moving average in place: `average = momentum * average + (1 - momentum) * value`."""
    raise NotImplementedError


def accumulate(buffer: Array, grad: Array) -> None:
    """Sum of gradients in place: `buffer += grad`."""
    raise NotImplementedError


def scale(buffer: Array, *, factor: Scalar) -> None:
    """Product with one number in place: `buffer *= factor`."""
    raise NotImplementedError


def clip_values(buffer: Array, *, limit: Scalar) -> None:
    """Each element brought into `[-limit, limit]`, in place; NaN stays NaN."""
    raise NotImplementedError


def sum_squares(x: Array) -> Array:
    """Sum of squares of `x`, of any shape: a 0-d array, float64 for float64, else float32.

    The relative error stays near 1e-6 in float32 for any length; `x` is not changed.
    """
    raise NotImplementedError
