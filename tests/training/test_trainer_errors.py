"""Mistakes in `compile`, `fit`, `evaluate` and `predict`: each is named, and nothing is left half-changed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from kerasish import Model, Sequential, layers


def data(samples: int = 8) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    return generator.normal(size=(samples, 4)).astype("float32"), generator.normal(size=(samples, 1)).astype("float32")


def small(name: str = "net") -> Sequential:
    return Sequential([layers.Input((4,)), layers.Dense(3, name="hidden"), layers.Dense(1, name="out")], name=name)


def branches() -> Model:
    x = layers.Input((4,))
    return Model(x, [layers.Dense(2, name="b")(x), layers.Dense(1, name="a")(x)], name="net")


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_a_model_must_be_compiled_first(method: str) -> None:
    with pytest.raises(ValueError, match=f"'net' must be compiled before `{method}`"):
        getattr(small(), method)(*data())


BAD_COMPILES: list[tuple[dict[str, Any], str]] = [
    ({"optimizer": "sdg"}, "sdg"),
    ({"optimizer": 3}, "3"),
    ({"loss": "mze"}, "mze"),
    (
        {"loss": ["mse", "mae", "mse"]},
        r"`loss` must have one entry for each of the 2 output\(s\) \['b', 'a'\]. Received: 3",
    ),
    ({"loss": {"c": "mse"}}, r"keys of `loss` must be names of outputs: expected some of \['b', 'a'\]. .*\['c'\]"),
    ({"loss": "mse", "loss_weights": [1.0]}, "`loss_weights` must have one entry for each of the 2"),
    ({"loss": ["mse", "mse"], "loss_weights": [1.0]}, "`loss_weights` must have one entry for each loss"),
    ({"loss": "mse", "loss_weights": {"c": 1.0}}, "keys of `loss_weights`"),
    ({"loss": "mse", "loss_weights": ["a", "b"]}, "`loss_weights` to hold numbers"),
    ({"loss_weights": [1.0, 2.0]}, "loss_weights need a loss"),
    ({"loss": "mse", "metrics": ["accurracy", "mae"]}, "accurracy"),
    ({"loss": "mse", "metrics": "mae"}, "Expected `metrics` to be a list or a dict. Received: metrics='mae'"),
    ({"loss": "mse", "metrics": ["mae"]}, r"`metrics` must have one entry for each of the 2 output\(s\)"),
    ({"loss": "mse", "metrics": {"c": ["mae"]}}, "keys of `metrics`"),
    ({"loss": "mse", "weighted_metrics": {"c": ["mae"]}}, "keys of `weighted_metrics`"),
    ({"loss": "mse", "steps_per_execution": 0}, "steps_per_execution"),
]


@pytest.mark.parametrize(("arguments", "message"), BAD_COMPILES)
def test_wrong_settings_are_named_and_leave_the_earlier_ones(arguments: dict[str, Any], message: str) -> None:
    model = branches()
    model.compile("adam", "mse", metrics=[["mae"], ["mse"]])
    x, y = data()
    targets = [np.hstack([y, y]), y]
    model.fit(x, targets, verbose=0)
    before = dict(vars(model))
    with pytest.raises(ValueError, match=message):
        model.compile(**arguments)
    assert all(vars(model)[key] is value for key, value in before.items())
    assert len(model.evaluate(x, targets, verbose=0)) == 5
    model.fit(x, targets, verbose=0)
    assert int(model.optimizer.iterations) == 2


BAD_FITS: list[tuple[dict[str, Any], type[Exception], str]] = [
    ({"x": np.ones((8, 5))}, ValueError, r"'hidden'.*axis -1 to have size 4. Received: shape=\(8, 5\)"),
    ({"x": np.ones((8, 4, 2))}, ValueError, r"Received: shape=\(8, 4, 2\)"),
    ({"x": np.array([["a", "b", "c", "d"]] * 8)}, ValueError, "x"),
    ({"y": np.array([["yes"]] * 8)}, ValueError, "y"),
    ({"y": np.full((8, 1), np.nan)}, ValueError, "y holds NaN"),
    ({"y": np.ones((7, 1))}, ValueError, "cardinality"),
    ({"x": np.ones((0, 4)), "y": np.ones((0, 1))}, ValueError, "at least one sample"),
    ({"x": None}, ValueError, "x=None"),
    ({"y": None}, ValueError, "no targets came"),
    ({"y": [np.ones((8, 1)), np.ones((8, 1))]}, ValueError, r"`y` must have one entry for each of the 1 output\(s\)"),
    ({"epochs": -1}, ValueError, "epochs=-1"),
    ({"epochs": 1.5}, ValueError, "epochs=1.5"),
    ({"initial_epoch": -2}, ValueError, "initial_epoch=-2"),
    ({"verbose": 3}, ValueError, "verbose=3"),
    ({"verbose": "loud"}, ValueError, "verbose='loud'"),
    ({"batch_size": 0}, ValueError, "batch_size"),
    ({"steps_per_epoch": 0}, ValueError, "steps_per_epoch"),
    ({"validation_split": 1.5}, ValueError, "validation_split"),
    ({"validation_freq": 0}, ValueError, "validation_freq=0"),
    ({"validation_data": (np.ones((4, 3)), np.ones((4, 1)))}, ValueError, r"Received: shape=\(4, 3\)"),
    ({"callbacks": [3]}, ValueError, "Received: 3"),
    ({"sample_weight": np.ones(3)}, ValueError, "sample_weight"),
    ({"class_weight": {0: 1.0}, "sample_weight": np.ones(8)}, ValueError, "either"),
    ({"x": iter(())}, ValueError, "no batch|at least one|y"),
]


@pytest.mark.parametrize(("arguments", "kind", "message"), BAD_FITS, ids=[str(n) for n in range(len(BAD_FITS))])
def test_wrong_data_and_settings_of_fit_are_named(
    arguments: dict[str, Any], kind: type[Exception], message: str
) -> None:
    model = small()
    model.compile("adam", "mse")
    x, y = data()
    with pytest.raises(kind, match=message):
        model.fit(**{"x": x, "y": y, "verbose": 0, **arguments})
    history = model.fit(x, y, verbose=0, epochs=2).history["loss"]
    assert np.isfinite(history).all()
    assert not model.stop_training


def test_wrong_targets_for_several_outputs_are_named() -> None:
    model = branches()
    model.compile("sgd", "mse")
    x, y = data()
    with pytest.raises(ValueError, match=r"`y` must have one entry for each of the 2 output\(s\) \['b', 'a'\]"):
        model.fit(x, y, verbose=0)
    with pytest.raises(ValueError, match=r"keys of `y` must be names of outputs: expected \['b', 'a'\]. .*\['c'\]"):
        model.fit(x, {"b": y, "c": y}, verbose=0)
    with pytest.raises(ValueError, match="output 'b' has a loss, but no target came"):
        model.fit(x, {"a": y}, verbose=0)
    model.compile("sgd", [None, "mse"], metrics=[["mae"], None])
    with (
        pytest.raises(ValueError, match="output 'b' has the metric 'mae', but no target came"),
        pytest.warns(UserWarning, match="Gradients do not exist"),
    ):
        model.fit(x, {"a": y}, verbose=0)


def test_a_model_without_any_loss_has_nothing_to_minimise() -> None:
    model = small()
    model.compile("sgd")
    with pytest.raises(ValueError, match="'net' has nothing to minimise"):
        model.fit(*data(), verbose=0)
    model.compile("sgd", loss=[None])
    with pytest.raises(ValueError, match="No output of the model has a loss"):
        model.fit(*data(), verbose=0)


def test_a_model_without_trainable_weights_warns() -> None:
    model = small()
    model.trainable = False
    model.compile("sgd", "mse")
    before = model.get_weights()
    with pytest.warns(UserWarning, match="'net' has no trainable weights"):
        model.fit(*data(), verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_wrong_calls_of_evaluate_and_predict_are_named() -> None:
    model = small()
    model.compile("sgd", "mse")
    x, y = data()
    with pytest.raises(ValueError, match="verbose=7"):
        model.evaluate(x, y, verbose=7)
    with pytest.raises(ValueError, match=r"not recognized by `evaluate`. Received: \['epochs'\]"):
        model.evaluate(x, y, epochs=3)
    with pytest.raises(ValueError, match=r"Received: shape=\(8, 3\)"):
        model.predict(x[:, :3], verbose=0)
    with pytest.raises(ValueError, match="either class_weight or sample_weight"):
        model.train_on_batch(x, y, sample_weight=np.ones(8), class_weight={0: 1.0})


def test_an_error_in_a_callback_ends_the_training_and_the_model_stays_usable() -> None:
    from kerasish.callbacks import LambdaCallback

    def fail(epoch: int, logs: Any) -> None:
        raise KeyError("mine")

    model = small()
    model.compile("sgd", "mse")
    with pytest.raises(KeyError, match="mine"):
        model.fit(*data(), verbose=0, callbacks=[LambdaCallback(on_epoch_end=fail)])
    assert model._epoch_iterator is None
    assert model._parts is None
    assert np.isfinite(model.fit(*data(), verbose=0).history["loss"]).all()
