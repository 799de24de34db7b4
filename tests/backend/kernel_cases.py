"""One example call of every kernel of the contract, for a given number of samples."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np

from kerasish import backend

NUMPY = SimpleNamespace(**backend.kernels_of("numpy"))
Case = Callable[[int], tuple[tuple[Any, ...], dict[str, Any]]]
CASES: dict[str, Case] = {}


class Wide:
    """A float array that is float32 where the others are in half precision: statistics which a kernel keeps."""

    def __init__(self, array: np.ndarray) -> None:
        self.array = array


def floats(*shape: int, low: float = -2.0, high: float = 2.0, seed: int = 0) -> np.ndarray:
    """Values that every float dtype holds exactly."""
    values = np.random.default_rng([seed, *shape]).uniform(low, high, shape)
    return np.asarray(values.astype("float16"), "float64")


def integers(high: int, *shape: int, low: int = 0, dtype: str = "int32") -> np.ndarray:
    return np.random.default_rng([high, *shape]).integers(low, high, shape).astype(dtype)


def flags(*shape: int) -> np.ndarray:
    return np.random.default_rng([5, *shape]).uniform(size=shape) < 0.6


def exact(array: Any) -> np.ndarray:
    return np.asarray(np.asarray(array).astype("float16"), "float64")


def case(function: Case) -> Case:
    CASES[function.__name__] = function
    return function


def unary(name: str, low: float, high: float, **attrs: Any) -> None:
    CASES[name] = lambda n: ((floats(n, 4, low=low, high=high),), attrs)


for _name in [
    "identity", "negative", "abs", "sign", "exp", "expm1", "square", "sin", "cos", "arctan", "sinh", "cosh", "tanh",
    "arcsinh", "conj", "floor", "ceil", "trunc",
]:  # fmt: skip
    unary(_name, -2, 2)
for _name in [
    "signbit", "isnan", "isinf", "isfinite", "logical_not", "sigmoid", "relu", "softplus", "silu", "erf",
]:  # fmt: skip
    unary(_name, -2, 2)
for _name in ["log", "log2", "log10", "log1p", "sqrt", "rsqrt", "reciprocal"]:
    unary(_name, 0.25, 4)
for _name in ["tan", "arcsin", "arccos", "arctanh", "erfinv"]:
    unary(_name, -0.8, 0.8)
unary("arccosh", 1.25, 4)
unary("round", -2, 2, decimals=0)
unary("gelu", -2, 2, approximate=True)
unary("elu", -2, 2, alpha=1.5)
unary("softmax", -2, 2, axis=-1)
unary("log_softmax", -2, 2, axis=-1)
unary("cast", -2, 2, dtype=np.dtype("int32"))
unary("nan_to_num", -2, 2, nan=0.0, posinf=None, neginf=None)
CASES["bitwise_not"] = lambda n: ((integers(9, n, 4),), {})

for _name in [
    "add", "subtract", "multiply", "divide", "maximum", "minimum", "logaddexp", "arctan2", "nextafter",
    "logical_and", "logical_or", "logical_xor", "equal", "not_equal", "less", "less_equal", "greater",
    "greater_equal",
]:  # fmt: skip
    CASES[_name] = lambda n: ((floats(n, 4), floats(4, seed=1)), {})
for _name in ["floor_divide", "mod", "power"]:
    CASES[_name] = lambda n: ((integers(12, n, 4, low=1) / 4.0, integers(8, 4, low=1) / 4.0), {})
for _name in ["gcd", "bitwise_and", "bitwise_or", "bitwise_xor", "left_shift", "right_shift"]:
    CASES[_name] = lambda n: ((integers(12, n, 4, low=1), integers(4, 4, low=1)), {})
CASES["where"] = lambda n: ((flags(n, 1), floats(n, 4), floats(4, seed=1)), {})
CASES["clip"] = lambda n: ((floats(n, 4), floats(4, low=-1, high=0), 0.5), {})

for _name in ["sum", "mean", "prod", "max", "min", "any", "all", "count_nonzero"]:
    CASES[_name] = lambda n: ((floats(n, 4, 3),), {"axis": (1, 2), "keepdims": n == 1})
for _name in ["argmax", "argmin", "cumsum", "cumprod", "sort", "argsort"]:
    unary(_name, -2, 2, axis=1)
unary("top_k", -2, 2, k=3)

for _name in ["asarray", "to_numpy", "owned", "transpose"]:
    unary(_name, -2, 2)
for _name in ["zeros", "ones"]:
    CASES[_name] = lambda n: (((n, 4),), {"dtype": np.dtype("float32")})
CASES["full"] = lambda n: (((n, 4),), {"value": 2.5, "dtype": np.dtype("float16")})
CASES["eye"] = lambda n: ((), {"rows": n, "columns": 4, "k": 1, "dtype": np.dtype("float32")})
CASES["arange"] = lambda n: ((), {"start": 0, "stop": n, "step": 1, "dtype": np.dtype("int32")})


@case
def linspace(n):
    return (floats(n), floats(n, seed=1)), {"num": 3, "endpoint": True, "dtype": np.dtype("float32"), "axis": 0}


CASES["copy_into"] = lambda n: ((floats(n, 4), floats(4, seed=1)), {})
CASES["reshape"] = lambda n: ((floats(n, 4),), {"shape": (2, n, 2)})
CASES["broadcast_to"] = lambda n: ((floats(n, 1, 4),), {"shape": (2, n, 3, 4)})
CASES["concatenate"] = lambda n: ((floats(n, 4), floats(n, 2), floats(n, 0)), {"axis": 1})
CASES["split"] = lambda n: ((floats(n, 4),), {"indices": (1, 1, 3), "axis": 1})
CASES["flip"] = lambda n: ((floats(n, 4),), {"axis": (0, 1)})
CASES["roll"] = lambda n: ((floats(n, 4),), {"shift": (1, 2), "axis": (0, 1)})
CASES["repeat"] = lambda n: ((floats(n, 4),), {"repeats": (1, 0, 2, 1), "axis": 1})
CASES["tile"] = lambda n: ((floats(n, 4),), {"repeats": (2, 3)})
CASES["tril"] = CASES["triu"] = lambda n: ((floats(2, n, 4),), {"k": 1})
CASES["pad"] = lambda n: ((floats(n, 4),), {"pad_width": ((1, 0), (2, 1)), "mode": "constant", "value": 7})

KEY = (slice(None), slice(1, 3))
CASES["get_item"] = lambda n: ((floats(n, 4),), {"key": KEY})
CASES["scatter_item"] = lambda n: ((floats(n, 2),), {"key": KEY, "shape": (n, 4)})
CASES["set_item"] = lambda n: ((floats(n, 4), floats(n, 2, seed=1)), {"key": KEY})
CASES["take"] = lambda n: ((floats(5, 4), integers(5, n, 2)), {"axis": 0})
CASES["take_backward"] = lambda n: ((floats(n, 2, 4), integers(5, n, 2)), {"axis": 0, "shape": (5, 4)})
CASES["take_along_axis"] = lambda n: ((floats(n, 4), integers(4, n, 6)), {"axis": 1})
CASES["scatter_along_axis"] = lambda n: ((floats(n, 6), integers(4, n, 6)), {"axis": 1, "shape": (n, 4)})
CASES["gather_nd"] = lambda n: ((floats(5, 4, 2), integers(4, n, 2)), {})
CASES["scatter_nd"] = lambda n: ((integers(4, n, 2), floats(n, 2)), {"shape": (5, 4, 2)})
CASES["scatter_update"] = lambda n: ((floats(5, 4), integers(5, n, 1), floats(n, 4, seed=1)), {"reduction": "max"})
CASES["one_hot"] = lambda n: ((integers(4, n, 2),), {"depth": 3, "dtype": np.dtype("float32")})
CASES["searchsorted"] = lambda n: ((np.sort(floats(5)), floats(n, 2, seed=1)), {"side": "right"})
CASES["segment_sum"] = CASES["segment_max"] = lambda n: ((floats(n, 4), integers(3, n)), {"num_segments": 4})
CASES["gather"] = lambda n: ((floats(5, 4), integers(5, n, 2)), {})
CASES["scatter_add"] = lambda n: ((floats(n, 2, 4), integers(5, n, 2)), {"rows": 5})


def definite(n: int) -> np.ndarray:
    x = floats(n, 3, 3)
    return exact(x @ x.swapaxes(1, 2) + np.diag([3.0, 5.0, 8.0]))


CASES["matmul"] = lambda n: ((floats(2, n, 4), floats(3, 4, seed=1)), {"transpose_b": True})
CASES["contract_leading"] = lambda n: ((floats(n, 2, 4), floats(n, 2, 3, seed=1)), {})
CASES["einsum"] = lambda n: ((floats(n, 2, 3), floats(3, 4, seed=1)), {"subscripts": "abc,cd->adb"})
for _name in ["inv", "det", "slogdet", "cholesky", "eigh", "eig", "lu_factor"]:
    CASES[_name] = lambda n: ((definite(n),), {})
CASES["solve"] = lambda n: ((definite(n), floats(n, 3, 2)), {})
CASES["solve_triangular"] = lambda n: ((np.tril(definite(n)), floats(n, 3, 2)), {"lower": True})
CASES["qr"] = lambda n: ((floats(n, 4, 3),), {"mode": "reduced"})
CASES["svd"] = lambda n: ((floats(n, 4, 3),), {"full_matrices": False})


@case
def gelu_backward(n):
    return (floats(n, 4), floats(n, 4, seed=1)), {"approximate": True}


@case
def softmax_backward(n):
    return (floats(n, 4), exact(NUMPY.softmax(floats(n, 4, seed=1), axis=-1))), {"axis": -1}


@case
def log_softmax_backward(n):
    return (floats(n, 4), exact(NUMPY.log_softmax(floats(n, 4, seed=1), axis=-1))), {"axis": -1}


@case
def dense(n):
    return (floats(n, 4), floats(4, 3), floats(3)), {"activation": "tanh"}


@case
def dense_backward(n):
    args, attrs = dense(n)
    y = exact(NUMPY.dense(*args, **attrs))
    return (floats(n, 3, seed=1), *args[:2], y), {**attrs, "needs": (True, True, True)}


SLIDING = {"strides": (2, 1), "padding": ((1, 1), (0, 1)), "dilation": (1, 2)}


@case
def conv(n):
    return (floats(n, 5, 5, 2), floats(3, 2, 2, 3), floats(3)), {**SLIDING, "groups": 1, "activation": "relu"}


def conv_gradient(n: int) -> np.ndarray:
    args, attrs = conv(n)
    return floats(*NUMPY.conv(*args, **attrs).shape, seed=1)


@case
def conv_backward_input(n):
    attrs = {**SLIDING, "groups": 1, "input_shape": (n, 5, 5, 2)}
    return (conv_gradient(n), floats(3, 2, 2, 3)), attrs


@case
def conv_backward_kernel(n):
    attrs = {**SLIDING, "groups": 1, "kernel_shape": (3, 2, 2, 3)}
    return (floats(n, 5, 5, 2), conv_gradient(n)), attrs


@case
def depthwise_conv(n):
    return (floats(n, 5, 5, 2), floats(3, 2, 2, 3)), SLIDING


def depthwise_gradient(n: int) -> np.ndarray:
    args, attrs = depthwise_conv(n)
    return floats(*NUMPY.depthwise_conv(*args, **attrs).shape, seed=1)


@case
def depthwise_conv_backward_input(n):
    return (depthwise_gradient(n), floats(3, 2, 2, 3)), {**SLIDING, "input_shape": (n, 5, 5, 2)}


@case
def depthwise_conv_backward_kernel(n):
    return (floats(n, 5, 5, 2), depthwise_gradient(n)), {**SLIDING, "kernel_shape": (3, 2, 2, 3)}


@case
def bias_activation_backward(n):
    return (floats(n, 4), floats(n, 4, low=0.1, high=0.9, seed=1)), {"activation": "sigmoid", "bias": True}


WINDOW = {"window": (3, 2), "strides": (2, 1), "padding": ((1, 1), (0, 1))}
CASES["max_pool"] = CASES["average_pool"] = lambda n: ((floats(n, 5, 5, 2),), WINDOW)


@case
def max_pool_backward(n):
    x = floats(n, 5, 5, 2)
    y = NUMPY.max_pool(x, **WINDOW)
    return (floats(*y.shape, seed=1), x, y), WINDOW


@case
def average_pool_backward(n):
    shape = NUMPY.average_pool(floats(n, 5, 5, 2), **WINDOW).shape
    return (floats(*shape),), {**WINDOW, "input_shape": (n, 5, 5, 2)}


CASES["batch_norm"] = lambda n: ((floats(n, 2, 3), floats(3), floats(3, seed=1)), {"axis": 2, "epsilon": 0.01})
CASES["layer_norm"] = lambda n: ((floats(n, 2, 4), floats(4), floats(4, seed=1)), {"axes": (2,), "epsilon": 0.01})
CASES["rms_norm"] = lambda n: ((floats(n, 2, 4), floats(4)), {"axes": (2,), "epsilon": 0.01})


@case
def batch_norm_backward(n):
    x, gamma = floats(n, 2, 3), floats(3)
    statistics = Wide(exact(floats(3, seed=2))), Wide(floats(3, low=0.5, high=2))
    return (floats(n, 2, 3, seed=1), x, gamma, *statistics), {"axis": 2}


@case
def layer_norm_backward(n):
    x, gamma = floats(n, 2, 4), floats(4)
    mean, rstd = floats(n, 2, 1), floats(n, 2, 1, low=0.5, high=2)
    return (floats(n, 2, 4, seed=1), x, gamma, Wide(mean), Wide(rstd)), {"axes": (2,)}


@case
def rms_norm_backward(n):
    rstd = Wide(floats(n, 2, 1, low=0.5, high=2))
    return (floats(n, 2, 4, seed=1), floats(n, 2, 4), floats(4), rstd), {"axes": (2,)}


@case
def scaled_dot_product_attention(n):
    query, key, value = floats(n, 3, 4, 2), floats(n, 5, 2, 2, seed=1), floats(n, 5, 2, 3, seed=2)
    # Each query may attend to the first key; one that may attend to nothing has tests of its own.
    mask = flags(n, 1, 3, 5) | (np.arange(5) == 0)
    return (query, key, value, mask), {"scale": 0.5, "causal": True}


@case
def scaled_dot_product_attention_backward(n):
    args, attrs = scaled_dot_product_attention(n)
    out, logsumexp = NUMPY.scaled_dot_product_attention(*args, **attrs)
    return (floats(*out.shape, seed=3), *args, exact(out), Wide(logsumexp)), attrs


CELLS = {"simple_rnn": (1, 1, {}), "lstm": (4, 2, {"recurrent_activation": "sigmoid"})}
CELLS["gru"] = (3, 1, {"recurrent_activation": "sigmoid", "reset_after": True})


def cell(name: str, n: int) -> tuple[tuple[Any, ...], dict[str, Any]]:
    gates, states, attrs = CELLS[name]
    bias = floats(2, 3 * gates) if name == "gru" else floats(3 * gates)
    weights = floats(2, 3 * gates), floats(3, 3 * gates, low=-0.5, high=0.5), bias
    first = [floats(n, 3, seed=seed) for seed in range(states)]
    common = {"activation": "tanh", "reverse": True, "zero_output_for_mask": False}
    return (floats(n, 4, 2), *first, *weights, flags(n, 4)), {**common, **attrs}


def cell_backward(name: str, n: int) -> tuple[tuple[Any, ...], dict[str, Any]]:
    args, attrs = cell(name, n)
    results = [exact(result) for result in getattr(NUMPY, name)(*args, **attrs)]
    upstream = [floats(n, 4, 3, seed=7), *[floats(n, 3, seed=8)] * CELLS[name][1]]
    return (*upstream, *args, *results), attrs


for _name in CELLS:
    CASES[_name] = lambda n, name=_name: cell(name, n)
    CASES[_name + "_backward"] = lambda n, name=_name: cell_backward(name, n)


def crossentropy(name: str, sparse: bool, reduced: bool) -> None:
    def target(n: int) -> np.ndarray:
        return integers(4, n, 2) if sparse else floats(n, 2, 4, low=0, high=1, seed=1)

    def gradient(n: int) -> np.ndarray:
        return floats(n, 2, seed=2) if reduced else floats(n, 2, 4, seed=2)

    attrs = {"from_logits": True}
    CASES[name] = lambda n: ((target(n), floats(n, 2, 4)), attrs)
    CASES[name + "_backward"] = lambda n: ((gradient(n), target(n), floats(n, 2, 4)), attrs)


crossentropy("sparse_categorical_crossentropy", True, True)
crossentropy("categorical_crossentropy", False, True)
crossentropy("binary_crossentropy", False, False)

DRAW = {"seed": 3, "stream": 2, "step": 1}
CASES["random_bits"] = lambda n: ((), {**DRAW, "shape": (n, 3)})
for _name in ["random_uniform", "random_normal", "random_truncated_normal"]:
    CASES[_name] = lambda n: ((), {**DRAW, "shape": (n, 3), "dtype": np.dtype("float32")})
CASES["dropout"] = lambda n: ((floats(n, 4, 3),), {**DRAW, "rate": 0.5, "noise_shape": (n, 1, 3)})
CASES["dropout_backward"] = CASES["dropout"]


def update(name: str, slots: int, **attrs: Any) -> None:
    def make(n: int) -> tuple[tuple[Any, ...], dict[str, Any]]:
        kept = [floats(n, low=0.1, high=1, seed=seed) for seed in range(2, 2 + slots)]
        return (floats(n), floats(n, seed=1), *kept), attrs

    CASES[name] = make


RATE = {"learning_rate": 0.125}
ADAM = {**RATE, "beta_1": 0.9, "beta_2": 0.99, "epsilon": 0.01}
update("sgd_update", 1, **RATE, momentum=0.5, nesterov=True)
update("rmsprop_update", 3, **RATE, rho=0.5, momentum=0.5, epsilon=2.0)
update("adam_update", 3, **ADAM, step=3)
update("adagrad_update", 1, **RATE, epsilon=0.01)
update("adadelta_update", 2, **RATE, rho=0.5, epsilon=0.01)
update("adamax_update", 2, **ADAM, step=3)
update("nadam_update", 2, **ADAM, step=3, u_product=0.25)
update("lion_update", 1, **RATE, beta_1=0.9, beta_2=0.99)
update(
    "ftrl_update",
    2,
    **RATE,
    learning_rate_power=-0.5,
    l1_regularization_strength=0.02,
    l2_regularization_strength=0.03,
    l2_shrinkage_regularization_strength=0.01,
    beta=0.1,
)
update("ema_update", 0, momentum=0.75)
update("accumulate", 0)
CASES["weight_decay_update"] = lambda n: ((floats(n),), {"rate": 0.25})
CASES["scale"] = lambda n: ((floats(n),), {"factor": 0.5})
CASES["clip_values"] = lambda n: ((floats(n),), {"limit": 0.75})
CASES["sum_squares"] = lambda n: ((floats(n, 4),), {})

IN_PLACE = {name for name in CASES if name.endswith("_update")} - {"scatter_update"}
IN_PLACE |= {"accumulate", "scale", "clip_values", "copy_into"}
"""What writes to its arguments, as its contract says."""

UP_TO_SIGN = {"qr", "svd", "eigh", "eig"}
"""Factorizations whose vectors have an arbitrary sign."""
