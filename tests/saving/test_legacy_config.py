"""Configs of old Keras versions, translated: names, arguments, calls, meanings."""

from __future__ import annotations

import base64
import marshal

import numpy as np
import pytest

import kerasish
from kerasish import layers, ops
from kerasish.saving.legacy_config import Origin, upgrade_model_entry
from kerasish.saving.legacy_config.graph import upgrade_graph
from kerasish.saving.legacy_config.keras1 import upgrade_keras1_layer
from kerasish.saving.legacy_config.layers import upgrade_layer
from kerasish.saving.legacy_config.old_meanings import SumOverBatch, hard_sigmoid_of_keras_2
from kerasish.saving.legacy_config.training import upgrade_loss, upgrade_metrics, upgrade_optimizer

KERAS_1, KERAS_2, TF_KERAS = Origin(1, True, True), Origin(2, True, True), Origin(2)


def upgraded(class_name, config, origin=TF_KERAS):
    entry = upgrade_layer({"class_name": class_name, "config": config}, origin, upgrade_model_entry)
    return entry["class_name"], entry["config"]


@pytest.mark.parametrize(
    ("version", "generation", "multi_backend"),
    [
        ("1.2.2", 1, True),
        ("2.0.8", 2, True),
        ("2.3.1", 2, True),
        ("2.3.0-tf", 2, False),
        ("2.4.0", 2, False),
        ("2.15.0", 2, False),
        ("3.0.5", 3, False),
        ("3.15.1", 3, False),
    ],
)
def test_the_version_tells_the_writer(version, generation, multi_backend):
    origin = Origin.of(version)
    assert (origin.generation, origin.multi_backend) == (generation, multi_backend)


def test_without_a_version_the_config_tells_the_writer():
    assert Origin.of(None, [{"class_name": "Dense", "config": {"W_regularizer": None}}]).generation == 1
    assert Origin.of(None, {"layers": [{"inbound_nodes": [[["a", 0, 0]]]}]}).generation == 2
    assert Origin.of(None, {"layers": [{"config": {"batch_shape": [None, 3]}}]}).generation == 3


@pytest.mark.parametrize(
    ("class_name", "config", "new_class", "expected"),
    [
        ("Dense", {"output_dim": 3, "init": "uniform", "bias": True, "input_dim": 2}, "Dense", {"units": 3}),
        (
            "Convolution2D",
            {
                "nb_filter": 4,
                "nb_row": 3,
                "nb_col": 2,
                "subsample": [1, 2],
                "border_mode": "same",
                "dim_ordering": "th",
            },
            "Conv2D",
            {
                "filters": 4,
                "kernel_size": [3, 2],
                "strides": [1, 2],
                "padding": "same",
                "data_format": "channels_first",
            },
        ),
        ("Convolution1D", {"nb_filter": 4, "filter_length": 3}, "Conv1D", {"filters": 4, "kernel_size": 3}),
        ("MaxPooling1D", {"pool_length": 2, "stride": 1}, "MaxPooling1D", {"pool_size": 2, "strides": 1}),
        ("Dropout", {"p": 0.25}, "Dropout", {"rate": 0.25}),
        ("GaussianNoise", {"sigma": 0.5}, "GaussianNoise", {"stddev": 0.5}),
        (
            "LSTM",
            {
                "output_dim": 3,
                "inner_init": "orthogonal",
                "forget_bias_init": "one",
                "dropout_U": 0.1,
                "consume_less": "cpu",
            },
            "LSTM",
            {"units": 3, "recurrent_initializer": "orthogonal", "unit_forget_bias": True, "recurrent_dropout": 0.1},
        ),
        ("GRU", {"output_dim": 3}, "GRU", {"units": 3, "reset_after": False}),
        (
            "Embedding",
            {"input_dim": 9, "output_dim": 4, "init": "normal", "dropout": 0.0},
            "Embedding",
            {"input_dim": 9, "output_dim": 4},
        ),
        ("Merge", {"name": "m", "mode": "concat", "concat_axis": 1}, "Concatenate", {"axis": 1}),
        ("Merge", {"name": "m", "mode": "cos", "dot_axes": [1, 1]}, "Dot", {"axes": [1, 1], "normalize": True}),
    ],
)
def test_layers_of_keras_1_get_their_names_of_today(class_name, config, new_class, expected):
    got_class, got = upgrade_keras1_layer(class_name, config)
    assert got_class == new_class
    assert expected.items() <= got.items()
    assert not {"init", "output_dim" if class_name != "Embedding" else "init", "p", "border_mode"} & set(got)


def test_penalties_of_keras_1_become_regularizers_and_constraints():
    _, config = upgrade_keras1_layer(
        "Dense",
        {
            "W_regularizer": {"name": "L1L2Regularizer", "l1": 0.1, "l2": 0.2},
            "b_constraint": {"name": "MaxNorm", "m": 2},
        },
    )
    assert config["kernel_regularizer"] == {"class_name": "L1L2", "config": {"l1": 0.1, "l2": 0.2}}
    assert config["bias_constraint"] == {"class_name": "MaxNorm", "config": {"max_value": 2}}


