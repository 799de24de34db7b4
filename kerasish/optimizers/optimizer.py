"""`Optimizer`: what all optimizers share. One kernel call updates all variables of a dtype."""

from __future__ import annotations

import re
import warnings
from typing import Any, ClassVar

import numpy as np

from kerasish.autodiff import Tensor, Variable, convert_to_tensor, state
from kerasish.autodiff.host_values import host_action, host_choice, host_value
from kerasish.autodiff.journal import needed, whole
from kerasish.backend import K
from kerasish.optimizers import clipping
from kerasish.optimizers.arena import Arena
from kerasish.optimizers.counting import Counting
from kerasish.optimizers.plan import Plan
from kerasish.optimizers.schedules.learning_rate_schedule import LearningRateSchedule
from kerasish.optimizers.state import whole_build

_MOST_PLANS = 16


class Optimizer(Counting):
    """The base of the optimizers.

    A built-in optimizer names its slots and calls one kernel on flat buffers. An optimizer of your own
    overrides `build(variables)` (its state, with `add_variable_from_reference`) and
    `update_step(gradient, variable, learning_rate)`.

    Args:
        learning_rate: A number, a `LearningRateSchedule`, or a function without arguments.
        weight_decay: Decoupled weight decay: the share of each variable, times the learning rate, that is
            taken off at each step.
        clipnorm: The greatest L2 norm of the gradient of one variable.
        clipvalue: The greatest absolute value of an element of a gradient.
        global_clipnorm: The greatest L2 norm of all gradients together.
        use_ema: Whether moving averages of the variables are kept.
        ema_momentum: The momentum of these averages.
        ema_overwrite_frequency: After how many steps the variables are set to their averages; None: at the
            end of the training.
        loss_scale_factor: A factor on the loss that is taken off the gradients again.
        gradient_accumulation_steps: How many gradients are averaged into one update.
        name: The optimizer's name.

    >>> from kerasish.autodiff import Variable
    >>> class Descent(Optimizer):
    ...     def update_step(self, gradient, variable, learning_rate):
    ...         self.assign_sub(variable, learning_rate * gradient)
    >>> v = Variable([1.0, 2.0])
    >>> Descent(learning_rate=0.5).apply([[1.0, 1.0]], [v])
    >>> v.tolist()
    [0.5, 1.5]
    """

    slot_groups: ClassVar[tuple[tuple[str, ...], ...]] = ()
    """The slots; those of one group are listed variable by variable, group after group."""

    def __init__(
        self,
        learning_rate: Any,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        if kwargs.pop("decay", None):
            warnings.warn(
                "Optimizers have no `decay` any more, and it has no effect: use a learning-rate schedule.", stacklevel=3
            )
        for key in ("jit_compile", "is_legacy_optimizer"):
            kwargs.pop(key, None)
        if kwargs:
            hint = " The learning rate is `learning_rate`." if "lr" in kwargs else ""
            raise ValueError(
                f"Arguments not recognized by the optimizer {type(self).__name__}.{hint} Received: {sorted(kwargs)}"
            )
        if sum(value is not None for value in (clipnorm, clipvalue, global_clipnorm)) > 1:
            raise ValueError(
                "Only one of clipnorm, clipvalue and global_clipnorm can be set. "
                f"Received: {clipnorm=}, {clipvalue=}, {global_clipnorm=}"
            )
        if use_ema and not 0 <= ema_momentum <= 1:
            raise ValueError(f"ema_momentum must lie between 0 and 1. Received: {ema_momentum=}")
        if ema_overwrite_frequency is not None and (
            not isinstance(ema_overwrite_frequency, int) or ema_overwrite_frequency < 1
        ):
            raise ValueError(
                f"ema_overwrite_frequency must be a positive int or None. Received: {ema_overwrite_frequency=}"
            )
        if gradient_accumulation_steps and not gradient_accumulation_steps >= 2:
            raise ValueError(
                f"gradient_accumulation_steps must be at least 2. Received: {gradient_accumulation_steps=}"
            )
        super().__init__(learning_rate, name)
        self.weight_decay = weight_decay
        self.clipnorm = clipnorm
        self.clipvalue = clipvalue
        self.global_clipnorm = global_clipnorm
        self.use_ema = use_ema
        self.ema_momentum = ema_momentum
        self.ema_overwrite_frequency = ema_overwrite_frequency
        self.loss_scale_factor = loss_scale_factor
        self.gradient_accumulation_steps = gradient_accumulation_steps
        self._rate_of_step = 0.0
        self._trainable_variables: list[Variable] = []
        self._averages: list[Any] = []
        self._arenas: list[Arena] = []
        self._excluded_variables: list[Variable] = []
        self._excluded_names: list[str] = []
        self._index()

    def __setstate__(self, held: dict[str, Any]) -> None:
        self.__dict__.update(held)
        self._index()

    def __getstate__(self) -> dict[str, Any]:
        # What is found by the identity of variables is found again in the copy.
        return {key: value for key, value in self.__dict__.items() if key not in ("_positions", "_places", "_plans")}

    def _index(self) -> None:
        """Find the place of each variable."""
        self._positions = {id(v): position for position, v in enumerate(self._trainable_variables)}
        self._places: dict[int, tuple[Arena | None, int]] = {
            id(v): (arena, index) for arena in self._arenas for index, v in enumerate(arena.variables)
        }
        self._plans: dict[tuple[int, ...], Plan] = {}

    # ---------------------------------------------------------------- state

    def gradient_buffers(self) -> list[Any]:
        """The memory beside the variables that all steps use."""
        return [arena.gradient for arena in self._arenas]

    @whole_build
    def build(self, variables: Any) -> None:
        """Make the state for these variables, and bring them together in memory."""
        if self.built:
            return
        variables = list(variables)
        for variable in variables:
            if not isinstance(variable, Variable):
                raise ValueError(
                    f"Expected the optimizer {self.name!r} to be built on variables. Received: {variable!r}"
                )
        groups: dict[Any, list[Variable]] = {}
        for variable in {id(v): v for v in variables}.values():
            if not variable.overwrite_with_gradient:
                groups.setdefault(variable.array.dtype, []).append(variable)
        self._trainable_variables = variables
        self._arenas = [Arena(group) for group in groups.values()]
        self._index()
        if self.use_ema:
            self._averages = self.add_optimizer_variables(variables, "average")
            self._pack("average", self._averages)
        if self.gradient_accumulation_steps:
            # Keras makes one even for a variable that is overwritten with its gradient.
            self._pack(
                "gradient_accumulator",
                [self.add_variable_from_reference(v, "gradient_accumulator") for v in variables],
            )
        for group in self.slot_names():
            starts = [self.slot_initializer(slot) for slot in group]
            for slot, made in zip(group, self.add_optimizer_variables(variables, group, starts), strict=True):
                self._pack(slot, made)
        self.built = True

    def _pack(self, slot: str, made: list[Any]) -> None:
        of = {id(v): s for v, s in zip(self._trainable_variables, made, strict=True)}
        for arena in self._arenas:
            arena.add_slot(slot, [of[id(v)] for v in arena.variables])

    def slot_names(self) -> tuple[tuple[str, ...], ...]:
        """The groups of slots that this optimizer keeps with its settings."""
        return self.slot_groups

    def slot_initializer(self, slot: str) -> Any:
        """What a slot begins with."""
        return "zeros"

    def _get_variable_index(self, variable: Variable) -> int:
        """The place of a variable among those that the optimizer was built with; for optimizers of your own."""
        return self._positions[id(variable)]

    # ---------------------------------------------------------------- steps

    def scale_loss(self, loss: Any) -> Any:
        """The loss times the loss scale."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def apply_gradients(self, grads_and_vars: Any) -> Variable:
        """Make a step with pairs of gradients and variables."""
        pairs = list(grads_and_vars)
        self.apply([grad for grad, _ in pairs], [variable for _, variable in pairs])
        return self._iterations

    def apply(self, grads: Any, trainable_variables: Any = None) -> None:
        """Make a step.

        Args:
            grads: A gradient for each variable; None leaves the variable as it is, with a warning.
            trainable_variables: The variables; by default those that the optimizer was built with.
        """
        grads = list(grads)
        if not grads:
            return
        if trainable_variables is None:
            if not self.built:
                raise ValueError(
                    f"The optimizer {self.name!r} must be built on variables before gradients come without them."
                )
            variables = self._trainable_variables
        else:
            variables = list(trainable_variables)
            if not self.built:
                self.build(variables)
        if not needed():
            self._step(grads, variables, self.loss_scale_factor)
            return
        with whole():
            self._step(grads, variables, self.loss_scale_factor)

    def _step(self, grads: list[Any], variables: list[Variable], scale: Any) -> None:
        tapes, state.tapes = state.tapes, ()
        try:
            plan = self._fill(grads, variables)
            self._make_step(plan, scale)
        finally:
            state.tapes = tapes

    def _make_step(self, plan: Plan, scale: Any) -> None:
        """The update with the gradients that are in the buffers."""
        if scale is not None:
            for stretch in plan.stretches:
                K.scale(stretch.gradient, factor=1.0 / scale)
        if state.journal is not None and state.recorder is None:
            self._note(plan)
        if plan.gradients:
            self._update(plan)
        for variable in plan.updated:
            if variable.constraint is not None:
                variable.assign(variable.constraint(variable))
        self._iterations.advance()

    def _fill(self, grads: list[Any], variables: list[Variable]) -> Plan:
        """Copy the gradients into the gradient buffers."""
        plan = self._plans.get(tuple([id(v) for v in variables])) or self._new_plan(variables)
        if len(grads) != len(variables):
            raise ValueError(
                f"The optimizer {self.name!r} expects a gradient for each variable. "
                f"Received: {len(grads)} gradients for {len(variables)} variables"
            )
        copy_into = K.copy_into
        for grad, (view, shape, variable) in zip(grads, plan.targets, strict=True):
            if grad is None or view is None:
                return self._fill_some(grads, variables)
            array = grad.array if isinstance(grad, Tensor) else convert_to_tensor(grad).array
            if array.shape != shape:
                raise ValueError(
                    f"The gradient of {variable.path!r} must have the shape {shape}. Received: shape={array.shape}"
                )
            copy_into(view, array)
        for arena in plan.arenas:
            arena.hold()
        return plan

    def _fill_some(self, grads: list[Any], variables: list[Variable]) -> Plan:
        """The same, where some have no gradient, or are replaced by it."""
        missing = [v.path for v, grad in zip(variables, grads, strict=True) if grad is None]
        if len(missing) == len(grads):
            raise ValueError(
                f"No gradients came for any variable, so the optimizer {self.name!r} has nothing to do. "
                f"Received: None for all of {missing}"
            )
        if missing:
            warnings.warn(f"Gradients do not exist for the variables {missing}: they stay as they are.", stacklevel=5)
        left: list[tuple[Any, Variable]] = []
        for grad, variable in zip(grads, variables, strict=True):
            if grad is None:
                continue
            if variable.overwrite_with_gradient:
                variable.assign(grad)
            else:
                left.append((grad, variable))
        if not left:
            return Plan([], [])
        return self._fill([grad for grad, _ in left], [variable for _, variable in left])

    def _new_plan(self, variables: list[Variable]) -> Plan:
        for variable in variables:
            if id(variable) not in self._positions:
                raise ValueError(
                    f"The optimizer {self.name!r} does not know the variable "
                    f"{getattr(variable, 'path', variable)!r}: it was built on other variables. Compile the model "
                    "again (or make a new optimizer) after variables were added or unfrozen."
                )
        if len(self._plans) >= _MOST_PLANS:
            self._plans.clear()
        undecayed = {id(v) for v in variables if not self._use_weight_decay(v)}
        plan = Plan(variables, [self._places.get(id(v), (None, -1)) for v in variables], undecayed)
        self._plans[plan.key] = plan
        return plan

    def _update(self, plan: Plan) -> None:
        sums = [s.slots["gradient_accumulator"] for s in plan.stretches] if self.gradient_accumulation_steps else []
        if sums and not host_choice(self._update_is_due):
            for stretch, total in zip(plan.stretches, sums, strict=True):
                K.accumulate(total, stretch.gradient)
        else:
            # Whatever takes memory comes before the first change of the state: memory can end.
            zeros = self._average_gradients(plan, sums)
            self._clip(plan)
            if state.recorder is None:
                rate = self._current_learning_rate()
                decay = None if self.weight_decay is None else self.weight_decay * rate
            else:
                rate, decay = self._recorded_rate()
            if decay is not None:
                for buffer in plan.decayed:
                    K.weight_decay_update(buffer, rate=decay)
            self.begin_update()
            if type(self).update_step is Optimizer.update_step:
                for param, gradient, slots in plan.stretches:
                    self.update(param, gradient, slots, rate)
            else:
                given = self.learning_rate
                # Copies: an update may keep the gradient, and the buffer is used again in the next step.
                for variable, view in zip(plan.updated, [K.owned(view) for view in plan.gradients], strict=True):
                    self.update_step(Tensor(view), variable, given)
            for total, zero in zip(sums, zeros, strict=True):
                K.copy_into(total, zero)
        if self.use_ema:
            self._average()

    def _note(self, plan: Plan) -> None:
        """Before an update: keep what it changes, where it takes memory after its first change and may fail there."""
        journal = state.journal
        own = type(self).update_step is not Optimizer.update_step
        if journal is not None and (own or any(variable.constraint is not None for variable in plan.updated)):
            for arena in self._arenas:
                journal.keep(arena.buffer, arena.variables)
                for name, buffer in arena.slots.items():
                    journal.keep(buffer, arena.slot_variables[name])

    def _recorded_rate(self) -> tuple[Any, Any]:
        """In a recorded step: the learning rate and the share that weight decay takes, which follow the host."""

        def take() -> None:
            # Once a step: a function may give another learning rate each time it is called.
            self._rate_of_step = self._current_learning_rate()

        def share() -> float:
            assert self.weight_decay is not None
            return self.weight_decay * self._rate_of_step

        host_action(take)
        rate = host_value(lambda: self._rate_of_step, "float64")
        return rate, None if self.weight_decay is None else host_value(share, "float64")

    def begin_update(self) -> None:
        """Called once before the kernels of an update."""

    def update(self, param: Any, grad: Any, slots: dict[str, Any], learning_rate: float) -> None:
        """Update a stretch of the flat buffers in place; written by the built-in optimizers."""
        raise NotImplementedError(f"The optimizer {type(self).__name__} has neither `update` nor `update_step`.")

    def update_step(self, gradient: Any, variable: Variable, learning_rate: Any) -> None:
        """Update one variable; written by optimizers of your own.

        Args:
            gradient: Its gradient.
            variable: The variable, to be changed with `assign`, `assign_add` or `assign_sub`.
            learning_rate: The learning rate.
        """
        arena, index = self._places[id(variable)]
        assert arena is not None
        K.copy_into(arena.gradient_views[index], convert_to_tensor(gradient).array)
        start, stop = arena.spans[index]
        slots = {name: buffer[start:stop] for name, buffer in arena.slots.items()}
        rate = float(learning_rate) if state.recorder is None else convert_to_tensor(learning_rate).array
        self.update(arena.buffer[start:stop], arena.gradient[start:stop], slots, rate)

    def _average_gradients(self, plan: Plan, sums: list[Any]) -> list[Any]:
        """Put the means of the accumulated gradients into the gradient buffers; a zero for each sum."""
        for stretch, total in zip(plan.stretches, sums, strict=bool(sums)):
            K.accumulate(stretch.gradient, total)
            K.scale(stretch.gradient, factor=1.0 / (self.gradient_accumulation_steps or 1))
        return [K.zeros((), dtype=total.dtype) for total in sums]

    def _clip(self, plan: Plan) -> None:
        if self.clipnorm is not None and self.clipnorm > 0:
            clipping.clip_norms(plan.flat_gradients, self.clipnorm)
        elif self.global_clipnorm is not None and self.global_clipnorm > 0:
            clipping.clip_global_norm([stretch.gradient for stretch in plan.stretches], self.global_clipnorm)
        elif self.clipvalue is not None and self.clipvalue > 0:
            clipping.clip_values([stretch.gradient for stretch in plan.stretches], self.clipvalue)

    def exclude_from_weight_decay(self, var_list: Any = None, var_names: Any = None) -> None:
        """Leave variables out of the weight decay; called before the optimizer is built.

        Args:
            var_list: The variables.
            var_names: Regular expressions: variables in whose name one of them is found are left out.
        """
        if self.built:
            raise ValueError(f"`exclude_from_weight_decay` must be called before the optimizer {self.name!r} is built.")
        self._excluded_variables = [*(var_list or [])]
        self._excluded_names = [*(var_names or [])]

    def _use_weight_decay(self, variable: Variable) -> bool:
        return not any(variable is other for other in self._excluded_variables) and not any(
            re.search(pattern, variable.name) for pattern in self._excluded_names
        )

    def _average(self) -> None:
        recorder = state.recorder
        if recorder is not None and recorder.leads(self._iterations):
            momentum = K.cast(self._updates_on_device() > 0, dtype=np.float64) * self.ema_momentum
        else:
            momentum = host_value(lambda: self.ema_momentum if self._updates() else 0.0, "float64")
        overwrite = host_choice(self._overwrite_is_due)
        for arena in self._arenas:
            average = arena.slots["average"]
            K.ema_update(average, arena.buffer, momentum=momentum)
            if overwrite:
                K.copy_into(arena.buffer, average)

    def finalize_variable_values(self, var_list: Any) -> None:
        """Set the variables to their moving averages at the end of a training, where these are kept."""
        if self.use_ema and self._iterations.host:
            for variable in var_list:
                position = self._positions.get(id(variable))
                if position is not None and self._averages[position] is not None:
                    variable.assign(self._averages[position])

    # ---------------------------------------------------------------- configs

    def get_config(self) -> dict[str, Any]:
        """The arguments to make the optimizer again, as values of JSON."""
        from kerasish.optimizers.schedules import serialize as serialize_schedule

        rate: Any = self._learning_rate
        if isinstance(rate, Variable):
            rate = float(rate)
        elif isinstance(rate, LearningRateSchedule):
            rate = serialize_schedule(rate)
        else:
            # What Keras writes for a function, which has no config.
            rate = 0.5
        return {
            "name": self.name,
            "learning_rate": rate,
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "global_clipnorm": self.global_clipnorm,
            "clipvalue": self.clipvalue,
            "use_ema": self.use_ema,
            "ema_momentum": self.ema_momentum,
            "ema_overwrite_frequency": self.ema_overwrite_frequency,
            "loss_scale_factor": self.loss_scale_factor,
            "gradient_accumulation_steps": self.gradient_accumulation_steps,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """The optimizer of a config."""
        from kerasish.optimizers.schedules import deserialize as deserialize_schedule

        config = dict(config)
        if isinstance(config.get("learning_rate"), dict):
            config["learning_rate"] = deserialize_schedule(config["learning_rate"], custom_objects=custom_objects)
        return cls(**config)
