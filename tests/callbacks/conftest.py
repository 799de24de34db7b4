"""A model small enough to see through: one weight vector, trained by hand-written steps."""

import numpy as np
import pytest

from kerasish.autodiff import Variable
from kerasish.callbacks.callback_list import CallbackList, Logs
from kerasish.callbacks.history import History
from kerasish.training.data import EpochIterator


class ToyOptimizer:
    """Gradient descent with momentum, whose momentum is made in the first step."""

    name = "toy"

    def __init__(self, learning_rate=0.1, use_ema=False):
        self._rate = Variable(learning_rate, name="rate")
        self.use_ema = use_ema
        self._trainable_variables = []
        self._averages = []
        self.momentum = None

    @property
    def learning_rate(self):
        return self._rate

    @learning_rate.setter
    def learning_rate(self, value):
        self._rate.assign(value)

    @property
    def variables(self):
        return [self._rate] if self.momentum is None else [self._rate, self.momentum]

    def build(self, variables):
        self._trainable_variables = list(variables)
        self.momentum = Variable(np.zeros(variables[0].shape, np.float32), name="momentum")
        if self.use_ema:
            self._averages = [Variable(v.numpy()) for v in variables]

    def apply(self, gradient, weight):
        if self.momentum is None:
            self.build([weight])
        self.momentum.assign(0.9 * self.momentum.numpy() + gradient)
        weight.assign(weight.numpy() - self._rate.numpy() * self.momentum.numpy())


class ToyMetric:
    """A running mean whose variables are made in the first step."""

    name = "loss"

    def __init__(self):
        self.variables = []

    def reset_state(self):
        for variable in self.variables:
            variable.assign(0.0)

    def update(self, value):
        if not self.variables:
            self.variables = [Variable(0.0, name="total"), Variable(0.0, name="count")]
        self.variables[0].assign_add(np.float32(value))
        self.variables[1].assign_add(1.0)

    def result(self):
        return float(self.variables[0]) / max(float(self.variables[1]), 1.0) if self.variables else 0.0


class ToyModel:
    """Linear regression with noise on its inputs from a stream that the model holds."""

    def __init__(self, size=3, use_ema=False):
        self.weight = Variable(np.zeros(size, np.float32), name="weight")
        self.noise = Variable(np.array([7, 0], np.uint32), trainable=False, name="noise")
        self.optimizer = ToyOptimizer(use_ema=use_ema)
        self.metrics = [ToyMetric()]
        self.stop_training = False
        self.saved = []

    variables = property(lambda self: [self.weight, self.noise])
    trainable_variables = property(lambda self: [self.weight])

    def get_weights(self):
        return [self.weight.numpy()]

    def set_weights(self, weights):
        self.weight.assign(weights[0])

    def reset_metrics(self):
        self.metrics[0].reset_state()

    def make_test_function(self):
        return lambda data: self.metrics[0].update(123.0)

    def save(self, path, overwrite):
        self.saved.append(path)

    def save_weights(self, path, overwrite):
        self.saved.append(path)

    def step(self, x, y):
        seed, count = self.noise.numpy().tolist()
        self.noise.assign(np.array([seed, count + 1], np.uint32))
        x = x + np.random.Generator(np.random.Philox(key=[seed, count])).normal(size=x.shape).astype("float32") * 0.1
        error = x @ self.weight.numpy() - y
        self.optimizer.apply(x.T @ error / len(y), self.weight)
        self.metrics[0].update((error**2).mean())

    def fit(self, callbacks, epochs=3, values=None, seed=5, batch_size=4, steps=None, data=None):
        """Training as `Model.fit` does it; `values` replaces the logs of the epochs."""
        x = np.random.Generator(np.random.Philox(1)).normal(size=(24, self.weight.shape[0])).astype("float32")
        source = (x, x.sum(axis=1)) if data is None else (data(), None)
        self._epoch_iterator = EpochIterator(
            *source, batch_size=batch_size, shuffle=data is None, steps_per_epoch=steps
        )
        self._epoch_iterator.shuffle_seed = seed
        self.stop_training = False
        listed = CallbackList(
            callbacks, add_history=True, model=self, epochs=epochs, steps=self._epoch_iterator.num_batches, verbose=0
        )
        listed.on_train_begin()
        for epoch in range(listed.initial_epoch(0), epochs):
            self.reset_metrics()
            listed.on_epoch_begin(epoch)
            for number, (xb, yb) in self._epoch_iterator.epoch(epoch, listed.first_step(epoch)):
                listed.on_train_batch_begin(number)
                self.step(xb.numpy(), yb.numpy())
                listed.on_train_batch_end(number, Logs(lambda: {"loss": self.metrics[0].result()}))
                if self.stop_training:
                    break
            logs = {"loss": self.metrics[0].result()} if values is None else dict(values[epoch])
            listed.on_epoch_end(epoch, logs)
            if self.stop_training:
                break
        listed.on_train_end()
        return next(callback for callback in listed if isinstance(callback, History))


@pytest.fixture
def toy():
    """The class of the small model."""
    return ToyModel
