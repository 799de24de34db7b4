"""`LossScaleOptimizer`: keeps half-precision gradients from vanishing."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.autodiff import Tensor, Variable, name_scope
from kerasish.backend import K
from kerasish.optimizers.optimizer import Optimizer


class LossScaleOptimizer(Optimizer):
    """Scales the loss up before the gradients are taken, and the gradients down before they are applied.

    The scale doubles after `dynamic_growth_steps` steps with finite gradients; it halves, and the step is left
    out, when a gradient is not finite.

    Args:
        inner_optimizer: The optimizer that makes the steps.
        initial_scale: The scale to begin with.
        dynamic_growth_steps: After how many good steps the scale doubles.
        name: The optimizer's name.

    >>> from kerasish.optimizers import SGD
    >>> float(LossScaleOptimizer(SGD()).scale_loss(1.0))
    32768.0
    """

    def __init__(
        self,
        inner_optimizer: Optimizer,
        initial_scale: float = 2.0**15,
        dynamic_growth_steps: int = 2000,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if not isinstance(inner_optimizer, Optimizer) or isinstance(inner_optimizer, LossScaleOptimizer):
            raise ValueError(f"Expected inner_optimizer to be another optimizer. Received: {inner_optimizer!r}")
        super().__init__(learning_rate=0.0, name=name, **kwargs)
        self.inner_optimizer = inner_optimizer
        self.initial_scale = initial_scale
        self.dynamic_growth_steps = dynamic_growth_steps
        with name_scope(self.name):
            self.step_counter = Variable(np.int64(0), dtype="int64", trainable=False, name="step_counter")
            self.dynamic_scale = Variable(float(initial_scale), trainable=False, name="dynamic_scale")
        self._variables += [self.step_counter, self.dynamic_scale]

    def build(self, variables: Any) -> None:
        """Make the inner optimizer's state."""
        if not self.built:
            self._trainable_variables = list(variables)
            self.inner_optimizer.build(self._trainable_variables)
            self.built = True

    @property
    def variables(self) -> list[Variable]:
        """The state of this optimizer and of the inner one."""
        return [*self._variables, *self.inner_optimizer.variables]

    @property
    def learning_rate(self) -> Any:
        """The inner optimizer's learning rate."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self.inner_optimizer.learning_rate = value

    def set_weights(self, weights: Any) -> None:
        """Set the state of both optimizers; all is checked before any is set."""
        weights = list(weights)
        own = len(self._variables)
        if len(weights) != len(self.variables):
            raise ValueError(
                f"The optimizer {self.name!r} has {len(self.variables)} variables. Received: {len(weights)} arrays"
            )
        self.inner_optimizer.set_weights(weights[own:])
        for variable, value in zip(self._variables, weights[:own], strict=True):
            variable.assign(value)

    def scale_loss(self, loss: Any) -> Any:
        """The loss times the scale."""
        return loss * self.dynamic_scale

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """Make a step if all gradients are finite, else lower the scale."""
        grads = list(grads)
        variables = self._trainable_variables if trainable_variables is None else list(trainable_variables)
        if not self.built:
            self.build(variables)
        scale = float(self.dynamic_scale.array)
        finite = all(np.isfinite(float(K.sum_squares(g.array))) for g in grads if g is not None)
        if finite:
            self.inner_optimizer.apply([None if g is None else Tensor(g.array / scale) for g in grads], variables)
            count = int(self.step_counter.array) + 1
            if count >= self.dynamic_growth_steps:
                self.dynamic_scale.assign(scale * 2.0)
                count = 0
            self.step_counter.assign(np.int64(count))
        else:
            self.dynamic_scale.assign(scale / 2.0)
            self.step_counter.assign(np.int64(0))
        K.accumulate(self._iterations.array.reshape(1), self._one)

    def finalize_variable_values(self, var_list: Any) -> None:
        """Let the inner optimizer finish."""
        self.inner_optimizer.finalize_variable_values(var_list)

    def get_config(self) -> dict[str, Any]:
        from kerasish.optimizers import serialize

        return {
            "name": self.name,
            "inner_optimizer": serialize(self.inner_optimizer),
            "initial_scale": self.initial_scale,
            "dynamic_growth_steps": self.dynamic_growth_steps,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        from kerasish.optimizers import deserialize

        config = dict(config)
        config["inner_optimizer"] = deserialize(config["inner_optimizer"], custom_objects=custom_objects)
        return cls(**config)
