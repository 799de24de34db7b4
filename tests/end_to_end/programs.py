"""Programs that run alike in Keras and in kerasish: each takes the package, trains a model, and returns both.

A program gives the model, an input for it, and the numbers that are compared (the predictions are added).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Program = Callable[[Any], tuple[Any, Any, dict[str, Any]]]
PROGRAMS: dict[str, Program] = {}


def program(function: Program) -> Program:
    PROGRAMS[function.__name__] = function
    return function


def data(*shape: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def start(model: Any, seed: int = 0) -> Any:
    """Weights that do not depend on the package; variances stay positive."""
    rng = np.random.default_rng(seed)
    values = []
    for variable, value in zip(model.weights, model.get_weights(), strict=True):
        drawn = 0.3 * rng.normal(size=value.shape)
        values.append((np.abs(drawn) + 0.5 if "variance" in variable.path else drawn).astype(np.float32))
    model.set_weights(values)
    return model


def fit(model: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
    return model.fit(*args, **{"verbose": 0, "shuffle": False, "epochs": 2, "batch_size": 4, **kwargs}).history


def siamese_model(k: Any) -> Any:
    """Two inputs through one shared layer, operators on tensors, a nested model, two outputs, all in dicts."""
    a, b = k.layers.Input((3,), name="a"), k.layers.Input((3,), name="b")
    shared = k.layers.Dense(4, activation="tanh", name="shared")
    inside = k.layers.Input((4,), name="inside")
    inner = k.Model(inside, k.layers.Dense(2, name="inner_dense")(inside) + 1.0, name="inner")
    x = shared(a) - shared(b) * 2
    joined = k.ops.concatenate([inner(x), x[:, 0:1], (x**2)[:, :2] / 3.0, -x], axis=-1)
    outputs = {
        "score": k.layers.Dense(1, name="score")(joined),
        "label": k.layers.Dense(3, activation="softmax", name="label")(joined),
    }
    return start(k.Model({"a": a, "b": b}, outputs, name="siamese"))


@program
def siamese(k: Any) -> Any:
    model = siamese_model(k)
    model.compile(
        k.optimizers.Adam(0.01),
        loss={"score": "mse", "label": "sparse_categorical_crossentropy"},
        loss_weights={"score": 0.5, "label": 2.0},
        metrics={"score": ["mae"], "label": ["accuracy"]},
    )
    x = {"a": data(12, 3), "b": data(12, 3, seed=2)}
    y = {"score": data(12, 1, seed=3), "label": np.arange(12) % 3}
    history = fit(model, x, y, epochs=3, validation_split=0.25)
    results = {
        "history": history,
        "evaluate": model.evaluate(x, y, verbose=0),
        "by_name": model.evaluate(x, y, verbose=0, return_dict=True),
    }
    return model, x, results


@program
def lists_of_everything(k: Any) -> Any:
    a, b = k.layers.Input((3,)), k.layers.Input((2,))
    h = k.layers.Concatenate()([a, b])
    outputs = [k.layers.Dense(1, name="x")(h), k.layers.Dense(2, name="y")(h)]
    model = start(k.Model([a, b], outputs))
    model.compile("sgd", loss=["mse", "mae"], loss_weights=[1.0, 3.0], metrics=[["mae"], ["mse", "mae"]])
    x, y = [data(10, 3), data(10, 2)], [data(10, 1, seed=4), data(10, 2, seed=5)]
    history = fit(model, x, y, sample_weight=[np.linspace(0, 1, 10), np.linspace(1, 2, 10)])
    results = {
        "history": history,
        "train_on_batch": model.train_on_batch(x, y),
        "test_on_batch": model.test_on_batch(x, y, return_dict=True),
    }
    return model, x, results


@program
def operators_on_tensors(k: Any) -> Any:
    a, b = k.layers.Input((4,)), k.layers.Input((4,))
    outputs = [
        a - b,
        a * 2,
        a[:, 0],
        2 - a,
        1 / (a * a + 1),
        k.ops.matmul(a, k.ops.transpose(b)),
        -a,
        abs(a),
        a // 2,
        a % 2,
        a[:, ::2],
        a[:, None, :],
        a[..., -1],
        a > b,
        a >= b,
        a**2,
        2**a,
    ]
    return k.Model([a, b], outputs), [data(2, 4), data(2, 4, seed=3)], {}


@program
def transfer_learning(k: Any) -> Any:
    base = k.Sequential(
        [
            k.layers.Input((6, 6, 2)),
            k.layers.Conv2D(4, 3, padding="same", activation="relu"),
            k.layers.BatchNormalization(),
            k.layers.GlobalAveragePooling2D(),
        ],
        name="base",
    )
    start(base)
    base.trainable = False
    inputs = k.layers.Input((6, 6, 2))
    model = k.Model(inputs, k.layers.Dense(2, name="head")(base(inputs, training=False)))
    start(model.get_layer("head"), seed=3)
    loss = k.losses.SparseCategoricalCrossentropy(from_logits=True)
    x, y = data(8, 6, 6, 2), np.arange(8) % 2
    model.compile(k.optimizers.Adam(0.01), loss)
    before = base.get_weights()
    frozen = {"history": fit(model, x, y), "trainable": len(model.trainable_weights)}
    assert all((a == b).all() for a, b in zip(before, base.get_weights(), strict=True))
    base.trainable = True
    base.layers[1].trainable = False
    model.compile(k.optimizers.Adam(0.001), loss)
    tuned = {"history": fit(model, x, y), "trainable": len(model.trainable_weights)}
    convolution, normalization = base.layers[:2]
    assert not all((a == b).all() for a, b in zip(before, convolution.get_weights(), strict=False))
    assert all((a == b).all() for a, b in zip(before[2:], normalization.get_weights(), strict=True))
    return model, x, {"frozen": frozen, "tuned": tuned}


@program
def text_with_attention(k: Any) -> Any:
    x = k.utils.pad_sequences([[1, 2, 3], [4, 5], [6], [1, 2, 3, 4, 5, 6, 7]], maxlen=6, padding="post")
    inputs = k.layers.Input((6,), dtype="int32")
    embedded = k.layers.Embedding(8, 4, mask_zero=True)(inputs)
    h = k.layers.Bidirectional(k.layers.LSTM(3, return_sequences=True))(embedded)
    attended = [k.layers.Attention()([h, h]), k.layers.AdditiveAttention()([h, h])]
    pooled = k.layers.GlobalAveragePooling1D()(k.layers.Concatenate()(attended))
    last = k.layers.GRU(2)(h)
    output = k.layers.Dense(1, activation="sigmoid")(k.layers.Concatenate()([pooled, last]))
    model = start(k.Model(inputs, output))
    model.compile("adam", "binary_crossentropy", metrics=["accuracy", "AUC"])
    return model, x, {"padded": x, "history": fit(model, x, np.array([0, 1, 0, 1]), batch_size=2)}


@program
def autoencoder(k: Any) -> Any:
    inputs = k.layers.Input((8, 8, 1))
    x = k.layers.Conv2D(3, 3, strides=2, padding="same", activation="relu")(inputs)
    x = k.layers.MaxPooling2D(2)(x)
    x = k.layers.Conv2DTranspose(3, 3, strides=2, padding="same", activation="relu")(x)
    x = k.layers.UpSampling2D(2, interpolation="bilinear")(x)
    output = k.layers.Conv2D(1, 3, padding="same", activation="sigmoid")(x)
    model = start(k.Model(inputs, output))
    model.compile("rmsprop", "binary_crossentropy")
    images = np.abs(data(4, 8, 8, 1)).clip(0, 1)
    return model, images, {"history": fit(model, images, images, batch_size=2)}


@program
def residual_block(k: Any) -> Any:
    inputs = k.layers.Input((6, 6, 3))
    short = x = k.layers.Conv2D(4, 3, padding="same", use_bias=False)(inputs)
    x = k.layers.BatchNormalization()(x)
    x = k.layers.ReLU()(x)
    x = k.layers.Conv2D(4, 3, padding="same")(x)
    x = k.layers.LayerNormalization()(x)
    x = k.layers.SeparableConv2D(4, 3, padding="same")(x)
    x = k.layers.Activation("gelu")(k.layers.Add()([x, short]))
    output = k.layers.Dense(3, activation="softmax")(k.layers.GlobalMaxPooling2D()(x))
    model = start(k.Model(inputs, output))
    metrics = ["accuracy", k.metrics.TopKCategoricalAccuracy(2)]
    model.compile(k.optimizers.SGD(0.1, momentum=0.9, nesterov=True), "categorical_crossentropy", metrics=metrics)
    x, y = data(6, 6, 6, 3), np.eye(3, dtype="float32")[np.arange(6) % 3]
    return model, x, {"history": fit(model, x, y, class_weight={0: 1.0, 1: 2.0, 2: 0.5})}


@program
def transformer_encoder(k: Any) -> Any:
    inputs = k.layers.Input((5,), dtype="int32")
    x = k.layers.Embedding(10, 8)(inputs)
    attended = k.layers.MultiHeadAttention(2, 4)(x, x, use_causal_mask=True)
    x = k.layers.LayerNormalization(epsilon=1e-6)(x + attended)
    h = k.layers.Dense(8)(k.layers.Dense(16, activation="gelu")(x))
    x = k.layers.LayerNormalization()(x + h)
    model = start(k.Model(inputs, k.layers.Dense(10)(x)))
    loss = k.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(k.optimizers.SGD(0.1), loss, metrics=["accuracy"])
    tokens = np.random.default_rng(0).integers(0, 10, (6, 5))
    return model, tokens, {"history": fit(model, tokens, np.roll(tokens, -1, 1), batch_size=3)}


@program
def callbacks_that_steer(k: Any) -> Any:
    layers = [k.layers.Input((2,)), k.layers.Dense(4, activation="tanh"), k.layers.Dense(1)]
    model = start(k.Sequential(layers))
    model.compile(k.optimizers.SGD(0.05), "mse", metrics=["mae"])
    seen: list[Any] = []
    callbacks = [
        k.callbacks.EarlyStopping(monitor="val_loss", patience=2, restore_best_weights=True),
        k.callbacks.ReduceLROnPlateau(patience=1, factor=0.5),
        k.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9),
        k.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append([epoch, sorted(logs)])),
        k.callbacks.TerminateOnNaN(),
    ]
    validation = (data(6, 2, seed=5), data(6, 1, seed=6))
    history = fit(
        model, data(12, 2), data(12, 1), epochs=9, validation_data=validation, callbacks=callbacks, batch_size=6
    )
    rate = float(np.asarray(model.optimizer.learning_rate))
    return model, data(2, 2), {"history": history, "seen": seen, "rate": rate}


@program
def weights_of_samples(k: Any) -> Any:
    model = start(k.Sequential([k.layers.Input((2,)), k.layers.Dense(3, activation="softmax")]))
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["acc"], weighted_metrics=["accuracy"])
    x, y, weights = data(10, 2), np.arange(10) % 3, np.linspace(0, 2, 10)
    by_sample = fit(model, x, y, sample_weight=weights, validation_split=0.3)
    by_class = fit(model, x, y, class_weight={0: 1, 1: 2, 2: 3}, validation_split=0.3)
    evaluated = model.evaluate(x, y, sample_weight=weights, verbose=0)
    return model, x, {"by_sample": by_sample, "by_class": by_class, "evaluate": evaluated}


@program
def generators_and_datasets(k: Any) -> Any:
    model = start(k.Sequential([k.layers.Input((2,)), k.layers.Dense(1)]))
    model.compile("sgd", "mse", weighted_metrics=["mae"])

    def batches() -> Iterator[Any]:
        number = 0
        while True:
            yield data(4, 2, seed=number), data(4, 1, seed=number + 1), np.full(4, 0.5)
            number += 1

    class Batches(k.utils.PyDataset):
        def __len__(self) -> int:
            return 3

        def __getitem__(self, index: int) -> Any:
            return data(4, 2, seed=index), data(4, 1, seed=index + 9)

    streamed = fit(model, batches(), steps_per_epoch=3, batch_size=None)
    loaded = fit(model, Batches(workers=2, max_queue_size=4), batch_size=None, validation_data=Batches())
    results = {"streamed": streamed, "loaded": loaded, "evaluate": model.evaluate(Batches(), verbose=0)}
    return model, data(3, 2), results


@program
def frames(k: Any) -> Any:
    import pandas as pd

    model = start(k.Sequential([k.layers.Input((2,)), k.layers.Dense(1)]))
    model.compile("sgd", "mse")
    frame = pd.DataFrame(data(10, 3), columns=list("abc"))
    history = fit(model, frame[["a", "b"]], frame["c"], validation_split=0.2)
    return model, frame[["a", "b"]].to_numpy(), {"history": history}


@program
def half_precision(k: Any) -> Any:
    layers = [
        k.layers.Input((4,)),
        k.layers.Dense(8, activation="relu", dtype="mixed_float16"),
        k.layers.Dense(1, dtype="float32"),
    ]
    model = start(k.Sequential(layers))
    model.compile(k.optimizers.LossScaleOptimizer(k.optimizers.SGD(0.05), initial_scale=128.0), "mse")
    return model, data(2, 4), {"history": fit(model, data(8, 4), data(8, 1), batch_size=4)}


@program
def subclasses(k: Any) -> Any:
    class Penalized(k.layers.Layer):
        def __init__(self, units: int, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.units = units

        def build(self, input_shape: Any) -> None:
            penalty = k.regularizers.L2(0.01)
            self.w = self.add_weight(shape=(input_shape[-1], self.units), initializer="ones", regularizer=penalty)
            self.seen = self.add_weight(shape=(), initializer="zeros", trainable=False)

        def call(self, inputs: Any, training: bool = False) -> Any:
            if training:
                self.seen.assign_add(1.0)
            outputs = k.ops.matmul(inputs, self.w)
            self.add_loss(0.1 * k.ops.mean(k.ops.square(outputs)))
            return outputs

    class Net(k.Model):
        def __init__(self) -> None:
            super().__init__()
            self.first = Penalized(4)
            self.normalize = k.layers.BatchNormalization()
            self.blocks = [k.layers.Dense(3), k.layers.Dense(2)]

        def call(self, inputs: Any, training: bool = False) -> Any:
            x = self.normalize(self.first(inputs, training=training), training=training)
            for block in self.blocks:
                x = block(x)
            return x

    model = Net()
    model(data(2, 3))
    start(model)
    metrics = [k.metrics.RootMeanSquaredError(), "mae"]
    model.compile(k.optimizers.SGD(0.1, momentum=0.9, nesterov=True), "mse", metrics=metrics)
    x, y = data(10, 3), data(10, 2)
    results = {
        "history": fit(model, x, y, sample_weight=np.linspace(0.1, 1, 10)),
        "evaluate": model.evaluate(x, y, verbose=0),
        "counts": [len(model.weights), len(model.trainable_weights)],
        "steps": float(np.asarray(model.first.seen)),
    }
    return model, x, results


@program
def losses_and_metrics_of_ones_own(k: Any) -> Any:
    def soft_error(y_true: Any, y_pred: Any) -> Any:
        return k.ops.mean(k.ops.abs(y_true - y_pred) ** 1.5, axis=-1)

    def largest_error(y_true: Any, y_pred: Any) -> Any:
        return k.ops.max(k.ops.abs(y_true - y_pred), axis=-1)

    class Positives(k.metrics.Metric):
        def __init__(self, name: str = "positives", **kwargs: Any) -> None:
            super().__init__(name=name, **kwargs)
            self.count = self.add_weight(name="count", initializer="zeros")

        def update_state(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> None:
            self.count.assign_add(k.ops.sum(k.ops.cast(y_pred > 0, "float32")))

        def result(self) -> Any:
            return k.ops.convert_to_tensor(self.count)

    model = start(k.Sequential([k.layers.Input((2,)), k.layers.Dense(2)]))
    model.compile("sgd", soft_error, metrics=[largest_error, Positives()])
    x, y = data(10, 2), data(10, 2, seed=4)
    return model, x, {"history": fit(model, x, y), "evaluate": model.evaluate(x, y, verbose=0)}


def run(name: str, k: Any) -> tuple[Any, Any, dict[str, Any]]:
    """A program's model, its input and all its numbers."""
    model, x, results = PROGRAMS[name](k)
    return model, x, {**results, "predict": model.predict(x, verbose=0)}
