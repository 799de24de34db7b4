"""Cross-entropies, fused with the softmax or sigmoid before them."""

from __future__ import annotations

from typing import Any

from kerasish.autodiff import Node, Primitive, Tensor, apply, convert_to_tensor, fused, op
from kerasish.backend.dtypes import FLOATS, result_type
from kerasish.ops.activation import sigmoid
from kerasish.ops.choice import clip, where
from kerasish.ops.elementwise import log
from kerasish.ops.promotion import as_float
from kerasish.ops.reduction import sum as reduce_sum
from kerasish.ops.shape import moveaxis
from kerasish.ops.softmax import LOG_SOFTMAX, SOFTMAX, checked_axis
from kerasish.ops.spacing import arange

FUZZ = 1e-7
"""The distance from 0 and 1 that probabilities are clipped to, as in Keras."""

Pair = tuple[Primitive, Primitive]


def _per_class(target: Any, output: Any, *, from_logits: bool) -> tuple[Any, Any]:
    return output.shape[:-1], output.dtype


def _per_element(target: Any, output: Any, *, from_logits: bool) -> tuple[Any, Any]:
    return output.shape, output.dtype


def _backward_infer(dy: Any, target: Any, output: Any, *, from_logits: bool) -> tuple[Any, Any]:
    return output.shape, output.dtype


def _probabilities(output: Tensor) -> tuple[Tensor, Tensor]:
    """The sum over the classes, and the output divided by it."""
    total = reduce_sum(output, axis=-1, keepdims=True)
    return total, output / total


def _unclipped(p: Tensor) -> Tensor:
    fixed = Tensor(p.array)
    return (fixed >= FUZZ) & (fixed <= 1 - FUZZ)


def _through_division(slope: Tensor, total: Tensor, p: Tensor) -> Tensor:
    """From the gradient of `p = output / total` to that of `output`."""
    return (slope - reduce_sum(slope * p, axis=-1, keepdims=True)) / total


def _categorical_gradient(dy: Tensor, target: Tensor, output: Tensor, *, from_logits: bool) -> Tensor:
    dy = dy.reshape((*dy.shape, 1))
    if from_logits:
        p = apply(SOFTMAX, (output,), {"axis": output.ndim - 1})
        return dy * (p * reduce_sum(target, axis=-1, keepdims=True) - target)
    total, p = _probabilities(output)
    return dy * _through_division(where(_unclipped(p), -target / p, 0.0), total, p)


def _log_probabilities(output: Tensor, from_logits: bool) -> Tensor:
    if from_logits:
        return apply(LOG_SOFTMAX, (output,), {"axis": output.ndim - 1})
    return log(clip(_probabilities(output)[1], FUZZ, 1 - FUZZ))


def _categorical_vjp(node: Node, dy: Tensor) -> tuple[Any, ...]:
    target, output = node.inputs
    d_target = d_output = None
    if node.needs[0]:
        d_target = -dy.reshape((*dy.shape, 1)) * _log_probabilities(output, node.attrs["from_logits"])
    if node.needs[1]:
        d_output = apply(CATEGORICAL_BACKWARD, (dy, target, output), node.attrs)
    return d_target, d_output


CATEGORICAL, CATEGORICAL_BACKWARD = fused(
    "categorical_crossentropy",
    "categorical_crossentropy_backward",
    _categorical_vjp,
    _categorical_gradient,
    _per_class,
    _backward_infer,
)


def _one_hot(target: Tensor, output: Tensor) -> Tensor:
    classes = arange(output.shape[-1], dtype=target.dtype)
    return convert_to_tensor(target.reshape((*target.shape, 1)) == classes, output.dtype)


def _sparse_gradient(dy: Tensor, target: Tensor, output: Tensor, *, from_logits: bool) -> Tensor:
    return _categorical_gradient(dy, _one_hot(target, output), output, from_logits=from_logits)


def _sparse_vjp(node: Node, dy: Tensor) -> tuple[Any, ...]:
    return None, apply(SPARSE_BACKWARD, (dy, *node.inputs), node.attrs)


SPARSE, SPARSE_BACKWARD = fused(
    "sparse_categorical_crossentropy",
    "sparse_categorical_crossentropy_backward",
    _sparse_vjp,
    _sparse_gradient,
    _per_class,
    _backward_infer,
)


def _binary_gradient(dy: Tensor, target: Tensor, output: Tensor, *, from_logits: bool) -> Tensor:
    if from_logits:
        return dy * (sigmoid(output) - target)
    p = clip(output, FUZZ, 1 - FUZZ)
    return dy * where(_unclipped(output), (1 - target) / (1 - p) - target / p, 0.0)