def test_merging_by_a_function_is_refused():
    with pytest.raises(ValueError, match="function of its own"):
        upgrade_keras1_layer("Merge", {"name": "m", "mode": "x", "mode_type": "lambda"})


def test_arguments_that_are_gone_are_dropped_where_they_meant_nothing():
    _, config = upgraded("LSTM", {"units": 2, "time_major": False, "implementation": 2})
    assert config == {"units": 2}
    with pytest.raises(ValueError, match="time_major"):
        upgraded("LSTM", {"units": 2, "time_major": True})
    assert upgraded("DepthwiseConv2D", {"groups": 1})[1] == {}
    with pytest.raises(ValueError, match="groups"):
        upgraded("DepthwiseConv2D", {"groups": 2})


def test_a_list_of_one_axis_becomes_the_axis():
    assert upgraded("BatchNormalization", {"axis": [3]})[1] == {"axis": 3}
    with pytest.raises(ValueError, match="axes"):
        upgraded("BatchNormalization", {"axis": [1, 2]})


def test_cudnn_layers_become_plain_ones():
    assert upgraded("CuDNNGRU", {"units": 2})[0] == "GRU"
    config = upgraded("CuDNNGRU", {"units": 2})[1]
    assert config["reset_after"] is True
    assert config["recurrent_activation"] == "sigmoid"


def test_layers_inside_wrappers_are_translated_too():
    inner = {"class_name": "GRU", "config": {"units": 2, "implementation": 1}}
    _, config = upgraded("Bidirectional", {"layer": inner})
    assert config["layer"]["config"] == {"units": 2, "reset_after": False}


def test_hard_sigmoid_keeps_its_old_slope():
    _, config = upgraded("LSTM", {"units": 2, "recurrent_activation": "hard_sigmoid"})
    layer = layers.LSTM.from_config(config)
    x = ops.convert_to_tensor([-3.0, -1.0, 0.5, 3.0])
    np.testing.assert_allclose(layer.cell.recurrent_activation(x).numpy(), [0.0, 0.3, 0.6, 1.0], atol=1e-6)
    assert layer.cell.recurrent_activation is hard_sigmoid_of_keras_2
    assert (
        upgraded("LSTM", {"recurrent_activation": "hard_sigmoid"}, Origin(3))[1]["recurrent_activation"]
        == "hard_sigmoid"
    )


def test_regularizers_of_outputs_are_summed_over_the_batch_where_they_were():
    penalty = {"class_name": "L1L2", "config": {"l1": 0.5, "l2": 0.0}}
    _, config = upgraded("Dense", {"units": 2, "activity_regularizer": penalty}, KERAS_2)
    layer = layers.Dense.from_config(config)
    assert isinstance(layer.activity_regularizer, SumOverBatch)
    assert float(layer.activity_regularizer(ops.ones((4, 2)))) == 4 * 0.5 * 8
    again = layers.Dense.from_config(layer.get_config())
    assert isinstance(again.activity_regularizer, SumOverBatch)
    assert upgraded("Dense", {"activity_regularizer": penalty}, TF_KERAS)[1]["activity_regularizer"] == penalty


def test_a_named_function_of_a_lambda_is_found_by_its_name_and_never_run():
    def double(x):
        return x * 2

    code = base64.b64encode(marshal.dumps(double.__code__)).decode()
    old = {"name": "l", "function": [code, None, None], "function_type": "lambda", "module": "m"}
    with kerasish.saving.custom_object_scope({"double": double}):
        assert upgraded("Lambda", dict(old))[1]["function"]["registered_name"] == "double"
    assert upgraded("Lambda", dict(old))[1]["function"]["class_name"] == "__lambda__"


def model(layers_, inputs, outputs):
    return {"name": "m", "layers": layers_, "input_layers": inputs, "output_layers": outputs}


def entry(name, class_name, nodes, **config):
    return {"name": name, "class_name": class_name, "config": {"name": name, **config}, "inbound_nodes": nodes}


def histories(node):
    found = []

    def walk(value):
        if isinstance(value, dict) and value.get("class_name") == "__keras_tensor__":
            found.append(value["config"]["keras_history"])
        elif isinstance(value, dict):
            for member in value.values():
                walk(member)
        elif isinstance(value, list):
            for member in value:
                walk(member)

    walk(node)
    return found


def test_old_calls_become_arguments():
    graph = upgrade_graph(
        model(
            [
                entry("a", "InputLayer", []),
                entry("b", "InputLayer", []),
                entry("sum", "Add", [[["a", 0, 0, {}], ["b", 0, 0, {}]]]),
                entry("mha", "MultiHeadAttention", [[["a", 0, 0, {"value": ["b", 0, 0]}]]]),
                entry("lstm", "LSTM", [[["a", 0, 0, {}], ["b", 0, 0, {}]]]),
            ],
            [["a", 0, 0], ["b", 0, 0]],
            [["sum", 0, 0]],
        )
    )
    by_name = {e["name"]: e["inbound_nodes"] for e in graph["layers"]}
    assert histories(by_name["sum"][0]["args"]) == [["a", 0, 0], ["b", 0, 0]]
    assert isinstance(by_name["sum"][0]["args"][0], list)
    assert histories(by_name["mha"][0]["args"]) == [["a", 0, 0]]
    assert histories(by_name["mha"][0]["kwargs"]["value"]) == [["b", 0, 0]]
    assert histories(by_name["lstm"][0]["kwargs"]["initial_state"]) == [["b", 0, 0]]
    assert graph["output_layers"] == ["sum", 0, 0]


