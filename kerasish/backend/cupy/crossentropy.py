"""Cross-entropies: a team for each row, which keeps no probabilities; gradients find the statistics again."""

from __future__ import annotations

import numpy as np

from kerasish.backend.contract.types import Array
from kerasish.backend.cupy._device import cp
from kerasish.backend.cupy._launch import FLOATS, Kernel, c_type, contiguous
from kerasish.backend.cupy._rows import BOOLS, MAP_THREADS, TEAMS, Rows, alike, cast, map_grid, rows_launch

_SPARSE = Kernel("crossentropy.cu", "sparse_loss", T=FLOATS, TEAM=TEAMS, LOGITS=BOOLS)
_SPARSE_BACKWARD = Kernel("crossentropy.cu", "sparse_backward", T=FLOATS, TEAM=TEAMS, LOGITS=BOOLS)
_CATEGORICAL = Kernel("crossentropy.cu", "categorical_loss", T=FLOATS, TEAM=TEAMS, LOGITS=BOOLS)
_CATEGORICAL_BACKWARD = Kernel("crossentropy.cu", "categorical_backward", T=FLOATS, TEAM=TEAMS, LOGITS=BOOLS)
_BINARY = Kernel("crossentropy.cu", "binary_loss", T=FLOATS, LOGITS=BOOLS)
_BINARY_BACKWARD = Kernel("crossentropy.cu", "binary_backward", T=FLOATS, LOGITS=BOOLS)


def sparse_categorical_crossentropy(target: Array, output: Array, *, from_logits: bool) -> Array:
    """One pass: maximum and sum of a row are found together."""
    (output,) = alike(output)
    loss = cp.empty(target.shape, output.dtype)
    if target.size:
        launch, key = _rows(output, target.size, from_logits)
        args = (*_classes(target), output, loss, np.int64(target.size), np.int64(output.shape[-1]), launch.lanes)
        _SPARSE(key, launch.grid, launch.threads, args)
    return loss


def sparse_categorical_crossentropy_backward(dy: Array, target: Array, output: Array, *, from_logits: bool) -> Array:
    """Statistics, then one pass."""
    dtype = output.dtype
    output, dy = alike(output, dy)
    dx = cp.empty(output.shape, output.dtype)
    if dx.size:
        launch, key = _rows(output, target.size, from_logits)
        sizes = (np.int64(target.size), np.int64(output.shape[-1]))
        args = (dy, *_classes(target), output, dx, *sizes, launch.lanes)
        _SPARSE_BACKWARD(key, launch.grid, launch.threads, args)
    return dx.astype(dtype, copy=False)


def _classes(target: Array) -> tuple[Array | None, Array | None]:
    """The target as an array of 32 or one of 64 bits."""
    if target.dtype == np.int32:
        return contiguous(target), None
    return None, cast(target, np.int64)


def categorical_crossentropy(target: Array, output: Array, *, from_logits: bool) -> Array:
    """Statistics, then one pass over target and output."""
    dtype = output.dtype
    output, target = alike(output, target)
    loss = cp.empty(output.shape[:-1], output.dtype)
    if loss.size:
        launch, key = _rows(output, loss.size, from_logits)
        args = (target, output, loss, np.int64(loss.size), np.int64(output.shape[-1]), launch.lanes)
        _CATEGORICAL(key, launch.grid, launch.threads, args)
    return loss.astype(dtype, copy=False)


def categorical_crossentropy_backward(dy: Array, target: Array, output: Array, *, from_logits: bool) -> Array:
    """Statistics, then one pass over target and output."""
    dtype = output.dtype
    output, target, dy = alike(output, target, dy)
    dx = cp.empty(output.shape, output.dtype)
    if dx.size:
        launch, key = _rows(output, dy.size, from_logits)
        args = (dy, target, output, dx, np.int64(dy.size), np.int64(output.shape[-1]), launch.lanes)
        _CATEGORICAL_BACKWARD(key, launch.grid, launch.threads, args)
    return dx.astype(dtype, copy=False)


def _rows(output: Array, rows: int, from_logits: bool) -> tuple[Rows, tuple[str, str, str]]:
    launch = rows_launch(rows, output.shape[-1], output.itemsize)
    return launch, (c_type(output.dtype), launch.team, BOOLS[from_logits])


def binary_crossentropy(target: Array, output: Array, *, from_logits: bool) -> Array:
    """One pass."""
    dtype = output.dtype
    output, target = alike(output, target)
    loss = cp.empty(output.shape, output.dtype)
    if loss.size:
        args = (target, output, loss, np.int64(loss.size))
        _BINARY((c_type(output.dtype), BOOLS[from_logits]), map_grid(loss), MAP_THREADS, args)
    return loss.astype(dtype, copy=False)


def binary_crossentropy_backward(dy: Array, target: Array, output: Array, *, from_logits: bool) -> Array:
    """One pass."""
    dtype = output.dtype
    output, target, dy = alike(output, target, dy)
    dx = cp.empty(output.shape, output.dtype)
    if dx.size:
        args = (dy, target, output, dx, np.int64(dx.size))
        _BINARY_BACKWARD((c_type(output.dtype), BOOLS[from_logits]), map_grid(dx), MAP_THREADS, args)
    return dx.astype(dtype, copy=False)
