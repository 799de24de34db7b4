"""Cross-entropies between targets and predictions, fused with their softmax or sigmoid.

`output` holds logits (`from_logits`) or probabilities; losses and gradients have its dtype, half precision is
computed in float32. Probabilities are treated as in Keras: the categorical losses divide them by their sum
over the last axis, and all of them clip to [1e-7, 1 - 1e-7] before the logarithm. Gradients are those of
exactly this formula: 0 where the clip holds the value.
"""

from __future__ import annotations

from kerasish.backend.contract.types import Array


def sparse_categorical_crossentropy(target: Array, output: Array, *, from_logits: bool) -> Array:
    """`loss[...] = -log p[..., target[...]]`, with `p = softmax(output)` or the clipped probabilities.

    `target` (...) integers, `output` (..., C), `loss` (...). A target outside of 0..C-1 names no class: its
    loss is 0.
    """
    raise NotImplementedError


def sparse_categorical_crossentropy_backward(dy: Array, target: Array, output: Array, *, from_logits: bool) -> Array:
    """Gradient with respect to `output` (..., C), from `dy` (...).

    From logits `dy * (softmax(output) - onehot(target))`; from probabilities with sum `s` and `p = output /
    s`, `dy * (1 - onehot(target) / p[target]) / s`. A target outside of 0..C-1 gives 0.
    """
    raise NotImplementedError


def categorical_crossentropy(target: Array, output: Array, *, from_logits: bool) -> Array:
    """`loss[...] = -sum_c target[..., c] * log p[..., c]`; `target` and `output` (..., C), `loss` (...)."""
    raise NotImplementedError


def categorical_crossentropy_backward(dy: Array, target: Array, output: Array, *, from_logits: bool) -> Array:
    """Gradient with respect to `output` (..., C), from `dy` (...).

    From logits `dy * (softmax(output) * sum(target) - target)`; from probabilities, with `p = output / s` and
    `g = -target / p` (0 where clipped), `dy * (g - sum(g * p)) / s`.
    """
    raise NotImplementedError


def binary_crossentropy(target: Array, output: Array, *, from_logits: bool) -> Array:
    """`-target * log p - (1 - target) * log(1 - p)`, elementwise, with `p = sigmoid(output)` or clipped.

    All three arrays have one shape. From logits it is `max(x, 0) - x * target + log1p(exp(-|x|))`.
    """
    raise NotImplementedError


def binary_crossentropy_backward(dy: Array, target: Array, output: Array, *, from_logits: bool) -> Array:
    """Gradient with respect to `output`.

    From logits `dy * (sigmoid(output) - target)`; else `dy * ((1 - target) / (1 - p) - target / p)`, 0 where
    clipped.
    """
    raise NotImplementedError
