"""Weights of old files in the layouts of today: gates, kernels and biases were once stored otherwise.

Every conversion is a function of the list of a layer's arrays, in the order of the file, and most only move values
about, so that the slots of an optimizer are converted as the weights are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasish.layers.layer import Layer
from kerasish.saving.legacy_config import Origin

Array = np.ndarray[Any, Any]

_CONVOLUTIONS = (
    "Conv1D",
    "Conv2D",
    "Conv3D",
    "Conv1DTranspose",
    "Conv2DTranspose",
    "Conv3DTranspose",
    "ConvLSTM1D",
    "ConvLSTM2D",
    "ConvLSTM3D",
)
# The places of the gates (input, forget, cell, output) among the triples (kernel, recurrent kernel, bias) of Keras 1.
_LSTM_1 = (0, 2, 1, 3)
_GRU_1 = (0, 1, 2)


def convert(layer: Layer, arrays: Sequence[Array], shapes: Sequence[tuple[int, ...]], origin: Origin) -> list[Array]:
    """The arrays of a layer in today's order and layout.

    Args:
        layer: The layer.
        arrays: Its arrays as they stand in the file.
        shapes: The shapes of its weights, in their order.
        origin: Who wrote the file.
    """
    values = list(arrays)
    if origin.generation >= 3 and _fits(values, shapes):
        return values
    kind = _class_name(layer)
    inner = _wrapped(layer)
    if kind == "Bidirectional":
        half, split = len(values) // 2, len(shapes) // 2
        forward, backward = _directions(layer)
        return [
            *convert(forward, values[:half], shapes[:split], origin),
            *convert(backward, values[half:], shapes[split:], origin),
        ]
    if inner is not None:
        return convert(inner, values, shapes, origin)
    if _is_model(layer):
        return _nested(layer, values, shapes, origin)
    if origin.generation == 1:
        values = _from_keras_1(kind, layer, values)
    if kind in ("LSTM", "GRU"):
        values = _recurrent(kind, values, shapes)
    elif kind in _CONVOLUTIONS:
        values = [_kernel(value, shape) for value, shape in zip(values, shapes, strict=False)] + values[len(shapes) :]
    return values


def stored_count(layer: Layer, count: int, origin: Origin) -> int:
    """How many arrays a file holds for `count` weights of a layer.

    Args:
        layer: The layer.
        count: How many weights of it are meant.
        origin: Who wrote the file.
    """
    if origin.generation != 1 or count == 0:
        return count
    inner = _wrapped(layer)
    if inner is not None:
        return stored_count(inner, count, origin)
    kind = _class_name(layer)
    if kind == "Bidirectional":
        forward, backward = _directions(layer)
        half = count // 2
        return stored_count(forward, half, origin) + stored_count(backward, count - half, origin)
    return {"LSTM": 12, "GRU": 9}.get(kind, count)


def _fits(values: Sequence[Array], shapes: Sequence[tuple[int, ...]]) -> bool:
    return len(values) == len(shapes) and all(v.shape == s for v, s in zip(values, shapes, strict=True))


def _class_name(layer: Any) -> str:
    for cls in type(layer).__mro__:
        if cls.__module__.startswith("kerasish.layers"):
            return cls.__name__
    return type(layer).__name__


def _wrapped(layer: Any) -> Layer | None:
    """The layer inside a wrapper that adds no weights of its own."""
    if _class_name(layer) in ("TimeDistributed",):
        return layer.layer
    return None


def _directions(layer: Any) -> tuple[Layer, Layer]:
    return layer.forward_layer, layer.backward_layer


def _is_model(layer: Any) -> bool:
    from kerasish.models.model import Model

    return isinstance(layer, Model)


def _nested(layer: Any, values: list[Array], shapes: Sequence[tuple[int, ...]], origin: Origin) -> list[Array]:
    """A model inside a model: the trainable weights of all its layers, then the others."""
    if _fits(values, shapes):
        return values
    converted: list[Array] = []
    position = taken = 0
    for trainable in (True, False):
        for sublayer in layer.layers:
            weights = sublayer.trainable_weights if trainable else sublayer.non_trainable_weights
            if not layer.trainable:
                weights = [] if trainable else [*sublayer.trainable_weights, *sublayer.non_trainable_weights]
            count = stored_count(sublayer, len(weights), origin)
            part = values[position : position + count]
            wanted = shapes[taken : taken + len(weights)]
            converted.extend(convert(sublayer, part, wanted, origin))
            position, taken = position + count, taken + len(weights)
    return converted if position == len(values) else values


def _from_keras_1(kind: str, layer: Any, values: list[Array]) -> list[Array]:
    if kind == "LSTM" and len(values) == 12:
        return _join_gates(values, _LSTM_1)
    if kind == "GRU" and len(values) == 9:
        return _join_gates(values, _GRU_1)
    if not values or values[0] is None:
        return values
    kernel, first = values[0], getattr(layer, "data_format", "channels_last") == "channels_first"
    if kind == "Conv1D" and kernel.ndim == 4:
        if kernel.shape[1] == 1:
            # (length, 1, inputs, filters)
            kernel = kernel[:, 0]
        else:
            # (filters, inputs, length, 1)
            kernel = np.transpose(kernel[:, :, :, 0], (2, 1, 0))
    elif kind == "Conv2D" and first and kernel.ndim == 4:
        kernel = np.transpose(kernel, (2, 3, 1, 0))
    elif kind == "Conv2DTranspose" and kernel.ndim == 4:
        kernel = np.transpose(kernel, (2, 3, 0, 1) if first else (0, 1, 3, 2))
    elif kind == "Conv3D" and first and kernel.ndim == 5:
        kernel = np.transpose(kernel, (2, 3, 4, 1, 0))
    return [kernel, *values[1:]]


def _join_gates(values: list[Array], order: tuple[int, ...]) -> list[Array]:
    return [np.concatenate([values[3 * gate + part] for gate in order], axis=-1) for part in range(3)]


def _kernel(value: Array, shape: tuple[int, ...]) -> Array:
    """Kernels of Theano and CNTK have their filters first."""
    if value.shape != shape and value.ndim == 4 and np.transpose(value, (3, 2, 0, 1)).shape == shape:
        return np.transpose(value, (3, 2, 0, 1))
    return value


def _recurrent(kind: str, values: list[Array], shapes: Sequence[tuple[int, ...]]) -> list[Array]:
    """Weights of the cuDNN layers, whose gates lie transposed, and back."""
    if len(values) != 3 or len(shapes) != 3 or values[2].shape == shapes[2]:
        return values
    kernel, recurrent, bias = values
    gates = 4 if kind == "LSTM" else 3
    units = recurrent.shape[0]
    if kind == "LSTM":
        if bias.shape != (8 * units,):
            return values
        bias = bias[: 4 * units] + bias[4 * units :]
    else:
        if bias.shape != (6 * units,) or shapes[2] != (2, 3 * units):
            return values
        bias = bias.reshape(2, 3 * units)
    return [_from_cudnn(kernel, gates, True), _from_cudnn(recurrent, gates, False), bias]


def _from_cudnn(kernel: Array, gates: int, is_input: bool) -> Array:
    parts = np.split(kernel, gates, axis=1)
    if is_input:
        return np.concatenate([part.T.reshape(part.shape, order="F") for part in parts], axis=1)
    return np.concatenate([part.T for part in parts], axis=1)
