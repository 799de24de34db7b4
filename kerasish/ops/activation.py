"""Activations element by element: the smooth and the piecewise ones, and the error function."""

from __future__ import annotations

import math
from typing import Any

from kerasish.autodiff import Node, Primitive, Tensor, apply, convert_to_tensor, fused, op
from kerasish.ops.choice import clip, maximum, minimum, where
from kerasish.ops.dense import BIAS_ACTIVATION_BACKWARD
from kerasish.ops.elementwise import absolute, exp, expm1, sqrt
from kerasish.ops.promotion import as_float
from kerasish.ops.softmax import checked_axis
from kerasish.ops.softmax import log_softmax as log_softmax
from kerasish.ops.softmax import softmax as softmax
from kerasish.ops.softmax import sparsemax as sparsemax
from kerasish.ops.trigonometry import tanh

SELU_ALPHA = 1.6732632423543772
SELU_SCALE = 1.0507009873554805


def _same(x: Any, **attrs: Any) -> tuple[Any, Any]:
    return x.shape, x.dtype


def _same_as_first(x: Any, *others: Any, **attrs: Any) -> tuple[Any, Any]:
    return x.shape, x.dtype


def _slope_from_output(node: Node, dy: Tensor) -> tuple[Tensor]:
    """The gradient of a relu or a sigmoid, from its output, in one kernel."""
    attrs = {"activation": node.attrs.get("activation", node.primitive.name), "bias": False}  # type: ignore[union-attr]
    if dy.array.ndim:
        return (apply(BIAS_ACTIVATION_BACKWARD, (dy, node.output), attrs)[0],)
    dx, _ = apply(BIAS_ACTIVATION_BACKWARD, (dy.reshape(1), node.output.reshape(1)), attrs)
    return (dx.reshape(()),)


RELU = Primitive("relu", _slope_from_output, _same)
SIGMOID = Primitive("sigmoid", _slope_from_output, _same)
SOFTPLUS = Primitive("softplus", lambda node, dy: (dy * sigmoid(node.inputs[0]),), _same)


def _silu_vjp(node: Node, dy: Tensor) -> tuple[Tensor]:
    s = sigmoid(node.inputs[0])
    return (dy * (s + node.output * (1 - s)),)


SILU = Primitive("silu", _silu_vjp, _same)


def _elu_vjp(node: Node, dy: Tensor) -> tuple[Tensor]:
    (x,) = node.inputs
    return (dy * where(x > 0, 1.0, node.output + node.attrs["alpha"]),)


ELU = Primitive("elu", _elu_vjp, _same)


def _gelu_slope(dy: Tensor, x: Tensor, *, approximate: bool) -> Tensor:
    if not approximate:
        density = exp(-0.5 * x * x) * (1 / math.sqrt(2 * math.pi))
        return dy * (0.5 * (1 + erf(x * math.sqrt(0.5))) + x * density)
    root = math.sqrt(2 / math.pi)
    t = tanh(root * (x + 0.044715 * x * x * x))
    return dy * (0.5 * (1 + t) + 0.5 * x * (1 - t * t) * root * (1 + 3 * 0.044715 * x * x))


def _gelu_vjp(node: Node, dy: Tensor) -> tuple[Tensor]:
    return (apply(GELU_BACKWARD, (dy, node.inputs[0]), node.attrs),)


GELU, GELU_BACKWARD = fused("gelu", "gelu_backward", _gelu_vjp, _gelu_slope, _same, _same_as_first)

ERF = Primitive(
    "erf",
    lambda node, dy: (dy * (exp(-node.inputs[0] * node.inputs[0]) * (2 / math.sqrt(math.pi))),),
    _same,
)
ERFINV = Primitive(
    "erfinv", lambda node, dy: (dy * (exp(node.output * node.output) * (math.sqrt(math.pi) / 2)),), _same
)


@op
def relu(x: Any) -> Tensor:
    """Rectified linear unit, `max(x, 0)`, element by element. The gradient at 0 is 0.

    >>> relu([-1.0, 2.0]).tolist()
    [0.0, 2.0]
    """
    return apply(RELU, (convert_to_tensor(x),))


