"""What holds while a program runs: equal seeds, threads, memory, layouts, streams with state, callbacks with files."""

from __future__ import annotations

import copy
import csv
import gc
import hashlib
import pickle
import subprocess
import sys
import threading
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import kerasish
from kerasish import layers

ROOT = Path(__file__).parents[2]

SEEDED = """
import hashlib
import numpy as np
import kerasish
from kerasish import layers

def train():
    kerasish.utils.set_random_seed(11)
    model = kerasish.Sequential([
        layers.Input((6, 6, 1)), layers.Conv2D(2, 3, activation="relu"), layers.BatchNormalization(),
        layers.Flatten(), layers.GaussianNoise(0.1), layers.Dropout(0.3), layers.Dense(3, activation="softmax"),
    ])
    model.compile("adam", "sparse_categorical_crossentropy")
    x = np.random.rand(12, 6, 6, 1).astype("float32")
    history = model.fit(x, np.arange(12) % 3, epochs=2, batch_size=5, verbose=0).history["loss"]
    digest = hashlib.sha256()
    for array in [*model.get_weights(), np.array(history), model.predict(x, verbose=0)]:
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
"""


def data(*shape: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


@pytest.mark.cpu
def test_equal_seeds_give_equal_bits_also_in_a_new_process() -> None:
    scope: dict[str, Any] = {}
    exec(SEEDED, scope)
    first = scope["train"]()
    assert scope["train"]() == first
    command = [sys.executable, "-W", "error", "-c", SEEDED + "\nprint(train())"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == first
    scope["kerasish"].utils.set_random_seed(12)
    other = hashlib.sha256(kerasish.random.normal((4,)).numpy().tobytes()).hexdigest()
    assert other != first


def test_threads_that_predict_at_once_get_what_one_alone_gets() -> None:
    kerasish.utils.set_random_seed(0)
    inputs = layers.Input((5, 3))
    h = layers.Masking()(inputs)
    h = layers.Dropout(0.5)(layers.BatchNormalization()(layers.LSTM(4, return_sequences=True)(h)))
    model = kerasish.Model(inputs, layers.Dense(2, activation="softmax")(layers.GlobalAveragePooling1D()(h)))
    batches = [data(7, 5, 3, seed=seed) for seed in range(6)]
    alone = [model.predict(x, verbose=0, batch_size=3) for x in batches]
    found: dict[int, list[Any]] = {number: [] for number in range(len(batches))}
    errors: list[BaseException] = []
    barrier = threading.Barrier(len(batches))

    def work(number: int) -> None:
        try:
            barrier.wait(10)
            for _ in range(5):
                found[number].append(model.predict(batches[number], verbose=0, batch_size=3))
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(len(batches))]
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
    finally:
        sys.setswitchinterval(interval)
    assert not errors
    for number, expected in enumerate(alone):
        assert len(found[number]) == 5
        for value in found[number]:
            np.testing.assert_array_equal(value, expected)


def test_a_thread_may_predict_with_one_model_while_another_trains() -> None:
    kerasish.utils.set_random_seed(0)

    def build() -> Any:
        model = kerasish.Sequential([layers.Input((4,)), layers.Dropout(0.5), layers.Dense(3)])
        model.compile("sgd", "mse")
        return model

    steady, trained = build(), build()
    x = data(6, 4)
    expected = steady.predict(x, verbose=0)
    differing: list[Any] = []
    done = threading.Event()

    def predict() -> None:
        while not done.is_set():
            value = steady.predict(x, verbose=0)
            if not np.array_equal(value, expected):
                differing.append(value)

    thread = threading.Thread(target=predict)
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        thread.start()
        trained.fit(data(64, 4), data(64, 3), batch_size=2, epochs=4, verbose=0)
    finally:
        done.set()
        thread.join(60)
        sys.setswitchinterval(interval)
    assert not differing


@pytest.mark.cpu
@pytest.mark.parametrize("custom", [False, True], ids=["fit", "train_on_batch"])
def test_ten_thousand_steps_do_not_grow_in_memory(custom: bool) -> None:
    model = kerasish.Sequential([layers.Input((2,)), layers.Dense(2, activation="relu"), layers.Dense(1)])
    model.compile("sgd", "mse")
    x, y = data(4, 2), data(4, 1)

    def train(steps: int) -> None:
        if custom:
            for _ in range(steps):
                model.train_on_batch(x, y)
        else:
            model.fit(np.tile(x, (steps, 1)), np.tile(y, (steps, 1)), batch_size=4, verbose=0)

    gc.collect()
    gc.disable()
    try:
        # The interpreter's lists of free tuples fill first.
        train(3_000)
        blocks = sys.getallocatedblocks()
        train(2_000 if custom else 7_000)
        more_blocks = sys.getallocatedblocks() - blocks
        tracemalloc.start()
        train(100)
        before = tracemalloc.get_traced_memory()[0]
        train(900)
        growth = tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()
        gc.enable()
    assert more_blocks < 500
    assert growth < 6_000


@pytest.mark.cpu
def test_building_and_dropping_models_does_not_grow_in_memory() -> None:
    def once() -> None:
        inputs = layers.Input((2,))
        model = kerasish.Model(inputs, layers.Dense(64)(inputs) * 2)
        model.compile("adam", "mse")
        model.fit(data(2, 2), data(2, 64), verbose=0)

    for _ in range(3):
        once()
    gc.collect()
    tracemalloc.start()
    try:
        once()
        gc.collect()
        before = tracemalloc.get_traced_memory()[0]
        for _ in range(10):
            once()
        gc.collect()
        after = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert after - before < 20_000


@pytest.mark.parametrize(
    "how", [copy.deepcopy, lambda model: pickle.loads(pickle.dumps(model))], ids=["copy", "pickle"]
)
def test_copy_of_a_trained_model_trains_alike_and_apart(how: Any) -> None:
    model = kerasish.Sequential([layers.Input((3,)), layers.Dense(4), layers.BatchNormalization(), layers.Dense(1)])
    model.compile("adam", "mse", metrics=["mae"])
    x, y = data(8, 3), data(8, 1)
    model.fit(x, y, verbose=0)
    model.predict(x, verbose=0)
    again = how(model)
    weights, slots = model.get_weights(), [v.numpy().copy() for v in model.optimizer.variables]
    again.fit(x, y, verbose=0, shuffle=False)
    for a, b in zip(weights, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    for a, v in zip(slots, model.optimizer.variables, strict=True):
        np.testing.assert_array_equal(a, v.numpy())
    model.fit(x, y, verbose=0, shuffle=False)
    for a, b in zip(again.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_channels_first_gives_the_numbers_of_channels_last() -> None:
    def build(data_format: str) -> Any:
        shape = (6, 7, 2) if data_format == "channels_last" else (2, 6, 7)
        axis = -1 if data_format == "channels_last" else 1
        kwargs = {"data_format": data_format}
        model = kerasish.Sequential(
            [
                layers.Input(shape),
                layers.Conv2D(4, 3, padding="same", activation="relu", **kwargs),
                layers.BatchNormalization(axis=axis),
                layers.MaxPooling2D(2, **kwargs),
                layers.DepthwiseConv2D(3, padding="same", **kwargs),
                layers.Conv2DTranspose(3, 2, strides=2, **kwargs),
                layers.UpSampling2D(2, **kwargs),
                layers.ZeroPadding2D(1, **kwargs),
                layers.GlobalAveragePooling2D(**kwargs),
                layers.Dense(2),
            ]
        )
        rng = np.random.default_rng(2)
        model.set_weights([np.abs(rng.normal(size=w.shape)) * 0.3 for w in model.get_weights()])
        model.compile(kerasish.optimizers.SGD(0.01), "mse")
        return model

    last, first = build("channels_last"), build("channels_first")
    x, y = data(4, 6, 7, 2), data(4, 2)
    turned = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    losses = [m.fit(v, y, epochs=2, shuffle=False, verbose=0).history["loss"] for m, v in ((last, x), (first, turned))]
    np.testing.assert_allclose(losses[0], losses[1], rtol=1e-4)
    np.testing.assert_allclose(last.predict(x, verbose=0), first.predict(turned, verbose=0), rtol=1e-4, atol=1e-5)


def test_stateful_recurrence_over_pieces_gives_what_the_whole_series_gives() -> None:
    def build(stateful: bool) -> Any:
        batch_shape = (2, 3, 1) if stateful else (2, 9, 1)
        kwargs = {"stateful": stateful, "return_sequences": True}
        stack = [layers.LSTM(3, **kwargs), layers.GRU(2, **kwargs), layers.SimpleRNN(2, **kwargs), layers.Dense(1)]
        return kerasish.Sequential([layers.Input(batch_shape=batch_shape), *stack])

    whole, pieces = build(False), build(True)
    pieces.set_weights(whole.get_weights())
    x = data(2, 9, 1)
    expected = whole.predict(x, batch_size=2, verbose=0)
    for _ in range(2):
        found = [pieces.predict(x[:, i : i + 3], batch_size=2, verbose=0) for i in (0, 3, 6)]
        np.testing.assert_allclose(np.concatenate(found, axis=1), expected, rtol=1e-5, atol=1e-6)
        pieces.reset_states() if hasattr(pieces, "reset_states") else [
            layer.reset_state() for layer in pieces.layers[:3]
        ]


def test_stateful_model_trains_over_a_series_and_comes_back(tmp_path: Path) -> None:
    model = kerasish.Sequential([layers.Input(batch_shape=(2, 3, 1)), layers.LSTM(3, stateful=True), layers.Dense(1)])
    model.compile("adam", "mse")
    x, y = data(8, 3, 1), data(8, 1)
    for _ in range(2):
        model.fit(x, y, batch_size=2, shuffle=False, verbose=0)
        model.layers[0].reset_state()
    model.save(tmp_path / "m.h5")
    again = kerasish.models.load_model(tmp_path / "m.h5")
    np.testing.assert_array_equal(again.predict(x, batch_size=2, verbose=0), model.predict(x, batch_size=2, verbose=0))


def test_mixed_precision_keeps_weights_in_float32_and_scales_the_loss() -> None:
    kerasish.mixed_precision.set_global_policy("mixed_float16")
    try:
        model = kerasish.Sequential(
            [layers.Input((4,)), layers.Dense(8, activation="relu"), layers.Dense(1, dtype="float32")]
        )
        model.compile(kerasish.optimizers.SGD(0.1), "mse")
    finally:
        kerasish.mixed_precision.set_global_policy(None)
    assert isinstance(model.optimizer, kerasish.optimizers.LossScaleOptimizer)
    assert (model.layers[0].compute_dtype, model.layers[0].kernel.dtype) == ("float16", "float32")
    assert model.layers[0](data(2, 4)).dtype == "float16"
    x = data(32, 4)
    history = model.fit(x, x[:, :1] * 2, epochs=12, verbose=0, batch_size=8).history["loss"]
    assert history[-1] < 0.5 * history[0]
    assert model.predict(x, verbose=0).dtype == np.float32


def test_all_callbacks_work_together(tmp_path: Path) -> None:
    kerasish.utils.set_random_seed(0)
    model = kerasish.Sequential([layers.Input((2,)), layers.Dense(4, activation="tanh"), layers.Dense(1)])
    model.compile(kerasish.optimizers.SGD(0.1), "mse", metrics=["mae"])
    k = kerasish.callbacks
    ends: list[int] = []
    callbacks = [
        k.EarlyStopping(monitor="val_loss", patience=2, restore_best_weights=True),
        k.ModelCheckpoint(tmp_path / "best.h5", save_best_only=True),
        k.ModelCheckpoint(str(tmp_path / "{epoch:02d}-{val_loss:.3f}.h5"), save_weights_only=True),
        k.ReduceLROnPlateau(patience=1, factor=0.5),
        k.CSVLogger(tmp_path / "log.csv"),
        k.LearningRateScheduler(lambda epoch, rate: rate * 0.95),
        k.LambdaCallback(on_epoch_end=lambda epoch, logs: ends.append(epoch)),
        k.TerminateOnNaN(),
    ]
    x, y, vx, vy = data(12, 2), data(12, 1), data(6, 2, seed=5), data(6, 1, seed=6)
    history = model.fit(x, y, epochs=30, batch_size=6, verbose=0, validation_data=(vx, vy), callbacks=callbacks)
    values = history.history["val_loss"]
    best = int(np.argmin(values))
    assert len(values) == min(best + 3, 30)
    assert ends == list(range(len(values)))
    with (tmp_path / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["epoch", "learning_rate", "loss", "mae", "val_loss", "val_mae"]
    np.testing.assert_allclose([float(row["val_loss"]) for row in rows], values, rtol=1e-6)
    assert len(list(tmp_path.glob("??-*.h5"))) == len(values)
    others = kerasish.models.clone_model(model)
    others.load_weights(next(tmp_path.glob(f"{best + 1:02d}-*.h5")))
    np.testing.assert_array_equal(others.predict(vx, verbose=0), model.predict(vx, verbose=0))
    np.testing.assert_allclose(model.evaluate(vx, vy, verbose=0)[0], values[best], rtol=1e-6)
    again = kerasish.models.load_model(tmp_path / "best.h5")
    np.testing.assert_array_equal(again.predict(vx, verbose=0), model.predict(vx, verbose=0))


def test_training_ends_at_a_loss_that_is_no_number() -> None:
    model = kerasish.Sequential([layers.Input((2,)), layers.Dense(1)])
    model.compile(kerasish.optimizers.SGD(1e30), "mse")
    with np.errstate(all="ignore"):
        history = model.fit(
            data(8, 2), data(8, 1), batch_size=2, epochs=5, verbose=0, callbacks=[kerasish.callbacks.TerminateOnNaN()]
        )
    assert len(history.epoch) == 1


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_workers_bring_batches_in_order_and_once_each(workers: int) -> None:
    taken: list[int] = []
    lock = threading.Lock()

    class Batches(kerasish.utils.PyDataset):
        def __len__(self) -> int:
            return 7

        def __getitem__(self, index: int) -> Any:
            with lock:
                taken.append(index)
            return np.full((2, 1), index, "float32"), np.zeros((2, 1), "float32")

    inputs = layers.Input((1,))
    model = kerasish.Model(inputs, inputs * 1.0)
    found = model.predict(Batches(workers=workers, max_queue_size=3), verbose=0)
    np.testing.assert_array_equal(found[::2, 0], np.arange(7))
    assert sorted(set(taken)) == list(range(7))
