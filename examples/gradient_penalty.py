"""A training step of one's own, with a tape inside a tape: the norm of a gradient as a penalty.

python examples/gradient_penalty.py
"""

import numpy as np

import kerasish
from kerasish import GradientTape, layers, ops


class Smooth(kerasish.Model):
    """A regression whose slope is held near one."""

    def __init__(self):
        super().__init__()
        self.hidden = layers.Dense(32, activation="tanh")
        self.head = layers.Dense(1)

    def call(self, inputs):
        return self.head(self.hidden(inputs))

    def train_step(self, data):
        x, y = data
        with GradientTape() as outer:
            with GradientTape() as inner:
                inner.watch(x)
                prediction = self(x, training=True)
            slope = inner.gradient(prediction, x)
            norm = ops.sqrt(ops.sum(ops.square(slope), axis=-1) + 1e-12)
            penalty = ops.mean(ops.square(norm - 1.0))
            loss = self.compute_loss(y=y, y_pred=prediction) + 0.1 * penalty
        variables = self.trainable_variables
        self.optimizer.apply(outer.gradient(loss, variables), variables)
        return {"loss": loss, "penalty": penalty}


kerasish.utils.set_random_seed(0)
x = np.linspace(-2, 2, 256, dtype="float32")[:, None]
model = Smooth()
model.compile(kerasish.optimizers.Adam(0.01), "mse")
history = model.fit(x, np.abs(x), epochs=60, batch_size=32, verbose=0)
first, last = (history.history["penalty"][i] for i in (0, -1))
print(f"penalty from {first:.3f} to {last:.3f}, loss {history.history['loss'][-1]:.3f}")
print("smoother:", last < first)
