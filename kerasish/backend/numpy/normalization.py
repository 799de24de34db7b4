"""Normalization on 2-d views, with BLAS for the sums and blocks of rows that stay in cache."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from kerasish.backend.contract.types import Array
from kerasish.backend.numpy._widen import narrow, wide_dtype, widen

_BLOCK_ELEMENTS = 65536
_FOLDED_WIDTH = 512


def batch_norm(
    x: Array, gamma: Array | None, beta: Array | None, *, axis: int, epsilon: float
) -> tuple[Array, Array, Array, Array]:
    """Two passes for the statistics (a shifted variance), one for the result."""
    view = _Channels(x, axis)
    count = max(view.count, 1)
    mean = view.sums(view.blocks(x))
    mean /= count
    squares = np.zeros_like(mean)
    shift = view.tile(mean)
    for block in view.blocks(x):
        centred = widen(block) - shift
        centred *= centred
        squares += view.sums([centred])
    variance = squares / count
    rstd = 1 / np.sqrt(variance + variance.dtype.type(epsilon))
    factor = view.tile(rstd if gamma is None else rstd * gamma.astype(rstd.dtype, copy=False))
    offset = None if beta is None else view.tile(beta.astype(rstd.dtype, copy=False))
    y = np.empty(x.shape, x.dtype)
    for block, target in zip(view.blocks(x), view.blocks(y)):
        out = target if target.dtype == mean.dtype else np.empty(target.shape, mean.dtype)
        np.subtract(block, shift, out=out)
        out *= factor
        if offset is not None:
            out += offset
        if out is not target:
            target[...] = narrow(out, target.dtype)
    return y, mean, variance, rstd


def batch_norm_backward(
    dy: Array, x: Array, gamma: Array | None, mean: Array, rstd: Array, *, axis: int
) -> tuple[Array, Array, Array]:
    """One pass for the two sums, one for the gradient of the input."""
    view = _Channels(x, axis)
    count = max(view.count, 1)
    dgamma, dbeta = np.zeros_like(mean), np.zeros_like(mean)
    shift, spread = view.tile(mean), view.tile(rstd)
    for dy_block, x_block in zip(view.blocks(dy), view.blocks(x)):
        wide = widen(dy_block)
        dbeta += view.sums([wide])
        product = widen(x_block) - shift
        product *= wide
        dgamma += view.sums([product])
    dgamma *= rstd
    factor = view.tile(rstd if gamma is None else rstd * gamma.astype(rstd.dtype, copy=False))
    slope = view.tile(dgamma / count) * spread
    level = view.tile(dbeta / count)
    dx = np.empty(x.shape, x.dtype)
    for dy_block, x_block, target in zip(view.blocks(dy), view.blocks(x), view.blocks(dx)):
        out = target if target.dtype == mean.dtype else np.empty(target.shape, mean.dtype)
        np.subtract(x_block, shift, out=out)
        out *= slope
        np.subtract(dy_block, out, out=out)
        out -= level
        out *= factor
        if out is not target:
            target[...] = narrow(out, target.dtype)
    if gamma is not None:
        dgamma, dbeta = narrow(dgamma, gamma.dtype), narrow(dbeta, gamma.dtype)
    return dx, dgamma, dbeta


class _Channels:
    """How to walk over an array whose axis `axis` holds channels, in blocks that fit in cache.

    Channels last: blocks are (rows, k * C), with `k` pixels folded into one row, because inner loops of a few
    channels are slow. Channels elsewhere: blocks are (images, C, pixels).
    """

    def __init__(self, x: Array, axis: int) -> None:
        axis %= x.ndim
        self.statistics = wide_dtype(x.dtype)
        self.channels = x.shape[axis]
        self.pixels = math.prod(x.shape[axis + 1 :])
        self.outer = math.prod(x.shape[:axis])
        self.count = self.outer * self.pixels
        self.fold = 1
        if self.pixels == 1:
            while self.outer % (2 * self.fold) == 0 and 2 * self.fold * self.channels <= _FOLDED_WIDTH:
                self.fold *= 2
                if self.fold >= max(self.outer, 1):
                    break

    def blocks(self, x: Array) -> Iterator[Array]:
        """Yield the blocks, which are views where `x` is contiguous."""
        if x.size == 0:
            return
        if self.pixels == 1:
            whole = x.reshape(self.outer // self.fold, self.fold * self.channels)
        else:
            whole = x.reshape(self.outer, self.channels, self.pixels)
        step = max(1, _BLOCK_ELEMENTS // math.prod(whole.shape[1:]))
        for start in range(0, len(whole), step):
            yield whole[start : start + step]

    def tile(self, values: Array) -> Array:
        """Repeat (C,) values so that they broadcast against a block."""
        return np.tile(values, self.fold) if self.pixels == 1 else values[:, None]

    def sums(self, blocks: Iterator[Array] | list[Array]) -> Array:
        """Add up blocks to (C,), in the dtype of the statistics."""
        total = None
        for block in blocks:
            wide = widen(block)
            if self.pixels == 1:
                part = np.ones(len(wide), wide.dtype) @ wide
            else:
                part = wide.sum(axis=2).sum(axis=0)
            total = part if total is None else total + part
        if total is None:
            return np.zeros(self.channels, self.statistics)
        return total.reshape(self.fold, self.channels).sum(axis=0) if self.pixels == 1 else total


def layer_norm(
    x: Array, gamma: Array | None, beta: Array | None, *, axes: tuple[int, ...], epsilon: float
) -> tuple[Array, Array, Array]:
    """One dot product a row for each statistic."""
    rows = _Rows(x, axes)
    mean, rstd = rows.column(x), rows.column(x)
    y = np.empty(rows.shape, x.dtype)
    ones = np.full(rows.size, 1 / max(rows.size, 1), mean.dtype)
    for part, block in rows.blocks(rows.flatten(x)):
        centred = widen(block)
        mean[part] = (centred @ ones)[:, None]
        centred = centred - mean[part]
        rstd[part] = _reciprocal_root(np.vecdot(centred, centred), rows.size, epsilon)
        centred *= rstd[part]
        if gamma is not None:
            centred *= gamma.reshape(-1)
        if beta is not None:
            centred += beta.reshape(-1)
        y[part] = narrow(centred, x.dtype)
    return rows.restore(y), rows.keepdims(mean), rows.keepdims(rstd)


def layer_norm_backward(
    dy: Array, x: Array, gamma: Array | None, mean: Array, rstd: Array, *, axes: tuple[int, ...]
) -> tuple[Array, Array, Array]:
    """Normalize again rather than keep the normalized input."""
    rows = _Rows(x, axes)
    dx = np.empty(rows.shape, x.dtype)
    dgamma, dbeta = np.zeros(rows.size, mean.dtype), np.zeros(rows.size, mean.dtype)
    ones = np.full(rows.size, 1 / max(rows.size, 1), mean.dtype)
    flat_dy, flat_mean, flat_rstd = rows.flatten(dy), rows.flatten_column(mean), rows.flatten_column(rstd)
    for part, block in rows.blocks(rows.flatten(x)):
        xhat = widen(block) - flat_mean[part]
        xhat *= flat_rstd[part]
        g = widen(flat_dy[part])
        down = np.ones(len(g), g.dtype)
        dbeta += down @ g
        dgamma += down @ (g * xhat)
        g = g - 0 if gamma is None else g * gamma.reshape(-1).astype(g.dtype, copy=False)
        xhat *= (np.vecdot(g, xhat) / max(rows.size, 1))[:, None]
        g -= (g @ ones)[:, None]
        g -= xhat
        g *= flat_rstd[part]
        dx[part] = narrow(g, x.dtype)
    return rows.restore(dx), rows.parameter(dgamma, gamma), rows.parameter(dbeta, gamma)


def rms_norm(x: Array, scale: Array | None, *, axes: tuple[int, ...], epsilon: float) -> tuple[Array, Array]:
    """One dot product a row."""
    rows = _Rows(x, axes)
    rstd = rows.column(x)
    y = np.empty(rows.shape, x.dtype)
    for part, block in rows.blocks(rows.flatten(x)):
        wide = widen(block)
        rstd[part] = _reciprocal_root(np.vecdot(wide, wide), rows.size, epsilon)
        wide = wide * rstd[part]
        if scale is not None:
            wide *= scale.reshape(-1)
        y[part] = narrow(wide, x.dtype)
    return rows.restore(y), rows.keepdims(rstd)


def rms_norm_backward(
    dy: Array, x: Array, scale: Array | None, rstd: Array, *, axes: tuple[int, ...]
) -> tuple[Array, Array]:
    """Normalize again rather than keep the normalized input."""
    rows = _Rows(x, axes)
    dx = np.empty(rows.shape, x.dtype)
    dscale = np.zeros(rows.size, rstd.dtype)
    flat_dy, flat_rstd = rows.flatten(dy), rows.flatten_column(rstd)
    for part, block in rows.blocks(rows.flatten(x)):
        xhat = widen(block) * flat_rstd[part]
        g = widen(flat_dy[part])
        product = g * xhat
        dscale += np.ones(len(g), g.dtype) @ product
        if scale is not None:
            factor = scale.reshape(-1).astype(g.dtype, copy=False)
            product *= factor
            g = g * factor
        xhat *= product.sum(axis=1, keepdims=True) / max(rows.size, 1)
        product = np.subtract(g, xhat, out=product)
        product *= flat_rstd[part]
        dx[part] = narrow(product, x.dtype)
    return rows.restore(dx), rows.parameter(dscale, scale)


def _reciprocal_root(squares: Array, count: int, epsilon: float) -> Array:
    squares /= max(count, 1)
    squares += epsilon
    np.sqrt(squares, out=squares)
    return np.reciprocal(squares, out=squares)[:, None]


class _Rows:
    """An array seen as rows to be normalized: `axes`, in their order, come last and are flattened."""

    def __init__(self, x: Array, axes: tuple[int, ...]) -> None:
        reduced = [axis % x.ndim for axis in axes]
        kept = [axis for axis in range(x.ndim) if axis not in reduced]
        self.order = tuple(kept + reduced)
        self.moved_shape = tuple(x.shape[axis] for axis in self.order)
        self.parameter_shape = tuple(x.shape[axis] for axis in reduced)
        self.statistics_shape = tuple(1 if axis in reduced else n for axis, n in enumerate(x.shape))
        self.size = math.prod(self.parameter_shape)
        self.shape = (math.prod(x.shape[axis] for axis in kept), self.size)

    def flatten(self, x: Array) -> Array:
        """View or copy `x` as (rows, size)."""
        return x.transpose(self.order).reshape(self.shape)

    def flatten_column(self, statistics: Array) -> Array:
        """View statistics with kept dimensions as (rows, 1)."""
        return statistics.reshape(self.shape[0], 1)

    def column(self, x: Array) -> Array:
        """Allocate one statistic a row."""
        return np.zeros((self.shape[0], 1), widen(x[:0] if x.ndim else x).dtype)

    def blocks(self, flat: Array) -> Iterator[tuple[slice, Array]]:
        """Yield slices of rows that fit in cache, and these rows."""
        step = max(1, _BLOCK_ELEMENTS // max(self.size, 1))
        for start in range(0, len(flat), step):
            part = slice(start, start + step)
            yield part, flat[part]

    def restore(self, y: Array) -> Array:
        """Undo `flatten`."""
        y = y.reshape(self.moved_shape)
        if self.order == tuple(range(y.ndim)):
            return y
        return np.ascontiguousarray(y.transpose(np.argsort(self.order)))

    def keepdims(self, column: Array) -> Array:
        """Give a statistic its kept dimensions back."""
        return column.reshape(self.statistics_shape)

    def parameter(self, gradient: Array, like: Array | None) -> Array:
        """Shape and dtype of a parameter's gradient."""
        gradient = gradient.reshape(self.parameter_shape)
        return gradient if like is None else narrow(gradient, like.dtype)
