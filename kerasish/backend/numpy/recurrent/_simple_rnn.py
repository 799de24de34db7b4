"""The simple recurrent cell."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kerasish.backend.contract.types import Array
from kerasish.backend.numpy._widen import narrow, wide_dtype
from kerasish.backend.numpy.recurrent._activations import _activation
from kerasish.backend.numpy.recurrent._sequence import _batch_major, _before, _input_gradient, _mask_steps, _output_gradients, _outputs, _project, _seed, _time_major, _weight_gradient, _wide


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
