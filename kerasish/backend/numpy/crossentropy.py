"""Cross-entropies. Logits go through the log-sum-exp, probabilities through the clip that Keras applies."""

from __future__ import annotations

import numpy as np

from kerasish.backend.contract.types import Array
from kerasish.backend.numpy import activation
from kerasish.backend.numpy._widen import narrow, widen

_LOW = 1e-7
_HIGH = 1.0 - 1e-7


def sparse_categorical_crossentropy(target: Array, output: Array, *, from_logits: bool) -> Array:
    """Pick the one logit or probability that counts before taking a logarithm."""
    x, safe, valid = _rows(target, output)
    if from_logits:
        with np.errstate(invalid="ignore"):
            top = x.max(axis=1, initial=-np.inf)
            shifted = x - top[:, None]
            loss = np.log(np.exp(shifted).sum(axis=1))
            loss -= shifted[np.arange(len(x)), safe]
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            p = x[np.arange(len(x)), safe] / x.sum(axis=1)
        loss = -np.log(p.clip(_LOW, _HIGH))
    loss = np.where(valid, loss, 0)
    return narrow(loss, output.dtype).reshape(target.shape)


def sparse_categorical_crossentropy_backward(dy: Array, target: Array, output: Array, *, from_logits: bool) -> Array:
    """Correct one entry a row."""
    x, safe, valid = _rows(target, output)
    weight = widen(dy).reshape(-1).astype(x.dtype, copy=False)
    rows = np.arange(len(x))
    if from_logits:
        weight = np.where(valid, weight, 0)
        dx = activation.softmax(x, axis=-1)
        dx[rows, safe] -= 1
        dx *= weight[:, None]
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            total = x.sum(axis=1)
            p = x[rows, safe] / total
            weight = np.where(valid & _inside(p), weight / total, 0)
            at_target = np.where(weight == 0, 0, weight / p)
        dx = np.empty_like(x)
        dx[...] = weight[:, None]
        dx[rows, safe] -= at_target
    return narrow(dx, output.dtype).reshape(output.shape)


def _rows(target: Array, output: Array) -> tuple[Array, Array, Array]:
    """Flatten to rows; return them, an index that is always in range, and where it is the target."""
    classes = output.shape[-1]
    flat = target.reshape(-1).astype(np.intp, copy=False)
    safe = flat.clip(0, classes - 1)
    return widen(output).reshape(flat.size, classes), safe, safe == flat


def _inside(p: Array) -> Array:
    return (p > _LOW) & (p < _HIGH)


def categorical_crossentropy(target: Array, output: Array, *, from_logits: bool) -> Array:
    """One dot product of target and log-probability a row."""
    x, t = _wide_pair(target, output)
    if from_logits:
        log_p = activation.log_softmax(x, axis=-1)
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            log_p = x / x.sum(axis=-1, keepdims=True)
        np.clip(log_p, _LOW, _HIGH, out=log_p)
        np.log(log_p, out=log_p)
    with np.errstate(invalid="ignore"):
        loss = np.vecdot(t, log_p)
    return narrow(np.negative(loss, out=np.empty_like(loss)), output.dtype)


def categorical_crossentropy_backward(dy: Array, target: Array, output: Array, *, from_logits: bool) -> Array:
    """Scale each row once, at the end."""
    x, t = _wide_pair(target, output)
    weight = np.expand_dims(widen(dy).astype(x.dtype, copy=False), -1)
    if from_logits:
        dx = activation.softmax(x, axis=-1)
        dx *= t.sum(axis=-1, keepdims=True)
        dx -= t
    else:
        with np.errstate(divide="ignore", invalid="ignore"):
            total = x.sum(axis=-1, keepdims=True)
            p = x / total
            dx = np.where(_inside(p), -t / p, 0)
            dx -= np.expand_dims(np.vecdot(dx, p), -1)
            dx /= total
    dx *= weight
    return narrow(dx, output.dtype)


def _wide_pair(target: Array, output: Array) -> tuple[Array, Array]:
    x = widen(output)
    return x, target.astype(x.dtype, copy=False)


def binary_crossentropy(target: Array, output: Array, *, from_logits: bool) -> Array:
    """Softplus of the logit less its share, or two clipped logarithms."""
    x, t = _wide_pair(target, output)
    if from_logits:
        with np.errstate(invalid="ignore"):
            loss = activation.softplus(x)
            loss -= x * t
    else:
        p = x.clip(_LOW, _HIGH)
        loss = np.asarray(np.log(p))
        loss *= t
        loss += (1 - t) * np.log(1 - p)
        np.negative(loss, out=loss)
    return narrow(loss, output.dtype)


def binary_crossentropy_backward(dy: Array, target: Array, output: Array, *, from_logits: bool) -> Array:
    """The difference of prediction and target, or the quotients of the clipped formula."""
    x, t = _wide_pair(target, output)
    if from_logits:
        dx = activation.sigmoid(x)
        dx -= t
    else:
        p = x.clip(_LOW, _HIGH)
        dx = np.asarray((1 - t) / (1 - p) - t / p)
        dx *= _inside(x)
    dx *= dy.astype(x.dtype, copy=False)
    return narrow(dx, output.dtype)
