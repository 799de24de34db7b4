"""`Variable`: a named tensor whose value can be assigned."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

from kerasish.autodiff.host_values import frozen_changed
from kerasish.autodiff.naming import auto_name
from kerasish.autodiff.primitive import leaf_node
from kerasish.autodiff.state import current_path, no_recording, state
from kerasish.autodiff.tensor import Tensor, convert_to_array
from kerasish.backend import K
from kerasish.backend.dtypes import FLOATS, standardize_dtype

_AGGREGATIONS = (None, "none", "mean", "sum", "only_first_replica")
_unique = itertools.count()


class Variable(Tensor):
    """A tensor with a name and a value that can be assigned in place.

    Args:
        initializer: The first value, or a function `(shape, dtype) -> tensor`.
        shape: The shape, needed with a function.
        dtype: The dtype; that of the value, or the default float.
        trainable: Whether tapes watch it and optimizers change it.
        autocast: Whether a mixed-precision layer uses it in its compute dtype.
        aggregation: How replicas of it are brought together: "none", "mean", "sum", "only_first_replica".
        name: Its name; its `path` has the names of the enclosing scopes before it.

    >>> v = Variable([1.0, 2.0], name="v")
    >>> _ = v.assign_add([1.0, 1.0])
    >>> v.numpy().tolist()
    [2.0, 3.0]
    """

    __slots__ = (
        "_initializer",
        "_layer_trainable",
        "_trainable",
        "aggregation",
        "autocast",
        "constraint",
        "name",
        "overwrite_with_gradient",
        "path",
        "regularizer",
        "unique_id",
    )

    def __init__(
        self,
        initializer: Any,
        shape: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        aggregation: str | None = "none",
        name: str | None = None,
    ) -> None:
        name = name or auto_name("variable")
        if not isinstance(name, str) or "/" in name:
            raise ValueError(f"Expected a variable's name to be a string without '/'. Received: name={name!r}")
        if aggregation not in _AGGREGATIONS:
            raise ValueError(f"aggregation must be one of {_AGGREGATIONS}. Received: aggregation={aggregation!r}")
        if state.recorder is not None:
            state.recorder.refuse(f"the variable {name!r} is made in the step")
        self._initializer: Callable[..., Any] | None = None
        if callable(initializer) and not isinstance(initializer, Tensor):
            if shape is None:
                raise ValueError(
                    "A variable made with an initializer function needs a shape. "
                    f"Received: initializer={initializer!r}, shape=None, name={name!r}"
                )
            self._initializer = initializer
            if state.variable_budget is not None:
                _spend_budget(shape, name)
            dtype = standardize_dtype(dtype)
            was_abstract, was_special = state.abstract, state.special
            state.abstract, state.special = False, state.autocast is not None or state.recorder is not None
            try:
                with no_recording():
                    array = convert_to_array(initializer(tuple(shape), dtype=dtype), dtype)
            finally:
                state.abstract, state.special = was_abstract, was_special
            if tuple(array.shape) != tuple(shape):
                raise ValueError(
                    f"The initializer of the variable {name!r} gave another shape than was asked for: expected "
                    f"{tuple(shape)}. Received: {tuple(array.shape)}"
                )
        else:
            array = convert_to_array(initializer, dtype)
        super().__init__(K.owned(array))
        path = current_path()
        self.name = name
        self.path = f"{path}/{name}" if path else name
        self.autocast = bool(autocast)
        self.aggregation = aggregation
        self.regularizer: Any = None
        self.constraint: Any = None
        self.overwrite_with_gradient = False
        self.unique_id = next(_unique)
        self._layer_trainable = True
        self._trainable = bool(trainable)
        self._update_node()

    def _update_node(self) -> None:
        watched = self._trainable and self._layer_trainable and self.dtype in FLOATS
        if watched != (self.node is not None):
            self.node = leaf_node() if watched else None

    @property
    def trainable(self) -> bool:
        """Whether tapes watch it and optimizers change it."""
        return self._trainable and self._layer_trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        self._trainable = bool(value)
        self._update_node()

    @property
    def value(self) -> Tensor:
        """The variable as a tensor that follows it."""
        return self

    @property
    def initializer(self) -> Callable[..., Any] | None:
        """The function that gave the first value, if there was one."""
        return self._initializer

    def numpy(self) -> Any:
        """A copy of the value as a NumPy array on the host."""
        return super().numpy().copy()

    def assign(self, value: Any) -> Variable:
        """Set the value, in place."""
        if not isinstance(value, Tensor):
            value = convert_to_array(value)
        array = value.array if isinstance(value, Tensor) else value
        if tuple(array.shape) != self.array.shape:
            raise ValueError(
                f"The value assigned to the variable {self.path!r} must have its shape: expected "
                f"{self.array.shape}. Received: shape={tuple(array.shape)}"
            )
        if not state.abstract:
            if state.journal is not None and state.recorder is None:
                state.journal.note(self, self._copied)
            K.copy_into(self.array, array)
        return self

    def _copied(self) -> Callable[[], None]:
        """A function that brings back the value, from a copy."""
        before = K.owned(self.array)
        return lambda: K.copy_into(self.array, before)

    def assign_add(self, value: Any) -> Variable:
        """Add to the value, in place."""
        with no_recording():
            return self.assign(self + value)

    def assign_sub(self, value: Any) -> Variable:
        """Subtract from the value, in place."""
        with no_recording():
            return self.assign(self - value)

    def bind(self, array: Any) -> None:
        """Move the value into an array of the same shape and dtype, such as a view of an arena."""
        K.copy_into(array, self.array)
        self.array = array
        if state.recorder is None:
            frozen_changed()

    def __repr__(self) -> str:
        return f"<Variable path={self.path}, shape={self.shape}, dtype={self.dtype}, value={self.numpy()!r}>"

    def __deepcopy__(self, memo: dict[int, Any]) -> Variable:
        copy = Variable(
            K.owned(self.array),
            dtype=self.dtype,
            trainable=self._trainable,
            autocast=self.autocast,
            aggregation=self.aggregation,
            name=self.name,
        )
        copy.path = self.path
        copy.regularizer, copy.constraint = self.regularizer, self.constraint
        memo[id(self)] = copy
        return copy

    def __reduce__(self) -> Any:
        return _restore, (
            self.numpy(),
            self.dtype,
            self._trainable,
            self.autocast,
            self.aggregation,
            self.name,
            self.path,
        )


def _spend_budget(shape: Any, name: str) -> None:
    """While a file is read, the variables may not need more than the file can fill."""
    budget, size = state.variable_budget, math.prod(shape)
    assert budget is not None
    if size > budget:
        raise ValueError(
            f"The variable {name!r} is larger than what the file holds: at most {budget} elements are left. "
            f"Received: shape={tuple(shape)}"
        )
    state.variable_budget = budget - size


def _restore(
    value: Any, dtype: str, trainable: bool, autocast: bool, aggregation: str | None, name: str, path: str
) -> Variable:
    variable = Variable(value, dtype=dtype, trainable=trainable, autocast=autocast, aggregation=aggregation, name=name)
    variable.path = path
    return variable
