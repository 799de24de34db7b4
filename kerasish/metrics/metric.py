"""`Metric`: a quantity that is gathered over the batches of an epoch."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from kerasish import config as _config
from kerasish import dtype_policies, initializers, ops, tree
from kerasish.autodiff import Tensor, Variable, auto_name, convert_to_array, name_scope, state
from kerasish.backend import K


def _unrecorded(update_state: Callable[..., Any]) -> Callable[..., Any]:
    """Around `update_state`: no tape records what it does, even inside the one of a training step."""

    @functools.wraps(update_state)
    def wrapper(self: Metric, *args: Any, **kwargs: Any) -> Any:
        before = state.tapes
        state.tapes = ()
        try:
            return update_state(self, *args, **kwargs)
        finally:
            state.tapes = before

    return wrapper


class Metric:
    """The base of all metrics.

    A subclass makes its variables with `add_variable` in `__init__`, adds to them in `update_state`, and
    computes its value from them in `result`. `update_state` runs in each step: it must not read values back
    from the device.

    Args:
        dtype: The dtype, or policy, of the computations; by default the default float.
        name: A name; by default that of the class, numbered.

    >>> from kerasish import ops
    >>> class Largest(Metric):
    ...     def __init__(self, name="largest", **kwargs):
    ...         super().__init__(name=name, **kwargs)
    ...         self.value = self.add_variable((), "zeros", name="value")
    ...     def update_state(self, y_true, y_pred, sample_weight=None):
    ...         self.value.assign(ops.maximum(self.value, ops.max(y_pred)))
    ...     def result(self):
    ...         return self.value
    >>> float(Largest()([0.0], [3.0]))
    3.0
    """

    _direction: ClassVar[str | None] = None
    """"up" where greater is better, "down" where smaller is, None where nobody knows."""

    _variables: list[Variable]
    _metrics: list[Metric]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "update_state" in cls.__dict__:
            cls.update_state = _unrecorded(cls.__dict__["update_state"])  # type: ignore[method-assign]

    def __init__(self, dtype: Any = None, name: str | None = None) -> None:
        object.__setattr__(self, "_variables", [])
        object.__setattr__(self, "_metrics", [])
        self.name = name or auto_name(type(self).__name__)
        self._dtype_policy = dtype_policies.get(dtype or _config.floatx())
        self._dtype: str = self._dtype_policy.compute_dtype

    def __setattr__(self, key: str, value: Any) -> None:
        if isinstance(value, (Variable, Metric, list, tuple, dict)):
            for leaf in tree.flatten(value):
                if isinstance(leaf, Variable):
                    self._track(self._held("_variables"), leaf)
                elif isinstance(leaf, Metric):
                    self._track(self._held("_metrics"), leaf)
        object.__setattr__(self, key, value)

    def _held(self, key: str) -> list[Any]:
        if key not in self.__dict__:
            raise RuntimeError(
                f"In the metric {type(self).__name__}, `super().__init__()` must be called first in `__init__`."
            )
        return self.__dict__[key]

    @staticmethod
    def _track(place: list[Any], item: Any) -> None:
        if not any(held is item for held in place):
            place.append(item)

    @property
    def dtype(self) -> str:
        """The dtype of the computations."""
        return self._dtype

    def add_variable(
        self,
        shape: Any,
        initializer: Any,
        dtype: Any = None,
        aggregation: str | None = "sum",
        name: str | None = None,
    ) -> Variable:
        """A variable of the metric's state.

        Args:
            shape: Its shape.
            initializer: Its first value: an initializer or the name of one.
            dtype: Its dtype; by default the default float.
            aggregation: How replicas are brought together.
            name: Its name.
        """
        self._held("_variables")
        with name_scope(self.name.replace("/", ">")):
            variable = Variable(
                initializers.get(initializer),
                shape=tuple(shape),
                dtype=dtype,
                trainable=False,
                autocast=False,
                aggregation=aggregation,
                name=name,
            )
        self._variables.append(variable)
        return variable

    def add_weight(
        self, shape: Any = (), initializer: Any = None, dtype: Any = None, name: str | None = None
    ) -> Variable:
        """`add_variable` as Keras 2 called it; zeros by default."""
        return self.add_variable(shape, "zeros" if initializer is None else initializer, dtype=dtype, name=name)

    @property
    def variables(self) -> list[Variable]:
        """The state: the metric's own variables, then those of the metrics that it holds."""
        found = list(self._held("_variables"))
        for metric in self._metrics:
            found.extend(metric.variables)
        return found

    def reset_state(self) -> None:
        """Start afresh: all variables become 0."""
        for variable in self.variables:
            variable.assign(ops.zeros(variable.shape, dtype=variable.dtype))

    def update_state(self, *args: Any, **kwargs: Any) -> Any:
        """Take in a batch."""
        raise NotImplementedError(f"The metric {type(self).__name__} needs a method update_state().")

    def result(self) -> Any:
        """The value over all batches since the last reset: a scalar tensor, or a dict of them."""
        raise NotImplementedError(f"The metric {type(self).__name__} needs a method result().")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Take in a batch, and return the value over all so far."""
        self._held("_variables")
        self.update_state(*args, **kwargs)
        return self.result()

    @contextmanager
    def _holding(self, values: Sequence[Any]) -> Iterator[list[Variable]]:
        """The variables with other values for the time being."""
        variables = self.variables
        if len(values) != len(variables):
            raise ValueError(
                f"Expected one value for each of the {len(variables)} variables of the metric {self.name!r}. "
                f"Received: {len(values)} values"
            )
        before = [variable.array for variable in variables]
        try:
            for variable, value in zip(variables, values, strict=True):
                variable.array = K.owned(convert_to_array(value, variable.dtype))
            yield variables
        finally:
            for variable, array in zip(variables, before, strict=True):
                variable.array = array

    def stateless_update_state(self, metric_variables: Sequence[Any], *args: Any, **kwargs: Any) -> list[Tensor]:
        """The state after a batch, from the state before it; the metric's own stays as it is.

        >>> from kerasish.metrics import Mean
        >>> mean = Mean()
        >>> [float(x) for x in mean.stateless_update_state(mean.variables, [1.0, 3.0])]
        [4.0, 2.0]
        """
        with self._holding(metric_variables) as variables:
            self.update_state(*args, **kwargs)
            return [Tensor(variable.array) for variable in variables]

    def stateless_result(self, metric_variables: Sequence[Any]) -> Any:
        """The value that belongs to a state."""
        with self._holding(metric_variables):
            return tree.map_structure(lambda x: Tensor(K.owned(convert_to_array(x))), self.result())

    def stateless_reset_state(self) -> list[Tensor]:
        """The state at the start."""
        with self._holding(self.variables) as variables:
            self.reset_state()
            return [Tensor(variable.array) for variable in variables]

    def get_config(self) -> dict[str, Any]:
        """The arguments to make the metric again, as values of JSON."""
        return {"name": self.name, "dtype": self.dtype}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Metric:
        """The metric of a config."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}>"
