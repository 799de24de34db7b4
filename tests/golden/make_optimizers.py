"""Write `optimizers.npz`: steps of the optimizers of `keras.optimizers`. Run it where Keras (on JAX) is installed."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import keras
import numpy as np

RNG = np.random.default_rng(3)
SHAPES = {"kernel": (3, 4), "bias": (4,), "filters": (2, 2, 3), "gain": ()}
STEPS = 7
STARTS = {name: RNG.normal(size=shape).astype(np.float32) for name, shape in SHAPES.items()}
GRADIENTS = [{name: RNG.normal(size=shape).astype(np.float32) for name, shape in SHAPES.items()} for _ in range(STEPS)]

OPTIMIZERS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"learning_rate": 0.1}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True}),
    ("RMSprop", {"learning_rate": 0.01}),
    ("RMSprop", {"learning_rate": 0.01, "momentum": 0.8}),
    ("RMSprop", {"learning_rate": 0.01, "rho": 0.8, "centered": True}),
    ("RMSprop", {"learning_rate": 0.01, "momentum": 0.5, "centered": True, "epsilon": 1e-3}),
    ("Adam", {"learning_rate": 0.01}),
    ("Adam", {"learning_rate": 0.01, "amsgrad": True, "beta_1": 0.8, "beta_2": 0.7}),
    ("AdamW", {"learning_rate": 0.01}),
    ("Adagrad", {"learning_rate": 0.1}),
    ("Adadelta", {"learning_rate": 1.0}),
    ("Adamax", {"learning_rate": 0.01}),
    ("Nadam", {"learning_rate": 0.01}),
    ("Ftrl", {"learning_rate": 0.1}),
    (
        "Ftrl",
        {
            "learning_rate": 0.1,
            "l1_regularization_strength": 0.05,
            "l2_regularization_strength": 0.02,
            "l2_shrinkage_regularization_strength": 0.03,
            "beta": 0.1,
            "learning_rate_power": -0.7,
        },
    ),
    ("Lion", {"learning_rate": 0.01}),
]
OPTIONS: list[dict[str, Any]] = [
    {"clipnorm": 0.5},
    {"clipvalue": 0.3},
    {"global_clipnorm": 0.7},
    {"weight_decay": 0.1},
    {"use_ema": True, "ema_momentum": 0.6},
    {"use_ema": True, "ema_momentum": 0.6, "ema_overwrite_frequency": 3},
    {"gradient_accumulation_steps": 3},
    {"gradient_accumulation_steps": 2, "use_ema": True, "ema_momentum": 0.5, "ema_overwrite_frequency": 2},
    {"gradient_accumulation_steps": 2, "global_clipnorm": 0.5, "weight_decay": 0.05},
    {"loss_scale_factor": 8.0},
    {"weight_decay": 0.1, "exclude": {"var_names": ["bias", "ga.n"]}},
    {"weight_decay": 0.1, "exclude": {"var_list": ["kernel"]}},
    {"absent": ["bias"]},
    {"absent": ["bias"], "global_clipnorm": 0.5, "use_ema": True, "ema_momentum": 0.5},
    {"absent": ["kernel", "gain"], "gradient_accumulation_steps": 2},
]
SCHEDULES: list[tuple[str, dict[str, Any]]] = [
    ("ExponentialDecay", {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.9}),
    ("ExponentialDecay", {"initial_learning_rate": 0.1, "decay_steps": 7, "decay_rate": 0.9, "staircase": True}),
    ("InverseTimeDecay", {"initial_learning_rate": 0.1, "decay_steps": 5, "decay_rate": 0.5}),
    ("InverseTimeDecay", {"initial_learning_rate": 0.1, "decay_steps": 5, "decay_rate": 0.5, "staircase": True}),
    ("PolynomialDecay", {"initial_learning_rate": 0.1, "decay_steps": 30, "end_learning_rate": 0.01}),
    ("PolynomialDecay", {"initial_learning_rate": 0.1, "decay_steps": 30, "end_learning_rate": 0.01, "power": 0.5}),
    ("PolynomialDecay", {"initial_learning_rate": 0.1, "decay_steps": 30, "power": 2.0, "cycle": True}),
    ("PiecewiseConstantDecay", {"boundaries": [3, 10, 40], "values": [1.0, 0.5, 0.25, 0.1]}),
    ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 50}),
    ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 50, "alpha": 0.2}),
    (
        "CosineDecay",
        {"initial_learning_rate": 0.01, "decay_steps": 50, "alpha": 0.1, "warmup_target": 0.2, "warmup_steps": 9},
    ),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.1, "first_decay_steps": 10}),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.1, "first_decay_steps": 10, "t_mul": 1.0, "m_mul": 0.9}),
    (
        "CosineDecayRestarts",
        {"initial_learning_rate": 0.1, "first_decay_steps": 10, "t_mul": 1.5, "m_mul": 0.8, "alpha": 0.1},
    ),
]
AT = [*range(60), 100, 500, 1234]


def variables() -> dict[str, Any]:
    """New variables at their first values, inside the scope of a layer."""
    with keras.name_scope("dense"):
        return {name: keras.Variable(value, name=name) for name, value in STARTS.items()}


def optimizer_of(name: str, settings: dict[str, Any]) -> Any:
    """A Keras optimizer; a list as learning rate stands for a schedule."""
    rate = settings.get("learning_rate")
    if isinstance(rate, list):
        settings = {**settings, "learning_rate": getattr(keras.optimizers.schedules, rate[0])(**rate[1])}
    inner = settings.pop("inner", None)
    if inner is not None:
        return keras.optimizers.LossScaleOptimizer(optimizer_of(*inner), **settings)
    return getattr(keras.optimizers, name)(**settings)


def stateless_apply(optimizer: Any, grads: list[Any], model: list[Any]) -> None:
    """A step by `stateless_apply`."""
    state = optimizer.variables
    values, held = optimizer.stateless_apply([v.value for v in state], grads, [v.value for v in model])
    for variable, value in zip([*model, *state], [*values, *held], strict=True):
        variable.assign(value)


def flat(values: Any) -> np.ndarray[Any, Any]:
    """All values one after the other."""
    return np.concatenate([np.asarray(value, np.float64).reshape(-1) for value in values])


def run(name: str, settings: dict[str, Any], arrays: dict[str, Any], spoiled: tuple[int, ...] = ()) -> dict[str, Any]:
    """Make steps, and keep the variables after each, and the state at the end."""
    key = f"{len([k for k in arrays if k.endswith('_steps')]):03d}"
    given = dict(settings)
    exclude, absent = given.pop("exclude", None), given.pop("absent", [])
    optimizer = optimizer_of(name, given)
    model = variables()
    if exclude:
        optimizer.exclude_from_weight_decay(
            **{k: [model[n] for n in v] if k == "var_list" else v for k, v in exclude.items()}
        )
    optimizer.build(list(model.values()))
    steps, rates = [], []
    for number, gradients in enumerate(GRADIENTS):
        rates.append(float(optimizer.learning_rate))
        grads = [None if n in absent else g * (np.inf if number in spoiled else 1) for n, g in gradients.items()]
        tensors = [None if g is None else keras.ops.convert_to_tensor(g) for g in grads]
        if name == "LossScaleOptimizer":
            # On JAX it works without side effects only.
            stateless_apply(optimizer, tensors, list(model.values()))
        else:
            optimizer.apply(tensors, list(model.values()))
        steps.append(flat(model.values()))
    state = optimizer.variables
    arrays[f"{key}_steps"] = np.stack(steps)
    arrays[f"{key}_state"] = flat(state)
    arrays[f"{key}_rates"] = np.array(rates)
    optimizer.finalize_variable_values(list(model.values()))
    arrays[f"{key}_final"] = flat(model.values())
    return {
        "key": key,
        "name": name,
        "settings": settings,
        "spoiled": list(spoiled),
        "optimizer_name": optimizer.name,
        "state": [[v.name, v.path, list(v.shape), str(v.dtype)] for v in state],
        "config": keras.saving.serialize_keras_object(optimizer)["config"],
        "iterations": int(optimizer.iterations),
    }


def main() -> None:
    """Run all cases."""
    arrays: dict[str, Any] = {}
    cases = []
    warnings.simplefilter("ignore")
    for name, settings in OPTIMIZERS:
        keras.backend.clear_session()
        cases.append(run(name, settings, arrays))
    for option in OPTIONS:
        for name, settings in (OPTIMIZERS[2], OPTIMIZERS[7], OPTIMIZERS[13]):
            keras.backend.clear_session()
            cases.append(run(name, {**settings, **option}, arrays))
    schedule = ["ExponentialDecay", SCHEDULES[0][1]]
    for name, extra in (("SGD", {}), ("Adam", {}), ("SGD", {"gradient_accumulation_steps": 2})):
        keras.backend.clear_session()
        cases.append(run(name, {"learning_rate": schedule, **extra}, arrays))
    for growth in (2, 3):
        keras.backend.clear_session()
        settings = {"inner": ["Adam", {"learning_rate": 0.01}], "initial_scale": 16.0, "dynamic_growth_steps": growth}
        cases.append(run("LossScaleOptimizer", settings, arrays, spoiled=(3,)))
    schedules = []
    for name, settings in SCHEDULES:
        instance = getattr(keras.optimizers.schedules, name)(**settings)
        arrays[f"schedule_{len(schedules)}"] = np.array([float(instance(step)) for step in AT])
        schedules.append({"name": name, "settings": settings, "config": instance.get_config()})
    for name in STARTS:
        arrays[f"start_{name}"] = STARTS[name]
        arrays[f"gradients_{name}"] = np.stack([gradients[name] for gradients in GRADIENTS])
    arrays["facts"] = np.array(json.dumps({"cases": cases, "schedules": schedules, "at": AT}))
    np.savez_compressed(Path(__file__).parent / "optimizers.npz", **arrays)


if __name__ == "__main__":
    main()
