"""Files of weights in the layout of Keras 3, `.weights.h5`."""

from __future__ import annotations

import shutil
import warnings
from pathlib import Path

import h5py
import numpy as np
import pytest

import kerasish
from kerasish import layers
from kerasish.saving import LoadError

GOLDEN = sorted((Path(__file__).parents[1] / "golden" / "keras_files").glob("*/*.weights.h5"))


class Blocks(kerasish.Model):
    def __init__(self):
        super().__init__()
        self.blocks = [layers.Dense(3), layers.Dense(3, name="other")]
        self.table = {"a": layers.LayerNormalization()}
        self.deep = [[layers.Dense(3)]]
        self.again = self.blocks[0]
        self._hidden = layers.Dense(3)
        self.head = layers.Dense(2)

    def call(self, x):
        for layer in (*self.blocks, self.table["a"], self.deep[0][0], self._hidden):
            x = layer(x)
        return self.head(x)


class Two(layers.Layer):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first = layers.Dense(4)
        self.parts = [layers.Dense(4)]

    def build(self, input_shape):
        self.first.build(input_shape)
        self.parts[0].build((*input_shape[:-1], 4))
        self.scale = self.add_weight(shape=(4,), initializer="ones", name="scale")

    def call(self, x):
        return self.parts[0](self.first(x)) * self.scale


class Doubling(layers.Layer):
    """A layer that stores its state in a way of its own."""

    def build(self, input_shape):
        self.state = self.add_weight(shape=(2,), initializer="ones", name="state")

    def call(self, x):
        return x * self.state[0]

    def save_own_variables(self, store):
        store["doubled"] = self.state.numpy() * 2

    def load_own_variables(self, store):
        self.state.assign(store["doubled"] / 2)


def sequential(shape, *stack):
    return kerasish.Sequential([kerasish.Input(shape), *stack])


def attention():
    x = kerasish.Input((5, 8))
    h = layers.MultiHeadAttention(2, 4, use_bias=False)(x, x)
    return kerasish.Model(x, layers.Dense(2, use_bias=False)(h))


def nested():
    i = kerasish.Input((4,))
    inner = kerasish.Model(i, layers.Dense(4)(i))
    x = kerasish.Input((4,))
    return kerasish.Model(x, layers.Dense(2)(kerasish.Sequential([layers.Dense(3)])(inner(inner(x)))))


def subclassed():
    model = Blocks()
    model(np.zeros((1, 4), "float32"))
    return model


def recurrent():
    return sequential(
        (5, 3),
        layers.LSTM(4, return_sequences=True),
        layers.Bidirectional(layers.GRU(3, return_sequences=True)),
        layers.TimeDistributed(layers.Dense(2)),
        layers.RNN([layers.LSTMCell(4), layers.GRUCell(3), layers.GRUCell(2)]),
    )


def both(path):
    return [f"{path}/vars/0", f"{path}/vars/1"]


def three(path):
    return [*both(path), f"{path}/vars/2"]


MODELS = {
    "mlp": (
        lambda: sequential((4,), layers.Dense(3, name="z"), layers.Dropout(0.3), layers.Dense(2, name="a")),
        [*both("layers/dense"), *both("layers/dense_1")],
    ),
    "cnn": (
        lambda: sequential((6, 6, 2), layers.Conv2D(3, 3), layers.BatchNormalization(), layers.ReLU()),
        [*both("layers/conv2d"), *(f"layers/batch_normalization/vars/{i}" for i in range(4))],
    ),
    "recurrent": (
        recurrent,
        [
            *three("layers/lstm/cell"),
            *three("layers/bidirectional/forward_layer/cell"),
            *three("layers/bidirectional/backward_layer/cell"),
            *both("layers/time_distributed/layer"),
            *three("layers/rnn/cell/cells/lstm_cell"),
            *three("layers/rnn/cell/cells/gru_cell"),
            *three("layers/rnn/cell/cells/gru_cell_1"),
        ],
    ),
    "attention": (
        attention,
        [
            *(f"layers/multi_head_attention/{n}_dense/vars/0" for n in ("query", "key", "value", "output")),
            "layers/dense/vars/0",
        ],
    ),
    "nested": (
        nested,
        [*both("layers/functional/layers/dense"), *both("layers/sequential/layers/dense"), *both("layers/dense")],
    ),
    "subclassed": (
        subclassed,
        [
            *both("again"),
            *both("blocks/dense_1"),
            *both("deep/container/dense"),
            *both("head"),
            *both("layers/dense_3"),
            *both("layers/layer_normalization"),
        ],
    ),
    "custom": (
        lambda: sequential((4,), Two(), layers.Dense(2)),
        ["layers/two/vars/0", *both("layers/two/first"), *both("layers/two/parts/dense"), *both("layers/dense")],
    ),
}


def datasets(path):
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, held: found.update({name: held[()]}) if isinstance(held, h5py.Dataset) else None)
    return found


def scrambled(model):
    rng = np.random.default_rng(3)
    model.set_weights([rng.normal(size=w.shape).astype(w.dtype) for w in model.get_weights()])
    return model


