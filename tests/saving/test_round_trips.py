"""What is saved comes back: the architecture, every bit of the weights, the compilation, the optimizer's state."""

from __future__ import annotations

import json

import h5py
import numpy as np
import pytest

import kerasish
from kerasish import layers, ops
from kerasish.saving import LoadError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(16, 3)).astype("float32")
Y = RNG.normal(size=(16, 2)).astype("float32")


def mlp(**kwargs):
    model = kerasish.Sequential(
        [
            kerasish.Input((3,)),
            layers.Dense(5, activation="tanh", name="hidden"),
            layers.BatchNormalization(name="norm"),
            layers.Dense(2, name="out"),
        ],
        name="mlp",
    )
    model.compile(**{"optimizer": "adam", "loss": "mse", **kwargs})
    return model


def trained(**kwargs):
    model = mlp(**kwargs)
    model.fit(X, Y, batch_size=8, epochs=2, verbose=0, shuffle=False)
    return model


def losses_of(model, steps=3):
    losses = []
    for _ in range(steps):
        model.reset_metrics()
        losses.append(first(model.train_on_batch(X, Y)))
    return losses


def first(value):
    return float(value[0] if isinstance(value, (list, tuple)) else value)


def test_predictions_are_equal_bit_for_bit(tmp_path):
    model = trained()
    model.save(tmp_path / "m.h5")
    loaded = kerasish.models.load_model(tmp_path / "m.h5")
    assert np.array_equal(model.predict(X, verbose=0), loaded.predict(X, verbose=0))
    assert loaded.get_config() == model.get_config()
    assert [v.path for v in loaded.variables] == [v.path for v in model.variables]


@pytest.mark.parametrize(
    "optimizer",
    [
        {"class_name": "SGD", "config": {"learning_rate": 0.1, "momentum": 0.9}},
        {"class_name": "Adam", "config": {"learning_rate": 0.05, "amsgrad": True}},
        {"class_name": "RMSprop", "config": {"learning_rate": 0.05, "momentum": 0.5, "centered": True}},
        {"class_name": "Nadam", "config": {"learning_rate": 0.05}},
        {"class_name": "Adadelta", "config": {"learning_rate": 1.0}},
        {"class_name": "Adam", "config": {"learning_rate": 0.05, "use_ema": True, "ema_overwrite_frequency": 2}},
        {
            "class_name": "Adam",
            "config": {
                "learning_rate": {
                    "class_name": "ExponentialDecay",
                    "config": {"initial_learning_rate": 0.1, "decay_steps": 2, "decay_rate": 0.5},
                }
            },
        },
    ],
    ids=["SGD", "Adam", "RMSprop", "Nadam", "Adadelta", "averages", "schedule"],
)
def test_training_goes_on_as_if_nothing_had_happened(tmp_path, optimizer):
    model = trained(optimizer=kerasish.optimizers.get(optimizer))
    model.save(tmp_path / "m.h5")
    loaded = kerasish.models.load_model(tmp_path / "m.h5")
    assert losses_of(loaded) == losses_of(model)


def test_what_compile_was_given_comes_back(tmp_path):
    model = trained(
        loss=kerasish.losses.Huber(delta=0.3), metrics=["mae", kerasish.metrics.MeanSquaredError(name="squares")]
    )
    model.save(tmp_path / "m.h5")
    loaded = kerasish.models.load_model(tmp_path / "m.h5")
    before = model.evaluate(X, Y, verbose=0, return_dict=True)
    after = loaded.evaluate(X, Y, verbose=0, return_dict=True)
    assert {k: float(v) for k, v in before.items()} == {k: float(v) for k, v in after.items()}
    assert set(after) == {"loss", "mae", "squares"}


def test_without_the_optimizer_the_model_comes_back_uncompiled(tmp_path):
    trained().save(tmp_path / "m.h5", include_optimizer=False, save_format="h5")
    loaded = kerasish.models.load_model(tmp_path / "m.h5")
    assert not loaded.compiled
    with h5py.File(tmp_path / "m.h5") as file:
        assert "optimizer_weights" not in file
        assert "training_config" not in file.attrs


def test_compile_false_leaves_the_model_uncompiled(tmp_path):
    trained().save(tmp_path / "m.h5")
    assert not kerasish.models.load_model(tmp_path / "m.h5", compile=False).compiled


def test_saving_changes_nothing_in_the_model(tmp_path):
    model, twin = trained(), trained()
    twin.set_weights(model.get_weights())
    before = json.dumps(model.get_compile_config())
    model.save(tmp_path / "m.h5")
    assert json.dumps(model.get_compile_config()) == before
    kept = [v.numpy() for v in model.variables]
    assert all(np.array_equal(a, v.numpy()) for a, v in zip(kept, model.variables, strict=True))


def test_losses_are_written_by_their_full_names(tmp_path):
    mlp(loss="mse").save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5") as file:
        assert json.loads(file.attrs["training_config"])["loss"] == "mean_squared_error"


