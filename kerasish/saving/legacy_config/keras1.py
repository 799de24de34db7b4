"""Layers of Keras 1: their classes and arguments, as Keras 2 named them."""

from __future__ import annotations

from typing import Any

_CLASSES = {
    "Convolution1D": "Conv1D",
    "Convolution2D": "Conv2D",
    "Convolution3D": "Conv3D",
    "AtrousConvolution1D": "Conv1D",
    "AtrousConvolution2D": "Conv2D",
    "AtrousConv1D": "Conv1D",
    "AtrousConv2D": "Conv2D",
    "Deconvolution2D": "Conv2DTranspose",
    "Deconv2D": "Conv2DTranspose",
    "SeparableConvolution2D": "SeparableConv2D",
}

# Arguments that changed their names, whatever the layer.
_RENAMED = {
    "W_regularizer": "kernel_regularizer",
    "U_regularizer": "recurrent_regularizer",
    "b_regularizer": "bias_regularizer",
    "W_constraint": "kernel_constraint",
    "U_constraint": "recurrent_constraint",
    "b_constraint": "bias_constraint",
    "bias": "use_bias",
    "init": "kernel_initializer",
    "inner_init": "recurrent_initializer",
    "inner_activation": "recurrent_activation",
    "border_mode": "padding",
    "nb_filter": "filters",
    "filter_length": "kernel_size",
    "subsample": "strides",
    "subsample_length": "strides",
    "atrous_rate": "dilation_rate",
    "pool_length": "pool_size",
    "stride": "strides",
    "dropout_W": "dropout",
    "dropout_U": "recurrent_dropout",
    "output_dim": "units",
    "p": "rate",
    "sigma": "stddev",
    "length": "size",
}
_DROPPED = ("input_dtype", "consume_less", "input_length", "weights")
_INITIALIZERS = {
    "uniform": {"class_name": "RandomUniform", "config": {"minval": -0.05, "maxval": 0.05}},
    "normal": {"class_name": "RandomNormal", "config": {"mean": 0.0, "stddev": 0.05}},
    "zero": "zeros",
    "one": "ones",
}
_MERGES = {
    "sum": "Add",
    "mul": "Multiply",
    "ave": "Average",
    "max": "Maximum",
    "concat": "Concatenate",
    "dot": "Dot",
    "cos": "Dot",
}


def upgrade_keras1_layer(class_name: str, config: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The class and the arguments of a layer of Keras 1 under the names of Keras 2.

    >>> upgrade_keras1_layer("Dropout", {"name": "d", "p": 0.5})
    ('Dropout', {'name': 'd', 'rate': 0.5})
    """
    config = dict(config)
    if class_name == "Merge":
        return _merge(config)
    for key in _DROPPED:
        config.pop(key, None)
    new_class = _CLASSES.get(class_name, class_name)
    if class_name == "Embedding":
        names = {
            "init": "embeddings_initializer",
            "W_regularizer": "embeddings_regularizer",
            "W_constraint": "embeddings_constraint",
        }
        _rename(config, names)
        config.pop("dropout", None)
    elif class_name == "PReLU":
        _rename(config, {"init": "alpha_initializer"})
    elif "output_dim" in config or "input_dim" in config:
        config.pop("input_dim", None)
    if class_name == "BatchNormalization":
        mode = config.pop("mode", 0)
        if mode != 0:
            raise ValueError(
                f"BatchNormalization of Keras 1 in mode {mode} has no counterpart. Received: mode={mode!r}, "
                f"name={config.get('name')!r}"
            )
    if "nb_row" in config:
        config["kernel_size"] = [config.pop("nb_row"), config.pop("nb_col")]
    if "kernel_dim1" in config:
        config["kernel_size"] = [config.pop(f"kernel_dim{axis}") for axis in (1, 2, 3)]
    if "forget_bias_init" in config:
        config["unit_forget_bias"] = config.pop("forget_bias_init") in ("one", "ones")
    ordering = config.pop("dim_ordering", None)
    if ordering is not None:
        config["data_format"] = {"th": "channels_first", "tf": "channels_last"}.get(ordering)
    renamed = dict(_RENAMED)
    if class_name == "Embedding":
        renamed.pop("output_dim")
    _rename(config, renamed)
    if class_name == "GRU":
        config["reset_after"] = False
    for key, value in config.items():
        if key.endswith("_initializer") and isinstance(value, str):
            config[key] = _INITIALIZERS.get(value, value)
        elif key.endswith(("_regularizer", "_constraint")) and isinstance(value, dict) and "class_name" not in value:
            config[key] = _penalty(value)
    return new_class, config


def _rename(config: dict[str, Any], names: dict[str, str]) -> None:
    for old, new in names.items():
        if old in config and old != new:
            config[new] = config.pop(old)


def _penalty(value: dict[str, Any]) -> dict[str, Any]:
    """A regularizer or a constraint, of which Keras 1 wrote the class as "name"."""
    config = dict(value)
    name = str(config.pop("name", ""))
    if name.endswith("Regularizer"):
        return {"class_name": "L1L2", "config": {key: config.get(key, 0.0) for key in ("l1", "l2")}}
    _rename(config, {"m": "max_value", "low": "min_value", "high": "max_value"})
    return {"class_name": name, "config": config}


def _merge(config: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    mode = config.get("mode")
    if config.get("mode_type", "raw") != "raw" or mode not in _MERGES:
        raise ValueError(
            f"The layer {config.get('name')!r} merges with a function of its own, which is not in the file. "
            f"Received: mode={str(mode)[:100]!r}"
        )
    merged: dict[str, Any] = {"name": config.get("name"), "trainable": config.get("trainable", True)}
    if mode == "concat":
        merged["axis"] = config.get("concat_axis", -1)
    elif mode in ("dot", "cos"):
        axes = config.get("dot_axes", -1)
        merged["axes"] = list(axes) if isinstance(axes, (list, tuple)) else axes
        merged["normalize"] = mode == "cos"
    return _MERGES[mode], merged
