"""The same models in JAX: one jitted function that computes the gradients and makes the step of Adam."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from benchmarks.gpu_parts.clock import Contestant
from benchmarks.gpu_parts.models import Setting, Sizes, data

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")


def contestant(setting: Setting) -> Contestant:
    """A training step on a batch that lies on the device; products may use TF32."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_default_matmul_precision", "tensorfloat32")
    make, forward = _model(setting.model, setting.sizes)
    parameters = make(jax.random.PRNGKey(0))
    count = sum(leaf.size for leaf in jax.tree.leaves(parameters))
    batch = tuple([jnp.asarray(array) for array in data(setting)])
    half = jnp.bfloat16 if setting.precision == "bfloat16" else jnp.float32

    def loss_of(parameters: Any, x: Any, y: Any) -> Any:
        """The loss, and the mean and variance of the batch in each batch normalization."""
        statistics: list[Any] = []
        cast = jax.tree.map(lambda p: p.astype(half), parameters)
        inputs = x.astype(half) if x.dtype == jnp.float32 else x
        logits = forward(cast, inputs, statistics).astype(jnp.float32)
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1).mean(), statistics

    def step(parameters: Any, m: Any, v: Any, moving: Any, count: Any, x: Any, y: Any) -> Any:
        (loss, found), grads = jax.value_and_grad(loss_of, has_aux=True)(parameters, x, y)
        m = jax.tree.map(lambda m, g: m + 0.1 * (g - m), m, grads)
        v = jax.tree.map(lambda v, g: v + 0.001 * (g * g - v), v, grads)
        moving = jax.tree.map(lambda moving, found: moving + 0.01 * (found - moving), moving, found)
        rate = 1e-3 * jnp.sqrt(1 - 0.999**count) / (1 - 0.9**count)
        parameters = jax.tree.map(lambda p, m, v: p - rate * m / (jnp.sqrt(v) + 1e-7), parameters, m, v)
        return parameters, m, v, moving, count + 1, loss

    jitted = jax.jit(step, donate_argnums=(0, 1, 2, 3, 4))
    zeros = [jax.tree.map(jnp.zeros_like, parameters) for _ in range(2)]
    _, statistics = jax.eval_shape(loss_of, parameters, *batch)
    moving = jax.tree.map(lambda found: jnp.zeros(found.shape, found.dtype), statistics)
    held = [(parameters, *zeros, moving, jnp.float32(1), jnp.float32(0))]

    def run() -> None:
        held[0] = jitted(*held[0][:5], *batch)

    return Contestant(run, lambda: jax.block_until_ready(held[0]), parameters=count, loss=lambda: float(held[0][-1]))