def text(value):
    return value.decode() if isinstance(value, bytes) else value


def test_the_layout_is_that_of_keras(tmp_path):
    model = trained(optimizer=kerasish.optimizers.Adam(name="adam"))
    model.save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5") as file:
        assert file.attrs["keras_version"].startswith("3.")
        assert json.loads(file.attrs["model_config"])["class_name"] == "Sequential"
        weights = file["model_weights"]
        assert [text(n) for n in weights.attrs["layer_names"]] == ["hidden", "norm", "out"]
        names = [text(n) for n in weights["hidden"].attrs["weight_names"]]
        assert names == ["mlp/hidden/kernel", "mlp/hidden/bias"]
        kernel = weights["hidden"]["mlp/hidden/kernel"]
        assert kernel.dtype == np.float32
        assert kernel.chunks is None
        assert list(weights["top_level_model_weights"].attrs["weight_names"]) == []
        optimizer = [text(n) for n in file["optimizer_weights"].attrs["weight_names"]]
        assert optimizer[:4] == [
            "adam/iteration",
            "adam/learning_rate",
            "adam/mlp_hidden_kernel_momentum",
            "adam/mlp_hidden_kernel_velocity",
        ]
        layer = json.loads(file.attrs["model_config"])["config"]["layers"][1]
        assert set(layer) == {"class_name", "config"}


def test_seven_hundred_layers_of_long_names_fit(tmp_path):
    stack = [layers.Activation("linear", name=f"a_rather_long_name_of_a_layer_{'x' * 80}_{i}") for i in range(700)]
    model = kerasish.Sequential([kerasish.Input((2,)), *stack, layers.Dense(1, name="end")])
    model.save(tmp_path / "m.h5")
    with h5py.File(tmp_path / "m.h5") as file:
        assert "layer_names1" in file["model_weights"].attrs
    loaded = kerasish.models.load_model(tmp_path / "m.h5")
    assert [layer.name for layer in loaded.layers] == [layer.name for layer in model.layers]


def test_many_short_names_fit_too(tmp_path):
    from kerasish.saving.h5_safe import open_h5
    from kerasish.saving.h5_writer import write_names

    names = [f"n{i}" for i in range(5000)]
    with h5py.File(tmp_path / "n.h5", "w") as file:
        write_names(file, "layer_names", names)
    with open_h5(tmp_path / "n.h5") as root:
        assert root.strings("layer_names") == names


def test_many_names_in_a_large_file_are_read(tmp_path):
    from kerasish.saving.h5_safe import open_h5
    from kerasish.saving.h5_writer import write_names

    names = [f"layer_{i}" for i in range(3000)]
    with h5py.File(tmp_path / "n.h5", "w") as file:
        file.attrs["model_config"] = b"x" * 1_000_000
        write_names(file, "layer_names", names)
    with open_h5(tmp_path / "n.h5") as root:
        assert root.strings("layer_names") == names
        assert len(root.text("model_config")) == 1_000_000


@pytest.mark.parametrize("name", ["größe", "層", "a b.c:d"])
def test_names_of_layers_may_have_any_letters(tmp_path, name):
    model = kerasish.Sequential([kerasish.Input((2,)), layers.Dense(3, name=name)])
    model.save(tmp_path / "m.h5")
    loaded = kerasish.models.load_model(tmp_path / "m.h5")
    assert loaded.layers[0].name == name
    assert np.array_equal(loaded.predict(X[:, :2], verbose=0), model.predict(X[:, :2], verbose=0))


def graph_model():
    a, b = kerasish.Input((3,), name="a"), kerasish.Input((3,), name="b")
    shared = layers.Dense(3, name="shared")
    inner = kerasish.Sequential([kerasish.Input((3,)), layers.Dense(2, name="q")], name="inner")
    nested_in = kerasish.Input((3,), name="nested_in")
    nested = kerasish.Model(nested_in, layers.Dense(2, name="r")(nested_in * 2.0), name="nested")
    x, y = shared(a), shared(b)
    z = (x - y) / (1.0 + ops.abs(y))
    first_output = inner(z) + nested(z[:, ::-1])
    second = ops.concatenate([nested(x, training=True), ops.sum(y, axis=-1, keepdims=True)], axis=-1)
    return kerasish.Model({"a": a, "b": b}, {"one": first_output, "two": second}, name="graph")


def test_graphs_with_operators_shared_layers_and_nested_models_come_back(tmp_path):
    model = graph_model()
    model.save(tmp_path / "m.h5")
    loaded = kerasish.models.load_model(tmp_path / "m.h5")
    data = {"a": X, "b": X[::-1].copy()}
    before, after = model.predict(data, verbose=0), loaded.predict(data, verbose=0)
    assert set(after) == {"one", "two"}
    assert all(np.array_equal(before[key], after[key]) for key in before)