def small():
    return scrambled(sequential((3,), layers.Dense(4, name="first"), layers.Dense(2, name="second")))


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "a.weights.h5"
    small().save_weights(path)
    return path


@pytest.mark.parametrize("kind", MODELS)
def test_weights_lie_where_keras_puts_them_and_come_back(kind, tmp_path):
    make, expected = MODELS[kind]
    model, path = scrambled(make()), tmp_path / "a.weights.h5"
    model.save_weights(path)
    assert sorted(datasets(path)) == sorted(expected)
    other = make()
    other.load_weights(path)
    for a, b in zip(model.get_weights(), other.get_weights(), strict=True):
        assert np.array_equal(a, b)


def test_each_group_of_variables_has_the_name_of_its_layer(saved):
    with h5py.File(saved) as file:
        assert file["layers/dense/vars"].attrs["name"] == "first"
        assert file["layers/dense_1/vars"].attrs["name"] == "second"
        assert file["vars"].attrs["name"].startswith("sequential")


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_files_by_keras_give_its_predictions(path):
    model = kerasish.models.model_from_json(Path(f"{path}.json").read_text())
    model.load_weights(path)
    with np.load(f"{path}.npz") as held:
        assert np.allclose(model.predict(held["x_0"], verbose=0), held["pred_0"], atol=1e-5)


def test_there_are_files_by_keras():
    assert len(GOLDEN) >= 2


def trained(optimizer="adam"):
    model = small()
    model.compile(optimizer, "mse")
    model.fit(np.ones((4, 3), "float32"), np.zeros((4, 2), "float32"), verbose=0)
    return model


@pytest.mark.parametrize("built", [True, False])
def test_the_state_of_the_optimizer_comes_back(tmp_path, built):
    model, path = trained(), tmp_path / "a.weights.h5"
    model.save_weights(path)
    assert [f"optimizer/vars/{i}" in datasets(path) for i in range(11)] == [True] * 10 + [False]
    other = small()
    other.compile("adam", "mse")
    if built:
        other.optimizer.build(other.trainable_variables)
    other.load_weights(path)
    for a, b in zip(model.optimizer.variables, other.optimizer.variables, strict=True):
        assert np.array_equal(a.numpy(), b.numpy())
    assert int(other.optimizer.iterations) == 1


def test_the_state_by_tf_keras_has_no_learning_rate(tmp_path):
    model, path = trained(), tmp_path / "a.weights.h5"
    model.save_weights(path)
    with h5py.File(path, "r+") as file:
        group = file["optimizer/vars"]
        del group["1"]
        for index in range(2, 10):
            group.move(str(index), str(index - 1))
    other = trained()
    other.optimizer.iterations.assign(7)
    other.load_weights(path)
    for a, b in zip(model.optimizer.variables, other.optimizer.variables, strict=True):
        assert np.array_equal(a.numpy(), b.numpy())


def test_the_state_of_another_optimizer_is_left_out_with_a_warning(tmp_path):
    path = tmp_path / "a.weights.h5"
    trained("sgd").save_weights(path)
    other = trained("adam")
    before = [v.numpy() for v in other.optimizer.variables]
    with pytest.warns(UserWarning, match="the state of the optimizer"):
        other.load_weights(path)
    assert all(np.array_equal(a, v.numpy()) for a, v in zip(before, other.optimizer.variables, strict=True))


def test_a_file_without_state_leaves_the_optimizer_as_it_is(saved):
    model = trained()
    model.load_weights(saved)
    assert int(model.optimizer.iterations) == 1


def test_a_layer_may_store_its_state_itself(tmp_path):
    path = tmp_path / "a.weights.h5"
    model = scrambled(sequential((2,), Doubling()))
    model.save_weights(path)
    assert np.array_equal(datasets(path)["layers/doubling/vars/doubled"], model.get_weights()[0] * 2)
    other = sequential((2,), Doubling())
    other.load_weights(path)
    assert np.array_equal(other.get_weights()[0], model.get_weights()[0])


def test_a_layer_that_fails_on_its_own_state_leaves_the_model_as_it_was(tmp_path):
    path = tmp_path / "a.weights.h5"
    scrambled(sequential((2,), layers.Dense(2), Doubling())).save_weights(path)
    with h5py.File(path, "r+") as file:
        del file["layers/doubling/vars/doubled"]
    refused(path, sequential((2,), layers.Dense(2), Doubling()), "doubled")


def test_layers_in_nested_lists_are_found_where_older_versions_of_keras_put_them(tmp_path):
    path = tmp_path / "a.weights.h5"
    model = scrambled(subclassed())
    model.save_weights(path)
    number = next(
        i for i, layer in enumerate(x for x in model.layers if isinstance(x, layers.Dense)) if layer is model.deep[0][0]
    )
    with h5py.File(path, "r+") as file:
        name = f"layers/dense_{number}" if number else "layers/dense"
        file.move("deep/container/dense/vars", f"{name}/vars")
    other = subclassed()
    other.load_weights(path)
    assert np.array_equal(other.deep[0][0].get_weights()[0], model.deep[0][0].get_weights()[0])


