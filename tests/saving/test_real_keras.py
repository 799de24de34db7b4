"""A real Keras opens what is written here, and predicts and evaluates the same."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

import kerasish
from kerasish import layers, ops

PYTHON = os.environ.get("KERASISH_KERAS_PYTHON")
pytestmark = [
    pytest.mark.keras,
    pytest.mark.skipif(PYTHON is None, reason="KERASISH_KERAS_PYTHON names no Python with Keras"),
]

# Run by the other Python: for each model of the folder, what Keras makes of it.
SCRIPT = """
import json, sys
import keras, numpy as np
folder = sys.argv[1]
results = {}
for name in json.load(open(f"{folder}/names.json")):
    data = np.load(f"{folder}/{name}.npz")
    try:
        model = keras.models.load_model(f"{folder}/{name}.h5")
        result = {"prediction": np.asarray(model.predict(data["x"], verbose=0)).tolist()}
        result["loss"] = float(model.evaluate(data["x"], data["y"], verbose=0, return_dict=True)["loss"])
        result["optimizer"] = model.optimizer.get_config()
        again = keras.models.model_from_json(open(f"{folder}/{name}.json").read())
        again.load_weights(f"{folder}/{name}_only.h5")
        result["again"] = np.asarray(again.predict(data["x"], verbose=0)).tolist()
        result["config"] = json.loads(again.to_json())["config"]["layers"]
    except Exception as error:
        result = {"error": f"{type(error).__name__}: {error}"}
    results[name] = result
json.dump(results, open(f"{folder}/results.json", "w"))
"""

RNG = np.random.default_rng(5)


def dense_model(optimizer, loss="mse"):
    model = kerasish.Sequential(
        [
            kerasish.Input((6,)),
            layers.Dense(8, activation="relu"),
            layers.BatchNormalization(),
            layers.Dense(3, activation="softmax"),
        ]
    )
    model.compile(optimizer=optimizer, loss=loss, metrics=["accuracy"])
    return model


def graph_model():
    inputs = kerasish.Input((6,), name="x")
    shared = layers.Dense(6, activation="tanh", name="shared")
    x = shared(shared(inputs) - inputs / 2.0)
    inner = kerasish.Sequential([kerasish.Input((6,)), layers.Dense(3, name="q")], name="inner")
    nested_in = kerasish.Input((6,))
    nested = kerasish.Model(nested_in, layers.Dense(3, name="r")(nested_in), name="nested")
    y = ops.concatenate([inner(x), nested(inputs)[:, ::-1], ops.sum(x, axis=-1, keepdims=True)], axis=-1)
    model = kerasish.Model(inputs, layers.Dense(3)(y))
    model.compile(optimizer="rmsprop", loss=kerasish.losses.Huber(delta=0.5), metrics=["mae"])
    return model


def image_model():
    model = kerasish.Sequential(
        [
            kerasish.Input((8, 8, 2)),
            layers.Conv2D(4, 3, padding="same", activation="relu"),
            layers.MaxPooling2D(),
            layers.DepthwiseConv2D(3),
            layers.Flatten(),
            layers.Dense(3),
        ]
    )
    model.compile(optimizer="adam", loss="mae")
    return model


def sequence_model():
    model = kerasish.Sequential(
        [
            kerasish.Input((5,), dtype="int32"),
            layers.Embedding(9, 4, mask_zero=True),
            layers.Bidirectional(layers.LSTM(3, return_sequences=True)),
            layers.GRU(3),
            layers.Dense(3),
        ]
    )
    model.compile(optimizer=kerasish.optimizers.SGD(0.1, momentum=0.9), loss="mse")
    return model


MODELS = {
    "adam": (lambda: dense_model("adam", "categorical_crossentropy"), (16, 6)),
    "sgd": (lambda: dense_model(kerasish.optimizers.SGD(0.1, momentum=0.9, nesterov=True), "mse"), (16, 6)),
    "amsgrad": (lambda: dense_model(kerasish.optimizers.Adam(0.01, amsgrad=True), "kld"), (16, 6)),
    "nadam": (lambda: dense_model(kerasish.optimizers.Nadam(0.01), "mae"), (16, 6)),
    "schedule": (
        lambda: dense_model(
            kerasish.optimizers.Adam(kerasish.optimizers.schedules.ExponentialDecay(0.1, 2, 0.5)), "msle"
        ),
        (16, 6),
    ),
    "graph": (graph_model, (16, 6)),
    "image": (image_model, (8, 8, 8, 2)),
    "sequence": (sequence_model, None),
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keras")
    ours = {}
    for name, (make, shape) in MODELS.items():
        model = make()
        x = RNG.integers(0, 9, (16, 5)) if shape is None else RNG.normal(size=shape).astype("float32")
        y = RNG.random((len(x), 3)).astype("float32")
        y /= y.sum(axis=1, keepdims=True)
        model.fit(x, y, batch_size=8, epochs=2, verbose=0, shuffle=False)
        model.save(folder / f"{name}.h5")
        model.save_weights(folder / f"{name}_only.h5")
        config = model.to_json()
        (folder / f"{name}.json").write_text(config)
        np.savez(folder / f"{name}.npz", x=x, y=y)
        ours[name] = {
            "prediction": model.predict(x, verbose=0),
            "loss": float(model.evaluate(x, y, verbose=0, return_dict=True)["loss"]),
            "optimizer": model.optimizer.get_config(),
            "config": json.loads(config)["config"]["layers"],
        }
    (folder / "names.json").write_text(json.dumps(list(MODELS)))
    script = folder / "check.py"
    script.write_text(SCRIPT)
    environment = {**os.environ, "KERAS_BACKEND": os.environ.get("KERAS_BACKEND", "jax"), "JAX_PLATFORMS": "cpu"}
    environment.pop("PYTHONPATH", None)
    subprocess.run([PYTHON, str(script), str(folder)], check=True, env=environment, cwd=folder, capture_output=True)
    theirs = json.loads(Path(folder / "results.json").read_text())
    return {name: (ours[name], theirs[name]) for name in MODELS}


def plain(value):
    """A config without what Bidirectional sets on the layers inside it when it is made."""
    if isinstance(value, dict):
        return {key: plain(member) for key, member in value.items() if key != "zero_output_for_mask"}
    return [plain(member) for member in value] if isinstance(value, list) else value


@pytest.mark.parametrize("name", list(MODELS))
class TestKeras:
    def test_predicts_the_same(self, results, name):
        ours, theirs = results[name]
        assert "error" not in theirs, theirs
        np.testing.assert_allclose(theirs["prediction"], ours["prediction"], rtol=1e-4, atol=1e-5)

    def test_is_compiled_as_here(self, results, name):
        # The optimizer's state is in the file, but Keras 3 does not take it from HDF5 files, not even from its own.
        ours, theirs = results[name]
        assert theirs["loss"] == pytest.approx(ours["loss"], rel=1e-4)
        assert json.loads(json.dumps(ours["optimizer"])) == theirs["optimizer"]

    def test_takes_the_architecture_and_the_weights_alone(self, results, name):
        ours, theirs = results[name]
        np.testing.assert_allclose(theirs["again"], ours["prediction"], rtol=1e-4, atol=1e-5)

    def test_writes_the_same_configs(self, results, name):
        ours, theirs = results[name]
        assert [e["class_name"] for e in theirs["config"]] == [e["class_name"] for e in ours["config"]]
        for mine, its in zip(ours["config"], theirs["config"], strict=True):
            assert plain(mine["config"]) == plain(its["config"])
