"""Recurrent networks over whole sequences: one kernel runs all time steps.

Sequences are `(batch, time, features)`. A step that a mask switches off leaves the states as they are, and its
output repeats the one before it (zeros before the first step that counts), or is zero with
`zero_output_for_mask`. With `reverse` the last time step comes first, and outputs are in the order of
processing, as those of Keras's `go_backwards`.
"""

from __future__ import annotations

from typing import Any

from kerasish.autodiff import Node, Tensor, apply, convert_to_tensor, fused, op
from kerasish.backend import K
from kerasish.ops.promotion import as_float, autocasted
from kerasish.ops.unrolled import ACTIVATIONS as ACTIVATIONS
from kerasish.ops.unrolled import RECURRENT_ACTIVATIONS as RECURRENT_ACTIVATIONS
from kerasish.ops.unrolled import gru_gradient, lstm_gradient, simple_rnn_gradient


def _like(*arrays: Any) -> list[Any]:
    return [None if array is None else (array.shape, array.dtype) for array in arrays]


def _states(x: Any, units: int, *widths: int) -> list[Any]:
    """The specs of `(batch, time, width)` arrays, after those of `(batch, units)`."""
    batch, time, _ = x.shape
    return [((batch, time, width * units), x.dtype) for width in widths]


def _simple_rnn_vjp(node: Node, d_outputs: Any, d_last: Any, d_states: Any) -> tuple[Any, ...]:
    grads = apply(SIMPLE_RNN_BACKWARD, (d_outputs, d_last, *node.inputs, *node.outputs), node.attrs)
    return (*grads, None)


SIMPLE_RNN, SIMPLE_RNN_BACKWARD = fused(
    "simple_rnn",
    "simple_rnn_backward",
    _simple_rnn_vjp,
    simple_rnn_gradient,
    lambda x, h0, *rest, **attrs: [
        *_states(x, h0.shape[1], 1),
        *_like(h0),
        *_states(x, h0.shape[1], 1),
    ],
    lambda d_outputs, d_last, x, h0, kernel, recurrent, bias, *rest, **attrs: _like(x, h0, kernel, recurrent, bias),
)


def _lstm_vjp(node: Node, d_outputs: Any, d_h: Any, d_c: Any, d_gates: Any, d_cells: Any) -> tuple[Any, ...]:
    grads = apply(LSTM_BACKWARD, (d_outputs, d_h, d_c, *node.inputs, *node.outputs), node.attrs)
    return (*grads, None)


LSTM, LSTM_BACKWARD = fused(
    "lstm",
    "lstm_backward",
    _lstm_vjp,
    lstm_gradient,
    lambda x, h0, c0, *rest, **attrs: [
        *_states(x, h0.shape[1], 1),
        *_like(h0, c0),
        *_states(x, h0.shape[1], 4, 1),
    ],
    lambda d_outputs, d_h, d_c, x, h0, c0, kernel, recurrent, bias, *rest, **attrs: _like(
        x, h0, c0, kernel, recurrent, bias
    ),
)


def _gru_vjp(node: Node, d_outputs: Any, d_last: Any, d_states: Any, d_gates: Any, d_inner: Any) -> tuple[Any, ...]:
    grads = apply(GRU_BACKWARD, (d_outputs, d_last, *node.inputs, *node.outputs), node.attrs)
    return (*grads, None)


GRU, GRU_BACKWARD = fused(
    "gru",
    "gru_backward",
    _gru_vjp,
    gru_gradient,
    lambda x, h0, *rest, **attrs: [
        *_states(x, h0.shape[1], 1),
        *_like(h0),
        *_states(x, h0.shape[1], 1, 3, 1),
    ],
    lambda d_outputs, d_last, x, h0, kernel, recurrent, bias, *rest, **attrs: _like(x, h0, kernel, recurrent, bias),
)


