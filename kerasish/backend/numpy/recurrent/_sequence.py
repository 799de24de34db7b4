"""What all cells share: time-major order, masks, projections of all steps at once."""

from __future__ import annotations

import numpy as np

from kerasish.backend.contract.types import Array
from kerasish.backend.numpy._widen import narrow, wide_dtype


def time_major(a: Array, reverse: bool = False) -> Array:
    """(N, T, ...) as a contiguous wide (T, N, ...) array, in the order of processing."""
    swapped = a.swapaxes(0, 1)
    return np.ascontiguousarray(swapped[::-1] if reverse else swapped, dtype=wide_dtype(a.dtype))


def batch_major(a: Array, dtype: np.dtype, reverse: bool = False) -> Array:
    """The inverse of `time_major`, as a view where the dtype allows it."""
    return narrow((a[::-1] if reverse else a).swapaxes(0, 1), dtype)


def widened(*arrays: Array | None) -> tuple[Array, ...]:
    """Contiguous arrays in the dtype that is computed in; None stays."""
    return tuple(a if a is None else np.ascontiguousarray(a, dtype=wide_dtype(a.dtype)) for a in arrays)


def project(steps: Array, kernel: Array, bias: Array | None) -> Array:
    """`steps kernel + bias` for all time steps at once."""
    length, batch, features = steps.shape
    z = np.dot(steps.reshape(length * batch, features), kernel)
    if bias is not None:
        z += bias
    return z.reshape(length, batch, kernel.shape[1])


def mask_steps(mask: Array | None, reverse: bool) -> Array | None:
    """The mask as bool (T, N, 1) in the order of processing."""
    if mask is None:
        return None
    swapped = mask.astype(bool, copy=False).T
    return np.ascontiguousarray(swapped[::-1] if reverse else swapped)[:, :, None]


def _visible(valid: Array, zero_output_for_mask: bool) -> Array:
    """Where an output shows the state: at valid steps, or from the first valid one on."""
    return valid if zero_output_for_mask else np.logical_or.accumulate(valid, axis=0)


def shown_outputs(states: Array, valid: Array | None, zero_output_for_mask: bool) -> Array:
    """What the outputs show of the states, time-major."""
    if valid is None:
        return states
    return np.where(_visible(valid, zero_output_for_mask), states, states.dtype.type(0))


def output_gradients(doutputs: Array | None, valid: Array | None, zero_output_for_mask: bool) -> Array | None:
    """The gradients that reach the state of each step through its output, time-major."""
    if doutputs is None:
        return None
    steps = time_major(doutputs)
    if valid is None:
        return steps
    return np.where(_visible(valid, zero_output_for_mask), steps, steps.dtype.type(0))


def state_gradient(gradient: Array | None, like: Array) -> Array:
    """A writable wide copy of the gradient of a last state, zeros for None."""
    dtype = wide_dtype(like.dtype)
    return np.zeros(like.shape, dtype) if gradient is None else np.array(gradient, dtype, order="C")


def states_before(first: Array, states: Array) -> Array:
    """The state before each step."""
    out = np.empty_like(states)
    out[:1] = first
    out[1:] = states[:-1]
    return out


def weight_gradient(steps: Array, dz: Array) -> Array:
    """`steps^T dz`, summed over time and batch."""
    return np.dot(steps.reshape(-1, steps.shape[-1]).T, dz.reshape(-1, dz.shape[-1]))


def input_gradient(dz: Array, kernel: Array) -> Array:
    """`dz kernel^T` for all time steps at once."""
    length, batch, units = dz.shape
    return np.dot(dz.reshape(length * batch, units), kernel.T).reshape(length, batch, kernel.shape[0])