@op
def relu6(x: Any) -> Tensor:
    """`min(max(x, 0), 6)`, element by element.

    >>> relu6([-1.0, 2.0, 9.0]).tolist()
    [0.0, 2.0, 6.0]
    """
    return minimum(relu(x), 6)


@op
def sigmoid(x: Any) -> Tensor:
    """`1 / (1 + exp(-x))`, element by element.

    >>> sigmoid([0.0]).tolist()
    [0.5]
    """
    return apply(SIGMOID, (as_float(x),))


@op
def sparse_sigmoid(x: Any) -> Tensor:
    """0 up to -1, 1 from 1 on, `(x + 1) / 2` between.

    >>> sparse_sigmoid([-2.0, 0.0, 3.0]).tolist()
    [0.0, 0.5, 1.0]
    """
    return clip((as_float(x) + 1) * 0.5, 0.0, 1.0)


@op
def softplus(x: Any) -> Tensor:
    """`log(1 + exp(x))`, element by element, without overflow.

    >>> round(softplus([0.0]).numpy()[0].item(), 4)
    0.6931
    """
    return apply(SOFTPLUS, (as_float(x),))


@op
def softsign(x: Any) -> Tensor:
    """`x / (1 + |x|)`, element by element.

    >>> softsign([1.0, -3.0]).tolist()
    [0.5, -0.75]
    """
    x = as_float(x)
    return x / (1 + absolute(x))


@op
def silu(x: Any) -> Tensor:
    """`x * sigmoid(x)`, element by element; also called swish. Source: arXiv:1702.03118.

    >>> silu([0.0]).tolist()
    [0.0]
    """
    return apply(SILU, (as_float(x),))


swish = silu


@op
def log_sigmoid(x: Any) -> Tensor:
    """`log(sigmoid(x)) = -softplus(-x)`, element by element.

    >>> round(log_sigmoid([0.0]).numpy()[0].item(), 4)
    -0.6931
    """
    return -softplus(-as_float(x))


@op
def leaky_relu(x: Any, negative_slope: float = 0.2) -> Tensor:
    """`x` where it is at least 0, `negative_slope * x` elsewhere.

    >>> leaky_relu([-1.0, 2.0], negative_slope=0.5).tolist()
    [-0.5, 2.0]
    """
    x = as_float(x)
    return where(x >= 0, x, x * negative_slope)


@op
def hard_sigmoid(x: Any) -> Tensor:
    """`relu6(x + 3) / 6`, element by element.

    >>> hard_sigmoid([-3.0, 0.0, 3.0]).tolist()
    [0.0, 0.5, 1.0]
    """
    return relu6(as_float(x) + 3) * (1 / 6)


@op
def hard_silu(x: Any) -> Tensor:
    """`x * relu6(x + 3) / 6`, element by element; also called hard swish. Source: arXiv:1905.02244.

    >>> hard_silu([0.0, 3.0]).tolist()
    [0.0, 3.0]
    """
    x = as_float(x)
    return x * hard_sigmoid(x)


hard_swish = hard_silu


@op
def elu(x: Any, alpha: float = 1.0) -> Tensor:
    """`x` where positive, `alpha * (exp(x) - 1)` elsewhere. Source: arXiv:1511.07289.

    >>> elu([0.0, 2.0]).tolist()
    [0.0, 2.0]
    """
    return apply(ELU, (as_float(x),), {"alpha": float(alpha)})


@op
def selu(x: Any) -> Tensor:
    """`1.0507… * elu(x, alpha=1.6732…)`: keeps mean 0 and variance 1. Source: arXiv:1706.02515.

    >>> round(selu([1.0]).numpy()[0].item(), 4)
    1.0507
    """
    return elu(x, SELU_ALPHA) * SELU_SCALE


@op
def celu(x: Any, alpha: float = 1.0) -> Tensor:
    """`max(x, 0) + min(alpha * (exp(x / alpha) - 1), 0)`. Source: arXiv:1704.07483.

    >>> celu([2.0, 0.0]).tolist()
    [2.0, 0.0]
    """
    x = as_float(x)
    return maximum(x, 0) + alpha * expm1(minimum(x, 0) / alpha)