def _operands(
    name: str,
    x: Any,
    states: tuple[Any, ...],
    kernel: Any,
    recurrent: Any,
    bias: Any,
    mask: Any,
    gates: int,
    rows: int = 1,
) -> tuple[Any, ...]:
    """All inputs of a kernel as tensors of the dtype of `x`, with their shapes checked."""
    x = autocasted(as_float(x))
    kernel, recurrent = [convert_to_tensor(autocasted(convert_to_tensor(w)), x.dtype) for w in (kernel, recurrent)]
    units = recurrent.shape[0] if recurrent.ndim else 0
    if x.ndim != 3:
        raise ValueError(f"{name}: inputs must be (batch, time, features). Received: inputs.shape={x.shape}")
    expected = (x.shape[2], gates * units), (units, gates * units)
    if (kernel.shape, recurrent.shape) != expected:
        raise ValueError(
            f"{name}: expected a kernel of shape (features, {gates} * units) and a recurrent kernel of shape "
            f"(units, {gates} * units). Received: inputs.shape={x.shape}, kernel.shape={kernel.shape}, "
            f"recurrent_kernel.shape={recurrent.shape}"
        )
    given = []
    for state in states:
        if state is None:
            state = Tensor(K.zeros((x.shape[0], units), dtype=x.array.dtype))
        state = convert_to_tensor(autocasted(convert_to_tensor(state)), x.dtype)
        if state.shape != (x.shape[0], units):
            raise ValueError(
                f"{name}: expected initial states of shape (batch, units) = {(x.shape[0], units)}. "
                f"Received: shape={state.shape}"
            )
        given.append(state)
    if bias is not None:
        bias = convert_to_tensor(autocasted(convert_to_tensor(bias)), x.dtype)
        wanted = (gates * units,) if rows == 1 else (rows, gates * units)
        if bias.shape != wanted:
            raise ValueError(f"{name}: expected a bias of shape {wanted}. Received: bias.shape={bias.shape}")
    if mask is not None:
        mask = convert_to_tensor(convert_to_tensor(mask), "bool")
        if mask.shape != x.shape[:2]:
            raise ValueError(
                f"{name}: expected a mask of shape (batch, time) = {x.shape[:2]}. Received: mask.shape={mask.shape}"
            )
    return (x, *given, kernel, recurrent, bias, mask)


def _known(name: str, argument: str, value: str, known: dict[str, Any]) -> str:
    if value not in known:
        raise ValueError(f"{name}: {argument} must be one of {sorted(known)}. Received: {argument}={value!r}")
    return value


@op
def simple_rnn(
    inputs: Any,
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any = None,
    initial_state: Any = None,
    mask: Any = None,
    *,
    activation: str = "tanh",
    reverse: bool = False,
    zero_output_for_mask: bool = False,
) -> tuple[Tensor, Tensor]:
    """The Elman network: `h_t = activation(x_t kernel + h_(t-1) recurrent_kernel + bias)`.

    An extension of `keras.ops`: what the layer `SimpleRNN` calls.

    Args:
        inputs: `(batch, time, features)`.
        kernel: `(features, units)`.
        recurrent_kernel: `(units, units)`.
        bias: `(units,)`, or None.
        initial_state: `(batch, units)`; None is zeros.
        mask: Booleans, `(batch, time)`, or None.
        activation: A key of `ACTIVATIONS`.
        reverse: Whether to go from the last step to the first.
        zero_output_for_mask: Whether steps that the mask switches off put out zeros.

    Returns:
        The outputs `(batch, time, units)` and the last state `(batch, units)`.

    Raises:
        ValueError: If shapes do not fit, or the activation is another one.

    >>> outputs, last = simple_rnn([[[1.0], [2.0]]], [[1.0]], [[1.0]], activation="linear")
    >>> outputs.tolist(), last.tolist()
    ([[[1.0], [3.0]]], [[3.0]])
    """
    name = "simple_rnn"
    operands = _operands(name, inputs, (initial_state,), kernel, recurrent_kernel, bias, mask, 1)
    attrs = {
        "activation": _known(name, "activation", activation, ACTIVATIONS),
        "reverse": bool(reverse),
        "zero_output_for_mask": bool(zero_output_for_mask),
    }
    outputs, last, _ = apply(SIMPLE_RNN, operands, attrs)
    return outputs, last


