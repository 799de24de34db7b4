"""The config of one layer, by any Keras, as Keras 3 writes it."""

from __future__ import annotations

import base64
import contextlib
import inspect
from collections.abc import Callable
from typing import Any

from kerasish.saving.legacy_config.keras1 import upgrade_keras1_layer
from kerasish.saving.legacy_config.origin import Origin
from kerasish.saving.object_registration import known_objects

_RECURRENT = ("RNN", "LSTM", "GRU", "SimpleRNN", "ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D")
_CELLS = ("LSTMCell", "GRUCell", "SimpleRNNCell", "StackedRNNCells")
_CUDNN = {"CuDNNLSTM": "LSTM", "CuDNNGRU": "GRU"}

# Arguments that are gone, and the values with which they meant nothing special.
_GONE: dict[str, tuple[tuple[str, ...], tuple[Any, ...]]] = {
    "time_major": (_RECURRENT, (False, None)),
    "implementation": ((*_RECURRENT, *_CELLS), (0, 1, 2, None)),
    "input_length": (("Embedding",), ()),
    "groups": (
        (
            "DepthwiseConv1D",
            "DepthwiseConv2D",
            "SeparableConv1D",
            "SeparableConv2D",
            "Conv1DTranspose",
            "Conv2DTranspose",
            "Conv3DTranspose",
        ),
        (1, None),
    ),
    "kernel_initializer": (("SeparableConv1D", "SeparableConv2D", "DepthwiseConv1D", "DepthwiseConv2D"), ()),
    "kernel_regularizer": (("SeparableConv1D", "SeparableConv2D", "DepthwiseConv1D", "DepthwiseConv2D"), (None,)),
    "kernel_constraint": (("SeparableConv1D", "SeparableConv2D", "DepthwiseConv1D", "DepthwiseConv2D"), (None,)),
    "query_shape": (("MultiHeadAttention", "GroupQueryAttention", "GroupedQueryAttention"), ()),
    "key_shape": (("MultiHeadAttention", "GroupQueryAttention", "GroupedQueryAttention"), ()),
    "value_shape": (("MultiHeadAttention", "GroupQueryAttention", "GroupedQueryAttention"), ()),
    "softmax_robust_masking": (("MultiHeadAttention",), ()),
    "causal": (("Attention", "AdditiveAttention"), (False, None)),
    "noise_shape": (("SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D"), ()),
    "virtual_batch_size": (("BatchNormalization",), (None,)),
    "fused": (("BatchNormalization",), ()),
    "unroll": (("ConvLSTM1D", "ConvLSTM2D", "ConvLSTM3D"), (False, None)),
}
_ALIASES = {
    "GroupQueryAttention": "GroupedQueryAttention",
    "OrthogonalInitializer": "Orthogonal",
    "IdentityInitializer": "Identity",
}


def upgrade_layer(
    entry: Any, origin: Origin, upgrade_model: Callable[[dict[str, Any], Origin], dict[str, Any]]
) -> dict[str, Any]:
    """An entry `{"class_name", "config"}` as today's classes take it.

    Args:
        entry: The entry.
        origin: Who wrote it.
        upgrade_model: Does the same for an entry that is a model.
    """
    if not isinstance(entry, dict) or not isinstance(entry.get("class_name"), str):
        raise ValueError(f"Expected the entry of a layer: a dict with a class_name. Received: {str(entry)[:200]}")
    if "config" not in entry:
        raise ValueError(f"Expected the entry of a layer to have a config. Received: {sorted(map(str, entry))}")
    class_name, config = entry["class_name"], entry["config"]
    if is_model(class_name, config):
        return upgrade_model(entry, origin)
    if not isinstance(config, dict):
        raise ValueError(f"Expected the config of {class_name!r} to be a dict. Received: {type(config).__name__}")
    config = dict(config)
    if origin.generation == 1:
        class_name, config = upgrade_keras1_layer(class_name, config)
    class_name = str(_ALIASES.get(class_name, class_name))
    if origin.generation < 3:
        class_name, config = _from_keras_2(class_name, config)
    if origin.sums_batches:
        class_name, config = _sum_over_batch(class_name, config)
    for key in [key for key in config if key in _GONE]:
        classes, harmless = _GONE[key]
        if class_name in classes:
            value = config.pop(key)
            if harmless and value not in harmless:
                raise ValueError(
                    f"The argument {key!r} of {class_name} is no longer supported with this value. "
                    f"Received: {key}={value!r}, name={config.get('name')!r}"
                )
    for key in ("layer", "backward_layer", "cell", "forward_layer"):
        if _is_entry(config.get(key)):
            config[key] = upgrade_layer(config[key], origin, upgrade_model)
    for key in ("cells", "layers"):
        if isinstance(config.get(key), list) and any(_is_entry(member) for member in config[key]):
            config[key] = [
                upgrade_layer(member, origin, upgrade_model) if _is_entry(member) else member for member in config[key]
            ]
    if class_name == "Lambda":
        _lambda(config)
    return {**entry, "class_name": class_name, "config": config}


