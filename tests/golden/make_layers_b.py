"""Write `layers_b.npz`: what convolutional, pooling and normalization layers compute. Run it where Keras is installed.

Each case has a layer (class and arguments), inputs and weights; the outputs in inference and in training, the
gradients of `sum(outputs * cotangent)` in training towards the inputs and the trainable weights, the weights after
`STEPS` calls in training, the config, and the output shape for an unknown batch and unknown sizes.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jax
import keras
import numpy as np

STEPS = 3
RNG = np.random.default_rng(0)
ARRAYS: dict[str, np.ndarray[Any, Any]] = {}
CASES: list[dict[str, Any]] = []


def draw(*shape: int) -> np.ndarray[Any, Any]:
    return RNG.normal(size=shape).astype(np.float32)


def run(layer: Any, trainable: Any, rest: Any, x: Any, training: bool, mask: Any) -> tuple[Any, Any]:
    kwargs = {} if mask is None else {"mask": mask}
    try:
        return layer.stateless_call(trainable, rest, x, training=training, **kwargs)
    except TypeError:
        return layer.stateless_call(trainable, rest, x, **kwargs)


def case(cls: str, shape: tuple[int, ...], mask: Any = None, **arguments: Any) -> None:
    """Call a layer, and keep all that went in and came out."""
    name = f"{len(CASES):03d}"
    layer = getattr(keras.layers, cls)(**arguments)
    x = draw(*shape)
    layer.build(shape)
    weights = []
    for variable in layer.weights:
        value = draw(*variable.shape)
        weights.append(np.abs(value) + 0.5 if "variance" in variable.name or "stddev" in variable.name else value)
    layer.set_weights(weights)
    keep = {f"w{i}": value for i, value in enumerate(weights)}
    trainable = [v.value for v in layer.trainable_variables]
    rest = [v.value for v in layer.non_trainable_variables]
    y, _ = run(layer, trainable, rest, x, False, mask)
    cotangent = draw(*y.shape)

    def loss(trainable: Any, x: Any) -> Any:
        y, rest_after = run(layer, trainable, rest, x, True, mask)
        return (y.astype("float32") * cotangent).sum(), (y, rest_after)

    (grads, dx), (y_train, rest) = jax.grad(loss, argnums=(0, 1), has_aux=True)(trainable, x)
    for step in range(1, STEPS):
        _, rest = run(layer, trainable, rest, x * (step + 1), True, mask)
    keep |= {"x": x, "y": y, "cotangent": cotangent, "y_train": y_train, "dx": dx}
    keep |= {f"d{i}": value for i, value in enumerate(grads)} | {f"after{i}": value for i, value in enumerate(rest)}
    if mask is not None:
        keep["mask"] = mask
    for key, value in keep.items():
        ARRAYS[f"{name}_{key}"] = np.asarray(value, np.float32 if key != "mask" else np.bool_)
    channels = {1: shape[1]} if arguments.get("data_format") == "channels_first" else {len(shape) - 1: shape[-1]}
    free = [channels.get(d) if "Normalization" not in cls or d == 0 else size for d, size in enumerate(shape)]
    free[0] = None
    config = json.loads(json.dumps(layer.get_config()))
    config.pop("name")
    CASES.append(
        {
            "name": name,
            "class": cls,
            "arguments": arguments,
            "shape": shape,
            "free": free,
            "free_output": list(layer.compute_output_shape(tuple(free))),
            "weights": [[v.name, list(v.shape), v.trainable] for v in layer.weights],
            "config": config,
            "trainable": len(grads),
            "after": len(rest),
        }
    )


def spatial(rank: int, data_format: str, sizes: Any, channels: int) -> tuple[int, ...]:
    sizes = tuple(sizes[:rank])
    return (2, channels, *sizes) if data_format == "channels_first" else (2, *sizes, channels)


case("Conv1D", (2, 7, 3), filters=4, kernel_size=3)
case("Conv1D", (2, 7, 3), filters=4, kernel_size=3, padding="causal", dilation_rate=2, activation="relu")
case("Conv1D", (2, 7, 4), filters=4, kernel_size=2, padding="causal", strides=2, groups=2, activation="gelu")
case("Conv1D", (2, 3, 7), filters=4, kernel_size=3, data_format="channels_first", padding="causal")
case("Conv2D", (2, 6, 5, 3), filters=4, kernel_size=3, activation="relu")
case("Conv2D", (2, 6, 5, 3), filters=4, kernel_size=(3, 2), strides=(2, 1), padding="same", activation="tanh")
case("Conv2D", (2, 6, 7, 4), filters=6, kernel_size=2, groups=2, dilation_rate=(1, 2), use_bias=False)
case("Conv2D", (2, 4, 6, 5), filters=4, kernel_size=3, data_format="channels_first", activation="sigmoid", groups=2)
case("Conv2D", (2, 6, 5, 3), filters=4, kernel_size=3, activation="softmax", padding="SAME")
case("Conv3D", (2, 4, 5, 4, 2), filters=3, kernel_size=(2, 3, 2), activation="elu")
case("Conv3D", (2, 2, 4, 5, 4), filters=3, kernel_size=2, strides=2, data_format="channels_first", padding="same")
for kind, rank in (("Conv1DTranspose", 1), ("Conv2DTranspose", 2), ("Conv3DTranspose", 3)):
    for options in (
        {"padding": "valid", "strides": 2},
        {"padding": "same", "strides": 2, "activation": "relu"},
        {"padding": "valid", "strides": 3, "output_padding": 1},
        {"padding": "same", "strides": 2, "output_padding": 1, "data_format": "channels_first"},
        {"padding": "valid", "dilation_rate": 2, "use_bias": False},
    ):
        shape = spatial(rank, options.get("data_format", "channels_last"), (4, 3, 2), 2)
        case(kind, shape, filters=3, kernel_size=3, **options)
case("DepthwiseConv1D", (2, 7, 3), kernel_size=3, depth_multiplier=2, activation="relu")
case("DepthwiseConv1D", (2, 3, 7), kernel_size=3, strides=2, padding="same", data_format="channels_first")
case("DepthwiseConv2D", (2, 6, 5, 3), kernel_size=(3, 2), depth_multiplier=2, padding="same", activation="swish")
case("DepthwiseConv2D", (2, 3, 6, 6), kernel_size=2, data_format="channels_first", strides=2, use_bias=False)
case("DepthwiseConv2D", (2, 6, 6, 3), kernel_size=2, dilation_rate=2)
case("SeparableConv1D", (2, 7, 3), filters=4, kernel_size=3, depth_multiplier=2, activation="relu")
case("SeparableConv1D", (2, 3, 7), filters=4, kernel_size=3, strides=2, data_format="channels_first", padding="same")
case("SeparableConv2D", (2, 6, 5, 3), filters=4, kernel_size=3, strides=2, padding="same", activation="softplus")
case("SeparableConv2D", (2, 3, 6, 6), filters=4, kernel_size=2, data_format="channels_first", dilation_rate=2)
for kind in ("Max", "Average"):
    for rank in (1, 2, 3):
        case(f"{kind}Pooling{rank}D", spatial(rank, "channels_last", (7, 6, 5), 2), pool_size=2)
        shape = spatial(rank, "channels_first", (7, 6, 5), 2)
        case(f"{kind}Pooling{rank}D", shape, pool_size=3, strides=2, padding="same", data_format="channels_first")
        case(f"Global{kind}Pooling{rank}D", spatial(rank, "channels_last", (4, 3, 2), 2))
        shape = spatial(rank, "channels_first", (4, 3, 2), 2)
        case(f"Global{kind}Pooling{rank}D", shape, data_format="channels_first", keepdims=True)
        case(f"Adaptive{kind}Pooling{rank}D", spatial(rank, "channels_last", (7, 6, 5), 2), output_size=3)
    case(f"{kind}Pooling2D", (2, 7, 8, 2), pool_size=(2, 3), strides=(1, 2))
STEPS_SEEN = np.array([[True, False, True, True], [False, False, True, False]])
case("GlobalAveragePooling1D", (2, 4, 3), mask=STEPS_SEEN)
case("GlobalAveragePooling1D", (2, 3, 4), mask=STEPS_SEEN, data_format="channels_first", keepdims=True)
case("BatchNormalization", (6, 3))
case("BatchNormalization", (3, 4, 5, 2), momentum=0.8, epsilon=0.01)
case("BatchNormalization", (3, 4, 5, 2), axis=1, center=False)
case("BatchNormalization", (3, 4, 2), scale=False, momentum=0.5)
case("BatchNormalization", (2, 4, 3), mask=STEPS_SEEN, momentum=0.9)
case("BatchNormalization", (6, 3), renorm=True, renorm_momentum=0.7, momentum=0.6)
case("BatchNormalization", (6, 3), renorm=True, renorm_clipping={"rmin": 0.9, "rmax": 1.1, "dmax": 0.2}, scale=False)
case("LayerNormalization", (3, 4, 5))
case("LayerNormalization", (3, 4, 5), axis=[1, 2], epsilon=0.1)
case("LayerNormalization", (3, 4, 5), axis=1, center=False)
case("LayerNormalization", (3, 4, 5), axis=[2, 1], scale=False)
case("GroupNormalization", (3, 4, 6), groups=3)
case("GroupNormalization", (3, 6, 4, 2), groups=2, axis=1, epsilon=0.1)
case("GroupNormalization", (3, 2, 4), groups=-1, center=False)
case("GroupNormalization", (3, 6, 4, 2), groups=2, axis=-3, scale=False)
case("RMSNormalization", (3, 4, 5))
case("RMSNormalization", (3, 4, 5), axis=[1, 2], epsilon=0.1)
case("UnitNormalization", (3, 4, 5))
case("UnitNormalization", (3, 4, 5), axis=[1, 2])

ARRAYS["cases"] = np.array(json.dumps({"keras": keras.__version__, "steps": STEPS, "cases": CASES}))
np.savez_compressed(Path(__file__).with_name("layers_b.npz"), **ARRAYS)
