"""The long short-term memory cell."""

from __future__ import annotations

import numpy as np

from kerasish.backend.contract.types import Array
from kerasish.backend.numpy._widen import narrow
from kerasish.backend.numpy.recurrent._activations import activation_and_slope
from kerasish.backend.numpy.recurrent._sequence import (
    batch_major,
    input_gradient,
    mask_steps,
    output_gradients,
    project,
    shown_outputs,
    state_gradient,
    states_before,
    time_major,
    weight_gradient,
    widened,
)


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
    """The projected inputs become the gates, in place."""
    activate, _ = activation_and_slope("lstm", activation)
    recur, _ = activation_and_slope("lstm", recurrent_activation, recurrent=True)
    h, c, weights, recurrent, shift = widened(h0, c0, kernel, recurrent_kernel, bias)
    valid = mask_steps(mask, reverse)
    gates = project(time_major(x, reverse), weights, shift)
    units = h.shape[1]
    states, cells = np.empty((2, len(gates), *h.shape), gates.dtype)
    product, candidate = np.empty(gates.shape[1:], gates.dtype), np.empty_like(h)
    with np.errstate(over="ignore"):
        for t, gate in enumerate(gates):
            state, cell = states[t], cells[t]
            np.dot(h, recurrent, out=product)
            np.add(gate, product, out=gate)
            recur(gate[:, : 2 * units])
            activate(gate[:, 2 * units : 3 * units])
            recur(gate[:, 3 * units :])
            np.multiply(gate[:, units : 2 * units], c, out=cell)
            np.multiply(gate[:, :units], gate[:, 2 * units : 3 * units], out=candidate)
            np.add(cell, candidate, out=cell)
            if valid is not None:
                np.copyto(cell, c, where=~valid[t])
            np.copyto(candidate, cell)
            activate(candidate)
            np.multiply(gate[:, 3 * units :], candidate, out=state)
            if valid is not None:
                np.copyto(state, h, where=~valid[t])
            h, c = state, cell
    outputs = shown_outputs(states, valid, zero_output_for_mask)
    dtype = x.dtype
    return (
        batch_major(outputs, dtype),
        narrow(h.copy(), dtype),
        narrow(c.copy(), dtype),
        batch_major(gates, dtype),
        batch_major(cells, dtype),
    )


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
    """Factors of all gates first; a step then only multiplies them by `dh` and `dc`."""
    activate, slope = activation_and_slope("lstm_backward", activation)
    _, recurrent_slope = activation_and_slope("lstm_backward", recurrent_activation, recurrent=True)
    first, cell_first, weights, recurrent = widened(h0, c0, kernel, recurrent_kernel)
    valid = mask_steps(mask, reverse)
    steps, gate, cell = time_major(x, reverse), time_major(gates), time_major(cells)
    dsteps = output_gradients(doutputs, valid, zero_output_for_mask)
    length, batch, units = cell.shape
    parts = gate.reshape(length, batch, 4, units)
    i, f, g, o = (parts[:, :, k] for k in range(4))
    with np.errstate(over="ignore"):
        squashed = cell.copy()
        activate(squashed)
    # The outputs are the states, except at masked steps.
    states = time_major(outputs) if valid is None else o * squashed
    if valid is not None:
        for t in range(length):
            np.copyto(states[t], states[t - 1] if t else first, where=~valid[t])
    dz = np.empty_like(gate)
    factors = dz.reshape(length, batch, 4, units)
    np.multiply(g, recurrent_slope(i), out=factors[:, :, 0])
    np.multiply(states_before(cell_first, cell), recurrent_slope(f), out=factors[:, :, 1])
    np.multiply(i, slope(g), out=factors[:, :, 2])
    np.multiply(squashed, recurrent_slope(o), out=factors[:, :, 3])
    to_cell = slope(squashed)
    to_cell *= o
    kept = f
    if valid is not None:
        dz *= valid
        to_cell *= valid
        kept = np.where(valid, f, f.dtype.type(1))
    dh, dc, spare = state_gradient(dh_last, h0), state_gradient(dc_last, c0), np.empty_like(first)
    transposed = np.ascontiguousarray(recurrent.T)
    for t in range(length - 1, -1, -1):
        factor = factors[t]
        if dsteps is not None:
            np.add(dh, dsteps[t], out=dh)
        np.multiply(dh, to_cell[t], out=spare)
        np.add(dc, spare, out=dc)
        np.multiply(factor[:, :3], dc[:, None], out=factor[:, :3])
        np.multiply(factor[:, 3], dh, out=factor[:, 3])
        np.multiply(dc, kept[t], out=dc)
        np.dot(dz[t], transposed, out=spare)
        if valid is not None:
            np.add(spare, dh, out=spare, where=~valid[t])
        dh, spare = spare, dh
    dtype = x.dtype
    return (
        batch_major(input_gradient(dz, weights), dtype, reverse),
        narrow(dh, dtype),
        narrow(dc, dtype),
        narrow(weight_gradient(steps, dz), dtype),
        narrow(weight_gradient(states_before(first, states), dz), dtype),
        None if bias is None else narrow(dz.sum(axis=(0, 1)), dtype),
    )
