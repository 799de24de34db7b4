"""Trainings that run alike in Keras and in kerasish: each takes the package, and returns what it reported."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

SAMPLES = 22
SCENARIOS: dict[str, Callable[[Any], dict[str, Any]]] = {}


def scenario(function: Callable[[Any], dict[str, Any]]) -> Callable[[Any], dict[str, Any]]:
    SCENARIOS[function.__name__] = function
    return function


def data(*columns: int, seed: int = 0, samples: int = SAMPLES) -> list[np.ndarray]:
    generator = np.random.default_rng(seed)
    return [generator.normal(size=(samples, c)).astype(np.float32) for c in columns]


def classes(count: int, seed: int = 5, samples: int = SAMPLES) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, count, samples)


def weights(samples: int = SAMPLES, seed: int = 9) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.2, 2.0, samples).astype(np.float32)


def start(model: Any) -> Any:
    generator = np.random.default_rng(1)
    model.set_weights([0.5 * generator.normal(size=w.shape).astype(np.float32) for w in model.get_weights()])
    return model


def dense(k: Any, units: int, activation: str | None = None, **kwargs: Any) -> Any:
    layers = [k.layers.Input((4,)), k.layers.Dense(5, activation="tanh"), k.layers.Dense(units, activation, **kwargs)]
    return start(k.Sequential(layers))


def branches(k: Any, form: str = "list", second: str | None = "sigmoid") -> Any:
    x = k.layers.Input((4,), name="x")
    h = k.layers.Dense(5, activation="tanh", name="h")(x)
    b = k.layers.Dense(2, name="b")(h)
    a = k.layers.Dense(1, activation=second, name="a")(h)
    return start(k.Model(x, {"list": [b, a], "tuple": (b, a), "dict": {"b": b, "a": a}}[form]))


def history(model: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
    found = model.fit(*args, **{"verbose": 0, "shuffle": False, "batch_size": 8, "epochs": 3, **kwargs})
    return {"keys": list(found.history), "history": found.history, "epochs": list(found.epoch)}


def everything(model: Any, x: Any, y: Any, **kwargs: Any) -> dict[str, Any]:
    result = history(model, x, y, **kwargs)
    result["evaluate"] = model.evaluate(x, y, batch_size=8, verbose=0)
    result["evaluate_dict"] = model.evaluate(x, y, batch_size=8, verbose=0, return_dict=True)
    return result


@scenario
def regression_sgd(k: Any) -> dict[str, Any]:
    x, y = data(4, 1)
    vx, vy = data(4, 1, seed=3, samples=10)
    model = dense(k, 1)
    model.compile(k.optimizers.SGD(0.05), "mse", metrics=["mae", "mse"])
    return everything(model, x, y, validation_data=(vx, vy))


@scenario
def regression_adam(k: Any) -> dict[str, Any]:
    x, y = data(4, 1)
    model = dense(k, 1)
    model.compile(k.optimizers.Adam(0.01), "mse")
    return everything(model, x, y, epochs=6)


@scenario
def regression_of_flat_targets(k: Any) -> dict[str, Any]:
    x, y = data(4, 1)
    model = dense(k, 1)
    model.compile("rmsprop", "mae", metrics=["mse", k.metrics.MeanAbsoluteError(name="distance")])
    return everything(model, x, y[:, 0], validation_split=0.25)


@scenario
def binary(k: Any) -> dict[str, Any]:
    (x,) = data(4)
    model = dense(k, 1, "sigmoid")
    model.compile(k.optimizers.SGD(0.1), "binary_crossentropy", metrics=["accuracy", "AUC", "Precision"])
    return everything(model, x, classes(2), class_weight={0: 0.5, 1: 2.0}, validation_split=0.3)


@scenario
def binary_column(k: Any) -> dict[str, Any]:
    (x,) = data(4)
    model = dense(k, 1, "sigmoid")
    model.compile(k.optimizers.SGD(0.1), "binary_crossentropy", metrics=["acc"], weighted_metrics=["accuracy"])
    return everything(model, x, classes(2)[:, None], sample_weight=weights())


@scenario
def sparse(k: Any) -> dict[str, Any]:
    (x,) = data(4)
    model = dense(k, 3, "softmax")
    model.compile(
        k.optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"], weighted_metrics=["accuracy"]
    )
    return everything(model, x, classes(3), sample_weight=weights(), validation_data=(x, classes(3), weights(seed=2)))


@scenario
def sparse_column(k: Any) -> dict[str, Any]:
    (x,) = data(4)
    model = dense(k, 3, "softmax")
    model.compile(k.optimizers.SGD(0.1), k.losses.SparseCategoricalCrossentropy(), metrics=["accuracy"])
    return everything(model, x, classes(3)[:, None])


@scenario
def categorical(k: Any) -> dict[str, Any]:
    (x,) = data(4)
    model = dense(k, 3, "softmax")
    model.compile(k.optimizers.SGD(0.1), "categorical_crossentropy", metrics=["accuracy"], weighted_metrics=["mse"])
    return everything(model, x, np.eye(3, dtype="float32")[classes(3)], class_weight={0: 1.0, 1: 2.0, 2: 0.5})


@scenario
def crossentropy_by_shape(k: Any) -> dict[str, Any]:
    (x,) = data(4)
    model = dense(k, 3, "softmax")
    model.compile(k.optimizers.SGD(0.1), "crossentropy", metrics=["accuracy"])
    return everything(model, x, classes(3))


@scenario
def loss_in_a_list(k: Any) -> dict[str, Any]:
    x, y = data(4, 1)
    model = dense(k, 1, name="out")
    model.compile(k.optimizers.SGD(0.05), ["mse"], loss_weights=[0.5], metrics={"out": ["mae"]})
    return everything(model, x, y)


@scenario
def function_as_loss_and_metric(k: Any) -> dict[str, Any]:
    def distance(y_true: Any, y_pred: Any) -> Any:
        return k.ops.mean(k.ops.absolute(y_true - y_pred), axis=-1)

    x, y = data(4, 2)
    model = dense(k, 2)
    model.compile(k.optimizers.SGD(0.05), distance, metrics=[distance, "mae"])
    return everything(model, x, y, sample_weight=weights())


@scenario
def one_metric_twice(k: Any) -> dict[str, Any]:
    x, y = data(4, 1)
    model = dense(k, 1)
    model.compile(k.optimizers.SGD(0.05), "mse", metrics=["mae", "mae"], weighted_metrics=["mae", "mse"])
    return everything(model, x, y, sample_weight=weights())


@scenario
def two_outputs_by_lists(k: Any) -> dict[str, Any]:
    x, y = data(4, 2)
    model = branches(k)
    model.compile(
        k.optimizers.SGD(0.05), ["mse", "binary_crossentropy"], [1.0, 0.5], metrics=[["mae", "mse"], ["accuracy"]]
    )
    return everything(model, x, [y, classes(2)], validation_split=0.25)


@scenario
def two_outputs_by_dicts(k: Any) -> dict[str, Any]:
    x, y = data(4, 2)
    model = branches(k)
    model.compile(
        k.optimizers.SGD(0.05),
        {"a": "binary_crossentropy", "b": "mse"},
        {"a": 0.3, "b": 2.0},
        metrics={"a": "accuracy", "b": ["mae"]},
        weighted_metrics={"a": ["accuracy"]},
    )
    return everything(model, x, {"a": classes(2)[:, None], "b": y})


@scenario
def two_outputs_of_one_loss(k: Any) -> dict[str, Any]:
    x, y, z = data(4, 2, 1)
    model = branches(k, second=None)
    model.compile(k.optimizers.SGD(0.05), "mse", metrics=["mae", "mse"])
    return everything(model, x, [y, z])


@scenario
def two_outputs_of_which_one_has_a_loss(k: Any) -> dict[str, Any]:
    x, y, z = data(4, 2, 1)
    model = branches(k, second=None)
    model.compile(k.optimizers.SGD(0.05), ["mse", None], metrics=[None, ["mae"]])
    return everything(model, x, [y, z])


@scenario
def two_outputs_with_weights_for_each(k: Any) -> dict[str, Any]:
    x, y, z = data(4, 2, 1)
    model = branches(k, second=None)
    model.compile(k.optimizers.SGD(0.05), ["mse", "mae"], weighted_metrics=[["mae"], ["mse"]])
    return history(model, x, [y, z], sample_weight=[weights(), weights(seed=3)])


@scenario
def outputs_in_a_dict(k: Any) -> dict[str, Any]:
    x, y = data(4, 2)
    model = branches(k, "dict")
    model.compile(
        k.optimizers.SGD(0.05),
        {"b": "mse", "a": "binary_crossentropy"},
        {"b": 0.5, "a": 2.0},
        metrics={"b": ["mae"], "a": ["accuracy"]},
    )
    return everything(model, x, {"b": y, "a": classes(2)[:, None]})


@scenario
def penalties(k: Any) -> dict[str, Any]:
    x, y = data(4, 1)
    layers = [
        k.layers.Input((4,)),
        k.layers.Dense(5, "tanh", kernel_regularizer="l2", activity_regularizer=k.regularizers.L1(0.01)),
        k.layers.ActivityRegularization(l2=0.02),
        k.layers.Dense(1, kernel_regularizer=k.regularizers.L1L2(0.01, 0.02), bias_regularizer="l1"),
    ]
    model = start(k.Sequential(layers))
    model.compile(k.optimizers.SGD(0.05), "mse", metrics=["mse"])
    return everything(model, x, y)


@scenario
def losses_added_in_call(k: Any) -> dict[str, Any]:
    class Penalty(k.layers.Layer):
        def call(self, inputs: Any) -> Any:
            self.add_loss(0.1 * k.ops.mean(k.ops.square(inputs)))
            return inputs

    x, y = data(4, 1)
    model = start(k.Sequential([k.layers.Input((4,)), k.layers.Dense(5, "tanh"), Penalty(), k.layers.Dense(1)]))
    model.compile(k.optimizers.SGD(0.05), "mse")
    return everything(model, x, y)


@scenario
def epochs_that_continue(k: Any) -> dict[str, Any]:
    x, y = data(4, 1)
    model = dense(k, 1)
    model.compile(k.optimizers.Adam(0.01), "mse", metrics=["mae"])
    first = history(model, x, y, validation_data=(x, y), validation_freq=2, epochs=4)
    second = history(model, x, y, initial_epoch=4, epochs=6)
    return {"first": first, "second": second}


@scenario
def generator_with_steps(k: Any) -> dict[str, Any]:
    x, y = data(4, 1)

    def batches() -> Iterator[Any]:
        while True:
            for begin in range(0, 20, 5):
                yield x[begin : begin + 5], y[begin : begin + 5]

    model = dense(k, 1)
    model.compile(k.optimizers.SGD(0.05), "mse", metrics=["mae"])
    return history(
        model, batches(), None, batch_size=None, steps_per_epoch=3, validation_data=(x, y), validation_steps=1
    )


@scenario
def several_steps_an_execution(k: Any) -> dict[str, Any]:
    x, y = data(4, 1)
    model = dense(k, 1)
    model.compile(k.optimizers.SGD(0.05), "mse", metrics=["mae"], steps_per_execution=3)
    return history(model, x, y, batch_size=4)


@scenario
def subclassed_model(k: Any) -> dict[str, Any]:
    class Net(k.Model):
        def __init__(self) -> None:
            super().__init__()
            self.h = k.layers.Dense(5, activation="tanh")
            self.o = k.layers.Dense(1)

        def call(self, x: Any, training: Any = None) -> Any:
            return self.o(self.h(x))

    x, y = data(4, 1)
    model = Net()
    model(x[:2])
    start(model)
    model.compile(k.optimizers.SGD(0.05), "mse", metrics=["mae"])
    return everything(model, x, y)


@scenario
def outputs_of_a_subclassed_model(k: Any) -> dict[str, Any]:
    class Net(k.Model):
        def __init__(self) -> None:
            super().__init__()
            self.h = k.layers.Dense(2)
            self.o = k.layers.Dense(1)

        def call(self, x: Any) -> Any:
            return {"wide": self.h(x), "narrow": self.o(x)}

    x, y, z = data(4, 2, 1)
    model = Net()
    model(x[:2])
    start(model)
    model.compile(k.optimizers.SGD(0.05), {"wide": "mse", "narrow": "mae"}, metrics={"narrow": ["mse"]})
    return everything(model, x, {"narrow": z, "wide": y})


@scenario
def single_batches(k: Any) -> dict[str, Any]:
    x, y = data(4, 1)
    model = dense(k, 1)
    model.compile(k.optimizers.SGD(0.05), "mse", metrics=["mae"])
    return {
        "train": [model.train_on_batch(x[i : i + 6], y[i : i + 6]) for i in (0, 6, 12)],
        "train_dict": model.train_on_batch(x[:5], y[:5], sample_weight=weights()[:5], return_dict=True),
        "test": [model.test_on_batch(x[i : i + 6], y[i : i + 6]) for i in (0, 6)],
        "test_dict": model.test_on_batch(x[:5], y[:5], return_dict=True),
        "predict": np.asarray(model.predict_on_batch(x[:3])).tolist(),
    }


@scenario
def batches_with_class_weights(k: Any) -> dict[str, Any]:
    (x,) = data(4)
    model = dense(k, 3, "softmax")
    model.compile(k.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
    y = classes(3)
    return {"train": [float(model.train_on_batch(x, y, class_weight={0: 2.0, 1: 1.0, 2: 0.1})) for _ in range(3)]}


@scenario
def normalization_and_frozen_layers(k: Any) -> dict[str, Any]:
    x, y = data(4, 1)
    layers = [
        k.layers.Input((4,)),
        k.layers.Dense(5),
        k.layers.BatchNormalization(momentum=0.8),
        k.layers.Activation("relu"),
        k.layers.Dense(1),
    ]
    model = start(k.Sequential(layers))
    model.layers[1].set_weights([np.ones(5), np.zeros(5), np.zeros(5), np.ones(5)])
    model.compile(k.optimizers.SGD(0.05), "mse")
    first = everything(model, x, y)
    model.layers[0].trainable = False
    model.layers[1].trainable = False
    model.compile(k.optimizers.Adam(0.02), "mse")
    second = everything(model, x, y)
    return {"first": first, "second": second, "sums": [float(np.sum(w)) for w in model.get_weights()]}
