"""The dense layer as one operation."""

from __future__ import annotations

from typing import Any

from kerasish.autodiff import Node, Primitive, Tensor, apply, convert_to_tensor, fused, op
from kerasish.ops.matmul import CONTRACT_LEADING, MATMUL, TRANSPOSE_B, paired
from kerasish.ops.promotion import autocasted

ACTIVATIONS = ("linear", "relu", "sigmoid", "tanh")


def _bias_activation_backward_vjp(node: Node, g_pre: Tensor | None, g_bias: Tensor | None) -> tuple[Any, ...]:
    dy, y = node.inputs
    if g_pre is None:
        g = g_bias + Tensor(node.results[0] * 0) if g_bias is not None else None
    else:
        g = g_pre if g_bias is None else g_pre + g_bias
    if g is None:
        return None, None
    activation = node.attrs["activation"]
    d_dy = None
    if node.needs[0]:
        d_dy, _ = apply(BIAS_ACTIVATION_BACKWARD, (g, y), {"activation": activation, "bias": False})
    d_y = None
    if node.needs[1]:
        if activation == "sigmoid":
            d_y = g * dy * (1 - 2 * y)
        elif activation == "tanh":
            d_y = g * dy * (-2 * y)
    return d_dy, d_y


def _bias_activation_backward_infer(dy: Any, y: Any, *, activation: str, bias: bool) -> list[Any]:
    return [(dy.shape, dy.dtype), ((dy.shape[-1],), dy.dtype) if bias else None]


BIAS_ACTIVATION_BACKWARD = Primitive(
    "bias_activation_backward", _bias_activation_backward_vjp, _bias_activation_backward_infer
)
"""From the gradient of `y = activation(pre + bias)` and `y` itself: those of `pre` and of `bias`.

Attributes: `activation`, one of `ACTIVATIONS`, and `bias`, whether the gradient of the bias is wanted (None
is returned for it otherwise). Shared by every operation that ends in a bias and an activation.
"""


def _dense_vjp(node: Node, dy: Tensor) -> tuple[Any, ...]:
    x, kernel, _ = node.inputs
    attrs = {"activation": node.attrs["activation"], "needs": node.needs}
    return apply(DENSE_BACKWARD, (dy, x, kernel, node.output), attrs)


def _dense_backward_composite(
    dy: Tensor, x: Tensor, kernel: Tensor, y: Tensor, *, activation: str, needs: tuple[bool, bool, bool]
) -> tuple[Any, ...]:
    pre, d_bias = apply(BIAS_ACTIVATION_BACKWARD, (dy, y), {"activation": activation, "bias": needs[2]})
    return (
        apply(MATMUL, (pre, kernel), TRANSPOSE_B) if needs[0] else None,
        apply(CONTRACT_LEADING, (x, pre)) if needs[1] else None,
        d_bias,
    )


def _dense_backward_infer(
    dy: Any, x: Any, kernel: Any, y: Any, *, activation: str, needs: tuple[bool, bool, bool]
) -> list[Any]:
    shapes = (x.shape, kernel.shape, kernel.shape[1:])
    return [(shape, x.dtype) if needed else None for shape, needed in zip(shapes, needs, strict=True)]


def _dense_infer(x: Any, kernel: Any, bias: Any, *, activation: str) -> tuple[Any, Any]:
    return (*x.shape[:-1], kernel.shape[1]), x.dtype


DENSE, DENSE_BACKWARD = fused(
    "dense", "dense_backward", _dense_vjp, _dense_backward_composite, _dense_infer, _dense_backward_infer
)
_ATTRS: dict[str, dict[str, Any]] = {name: {"activation": name} for name in ACTIVATIONS}


@op
def dense(x: Any, kernel: Any, bias: Any = None, activation: str = "linear") -> Tensor:
    """A dense layer in one kernel: `activation(x @ kernel + bias)`.

    An extension of `keras.ops`: what the layer `Dense` calls. The kernel runs one GEMM and adds the bias
    and takes the activation in place on its output.

    Args:
        x: The input, `(..., d)`.
        kernel: The weights, `(d, u)`.
        bias: The bias, `(u,)`, or None.
        activation: "linear", "relu", "sigmoid" or "tanh".

    Returns:
        A tensor of shape `(..., u)`.

    Raises:
        ValueError: If the shapes do not fit, or the activation is another one.

    >>> dense([[1.0, 2.0]], [[1.0, 0.0], [0.0, -1.0]], [0.5, 0.5], activation="relu").tolist()
    [[1.5, 0.0]]
    """
    attrs = _ATTRS.get(activation)
    if attrs is None:
        raise ValueError(f"activation must be one of {ACTIVATIONS}. Received: activation={activation!r}")
    x, kernel = paired(x, kernel)
    x_shape, kernel_shape = x.array.shape, kernel.array.shape
    if len(kernel_shape) != 2 or len(x_shape) < 2 or x_shape[-1] != kernel_shape[0]:
        raise ValueError(
            "Expected x of shape (..., d) with at least two dimensions and a kernel of shape (d, u). "
            f"Received: x.shape={x_shape}, kernel.shape={kernel_shape}"
        )
    if bias is not None:
        bias = autocasted(convert_to_tensor(bias))
        if bias.array.shape != kernel_shape[1:]:
            raise ValueError(f"Expected a bias of shape {kernel_shape[1:]}. Received: bias.shape={bias.array.shape}")
        if bias.array.dtype != x.array.dtype:
            bias = convert_to_tensor(bias, x.dtype)
    return apply(DENSE, (x, kernel, bias), attrs)
