"""Files that were made to do harm: each is refused with a LoadError, and the live model stays as it was."""

from __future__ import annotations

import json
import os
import tracemalloc

import h5py
import numpy as np
import pytest

import kerasish
from kerasish import layers
from kerasish.saving import LoadError, MissingFileError
from kerasish.saving.h5_safe import open_h5

ENTRIES = ("load_model", "load_weights", "load_weights_by_name")


def small_model():
    model = kerasish.Sequential([kerasish.Input((3,)), layers.Dense(4, name="first"), layers.Dense(2, name="second")])
    model.compile(optimizer="adam", loss="mse")
    return model


@pytest.fixture
def model_file(tmp_path):
    path = tmp_path / "model.h5"
    small_model().save(path)
    return path


def opened(path, entry, model):
    if entry == "load_model":
        kerasish.models.load_model(path)
    else:
        model.load_weights(path, by_name=entry.endswith("by_name"))


def refused(path, entry, match=None):
    """Open the file by an entry point; it must be refused, and the model that weights go into must not change."""
    model = small_model()
    model.optimizer.build(model.trainable_variables)
    before = [v.numpy() for v in (*model.variables, *model.optimizer.variables)]
    with pytest.raises(LoadError, match=match) as caught:
        opened(path, entry, model)
    assert str(path) in str(caught.value)
    after = [v.numpy() for v in (*model.variables, *model.optimizer.variables)]
    assert all(np.array_equal(a, b) for a, b in zip(before, after, strict=True))


def replace_kernel(path, make):
    with h5py.File(path, "r+") as file:
        group = file["model_weights/first"]
        name = group.attrs["weight_names"][0]
        del group[name]
        make(file, group, name if isinstance(name, str) else name.decode())


