"""Losses give the numbers and the configs that Keras gives."""

import json
import warnings
from pathlib import Path

import numpy as np
import pytest

from kerasish import losses, ops

with np.load(Path(__file__).parents[1] / "golden" / "losses_metrics.npz") as file:
    GOLDEN = dict(file)
CASES = json.loads(str(GOLDEN["cases"]))


def tensor(name):
    return None if name is None else ops.convert_to_tensor(GOLDEN[f"input/{name}"])


def label(case):
    name, arguments, true, pred, weights, mask = case
    given = ",".join(f"{key}={value}" for key, value in arguments.items())
    return f"{name}({given})-{true}-{pred}-{weights}-{mask}"


@pytest.mark.parametrize("index", range(len(CASES["losses"])), ids=lambda i: label(CASES["losses"][i]))
def test_a_loss_gives_the_number_that_keras_gives(index):
    name, arguments, true, pred, weights, mask = CASES["losses"][index]
    y_pred = tensor(pred)
    if mask is not None:
        y_pred._keras_mask = tensor(mask)
    result = getattr(losses, name)(**arguments)(tensor(true), y_pred, sample_weight=tensor(weights))
    expected = GOLDEN[f"loss/{index}"]
    assert result.shape == expected.shape
    np.testing.assert_allclose(result.numpy(), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("index", range(0, len(CASES["losses"]), 19), ids=lambda i: label(CASES["losses"][i]))
def test_a_loss_has_the_config_that_keras_writes_and_comes_back_from_it(index):
    name, arguments, *_ = CASES["losses"][index]
    loss = getattr(losses, name)(**arguments)
    config = loss.get_config()
    keras_config = CASES["loss_configs"][str(index)]
    assert {key: config[key] for key in keras_config} == keras_config
    extra = set(config) - set(keras_config)
    # Keras loses these two arguments; they are written where they are not the default.
    assert extra <= {"delta", "axis"}
    assert type(loss).from_config(config).get_config() == config
    again = losses.deserialize({"class_name": name, "config": keras_config})
    assert type(again) is type(loss)


def test_every_loss_class_is_compared_with_keras():
    compared = {case[0] for case in CASES["losses"]}
    assert {cls.__name__ for cls in losses.CLASSES} - compared == {"LossFunctionWrapper"}


def test_no_warning_is_raised_by_a_loss():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        losses.CategoricalCrossentropy()(tensor("one_hot"), tensor("dist_pred"))
