"""Activations and the two softmaxes.

Every kernel here keeps the shape and dtype of its first argument, computes half precision in float32, raises
no floating-point warning for any finite or infinite input, and propagates NaN.
"""

from __future__ import annotations

from kerasish.backend.contract.types import Array


def softmax(x: Array, *, axis: int) -> Array:
    """`exp(x - max(x)) / sum(exp(x - max(x)))` along `axis`.

    `-inf` entries get probability 0. A slice that holds `+inf`, or nothing but `-inf`, becomes NaN, as in
    Keras.
    """
    raise NotImplementedError


def softmax_backward(dy: Array, y: Array, *, axis: int) -> Array:
    """Gradient of `softmax` from its output: `dx = y * (dy - sum(dy * y))`, summed along `axis`."""
    raise NotImplementedError


def log_softmax(x: Array, *, axis: int) -> Array:
    """`x - max(x) - log(sum(exp(x - max(x))))` along `axis`; infinities as in `softmax`."""
    raise NotImplementedError


def log_softmax_backward(dy: Array, y: Array, *, axis: int) -> Array:
    """Gradient of `log_softmax` from its output: `dx = dy - exp(y) * sum(dy)`, summed along `axis`."""
    raise NotImplementedError


def sigmoid(x: Array) -> Array:
    """`1 / (1 + exp(-x))`; 0 at `-inf`, 1 at `+inf`."""
    raise NotImplementedError


def relu(x: Array) -> Array:
    """`max(x, 0)`."""
    raise NotImplementedError


def softplus(x: Array) -> Array:
    """`log(1 + exp(x))`, computed as `max(x, 0) + log1p(exp(-|x|))`, accurate far below 0 too."""
    raise NotImplementedError


def gelu(x: Array, *, approximate: bool) -> Array:
    """Gaussian error linear unit, `x * Phi(x)` with the normal distribution function `Phi`.

    With `approximate`, `0.5 * x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x**3)))`. `-inf` gives 0.
    In float32 the error is absolute: about 1e-7 times `max(1, |x|)`.
    Source: Hendrycks and Gimpel, 2016, arXiv:1606.08415.
    """
    raise NotImplementedError


def gelu_backward(dy: Array, x: Array, *, approximate: bool) -> Array:
    """Gradient of `gelu`: `dy * (Phi(x) + x * phi(x))`, or `dy` times the derivative of the tanh formula."""
    raise NotImplementedError


def silu(x: Array) -> Array:
    """`x * sigmoid(x)`, also called swish; `-inf` gives 0."""
    raise NotImplementedError


def elu(x: Array, *, alpha: float) -> Array:
    """`x` where positive, `alpha * (exp(x) - 1)` elsewhere, without cancellation near 0."""
    raise NotImplementedError


def erf(x: Array) -> Array:
    """Error function `2 / sqrt(pi) * integral of exp(-t**2) from 0 to x`: a few units in the last place."""
    raise NotImplementedError


def erfinv(x: Array) -> Array:
    """Inverse of `erf`: infinite at -1 and 1, NaN beyond. Float64 arithmetic, rounded to the dtype."""
    raise NotImplementedError