@pytest.mark.parametrize("entry", ENTRIES)
class TestEveryEntryPointRefuses:
    def test_a_soft_link_to_another_dataset(self, model_file, entry):
        def make(file, group, name):
            file["elsewhere"] = np.zeros((3, 4), np.float32)
            group[name] = h5py.SoftLink("/elsewhere")

        replace_kernel(model_file, make)
        refused(model_file, entry, "link")

    def test_an_external_link_to_another_file(self, model_file, tmp_path, entry):
        with h5py.File(tmp_path / "secret.h5", "w") as file:
            file["data"] = np.zeros((3, 4), np.float32)
        replace_kernel(
            model_file, lambda f, g, n: g.__setitem__(n, h5py.ExternalLink(str(tmp_path / "secret.h5"), "/data"))
        )
        refused(model_file, entry, "link")

    def test_a_soft_link_in_place_of_a_layer(self, model_file, entry):
        with h5py.File(model_file, "r+") as file:
            file.move("model_weights/first", "hidden")
            file["model_weights/first"] = h5py.SoftLink("/hidden")
        refused(model_file, entry, "link")

    def test_a_soft_link_in_place_of_all_weights(self, model_file, entry):
        with h5py.File(model_file, "r+") as file:
            file.move("model_weights", "hidden")
            file["model_weights"] = h5py.SoftLink("/hidden")
        refused(model_file, entry, "link")

    def test_a_dataset_stored_in_another_file(self, model_file, tmp_path, entry):
        secret = tmp_path / "secret.bin"
        secret.write_bytes(b"s" * 48)

        def make(file, group, name):
            group.create_dataset(name, (3, 4), np.float32, external=[(str(secret), 0, 48)])

        replace_kernel(model_file, make)
        refused(model_file, entry, "another file")

    def test_a_virtual_dataset(self, model_file, tmp_path, entry):
        with h5py.File(tmp_path / "source.h5", "w") as file:
            file["data"] = np.zeros((3, 4), np.float32)

        def make(file, group, name):
            layout = h5py.VirtualLayout((3, 4), np.float32)
            layout[:] = h5py.VirtualSource(str(tmp_path / "source.h5"), "data", shape=(3, 4))
            group.create_virtual_dataset(name, layout)

        replace_kernel(model_file, make)
        refused(model_file, entry, "other files")

    def test_a_dataset_of_the_wrong_shape_without_reading_it(self, model_file, entry):
        def make(file, group, name):
            # 4 GiB of zeros in a file of a few kB.
            group.create_dataset(name, (1 << 15, 1 << 15), np.float32, chunks=(1 << 10, 1 << 10), compression="gzip")

        replace_kernel(model_file, make)
        tracemalloc.start()
        refused(model_file, entry)
        assert tracemalloc.get_traced_memory()[1] < 50e6
        tracemalloc.stop()

    def test_data_that_needs_an_unknown_filter(self, model_file, entry):
        replace_kernel(model_file, lambda f, g, n: g.create_dataset(n, data=np.zeros((3, 4), "i4"), scaleoffset=4))
        refused(model_file, entry, "unknown filter")

    def test_a_group_in_place_of_a_dataset(self, model_file, entry):
        replace_kernel(model_file, lambda f, g, n: g.create_group(n))
        refused(model_file, entry, "expected a dataset")

    def test_a_dataset_in_place_of_a_layer(self, model_file, entry):
        with h5py.File(model_file, "r+") as file:
            del file["model_weights/first"]
            file["model_weights/first"] = np.zeros(3)
        refused(model_file, entry, "expected a group")

    @pytest.mark.parametrize(
        "values",
        [
            np.zeros((3, 4), np.complex64),
            np.zeros((3, 4), [("a", "f4"), ("b", "f4")]),
            np.full((3, 4), b"text"),
            np.zeros((3, 4), "V8"),
        ],
        ids=["complex", "compound", "strings", "opaque"],
    )
    def test_data_that_is_no_numbers(self, model_file, entry, values):
        replace_kernel(model_file, lambda f, g, n: g.create_dataset(n, data=values))
        refused(model_file, entry, "expected numbers")

    def test_strings_of_variable_length(self, model_file, entry):
        replace_kernel(model_file, lambda f, g, n: g.create_dataset(n, data=[["x"] * 4] * 3, dtype=h5py.string_dtype()))
        refused(model_file, entry, "expected numbers")

    def test_opaque_two_byte_data_for_a_float_variable(self, model_file, entry):
        replace_kernel(model_file, lambda f, g, n: g.create_dataset(n, data=np.zeros((3, 4), "V2")))
        refused(model_file, entry, "opaque")

    @pytest.mark.parametrize("name", ["../secret", "/absolute", "first//kernel", "", ".", "first/.."])
    def test_a_weight_name_that_leads_elsewhere(self, model_file, entry, name):
        with h5py.File(model_file, "r+") as file:
            file["model_weights/first"].attrs["weight_names"] = [name.encode(), b"x"]
        refused(model_file, entry, "without empty parts")

    @pytest.mark.parametrize("name", ["../optimizer_weights", "/model_weights", "a//b", ""])
    def test_a_layer_name_that_leads_elsewhere(self, model_file, entry, name):
        with h5py.File(model_file, "r+") as file:
            file["model_weights"].attrs["layer_names"] = [name.encode(), b"second"]
        refused(model_file, entry, "without empty parts")

    def test_a_missing_dataset(self, model_file, entry):
        replace_kernel(model_file, lambda f, g, n: None)
        refused(model_file, entry, "there is none")

    def test_weight_names_that_repeat(self, model_file, entry):
        with h5py.File(model_file, "r+") as file:
            names = file["model_weights/first"].attrs["weight_names"]
            file["model_weights/first"].attrs["weight_names"] = [names[0], names[0]]
        refused(model_file, entry, "unique")

    def test_layer_names_that_are_numbers(self, model_file, entry):
        with h5py.File(model_file, "r+") as file:
            file["model_weights"].attrs["layer_names"] = [1, 2]
        refused(model_file, entry, "expected the attribute 'layer_names' to hold strings")

    def test_layer_names_that_are_not_utf8(self, model_file, entry):
        with h5py.File(model_file, "r+") as file:
            file["model_weights"].attrs["layer_names"] = np.array([b"\xff\xfe", b"second"])
        refused(model_file, entry)

    def test_missing_layer_names(self, model_file, entry):
        with h5py.File(model_file, "r+") as file:
            del file["model_weights"].attrs["layer_names"]
        refused(model_file, entry, "missing")

    def test_many_names_that_share_one_huge_string(self, model_file, entry):
        share_one_string(model_file, "layer_names", references=2000, size=654_321)
        tracemalloc.start()
        refused(model_file, entry, "too large")
        assert tracemalloc.get_traced_memory()[1] < 50e6
        tracemalloc.stop()

    def test_a_truncated_file(self, model_file, entry):
        data = model_file.read_bytes()
        model_file.write_bytes(data[: len(data) // 2])
        refused(model_file, entry)

    def test_garbage_after_the_signature(self, model_file, entry):
        data = model_file.read_bytes()
        model_file.write_bytes(data[:8] + b"\xaa" * (len(data) - 8))
        refused(model_file, entry)

    def test_random_bytes(self, model_file, entry):
        model_file.write_bytes(np.random.default_rng(0).bytes(4000))
        refused(model_file, entry, "HDF5")

    def test_an_empty_file(self, model_file, entry):
        model_file.write_bytes(b"")
        refused(model_file, entry, "HDF5")

    def test_a_missing_file_by_naming_it(self, tmp_path, entry):
        path = tmp_path / "nothing.h5"
        refused(path, entry, "no such file")
        with pytest.raises(FileNotFoundError):
            small_model().load_weights(path)
        assert issubclass(MissingFileError, FileNotFoundError)

    def test_a_folder(self, tmp_path, entry):
        refused(tmp_path, entry, "folder")


def share_one_string(path, attribute, references, size):
    """Make an attribute of many variable-length strings whose references all lead to one string."""
    with h5py.File(path, "r+") as file:
        group = file["model_weights"]
        del group.attrs[attribute]
        group.attrs[attribute] = [b"A" * size] + [b"B%07d" % index for index in range(references - 1)]
    data = bytearray(path.read_bytes())
    # The first reference: length, address of the collection, index in it. The others are made equal to it.
    length = size.to_bytes(4, "little")
    start = data.index(length, data.index(attribute.encode() + b"\0"))
    first = bytes(data[start : start + 16])
    data[start : start + 16 * references] = first * references
    path.write_bytes(bytes(data))


def rewrite_config(path, change, attribute="model_config"):
    with h5py.File(path, "r+") as file:
        text = file.attrs[attribute]
        config = change(json.loads(text))
        file.attrs[attribute] = config if isinstance(config, (str, bytes)) else json.dumps(config).encode()


def entry_config(config, index=1):
    return config["config"]["layers"][index]["config"]


class TestConfigsAreRefused:
    @pytest.mark.parametrize(
        "text",
        [
            b"[" * 200_000,
            b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
            b"[]",
            b'"model"',
            b"{}",
            b"not json",
            b'{"class_name": "Sequential"}',
            b'{"class_name": "Sequential", "config": 3}',
            b'{"class_name": "Sequential", "config": {"name": "m"}}',
            b'{"class_name": "Sequential", "config": {"name": "m", "layers": [3]}}',
            b'{"class_name": "Sequential", "class_name": "Functional", "config": {}}',
            b'{"class_name": ["Sequential"], "config": {}}',
            b'{"class_name": "Sequential", "config": {"name": "m", "layers": [], "x": ' + b"9" * 100_000 + b"}}",
            b'{"class_name": "Functional", "config": {"name": "\\ud800", "layers": []}}',
            b"\xff\xfe",
        ],
        ids=[
            "lists 200000 deep",
            "dicts 100000 deep",
            "a list",
            "a string",
            "empty",
            "no json",
            "no config",
            "a number as config",
            "no layers",
            "a number as layer",
            "a key twice",
            "a list as class",
            "a number of 100000 digits",
            "a lone surrogate",
            "no utf-8",
        ],
    )
    def test_json_that_is_no_model(self, model_file, text):
        with h5py.File(model_file, "r+") as file:
            file.attrs["model_config"] = text
        refused(model_file, "load_model")

    @pytest.mark.parametrize(
        "name",
        ["os.system", "eval", "__builtins__", "serialization_lib", "deserialize", "set_floatx", "load_data", "get"],
    )
    @pytest.mark.parametrize("slot", ["class", "activation", "initializer", "function"])
    def test_names_outside_the_list_of_the_place(self, model_file, name, slot):
        def change(config):
            inner = entry_config(config)
            if slot == "class":
                config["config"]["layers"][1]["class_name"] = name
            elif slot == "activation":
                inner["activation"] = name
            elif slot == "initializer":
                inner["kernel_initializer"] = {"module": "builtins", "class_name": name, "config": {}}
            else:
                inner["activation"] = {
                    "module": "os",
                    "class_name": "function",
                    "config": name,
                    "registered_name": name,
                }
            return config

        rewrite_config(model_file, change)
        refused(model_file, "load_model")

    def test_an_initializer_in_the_place_of_a_layer(self, model_file):
        def change(config):
            config["config"]["layers"][1] = {"class_name": "GlorotUniform", "config": {"seed": None}}
            return config

        rewrite_config(model_file, change)
        refused(model_file, "load_model", "Unknown layer")

    def test_a_loss_that_is_a_layer(self, model_file):
        def change(config):
            config["loss"] = {"class_name": "Dense", "config": {"units": 3}}
            return config

        rewrite_config(model_file, change, "training_config")
        refused(model_file, "load_model", "Unknown loss")

    @pytest.mark.parametrize("code", [["YWJj", None, None], {"class_name": "__lambda__", "config": {"code": "YWJj"}}])
    def test_byte_code_of_a_lambda(self, model_file, code):
        def change(config):
            inner = {"name": "l", "trainable": True, "function": code, "arguments": {}}
            config["config"]["layers"].append({"class_name": "Lambda", "config": inner})
            return config

        rewrite_config(model_file, change)
        refused(model_file, "load_model", "byte code")

    def test_byte_code_in_a_loss(self, model_file):
        def change(config):
            config["loss"] = {"class_name": "__lambda__", "config": {"code": "YWJj"}}
            return config

        rewrite_config(model_file, change, "training_config")
        refused(model_file, "load_model", "byte code")

    @pytest.mark.parametrize("units", [10**8, 10**11, 10**18])
    def test_a_layer_far_larger_than_the_file(self, model_file, units):
        def change(config):
            entry_config(config)["units"] = units
            return config

        rewrite_config(model_file, change)
        tracemalloc.start()
        refused(model_file, "load_model", "larger than what the file holds")
        assert tracemalloc.get_traced_memory()[1] < 50e6
        tracemalloc.stop()

    @pytest.mark.parametrize(
        "history",
        [["nowhere", 0, 0], ["first", 0, 7], ["first", -1, 0], ["first", 5, 0], ["last", 0, 0], [1, 2, 3], None],
    )
    def test_graphs_that_do_not_close(self, tmp_path, history):
        inputs = kerasish.Input((3,), name="entry")
        x = layers.Dense(3, name="first")(inputs)
        path = tmp_path / "graph.h5"
        kerasish.Model(inputs, layers.Dense(3, name="last")(x)).save(path)

        def change(config):
            node = config["config"]["layers"][2]["inbound_nodes"][0]
            node["args"][0]["config"]["keras_history"] = history
            return config

        rewrite_config(path, change)
        refused(path, "load_model")

    def test_a_training_config_that_is_no_dict(self, model_file):
        rewrite_config(model_file, lambda config: [1], "training_config")
        refused(model_file, "load_model", "training config")

    def test_links_in_the_optimizer_state(self, model_file):
        with h5py.File(model_file, "r+") as file:
            if "optimizer_weights" in file:
                del file["optimizer_weights"]
            file["optimizer_weights"] = h5py.SoftLink("/model_weights")
        refused(model_file, "load_model", "link")


class TestScopesAfterAFailure:
    def test_are_as_they_were(self, model_file):
        from kerasish.autodiff import state
        from kerasish.saving.object_registration import get_registered_object, in_safe_mode

        rewrite_config(model_file, lambda config: {"class_name": "Unknown", "config": {}})
        with pytest.raises(LoadError):
            kerasish.models.load_model(model_file, custom_objects={"probe": len}, safe_mode=False)
        assert get_registered_object("probe") is None
        assert in_safe_mode()
        assert state.variable_budget is None


def test_a_pipe_is_not_opened(tmp_path):
    path = tmp_path / "pipe.h5"
    os.mkfifo(path)
    with pytest.raises(LoadError), open_h5(path):
        pass
