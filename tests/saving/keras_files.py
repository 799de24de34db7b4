"""Model files written by real Keras versions, and what their tests need."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np

import kerasish
from kerasish import layers

GOLDEN = Path(__file__).parents[1] / "golden" / "keras_files"
EXTERNAL = os.environ.get("KERASISH_KERAS_FILES")


class ScaleShift(layers.Layer):
    """y = factor * (x * scale + shift)."""

    def __init__(self, factor=1.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def build(self, input_shape):
        self.scale = self.add_weight(name="scale", shape=(input_shape[-1],), initializer="ones")
        self.shift = self.add_weight(name="shift", shape=(input_shape[-1],), initializer="zeros")

    def call(self, inputs):
        return (inputs * self.scale + self.shift) * self.factor

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


class TwoDense(layers.Layer):
    """A layer that owns two layers."""

    def __init__(self, units=4, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.first = layers.Dense(units, activation="tanh", name="first")
        self.second = layers.Dense(units, name="second")

    def build(self, input_shape):
        self.first.build(input_shape)
        self.second.build((*input_shape[:-1], self.units))
        self.built = True

    def call(self, inputs):
        return self.second(self.first(inputs))

    def get_config(self):
        return {**super().get_config(), "units": self.units}


def cube(x):
    return x * x * x


def scaled_square(y_true, y_pred):
    return 3.0 * (y_true - y_pred) * (y_true - y_pred)


def double_plus_one(x):
    return x * 2.0 + 1.0


CUSTOM = {
    "ScaleShift": ScaleShift,
    "TwoDense": TwoDense,
    "cube": cube,
    "scaled_square": scaled_square,
    "double_plus_one": double_plus_one,
}


def collect(root):
    """The HDF5 files of models, and of weights in the layout with a group for each layer: (path, entry) pairs."""
    found = []
    for meta in sorted(Path(root).glob("*/meta.json")):
        for name, entry in sorted(json.loads(meta.read_text())["files"].items()):
            if name.endswith(".h5") and not name.endswith(".weights.h5"):
                found.append((meta.parent / name, entry))
    return found


def label(path):
    return f"{path.parent.name}/{path.stem}"


def read_npz(path):
    with np.load(f"{path}.npz") as file:
        return dict(file)


def arrays(npz, prefix):
    found = []
    while f"{prefix}_{len(found)}" in npz:
        found.append(npz[f"{prefix}_{len(found)}"])
    return found


def single(values):
    return values[0] if len(values) == 1 else values


def load(path, entry, **kwargs):
    custom = {name: CUSTOM[name] for name in entry["custom_objects"]}
    if entry["format"] == "weights":
        model = kerasish.models.model_from_json(Path(f"{path}.json").read_text(), custom_objects=custom)
        model.load_weights(path)
        return model
    return kerasish.models.load_model(path, custom_objects=custom, **kwargs)


def reset_states(model):
    for layer in model._flatten_layers():
        if getattr(layer, "stateful", False) and hasattr(layer, "reset_state"):
            layer.reset_state()


def check_predictions(model, entry, npz):
    outputs = kerasish.tree.flatten(model.predict(single(arrays(npz, "x")), batch_size=8, verbose=0))
    expected = arrays(npz, "pred")
    assert len(outputs) == len(expected)
    for output, wanted in zip(outputs, expected, strict=True):
        scale = max(np.abs(wanted).max(), 1e-6)
        np.testing.assert_allclose(np.asarray(output, np.float64), wanted, rtol=0, atol=entry["tolerance"] * scale)


def check_evaluation(model, entry, npz):
    key = "eval_values_reloaded" if "eval_values_reloaded" in npz else "eval_values"
    wanted = npz[key]
    reset_states(model)
    got = model.evaluate(single(arrays(npz, "x")), single(arrays(npz, "y")), batch_size=8, verbose=0, return_dict=True)
    tolerance = max(entry["tolerance"], 1e-4)
    assert float(got["loss"]) == pytest_approx(wanted[0], tolerance)
    # Names and their order differ between versions, the values do not.
    np.testing.assert_allclose(
        sorted(float(v) for v in got.values()), sorted(wanted), rtol=10 * tolerance, atol=10 * tolerance
    )


def pytest_approx(value, tolerance):
    import pytest

    return pytest.approx(value, rel=tolerance, abs=tolerance)


def check_training(path, entry, npz):
    """Three more steps give the losses that the writer had, either after loading its file or going on."""
    model = load(path, entry)
    x, y = single(arrays(npz, "x")), single(arrays(npz, "y"))
    losses = []
    for _ in range(3):
        model.reset_metrics()
        losses.append(first(model.train_on_batch(x, y)))
    wanted = [npz[k] for k in ("train_losses_reloaded", "train_losses_uninterrupted") if k in npz]
    errors = [np.max(np.abs(np.subtract(losses, w)) / np.maximum(np.abs(w), 1e-8)) for w in wanted]
    bound = max(2e-3 if entry["tolerance"] <= 1e-3 else 0.05, 5 * entry["tolerance"])
    assert min(errors) < bound, f"{losses} instead of {[w.tolist() for w in wanted]}"


def first(value):
    if isinstance(value, dict):
        return float(value["loss"])
    return float(value[0] if isinstance(value, (list, tuple)) else value)


def has_training(npz):
    if "eval_values_reloaded" in npz and "train_losses_reloaded" not in npz:
        # The writer left something out of the file, so that nothing can go on as it did.
        return False
    return "train_losses_reloaded" in npz or "train_losses_uninterrupted" in npz
