"""Write `layers_a.npz`: outputs and gradients of layers of `keras.layers`. Run it where Keras (on JAX) is installed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jax
import keras
import numpy as np

RNG = np.random.default_rng(0)
ARRAYS: dict[str, np.ndarray[Any, Any]] = {}
CASES: list[dict[str, Any]] = []


def draw(*shape: int) -> np.ndarray[Any, Any]:
    return RNG.normal(size=shape).astype(np.float32)


def case(
    cls: str, *shapes: tuple[int, ...], call: dict[str, Any] | None = None, zero: Any = None, **kwargs: Any
) -> None:
    """Call a layer on random inputs, and keep its config, weights, output and gradients."""
    name = f"{len(CASES):03d}"
    layer = getattr(keras.layers, cls)(**kwargs)
    arrays = [draw(*shape) for shape in shapes]
    if zero is not None:
        arrays[0][zero] = 0.0
    inputs = arrays if len(arrays) > 1 or cls in ("Concatenate",) else arrays[0]
    call = call or {}
    given = {key: np.array(value) if isinstance(value, list) else value for key, value in call.items()}
    output = layer(inputs, **given)
    for variable in layer.weights:
        variable.assign(draw(*variable.shape))
    output = np.asarray(layer(inputs, **given))
    cotangent = draw(*output.shape)

    def value(trainable: Any, x: Any) -> Any:
        y, _ = layer.stateless_call(trainable, [v.value for v in layer.non_trainable_variables], x, **given)
        return (y * cotangent).sum()

    by_weights, by_inputs = jax.grad(value, argnums=(0, 1))([v.value for v in layer.trainable_variables], inputs)
    for position, array in enumerate(arrays):
        ARRAYS[f"{name}_x{position}"] = array
        ARRAYS[f"{name}_dx{position}"] = np.asarray(by_inputs[position] if isinstance(inputs, list) else by_inputs)
    for position, variable in enumerate(layer.weights):
        ARRAYS[f"{name}_w{position}"] = np.asarray(variable.value)
        ARRAYS[f"{name}_dw{position}"] = np.asarray(by_weights[position])
    ARRAYS[f"{name}_y"] = output
    ARRAYS[f"{name}_dy"] = cotangent
    mask = keras.src.backend.get_keras_mask(layer(inputs, **given))
    if mask is not None:
        ARRAYS[f"{name}_mask"] = np.asarray(mask)
    symbols = [keras.KerasTensor((None, *shape[1:])) for shape in shapes]
    symbolic = layer(symbols if isinstance(inputs, list) else symbols[0])
    CASES.append(
        {
            "name": name,
            "class": cls,
            "config": layer.get_config(),
            "kwargs": kwargs,
            "call": call,
            "list": isinstance(inputs, list),
            "inputs": len(arrays),
            "weights": [variable.path for variable in layer.weights],
            "symbolic": list(symbolic.shape),
            "params": layer.count_params(),
        }
    )


for activation in (None, "relu", "sigmoid", "tanh", "softmax", "gelu", "elu"):
    case("Dense", (3, 4), units=5, activation=activation)
case("Dense", (2, 3, 4), units=5, use_bias=False)
case("Dense", (2, 2, 3, 4), units=2, activation="relu")
case("Dense", (2, 4), units=3, kernel_regularizer="l2", kernel_constraint="max_norm", activity_regularizer="l1")
case("EinsumDense", (2, 3, 4), equation="abc,cd->abd", output_shape=[None, 5], bias_axes="d")
case("EinsumDense", (2, 3, 4), equation="...x,xy->...y", output_shape=6, bias_axes="y", activation="relu")
case("EinsumDense", (2, 3, 4), equation="abc,cde->abde", output_shape=[None, 2, 3], bias_axes="de")
case("EinsumDense", (2, 3, 4), equation="ab...,bc->ac...", output_shape=5, bias_axes="c")
case("EinsumDense", (2, 3, 4), equation="abc,bde->adec", output_shape=[2, 5, None], bias_axes="e")
case("Masking", (2, 3, 4), zero=(1, slice(1, 3)))
case("Identity", (2, 3))
case("Activation", (2, 3), activation="selu")
case("Activation", (2, 3), activation="log_softmax")
case("ReLU", (3, 8))
case("ReLU", (3, 8), max_value=1.0, negative_slope=0.2, threshold=0.5)
case("LeakyReLU", (3, 8))
case("LeakyReLU", (3, 8), negative_slope=0.1)
case("PReLU", (3, 4, 5))
case("PReLU", (3, 4, 5, 2), shared_axes=[1, 2])
case("ELU", (3, 8), alpha=0.7)
case("Softmax", (3, 8))
case("Softmax", (3, 4, 5), axis=1)
case("Softmax", (3, 4, 5), axis=[1, 2])
case("Softmax", (2, 4), call={"mask": [[True, False, True, True], [False, True, True, False]]})
case("ActivityRegularization", (3, 4), l1=0.1, l2=0.2)
case("Dropout", (3, 4), rate=0.5, seed=1)
case("Flatten", (2, 3, 4))
case("Flatten", (2, 3, 4, 2), data_format="channels_first")
case("Reshape", (2, 3, 4), target_shape=[2, -1])
case("Permute", (2, 3, 4, 5), dims=[3, 1, 2])
case("RepeatVector", (2, 3), n=4)
case("Cropping1D", (2, 7, 3), cropping=[1, 2])
case("Cropping1D", (2, 7, 3), cropping=2)
case("Cropping2D", (2, 7, 6, 3), cropping=[[1, 0], [2, 1]])
case("Cropping2D", (2, 3, 7, 6), cropping=1, data_format="channels_first")
case("Cropping3D", (2, 5, 6, 4, 2), cropping=[[1, 0], [2, 1], [0, 3]])
case("Cropping3D", (2, 2, 5, 6, 4), cropping=[1, 2, 1], data_format="channels_first")
case("ZeroPadding1D", (2, 3, 2), padding=[1, 2])
case("ZeroPadding2D", (2, 3, 4, 2), padding=[[1, 0], [2, 1]])
case("ZeroPadding2D", (2, 2, 3, 4), padding=2, data_format="channels_first")
case("ZeroPadding3D", (2, 2, 3, 2, 2), padding=[[1, 0], [2, 1], [0, 1]])
case("UpSampling1D", (2, 3, 2), size=3)
case("UpSampling2D", (2, 3, 4, 2), size=[2, 3])
case("UpSampling2D", (2, 3, 4, 2), size=2, interpolation="bilinear")
case("UpSampling2D", (2, 2, 3, 4), size=[3, 2], interpolation="bilinear", data_format="channels_first")
case("UpSampling2D", (1, 4, 4, 1), size=2, interpolation="bicubic")
case("UpSampling3D", (2, 2, 3, 2, 2), size=[2, 1, 3])
case("Add", (2, 3), (2, 3), (2, 3))
case("Add", (2, 3, 4), (2, 4))
case("Subtract", (2, 3), (2, 3))
case("Multiply", (2, 3), (2, 3), (2, 1))
case("Average", (2, 3), (2, 3), (2, 3))
case("Maximum", (2, 3), (2, 3), (2, 3))
case("Minimum", (2, 3), (2, 3))
case("Concatenate", (2, 3), (2, 1))
case("Concatenate", (2, 3, 4), (2, 2, 4), axis=1)
case("Dot", (2, 3), (2, 3), axes=1)
case("Dot", (2, 3), (2, 3), axes=-1, normalize=True)
case("Dot", (2, 3, 4), (2, 5, 3), axes=[1, 2])
case("Dot", (2, 3, 4), (2, 4), axes=[2, 1])
case("Dot", (2, 4), (2, 3, 4), axes=[1, 2])
case("Dot", (2, 3, 4, 2), (2, 5, 4), axes=[2, 2])

SCHEMA = json.dumps(CASES, default=list)
np.savez_compressed(Path(__file__).with_name("layers_a.npz"), cases=np.array(SCHEMA), **ARRAYS)
