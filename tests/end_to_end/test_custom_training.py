"""Models whose user wrote the step, the losses, the metrics and the callbacks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import kerasish
from kerasish import GradientTape, layers, ops


def data(*shape: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


class Critic(kerasish.Model):
    """A critic with a gradient penalty: the norm of its slope is drawn to one."""

    def __init__(self, weight: float = 10.0) -> None:
        super().__init__()
        self.hidden = layers.Dense(8, activation="tanh")
        self.score = layers.Dense(1)
        self.weight = weight
        self.penalty_mean = kerasish.metrics.Mean(name="penalty")

    def call(self, inputs: Any) -> Any:
        return self.score(self.hidden(inputs))

    def penalty(self, x: Any) -> Any:
        x = ops.convert_to_tensor(x)
        with GradientTape() as tape:
            tape.watch(x)
            score = self(x, training=True)
        slope = tape.gradient(score, x)
        return ops.mean((ops.sqrt(ops.sum(slope**2, axis=-1)) - 1.0) ** 2)

    def train_step(self, data: Any) -> dict[str, Any]:
        x, _ = data
        with GradientTape() as tape:
            penalty = self.penalty(x)
            loss = ops.mean(self(x, training=True) ** 2) + self.weight * penalty
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables, strict=True))
        self.penalty_mean.update_state(penalty)
        return {"loss": loss, "penalty": self.penalty_mean.result()}


def test_gradient_penalty_has_the_gradient_of_numeric_differentiation() -> None:
    kerasish.utils.set_random_seed(0)
    model = Critic()
    x = data(5, 3)
    model(x)
    kernel = model.hidden.kernel
    with GradientTape() as tape:
        penalty = model.penalty(x)
    found = tape.gradient(penalty, kernel).numpy()
    start, step = kernel.numpy(), 1e-2
    for index in [(0, 0), (1, 3), (2, 7)]:
        values = []
        for sign in (1, -1):
            moved = start.copy()
            moved[index] += sign * step
            kernel.assign(moved)
            values.append(float(model.penalty(x)))
        kernel.assign(start)
        np.testing.assert_allclose(found[index], (values[0] - values[1]) / (2 * step), rtol=2e-2, atol=1e-3)


def test_train_step_of_ones_own_draws_the_slope_to_one() -> None:
    kerasish.utils.set_random_seed(0)
    model = Critic()
    model.compile(kerasish.optimizers.Adam(0.02))
    history = model.fit(data(16, 3), data(16, 1), epochs=40, batch_size=8, verbose=0).history
    assert sorted(history) == ["loss", "penalty"]
    assert history["penalty"][-1] < 0.5 * history["penalty"][0]


def test_train_step_may_reuse_the_compiled_loss_and_metrics() -> None:
    class Plain(kerasish.Model):
        def train_step(self, data: Any) -> dict[str, Any]:
            x, y, sample_weight = kerasish.utils.unpack_x_y_sample_weight(data)
            with GradientTape() as tape:
                y_pred = self(x, training=True)
                loss = self.compute_loss(x=x, y=y, y_pred=y_pred, sample_weight=sample_weight)
            variables = self.trainable_variables
            self.optimizer.apply(tape.gradient(loss, variables), variables)
            for metric in self.metrics:
                if metric.name == "loss":
                    metric.update_state(loss)
                else:
                    metric.update_state(y, y_pred)
            return {metric.name: metric.result() for metric in self.metrics}

    histories = []
    for cls in (kerasish.Model, Plain):
        kerasish.utils.set_random_seed(3)
        inputs = layers.Input((3,))
        model = cls(inputs, layers.Dense(1)(layers.Dense(4, activation="relu")(inputs)))
        model.compile("adam", "mse")
        histories.append(model.fit(data(8, 3), data(8, 1), epochs=3, batch_size=4, verbose=0).history)
    assert histories[0] == histories[1]


def test_added_losses_and_metrics_are_reported_and_trained_on() -> None:
    class Sparse(layers.Layer):
        def __init__(self, rate: float, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.rate = rate

        def call(self, inputs: Any) -> Any:
            self.add_loss(self.rate * ops.mean(ops.abs(inputs)))
            return inputs

    class Net(kerasish.Model):
        def __init__(self, rate: float) -> None:
            super().__init__()
            self.dense, self.sparse, self.head = layers.Dense(4), Sparse(rate), layers.Dense(1)

        def call(self, inputs: Any) -> Any:
            h = self.sparse(self.dense(inputs))
            self.add_metric(ops.mean(ops.abs(h)), name="activity")
            return self.head(h)

    activity = {}
    for rate in (0.0, 5.0):
        kerasish.utils.set_random_seed(0)
        model = Net(rate)
        model.compile(kerasish.optimizers.SGD(0.05), "mse")
        history = model.fit(data(16, 3), data(16, 1), epochs=10, batch_size=8, verbose=0).history
        activity[rate] = history["activity"][-1]
        assert sorted(history) == ["activity", "loss"]
        total = model.evaluate(data(16, 3), data(16, 1), verbose=0, return_dict=True)
        error = float(np.mean((model.predict(data(16, 3), verbose=0) - data(16, 1)) ** 2))
        np.testing.assert_allclose(total["loss"], error + rate * total["activity"], rtol=1e-5)
    assert activity[5.0] < 0.5 * activity[0.0]


def test_losses_do_not_pile_up_over_calls() -> None:
    layer = layers.ActivityRegularization(l2=1.0)
    for _ in range(3):
        layer(data(2, 3))
    assert len(layer.losses) == 1


def test_persistent_tape_gives_gradients_of_several_targets() -> None:
    x = kerasish.Variable([1.0, 2.0])
    with GradientTape(persistent=True) as tape:
        y, z = x**2, x**3
    np.testing.assert_allclose(tape.gradient(y, x), [2.0, 4.0])
    np.testing.assert_allclose(tape.gradient(z, x), [3.0, 12.0])
    with GradientTape() as tape:
        y = x**2
    tape.gradient(y, x)
    with pytest.raises(RuntimeError):
        tape.gradient(y, x)


def test_callback_of_ones_own_sees_every_event_in_order() -> None:
    class Events(kerasish.callbacks.Callback):
        def __init__(self) -> None:
            super().__init__()
            self.seen: list[str] = []

        def on_train_begin(self, logs: Any = None) -> None:
            self.seen.append("train")

        def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
            self.seen.append(f"epoch {epoch}")

        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
            assert isinstance(float(logs["loss"]), float)
            self.seen.append(f"batch {batch}")

        def on_test_batch_end(self, batch: int, logs: Any = None) -> None:
            self.seen.append(f"test {batch}")

        def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
            assert {"loss", "val_loss"} <= set(logs)
            if epoch == 1:
                self.model.stop_training = True

        def on_train_end(self, logs: Any = None) -> None:
            self.seen.append("end")

    model = kerasish.Sequential([layers.Input((2,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    events = Events()
    x, y = data(4, 2), data(4, 1)
    model.fit(x, y, batch_size=2, epochs=9, verbose=0, callbacks=[events], validation_data=(x, y))
    epoch = ["batch 0", "batch 1", "test 0", "test 1"]
    assert events.seen == ["train", "epoch 0", *epoch, "epoch 1", *epoch, "end"]


def test_generator_and_discriminator_take_turns() -> None:
    class Gan(kerasish.Model):
        def __init__(self) -> None:
            super().__init__()
            self.generator = kerasish.Sequential([layers.Input((2,)), layers.Dense(3)])
            self.discriminator = kerasish.Sequential([layers.Input((3,)), layers.Dense(1)])
            self.seed = kerasish.random.SeedGenerator(4)

        def compile(self, d_optimizer: Any, g_optimizer: Any) -> None:
            super().compile()
            self.d_optimizer, self.g_optimizer = d_optimizer, g_optimizer

        def train_step(self, real: Any) -> dict[str, Any]:
            real = real[0] if isinstance(real, tuple) else real
            loss_of = kerasish.losses.BinaryCrossentropy(from_logits=True)
            noise = kerasish.random.normal((real.shape[0], 2), seed=self.seed)
            labels = ops.concatenate([ops.ones((4, 1)), ops.zeros((4, 1))])
            both = ops.concatenate([real, self.generator(noise)])
            with GradientTape() as tape:
                d_loss = loss_of(labels, self.discriminator(both))
            variables = self.discriminator.trainable_variables
            self.d_optimizer.apply_gradients(zip(tape.gradient(d_loss, variables), variables, strict=True))
            with GradientTape() as tape:
                g_loss = loss_of(ops.ones((4, 1)), self.discriminator(self.generator(noise)))
            variables = self.generator.trainable_variables
            self.g_optimizer.apply_gradients(zip(tape.gradient(g_loss, variables), variables, strict=True))
            return {"d": d_loss, "g": g_loss}

    model = Gan()
    model.compile(kerasish.optimizers.Adam(0.01), kerasish.optimizers.Adam(0.01))
    before = [w.copy() for w in model.generator.get_weights() + model.discriminator.get_weights()]
    history = model.fit(data(8, 3), batch_size=4, epochs=3, verbose=0).history
    assert sorted(history) == ["d", "g"]
    assert np.isfinite(history["d"] + history["g"]).all()
    after = model.generator.get_weights() + model.discriminator.get_weights()
    assert not any((a == b).all() for a, b in zip(before, after, strict=True))


def test_model_and_layer_of_ones_own_come_back_from_a_file(tmp_path: Any) -> None:
    @kerasish.saving.register_keras_serializable("tests")
    class Scale(layers.Layer):
        def __init__(self, factor: float, **kwargs: Any) -> None:
            super().__init__(**kwargs)
            self.factor = factor

        def build(self, input_shape: Any) -> None:
            self.shift = self.add_weight(shape=(input_shape[-1],), name="shift")

        def call(self, inputs: Any) -> Any:
            return inputs * self.factor + self.shift

        def get_config(self) -> dict[str, Any]:
            return {**super().get_config(), "factor": self.factor}

    model = kerasish.Sequential([layers.Input((3,)), Scale(2.5), layers.Dense(1)])
    model.save(tmp_path / "m.h5")
    again = kerasish.models.load_model(tmp_path / "m.h5")
    np.testing.assert_array_equal(again.predict(data(4, 3), verbose=0), model.predict(data(4, 3), verbose=0))
