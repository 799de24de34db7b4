"""Kernels against the measured ceilings of the device: bytes against a copy, operations against a product."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np


class Case(NamedTuple):
    """A call of a kernel: what it moves or computes at the least."""

    name: str
    run: Callable[[], object]
    moved: float = 0.0
    """Bytes that have to be read or written."""
    computed: float = 0.0
    """Floating-point operations of its matrix products."""
    kind: str = "float32"
    """Which product's ceiling it is held against."""


class Extent(NamedTuple):
    """How large the arrays are; the defaults go beyond the second-level cache of any GPU."""

    rows: int = 65536
    width: int = 1024
    side: int = 32
    matrix: int = 4096
    images: int = 64
    channels: int = 128
    batch: int = 8
    length: int = 2048
    heads: int = 16
    depth: int = 64
    sequences: int = 128
    steps: int = 64
    features: int = 128
    units: int = 256


TINY = Extent(32, 64, 4, 32, 1, 16, 1, 8, 2, 16, 2, 2, 8, 8)
"""Enough to see whether everything runs."""


def ceilings(cupy: Any, seconds: Callable[[Callable[[], object]], float], size: int) -> dict[str, float]:
    """What the device reaches: bytes a second of a copy, operations a second of square products."""
    from kerasish import config
    from kerasish.backend.cupy._gemm import gemm

    found = {"copy": _copy_rate(cupy, seconds, size)}
    for kind in ("float32", "tf32", "float16", "bfloat16"):
        dtype = np.dtype("float32") if kind == "tf32" else _dtype(kind)
        a = cupy.asarray(np.random.default_rng(0).normal(size=(size, size)).astype(np.float32)).astype(dtype)
        b = a[::-1].copy()
        config.enable_tf32(kind == "tf32")
        found[kind] = 2 * size**3 / seconds(lambda a=a, b=b: gemm(a, b))
        config.enable_tf32(False)
    return found


def _copy_rate(cupy: Any, seconds: Callable[[Callable[[], object]], float], size: int) -> float:
    source = cupy.ones(size * size * 8, np.float32)
    target = cupy.empty_like(source)
    return 2 * source.nbytes / seconds(lambda: cupy.copyto(target, source))


def _dtype(name: str) -> np.dtype[Any]:
    from kerasish.backend.dtypes import numpy_dtype

    return numpy_dtype(name)


def cases(cupy: Any, extent: Extent) -> Iterator[Case]:
    """The kernels that training spends its time in."""
    for dtype in ("float32", "bfloat16"):
        yield from _memory_bound(cupy, dtype, extent)
    for dtype in ("float32", "bfloat16"):
        yield from _compute_bound(cupy, dtype, extent)


