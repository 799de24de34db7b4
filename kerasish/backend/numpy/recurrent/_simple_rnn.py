"""The simple recurrent cell."""

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
    """The projected inputs become the states, in place."""
    activate, _ = activation_and_slope("simple_rnn", activation)
    h, weights, recurrent, shift = widened(h0, kernel, recurrent_kernel, bias)
    valid = mask_steps(mask, reverse)
    states = project(time_major(x, reverse), weights, shift)
    product = np.empty_like(h)
    with np.errstate(over="ignore"):
        for t, state in enumerate(states):
            np.dot(h, recurrent, out=product)
            np.add(state, product, out=state)
            activate(state)
            if valid is not None:
                np.copyto(state, h, where=~valid[t])
            h = state
    outputs = shown_outputs(states, valid, zero_output_for_mask)
    dtype = x.dtype
    return batch_major(outputs, dtype), narrow(h.copy(), dtype), batch_major(states, dtype)


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
    """The slopes of all steps become the gradients of the activations' arguments, in place."""
    _, slope = activation_and_slope("simple_rnn_backward", activation)
    first, weights, recurrent = widened(h0, kernel, recurrent_kernel)
    valid = mask_steps(mask, reverse)
    steps, after = time_major(x, reverse), time_major(states)
    dsteps = output_gradients(doutputs, valid, zero_output_for_mask)
    dz = slope(after)
    if valid is not None:
        dz *= valid
    dh, spare = state_gradient(dh_last, h0), np.empty_like(first)
    transposed = np.ascontiguousarray(recurrent.T)
    for t in range(len(dz) - 1, -1, -1):
        if dsteps is not None:
            np.add(dh, dsteps[t], out=dh)
        np.multiply(dz[t], dh, out=dz[t])
        np.dot(dz[t], transposed, out=spare)
        if valid is not None:
            np.add(spare, dh, out=spare, where=~valid[t])
        dh, spare = spare, dh
    dtype = x.dtype
    return (
        batch_major(input_gradient(dz, weights), dtype, reverse),
        narrow(dh, dtype),
        narrow(weight_gradient(steps, dz), dtype),
        narrow(weight_gradient(states_before(first, after), dz), dtype),
        None if bias is None else narrow(dz.sum(axis=(0, 1)), dtype),
    )