def _binary_vjp(node: Node, dy: Tensor) -> tuple[Any, ...]:
    target, output = node.inputs
    d_target = d_output = None
    if node.needs[0]:
        if node.attrs["from_logits"]:
            d_target = -dy * output
        else:
            p = clip(output, FUZZ, 1 - FUZZ)
            d_target = dy * (log(1 - p) - log(p))
    if node.needs[1]:
        d_output = apply(BINARY_BACKWARD, (dy, target, output), node.attrs)
    return d_target, d_output


BINARY, BINARY_BACKWARD = fused(
    "binary_crossentropy",
    "binary_crossentropy_backward",
    _binary_vjp,
    _binary_gradient,
    _per_element,
    _backward_infer,
)


def _pair(name: str, target: Any, output: Any, least_rank: int) -> tuple[Tensor, Tensor]:
    target, output = convert_to_tensor(target), convert_to_tensor(output)
    if target.array.shape != output.array.shape:
        raise ValueError(
            f"{name}: target and output must have the same shape. "
            f"Received: target.shape={target.shape}, output.shape={output.shape}"
        )
    if output.array.ndim < least_rank:
        raise ValueError(
            f"{name}: target and output must have at least {least_rank} dimension. "
            f"Received: output.shape={output.shape}"
        )
    dtype = result_type(target.dtype, output.dtype)
    if dtype not in FLOATS:
        dtype = "float"
    return convert_to_tensor(target, dtype), convert_to_tensor(output, dtype)


def _classes_last(x: Tensor, axis: int) -> Tensor:
    if axis == x.array.ndim - 1:
        return x
    return moveaxis(x, axis, -1)


@op
def categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Tensor:
    """Cross-entropy of distributions over classes: `-sum(target * log(p))` along the axis.

    Args:
        target: The true distributions (one-hot codes, say).
        output: The predicted ones, of the same shape: logits, with `p = softmax(output)`, or probabilities,
            which are divided by their sum and clipped to [1e-7, 1 - 1e-7].
        from_logits: Whether `output` holds logits.
        axis: The axis of the classes.

    Returns:
        A tensor of the shape of `output` without the axis.

    Raises:
        ValueError: If the shapes differ.

    >>> categorical_crossentropy([[0.0, 1.0]], [[0.0, 0.0]], from_logits=True).numpy().round(3).tolist()
    [0.6930000185966492]
    """
    target, output = _pair("categorical_crossentropy", target, output, 1)
    axis = checked_axis(axis, output, "categorical_crossentropy")
    pair = _classes_last(target, axis), _classes_last(output, axis)
    return apply(CATEGORICAL, pair, {"from_logits": bool(from_logits)})


@op
def sparse_categorical_crossentropy(target: Any, output: Any, from_logits: bool = False, axis: int = -1) -> Tensor:
    """Cross-entropy of class numbers and predicted distributions: `-log(p[target])`.

    Args:
        target: Integers of the shape of `output` without the axis, or with a last axis of size 1. A number
            that names no class gives 0.
        output: Logits or probabilities, as in `categorical_crossentropy`.
        from_logits: Whether `output` holds logits.
        axis: The axis of the classes.

    Returns:
        A tensor of the shape of `output` without the axis.

    Raises:
        ValueError: If the shapes do not fit.

    >>> sparse_categorical_crossentropy([1], [[0.0, 0.0]], from_logits=True).numpy().round(3).tolist()
    [0.6930000185966492]
    """
    name = "sparse_categorical_crossentropy"
    target, output = convert_to_tensor(target), as_float(output)
    if not output.array.ndim:
        raise ValueError(f"{name}: output must have at least 1 dimension. Received: output.shape={output.shape}")
    axis = checked_axis(axis, output, name)
    given = target.shape
    if target.array.ndim == output.array.ndim and given[-1] == 1:
        target = target.reshape(given[:-1])
    shape = output.array.shape
    if target.shape != (*shape[:axis], *shape[axis + 1 :]):
        raise ValueError(
            f"{name}: target must have the shape of output without the axis of the classes. "
            f"Received: target.shape={given}, output.shape={output.shape}, axis={axis}"
        )
    pair = convert_to_tensor(target, "int32"), _classes_last(output, axis)
    return apply(SPARSE, pair, {"from_logits": bool(from_logits)})


@op
def binary_crossentropy(target: Any, output: Any, from_logits: bool = False) -> Tensor:
    """`-target * log(p) - (1 - target) * log(1 - p)`, element by element.

    Args:
        target: The true probabilities.
        output: The predicted ones, of the same shape: logits, with `p = sigmoid(output)`, or probabilities,
            which are clipped to [1e-7, 1 - 1e-7].
        from_logits: Whether `output` holds logits.

    Raises:
        ValueError: If the shapes differ.

    >>> binary_crossentropy([1.0], [0.0], from_logits=True).numpy().round(3).tolist()
    [0.6930000185966492]
    """
    pair = _pair("binary_crossentropy", target, output, 0)
    return apply(BINARY, pair, {"from_logits": bool(from_logits)})
