"""What `compile` was given, as values of JSON, and back: today's form, and that of HDF5 files."""

from __future__ import annotations

import inspect
from typing import Any

from kerasish import tree
from kerasish.saving.legacy_config.origin import Origin
from kerasish.saving.legacy_config.training import upgrade_loss, upgrade_metrics, upgrade_optimizer
from kerasish.saving.object_registration import get_registered_object
from kerasish.saving.serialization_lib import deserialize_keras_object, resolve, serialize_keras_object

# Keras reads HDF5 files only with the full names of losses.
_FULL_NAMES = {
    "mse": "mean_squared_error",
    "mae": "mean_absolute_error",
    "mape": "mean_absolute_percentage_error",
    "msle": "mean_squared_logarithmic_error",
    "kld": "kl_divergence",
    "bce": "binary_crossentropy",
    "logcosh": "log_cosh",
    "huber_loss": "huber",
}
_KEYS = (
    "loss",
    "loss_weights",
    "metrics",
    "weighted_metrics",
    "run_eagerly",
    "steps_per_execution",
    "jit_compile",
)


def get_compile_config(model: Any) -> dict[str, Any] | None:
    """What a model was compiled with, or None for one that was not.

    Args:
        model: The model.
    """
    arguments = model._compile_arguments
    if not model.compiled or arguments is None:
        return None
    config = {"optimizer": serialize_keras_object(model.optimizer)}
    config.update({key: _written(arguments.get(key)) for key in _KEYS})
    return config


def _written(value: Any) -> Any:
    """A setting as values of JSON: built-in functions by their names."""
    if isinstance(value, dict):
        return {key: _written(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_written(member) for member in value]
    if inspect.isfunction(value):
        if value.__module__.startswith("kerasish."):
            return value.__name__
        entry = serialize_keras_object(value)
        return {**entry, "module": "builtins"}
    return serialize_keras_object(value)


def compile_from_config(model: Any, config: Any) -> None:
    """Compile a model with what `get_compile_config` gave.

    Args:
        model: The model.
        config: The config; None and {} leave the model uncompiled.
    """
    if not config:
        return
    if not isinstance(config, dict):
        raise ValueError(f"Expected the compile config to be a dict. Received: {type(config).__name__}")
    arguments = {key: config.get(key) for key in _KEYS if key in config}
    for key in ("loss", "metrics", "weighted_metrics"):
        family = "losses" if key == "loss" else "metrics"
        if key in arguments:
            arguments[key] = _read(arguments[key], family)
    optimizer = config.get("optimizer", "rmsprop")
    if isinstance(optimizer, dict):
        optimizer = deserialize_keras_object(optimizer, family="optimizers")
    if arguments.get("jit_compile") is None:
        arguments["jit_compile"] = "auto"
    model.compile(optimizer=optimizer, **arguments)
    if model.built and model.trainable_variables:
        model.optimizer.build(model.trainable_variables)


def _read(value: Any, family: str) -> Any:
    if isinstance(value, dict):
        if "class_name" in value and "config" in value:
            return _object(value, family)
        return {key: _read(member, family) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_read(member, family) for member in value]
    if isinstance(value, str):
        custom = get_registered_object(value)
        return value if custom is None else custom
    return value


def _object(entry: dict[str, Any], family: str) -> Any:
    class_name, config = entry["class_name"], entry["config"]
    if class_name == "MeanMetricWrapper" and isinstance(config, dict) and isinstance(config.get("fn"), str):
        from kerasish import metrics

        function = _metric_function(config["fn"])
        if inspect.isclass(function):
            made: Any = function
            return made(name=config.get("name"), dtype=config.get("dtype"))
        return metrics.MeanMetricWrapper(function, name=config.get("name"), dtype=config.get("dtype"))
    return deserialize_keras_object(entry, family=family)


def _metric_function(name: str) -> Any:
    for family in ("metrics", "losses"):
        try:
            return resolve(name, family)
        except ValueError as error:
            failure = error
    raise failure


# -------------------------------------------------------------------- HDF5


def training_config(model: Any) -> dict[str, Any] | None:
    """What a model was compiled with, as HDF5 files hold it, or None for one that was not compiled.

    Args:
        model: The model.
    """
    config = get_compile_config(model)
    if config is None:
        return None
    optimizer = _plain_entry(config.pop("optimizer"))
    config["loss"] = tree.map_structure(
        lambda name: _FULL_NAMES.get(name.lower(), name) if isinstance(name, str) else name, _plain(config["loss"])
    )
    for key in ("metrics", "weighted_metrics"):
        config[key] = _plain(config[key])
    return {**config, "optimizer_config": optimizer}


def _plain(value: Any) -> Any:
    """Entries as `{"class_name", "config"}`, functions by name."""
    if isinstance(value, dict):
        if "class_name" in value and "config" in value:
            return _plain_entry(value)
        return {key: _plain(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(member) for member in value]
    return value


def _plain_entry(entry: dict[str, Any]) -> Any:
    if entry["class_name"] == "function":
        return entry.get("registered_name") or entry["config"]
    return {"class_name": entry.get("registered_name") or entry["class_name"], "config": entry["config"]}


def compile_from_training_config(model: Any, config: Any, origin: Origin) -> None:
    """Compile a model with the `training_config` of an HDF5 file, by any Keras.

    Args:
        model: The model.
        config: The config.
        origin: Who wrote it.
    """
    if not isinstance(config, dict) or "optimizer_config" not in config:
        raise ValueError(
            f"Expected the training config to be a dict with an optimizer_config. Received: {str(config)[:200]}"
        )
    names = model.output_names if getattr(model, "_graph", None) is not None else None
    optimizer = deserialize_keras_object(upgrade_optimizer(config["optimizer_config"], origin), family="optimizers")
    model.compile(
        optimizer=optimizer,
        loss=_read(upgrade_loss(config.get("loss")), "losses"),
        metrics=_read(upgrade_metrics(config.get("metrics") or None, names), "metrics"),
        weighted_metrics=_read(upgrade_metrics(config.get("weighted_metrics") or None, names), "metrics"),
        loss_weights=upgrade_loss(config.get("loss_weights")),
        run_eagerly=bool(config.get("run_eagerly", False)),
        steps_per_execution=config.get("steps_per_execution") or 1,
    )
