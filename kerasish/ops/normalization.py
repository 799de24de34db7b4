"""Normalization by moments: batch, layer and root mean square, and by norms."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from kerasish import config
from kerasish.autodiff import Node, Tensor, apply, convert_to_tensor, fused, op
from kerasish.backend.dtypes import FLOATS, result_type
from kerasish.ops.choice import maximum, minimum
from kerasish.ops.elementwise import absolute, rsqrt, square
from kerasish.ops.promotion import as_float, autocasted
from kerasish.ops.reduction import mean as reduce_mean
from kerasish.ops.reduction import sum as reduce_sum
from kerasish.ops.shape import broadcast_to
from kerasish.ops.softmax import checked_axis

Axes = tuple[int, ...]


def _wide(dtype: Any) -> Any:
    return dtype if dtype == np.float64 else np.dtype(np.float32)


def _sum_to(x: Tensor, axes: Axes, dtype: str) -> Tensor:
    """The sum over all axes but `axes`: the gradient of a parameter along them, in its dtype."""
    rest = tuple([axis for axis in range(x.ndim) if axis not in axes])
    return convert_to_tensor(reduce_sum(x, axis=rest) if rest else x, dtype)


def _along(parameter: Tensor, x: Any, axes: Axes) -> Tensor:
    """A parameter of the sizes of `x` along `axes`, shaped to broadcast with it."""
    return parameter.reshape([x.shape[axis] if axis in axes else 1 for axis in range(len(x.shape))])


def _normalized_backward(
    dy: Tensor, x: Tensor, scale: Tensor | None, mean: Tensor | None, rstd: Tensor, over: Axes, parameters: Axes
) -> tuple[Tensor, Tensor, Tensor]:
    """What the backward kernels compute, for statistics over `over` and a scale along `parameters`."""
    wide = rstd.dtype
    dy, x_wide = convert_to_tensor(dy, wide), convert_to_tensor(x, wide)
    centred = x_wide if mean is None else x_wide - mean
    xhat = centred * rstd
    g = dy if scale is None else dy * _along(convert_to_tensor(scale, wide), x, parameters)
    inner = g - xhat * reduce_mean(g * xhat, axis=over, keepdims=True)
    if mean is not None:
        inner = inner - reduce_mean(g, axis=over, keepdims=True)
    to = wide if scale is None else scale.dtype
    d_x = convert_to_tensor(rstd * inner, x.dtype)
    return d_x, _sum_to(dy * xhat, parameters, to), _sum_to(dy, parameters, to)


def _through_statistics(
    x: Tensor, mean: Tensor, rstd: Tensor, d_mean: Any, d_variance: Any, d_rstd: Any, count: int
) -> Any:
    """The gradient of `x` from those of its mean, variance and reciprocal standard deviation (or None)."""
    wide = rstd.dtype
    if d_rstd is not None:
        through = d_rstd * (-0.5 * rstd * rstd * rstd)
        d_variance = through if d_variance is None else d_variance + through
    result: Any = None
    if d_mean is not None:
        result = d_mean / count + Tensor(x.array * 0)
    if d_variance is not None:
        part = (convert_to_tensor(x, wide) - mean) * (d_variance * (2 / count))
        result = part if result is None else result + part
    return None if result is None else convert_to_tensor(result, x.dtype)


def _plus(a: Any, b: Any) -> Any:
    if a is None or b is None:
        return b if a is None else a
    return a + b


def _batch_norm_vjp(node: Node, dy: Any, d_mean: Any, d_variance: Any, d_rstd: Any) -> tuple[Any, ...]:
    x, gamma, _ = node.inputs
    _, mean, _, rstd = node.outputs
    axis = node.attrs["axis"]
    d_x = d_gamma = d_beta = None
    if dy is not None:
        d_x, d_gamma, d_beta = apply(BATCH_NORM_BACKWARD, (dy, x, gamma, mean, rstd), {"axis": axis})
    if node.needs[0] and (d_mean is not None or d_variance is not None or d_rstd is not None):
        d_mean, d_variance, d_rstd = [g if g is None else _along(g, x, (axis,)) for g in (d_mean, d_variance, d_rstd)]
        count = max(math.prod(x.shape) // max(x.shape[axis], 1), 1)
        mean, rstd = _along(mean, x, (axis,)), _along(rstd, x, (axis,))
        d_x = _plus(d_x, _through_statistics(x, mean, rstd, d_mean, d_variance, d_rstd, count))
    return d_x, d_gamma, d_beta


def _batch_norm_gradient(
    dy: Tensor, x: Tensor, gamma: Any, mean: Tensor, rstd: Tensor, *, axis: int
) -> tuple[Tensor, Tensor, Tensor]:
    over = tuple([d for d in range(x.ndim) if d != axis])
    mean, rstd = _along(mean, x, (axis,)), _along(rstd, x, (axis,))
    return _normalized_backward(dy, x, gamma, mean, rstd, over, (axis,))


def _batch_norm_infer(x: Any, gamma: Any, beta: Any, *, axis: int, epsilon: float) -> list[Any]:
    return [(x.shape, x.dtype)] + [((x.shape[axis],), _wide(x.dtype))] * 3


def _batch_norm_backward_infer(dy: Any, x: Any, gamma: Any, mean: Any, rstd: Any, *, axis: int) -> list[Any]:
    parameter = (mean.shape, mean.dtype if gamma is None else gamma.dtype)
    return [(x.shape, x.dtype), parameter, parameter]


BATCH_NORM, BATCH_NORM_BACKWARD = fused(
    "batch_norm",
    "batch_norm_backward",
    _batch_norm_vjp,
    _batch_norm_gradient,
    _batch_norm_infer,
    _batch_norm_backward_infer,
)


def _kept(x: Any, axes: Axes) -> tuple[int, ...]:
    return tuple([1 if d in axes else size for d, size in enumerate(x.shape)])


def _sizes(x: Any, axes: Axes) -> tuple[int, ...]:
    return tuple([x.shape[d] for d in axes])


def _layer_norm_vjp(node: Node, dy: Any, d_mean: Any, d_rstd: Any) -> tuple[Any, ...]:
    x, gamma, _ = node.inputs
    _, mean, rstd = node.outputs
    axes = node.attrs["axes"]
    d_x = d_gamma = d_beta = None
    if dy is not None:
        d_x, d_gamma, d_beta = apply(LAYER_NORM_BACKWARD, (dy, x, gamma, mean, rstd), {"axes": axes})
    if node.needs[0] and (d_mean is not None or d_rstd is not None):
        count = max(math.prod(_sizes(x, axes)), 1)
        d_x = _plus(d_x, _through_statistics(x, mean, rstd, d_mean, None, d_rstd, count))
    return d_x, d_gamma, d_beta


def _layer_norm_gradient(
    dy: Tensor, x: Tensor, gamma: Any, mean: Tensor, rstd: Tensor, *, axes: Axes
) -> tuple[Tensor, Tensor, Tensor]:
    return _normalized_backward(dy, x, gamma, mean, rstd, axes, axes)


def _layer_norm_infer(x: Any, gamma: Any, beta: Any, *, axes: Axes, epsilon: float) -> list[Any]:
    return [(x.shape, x.dtype)] + [(_kept(x, axes), _wide(x.dtype))] * 2


def _layer_norm_backward_infer(dy: Any, x: Any, gamma: Any, mean: Any, rstd: Any, *, axes: Axes) -> list[Any]:
    parameter = (_sizes(x, axes), rstd.dtype if gamma is None else gamma.dtype)
    return [(x.shape, x.dtype), parameter, parameter]


LAYER_NORM, LAYER_NORM_BACKWARD = fused(
    "layer_norm",
    "layer_norm_backward",
    _layer_norm_vjp,
    _layer_norm_gradient,
    _layer_norm_infer,
    _layer_norm_backward_infer,
)


def _rms_norm_vjp(node: Node, dy: Any, d_rstd: Any) -> tuple[Any, ...]:
    x, scale = node.inputs
    _, rstd = node.outputs
    axes = node.attrs["axes"]
    d_x = d_scale = None
    if dy is not None:
        d_x, d_scale = apply(RMS_NORM_BACKWARD, (dy, x, scale, rstd), {"axes": axes})
    if node.needs[0] and d_rstd is not None:
        count = max(math.prod(_sizes(x, axes)), 1)
        part = convert_to_tensor(x, rstd.dtype) * (d_rstd * (-rstd * rstd * rstd / count))
        d_x = _plus(d_x, convert_to_tensor(part, x.dtype))
    return d_x, d_scale


def _rms_norm_gradient(dy: Tensor, x: Tensor, scale: Any, rstd: Tensor, *, axes: Axes) -> tuple[Tensor, Tensor]:
    return _normalized_backward(dy, x, scale, None, rstd, axes, axes)[:2]


def _rms_norm_infer(x: Any, scale: Any, *, axes: Axes, epsilon: float) -> list[Any]:
    return [(x.shape, x.dtype), (_kept(x, axes), _wide(x.dtype))]


def _rms_norm_backward_infer(dy: Any, x: Any, scale: Any, rstd: Any, *, axes: Axes) -> list[Any]:
    return [(x.shape, x.dtype), (_sizes(x, axes), rstd.dtype if scale is None else scale.dtype)]


RMS_NORM, RMS_NORM_BACKWARD = fused(
    "rms_norm",
    "rms_norm_backward",
    _rms_norm_vjp,
    _rms_norm_gradient,
    _rms_norm_infer,
    _rms_norm_backward_infer,
)


def different_axes(axis: Any, x: Tensor, name: str) -> Axes:
    """One axis or several different ones, sorted, or an error that names the function."""
    given = (axis,) if isinstance(axis, int) else tuple(axis)
    axes = tuple(sorted({checked_axis(a, x, name) for a in given}))
    if not axes or len(axes) != len(given):
        raise ValueError(f"{name}: expected one axis or several different ones. Received: axis={axis!r}")
    return axes


def _parameter(value: Any, x: Tensor, axes: Axes, argument: str, name: str) -> Tensor | None:
    """A parameter with the sizes of `x` along the axes; sizes of 1 and missing leading ones broadcast."""
    if value is None:
        return None
    parameter = autocasted(convert_to_tensor(value))
    if parameter.dtype not in FLOATS:
        parameter = convert_to_tensor(parameter, x.dtype)
    wanted = _sizes(x, axes)
    shape = parameter.array.shape
    if shape == wanted:
        return parameter
    if shape == _kept_other(x, axes):
        return parameter.reshape(wanted)
    if len(shape) <= len(wanted) and all(a in (1, b) for a, b in zip(reversed(shape), reversed(wanted), strict=False)):
        return broadcast_to(parameter, wanted)
    raise ValueError(
        f"{name}: {argument} must have the sizes of x along its axes, {wanted}. "
        f"Received: {argument}.shape={shape}, x.shape={x.shape}, axes={axes}"
    )


def _kept_other(x: Tensor, axes: Axes) -> tuple[int, ...]:
    return tuple([size if d in axes else 1 for d, size in enumerate(x.shape)])


def _not_scalar(x: Tensor) -> Tensor:
    return x if x.array.ndim else x.reshape((1,))


@op
def layer_normalization(
    x: Any, gamma: Any = None, beta: Any = None, axis: Any = -1, epsilon: float | None = None, **kwargs: Any
) -> Tensor:
    """`(x - mean) / sqrt(variance + epsilon) * gamma + beta`, with the moments of each sample over `axis`.

    Args:
        x: The input.
        gamma: The scale, with the sizes of `x` along `axis` (in rising order), or None.
        beta: The offset, shaped likewise, or None.
        axis: The axis or axes that are normalized together.
        epsilon: Keeps the division finite; the default is `kerasish.config.epsilon()`.
        **kwargs: None is taken: `rms_scaling` is what `rms_normalization` is for.

    Raises:
        ValueError: If an axis or the shape of a parameter does not fit.

    Source: arXiv:1607.06450.

    >>> layer_normalization([[1.0, 3.0]], epsilon=0.0).tolist()
    [[-1.0, 1.0]]
    """
    if kwargs:
        raise TypeError(f"layer_normalization: unknown arguments. Received: {sorted(kwargs)}")
    x = _not_scalar(as_float(x))
    axes = different_axes(axis, x, "layer_normalization")
    parameters = [_parameter(p, x, axes, n, "layer_normalization") for p, n in ((gamma, "gamma"), (beta, "beta"))]
    attrs = {"axes": axes, "epsilon": config.epsilon() if epsilon is None else float(epsilon)}
    return apply(LAYER_NORM, (x, *parameters), attrs)[0]


@op
def rms_normalization(x: Any, scale: Any = None, axis: Any = -1, epsilon: float | None = None) -> Tensor:
    """`x / sqrt(mean(x**2) + epsilon) * scale`, with the mean of each sample over `axis`.

    Args:
        x: The input.
        scale: With the sizes of `x` along `axis`, or what broadcasts to them, or None.
        axis: The axis or axes that are normalized together.
        epsilon: Keeps the division finite; the default is `kerasish.config.epsilon()`.

    Raises:
        ValueError: If an axis or the shape of the scale does not fit.

    Source: arXiv:1910.07467.

    >>> rms_normalization([[3.0, -3.0]], epsilon=0.0).tolist()
    [[1.0, -1.0]]
    """
    x = _not_scalar(as_float(x))
    axes = different_axes(axis, x, "rms_normalization")
    attrs = {"axes": axes, "epsilon": config.epsilon() if epsilon is None else float(epsilon)}
    return apply(RMS_NORM, (x, _parameter(scale, x, axes, "scale", "rms_normalization")), attrs)[0]


@op
def batch_normalization_train(
    x: Any, gamma: Any = None, beta: Any = None, axis: int = -1, epsilon: float = 1e-3
) -> tuple[Tensor, Tensor, Tensor]:
    """Normalization by the moments of the batch: `(y, mean, variance)`.

    An extension of `keras.ops`: what the layer `BatchNormalization` calls in training.
    `y = (x - mean) / sqrt(variance + epsilon) * gamma + beta`, with moments over all axes but the channels'.

    Args:
        x: The input.
        gamma: The scale, `(channels,)`, or None.
        beta: The offset, `(channels,)`, or None.
        axis: The axis of the channels.
        epsilon: Keeps the division finite.

    Returns:
        `y`, of the shape and dtype of `x`, and the mean and the biased variance, `(channels,)`, in float32
        (float64 for float64).

    Raises:
        ValueError: If the axis or the shape of a parameter does not fit.

    Source: arXiv:1502.03167.

    >>> y, mean, variance = batch_normalization_train([[1.0], [3.0]], epsilon=0.0)
    >>> y.tolist(), mean.tolist(), variance.tolist()
    ([[-1.0], [1.0]], [2.0], [1.0])
    """
    name = "batch_normalization_train"
    x = as_float(x)
    axis = checked_axis(axis, x, name)
    parameters = [_parameter(p, x, (axis,), n, name) for p, n in ((gamma, "gamma"), (beta, "beta"))]
    y, mean, variance, _ = apply(BATCH_NORM, (x, *parameters), {"axis": axis, "epsilon": float(epsilon)})
    return y, mean, variance


@op
def batch_normalization(
    x: Any, mean: Any, variance: Any, axis: int, offset: Any = None, scale: Any = None, epsilon: float = 1e-3
) -> Tensor:
    """Normalization by moments that are given: `(x - mean) / sqrt(variance + epsilon) * scale + offset`.

    Args:
        x: The input.
        mean: The mean of each channel, `(channels,)`.
        variance: The variance of each channel.
        axis: The axis of the channels.
        offset: What is added to each channel, or None.
        scale: What each channel is multiplied by, or None.
        epsilon: Keeps the division finite.

    Raises:
        ValueError: If the axis or the shape of a vector does not fit.

    >>> batch_normalization([[5.0]], [1.0], [4.0], axis=-1, epsilon=0.0).tolist()
    [[2.0]]
    """
    name = "batch_normalization"
    x = as_float(x)
    axis = checked_axis(axis, x, name)
    named = ((mean, "mean"), (variance, "variance"), (offset, "offset"), (scale, "scale"))
    vectors = [_parameter(value, x, (axis,), argument, name) for value, argument in named]
    centre, spread, shift, factor = vectors
    if centre is None or spread is None:
        raise ValueError(f"{name}: mean and variance are needed. Received: mean={mean!r}, variance={variance!r}")
    inverse = rsqrt(spread + epsilon)
    if factor is not None:
        inverse = inverse * factor
    rest = -centre * inverse
    if shift is not None:
        rest = rest + shift
    dtype = result_type(x.dtype, inverse.dtype)
    return convert_to_tensor(x, dtype) * _along(inverse, x, (axis,)) + _along(rest, x, (axis,))


@op
def normalize(x: Any, axis: Any = -1, order: int = 2, epsilon: float | None = None) -> Tensor:
    """`x / max(norm(x), epsilon)` with the norm of an order over an axis.

    Args:
        x: The input.
        axis: The axis.
        order: The order of the norm, an int of at least 1.
        epsilon: Keeps the division finite; the default is `kerasish.config.epsilon()`.

    Raises:
        ValueError: If the order is not an int of at least 1.

    >>> normalize([3.0, 4.0]).numpy().round(3).tolist()
    [0.6000000238418579, 0.800000011920929]
    """
    if not isinstance(order, int) or order < 1:
        raise ValueError(f"normalize: order must be an int of at least 1. Received: order={order!r}")
    x = _not_scalar(as_float(x))
    epsilon = config.epsilon() if epsilon is None else epsilon
    axes = different_axes(axis, x, "normalize")
    if order == 2:
        # Half precision cannot hold the inverse of a small epsilon.
        limit = min(1 / epsilon, 65504.0) if x.dtype == "float16" else 1 / epsilon
        return x * minimum(rsqrt(reduce_sum(square(x), axis=axes, keepdims=True)), limit)
    size = absolute(x)
    norm = reduce_sum(size if order == 1 else size**order, axis=axes, keepdims=True)
    return x / maximum(norm if order == 1 else norm ** (1 / order), epsilon)
