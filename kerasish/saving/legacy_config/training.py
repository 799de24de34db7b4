"""The losses, metrics and optimizers of `training_config`, by any Keras, as today's `compile` takes them."""

from __future__ import annotations

from typing import Any

from kerasish.saving.legacy_config.layers import clean_name
from kerasish.saving.legacy_config.origin import Origin

_GONE_FROM_OPTIMIZERS = ("jit_compile", "is_legacy_optimizer")


def upgrade_optimizer(entry: Any, origin: Origin) -> Any:
    """The entry of an optimizer.

    Time-based decay becomes the schedule that it is. In the Keras that was not tf.keras, up to 2.3, `clipnorm`
    bounded the norm of all gradients together.

    Args:
        entry: A name, or `{"class_name", "config"}`.
        origin: Who wrote it.
    """
    if not isinstance(entry, dict):
        return entry
    class_name, config = entry.get("class_name"), entry.get("config")
    if not isinstance(class_name, str) or not isinstance(config, dict):
        raise ValueError(f"Expected the entry of an optimizer. Received: {str(entry)[:200]}")
    if origin.generation >= 3:
        return entry
    class_name = class_name.rpartition(">")[2] if class_name.startswith("Custom>") else class_name
    # tf.keras names its optimizers in their configs.
    multi_backend = origin.multi_backend and "name" not in config
    config = {key: value for key, value in config.items() if key not in _GONE_FROM_OPTIMIZERS}
    if "lr" in config:
        config["learning_rate"] = config.pop("lr")
    was_old_nadam = class_name == "Nadam" and ("schedule_decay" in config or "decay" in config)
    decay = config.pop("decay", 0.0)
    if was_old_nadam:
        # tf.keras called it decay.
        config.setdefault("schedule_decay", decay)
    elif decay:
        config["learning_rate"] = {
            "class_name": "InverseTimeDecay",
            "config": {
                "initial_learning_rate": config.get("learning_rate"),
                "decay_steps": 1,
                "decay_rate": decay,
            },
        }
    rate = config.get("learning_rate")
    if isinstance(rate, dict) and isinstance(rate.get("config"), dict) and rate["config"].get("name", "") is None:
        inner = {key: value for key, value in rate["config"].items() if key != "name"}
        config["learning_rate"] = {**rate, "config": inner}
    if multi_backend and "clipnorm" in config:
        config["global_clipnorm"] = config.pop("clipnorm")
    if multi_backend and class_name == "Adagrad":
        config.setdefault("initial_accumulator_value", 0.0)
    if config.get("epsilon", 1.0) is None:
        config["epsilon"] = 1e-7
    if class_name == "LossScaleOptimizer":
        return upgrade_loss_scale(config, origin)
    config.pop("name", None)
    if was_old_nadam:
        return {"class_name": "NadamOfKeras2", "config": config, "registered_name": "kerasish>NadamOfKeras2"}
    return {**entry, "class_name": class_name, "config": config}


def upgrade_loss_scale(config: dict[str, Any], origin: Origin) -> dict[str, Any]:
    """The entry of tf.keras's optimizer of mixed precision."""
    inner = upgrade_optimizer(config.get("inner_optimizer", config.get("optimizer")), origin)
    scale = config.get("loss_scale")
    values = scale.get("config", {}) if isinstance(scale, dict) else {}
    return {
        "class_name": "LossScaleOptimizer",
        "config": {
            "inner_optimizer": inner,
            "initial_scale": config.get("initial_scale", values.get("initial_loss_scale", 32768.0)) or 32768.0,
            "dynamic_growth_steps": config.get("dynamic_growth_steps", values.get("increment_period", 2000)) or 2000,
        },
    }


def upgrade_loss(value: Any) -> Any:
    """A loss, or a list or dict of them."""
    if _is_entry(value):
        config = {key: member for key, member in value["config"].items() if key != "fn"}
        if config.get("reduction") in ("auto", None) and "reduction" in config:
            config["reduction"] = "sum_over_batch_size"
        class_name = value["class_name"]
        if class_name == "LossFunctionWrapper" or ("fn" in value["config"] and class_name == "Loss"):
            return value["config"].get("fn")
        return {**value, "class_name": class_name.removeprefix("Custom>"), "config": config}
    if isinstance(value, dict):
        return {clean_name(key): upgrade_loss(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [upgrade_loss(member) for member in value]
    return value


def upgrade_metrics(value: Any, output_names: list[str] | None = None) -> Any:
    """The metrics, nested as they are; the names of outputs are taken off theirs.

    Args:
        value: The metrics.
        output_names: The names of the model's outputs: tf.keras put them before the names of metrics.
    """
    names = output_names or []
    several = len(names) > 1
    if isinstance(value, dict) and not _is_entry(value):
        return {clean_name(key): upgrade_metrics(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        nested = several and len(value) == len(names) and all(isinstance(m, (list, tuple)) for m in value)
        if nested:
            return [[_metric(m, name) for m in members] for members, name in zip(value, names, strict=True)]
        if len(value) == 1 and isinstance(value[0], (list, tuple)) and not several:
            return [_metric(member) for member in value[0]]
        return [upgrade_metrics(member) if isinstance(member, (list, tuple)) else _metric(member) for member in value]
    return _metric(value)


def _metric(value: Any, output: str | None = None) -> Any:
    if not _is_entry(value):
        return value
    class_name, config = value["class_name"].removeprefix("Custom>"), dict(value["config"])
    name = config.get("name")
    if output is not None and isinstance(name, str) and name.startswith(f"{output}_"):
        config["name"] = name[len(output) + 1 :]
    if class_name == "MeanMetricWrapper":
        return {"class_name": class_name, "config": config}
    config.pop("fn", None)
    return {**value, "class_name": class_name, "config": config}


def _is_entry(value: Any) -> bool:
    return (
        isinstance(value, dict) and isinstance(value.get("class_name"), str) and isinstance(value.get("config"), dict)
    )
