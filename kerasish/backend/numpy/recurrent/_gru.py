"""The gated recurrent unit, with the reset before or after the product."""

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
    """The projected inputs become the gates, in place."""
    activate, _ = activation_and_slope("gru", activation)
    recur, _ = activation_and_slope("gru", recurrent_activation, recurrent=True)
    h, weights, recurrent, shift = widened(h0, kernel, recurrent_kernel, bias)
    valid = mask_steps(mask, reverse)
    units = h.shape[1]
    inner_shift = None
    if shift is not None and reset_after:
        inner_shift = shift[1, 2 * units :]
        shift = shift[0] + np.concatenate([shift[1, : 2 * units], np.zeros_like(inner_shift)])
    gates = project(time_major(x, reverse), weights, shift)
    states, inner = np.empty((2, len(gates), *h.shape), gates.dtype)
    # After the reset, one product serves all gates; before it, the candidate's needs a second one.
    joint = recurrent if reset_after else np.ascontiguousarray(recurrent[:, : 2 * units])
    own = np.ascontiguousarray(recurrent[:, 2 * units :])
    product, spare = np.empty((len(h), joint.shape[1]), gates.dtype), np.empty_like(h)
    with np.errstate(over="ignore"):
        for t, gate in enumerate(gates):
            state = states[t]
            np.dot(h, joint, out=product)
            zr, candidate = gate[:, : 2 * units], gate[:, 2 * units :]
            np.add(zr, product[:, : 2 * units], out=zr)
            recur(zr)
            if reset_after:
                if inner_shift is None:
                    np.copyto(inner[t], product[:, 2 * units :])
                else:
                    np.add(product[:, 2 * units :], inner_shift, out=inner[t])
                np.multiply(gate[:, units : 2 * units], inner[t], out=spare)
            else:
                np.multiply(gate[:, units : 2 * units], h, out=inner[t])
                np.dot(inner[t], own, out=spare)
            np.add(candidate, spare, out=candidate)
            activate(candidate)
            np.subtract(h, candidate, out=spare)
            np.multiply(spare, gate[:, :units], out=spare)
            np.add(spare, candidate, out=state)
            if valid is not None:
                np.copyto(state, h, where=~valid[t])
            h = state
    outputs = shown_outputs(states, valid, zero_output_for_mask)
    dtype = x.dtype
    return (
        batch_major(outputs, dtype),
        narrow(h.copy(), dtype),
        batch_major(states, dtype),
        batch_major(gates, dtype),
        batch_major(inner, dtype),
    )


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
    """Factors of all gates first; a step then only multiplies them by `dh`."""
    _, slope = activation_and_slope("gru_backward", activation)
    _, recurrent_slope = activation_and_slope("gru_backward", recurrent_activation, recurrent=True)
    first, weights, recurrent = widened(h0, kernel, recurrent_kernel)
    valid = mask_steps(mask, reverse)
    steps, gate, inner_steps = time_major(x, reverse), time_major(gates), time_major(inner)
    before = states_before(first, time_major(states))
    dsteps = output_gradients(doutputs, valid, zero_output_for_mask)
    length, batch, units = before.shape
    z, r, candidate = (gate.reshape(length, batch, 3, units)[:, :, k] for k in range(3))
    dz = np.empty_like(gate)
    factors = dz.reshape(length, batch, 3, units)
    to_candidate = slope(candidate)
    to_candidate *= 1.0 - z
    np.multiply(before - candidate, recurrent_slope(z), out=factors[:, :, 0])
    np.multiply(inner_steps if reset_after else before, recurrent_slope(r), out=factors[:, :, 1])
    kept = z
    if valid is not None:
        to_candidate *= valid
        factors[:, :, :2] *= valid[:, :, None]
        kept = np.where(valid, z, z.dtype.type(1))
    if reset_after:
        factors[:, :, 1] *= to_candidate
        np.multiply(to_candidate, r, out=factors[:, :, 2])
    else:
        factors[:, :, 2] = to_candidate
    dh, spare = state_gradient(dh_last, h0), np.empty_like(first)
    joint = np.ascontiguousarray((recurrent if reset_after else recurrent[:, : 2 * units]).T)
    own = np.ascontiguousarray(recurrent[:, 2 * units :].T)
    dinner = np.empty_like(first)
    for t in range(length - 1, -1, -1):
        factor = factors[t]
        if dsteps is not None:
            np.add(dh, dsteps[t], out=dh)
        if reset_after:
            np.multiply(factor, dh[:, None], out=factor)
            np.multiply(to_candidate[t], dh, out=to_candidate[t])
            np.dot(dz[t], joint, out=spare)
        else:
            np.multiply(factor[:, ::2], dh[:, None], out=factor[:, ::2])
            np.dot(dz[t, :, 2 * units :], own, out=dinner)
            np.multiply(factor[:, 1], dinner, out=factor[:, 1])
            np.dot(dz[t, :, : 2 * units], joint, out=spare)
            np.multiply(dinner, r[t], out=dinner)
            np.add(spare, dinner, out=spare)
        np.multiply(dh, kept[t], out=dh)
        np.add(spare, dh, out=spare)
        dh, spare = spare, dh
    drecurrent = weight_gradient(before, dz)
    dbias = None if bias is None else dz.sum(axis=(0, 1))
    if reset_after:
        factors[:, :, 2] = to_candidate
        if dbias is not None:
            dbias = np.stack([dz.sum(axis=(0, 1)), dbias])
    else:
        drecurrent[:, 2 * units :] = weight_gradient(inner_steps, dz[:, :, 2 * units :])
    dtype = x.dtype
    return (
        batch_major(input_gradient(dz, weights), dtype, reverse),
        narrow(dh, dtype),
        narrow(weight_gradient(steps, dz), dtype),
        narrow(drecurrent, dtype),
        None if dbias is None else narrow(dbias, dtype),
    )
