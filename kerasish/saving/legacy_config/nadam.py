"""Nadam as Keras 1, 2 and tf.keras up to 2.10 had it: its momentum grows more slowly than today's."""

from __future__ import annotations

import math
from typing import Any

from kerasish.optimizers.nadam import Nadam
from kerasish.saving.object_registration import register_keras_serializable


@register_keras_serializable("kerasish", name="NadamOfKeras2")
class NadamOfKeras2(Nadam):
    """Nadam with `u_t = beta_1 * (1 - 0.5 * 0.96^(schedule_decay * t))`.

    With `m` and `v` the means of the gradients and of their squares, and `U_t` the product of the `u` up to `t`:
    `w -= learning_rate * ((1 - u_t) g / (1 - U_t) + u_{t+1} m / (1 - U_{t+1})) / (sqrt(v / (1 - beta_2^t)) + epsilon)`.

    Args:
        schedule_decay: How fast the momentum grows.
        **kwargs: The arguments of `Nadam`.

    >>> NadamOfKeras2(0.1).schedule_decay
    0.004
    """

    def __init__(self, learning_rate: Any = 0.002, schedule_decay: float = 0.004, **kwargs: Any) -> None:
        super().__init__(learning_rate=learning_rate, **kwargs)
        self.schedule_decay = schedule_decay

    def _momentum_at(self, step: Any) -> Any:
        return self.beta_1 * (1.0 - 0.5 * 0.96 ** (step * self.schedule_decay))

    def product_until(self, step: int) -> float:
        """The product of the momenta of the steps up to this one."""
        # The product is zero in float32 long before this many steps.
        return math.prod(self._momentum_at(t) for t in range(1, min(step, 100_000) + 1))

    def update(self, param: Any, grad: Any, slots: dict[str, Any], learning_rate: Any) -> None:
        """The update of a stretch of the buffers, in place."""
        step, mean, square = self.step_number(), slots["momentum"], slots["velocity"]
        now, following, product = self._momentum_at(step), self._momentum_at(step + 1), self._u_product.number()
        mean += (1.0 - self.beta_1) * (grad - mean)
        square += (1.0 - self.beta_2) * (grad * grad - square)
        ahead = (1.0 - now) / (1.0 - product) * grad + following / (1.0 - product * following) * mean
        scale = (square / (1.0 - self.beta_2**step)) ** 0.5 + self.epsilon
        param -= learning_rate * ahead / scale

    def get_config(self) -> dict[str, Any]:
        """The arguments to make it again."""
        return {**super().get_config(), "schedule_decay": self.schedule_decay}
