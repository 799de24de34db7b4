"""Metrics give the numbers and the configs that Keras gives."""

import json
from pathlib import Path

import numpy as np
import pytest

from kerasish import metrics, ops

with np.load(Path(__file__).parents[1] / "golden" / "losses_metrics.npz") as file:
    GOLDEN = dict(file)
CASES = json.loads(str(GOLDEN["cases"]))


def tensor(name, rows):
    return None if name is None else ops.convert_to_tensor(GOLDEN[f"input/{name}"][rows])


def label(case):
    name, arguments, true, pred, weights, mask = case
    given = ",".join(f"{key}={value}" for key, value in arguments.items())
    return f"{name}({given})-{true}-{pred}-{weights}-{mask}"


def run(index):
    """The metric after each of two updates."""
    name, arguments, true, pred, weights, mask = CASES["metrics"][index]
    metric = getattr(metrics, name)(**arguments)
    half = len(GOLDEN[f"input/{true}"]) // 2 + 1
    for rows in (slice(0, half), slice(half, None)):
        inputs = [tensor(true, rows)]
        if pred is not None:
            inputs.append(tensor(pred, rows))
            if mask is not None:
                inputs[1]._keras_mask = tensor(mask, rows)
        metric.update_state(*inputs, sample_weight=tensor(weights, rows))
        yield metric


@pytest.mark.parametrize("index", range(len(CASES["metrics"])), ids=lambda i: label(CASES["metrics"][i]))
def test_a_metric_gives_the_number_that_keras_gives_after_each_update(index):
    for part, metric in enumerate(run(index)):
        result = metric.result()
        expected = GOLDEN[f"metric/{index}/{part}"]
        assert result.shape == expected.shape
        np.testing.assert_allclose(result.numpy(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("index", range(0, len(CASES["metrics"]), 2), ids=lambda i: label(CASES["metrics"][i]))
def test_a_metric_has_the_config_that_keras_writes_and_comes_back_from_it(index):
    name, arguments, *_ = CASES["metrics"][index]
    metric = getattr(metrics, name)(**arguments)
    config = metric.get_config()
    expected = CASES["metric_configs"][str(index)]
    unnumbered = {**config, "name": expected["name"]}
    if name == "AUC":
        expected["label_weights"] = config["label_weights"]
    if "thresholds" in expected and expected["thresholds"] is not None:
        np.testing.assert_allclose(unnumbered.pop("thresholds"), expected.pop("thresholds"))
    assert json.loads(json.dumps(unnumbered)) == expected
    again = metrics.deserialize(metrics.serialize(metric))
    assert type(again) is type(metric)
    assert again.get_config() == config


@pytest.mark.parametrize("index", range(0, len(CASES["metrics"]), 3), ids=lambda i: label(CASES["metrics"][i]))
def test_a_metric_gives_the_same_after_a_reset(index):
    first = second = None
    for metric in run(index):
        first = metric.result().numpy() if first is None else first
    _, _, true, pred, weights, mask = CASES["metrics"][index]
    metric.reset_state()
    assert all(not variable.numpy().any() for variable in metric.variables)
    rows = slice(0, len(GOLDEN[f"input/{true}"]) // 2 + 1)
    inputs = [tensor(true, rows)] + ([tensor(pred, rows)] if pred else [])
    if mask is not None:
        inputs[1]._keras_mask = tensor(mask, rows)
    metric.update_state(*inputs, sample_weight=tensor(weights, rows))
    second = metric.result().numpy()
    np.testing.assert_array_equal(first, second)


def test_every_metric_class_is_compared_with_keras():
    compared = {case[0] for case in CASES["metrics"]}
    assert {cls.__name__ for cls in metrics.CLASSES} - compared == {"MeanMetricWrapper"}
