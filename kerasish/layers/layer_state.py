"""`LayerState`: the weights, the layers inside, and the losses of a layer."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasish import constraints, initializers, regularizers, tree
from kerasish.autodiff import KerasTensor, Operation, Tensor, Variable, state
from kerasish.backend.dtypes import is_float, standardize_dtype
from kerasish.layers.tracking import held
from kerasish.random import SeedGenerator

if TYPE_CHECKING:
    from kerasish.layers.layer import Layer

_with_losses: weakref.WeakSet[LayerState] = weakref.WeakSet()


class LayerState(Operation):
    """What a layer holds: its weights, the layers inside it, and the losses that it added.

    The half of `Layer` that is about state; the other half is about calls.
    """

    _building = False
    built: bool
    _weights: list[Variable]
    _losses: list[Any]
    _trainable: bool

    @property
    def variable_dtype(self) -> str:
        """The dtype of the weights."""
        raise NotImplementedError

    def _check_initialized(self) -> None:
        if "_losses" not in self.__dict__:
            raise RuntimeError(
                f"In the layer {type(self).__name__}, `super().__init__()` must be called first in `__init__`. "
                "Received: a use of the layer before that"
            )

    def add_weight(
        self,
        shape: Any = None,
        initializer: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        regularizer: Any = None,
        constraint: Any = None,
        aggregation: str | None = "none",
        overwrite_with_gradient: bool = False,
        name: str | None = None,
    ) -> Variable:
        """Create a weight.

        Args:
            shape: Its shape; a scalar by default.
            initializer: An initializer or its name: Glorot uniform by default, zeros for integers.
            dtype: Its dtype; by default the layer's.
            trainable: Whether optimizers change it.
            autocast: Whether it is used in the compute dtype.
            regularizer: A regularizer of it.
            constraint: A constraint, applied after each update.
            aggregation: How replicas are brought together.
            overwrite_with_gradient: Whether an optimizer replaces it by its gradient.
            name: Its name.
        """
        self._check_initialized()
        dtype = standardize_dtype(dtype) if dtype is not None else self.variable_dtype
        if initializer is None:
            initializer = "glorot_uniform" if is_float(dtype) else "zeros"
        shape = () if shape is None else (shape,) if isinstance(shape, int) else tuple(shape)
        if None in shape:
            raise ValueError(
                f"The weight {name!r} of the layer {self.name!r} needs a known shape: the last dimension of the "
                f"layer's input must not be None. Received: shape={shape}"
            )
        names = () if self._building else (self.name,)
        before = state.names
        if names and (not before or before[-1] != self.name):
            state.names = (*before, *names)
        try:
            variable = Variable(
                initializers.get(initializer),
                shape=shape,
                dtype=dtype,
                trainable=trainable,
                autocast=autocast,
                aggregation=aggregation,
                name=name,
            )
        finally:
            state.names = before
        variable.regularizer = regularizers.get(regularizer)
        variable.constraint = constraints.get(constraint)
        variable.overwrite_with_gradient = overwrite_with_gradient
        self._weights.append(variable)
        return variable

    def _own_variables(self) -> list[Variable]:
        """The variables of this layer itself, in the order of their creation."""
        found = {id(v): v for v in self._weights}
        for variable in held(self, Variable):
            found.setdefault(id(variable), variable)
        return sorted(found.values(), key=lambda v: v.unique_id)

    @property
    def _layers(self) -> list[Layer]:
        return held(self, LayerState)

    def _flatten_layers(self, include_self: bool = True, recursive: bool = True) -> list[Layer]:
        """The layer and those inside it, depth first, each once."""
        found: dict[int, Layer] = {id(self): self} if include_self else {}  # type: ignore[dict-item]
        _visit(self, found, recursive)
        return list(found.values())

    def _collect(self, own: Callable[[Layer], Iterable[Any]]) -> list[Any]:
        found: dict[int, Any] = {}
        for layer in self._flatten_layers():
            for item in own(layer):
                found.setdefault(id(item), item)
        return list(found.values())

    @property
    def weights(self) -> list[Variable]:
        """All weights, without random states: of each layer the trainable ones first."""
        return self._collect(lambda layer: trainable_first(layer._own_variables()))

    @property
    def variables(self) -> list[Variable]:
        """All variables: the weights and the states of random streams."""
        return self._collect(
            lambda layer: [*trainable_first(layer._own_variables()), *(s.state for s in held(layer, SeedGenerator))]
        )

    @property
    def trainable_variables(self) -> list[Variable]:
        """The variables that optimizers change."""
        return [v for v in self.variables if v.trainable] if self.trainable else []

    @property
    def non_trainable_variables(self) -> list[Variable]:
        """The other variables."""
        return [v for v in self.variables if not v.trainable] if self.trainable else self.variables

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that optimizers change."""
        return [v for v in self.weights if v.trainable] if self.trainable else []

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The other weights."""
        return [v for v in self.weights if not v.trainable] if self.trainable else self.weights

    @property
    def trainable(self) -> bool:
        """Whether the weights are trained. Setting it sets that of all layers inside."""
        return self._trainable

    @trainable.setter
    def trainable(self, value: bool) -> None:
        value = bool(value)
        for layer in self._flatten_layers():
            layer._trainable = value
            for variable in layer._own_variables():
                variable._layer_trainable = value
                variable._update_node()

    def get_weights(self) -> list[np.ndarray[Any, Any]]:
        """Copies of the weights as NumPy arrays."""
        return [v.numpy() for v in self.weights]

    def set_weights(self, weights: Any) -> None:
        """Set the weights from arrays in the order of `get_weights`. All are checked before any is set."""
        variables = self.weights
        weights = list(weights)
        if len(weights) != len(variables):
            raise ValueError(f"The layer {self.name!r} has {len(variables)} weights. Received: {len(weights)} arrays")
        for variable, value in zip(variables, weights, strict=True):
            dtype = value.dtype if hasattr(value, "dtype") else np.asarray(value).dtype
            # The dtype of a tensor is a name, and always one of numbers.
            if getattr(dtype, "kind", "f") not in "biufV":
                raise ValueError(
                    f"Expected numbers for the weight {variable.path!r} of the layer {self.name!r}. "
                    f"Received: an array of dtype={dtype}"
                )
            if tuple(np.shape(value)) != variable.shape:
                raise ValueError(
                    f"The weight {variable.path!r} of the layer {self.name!r} has the shape {variable.shape}. "
                    f"Received: shape={tuple(np.shape(value))}"
                )
        for variable, value in zip(variables, weights, strict=True):
            variable.assign(value)

    def count_params(self) -> int:
        """The number of weights, counted as scalars."""
        if not self.built:
            raise ValueError(
                f"The layer {self.name!r} has no weights to count yet: call it on data, or build it first. "
                "Received: built=False"
            )
        return sum(v.size for v in self.weights)

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Put the layer's own variables into a dict, under "0", "1", …"""
        for index, variable in enumerate(trainable_first(self._own_variables())):
            store[str(index)] = variable

    def load_own_variables(self, store: dict[str, Any]) -> None:
        """Take the layer's own variables from such a dict."""
        variables = trainable_first(self._own_variables())
        if len(store) != len(variables):
            raise ValueError(
                f"The layer {self.name!r} expects {len(variables)} variables. Received: {len(store)} "
                f"({list(store)})" + ("" if self.built else ". The layer is not built yet.")
            )
        for index, variable in enumerate(variables):
            variable.assign(store[str(index)])

    @property
    def metrics(self) -> list[Any]:
        """The metrics that this layer and those inside it hold."""
        from kerasish.metrics import Metric

        return self._collect(lambda layer: held(layer, Metric))

    def add_loss(self, loss: Any) -> None:
        """Add a scalar to the loss of the model that this layer is part of; called from `call`."""
        if state.abstract:
            return
        for value in tree.flatten(loss):
            if isinstance(value, KerasTensor) or (isinstance(value, Tensor) and value.ndim != 0):
                raise ValueError(
                    f"Expected a loss to be a scalar tensor, in the layer {self.name!r}. Received: {value!r}"
                )
            if value is not None:
                self._losses.append(value)
        _with_losses.add(self)

    def _clear_losses(self) -> None:
        if _with_losses:
            for layer in self._flatten_layers():
                layer._losses.clear()
                _with_losses.discard(layer)

    @property
    def losses(self) -> list[Any]:
        """The losses added in the last call, and the regularization of the trainable weights."""
        added = [loss for layer in self._flatten_layers() for loss in layer._losses] if _with_losses else []
        regularized = [v.regularizer(v) for v in self.trainable_weights if v.regularizer is not None]
        return added + regularized


def trainable_first(variables: list[Variable]) -> list[Variable]:
    """The variables, those first that are meant to be trained."""
    return [v for v in variables if v._trainable] + [v for v in variables if not v._trainable]


def _visit(layer: Any, found: dict[int, Any], recursive: bool) -> None:
    # A function of the module: one that holds itself in a closure would be garbage only the collector finds.
    for child in layer._layers:
        if id(child) not in found:
            found[id(child)] = child
            if recursive:
                _visit(child, found, recursive)