def _random(cupy: Any, *shape: int, dtype: str = "float32") -> Any:
    rng = cupy.asarray(np.random.default_rng(1).normal(size=1 << 16).astype(np.float32))
    count = int(np.prod(shape))
    values = cupy.tile(rng, -(-count // rng.size))[:count].reshape(shape)
    return values.astype(_dtype(dtype))


def _memory_bound(cupy: Any, dtype: str, extent: Extent) -> Iterator[Case]:
    from kerasish.backend import K

    rows, width = extent.rows, extent.width
    x = _random(cupy, rows, width, dtype=dtype)
    dy = _random(cupy, rows, width, dtype=dtype)
    gamma = _random(cupy, width)
    size, label = x.nbytes, f" {dtype}"
    attrs = {"rate": 0.3, "seed": 1, "stream": 2, "step": 3, "noise_shape": None}
    yield Case("add" + label, lambda: K.add(x, dy), 3 * size)
    yield Case("gelu" + label, lambda: K.gelu(x, approximate=False), 2 * size)
    yield Case("gelu_backward" + label, lambda: K.gelu_backward(dy, x, approximate=False), 3 * size)
    yield Case("silu" + label, lambda: K.silu(x), 2 * size)
    yield Case("dropout" + label, lambda: K.dropout(x, **attrs), 2 * size)
    y = K.softmax(x, axis=-1)
    yield Case("softmax" + label, lambda: K.softmax(x, axis=-1), 2 * size)
    yield Case("softmax_backward" + label, lambda: K.softmax_backward(dy, y, axis=-1), 3 * size)
    target = cupy.arange(rows, dtype=np.int32) % width
    losses = _random(cupy, rows, dtype=dtype)
    name = "sparse_categorical_crossentropy"
    yield Case(name + label, lambda: K.sparse_categorical_crossentropy(target, x, from_logits=True), size)
    backward = K.sparse_categorical_crossentropy_backward
    yield Case(name + "_backward" + label, lambda: backward(losses, target, x, from_logits=True), 2 * size)
    _, mean, rstd = K.layer_norm(x, gamma, gamma, axes=(1,), epsilon=1e-6)
    yield Case("layer_norm" + label, lambda: K.layer_norm(x, gamma, gamma, axes=(1,), epsilon=1e-6), 2 * size)
    yield Case(
        "layer_norm_backward" + label, lambda: K.layer_norm_backward(dy, x, gamma, mean, rstd, axes=(1,)), 3 * size
    )
    yield Case("rms_norm" + label, lambda: K.rms_norm(x, gamma, axes=(1,), epsilon=1e-6), 2 * size)
    image = x.reshape(-1, extent.side, extent.side, width)
    slope = dy.reshape(image.shape)
    _, average, _, inverse = K.batch_norm(image, gamma, gamma, axis=3, epsilon=1e-3)
    # Statistics first, then the result: the input is read twice.
    yield Case("batch_norm" + label, lambda: K.batch_norm(image, gamma, gamma, axis=3, epsilon=1e-3), 3 * size)
    yield Case(
        "batch_norm_backward" + label,
        lambda: K.batch_norm_backward(slope, image, gamma, average, inverse, axis=3),
        5 * size,
    )
    window = {"window": (2, 2), "strides": (2, 2), "padding": ((0, 0), (0, 0))}
    pooled = K.max_pool(image, **window)
    dpooled = _random(cupy, *pooled.shape, dtype=dtype)
    yield Case("max_pool" + label, lambda: K.max_pool(image, **window), 1.25 * size)
    yield Case("max_pool_backward" + label, lambda: K.max_pool_backward(dpooled, image, pooled, **window), 2.5 * size)
    filters = _random(cupy, 3, 3, width, 1, dtype=dtype)
    attrs3 = {"strides": (1, 1), "padding": ((1, 1), (1, 1)), "dilation": (1, 1)}
    yield Case("depthwise_conv" + label, lambda: K.depthwise_conv(image, filters, **attrs3), 2 * size)
    yield Case("bias_activation_backward" + label, lambda: _bias(K, dy, x), 3 * size)
    table, ids = x, (cupy.arange(rows, dtype=np.int32) * 7919) % rows
    yield Case("gather" + label, lambda: K.gather(table, ids), 2 * size)
    yield Case("scatter_add" + label, lambda: K.scatter_add(dy, ids, rows=rows), 2 * size)
    yield Case("sum over rows" + label, lambda: K.sum(x, axis=(0,), keepdims=False), size)
    yield Case("sum over columns" + label, lambda: K.sum(x, axis=(1,), keepdims=False), size)
    yield Case("sum_squares" + label, lambda: K.sum_squares(x), size)
    yield Case("transpose" + label, lambda: K.owned(x.T), 2 * size)
    flat = [cupy.ascontiguousarray(array.reshape(-1)) for array in (x, dy)]
    m, v = cupy.zeros_like(flat[0]), cupy.zeros_like(flat[0])
    adam = {"learning_rate": 1e-3, "beta_1": 0.9, "beta_2": 0.999, "epsilon": 1e-7, "step": 3}
    yield Case("adam_update" + label, lambda: K.adam_update(flat[0], flat[1], m, v, None, **adam), 7 * size)
    sgd = {"learning_rate": 1e-3, "momentum": 0.9, "nesterov": False}
    yield Case("sgd_update" + label, lambda: K.sgd_update(flat[0], flat[1], m, **sgd), 5 * size)


def _bias(kernels: Any, dy: Any, y: Any) -> Any:
    return kernels.bias_activation_backward(dy, y, activation="relu", bias=True)


def _compute_bound(cupy: Any, dtype: str, extent: Extent) -> Iterator[Case]:
    from kerasish.backend import K

    label = f" {dtype}"
    size = extent.matrix
    a, b = _random(cupy, size, size, dtype=dtype), _random(cupy, size, size, dtype=dtype)
    bias = _random(cupy, size, dtype=dtype)
    yield Case(
        f"dense relu {size}" + label, lambda: K.dense(a, b, bias, activation="relu"), computed=2 * size**3, kind=dtype
    )
    y = K.dense(a, b, bias, activation="relu")
    needs = (True, True, True)
    yield Case(
        f"dense_backward {size}" + label,
        lambda: K.dense_backward(a, a, b, y, activation="relu", needs=needs),
        computed=4 * size**3,
        kind=dtype,
    )
    n, height, channels = extent.images, extent.side, extent.channels
    image = _random(cupy, n, height, height, channels, dtype=dtype)
    for k in (1, 3):
        kernel = _random(cupy, k, k, channels, channels, dtype=dtype)
        pad = (k // 2, k // 2)
        attrs = {"strides": (1, 1), "padding": (pad, pad), "dilation": (1, 1), "groups": 1}
        flops = 2.0 * n * height**2 * channels**2 * k**2
        yield Case(
            f"conv {k}x{k} {channels}" + label,
            lambda kernel=kernel, attrs=attrs: K.conv(image, kernel, None, **attrs, activation="linear"),
            computed=flops,
            kind=dtype,
        )
        yield Case(
            f"conv_backward_input {k}x{k} {channels}" + label,
            lambda kernel=kernel, attrs=attrs: K.conv_backward_input(image, kernel, input_shape=image.shape, **attrs),
            computed=flops,
            kind=dtype,
        )
        yield Case(
            f"conv_backward_kernel {k}x{k} {channels}" + label,
            lambda kernel=kernel, attrs=attrs: K.conv_backward_kernel(image, image, kernel_shape=kernel.shape, **attrs),
            computed=flops,
            kind=dtype,
        )
    yield from _attention(cupy, dtype, extent)
    yield from _recurrent(cupy, dtype, extent)


def _attention(cupy: Any, dtype: str, extent: Extent) -> Iterator[Case]:
    from kerasish.backend import K

    batch, length, heads, depth = extent.batch, extent.length, extent.heads, extent.depth
    q, k, v = (_random(cupy, batch, length, heads, depth, dtype=dtype) for _ in range(3))
    attrs = {"scale": depth**-0.5, "causal": False}
    product = 2.0 * batch * heads * length**2 * depth
    out, logsumexp = K.scaled_dot_product_attention(q, k, v, None, **attrs)
    yield Case(
        f"attention {length}x{depth} {dtype}",
        lambda: K.scaled_dot_product_attention(q, k, v, None, **attrs),
        computed=2 * product,
        kind=dtype,
    )
    yield Case(
        f"attention_backward {length}x{depth} {dtype}",
        lambda: K.scaled_dot_product_attention_backward(v, q, k, v, None, out, logsumexp, **attrs),
        computed=5 * product,
        kind=dtype,
    )


def _recurrent(cupy: Any, dtype: str, extent: Extent) -> Iterator[Case]:
    from kerasish.backend import K

    n, steps, depth, units = extent.sequences, extent.steps, extent.features, extent.units
    x = _random(cupy, n, steps, depth, dtype=dtype)
    state = cupy.zeros((n, units), x.dtype)
    kernel, recurrent = _random(cupy, depth, 4 * units, dtype=dtype), _random(cupy, units, 4 * units, dtype=dtype)
    bias = cupy.zeros(4 * units, x.dtype)
    attrs = {
        "activation": "tanh",
        "recurrent_activation": "sigmoid",
        "reverse": False,
        "zero_output_for_mask": False,
    }
    flops = 2.0 * n * steps * 4 * units * (depth + units)
    yield Case(
        f"lstm {steps}x{units} {dtype}",
        lambda: K.lstm(x, state, state, kernel, recurrent, bias, None, **attrs),
        computed=flops,
        kind=dtype,
    )
