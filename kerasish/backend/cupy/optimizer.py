"""Optimizer updates: one kernel a call, whose hyperparameters are read on the device.

The operations follow the NumPy reference in their order. The compiler contracts products and sums to one rounding
(`fma`), and flushes subnormal float32 numbers to 0, so last bits differ.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.backend.contract.types import Array, Scalar
from kerasish.backend.cupy._device import cp
from kerasish.backend.cupy._launch import FLOATS, Kernel, blocks, c_type, contiguous

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

_WITH_GRADIENT = (
    "Descend",
    "Momentum",
    "Nesterov",
    "RMSprop",
    "Adam",
    "Adagrad",
    "Adadelta",
    "Adamax",
    "Nadam",
    "Lion",
    "Ftrl",
    "Average",
    "Accumulate",
)
_ALONE = ("WeightDecay", "Scale", "Clip")
_HALVES = ("__half", "__nv_bfloat16")


def _is_made(RULE: str, T: str, G: str) -> bool:
    return T == G or (T in _HALVES and G == "float" and RULE in _WITH_GRADIENT)


_UPDATE = Kernel("optimizer.cu", "update", where=_is_made, RULE=_WITH_GRADIENT + _ALONE, T=FLOATS, G=FLOATS)
_PARTS = Kernel("optimizer.cu", "sum_squares_parts", T=FLOATS)
_TOTAL = Kernel("optimizer.cu", "sum_squares_total", W=("float", "double"))

_THREADS = 256
# Enough to fill the largest devices twice; each block computes the constants of its rule once.
_MOST_BLOCKS = 2048
_MOST_PARTS = 1024
_NUMBER = (None, np.int32(0), np.float64(0.0))
_KINDS = {"float32": np.int32(1), "float64": np.int32(2), "int32": np.int32(3), "int64": np.int32(4)}


def _hyperparameter(value: Scalar) -> tuple[Any, Any, Any]:
    """Three arguments: a 0-d device array or None, the kind of its elements, and a number."""
    if not isinstance(value, cp.ndarray):
        return None, _NUMBER[1], np.float64(value)
    kind = _KINDS.get(value.dtype.name)
    if kind is None:
        return value.astype(np.float64), _KINDS["float64"], _NUMBER[2]
    return value, kind, _NUMBER[2]


def _wide(dtype: Any) -> Any:
    return np.dtype(np.float64 if dtype == np.float64 else np.float32)


def _run(rule: str, param: Array, grad: Array | None, slots: tuple[Array | None, ...], *values: Scalar) -> None:
    if not param.size:
        return
    changed = [param, *slots]
    dtype = param.dtype
    if any(slot is not None and slot.dtype != dtype for slot in slots):
        dtype = _wide(dtype)
    # The kernel needs one dtype and no gaps; what has them is worked on in a copy.
    staged = [x if x is None or x.dtype == dtype else x.astype(dtype) for x in changed]
    staged = [x if x is None else contiguous(x) for x in staged]
    if grad is not None:
        wide = _wide(dtype)
        grad = contiguous(grad if grad.dtype in (dtype, wide) else grad.astype(wide))
    hyperparameters = [_hyperparameter(value) for value in values]
    hyperparameters += [_NUMBER] * (6 - len(hyperparameters))
    target, *buffers = staged
    buffers += [None] * (3 - len(buffers))
    kind = c_type(dtype)
    size = param.size
    grid = min(blocks(size * dtype.itemsize, 16 * _THREADS), _MOST_BLOCKS)
    key = (rule, kind, kind if grad is None else c_type(grad.dtype))
    arguments = [argument for triple in hyperparameters for argument in triple]
    _UPDATE(key, grid, _THREADS, (target, grad, *buffers, np.int64(size), *arguments))
    for own, copy in zip(changed, staged, strict=True):
        if own is not copy:
            own[...] = copy


def sgd_update(
    param: Array,
    grad: Array,
    momentum_buffer: Array | None,
    *,
    learning_rate: Scalar,
    momentum: Scalar,
    nesterov: bool,
) -> None:
    """One pass."""
    if momentum_buffer is None:
        _run("Descend", param, grad, (), learning_rate)
    else:
        _run("Nesterov" if nesterov else "Momentum", param, grad, (momentum_buffer,), learning_rate, momentum)


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
    """One pass; slots that are not given are not touched."""
    slots = velocity, momentum_buffer, average_gradient
    _run("RMSprop", param, grad, slots, learning_rate, rho, momentum, epsilon)


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
    """One pass; each block computes the bias corrections once, in double precision."""
    _run("Adam", param, grad, (m, v, v_hat), learning_rate, beta_1, beta_2, epsilon, step)


def adagrad_update(param: Array, grad: Array, accumulator: Array, *, learning_rate: Scalar, epsilon: Scalar) -> None:
    """One pass."""
    _run("Adagrad", param, grad, (accumulator,), learning_rate, epsilon)


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
    """One pass."""
    _run("Adadelta", param, grad, (accumulated_grad, accumulated_delta), learning_rate, rho, epsilon)


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
    """One pass."""
    _run("Adamax", param, grad, (m, u), learning_rate, beta_1, beta_2, epsilon, step)


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
    """One pass."""
    _run("Nadam", param, grad, (m, v), learning_rate, beta_1, beta_2, epsilon, step, u_product)


def lion_update(param: Array, grad: Array, m: Array, *, learning_rate: Scalar, beta_1: Scalar, beta_2: Scalar) -> None:
    """One pass."""
    _run("Lion", param, grad, (m,), learning_rate, beta_1, beta_2)


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
    """One pass; a learning rate on the device is not looked at."""
    if not isinstance(learning_rate, cp.ndarray) and float(learning_rate) <= 0.0:
        raise ValueError(
            f"ftrl_update: expected a learning rate above 0. Received: learning_rate={float(learning_rate)}"
        )
    _run(
        "Ftrl",
        param,
        grad,
        (accumulator, linear),
        learning_rate,
        learning_rate_power,
        l1_regularization_strength,
        l2_regularization_strength,
        l2_shrinkage_regularization_strength,
        beta,
    )


def weight_decay_update(param: Array, *, rate: Scalar) -> None:
    """One pass; one product with `1 - rate` would lose most digits of a small rate."""
    _run("WeightDecay", param, None, (), rate)


def ema_update(average: Array, value: Array, *, momentum: Scalar) -> None:
    """One pass."""
    _run("Average", average, value, (), momentum)


def accumulate(buffer: Array, grad: Array) -> None:
    """One pass; counters, which are integers, are summed as such."""
    if buffer.dtype.kind in "iu":
        cp.add(buffer, grad, out=buffer)
    else:
        _run("Accumulate", buffer, grad, ())


def scale(buffer: Array, *, factor: Scalar) -> None:
    """One pass; half precision takes the factor in float32."""
    _run("Scale", buffer, None, (), factor)


def clip_values(buffer: Array, *, limit: Scalar) -> None:
    """One pass."""
    _run("Clip", buffer, None, (), limit)


def sum_squares(x: Array) -> Array:
    """A sum for each block, added up in double precision; how many depends on the size alone, so it repeats."""
    dtype = _wide(x.dtype)
    # Whatever is not a floating-point number is one in float32.
    values = contiguous(x if x.dtype.name in _FLOAT_NAMES else x.astype(dtype))
    count = min(blocks(values.nbytes, 16 * 4 * _THREADS), _MOST_PARTS)
    parts = cp.empty(count, np.float64)
    out = cp.empty((), dtype)
    _PARTS((c_type(values.dtype),), count, _THREADS, (values, parts, np.int64(values.size)))
    _TOTAL((c_type(dtype),), 1, _THREADS, (parts, out, np.int32(count)))
    return out


_FLOAT_NAMES = ("float32", "float64", "float16", "bfloat16")