def test_calls_of_nested_models_are_counted_from_zero():
    inner = {"name": "in", "layers": [], "input_layers": [], "output_layers": []}
    graph = upgrade_graph(
        model(
            [
                entry("a", "InputLayer", []),
                {"name": "inner", "class_name": "Functional", "config": inner, "inbound_nodes": [[["a", 0, 0, {}]]]},
                entry("end", "Dense", [[["inner", 1, 0, {}]]]),
            ],
            [["a", 0, 0]],
            [["inner", 1, 0]],
        )
    )
    assert histories(graph["layers"][2]["inbound_nodes"]) == [["inner", 0, 0]]
    # In the lists of inputs and outputs, Keras 3 still counts nested models from 1.
    assert graph["output_layers"] == ["inner", 1, 0]


def test_names_lose_their_slashes():
    graph = upgrade_graph(
        model(
            [entry("x/in", "InputLayer", []), entry("x/out", "Dense", [[["x/in", 0, 0, {}]]])],
            [["x/in", 0, 0]],
            [["x/out", 0, 0]],
        )
    )
    assert [e["name"] for e in graph["layers"]] == ["x_in", "x_out"]
    assert graph["output_layers"] == ["x_out", 0, 0]


def test_functions_of_tensorflow_become_operations():
    graph = upgrade_graph(
        model(
            [
                entry("a", "InputLayer", []),
                entry("tf.add", "TFOpLambda", [["a", 0, 0, {"y": ["a", 0, 0], "name": None}]], function="math.add"),
            ],
            [["a", 0, 0]],
            [["tf.add", 0, 0]],
        )
    )
    node = graph["layers"][1]
    assert node["class_name"] == "Add"
    assert node["module"].startswith("keras.src.ops")
    assert histories(node["inbound_nodes"][0]["args"]) == [["a", 0, 0], ["a", 0, 0]]
    with pytest.raises(ValueError, match="no counterpart"):
        upgrade_graph(
            model(
                [entry("a", "InputLayer", []), entry("t", "TFOpLambda", [["a", 0, 0, {}]], function="io.write_file")],
                [["a", 0, 0]],
                [["t", 0, 0]],
            )
        )


class TestOptimizers:
    def test_decay_becomes_a_schedule(self):
        entry_ = upgrade_optimizer({"class_name": "SGD", "config": {"lr": 0.5, "decay": 0.1}}, KERAS_2)
        optimizer = kerasish.optimizers.deserialize(entry_)
        optimizer.iterations.assign(5)
        assert float(optimizer.learning_rate) == pytest.approx(0.5 / 1.5)

    def test_clipnorm_was_global_outside_tf_keras(self):
        old = {"class_name": "SGD", "config": {"lr": 0.5, "clipnorm": 1.0}}
        assert upgrade_optimizer(old, KERAS_2)["config"]["global_clipnorm"] == 1.0
        new = {"class_name": "SGD", "config": {"name": "SGD", "learning_rate": 0.5, "clipnorm": 1.0}}
        assert upgrade_optimizer(new, TF_KERAS)["config"]["clipnorm"] == 1.0

    def test_custom_marks_and_extra_keys_are_taken_off(self):
        old = {
            "class_name": "Custom>Adam",
            "config": {"name": "Adam", "jit_compile": False, "is_legacy_optimizer": False},
        }
        assert upgrade_optimizer(old, TF_KERAS) == {"class_name": "Adam", "config": {}}

    def test_those_of_keras_3_stay_as_they_are(self):
        entry_ = {"class_name": "Adam", "config": {"name": "adam", "clipnorm": 1.0}}
        assert upgrade_optimizer(entry_, Origin(3)) == entry_


def test_losses_lose_what_is_no_argument():
    old = {"class_name": "Huber", "config": {"reduction": "auto", "name": "h", "delta": 0.4, "fn": "huber"}}
    assert upgrade_loss({"a/b": old, "c": "mse"}) == {
        "a_b": {"class_name": "Huber", "config": {"reduction": "sum_over_batch_size", "name": "h", "delta": 0.4}},
        "c": "mse",
    }


def test_metrics_lose_the_names_of_outputs():
    metric = {"class_name": "MeanAbsoluteError", "config": {"name": "score_mae", "dtype": "float32"}}
    both = upgrade_metrics([[], [metric]], ["label", "score"])
    assert both[1][0]["config"]["name"] == "mae"
    assert upgrade_metrics([[metric]], ["score"])[0]["config"]["name"] == "score_mae"
