"""`load_weights`: by order, by name, around mismatches; and all or nothing."""

from __future__ import annotations

import numpy as np
import pytest

import kerasish
from kerasish import layers
from kerasish.saving import LoadError

X = np.random.default_rng(1).normal(size=(4, 3)).astype("float32")


def stack(*widths, names=None, inputs=3):
    names = names or [f"d{i}" for i in range(len(widths))]
    return kerasish.Sequential(
        [kerasish.Input((inputs,)), *(layers.Dense(w, name=n) for w, n in zip(widths, names, strict=True))]
    )


@pytest.fixture
def saved(tmp_path):
    model = stack(4, 2)
    path = tmp_path / "w.h5"
    model.save_weights(path)
    return model, path


def test_weights_alone_go_by_order_whatever_the_names(saved):
    model, path = saved
    other = stack(4, 2, names=["u", "v"])
    other.load_weights(path)
    assert np.array_equal(other.predict(X, verbose=0), model.predict(X, verbose=0))


def test_a_file_of_a_model_serves_as_well(tmp_path):
    model = stack(4, 2)
    model.save(tmp_path / "m.h5")
    other = stack(4, 2)
    other.load_weights(tmp_path / "m.h5")
    assert np.array_equal(other.predict(X, verbose=0), model.predict(X, verbose=0))


def test_by_name_takes_the_layers_of_the_same_name_only(saved):
    model, path = saved
    other = stack(4, 5, names=["d0", "new"])
    kept = other.get_layer("new").get_weights()
    other.load_weights(path, by_name=True)
    assert np.array_equal(other.get_layer("d0").get_weights()[0], model.get_layer("d0").get_weights()[0])
    assert all(np.array_equal(a, b) for a, b in zip(kept, other.get_layer("new").get_weights(), strict=True))


@pytest.mark.parametrize("by_name", [False, True])
def test_a_mismatch_changes_nothing_at_all(saved, by_name):
    _, path = saved
    other = stack(4, 3)
    before = other.get_weights()
    with pytest.raises(LoadError, match="shapes"):
        other.load_weights(path, by_name=by_name)
    assert all(np.array_equal(a, b) for a, b in zip(before, other.get_weights(), strict=True))


@pytest.mark.parametrize("by_name", [False, True])
def test_skip_mismatch_warns_and_takes_the_rest(saved, by_name):
    model, path = saved
    other = stack(4, 3)
    kept = other.get_layer("d1").get_weights()
    with pytest.warns(UserWarning, match="'d1'"):
        other.load_weights(path, by_name=by_name, skip_mismatch=True)
    assert np.array_equal(other.get_layer("d0").get_weights()[0], model.get_layer("d0").get_weights()[0])
    assert np.array_equal(other.get_layer("d1").get_weights()[0], kept[0])


def test_another_number_of_layers_is_refused(saved):
    _, path = saved
    other = stack(4, 2, 2)
    before = other.get_weights()
    with pytest.raises(LoadError, match="3 layers"):
        other.load_weights(path)
    assert all(np.array_equal(a, b) for a, b in zip(before, other.get_weights(), strict=True))


def test_a_model_that_is_not_built_is_refused(saved):
    _, path = saved
    model = kerasish.Sequential([layers.Dense(4), layers.Dense(2)])
    with pytest.raises(ValueError, match="built"):
        model.load_weights(path)
    with pytest.raises(ValueError, match="no weights yet"):
        model.save_weights(path)


def test_the_content_decides_not_the_name(saved, tmp_path):
    model, path = saved
    renamed = tmp_path / "odd.weights.h5"
    renamed.write_bytes(path.read_bytes())
    other = stack(4, 2)
    other.load_weights(renamed)
    assert np.array_equal(other.predict(X, verbose=0), model.predict(X, verbose=0))


def test_a_file_of_weights_is_no_model(saved):
    _, path = saved
    with pytest.raises(LoadError, match="load_weights"):
        kerasish.models.load_model(path)


def test_other_files_are_told_apart(tmp_path):
    import zipfile

    path = tmp_path / "a.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{}")
    with pytest.raises(LoadError, match="keras"):
        kerasish.models.load_model(path)
    with pytest.raises(LoadError, match="keras"):
        stack(2).load_weights(path)


def test_unknown_arguments_are_refused(saved):
    with pytest.raises(ValueError, match="nothing"):
        saved[0].load_weights(saved[1], nothing=1)


def test_weights_of_a_models_own_are_saved_too(tmp_path):
    class Own(kerasish.Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(2, name="dense")
            self.own = self.add_weight(name="own", shape=(2,))

        def call(self, inputs):
            return self.dense(inputs) + self.own

    model, other = Own(), Own()
    model(X)
    other(X)
    model.own.assign([5.0, 6.0])
    model.save_weights(tmp_path / "w.h5")
    other.load_weights(tmp_path / "w.h5")
    assert other.own.numpy().tolist() == [5.0, 6.0]
    assert np.array_equal(other(X).numpy(), model(X).numpy())
