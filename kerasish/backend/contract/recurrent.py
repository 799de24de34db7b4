"""Recurrent networks over whole sequences, and their gradients. Gates are laid out as Keras lays them out.

Shapes: `x` (N, T, D), `h0` and `c0` (N, U), `mask` bool (N, T) or None. At a masked step (False) the states
stay, and the output repeats the output before it (zeros before the first valid step), or is zero with
`zero_output_for_mask`. `reverse` runs from the last time step to the first; outputs and caches are then in
the order of processing, as those of Keras' `go_backwards`. `activation` is one of "tanh", "relu", "sigmoid",
"linear"; `recurrent_activation` also of "hard_sigmoid" (`relu6(x + 3) / 6`). An unknown name raises a
ValueError.

All arrays have the dtype of `x`; half precision is computed in float32. Outputs and caches are (N, T, ...)
arrays, possibly transposed views of time-major memory, and may share it: neither may be written to. `h_last`
and `c_last` are arrays of their own. Each backward kernel takes the gradients of the outputs (N, T, U) and of
the last states (N, U), None standing for zero, then the inputs and all results of its forward, with the same
attributes.
"""

from __future__ import annotations

from kerasish.backend.contract.types import Array

__all__ = ["gru", "gru_backward", "lstm", "lstm_backward", "simple_rnn", "simple_rnn_backward"]


def simple_rnn(
    x: Array,
    h0: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    mask: Array | None,
    *,
    activation: str,
    reverse: bool,
    zero_output_for_mask: bool,
) -> tuple[Array, Array, Array]:
    """`h_t = activation(x_t kernel + h_(t-1) recurrent_kernel + bias)`; returns `(outputs, h_last, states)`.

    `kernel` (D, U), `recurrent_kernel` (U, U), `bias` (U,). `outputs` and `states`, the state after each
    step, are (N, T, U); they differ at masked steps only. `h_last` is (N, U).
    """
    raise NotImplementedError


def simple_rnn_backward(
    doutputs: Array | None,
    dh_last: Array | None,
    x: Array,
    h0: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    mask: Array | None,
    outputs: Array,
    h_last: Array,
    states: Array,
    *,
    activation: str,
    reverse: bool,
    zero_output_for_mask: bool,
) -> tuple[Array, Array, Array, Array, Array | None]:
    """Gradients `(dx, dh0, dkernel, drecurrent_kernel, dbias)` of `simple_rnn`.

    With `dz_t = activation'(z_t) * dh_t`: `dh_(t-1) = dz_t recurrent_kernel^T` and the gradient of output `t
    - 1`.
    """
    raise NotImplementedError


def lstm(
    x: Array,
    h0: Array,
    c0: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    mask: Array | None,
    *,
    activation: str,
    recurrent_activation: str,
    reverse: bool,
    zero_output_for_mask: bool,
) -> tuple[Array, Array, Array, Array, Array]:
    """Long short-term memory; returns `(outputs, h_last, c_last, gates, cells)`.

    With `z_i, z_f, z_g, z_o = x_t kernel + h_(t-1) recurrent_kernel + bias`, `s` the recurrent activation:
    `i, f, o = s(z_i), s(z_f), s(z_o)`, `g = activation(z_g)`, `c_t = f * c_(t-1) + i * g`,
    `h_t = o * activation(c_t)`. `kernel` (D, 4U), `recurrent_kernel` (U, 4U), `bias` (4U,).

    `outputs` (N, T, U); `h_last`, `c_last` (N, U); `gates` (N, T, 4U): i, f, g, o, of no meaning at masked
    steps; `cells` (N, T, U): the cell state after each step.
    """
    raise NotImplementedError


def lstm_backward(
    doutputs: Array | None,
    dh_last: Array | None,
    dc_last: Array | None,
    x: Array,
    h0: Array,
    c0: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    mask: Array | None,
    outputs: Array,
    h_last: Array,
    c_last: Array,
    gates: Array,
    cells: Array,
    *,
    activation: str,
    recurrent_activation: str,
    reverse: bool,
    zero_output_for_mask: bool,
) -> tuple[Array, Array, Array, Array, Array, Array | None]:
    """Gradients `(dx, dh0, dc0, dkernel, drecurrent_kernel, dbias)` of `lstm`.

    Going back in time, `dc += dh * o * activation'(c)`; the gates get `dc * g`, `dc * c_(t-1)`, `dc * i` and
    `dh * activation(c)`, times their own derivatives; then `dc *= f` and `dh = dz recurrent_kernel^T`.
    """
    raise NotImplementedError


def gru(
    x: Array,
    h0: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    mask: Array | None,
    *,
    activation: str,
    recurrent_activation: str,
    reset_after: bool,
    reverse: bool,
    zero_output_for_mask: bool,
) -> tuple[Array, Array, Array, Array, Array]:
    """Gated recurrent unit; returns `(outputs, h_last, states, gates, inner)`.

    `kernel` (D, 3U) and `recurrent_kernel` (U, 3U) hold the columns of z, r and the candidate. `bias` is
    (3U,), or with `reset_after` (2, 3U): one row for the input, one for the recurrent product. With `a = x_t
    kernel + bias`, `b = h_(t-1) recurrent_kernel + recurrent_bias`, `s` the recurrent activation: `z = s(a_z
    + b_z)`, `r = s(a_r + b_r)`, `h_t = z * h_(t-1) + (1 - z) * candidate`, where `candidate = activation(a_h
    + r * b_h)` with `reset_after`, else `activation(a_h + (r * h_(t-1)) R_h)`.

    `outputs` and `states` (N, T, U) as in `simple_rnn`; `h_last` (N, U); `gates` (N, T, 3U): z, r, candidate;
    `inner` (N, T, U): `b_h` with `reset_after`, else `r * h_(t-1)`. Gates and inner have no meaning at masked
    steps.
    """
    raise NotImplementedError


def gru_backward(
    doutputs: Array | None,
    dh_last: Array | None,
    x: Array,
    h0: Array,
    kernel: Array,
    recurrent_kernel: Array,
    bias: Array | None,
    mask: Array | None,
    outputs: Array,
    h_last: Array,
    states: Array,
    gates: Array,
    inner: Array,
    *,
    activation: str,
    recurrent_activation: str,
    reset_after: bool,
    reverse: bool,
    zero_output_for_mask: bool,
) -> tuple[Array, Array, Array, Array, Array | None]:
    """Gradients `(dx, dh0, dkernel, drecurrent_kernel, dbias)` of `gru`.

    The gates get `dz = dh * (h_(t-1) - candidate)`, `dcandidate = dh * (1 - z)` and `dr`, the gradient of the
    candidate's argument times `inner` (`reset_after`) or, through `R_h^T`, times `h_(t-1)`; each times its
    own derivative. The recurrent bias' row of `dbias` is the sum of the recurrent products' gradients.
    """
    raise NotImplementedError