def is_model(class_name: str, config: Any) -> bool:
    """Whether an entry is a Sequential or Functional model, or one of a class made from such."""
    if class_name == "Sequential":
        return True
    return isinstance(config, dict) and "input_layers" in config and "output_layers" in config


def _is_entry(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("class_name"), str) and "config" in value


def clean_name(name: Any) -> Any:
    """A name as layers may have it today: old ones could contain "/".

    >>> clean_name("block/dense")
    'block_dense'
    """
    return name.replace("/", "_") if isinstance(name, str) else name


def _from_keras_2(class_name: str, config: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    if "name" in config:
        config["name"] = clean_name(config["name"])
    if class_name in _CUDNN:
        class_name = _CUDNN[class_name]
        config["recurrent_activation"] = "sigmoid"
        config["activation"] = "tanh"
        if class_name == "GRU":
            config["reset_after"] = True
    if class_name == "InputLayer":
        if "batch_input_shape" in config:
            config["batch_shape"] = config.pop("batch_input_shape")
        if "dtype" in config and config["dtype"] is None:
            config["dtype"] = "float32"
        config.pop("input_dtype", None)
        return class_name, config
    if class_name == "BatchNormalization":
        axis = config.get("axis")
        if isinstance(axis, (list, tuple)):
            if len(axis) != 1:
                raise ValueError(
                    "BatchNormalization over several axes is not supported. "
                    f"Received: axis={axis!r}, name={config.get('name')!r}"
                )
            config["axis"] = axis[0]
    elif class_name in ("GRU", "GRUCell"):
        config.setdefault("reset_after", False)
    elif class_name == "LeakyReLU" and "alpha" in config:
        config["negative_slope"] = config.pop("alpha")
    for key in ("activation", "recurrent_activation"):
        value = config.get(key)
        if value == "hard_sigmoid":
            config[key] = _named_function("kerasish>hard_sigmoid_of_keras_2")
        elif isinstance(value, str) and value.endswith("_v2"):
            # The names of functions inside TensorFlow.
            config[key] = value.removesuffix("_v2")
    for key, value in config.items():
        if key.endswith("_initializer") and isinstance(value, dict) and value.get("class_name") in _ALIASES:
            config[key] = {**value, "class_name": _ALIASES[value["class_name"]]}
    return class_name, config


def _sum_over_batch(class_name: str, config: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """Regularizers of outputs as sums over the batch, which they were."""
    penalty = config.get("activity_regularizer")
    if class_name == "ActivityRegularization":
        # The layer is its regularizer.
        penalty = {"class_name": "L1L2", "config": {"l1": config.pop("l1", 0.0), "l2": config.pop("l2", 0.0)}}
        class_name, config["activation"] = "Activation", "linear"
    if isinstance(penalty, dict) and penalty.get("class_name") != "SumOverBatch":
        config["activity_regularizer"] = {
            "class_name": "SumOverBatch",
            "config": {"regularizer": penalty},
            "registered_name": "kerasish>SumOverBatch",
        }
    return class_name, config


def _named_function(name: str) -> dict[str, Any]:
    return {
        "module": "builtins",
        "class_name": "function",
        "config": name.rpartition(">")[2],
        "registered_name": name,
    }


def _function_name(value: Any) -> str | None:
    """The custom object that byte code in a file was made from, found by its name in it; nothing is run.

    Keras 2 wrote the byte code of functions with a name, too.
    """
    code = value[0] if isinstance(value, list) and value else value
    if not isinstance(code, str):
        return None
    # Keras up to 2.0 wrote the bytes as they are.
    data = code.encode("raw_unicode_escape")
    with contextlib.suppress(ValueError):
        data += base64.b64decode(code)
    found = []
    for name, held in known_objects().items():
        text = name.encode("utf-8")
        # Strings of marshal: a kind, the length in one byte or four, the text.
        short, long = bytes([len(text) & 255]), len(text).to_bytes(4, "little")
        kinds = [kind + short + text for kind in (b"z", b"Z", b"\xda", b"\xfa")]
        kinds += [kind + long + text for kind in (b"s", b"t", b"u", b"a", b"A", b"\xf5", b"\xf4")]
        if inspect.isfunction(held) and any(kind in data for kind in kinds):
            found.append(name)
    return found[0] if len(found) == 1 else None


def _lambda(config: dict[str, Any]) -> None:
    """Functions of Lambda layers: names stay names, byte code is marked as what it is."""
    for key in ("function", "output_shape", "mask"):
        kind = config.pop(f"{key}_type", None)
        config.pop(f"{key}_module", None)
        value = config.get(key)
        if kind == "lambda" or (key != "output_shape" and isinstance(value, list)):
            name = _function_name(value)
            config[key] = (
                {"class_name": "__lambda__", "config": {"code": None}} if name is None else _named_function(name)
            )
        elif kind == "function" and isinstance(value, str):
            config[key] = _named_function(value)
    config.pop("module", None)
