"""Recurrent networks: one product projects all inputs; then the steps follow one another.

Where the recurrent kernel fits into a block's shared memory, one kernel goes through the whole sequence, a block for
a few samples. Otherwise each step is a product, added to the step's projected inputs, and one kernel for the cell.
Backward, the steps only find the gradients of the pre-activations; the products with inputs and states come last,
one for all steps.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from kerasish.backend.contract.types import Array
from kerasish.backend.cupy._device import cp
from kerasish.backend.cupy._gemm import gemm
from kerasish.backend.cupy._launch import FLOATS, Kernel, blocks, c_type, contiguous

__all__ = ["gru", "gru_backward", "lstm", "lstm_backward", "simple_rnn", "simple_rnn_backward"]

_SIMPLE_RNN, _LSTM, _GRU_RESET_AFTER, _GRU_RESET_BEFORE = range(4)
_GATES = (1, 4, 3, 3)
_ACTIVATIONS = {"linear": 0, "relu": 1, "sigmoid": 2, "tanh": 3, "hard_sigmoid": 4}

_STEP_THREADS = 256
_SEQUENCE_THREADS = 512
_SAMPLES = 4

_PREVIOUS = Kernel("recurrent.cu", "recurrent_previous")
_STEP = Kernel("recurrent.cu", "recurrent_step", T=FLOATS)
_SEQUENCE = Kernel("recurrent.cu", "recurrent_sequence", T=FLOATS)
_STEP_BACK = Kernel("recurrent.cu", "recurrent_step_back", T=FLOATS)
_SEQUENCE_BACK = Kernel("recurrent.cu", "recurrent_sequence_back", T=FLOATS)


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
    """The states are the only cache."""
    code = _activation("simple_rnn", activation)
    network = _network(_SIMPLE_RNN, x, h0, mask, code, 0, reverse, zero_output_for_mask)
    trace, h_last, _ = _forward(network, x, h0, None, kernel, recurrent_kernel, bias)
    return trace.outputs, h_last, trace.states


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
    """Steps back, then one product for each gradient."""
    code = _activation("simple_rnn_backward", activation)
    network = _network(_SIMPLE_RNN, x, h0, mask, code, 0, reverse, zero_output_for_mask)
    trace = _Trace(outputs=contiguous(outputs), states=contiguous(states))
    dx, dh0, _, *rest = _backward(
        network, trace, doutputs, (dh_last, None), x, h0, None, kernel, recurrent_kernel, bias
    )
    return dx, dh0, *rest


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
    """Gates and cell states are kept for the backward kernel."""
    code = _activation("lstm", activation)
    recurrent_code = _activation("lstm", recurrent_activation, recurrent=True)
    network = _network(_LSTM, x, h0, mask, code, recurrent_code, reverse, zero_output_for_mask)
    trace, h_last, c_last = _forward(network, x, h0, c0, kernel, recurrent_kernel, bias)
    return trace.outputs, h_last, c_last, trace.gates, trace.states


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
    """Steps back, then one product for each gradient."""
    code = _activation("lstm_backward", activation)
    recurrent_code = _activation("lstm_backward", recurrent_activation, recurrent=True)
    network = _network(_LSTM, x, h0, mask, code, recurrent_code, reverse, zero_output_for_mask)
    trace = _Trace(outputs=contiguous(outputs), states=contiguous(cells), gates=contiguous(gates))
    return _backward(network, trace, doutputs, (dh_last, dc_last), x, h0, c0, kernel, recurrent_kernel, bias)


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
    """A reset before the product makes two products of each step."""
    code = _activation("gru", activation)
    recurrent_code = _activation("gru", recurrent_activation, recurrent=True)
    cell = _GRU_RESET_AFTER if reset_after else _GRU_RESET_BEFORE
    network = _network(cell, x, h0, mask, code, recurrent_code, reverse, zero_output_for_mask)
    trace, h_last, _ = _forward(network, x, h0, None, kernel, recurrent_kernel, bias)
    return trace.outputs, h_last, trace.states, trace.gates, trace.inner


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
    """Steps back, then one product for each gradient."""
    code = _activation("gru_backward", activation)
    recurrent_code = _activation("gru_backward", recurrent_activation, recurrent=True)
    cell = _GRU_RESET_AFTER if reset_after else _GRU_RESET_BEFORE
    network = _network(cell, x, h0, mask, code, recurrent_code, reverse, zero_output_for_mask)
    trace = _Trace(contiguous(outputs), contiguous(states), contiguous(gates), contiguous(inner))
    dx, dh0, _, *rest = _backward(
        network, trace, doutputs, (dh_last, None), x, h0, None, kernel, recurrent_kernel, bias
    )
    return dx, dh0, *rest


@dataclass
class _Trace:
    """What a forward pass gives, as contiguous (N, T, ...) arrays; `states` are the cell states of an LSTM."""

    outputs: Array
    states: Array
    gates: Array = None
    inner: Array = None


@dataclass
class _Network:
    """The kind of cell, the sizes, and the arguments that all kernels share."""

    cell: int
    samples: int
    steps: int
    units: int
    reverse: bool
    masked: bool
    dtype: Any
    wide: Any
    arguments: tuple[Any, ...]

    @property
    def columns(self) -> int:
        """How many pre-activations a step has."""
        return _GATES[self.cell] * self.units

    @property
    def empty(self) -> bool:
        """Whether there is nothing to step through."""
        return not (self.samples and self.steps and self.units)

    def input(self, step: int) -> int:
        """The time step that is read at this step."""
        return self.steps - 1 - step if self.reverse else step

    def fits(self, shared: int) -> bool:
        """Whether one block can take a whole sequence: a thread for each column, so much shared memory."""
        limit = _largest_shared_memory(cp.cuda.runtime.getDevice())
        return self.columns <= _SEQUENCE_THREADS and shared <= limit

    def sequence_grid(self) -> tuple[int, int]:
        """Blocks and threads of the kernels that go through a whole sequence."""
        return blocks(self.samples, _SAMPLES), min(_SEQUENCE_THREADS, max(128, blocks(self.columns, 32) * 32))

    def step_grid(self) -> tuple[int, int]:
        """Blocks and threads of the kernels for one step."""
        return blocks(self.samples * self.units, _STEP_THREADS), _STEP_THREADS


def _network(
    cell: int, x: Array, h0: Array, mask: Array | None, activation: int, recurrent: int, reverse: bool, zero: bool
) -> _Network:
    samples, steps, _ = x.shape
    units = h0.shape[1]
    strides = (0, 0)
    if mask is not None:
        mask = mask.astype(np.bool_, copy=False)
        strides = mask.strides
    numbers = [samples, steps, units, cell, activation, recurrent, int(reverse), int(zero)]
    arguments = (mask, np.int64(strides[0]), np.int64(strides[1]), *[np.int32(number) for number in numbers])
    wide = np.dtype(np.float64 if x.dtype == np.float64 else np.float32)
    return _Network(cell, samples, steps, units, reverse, mask is not None, x.dtype, wide, arguments)


def _activation(kernel: str, name: str, recurrent: bool = False) -> int:
    if name not in _ACTIVATIONS or (name == "hard_sigmoid" and not recurrent):
        argument = "recurrent_activation" if recurrent else "activation"
        names = [known for known in _ACTIVATIONS if recurrent or known != "hard_sigmoid"]
        raise ValueError(f"{kernel}: expected {argument} to be one of {names}. Received: {argument}={name!r}")
    return _ACTIVATIONS[name]


@cache
def _largest_shared_memory(device: int) -> int:
    """How many bytes of shared memory a block can ask for."""
    most_per_block_on_request = 97
    return int(cp.cuda.runtime.deviceGetAttribute(most_per_block_on_request, device))


def _flat(a: Array) -> Array:
    """(N, T, columns) as (N T, columns)."""
    return contiguous(a).reshape(a.shape[0] * a.shape[1], a.shape[2])


def _forward(
    network: _Network, x: Array, h0: Array, c0: Array | None, kernel: Array, recurrent: Array, bias: Array | None
) -> tuple[_Trace, Array, Any]:
    samples, steps, units, columns = network.samples, network.steps, network.units, network.columns
    dtype, wide, cell = network.dtype, network.wide, network.cell
    states = cp.empty((samples, steps, units), dtype)
    # Without a mask the outputs are the states; those of an LSTM are not kept otherwise.
    outputs = states if cell != _LSTM and not network.masked else cp.empty_like(states)
    gates = None if cell == _SIMPLE_RNN else cp.empty((samples, steps, columns), dtype)
    inner = cp.empty_like(states) if cell >= _GRU_RESET_AFTER else None
    trace = _Trace(outputs, states, gates, inner)
    if network.empty:
        return trace, h0.copy(), None if c0 is None else c0.copy()
    recurrent_bias = None
    if cell == _GRU_RESET_AFTER and bias is not None:
        bias, recurrent_bias = contiguous(bias)
    z = gemm(_flat(x), kernel, bias=bias, dtype=wide).reshape(samples, steps, columns)
    # States, reset states, sums of the columns and the recurrent kernel.
    shared = (3 * units + columns + units) * _SAMPLES * wide.itemsize + units * columns * dtype.itemsize
    if network.fits(shared):
        h_last = cp.empty((samples, units), dtype)
        c_last = cp.empty_like(h_last) if cell == _LSTM else None
        arrays = (z, contiguous(recurrent), recurrent_bias, contiguous(h0), None if c0 is None else contiguous(c0))
        results = (gates, outputs, states, inner, h_last, c_last)
        _SEQUENCE((c_type(dtype),), *network.sequence_grid(), (*network.arguments, *arrays, *results), shared)
        return trace, h_last, c_last
    h, c = _stepped(network, trace, z, h0, c0, contiguous(recurrent), recurrent_bias)
    return trace, h.astype(dtype, copy=False), None if c is None else c.astype(dtype, copy=False)


def _stepped(
    network: _Network, trace: _Trace, z: Array, h0: Array, c0: Array | None, recurrent: Array, bias: Array | None
) -> tuple[Array, Array | None]:
    """A product and a kernel a step; the last states, in the wide dtype."""
    cell, units, wide = network.cell, network.units, network.wide
    h = cp.array(h0, dtype=wide, order="C")
    c = None if c0 is None else cp.array(c0, dtype=wide, order="C")
    hidden = h if wide == network.dtype else cp.array(h0, order="C")
    reset = cp.empty_like(hidden) if cell == _GRU_RESET_BEFORE else None
    product = cp.empty((network.samples, network.columns), wide) if cell == _GRU_RESET_AFTER else None
    key, grid = (c_type(network.dtype),), network.step_grid()
    results = (trace.gates, trace.outputs, trace.states, trace.inner)
    first, second = np.int32(0), np.int32(1)
    for k in range(network.steps):
        step = z[:, network.input(k)]
        number = np.int32(k)
        if cell == _GRU_RESET_BEFORE:
            gemm(hidden, recurrent[:, : 2 * units], out=step[:, : 2 * units], beta=1.0)
            _STEP(key, *grid, (*network.arguments, z, product, h, c, reset, *results, number, first))
            gemm(reset, recurrent[:, 2 * units :], out=step[:, 2 * units :], beta=1.0)
        elif cell == _GRU_RESET_AFTER:
            gemm(hidden, recurrent, out=product, bias=bias)
        else:
            gemm(hidden, recurrent, out=step, beta=1.0)
        _STEP(key, *grid, (*network.arguments, z, product, h, c, hidden, *results, number, second))
    return h, c


def _backward(
    network: _Network,
    trace: _Trace,
    doutputs: Array | None,
    dlast: tuple[Array | None, Array | None],
    x: Array,
    h0: Array,
    c0: Array | None,
    kernel: Array,
    recurrent: Array,
    bias: Array | None,
) -> tuple[Array, Array, Array, Array, Array, Array | None]:
    samples, steps, units, columns = network.samples, network.steps, network.units, network.columns
    dtype, cell = network.dtype, network.cell
    dz = cp.empty((samples, steps, columns), dtype)
    drecurrent = cp.empty_like(dz) if cell == _GRU_RESET_AFTER else None
    before = cp.empty((samples, steps, units), dtype)
    dlast = tuple([None if d is None else contiguous(d.astype(dtype, copy=False)) for d in dlast])  # type: ignore[assignment]
    if network.empty:
        dh0, dc0 = _state_gradient(dlast[0], h0, dtype), None if c0 is None else _state_gradient(dlast[1], c0, dtype)
    else:
        dh0, dc0 = _steps_back(network, trace, doutputs, dlast, h0, c0, contiguous(recurrent), dz, drecurrent, before)
    flat, to_recurrent = _flat(dz), _flat(dz if drecurrent is None else drecurrent)
    dweights = cp.empty(recurrent.shape, dtype)
    if cell == _GRU_RESET_BEFORE:
        inner = trace.inner[:, ::-1] if network.reverse else trace.inner
        gemm(_flat(before).T, flat[:, : 2 * units], out=dweights[:, : 2 * units])
        gemm(_flat(inner).T, flat[:, 2 * units :], out=dweights[:, 2 * units :])
    else:
        gemm(_flat(before).T, to_recurrent, out=dweights)
    dbias = None
    if bias is not None:
        dbias = cp.empty(bias.shape, dtype)
        for row, gradient in zip(dbias.reshape(-1, columns), (flat, to_recurrent)):
            row[...] = gradient.sum(axis=0, dtype=network.wide)
    dx = gemm(flat, kernel.T).reshape(x.shape)
    return dx, dh0, dc0, gemm(_flat(x).T, flat), dweights, dbias


def _state_gradient(gradient: Array | None, state: Array, dtype: Any) -> Array:
    """A new array with the gradient of a last state, zeros for None."""
    return cp.zeros(state.shape, dtype) if gradient is None else cp.array(gradient, dtype=dtype, order="C")


def _steps_back(
    network: _Network,
    trace: _Trace,
    doutputs: Array | None,
    dlast: tuple[Array | None, Array | None],
    h0: Array,
    c0: Array | None,
    recurrent: Array,
    dz: Array,
    drecurrent: Array | None,
    before: Array,
) -> tuple[Array, Array]:
    """Fill `dz`, `drecurrent` and `before`; the gradients of the first states."""
    cell, units, dtype, wide = network.cell, network.units, network.dtype, network.wide
    previous = None
    if network.masked:
        previous = cp.empty((network.samples, network.steps), np.int32)
        grid = blocks(network.samples, _STEP_THREADS)
        _PREVIOUS((), grid, _STEP_THREADS, (*network.arguments, previous))
    read = (
        None if doutputs is None else contiguous(doutputs.astype(dtype, copy=False)),
        previous,
        contiguous(h0),
        None if c0 is None else contiguous(c0),
        trace.outputs,
        trace.states,
        trace.gates,
        trace.inner,
    )
    arguments = (*network.arguments, *read, dz, drecurrent, before)
    key = (c_type(dtype),)
    # Gradients of the states, two values for each column, and the recurrent kernel.
    shared = (2 * units + 2 * network.columns) * _SAMPLES * wide.itemsize + recurrent.size * dtype.itemsize
    if network.fits(shared):
        dh0 = cp.empty((network.samples, units), dtype)
        dc0 = cp.empty_like(dh0) if cell == _LSTM else None
        _SEQUENCE_BACK(key, *network.sequence_grid(), (*arguments, recurrent, *dlast, dh0, dc0), shared)
        return dh0, dc0
    dh = _state_gradient(dlast[0], h0, wide)
    dc = None if c0 is None else _state_gradient(dlast[1], c0, wide)
    dinner = cp.empty_like(dh) if cell == _GRU_RESET_BEFORE else None
    product = dz if drecurrent is None else drecurrent
    first, second = np.int32(0), np.int32(1)
    for k in range(network.steps - 1, -1, -1):
        number, step = np.int32(k), product[:, network.input(k)]
        _STEP_BACK(key, *network.step_grid(), (*arguments, dh, dc, dinner, number, first))
        if cell == _GRU_RESET_BEFORE:
            gemm(step[:, 2 * units :], recurrent[:, 2 * units :].T, out=dinner)
            _STEP_BACK(key, *network.step_grid(), (*arguments, dh, dc, dinner, number, second))
            gemm(step[:, : 2 * units], recurrent[:, : 2 * units].T, out=dh, beta=1.0)
        else:
            gemm(step, recurrent.T, out=dh, beta=1.0)
    return dh.astype(dtype, copy=False), None if dc is None else dc.astype(dtype, copy=False)
