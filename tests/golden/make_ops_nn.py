"""Write `ops_nn.npz`: values of `keras.ops.nn` and `keras.ops.image`. Run it where Keras is installed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np

RNG = np.random.default_rng(0)
ARRAYS: dict[str, np.ndarray[Any, Any]] = {}
CASES: list[dict[str, Any]] = []
ACTIVATIONS = """
relu relu6 sigmoid sparse_sigmoid softplus softsign silu swish log_sigmoid leaky_relu hard_sigmoid
hard_silu hard_swish elu selu celu gelu glu tanh_shrink hard_tanh hard_shrink soft_shrink squareplus
sparse_plus softmax log_softmax erf
"""


def draw(*shape: int) -> np.ndarray[Any, Any]:
    return RNG.normal(size=shape).astype(np.float32)


def case(function: str, *arrays: Any, **attrs: Any) -> None:
    """Call a function of `keras.ops` and keep its arguments and its result."""
    name = f"{len(CASES):03d}"
    owner: Any = keras.ops
    for part in function.split("."):
        owner = getattr(owner, part)
    result = owner(*arrays, **{key: tuple(v) if isinstance(v, list) else v for key, v in attrs.items()})
    results = result if isinstance(result, (tuple, list)) else (result,)
    named = [name + chr(ord("a") + position) for position in range(len(arrays))]
    for key, array in zip(named, arrays, strict=True):
        ARRAYS[key] = array
    for position, value in enumerate(results):
        ARRAYS[f"{name}_{position}"] = np.asarray(value)
    CASES.append({"name": name, "function": function, "arguments": named, "attrs": attrs, "results": len(results)})


x = np.concatenate([np.linspace(-4, 4, 13), [-0.5, 0.0, 0.5, 1.0, -1.0]]).astype(np.float32).reshape(3, 6)
for name in ACTIVATIONS.split():
    case(name, x)
case("erfinv", x / 5)
case("leaky_relu", x, negative_slope=0.1)
case("elu", x, alpha=0.5)
case("celu", x, alpha=2.0)
case("gelu", x, approximate=False)
case("glu", x, axis=1)
case("hard_shrink", x, threshold=1.0)
case("soft_shrink", x, threshold=1.0)
case("squareplus", x, b=1)
case("threshold", x, threshold=0.3, default_value=-7.0)
case("sparsemax", x, axis=0)
case("softmax", draw(2, 3, 4), axis=[0, 2])
case("softmax", draw(2, 3), axis=None)
case("log_softmax", draw(2, 3, 4), axis=1)

for rank in (1, 2, 3):
    size = (7, 6, 4)[:rank]
    window = (3, 2, 2)[:rank]
    for padding in ("valid", "same"):
        for strides, dilation in ((1, 1), (2, 1), (1, 2)):
            case(
                "conv",
                draw(1, *size, 4),
                draw(*window, 4, 2),
                strides=strides,
                padding=padding,
                dilation_rate=dilation,
                data_format="channels_last",
            )
        case("max_pool", draw(1, *size, 3), pool_size=3, strides=2, padding=padding, data_format="channels_last")
        case("average_pool", draw(1, *size, 3), pool_size=3, strides=2, padding=padding, data_format="channels_last")
    case("conv", draw(1, *size, 4), draw(*window, 2, 6), padding="same", data_format="channels_last")
    case("conv", draw(1, 4, *size), draw(*window, 4, 2), strides=2, padding="same", data_format="channels_first")
    case("adaptive_average_pool", draw(1, *size, 3), output_size=4, data_format="channels_last")
    case("adaptive_max_pool", draw(1, *size, 3), output_size=4, data_format="channels_last")
case("max_pool", draw(2, 3, 7, 6), pool_size=[2, 3], strides=[2, 3], data_format="channels_first")
case("average_pool", draw(2, 3, 7, 6), pool_size=[2, 3], strides=1, padding="same", data_format="channels_first")

for rank in (1, 2):
    size = (5, 4)[:rank]
    for window in (2, 3, 4):
        for strides in (1, 2, 3):
            for padding in ("valid", "same"):
                for extra in (None, 0, 1):
                    if extra is not None and (extra >= strides or rank == 2):
                        continue
                    case(
                        "conv_transpose",
                        draw(1, *size, 3),
                        draw(*(window,) * rank, 2, 3),
                        strides=strides,
                        padding=padding,
                        output_padding=extra,
                        data_format="channels_last",
                    )
case("conv_transpose", draw(1, 5, 3), draw(3, 2, 3), dilation_rate=2, padding="same", data_format="channels_last")
case("conv_transpose", draw(1, 3, 5), draw(3, 2, 3), strides=2, data_format="channels_first")

for padding in ("valid", "same"):
    kernel = draw(3, 2, 4, 2)
    case("depthwise_conv", draw(2, 7, 6, 4), kernel, strides=2, padding=padding, data_format="channels_last")
    case("depthwise_conv", draw(2, 7, 4), draw(3, 4, 1), dilation_rate=2, padding=padding, data_format="channels_last")
    case(
        "separable_conv",
        draw(2, 7, 6, 4),
        kernel,
        draw(1, 1, 8, 3),
        strides=2,
        padding=padding,
        data_format="channels_last",
    )

case("moments", draw(2, 3, 4), axes=[0, 2])
case("moments", draw(2, 3, 4), axes=1, keepdims=True)
case("batch_normalization", draw(2, 3, 4), draw(3), np.abs(draw(3)), axis=1)
case("layer_normalization", draw(2, 3, 4))
case("layer_normalization", draw(2, 3, 4), draw(3, 4), draw(3, 4), axis=[1, 2], epsilon=1e-3)
case("layer_normalization", draw(2, 3, 4), draw(3), draw(3), axis=1, epsilon=1e-3)
case("rms_normalization", draw(2, 3, 4), draw(4), epsilon=1e-3)
case("rms_normalization", draw(2, 3, 4), draw(3, 4), axis=[1, 2])
case("normalize", draw(3, 4))
case("normalize", draw(3, 4), axis=0, order=1)
case("normalize", draw(3, 4), order=3)

q, k, v = draw(2, 5, 4, 3), draw(2, 6, 4, 3), draw(2, 6, 4, 3)
case("dot_product_attention", q, k, v)
case("dot_product_attention", q, k, v, scale=0.3, is_causal=True)
case("dot_product_attention", q, k, v, draw(1, 4, 5, 6))
case("dot_product_attention", q, k, v, draw(1, 1, 5, 6), RNG.random((2, 1, 5, 6)) > 0.3)
case("dot_product_attention", q, draw(2, 6, 2, 3), draw(2, 6, 2, 3))

probabilities = np.array([[0.2, 0.5, 0.3], [0.0, 1.0, 0.0], [2.0, 1.0, 1.0]], np.float32)
targets = np.array([[0, 1, 0], [1, 0, 0], [0.2, 0.3, 0.5]], np.float32)
case("categorical_crossentropy", targets, probabilities)
case("categorical_crossentropy", targets, draw(3, 3), from_logits=True)
case("categorical_crossentropy", targets, draw(3, 3), from_logits=True, axis=0)
case("sparse_categorical_crossentropy", np.array([1, 0, 2]), probabilities)
case("sparse_categorical_crossentropy", np.array([[1], [0], [2]]), draw(3, 3), from_logits=True)
case("binary_crossentropy", targets, np.clip(probabilities, 0, 1))
case("binary_crossentropy", targets, draw(3, 3), from_logits=True)

image = draw(2, 6, 5, 3)
for interpolation in ("nearest", "bilinear", "bicubic", "lanczos3", "lanczos5"):
    for size in ([9, 4], [3, 11]):
        case("image.resize", image, size=size, interpolation=interpolation, data_format="channels_last")
    case("image.resize", image, size=[3, 2], interpolation=interpolation, antialias=True, data_format="channels_last")
case("image.resize", image[0], size=[4, 8], crop_to_aspect_ratio=True, data_format="channels_last")
case("image.resize", image, size=[4, 8], pad_to_aspect_ratio=True, fill_value=2.0, data_format="channels_last")
case("image.resize", image, size=[8, 4], pad_to_aspect_ratio=True, data_format="channels_last")
case("image.resize", draw(2, 3, 6, 5), size=[4, 8], data_format="channels_first")
case("image.resize", np.arange(12, dtype=np.uint8).reshape(4, 3, 1), size=[2, 5], data_format="channels_last")
case(
    "image.resize",
    np.arange(12, dtype=np.uint8).reshape(4, 3, 1),
    size=[2, 5],
    interpolation="nearest",
    data_format="channels_last",
)
case("image.rgb_to_grayscale", image, data_format="channels_last")
case("image.extract_patches", image, size=[3, 2], data_format="channels_last")
case("image.extract_patches", image, size=3, strides=2, padding="same", data_format="channels_last")
case("image.extract_patches", draw(2, 3, 6, 5), size=2, dilation_rate=2, strides=1, data_format="channels_first")

case("depth_to_space", draw(2, 3, 2, 8), block_size=2, data_format="channels_last")
case("depth_to_space", draw(2, 8, 3, 2), block_size=2, data_format="channels_first")
case("space_to_depth", draw(2, 6, 4, 3), block_size=2, data_format="channels_last")
case("space_to_depth", draw(2, 3, 6, 4), block_size=2, data_format="channels_first")
case("unfold", draw(2, 3, 7, 6), kernel_size=[3, 2], dilation=2, padding=1, stride=2)
case("fold", draw(2, 3 * 6, 9), output_size=[7, 6], kernel_size=[3, 2], dilation=[1, 1], padding=[1, 0], stride=[3, 2])

if __name__ == "__main__":
    ARRAYS["cases"] = np.array(json.dumps(CASES))
    np.savez_compressed(Path(__file__).with_name("ops_nn.npz"), **ARRAYS)