def _model(name: str, sizes: Sizes) -> tuple[Callable[[Any], Any], Callable[[Any, Any, list[Any]], Any]]:
    """How the parameters are made, and the function (parameters, inputs, statistics to add to) -> logits."""
    import jax
    import jax.numpy as jnp
    from jax import lax

    def normal(key: Any, *shape: int) -> Any:
        fan = 1
        for size in shape[:-1]:
            fan *= size
        return jax.random.normal(key, shape) * fan**-0.5

    def dense(key: Any, a: int, b: int) -> Any:
        return {"w": normal(key, a, b), "b": jnp.zeros(b)}

    def apply_dense(p: Any, x: Any) -> Any:
        return x @ p["w"] + p["b"]

    def conv(x: Any, w: Any, stride: int = 1, padding: str = "SAME") -> Any:
        return lax.conv_general_dilated(x, w, (stride, stride), padding, dimension_numbers=("NHWC", "HWIO", "NHWC"))

    def pool(x: Any) -> Any:
        return lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "VALID")

    def batch_norm(p: Any, x: Any, statistics: list[Any]) -> Any:
        wide = x.astype(jnp.float32)
        mean, variance = wide.mean((0, 1, 2)), wide.var((0, 1, 2))
        statistics.append((mean, variance))
        y = (wide - mean) * lax.rsqrt(variance + 1e-3) * p["gamma"] + p["beta"]
        return y.astype(x.dtype)

    def layer_norm(p: Any, x: Any) -> Any:
        wide = x.astype(jnp.float32)
        mean, variance = wide.mean(-1, keepdims=True), wide.var(-1, keepdims=True)
        return ((wide - mean) * lax.rsqrt(variance + 1e-3) * p["gamma"] + p["beta"]).astype(x.dtype)

    def scales(size: int) -> Any:
        return {"gamma": jnp.ones(size), "beta": jnp.zeros(size)}

    if name == "mlp":
        widths = (sizes.inputs, *sizes.hidden, sizes.classes)

        def make(key: Any) -> Any:
            keys = jax.random.split(key, len(widths) - 1)
            return [dense(k, a, b) for k, a, b in zip(keys, widths, widths[1:])]

        def forward(p: Any, x: Any, statistics: list[Any]) -> Any:
            for layer in p[:-1]:
                x = jax.nn.relu(apply_dense(layer, x))
            return apply_dense(p[-1], x)

        return make, forward

    if name == "cnn":

        def make(key: Any) -> Any:
            keys = jax.random.split(key, 4)
            a, b = sizes.filters
            kernels = [normal(keys[0], 3, 3, 1, a), normal(keys[1], 3, 3, a, b)]
            return {
                "convs": [{"w": w, "b": jnp.zeros(w.shape[-1])} for w in kernels],
                "dense": [dense(keys[2], sizes.flattened, sizes.dense), dense(keys[3], sizes.dense, sizes.classes)],
            }

        def forward(p: Any, x: Any, statistics: list[Any]) -> Any:
            for c in p["convs"]:
                x = pool(jax.nn.relu(conv(x, c["w"], padding="VALID") + c["b"]))
            x = jax.nn.relu(apply_dense(p["dense"][0], x.reshape(len(x), -1)))
            return apply_dense(p["dense"][1], x)

        return make, forward

    if name == "resnet":

        def make_unit(key: Any, before: int, filters: int, stride: int) -> Any:
            keys = jax.random.split(key, 3)
            unit = {
                "first": normal(keys[0], 3, 3, before, filters),
                "second": normal(keys[1], 3, 3, filters, filters),
                "norms": [scales(filters), scales(filters)],
            }
            if stride != 1 or before != filters:
                unit["shortcut"] = normal(keys[2], 1, 1, before, filters)
                unit["norms"].append(scales(filters))
            return unit

        strides = [stride for stage in range(len(sizes.stages)) for stride in (1 if stage == 0 else 2, 1)]

        def make(key: Any) -> Any:
            keys = jax.random.split(key, len(strides) + 2)
            units, before = [], sizes.stages[0]
            for number, stride in enumerate(strides):
                filters = sizes.stages[number // 2]
                units.append(make_unit(keys[number], before, filters, stride))
                before = filters
            return {
                "stem": normal(keys[-2], 3, 3, 3, sizes.stages[0]),
                "norm": scales(sizes.stages[0]),
                "units": units,
                "head": dense(keys[-1], sizes.stages[-1], sizes.classes),
            }

        def forward(p: Any, x: Any, statistics: list[Any]) -> Any:
            x = jax.nn.relu(batch_norm(p["norm"], conv(x, p["stem"]), statistics))
            for unit, stride in zip(p["units"], strides):
                shortcut = x
                y = jax.nn.relu(batch_norm(unit["norms"][0], conv(x, unit["first"], stride), statistics))
                y = batch_norm(unit["norms"][1], conv(y, unit["second"]), statistics)
                if "shortcut" in unit:
                    shortcut = batch_norm(unit["norms"][2], conv(x, unit["shortcut"], stride), statistics)
                x = jax.nn.relu(y + shortcut)
            return apply_dense(p["head"], x.mean((1, 2)))

        return make, forward

    if name == "lstm":

        def make(key: Any) -> Any:
            keys = jax.random.split(key, 3)
            return {
                "kernel": dense(keys[0], sizes.features, 4 * sizes.units),
                "recurrent": normal(keys[1], sizes.units, 4 * sizes.units),
                "head": dense(keys[2], sizes.units, sizes.classes),
            }

        def forward(p: Any, x: Any, statistics: list[Any]) -> Any:
            projected = jnp.swapaxes(apply_dense(p["kernel"], x), 0, 1)
            zeros = jnp.zeros((x.shape[0], sizes.units), x.dtype)

            def cell(carry: Any, z: Any) -> Any:
                h, c = carry
                i, f, g, o = jnp.split(z + h @ p["recurrent"], 4, -1)
                c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(g)
                return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

            (h, _), _ = lax.scan(cell, (zeros, zeros), projected)
            return apply_dense(p["head"], h)

        return make, forward

    def make_layer(key: Any) -> Any:
        keys = jax.random.split(key, 4)
        return {
            "norms": [scales(sizes.width), scales(sizes.width)],
            "qkv": dense(keys[0], sizes.width, 3 * sizes.width),
            "out": dense(keys[1], sizes.width, sizes.width),
            "up": dense(keys[2], sizes.width, 4 * sizes.width),
            "down": dense(keys[3], 4 * sizes.width, sizes.width),
        }

    def make_encoder(key: Any) -> Any:
        keys = jax.random.split(key, sizes.layers + 2)
        return {
            "table": jax.random.normal(keys[0], (sizes.vocabulary, sizes.width)) * 0.05,
            "layers": [make_layer(k) for k in keys[1:-1]],
            "norm": scales(sizes.width),
            "head": dense(keys[-1], sizes.width, sizes.classes),
        }

    def encode(p: Any, ids: Any, statistics: list[Any]) -> Any:
        x = p["table"][ids]
        n, t, _ = x.shape
        for layer in p["layers"]:
            y = apply_dense(layer["qkv"], layer_norm(layer["norms"][0], x))
            q, k, v = jnp.moveaxis(y.reshape(n, t, 3, sizes.heads, sizes.width // sizes.heads), 2, 0)
            y = jax.nn.dot_product_attention(q, k, v).reshape(n, t, sizes.width)
            x = x + apply_dense(layer["out"], y)
            y = jax.nn.gelu(apply_dense(layer["up"], layer_norm(layer["norms"][1], x)), approximate=False)
            x = x + apply_dense(layer["down"], y)
        return apply_dense(p["head"], layer_norm(p["norm"], x).mean(1))

    return make_encoder, encode