@op
def lstm(
    inputs: Any,
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any = None,
    initial_state: Any = None,
    mask: Any = None,
    *,
    activation: str = "tanh",
    recurrent_activation: str = "sigmoid",
    reverse: bool = False,
    zero_output_for_mask: bool = False,
) -> tuple[Tensor, Tensor, Tensor]:
    """Long short-term memory. An extension of `keras.ops`: what the layer `LSTM` calls.

    With `z_i, z_f, z_g, z_o = x_t kernel + h_(t-1) recurrent_kernel + bias` and the recurrent activation `s`:
    `c_t = s(z_f) * c_(t-1) + s(z_i) * activation(z_g)` and `h_t = s(z_o) * activation(c_t)`.

    Args:
        inputs: `(batch, time, features)`.
        kernel: `(features, 4 * units)`.
        recurrent_kernel: `(units, 4 * units)`.
        bias: `(4 * units,)`, or None.
        initial_state: The pair `(h, c)` of tensors `(batch, units)`; None is zeros.
        mask: Booleans, `(batch, time)`, or None.
        activation: A key of `ACTIVATIONS`.
        recurrent_activation: A key of `RECURRENT_ACTIVATIONS`.
        reverse: Whether to go from the last step to the first.
        zero_output_for_mask: Whether steps that the mask switches off put out zeros.

    Returns:
        The outputs `(batch, time, units)`, and the last `h` and `c`, `(batch, units)`.

    Raises:
        ValueError: If shapes do not fit, or an activation is another one.

    Source: Hochreiter and Schmidhuber, 1997.

    >>> outputs, h, c = lstm([[[1.0]]], [[0.0] * 4], [[0.0] * 4], initial_state=([[0.0]], [[2.0]]))
    >>> c.tolist()
    [[1.0]]
    """
    name = "lstm"
    states = (None, None) if initial_state is None else tuple(initial_state)
    if len(states) != 2:
        raise ValueError(f"lstm: initial_state must be a pair of tensors. Received: {len(states)} of them")
    operands = _operands(name, inputs, states, kernel, recurrent_kernel, bias, mask, 4)
    attrs = {
        "activation": _known(name, "activation", activation, ACTIVATIONS),
        "recurrent_activation": _known(name, "recurrent_activation", recurrent_activation, RECURRENT_ACTIVATIONS),
        "reverse": bool(reverse),
        "zero_output_for_mask": bool(zero_output_for_mask),
    }
    outputs, h, c, _, _ = apply(LSTM, operands, attrs)
    return outputs, h, c


@op
def gru(
    inputs: Any,
    kernel: Any,
    recurrent_kernel: Any,
    bias: Any = None,
    initial_state: Any = None,
    mask: Any = None,
    *,
    activation: str = "tanh",
    recurrent_activation: str = "sigmoid",
    reset_after: bool = True,
    reverse: bool = False,
    zero_output_for_mask: bool = False,
) -> tuple[Tensor, Tensor]:
    """Gated recurrent unit. An extension of `keras.ops`: what the layer `GRU` calls.

    With `a = x_t kernel + bias`, `b = h_(t-1) recurrent_kernel + recurrent_bias` and the recurrent activation
    `s`: `z = s(a_z + b_z)`, `r = s(a_r + b_r)`, `h_t = z * h_(t-1) + (1 - z) * candidate`. The candidate is
    `activation(a_h + r * b_h)` with `reset_after`, else `activation(a_h + (r * h_(t-1)) R_h)`.

    Args:
        inputs: `(batch, time, features)`.
        kernel: `(features, 3 * units)`.
        recurrent_kernel: `(units, 3 * units)`.
        bias: `(2, 3 * units)` with `reset_after`, else `(3 * units,)`; or None.
        initial_state: `(batch, units)`; None is zeros.
        mask: Booleans, `(batch, time)`, or None.
        activation: A key of `ACTIVATIONS`.
        recurrent_activation: A key of `RECURRENT_ACTIVATIONS`.
        reset_after: Whether the reset gate acts after the recurrent product.
        reverse: Whether to go from the last step to the first.
        zero_output_for_mask: Whether steps that the mask switches off put out zeros.

    Returns:
        The outputs `(batch, time, units)` and the last state `(batch, units)`.

    Raises:
        ValueError: If shapes do not fit, or an activation is another one.

    Source: Cho et al., 2014, arXiv:1406.1078.

    >>> outputs, last = gru([[[1.0]]], [[0.0] * 3], [[0.0] * 3], initial_state=[[2.0]])
    >>> last.tolist()
    [[1.0]]
    """
    name = "gru"
    rows = 2 if reset_after else 1
    operands = _operands(name, inputs, (initial_state,), kernel, recurrent_kernel, bias, mask, 3, rows)
    attrs = {
        "activation": _known(name, "activation", activation, ACTIVATIONS),
        "recurrent_activation": _known(name, "recurrent_activation", recurrent_activation, RECURRENT_ACTIVATIONS),
        "reset_after": bool(reset_after),
        "reverse": bool(reverse),
        "zero_output_for_mask": bool(zero_output_for_mask),
    }
    outputs, last, _, _, _ = apply(GRU, operands, attrs)
    return outputs, last
