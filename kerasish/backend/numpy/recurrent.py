"""Recurrent networks: one GEMM projects all inputs, each step adds a small GEMM and its gates.

Scratch is time-major, (T, N, ...), so that a step is one contiguous block. The backward kernels first turn
the caches into factors by which the incoming gradients are multiplied, for all steps at once; a masked step
has factors that pass the state's gradient on and give none to the weights. The products with `x` and the
states come last, one GEMM each.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kerasish.backend.contract.types import Array
from kerasish.backend.numpy._widen import narrow, wide_dtype


def _tanh(z: Array) -> None:
    np.tanh(z, out=z)


def _relu(z: Array) -> None:
    np.maximum(z, 0.0, out=z)


def _sigmoid(z: Array) -> None:
    np.negative(z, out=z)
    np.exp(z, out=z)
    np.add(z, 1.0, out=z)
    np.reciprocal(z, out=z)


def _hard_sigmoid(z: Array) -> None:
    np.multiply(z, 1.0 / 6.0, out=z)
    np.add(z, 0.5, out=z)
    np.maximum(z, 0.0, out=z)
    np.minimum(z, 1.0, out=z)


def _linear(z: Array) -> None:
    pass


def _tanh_slope(y: Array) -> Array:
    slope = y * y
    return np.subtract(1.0, slope, out=slope)


def _relu_slope(y: Array) -> Array:
    return (y > 0).astype(y.dtype)


def _sigmoid_slope(y: Array) -> Array:
    slope = 1.0 - y
    slope *= y
    return slope


def _hard_sigmoid_slope(y: Array) -> Array:
    slope = ((y > 0) & (y < 1)).astype(y.dtype)
    slope *= 1.0 / 6.0
    return slope


def _linear_slope(y: Array) -> Array:
    return np.ones_like(y)


_ACTIVATIONS: dict[str, tuple[Callable[[Array], None], Callable[[Array], Array]]] = {
    "tanh": (_tanh, _tanh_slope),
    "relu": (_relu, _relu_slope),
    "sigmoid": (_sigmoid, _sigmoid_slope),
    "hard_sigmoid": (_hard_sigmoid, _hard_sigmoid_slope),
    "linear": (_linear, _linear_slope),
}
"""Each activation in place, and its derivative as a new array, written in terms of its output."""


def _activation(
    kernel: str, name: str, recurrent: bool = False
) -> tuple[Callable[[Array], None], Callable[[Array], Array]]:
    if name not in _ACTIVATIONS or (name == "hard_sigmoid" and not recurrent):
        argument = "recurrent_activation" if recurrent else "activation"
        names = [known for known in _ACTIVATIONS if recurrent or known != "hard_sigmoid"]
        raise ValueError(f"{kernel}: expected {argument} to be one of {names}. Received: {argument}={name!r}")
    return _ACTIVATIONS[name]


def _time_major(a: Array, reverse: bool = False) -> Array:
    """(N, T, ...) as a contiguous wide (T, N, ...) array, in the order of processing."""
    swapped = a.swapaxes(0, 1)
    return np.ascontiguousarray(swapped[::-1] if reverse else swapped, dtype=wide_dtype(a.dtype))


def _batch_major(a: Array, dtype: np.dtype, reverse: bool = False) -> Array:
    """The inverse of `_time_major`, as a view where the dtype allows it."""
    return narrow((a[::-1] if reverse else a).swapaxes(0, 1), dtype)


def _wide(*arrays: Array | None) -> tuple[Array, ...]:
    return tuple(a if a is None else np.ascontiguousarray(a, dtype=wide_dtype(a.dtype)) for a in arrays)


def _project(steps: Array, kernel: Array, bias: Array | None) -> Array:
    """`steps kernel + bias` for all time steps at once."""
    length, batch, features = steps.shape
    z = np.dot(steps.reshape(length * batch, features), kernel)
    if bias is not None:
        z += bias
    return z.reshape(length, batch, kernel.shape[1])


def _mask_steps(mask: Array | None, reverse: bool) -> Array | None:
    """The mask as bool (T, N, 1) in the order of processing."""
    if mask is None:
        return None
    swapped = mask.astype(bool, copy=False).T
    return np.ascontiguousarray(swapped[::-1] if reverse else swapped)[:, :, None]


def _visible(valid: Array, zero_output_for_mask: bool) -> Array:
    """Where an output shows the state: at valid steps, or from the first valid one on."""
    return valid if zero_output_for_mask else np.logical_or.accumulate(valid, axis=0)


def _outputs(states: Array, valid: Array | None, zero_output_for_mask: bool) -> Array:
    if valid is None:
        return states
    return np.where(_visible(valid, zero_output_for_mask), states, states.dtype.type(0))


def _output_gradients(doutputs: Array | None, valid: Array | None, zero_output_for_mask: bool) -> Array | None:
    """The gradients that reach the state of each step through its output, time-major."""
    if doutputs is None:
        return None
    steps = _time_major(doutputs)
    if valid is None:
        return steps
    return np.where(_visible(valid, zero_output_for_mask), steps, steps.dtype.type(0))


def _seed(gradient: Array | None, like: Array) -> Array:
    """A writable wide copy of the gradient of a last state, zeros for None."""
    dtype = wide_dtype(like.dtype)
    return np.zeros(like.shape, dtype) if gradient is None else np.array(gradient, dtype, order="C")


def _before(first: Array, states: Array) -> Array:
    """The state before each step."""
    out = np.empty_like(states)
    out[:1] = first
    out[1:] = states[:-1]
    return out


def _weight_gradient(steps: Array, dz: Array) -> Array:
    """`steps^T dz`, summed over time and batch."""
    return np.dot(steps.reshape(-1, steps.shape[-1]).T, dz.reshape(-1, dz.shape[-1]))


def _input_gradient(dz: Array, kernel: Array) -> Array:
    length, batch, units = dz.shape
    return np.dot(dz.reshape(length * batch, units), kernel.T).reshape(length, batch, kernel.shape[0])


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
    activate, _ = _activation("simple_rnn", activation)
    h, weights, recurrent, shift = _wide(h0, kernel, recurrent_kernel, bias)
    valid = _mask_steps(mask, reverse)
    states = _project(_time_major(x, reverse), weights, shift)
    product = np.empty_like(h)
    with np.errstate(over="ignore"):
        for t, state in enumerate(states):
            np.dot(h, recurrent, out=product)
            np.add(state, product, out=state)
            activate(state)
            if valid is not None:
                np.copyto(state, h, where=~valid[t])
            h = state
    outputs = _outputs(states, valid, zero_output_for_mask)
    dtype = x.dtype
    return _batch_major(outputs, dtype), narrow(h.copy(), dtype), _batch_major(states, dtype)


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
    _, slope = _activation("simple_rnn_backward", activation)
    first, weights, recurrent = _wide(h0, kernel, recurrent_kernel)
    valid = _mask_steps(mask, reverse)
    steps, after = _time_major(x, reverse), _time_major(states)
    dsteps = _output_gradients(doutputs, valid, zero_output_for_mask)
    dz = slope(after)
    if valid is not None:
        dz *= valid
    dh, spare = _seed(dh_last, h0), np.empty_like(first)
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
        _batch_major(_input_gradient(dz, weights), dtype, reverse),
        narrow(dh, dtype),
        narrow(_weight_gradient(steps, dz), dtype),
        narrow(_weight_gradient(_before(first, after), dz), dtype),
        None if bias is None else narrow(dz.sum(axis=(0, 1)), dtype),
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
    activate, _ = _activation("lstm", activation)
    recur, _ = _activation("lstm", recurrent_activation, recurrent=True)
    h, c, weights, recurrent, shift = _wide(h0, c0, kernel, recurrent_kernel, bias)
    valid = _mask_steps(mask, reverse)
    gates = _project(_time_major(x, reverse), weights, shift)
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
    outputs = _outputs(states, valid, zero_output_for_mask)
    dtype = x.dtype
    return (
        _batch_major(outputs, dtype),
        narrow(h.copy(), dtype),
        narrow(c.copy(), dtype),
        _batch_major(gates, dtype),
        _batch_major(cells, dtype),
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
    activate, slope = _activation("lstm_backward", activation)
    _, recurrent_slope = _activation("lstm_backward", recurrent_activation, recurrent=True)
    first, cell_first, weights, recurrent = _wide(h0, c0, kernel, recurrent_kernel)
    valid = _mask_steps(mask, reverse)
    steps, gate, cell = _time_major(x, reverse), _time_major(gates), _time_major(cells)
    dsteps = _output_gradients(doutputs, valid, zero_output_for_mask)
    length, batch, units = cell.shape
    parts = gate.reshape(length, batch, 4, units)
    i, f, g, o = (parts[:, :, k] for k in range(4))
    with np.errstate(over="ignore"):
        squashed = cell.copy()
        activate(squashed)
    # The outputs are the states, except at masked steps.
    states = _time_major(outputs) if valid is None else o * squashed
    if valid is not None:
        for t in range(length):
            np.copyto(states[t], states[t - 1] if t else first, where=~valid[t])
    dz = np.empty_like(gate)
    factors = dz.reshape(length, batch, 4, units)
    np.multiply(g, recurrent_slope(i), out=factors[:, :, 0])
    np.multiply(_before(cell_first, cell), recurrent_slope(f), out=factors[:, :, 1])
    np.multiply(i, slope(g), out=factors[:, :, 2])
    np.multiply(squashed, recurrent_slope(o), out=factors[:, :, 3])
    to_cell = slope(squashed)
    to_cell *= o
    kept = f
    if valid is not None:
        dz *= valid
        to_cell *= valid
        kept = np.where(valid, f, f.dtype.type(1))
    dh, dc, spare = _seed(dh_last, h0), _seed(dc_last, c0), np.empty_like(first)
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
        _batch_major(_input_gradient(dz, weights), dtype, reverse),
        narrow(dh, dtype),
        narrow(dc, dtype),
        narrow(_weight_gradient(steps, dz), dtype),
        narrow(_weight_gradient(_before(first, states), dz), dtype),
        None if bias is None else narrow(dz.sum(axis=(0, 1)), dtype),
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
    activate, _ = _activation("gru", activation)
    recur, _ = _activation("gru", recurrent_activation, recurrent=True)
    h, weights, recurrent, shift = _wide(h0, kernel, recurrent_kernel, bias)
    valid = _mask_steps(mask, reverse)
    units = h.shape[1]
    inner_shift = None
    if shift is not None and reset_after:
        inner_shift = shift[1, 2 * units :]
        shift = shift[0] + np.concatenate([shift[1, : 2 * units], np.zeros_like(inner_shift)])
    gates = _project(_time_major(x, reverse), weights, shift)
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
    outputs = _outputs(states, valid, zero_output_for_mask)
    dtype = x.dtype
    return (
        _batch_major(outputs, dtype),
        narrow(h.copy(), dtype),
        _batch_major(states, dtype),
        _batch_major(gates, dtype),
        _batch_major(inner, dtype),
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
    _, slope = _activation("gru_backward", activation)
    _, recurrent_slope = _activation("gru_backward", recurrent_activation, recurrent=True)
    first, weights, recurrent = _wide(h0, kernel, recurrent_kernel)
    valid = _mask_steps(mask, reverse)
    steps, gate, inner_steps = _time_major(x, reverse), _time_major(gates), _time_major(inner)
    before = _before(first, _time_major(states))
    dsteps = _output_gradients(doutputs, valid, zero_output_for_mask)
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
    dh, spare = _seed(dh_last, h0), np.empty_like(first)
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
    drecurrent = _weight_gradient(before, dz)
    dbias = None if bias is None else dz.sum(axis=(0, 1))
    if reset_after:
        factors[:, :, 2] = to_candidate
        if dbias is not None:
            dbias = np.stack([dz.sum(axis=(0, 1)), dbias])
    else:
        drecurrent[:, 2 * units :] = _weight_gradient(inner_steps, dz[:, :, 2 * units :])
    dtype = x.dtype
    return (
        _batch_major(_input_gradient(dz, weights), dtype, reverse),
        narrow(dh, dtype),
        narrow(_weight_gradient(steps, dz), dtype),
        narrow(drecurrent, dtype),
        None if dbias is None else narrow(dbias, dtype),
    )