def test_bfloat16_is_marked_and_comes_back(tmp_path):
    pytest.importorskip("ml_dtypes")
    path = tmp_path / "a.weights.h5"
    model = sequential((3,), layers.Dense(2, dtype="bfloat16"))
    model.save_weights(path)
    with h5py.File(path) as file:
        assert file["layers/dense/vars/0"].attrs["dtype"] == "bfloat16"
        assert file["layers/dense/vars/0"].dtype == np.dtype("V2")
    other = sequential((3,), layers.Dense(2, dtype="bfloat16"))
    other.load_weights(path)
    assert np.array_equal(other.get_weights()[0].astype("float32"), model.get_weights()[0].astype("float32"))


def refused(path, model, match):
    before = [v.numpy().copy() for v in model.variables]
    with pytest.raises(LoadError, match=match) as caught:
        model.load_weights(path)
    assert str(path) in str(caught.value)
    assert all(np.array_equal(a, v.numpy()) for a, v in zip(before, model.variables, strict=True))


def replaced(path, **kwargs):
    with h5py.File(path, "r+") as file:
        del file["layers/dense_1/vars/0"]
        if kwargs:
            file.create_dataset("layers/dense_1/vars/0", **kwargs)


ATTACKS = {
    "missing": ({}, "expected 2 variables"),
    "shape": ({"data": np.ones((2, 4), "float32")}, r"expected the shape \(4, 2\)"),
    "dtype": ({"data": np.ones((4, 2), "complex64")}, "expected numbers"),
    "opaque": ({"data": np.zeros((4, 2), "V2")}, "expected float32"),
    "bomb": (
        {"shape": (1 << 30, 1 << 10), "dtype": "float32", "chunks": (1 << 10, 1 << 10), "compression": "gzip"},
        "expected the shape",
    ),
}


@pytest.mark.parametrize("kind", ATTACKS)
def test_what_does_not_fit_is_refused_before_anything_is_set(saved, kind):
    arguments, match = ATTACKS[kind]
    replaced(saved, **arguments)
    refused(saved, sequential((3,), layers.Dense(4), layers.Dense(2)), match)


@pytest.mark.parametrize("place", ["layers/dense_1/vars/0", "layers/dense_1/vars", "layers/dense_1", "layers"])
@pytest.mark.parametrize("kind", ["soft", "external"])
def test_links_are_not_followed(saved, tmp_path, place, kind):
    target = tmp_path / "target.weights.h5"
    shutil.copy(saved, target)
    with h5py.File(saved, "r+") as file:
        file.move(place, "elsewhere")
        file[place] = h5py.SoftLink("/elsewhere") if kind == "soft" else h5py.ExternalLink(str(target), f"/{place}")
    refused(saved, sequential((3,), layers.Dense(4), layers.Dense(2)), "link")


def test_a_bomb_for_a_layer_that_reads_its_state_itself_is_refused(tmp_path):
    path = tmp_path / "a.weights.h5"
    sequential((2,), Doubling()).save_weights(path)
    with h5py.File(path, "r+") as file:
        del file["layers/doubling/vars/doubled"]
        file.create_dataset("layers/doubling/vars/doubled", shape=(1 << 40,), dtype="f4", chunks=(1 << 20,))
    refused(path, sequential((2,), Doubling()), "expected at most")


def test_mismatches_may_be_skipped_with_one_warning(saved):
    model = sequential((3,), layers.Dense(4), layers.Dense(5), layers.Dense(6))
    before = model.get_weights()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.load_weights(saved, skip_mismatch=True)
    assert len(caught) == 1
    assert "left as they are" in str(caught[0].message)
    assert np.array_equal(model.get_weights()[0], small().get_weights()[0])
    assert all(np.array_equal(a, b) for a, b in zip(before[2:], model.get_weights()[2:], strict=True))


def test_layers_are_not_matched_by_name(saved):
    with pytest.raises(ValueError, match="by_name"):
        small().load_weights(saved, by_name=True)


def test_a_model_must_be_built(saved):
    with pytest.raises(ValueError, match="must be built"):
        kerasish.Sequential([layers.Dense(4)]).load_weights(saved)


def test_a_file_of_weights_is_no_model(saved):
    with pytest.raises(LoadError, match="load_weights"):
        kerasish.models.load_model(saved)


def test_a_file_of_something_else_is_refused(tmp_path):
    path = tmp_path / "a.weights.h5"
    with h5py.File(path, "w") as file:
        file["data"] = [1.0]
    refused(path, small(), "holds no weights")


def test_model_checkpoint_writes_such_files(tmp_path):
    path = tmp_path / "x.weights.h5"
    model = small()
    model.compile("adam", "mse")
    checkpoint = kerasish.callbacks.ModelCheckpoint(path, save_weights_only=True)
    model.fit(np.ones((4, 3), "float32"), np.zeros((4, 2), "float32"), verbose=0, callbacks=[checkpoint])
    other = small()
    other.load_weights(path)
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), other.get_weights(), strict=True))
    assert "optimizer/vars/0" in datasets(path)
