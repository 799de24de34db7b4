"""`OptimizerState`: the variables of an optimizer, and its learning rate."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish import initializers
from kerasish.autodiff import Tensor, Variable, auto_name, convert_to_tensor, name_scope, state
from kerasish.autodiff.host_values import host_value
from kerasish.optimizers.host_scalar import HostScalar
from kerasish.optimizers.schedules.learning_rate_schedule import LearningRateSchedule


def whole_build(build: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
    """Around `build(self, variables)`: an optimizer whose build fails is as it was, and can be built again."""

    @functools.wraps(build)
    def wrapper(self: Any, variables: Any) -> None:
        held, made = dict(self.__dict__), list(self._variables)
        try:
            build(self, variables)
        except BaseException:
            self.__dict__.clear()
            self.__dict__.update(held)
            self._variables[:] = made
            raise

    return wrapper


class OptimizerState:
    """What an optimizer keeps: the step, the learning rate, and the slots.

    Args:
        learning_rate: A number, a `LearningRateSchedule`, or a function without arguments.
        name: The optimizer's name.
    """

    _variables: list[Variable]

    def __init__(self, learning_rate: Any, name: str | None = None) -> None:
        if name is not None and not isinstance(name, str):
            raise ValueError(f"Expected the name of an optimizer to be a string. Received: name={name!r}")
        # Without tracking: the slots of `_variables` come in the order of files.
        self.__dict__["_variables"] = []
        self.name = name or auto_name(type(self).__name__)
        self.built = False
        with name_scope(self.name):
            self._iterations = HostScalar(np.int64(0), dtype="int64", name="iteration")
            if not isinstance(learning_rate, LearningRateSchedule) and not callable(learning_rate):
                if not isinstance(learning_rate, (int, float, np.number)) or isinstance(learning_rate, bool):
                    raise ValueError(
                        "Expected learning_rate to be a number, a LearningRateSchedule or a function. "
                        f"Received: learning_rate={learning_rate!r}"
                    )
                learning_rate = HostScalar(float(learning_rate), name="learning_rate")
            self._learning_rate: Any = learning_rate

    def __setattr__(self, name: str, value: Any) -> None:
        if isinstance(value, Variable):
            if "_variables" not in self.__dict__:
                raise RuntimeError(
                    f"In the optimizer {type(self).__name__}, `super().__init__()` must be called first in `__init__`."
                )
            self._track(value)
        object.__setattr__(self, name, value)

    def _track(self, variable: Variable) -> None:
        if not any(variable is other for other in self._variables):
            self._variables.append(variable)

    @property
    def iterations(self) -> Any:
        """How many updates were made."""
        return self._iterations

    @property
    def variables(self) -> list[Variable]:
        """The state: the step, the learning rate, and the slots, in the order of Keras's files."""
        return list(self._variables)

    @property
    def learning_rate(self) -> Any:
        """The learning rate: a variable, or the value of the schedule at this step. It can be set."""
        if isinstance(self._learning_rate, Variable):
            return self._learning_rate
        return convert_to_tensor(host_value(self._current_learning_rate, "float32"), dtype="float32")

    @learning_rate.setter
    def learning_rate(self, value: Any) -> None:
        if isinstance(value, LearningRateSchedule) or (callable(value) and not isinstance(value, Tensor)):
            if isinstance(self._learning_rate, Variable):
                self.__dict__["_variables"] = [v for v in self._variables if v is not self._learning_rate]
            self._learning_rate = value
            return
        if not isinstance(self._learning_rate, Variable):
            raise TypeError(
                "This optimizer was made with a learning-rate schedule, so its learning rate cannot be set to a "
                f"number. Received: learning_rate={value!r}"
            )
        self._learning_rate.assign(value)

    def _current_learning_rate(self) -> float:
        rate = self._learning_rate
        if type(rate) is HostScalar:
            return rate.host
        if isinstance(rate, LearningRateSchedule):
            rate = rate(self._iterations)
            return rate if type(rate) is float else float(convert_to_tensor(rate))
        return float(rate())

    def add_variable(
        self,
        shape: Any,
        initializer: Any = "zeros",
        dtype: Any = None,
        aggregation: str = "none",
        layout: Any = None,
        name: str | None = None,
    ) -> Variable:
        """Make a variable of the optimizer's state.

        Args:
            shape: Its shape.
            initializer: An initializer or its name.
            dtype: Its dtype.
            aggregation: How replicas of it are brought together.
            layout: Accepted for Keras's signature.
            name: Its name.
        """
        before = state.names
        if not before or before[-1] != self.name:
            state.names = (*before, self.name)
        try:
            variable = Variable(
                initializers.get(initializer),
                shape=shape,
                dtype=dtype,
                trainable=False,
                aggregation=aggregation,
                name=name,
            )
        finally:
            state.names = before
        self._track(variable)
        return variable

    def add_variable_from_reference(
        self, reference_variable: Any, name: str | None = None, initializer: Any = "zeros"
    ) -> Variable:
        """Make a variable of the state with the shape and dtype of a model's variable."""
        origin = getattr(reference_variable, "path", None) or str(reference_variable.name).replace(":", "_")
        return self.add_variable(
            reference_variable.shape,
            initializer=initializer,
            dtype=reference_variable.dtype,
            name=f"{origin.replace('/', '_')}_{name or 'var'}",
        )

    def add_optimizer_variables(self, trainable_variables: Any, name: Any, initializer: Any = "zeros") -> Any:
        """One such variable for each variable of the model; for several names, a tuple of lists.

        Variables that are overwritten with their gradient have none: the lists hold None for them.
        """
        names = [name] if isinstance(name, str) else list(name)
        starts = list(initializer) if isinstance(initializer, (list, tuple)) else [initializer] * len(names)
        if len(starts) != len(names):
            raise ValueError(f"Expected one initializer for each name. Received: {name=}, {initializer=}")
        made: tuple[list[Any], ...] = tuple([] for _ in names)
        for variable in trainable_variables:
            for held, one, start in zip(made, names, starts, strict=True):
                replaced = getattr(variable, "overwrite_with_gradient", False)
                held.append(None if replaced else self.add_variable_from_reference(variable, one, start))
        return made[0] if isinstance(name, str) else made

    def assign(self, variable: Variable, value: Any) -> None:
        """Set a variable."""
        variable.assign(value)

    def assign_add(self, variable: Variable, value: Any) -> None:
        """Add to a variable."""
        variable.assign_add(value)

    def assign_sub(self, variable: Variable, value: Any) -> None:
        """Subtract from a variable."""
        variable.assign_sub(value)

    def set_weights(self, weights: Any) -> None:
        """Set the state from arrays in the order of `variables`; all are checked before any is set."""
        variables = self.variables
        if not self.built:
            raise ValueError(f"The optimizer {self.name!r} must be built before its state is set.")
        weights = list(weights)
        if len(weights) != len(variables):
            raise ValueError(
                f"The optimizer {self.name!r} has {len(variables)} variables. Received: {len(weights)} arrays"
            )
        for variable, value in zip(variables, weights, strict=True):
            if tuple(np.shape(value)) != variable.shape:
                raise ValueError(
                    f"The variable {variable.path!r} of the optimizer {self.name!r} has the shape {variable.shape}. "
                    f"Received: shape={tuple(np.shape(value))}"
                )
        for variable, value in zip(variables, weights, strict=True):
            variable.assign(value)

    def get_weights(self) -> list[Any]:
        """Copies of the state as NumPy arrays, in the order of `variables`."""
        return [variable.numpy() for variable in self.variables]

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Put the state into a dict, under "0", "1", …"""
        for index, variable in enumerate(self.variables):
            store[str(index)] = variable.numpy()

    def load_own_variables(self, store: dict[str, Any]) -> None:
        """Take the state from such a dict; with a warning, nothing is taken from one of another length."""
        count = len(self.variables)
        if len(store) != count:
            warnings.warn(
                f"The state of the optimizer {self.name!r} is not loaded: it has {count} variables, but "
                f"{len(store)} came" + ("." if self.built else ". It is not built yet."),
                stacklevel=2,
            )
            return
        values = [np.asarray(store[str(index)]) for index in range(count)]
        for variable, value in zip(self.variables, values, strict=True):
            if value.shape != variable.shape:
                raise ValueError(
                    f"The variable {variable.path!r} of the optimizer {self.name!r} has the shape {variable.shape}. "
                    f"Received: shape={value.shape}"
                )
        for variable, value in zip(self.variables, values, strict=True):
            variable.assign(value)
