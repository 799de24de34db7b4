"""`LossScaleOptimizer`: keeps half-precision gradients from vanishing."""

from __future__ import annotations

from typing import Any

import numpy as np

from kerasish.autodiff import Tensor, Variable, convert_to_tensor, name_scope, state
from kerasish.autodiff.host_values import raw
from kerasish.backend import K
from kerasish.optimizers.host_scalar import HostScalar
from kerasish.optimizers.optimizer import Optimizer
from kerasish.optimizers.plan import Plan
from kerasish.optimizers.state import whole_build

_SETTINGS_OF_INNER = {
    "weight_decay": None,
    "clipnorm": None,
    "global_clipnorm": None,
    "clipvalue": None,
    "use_ema": False,
    "ema_momentum": 0.99,
    "ema_overwrite_frequency": None,
    "loss_scale_factor": None,
    "gradient_accumulation_steps": None,
}


class LossScaleOptimizer(Optimizer):
    """Scales the loss up before the gradients are taken, and the gradients down before they are applied.

    The scale doubles after `dynamic_growth_steps` steps with finite gradients; it halves, and the step is left
    out, when a gradient is not finite. On a GPU the device alone knows which steps are left out: an inner optimizer
    with a learning-rate schedule, accumulated gradients or overwriting averages, which depend on the number of the
    step, then waits for it in each step.

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
        if not initial_scale > 0:
            raise ValueError(f"Expected initial_scale to be above 0. Received: {initial_scale=}")
        # Files of older versions hold these settings, without a meaning, at their defaults.
        for key, default in _SETTINGS_OF_INNER.items():
            value = kwargs.pop(key, default)
            if value != default:
                raise ValueError(
                    f"LossScaleOptimizer takes no {key}: give it to inner_optimizer. Received: {key}={value!r}"
                )
        super().__init__(learning_rate=0.0, name=name, **kwargs)
        self.inner_optimizer = inner_optimizer
        self.initial_scale = initial_scale
        self.dynamic_growth_steps = dynamic_growth_steps
        # The gradients are scaled once.
        inner_optimizer.loss_scale_factor = None

    @whole_build
    def build(self, variables: Any) -> None:
        """Make the state: the scale, how long it has been good, and the inner optimizer's state."""
        if self.built:
            return
        variables = list(variables)
        self.step_counter = self._scalar(0, "int64", "step_counter")
        self.dynamic_scale = self._scalar(float(self.initial_scale), "float32", "dynamic_scale")
        self.inner_optimizer.build(variables)
        self._trainable_variables = variables
        self._index()
        self.built = True

    def _scalar(self, value: Any, dtype: str, name: str) -> HostScalar:
        with name_scope(self.name):
            return HostScalar(np.asarray(value, dtype), dtype=dtype, name=name)

    @property
    def variables(self) -> list[Variable]:
        """The state of this optimizer and of the inner one."""
        return [*self._variables, *self.inner_optimizer.variables]

    @property
    def iterations(self) -> Any:
        """How many updates the inner optimizer made."""
        return self.inner_optimizer.iterations

    @property
    def learning_rate(self) -> Any:
        """The inner optimizer's learning rate."""
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        self.inner_optimizer.learning_rate = value

    def scale_loss(self, loss: Any) -> Any:
        """The loss times the scale."""
        if self.built and state.recorder is not None:
            self.dynamic_scale.lead_on_device()
        return loss * (self.dynamic_scale if self.built else self.initial_scale)

    def has_step_phases(self) -> bool:
        """Whether those of the inner optimizer differ."""
        return self.inner_optimizer.has_step_phases()

    def gradient_buffers(self) -> list[Any]:
        """Those of the inner optimizer."""
        return self.inner_optimizer.gradient_buffers()

    def step_phase(self) -> tuple[bool, bool]:
        """That of the inner optimizer."""
        return self.inner_optimizer.step_phase()

    def _step(self, grads: list[Any], variables: list[Variable], scale: Any) -> None:
        if state.recorder is not None:
            self._step_on_device(grads, variables)
            return
        inner, factor = self.inner_optimizer, self.dynamic_scale.host
        own = type(inner).apply is not Optimizer.apply
        tapes, state.tapes = state.tapes, ()
        try:
            if own:
                arrays = [None if g is None else convert_to_tensor(g).array for g in grads]
                finite = _all_finite([array for array in arrays if array is not None])
            else:
                plan: Plan = inner._fill(grads, variables)
                finite = _all_finite([stretch.gradient for stretch in plan.stretches])
            if not finite:
                self.dynamic_scale.assign(factor / 2.0)
                self.step_counter.assign(0)
                return
            if own:
                inner.apply([None if a is None else Tensor(a / factor) for a in arrays], variables)
            else:
                inner._make_step(plan, factor)
            if self.step_counter.host >= self.dynamic_growth_steps - 1:
                self.dynamic_scale.assign(factor * 2.0)
                self.step_counter.assign(0)
            else:
                self.step_counter.advance()
        finally:
            state.tapes = tapes

    def _step_on_device(self, grads: list[Any], variables: list[Variable]) -> None:
        """The same step without a decision of the host: what a step that is left out changed is put back."""
        inner, scale, counter = self.inner_optimizer, self.dynamic_scale, self.step_counter
        own = type(inner).apply is not Optimizer.apply
        tapes, state.tapes = state.tapes, ()
        try:
            for scalar in (scale, counter, *self._counters()):
                scalar.lead_on_device()
            # As a Python number would be: the reciprocal is taken in double precision.
            factor = K.cast(scale.number(), dtype=np.float64)
            if own:
                arrays = [None if g is None else convert_to_tensor(g).array for g in grads]
                finite = _finite_on_device([array for array in arrays if array is not None])
            else:
                plan: Plan = inner._fill(grads, variables)
                finite = _finite_on_device([stretch.gradient for stretch in plan.stretches])
            guarded = self._guarded(variables)
            before = [K.owned(array) for array in guarded]
            if own:
                divided = [None if a is None else Tensor(K.cast(a / factor, dtype=a.dtype)) for a in arrays]
                inner.apply(divided, variables)
            else:
                inner._make_step(plan, factor)
            for array, old in zip(guarded, before, strict=True):
                K.copy_into(array, K.where(finite, array, old))
            self._rescale(finite)
        finally:
            state.tapes = tapes

    def _counters(self) -> list[HostScalar]:
        """The numbers of the inner optimizer that a step which is left out must not change."""
        rate = self.inner_optimizer._learning_rate
        return [v for v in self.inner_optimizer.variables if isinstance(v, HostScalar) and v is not rate]

    def _guarded(self, variables: list[Variable]) -> list[Any]:
        """What a step changes: whole buffers where variables lie in those."""
        inner = self.inner_optimizer
        buffers = [buffer for arena in inner._arenas for buffer in (arena.buffer, *arena.slots.values())]
        packed = {
            id(v)
            for arena in inner._arenas
            for members in (arena.variables, *arena.slot_variables.values())
            for v in members
        }
        others = {id(v): v for v in (*variables, *inner.variables) if id(v) not in packed}
        rate = inner._learning_rate
        return [*buffers, *[raw(v) for v in others.values() if v is not rate]]

    def _rescale(self, finite: Any) -> None:
        scale, counter = self.dynamic_scale, self.step_counter
        now, steps = raw(scale), raw(counter)
        grows = steps >= self.dynamic_growth_steps - 1
        later = K.where(finite, K.where(grows, now * 2.0, now), now / 2.0)
        K.copy_into(steps, K.where(K.logical_and(finite, K.logical_not(grows)), steps + 1, steps * 0))
        K.copy_into(now, later)
        scale.forget_host()
        counter.forget_host()

    def finalize_variable_values(self, var_list: Any) -> None:
        """Let the inner optimizer finish."""
        self.inner_optimizer.finalize_variable_values(var_list)

    def exclude_from_weight_decay(self, var_list: Any = None, var_names: Any = None) -> None:
        """Leave variables out of the inner optimizer's weight decay."""
        self.inner_optimizer.exclude_from_weight_decay(var_list, var_names)

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


def _finite_on_device(buffers: list[Any]) -> Any:
    finite = K.all(K.isfinite(buffers[0]))
    for buffer in buffers[1:]:
        finite = K.logical_and(finite, K.all(K.isfinite(buffer)))
    return finite


def _all_finite(buffers: list[Any]) -> bool:
    return all(bool(K.all(K.isfinite(buffer))) for buffer in buffers)
