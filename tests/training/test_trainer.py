"""Training, evaluation and prediction: what users override, and what must hold between calls."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest

import kerasish
from kerasish import Model, Sequential, callbacks, layers, metrics, ops, optimizers
from kerasish.autodiff import GradientTape


def data(samples: int = 16, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    x = generator.normal(size=(samples, 4)).astype("float32")
    return x, (x[:, :1] - x[:, 1:2]).astype("float32")


def small(**kwargs: Any) -> Sequential:
    kerasish.utils.set_random_seed(1)
    return Sequential([layers.Input((4,)), layers.Dense(6, "tanh"), layers.Dense(1)], **kwargs)


def compiled(optimizer: Any = "sgd", **kwargs: Any) -> Sequential:
    model = small()
    model.compile(optimizer, "mse", **kwargs)
    return model


def fit(model: Any, *args: Any, **kwargs: Any) -> dict[str, Any]:
    return model.fit(*args, **{"verbose": 0, "shuffle": False, **kwargs}).history


class TestOverriding:
    def test_train_step_of_ones_own(self) -> None:
        class Custom(Sequential):
            def train_step(self, data: Any) -> Any:
                x, y = data
                with GradientTape() as tape:
                    y_pred = self(x, training=True)
                    loss = self.compute_loss(x=x, y=y, y_pred=y_pred)
                gradients = tape.gradient(loss, self.trainable_variables)
                self.optimizer.apply(gradients, self.trainable_variables)
                for metric in self.metrics:
                    if metric.name == "loss":
                        metric.update_state(loss)
                    else:
                        metric.update_state(y, y_pred)
                return {metric.name: metric.result() for metric in self.metrics}

        x, y = data()
        reference = compiled(metrics=[metrics.MeanAbsoluteError(name="mae")])
        model = Custom([layers.Input((4,)), layers.Dense(6, "tanh"), layers.Dense(1)])
        model.set_weights(reference.get_weights())
        model.compile("sgd", "mse", metrics=[metrics.MeanAbsoluteError(name="mae")])
        expected = fit(reference, x, y, batch_size=8, epochs=2)
        found = fit(model, x, y, batch_size=8, epochs=2)
        assert list(found) == list(expected)
        for key in expected:
            np.testing.assert_allclose(found[key], expected[key], rtol=1e-5)

    def test_test_step_and_predict_step_of_ones_own(self) -> None:
        class Custom(Sequential):
            def test_step(self, data: Any) -> Any:
                return {"samples": data[0].shape[0]}

            def predict_step(self, data: Any) -> Any:
                return super().predict_step(data) * 2.0

        x, y = data()
        model = Custom([layers.Input((4,)), layers.Dense(1)])
        model.compile("sgd", "mse")
        assert model.evaluate(x, y, batch_size=8, verbose=0) == 8
        np.testing.assert_allclose(model.predict(x, verbose=0), 2 * model(x).numpy(), rtol=1e-5)

    @pytest.mark.parametrize("takes_training", [True, False])
    def test_compute_loss_of_ones_own(self, takes_training: bool) -> None:
        class WithTraining(Sequential):
            def compute_loss(
                self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None, training: bool = True
            ) -> Any:
                seen.append(training)
                return super().compute_loss(x, y, y_pred, sample_weight, training) * 3.0

        class Without(Sequential):
            def compute_loss(self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None) -> Any:
                seen.append(True)
                return super().compute_loss(x, y, y_pred, sample_weight) * 3.0

        seen: list[bool] = []
        x, y = data(8)
        reference = compiled()
        model = (WithTraining if takes_training else Without)(
            [layers.Input((4,)), layers.Dense(6, "tanh"), layers.Dense(1)]
        )
        model.set_weights(reference.get_weights())
        model.compile("sgd", "mse")
        expected = reference.evaluate(x, y, verbose=0)
        np.testing.assert_allclose(model.evaluate(x, y, verbose=0), 3 * expected, rtol=1e-5)
        np.testing.assert_allclose(fit(model, x, y)["loss"], [3 * expected], rtol=1e-5)
        assert seen == [not takes_training, True]

    def test_compute_metrics_of_ones_own(self) -> None:
        class Custom(Sequential):
            def compute_metrics(self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None) -> Any:
                return {**super().compute_metrics(x, y, y_pred, sample_weight), "answer": 42.0}

        model = Custom([layers.Input((4,)), layers.Dense(1)])
        model.compile("sgd", "mse", metrics=["mae"])
        history = fit(model, *data())
        assert list(history) == ["answer", "loss", "mae"]
        assert history["answer"] == [42.0]
        assert model.evaluate(*data(), verbose=0, return_dict=True)["answer"] == 42.0

    def test_model_that_trains_without_compiled_loss(self) -> None:
        class Vae(Model):
            def __init__(self) -> None:
                super().__init__()
                self.inner = layers.Dense(4)
                self.tracker = metrics.Mean(name="distance")

            def call(self, x: Any) -> Any:
                return self.inner(x)

            def train_step(self, data: Any) -> Any:
                (x,) = data
                with GradientTape() as tape:
                    loss = ops.mean(ops.square(x - self(x)))
                self.optimizer.apply(tape.gradient(loss, self.trainable_weights), self.trainable_weights)
                self.tracker.update_state(loss)
                return {"distance": self.tracker.result()}

        model = Vae()
        model.compile(optimizers.Adam(0.1))
        distances = fit(model, data()[0], epochs=5)["distance"]
        assert distances[-1] < distances[0]


class TestTotals:
    def test_losses_of_layers_alone_train_a_model(self) -> None:
        class Pull(layers.Layer):
            def call(self, x: Any) -> Any:
                self.add_loss(ops.mean(ops.square(x - 1.0)))
                return x

        model = Sequential([layers.Input((4,)), layers.Dense(1), Pull()])
        model.compile(optimizers.SGD(0.1))
        losses = fit(model, data()[0], epochs=10)["loss"]
        assert losses[-1] < losses[0]
        assert isinstance(model.evaluate(data()[0], verbose=0), float)

    def test_added_metrics_are_reported(self) -> None:
        class Watch(layers.Layer):
            def __init__(self) -> None:
                super().__init__()
                self.seen = metrics.Sum(name="seen")

            def call(self, x: Any) -> Any:
                self.seen.update_state(ops.ones((x.shape[0] or 1,)))
                return x

        model = Sequential([layers.Input((4,)), Watch(), layers.Dense(1)])
        model.compile("sgd", "mse")
        assert fit(model, *data(), batch_size=5, epochs=2)["seen"] == [16.0, 16.0]

    def test_regularization_stops_when_the_layer_is_frozen(self) -> None:
        model = Sequential([layers.Input((4,)), layers.Dense(3, kernel_regularizer="l2"), layers.Dense(1)])
        model.compile("sgd", "mse")
        x, y = data()
        with_it = model.evaluate(x, y, verbose=0)
        penalty = 0.01 * float(np.sum(model.layers[0].get_weights()[0] ** 2))
        model.layers[0].trainable = False
        model.compile("sgd", "mse")
        np.testing.assert_allclose(model.evaluate(x, y, verbose=0), with_it - penalty, rtol=1e-5)

    def test_validation_does_not_disturb_the_training(self) -> None:
        x, y = data()
        plain, validated = compiled("adam", metrics=["mae"]), compiled("adam", metrics=["mae"])
        a = fit(plain, x, y, epochs=3)
        b = fit(validated, x, y, epochs=3, validation_data=data(seed=4))
        for key in a:
            np.testing.assert_array_equal(a[key], b[key])


class TestBetweenCalls:
    def test_fit_goes_on_where_it_stopped(self) -> None:
        x, y = data()
        once, twice = compiled("adam"), compiled("adam")
        whole = fit(once, x, y, epochs=4)["loss"]
        parts = fit(twice, x, y, epochs=2)["loss"] + fit(twice, x, y, epochs=2)["loss"]
        np.testing.assert_array_equal(whole, parts)
        assert int(twice.optimizer.iterations) == 4

    def test_the_same_seed_gives_the_same_training(self) -> None:
        x, y = data(40)
        found = []
        for _ in range(2):
            kerasish.utils.set_random_seed(7)
            model = Sequential([layers.Input((4,)), layers.Dense(8), layers.Dropout(0.5), layers.Dense(1)])
            model.compile("adam", "mse")
            found.append(model.fit(x, y, epochs=3, batch_size=8, verbose=0, shuffle=True).history["loss"])
        assert found[0] == found[1]
        kerasish.utils.set_random_seed(8)
        assert model.fit(x, y, batch_size=8, verbose=0).history["loss"] != found[0][:1]

    def test_frozen_layers_stay_and_thawed_ones_learn_after_compiling_again(self) -> None:
        x, y = data()
        model = small()
        model.layers[0].trainable = False
        model.compile(optimizers.SGD(0.1), "mse")
        before = model.get_weights()
        fit(model, x, y)
        after = model.get_weights()
        np.testing.assert_array_equal(after[0], before[0])
        assert np.any(after[2] != before[2])
        frozen = model.layers[0].get_weights()[0]
        learnt = model.layers[1].get_weights()[0]
        model.layers[0].trainable = True
        with pytest.raises(ValueError, match="Compile the model again"):
            fit(model, x, y)
        np.testing.assert_array_equal(model.layers[0].get_weights()[0], frozen)
        model.compile(optimizers.SGD(0.1), "mse")
        fit(model, x, y)
        assert np.any(model.layers[0].get_weights()[0] != frozen)
        assert np.any(model.layers[1].get_weights()[0] != learnt)

    def test_compiling_again_starts_a_new_optimizer_on_the_same_weights(self) -> None:
        x, y = data()
        model = compiled(optimizers.Adam(0.1))
        fit(model, x, y)
        weights = model.get_weights()
        model.compile(optimizers.Adam(0.1), "mae")
        assert int(model.optimizer.iterations) == 0
        for a, b in zip(model.get_weights(), weights, strict=True):
            np.testing.assert_array_equal(a, b)
        fit(model, x, y)
        assert np.any(model.get_weights()[0] != weights[0])

    def test_weights_set_between_trainings_are_trained_on(self) -> None:
        x, y = data()
        model, other = compiled("adam"), compiled("adam")
        start = model.get_weights()
        first = fit(model, x, y, epochs=2)["loss"]
        model.set_weights(start)
        model.compile("adam", "mse")
        np.testing.assert_array_equal(fit(model, x, y, epochs=2)["loss"], first)
        np.testing.assert_array_equal(fit(other, x, y, epochs=2)["loss"], first)

    def test_two_models_train_a_shared_layer_in_turns(self) -> None:
        x, y = data()
        shared = layers.Dense(3, "tanh")
        first = Sequential([layers.Input((4,)), shared, layers.Dense(1)])
        second = Sequential([layers.Input((4,)), shared, layers.Dense(1)])
        first.compile(optimizers.SGD(0.1), "mse")
        second.compile(optimizers.Adam(0.1), "mse")
        for model in (first, second, first, second):
            before = shared.get_weights()[0]
            fit(model, x, y)
            assert np.any(shared.get_weights()[0] != before)
            np.testing.assert_array_equal(first.get_weights()[0], second.get_weights()[0])

    def test_training_stops_when_a_callback_says_so(self) -> None:
        class Stop(callbacks.Callback):
            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
                seen.append(batch)
                self.model.stop_training = batch == 1

        seen: list[int] = []
        model = compiled()
        assert len(fit(model, *data(), batch_size=4, epochs=3, callbacks=[Stop()])["loss"]) == 1
        assert seen == [0, 1]
        assert len(fit(model, *data(), epochs=2)["loss"]) == 2

    def test_callbacks_see_groups_of_steps(self) -> None:
        class Watch(callbacks.Callback):
            def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
                seen.append(("begin", batch))

            def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
                seen.append(("end", batch))

        seen: list[Any] = []
        fit(compiled(steps_per_execution=3), *data(), batch_size=4, callbacks=[Watch()])
        assert seen == [("begin", 0), ("end", 2), ("begin", 3), ("end", 3)]

    def test_a_callback_may_compile_the_model_again(self) -> None:
        class Recompile(callbacks.Callback):
            def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
                if epoch == 1:
                    self.model.layers[0].trainable = False
                    self.model.compile("sgd", "mae")

        model = compiled()
        fit(model, *data(), epochs=1)
        fit(model, *data(), epochs=3, callbacks=[Recompile()])
        assert len(model.optimizer._trainable_variables) == 2


class TestKindsOfModels:
    def test_subclassed_models_are_built_by_their_first_batch(self) -> None:
        class Net(Model):
            def __init__(self) -> None:
                super().__init__()
                self.parts = [layers.Dense(5, "relu"), layers.Dense(1)]

            def call(self, x: Any) -> Any:
                for part in self.parts:
                    x = part(x)
                return x

        for method in ("fit", "evaluate", "train_on_batch", "test_on_batch"):
            model = Net()
            model.compile("adam", "mse")
            quiet = {"verbose": 0} if method in ("fit", "evaluate") else {}
            getattr(model, method)(*data(), **quiet)
            assert len(model.get_weights()) == 4

    def test_the_shape_of_what_predict_returns_is_that_of_the_outputs(self) -> None:
        x = layers.Input((4,))
        model = Model(x, {"a": layers.Dense(1)(x), "b": [layers.Dense(2)(x)]})
        found = model.predict(data(10)[0], batch_size=4, verbose=0)
        assert found["a"].shape == (10, 1)
        assert found["b"][0].shape == (10, 2)
        assert isinstance(found["a"], np.ndarray)

    def test_half_precision_trains_with_a_loss_scale(self) -> None:
        kerasish.utils.set_random_seed(3)
        model = Sequential([layers.Input((4,)), layers.Dense(8, "relu"), layers.Dense(1, dtype="float32")])
        mixed = Sequential(
            [layers.Input((4,)), layers.Dense(8, "relu", dtype="mixed_float16"), layers.Dense(1, dtype="float32")]
        )
        mixed.dtype_policy = "mixed_float16"
        mixed.set_weights(model.get_weights())
        x, y = data(32)
        model.compile(optimizers.SGD(0.1), "mse")
        mixed.compile(optimizers.SGD(0.1), "mse")
        assert isinstance(mixed.optimizer, optimizers.LossScaleOptimizer)
        a, b = fit(model, x, y, epochs=5)["loss"], fit(mixed, x, y, epochs=5)["loss"]
        np.testing.assert_allclose(a, b, rtol=2e-2)
        assert all(v.dtype == "float32" for v in mixed.trainable_variables)

    def test_a_model_inside_a_model_keeps_its_own_metrics(self) -> None:
        inner = Sequential([layers.Input((4,)), layers.Dense(3)], name="inner")
        inner.compile("sgd", "mse")
        outer = Sequential([layers.Input((4,)), inner, layers.Dense(1)])
        outer.compile("sgd", "mse", metrics=["mae"])
        assert list(fit(outer, *data())) == ["loss", "mae"]
        assert outer.metrics_names[:1] == ["loss"]


class TestMemory:
    def test_steps_leave_nothing_behind_even_without_a_garbage_collector(self) -> None:
        stack = [
            layers.Input((2,)),
            layers.Dense(3, kernel_regularizer="l2", activity_regularizer="l1"),
            layers.Dropout(0.1),
            layers.BatchNormalization(),
            layers.Dense(2),
        ]
        model = Sequential(stack)
        model.compile("sgd", "mse", metrics=["mae"])
        x = np.zeros((100, 2), "float32")

        def left_behind(epochs: int) -> tuple[int, int]:
            """Objects in cycles that only the collector finds, and objects that are still there."""
            gc.collect()
            gc.disable()
            try:
                before = len(gc.get_objects())
                fit(model, x, x, batch_size=1, epochs=epochs)
                cycles = gc.collect()
                return cycles, len(gc.get_objects()) - before
            finally:
                gc.enable()

        left_behind(1)
        (few_cycles, few), (many_cycles, many) = left_behind(1), left_behind(6)
        assert many_cycles - few_cycles < 50
        assert many - few < 50