@op
def gelu(x: Any, approximate: bool = True) -> Tensor:
    """`x * Phi(x)` with the normal distribution function, or its approximation by a tanh.

    Args:
        x: The input.
        approximate: Whether to take `0.5 x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x**3)))`.

    Source: arXiv:1606.08415.

    >>> round(gelu([1.0], approximate=False).numpy()[0].item(), 4)
    0.8413
    """
    return apply(GELU, (as_float(x),), {"approximate": bool(approximate)})


@op
def glu(x: Any, axis: int = -1) -> Tensor:
    """`a * sigmoid(b)`, where `a` and `b` are the halves of `x` along an axis. Source: arXiv:1612.08083.

    Raises:
        ValueError: If the size along the axis is odd.

    >>> glu([3.0, 0.0]).tolist()
    [1.5]
    """
    x = as_float(x)
    axis = checked_axis(axis, x, "glu")
    size = x.shape[axis]
    if size % 2:
        raise ValueError(f"glu: the axis must have an even size. Received: x.shape={x.shape}, axis={axis}")
    lead = (slice(None),) * axis
    return x[(*lead, slice(0, size // 2))] * sigmoid(x[(*lead, slice(size // 2, size))])


@op
def tanh_shrink(x: Any) -> Tensor:
    """`x - tanh(x)`, element by element.

    >>> tanh_shrink([0.0]).tolist()
    [0.0]
    """
    x = as_float(x)
    return x - tanh(x)


@op
def hard_tanh(x: Any) -> Tensor:
    """-1 below -1, 1 above 1, `x` between.

    >>> hard_tanh([-2.0, 0.5, 2.0]).tolist()
    [-1.0, 0.5, 1.0]
    """
    return clip(as_float(x), -1.0, 1.0)


@op
def hard_shrink(x: Any, threshold: float = 0.5) -> Tensor:
    """`x` where `|x| > threshold`, 0 elsewhere.

    >>> hard_shrink([-1.0, 0.3]).tolist()
    [-1.0, 0.0]
    """
    x = as_float(x)
    return where(absolute(x) > threshold, x, 0.0)


@op
def soft_shrink(x: Any, threshold: float = 0.5) -> Tensor:
    """`x` moved towards 0 by the threshold, and 0 where `|x|` is below it.

    >>> soft_shrink([-1.0, 0.3, 2.0]).tolist()
    [-0.5, 0.0, 1.5]
    """
    x = as_float(x)
    return where(x > threshold, x - threshold, where(x < -threshold, x + threshold, 0.0))


@op
def threshold(x: Any, threshold: float, default_value: float) -> Tensor:
    """`x` where it is greater than the threshold, the default value elsewhere.

    >>> threshold([-1.0, 0.5, 2.0], 0.6, 0.0).tolist()
    [0.0, 0.0, 2.0]
    """
    x = as_float(x)
    return where(x > threshold, x, default_value)


@op
def squareplus(x: Any, b: float = 4) -> Tensor:
    """`(x + sqrt(x**2 + b)) / 2`, element by element. Source: arXiv:2112.11687.

    >>> squareplus([0.0]).tolist()
    [1.0]
    """
    x = as_float(x)
    return (x + sqrt(x * x + b)) * 0.5


@op
def sparse_plus(x: Any) -> Tensor:
    """0 up to -1, `x` from 1 on, `(x + 1)**2 / 4` between.

    >>> sparse_plus([-2.0, 0.0, 3.0]).tolist()
    [0.0, 0.25, 3.0]
    """
    x = as_float(x)
    return where(x <= -1, 0.0, where(x >= 1, x, (x + 1) * (x + 1) * 0.25))


@op
def erf(x: Any) -> Tensor:
    """Error function, `2 / sqrt(pi) * integral of exp(-t**2) from 0 to x`.

    >>> erf([0.0]).tolist()
    [0.0]
    """
    return apply(ERF, (as_float(x),))


@op
def erfc(x: Any) -> Tensor:
    """Complement of the error function, `1 - erf(x)`.

    >>> erfc([0.0]).tolist()
    [1.0]
    """
    return 1 - erf(x)


@op
def erfinv(x: Any) -> Tensor:
    """Inverse of the error function: infinite at -1 and 1, NaN outside of them.

    >>> erfinv([0.0]).tolist()
    [0.0]
    """
    return apply(ERFINV, (as_float(x),))