def test_frozen_layers_inside_nested_models_keep_their_weights(tmp_path):
    inner = kerasish.Sequential(
        [kerasish.Input((3,)), layers.Dense(3, name="p"), layers.Dense(3, name="q")], name="inner"
    )
    inner.get_layer("p").trainable = False
    model = kerasish.Sequential([kerasish.Input((3,)), inner, layers.Dense(1, name="end")])
    model.save(tmp_path / "m.h5")
    loaded = kerasish.models.load_model(tmp_path / "m.h5")
    assert not loaded.get_layer("inner").get_layer("p").trainable
    # The file lists the trainable layer first; names tell the equal shapes apart in a twin that is not frozen.
    twin_inner = kerasish.Sequential(
        [kerasish.Input((3,)), layers.Dense(3, name="p"), layers.Dense(3, name="q")], name="inner"
    )
    twin = kerasish.Sequential([kerasish.Input((3,)), twin_inner, layers.Dense(1, name="end")])
    twin.load_weights(tmp_path / "m.h5")
    for other in (loaded, twin):
        for name in ("p", "q"):
            got, wanted = (m.get_layer("inner").get_layer(name).get_weights() for m in (other, model))
            assert all(np.array_equal(a, b) for a, b in zip(got, wanted, strict=True))


class Scale(layers.Layer):
    def __init__(self, factor=2.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def build(self, input_shape):
        self.offset = self.add_weight(name="offset", shape=(input_shape[-1],))

    def call(self, inputs):
        return inputs * self.factor + self.offset

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


def twice(x):
    return x * 2.0


def test_custom_objects_come_back_when_they_are_given(tmp_path):
    model = kerasish.Sequential([kerasish.Input((3,)), Scale(3.0), layers.Dense(2, activation=twice)])
    model.save(tmp_path / "m.h5")
    with pytest.raises(LoadError, match="Scale"):
        kerasish.models.load_model(tmp_path / "m.h5")
    loaded = kerasish.models.load_model(tmp_path / "m.h5", custom_objects={"Scale": Scale, "twice": twice})
    assert np.array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))
    with kerasish.saving.custom_object_scope({"Scale": Scale, "twice": twice}):
        assert kerasish.models.load_model(tmp_path / "m.h5").layers[0].factor == 3.0


def test_float16_and_float64_weights_keep_their_dtype(tmp_path):
    model = kerasish.Sequential(
        [kerasish.Input((3,)), layers.Dense(2, dtype="float64"), layers.Dense(2, dtype="float16")]
    )
    model.save(tmp_path / "m.h5")
    loaded = kerasish.models.load_model(tmp_path / "m.h5")
    assert [v.dtype for v in loaded.weights] == ["float64", "float64", "float16", "float16"]
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), loaded.get_weights(), strict=True))


@pytest.mark.parametrize("name", ["m.keras", "m", "m.txt", "m.tf"])
def test_other_kinds_of_files_are_refused_before_anything_is_written(tmp_path, name):
    with pytest.raises(ValueError, match="HDF5"):
        mlp().save(tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_overwrite_false_keeps_the_old_file(tmp_path):
    path = tmp_path / "m.h5"
    path.write_bytes(b"precious")
    with pytest.raises(FileExistsError):
        mlp().save(path, overwrite=False)
    assert path.read_bytes() == b"precious"


def test_a_failure_in_the_middle_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "m.h5"
    model = mlp()
    model.save(path)
    before = path.read_bytes()

    def fail(*args):
        raise RuntimeError("the disk is full")

    monkeypatch.setattr(type(model.layers[-1].kernel), "numpy", fail)
    with pytest.raises(RuntimeError):
        model.save(path)
    monkeypatch.undo()
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["m.h5"]


def test_unknown_arguments_are_refused(tmp_path):
    with pytest.raises(ValueError, match="options"):
        mlp().save(tmp_path / "m.h5", options=3)
    with pytest.raises(ValueError, match="save_format"):
        mlp().save(tmp_path / "m.h5", save_format="tf")
    with pytest.raises(ValueError, match="zipped"):
        mlp().save(tmp_path / "m.h5", zipped=True)


def test_to_json_comes_back(tmp_path):
    model = graph_model()
    loaded = kerasish.models.model_from_json(model.to_json())
    assert loaded.get_config() == model.get_config()
    loaded.set_weights(model.get_weights())
    data = {"a": X, "b": X}
    assert np.array_equal(loaded.predict(data, verbose=0)["two"], model.predict(data, verbose=0)["two"])
    assert kerasish.models.model_from_json(mlp(loss="mae").to_json()).loss == "mae"


def test_json_that_is_no_model_is_refused():
    with pytest.raises(ValueError, match="JSON"):
        kerasish.models.model_from_json("{")
    with pytest.raises(ValueError, match="class_name"):
        kerasish.models.model_from_json("[]")
