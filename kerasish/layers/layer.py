"""`Layer`: state, and a `call` that computes with it. The base of all layers and of models."""

from __future__ import annotations

import functools
import warnings
import weakref
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from kerasish import constraints, dtype_policies, initializers, regularizers, tree
from kerasish.autodiff import (
    KerasTensor,
    Operation,
    Tensor,
    Variable,
    autocast,
    convert_to_tensor,
    is_symbolic,
    name_scope,
    state,
)
from kerasish.backend.dtypes import is_float, numpy_dtype, standardize_dtype
from kerasish.layers.call_spec import CallSignature, build_parameters, call_signature
from kerasish.layers.input_spec import assert_input_compatibility
from kerasish.layers.tracking import held
from kerasish.random import SeedGenerator
from kerasish.saving.serialization_lib import serialize_keras_object

_with_losses: weakref.WeakSet[Layer] = weakref.WeakSet()


def _wrap_build(build: Callable[..., Any]) -> Callable[..., Any]:
    """Around `build`: the name scope of the variables, and the record of the shapes."""

    @functools.wraps(build)
    def wrapper(self: Layer, *args: Any, **kwargs: Any) -> Any:
        if self._building:
            return build(self, *args, **kwargs)
        self._building = True
        try:
            with name_scope(self.name):
                result = build(self, *args, **kwargs)
        finally:
            self._building = False
        names = build_parameters(build)
        self._build_shapes = {**dict(zip(names, args, strict=False)), **kwargs}
        self.built = True
        self._post_build()
        return result

    wrapper._wrapped = True  # type: ignore[attr-defined]
    return wrapper


class Layer(Operation):
    """A function of tensors with weights.

    A subclass writes `__init__` (settings), `build(input_shape)` (weights, with `add_weight`, once the shape of
    the input is known), `call(inputs)` (the computation, with `kerasish.ops`) and, to be saved and cloned,
    `get_config`.

    Args:
        activity_regularizer: A regularizer of the outputs; its value becomes a loss.
        trainable: Whether the weights are trained.
        dtype: A dtype or a dtype policy.
        autocast: Whether floating-point inputs are cast to the compute dtype.
        name: The layer's name.

    >>> import kerasish
    >>> class Scale(kerasish.layers.Layer):
    ...     def build(self, input_shape):
    ...         self.factor = self.add_weight(shape=(input_shape[-1],), initializer="ones")
    ...     def call(self, inputs):
    ...         return inputs * self.factor
    >>> Scale()(kerasish.ops.ones((2, 3))).shape
    (2, 3)
    """

    # Whether calls may skip the checks; None until it is known.
    _fast: bool | None = None
    _building = False
    _fast_training = False
    _init_arguments: tuple[tuple[Any, ...], dict[str, Any]]

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        build = cls.__dict__.get("build")
        if build is not None and not getattr(build, "_wrapped", False):
            cls.build = _wrap_build(build)  # type: ignore[method-assign]

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        instance = super().__new__(cls)
        instance._init_arguments = (args, kwargs)
        return instance

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        autocast: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name)
        batch_shape = kwargs.pop("batch_input_shape", kwargs.pop("batch_shape", None))
        input_shape = kwargs.pop("input_shape", None)
        input_dim = kwargs.pop("input_dim", None)
        batch_size = kwargs.pop("batch_size", None)
        kwargs.pop("weights", None)
        if kwargs:
            raise ValueError(
                f"Unrecognized keyword arguments passed to {type(self).__name__}: {sorted(kwargs)}. Received: {kwargs}"
            )
        if batch_shape is None and input_shape is not None:
            shape = (input_shape,) if isinstance(input_shape, int) else tuple(input_shape)
            batch_shape = (batch_size, *shape)
        elif batch_shape is None and input_dim is not None:
            batch_shape = (batch_size, input_dim)
        self._input_shape_arg = None if batch_shape is None else tuple(batch_shape)
        self._activity_regularizer = regularizers.get(activity_regularizer)
        self._trainable = bool(trainable)
        self.autocast = autocast
        self._dtype_policy = dtype_policies.get(dtype)
        self.supports_masking = type(self).compute_mask is not Layer.compute_mask
        self.input_spec: Any = None
        self.built = False
        self._weights: list[Variable] = []
        self._losses: list[Any] = []
        self._build_shapes: dict[str, Any] = {}
        self._checked_shape: Any = None
        self._set_dtypes()

    def _set_dtypes(self) -> None:
        self._compute_dtype = self._dtype_policy.compute_dtype
        # Found on first use: bfloat16 needs a package that a model may never touch.
        self._array_dtype: Any = None if self._compute_dtype == "string" else numpy_dtype(self._compute_dtype)
        self._casts = self._dtype_policy.variable_dtype != self._compute_dtype
        self._fast = None

    # ---------------------------------------------------------------- state

    @property
    def activity_regularizer(self) -> Any:
        """The regularizer of the outputs."""
        return self._activity_regularizer

    @activity_regularizer.setter
    def activity_regularizer(self, value: Any) -> None:
        self._activity_regularizer = regularizers.get(value)
        self._fast = None

    @property
    def dtype_policy(self) -> dtype_policies.DTypePolicy:
        """The dtype policy."""
        return self._dtype_policy

    @dtype_policy.setter
    def dtype_policy(self, value: Any) -> None:
        self._dtype_policy = dtype_policies.get(value)
        self._set_dtypes()

    @property
    def dtype(self) -> str:
        """The dtype of the weights."""
        return self._dtype_policy.variable_dtype

    @property
    def variable_dtype(self) -> str:
        """The dtype of the weights."""
        return self._dtype_policy.variable_dtype

    @property
    def compute_dtype(self) -> str:
        """The dtype of the computations."""
        return self._compute_dtype

    @property
    def input_dtype(self) -> str:
        """The dtype that inputs are cast to."""
        return self._compute_dtype

    @property
    def path(self) -> str:
        """Where the layer's weights were made: the enclosing names, and its own."""
        weights = self._own_variables()
        return weights[0].path.rpartition("/")[0] if weights else self.name

    def build(self, *shapes: Any, **named_shapes: Any) -> None:
        """Create the weights; called once, with the shape of the first inputs."""
        self.built = True
        self._post_build()

    def _post_build(self) -> None:
        if not self._trainable:
            self.trainable = False

    def _build_at_init(self) -> None:
        """Mark a layer without weights as built, so that it needs no shape; for the end of `__init__`."""
        if type(self).build is Layer.build:
            self.built = True

    def _can_be_fast(self) -> bool:
        """Whether a call with one tensor, like one that was checked before, may skip all checks."""
        cls = type(self)
        return (
            self.built
            and cls.compute_mask is Layer.compute_mask
            and cls.__call__ is Layer.__call__
            and self.activity_regularizer is None
            and not self._casts
            and not self._signature.masks
            and next(held(self, Layer), None) is None
        )

    def get_build_config(self) -> dict[str, Any] | None:
        """The shapes that the layer was built with, for files."""
        shapes = self._build_shapes
        if not shapes:
            return None
        if len(shapes) == 1:
            return {"input_shape": next(iter(shapes.values()))}
        return {"shapes_dict": dict(shapes)}

    def build_from_config(self, config: dict[str, Any]) -> None:
        """Build with the shapes of `get_build_config`."""
        if not config:
            return
        if "input_shape" in config:
            self.build(_as_shape(config["input_shape"]))
        elif "shapes_dict" in config:
            self.build(**{key: _as_shape(shape) for key, shape in config["shapes_dict"].items()})

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
        return list(held(self, Layer))

    def _flatten_layers(self, include_self: bool = True, recursive: bool = True) -> list[Layer]:
        """The layer and those inside it, depth first, each once."""
        found: dict[int, Layer] = {}

        def visit(layer: Layer) -> None:
            for child in layer._layers:
                if id(child) not in found:
                    found[id(child)] = child
                    if recursive:
                        visit(child)

        if include_self:
            found[id(self)] = self
        visit(self)
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
        return self._collect(lambda layer: _trainable_first(layer._own_variables()))

    @property
    def variables(self) -> list[Variable]:
        """All variables: the weights and the states of random streams."""
        return self._collect(
            lambda layer: [*_trainable_first(layer._own_variables()), *(s.state for s in held(layer, SeedGenerator))]
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
                f"The layer {self.name!r} has no weights to count yet: call it on data, or build it first."
            )
        return sum(v.size for v in self.weights)

    def save_own_variables(self, store: dict[str, Any]) -> None:
        """Put the layer's own variables into a dict, under "0", "1", …"""
        for index, variable in enumerate(_trainable_first(self._own_variables())):
            store[str(index)] = variable

    def load_own_variables(self, store: dict[str, Any]) -> None:
        """Take the layer's own variables from such a dict."""
        variables = _trainable_first(self._own_variables())
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

    # ---------------------------------------------------------------- losses

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

    # ---------------------------------------------------------------- calls

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """Compute the outputs; written by subclasses."""
        raise NotImplementedError(f"The layer {type(self).__name__} has no `call` method.")

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._fast and not kwargs and len(args) == 1:
            x = args[0]
            if (
                isinstance(x, Tensor)
                and not state.special
                and x.array.dtype is self._array_dtype
                and x.array.shape[1:] == self._checked_shape
                and x._keras_mask is None
            ):
                if not state.call_depth and self._losses:
                    self._losses.clear()
                if self._fast_training:
                    training = state.training
                    if training is not None:
                        return self.call(x, training=training)
                return self.call(x)
        return self._general_call(args, kwargs)

    @functools.cached_property
    def _signature(self) -> CallSignature:
        return call_signature(type(self))

    def _check_initialized(self) -> None:
        if "_losses" not in self.__dict__:
            raise RuntimeError(
                f"In the layer {type(self).__name__}, `super().__init__()` must be called first in `__init__`."
            )

    def _general_call(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self._check_initialized()
        signature = self._signature
        convert = self._convert
        args = tuple([convert(x) for x in args])
        kwargs = {key: convert(value) for key, value in kwargs.items()}
        if args:
            self._check_tensors(args[0])
        arguments = signature.bind(args, kwargs)
        if self.input_spec is not None and signature.first in arguments:
            assert_input_compatibility(self.input_spec, arguments[signature.first], self.name)
        symbolic = is_symbolic(args) or is_symbolic(kwargs.values())
        masks = self._carried_masks(arguments)
        if not self.built:
            self._maybe_build(arguments)
        training = self._resolve_training(arguments, kwargs)
        entered = not state.call_depth
        if entered and not symbolic:
            self._clear_losses()
        before = state.training, state.names
        state.training, state.names = training, (*state.names, self.name)
        state.call_depth += 1
        try:
            outputs = self._run(symbolic, args, kwargs, masks)
            self._after(arguments, outputs, symbolic)
        finally:
            state.call_depth -= 1
            state.training, state.names = before
        if not symbolic and len(args) == 1 and isinstance(args[0], Tensor):
            self._checked_shape = args[0].array.shape[1:]
            if self._fast is None:
                self._fast = self._can_be_fast()
                self._fast_training = signature.has_training
        return outputs

    def _run(self, symbolic: bool, args: tuple[Any, ...], kwargs: dict[str, Any], masks: dict[str, Any]) -> Any:
        if symbolic:
            # Masks travel with the tensors: the graph holds only what the user gave.
            return self._record_call(args, kwargs, self.compute_output_spec(*args, **kwargs, **masks))
        if masks:
            kwargs = {**kwargs, **masks}
        if self._casts:
            with autocast(self._compute_dtype):
                return self._call_with_training(args, kwargs)
        if state.autocast is not None:
            with autocast(None):
                return self._call_with_training(args, kwargs)
        return self._call_with_training(args, kwargs)

    def _call_with_training(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        if self._signature.has_training and state.training is not None and "training" not in kwargs:
            position = self._signature.positional.index("training") if "training" in self._signature.positional else -1
            if not 0 <= position < len(args):
                kwargs = {**kwargs, "training": state.training}
        return self.call(*args, **kwargs)

    def _resolve_training(self, arguments: dict[str, Any], kwargs: dict[str, Any]) -> bool | None:
        """The value of `training`: given, else that of the layer around, else the default of `call`."""
        signature = self._signature
        given = arguments.get("training")
        if "training" in kwargs and (given is None or not (signature.has_training or signature.accepts_kwargs)):
            del kwargs["training"]
        if given is not None:
            return given
        return signature.training_default if state.training is None else state.training

    def _convert(self, value: Any) -> Any:
        """A value of the user's as the layer takes it: arrays become tensors, floats get the compute dtype."""
        if isinstance(value, (Tensor, KerasTensor)):
            if self.autocast and value.dtype != self._compute_dtype and is_float(value.dtype):
                if isinstance(value, KerasTensor):
                    return value
                from kerasish import ops

                cast = ops.cast(value, self._compute_dtype)
                cast._keras_mask = value._keras_mask
                return cast
            return value
        if isinstance(value, (list, tuple, dict)):
            return tree.map_structure(self._convert, value)
        if isinstance(value, np.ndarray) or (hasattr(value, "__array__") and not np.isscalar(value)):
            return self._convert(convert_to_tensor(value))
        return value

    def _check_tensors(self, first: Any) -> None:
        for leaf in tree.flatten(first):
            if leaf is not None and not isinstance(leaf, (Tensor, KerasTensor)):
                raise ValueError(
                    f"The layer {self.name!r} takes tensors or arrays as positional arguments. "
                    f"Received: {leaf!r} (of type {type(leaf).__name__})"
                )

    def _carried_masks(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The masks that the inputs carry, for the mask arguments of `call` that were not given."""
        signature = self._signature
        masks: dict[str, Any] = {}
        if not signature.has_mask and not signature.masks:
            return masks
        for name, value in arguments.items():
            target = signature.masks.get(name)
            if target is None and signature.has_mask and name == signature.first:
                target = "mask"
            if target is None or arguments.get(target) is not None:
                continue
            carried = tree.map_structure(_mask_of, value)
            if any(mask is not None for mask in tree.flatten(carried)):
                masks[target] = carried
        return masks

    def _shapes(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The shapes of the tensors among the arguments of `call`, by argument."""
        shapes = {}
        for name in self._signature.names:
            value = arguments.get(name)
            if value is None or name == "mask" or name in self._signature.masks.values():
                continue
            leaves = tree.flatten(value)
            if leaves and all(isinstance(leaf, (Tensor, KerasTensor)) for leaf in leaves):
                shapes[name] = tree.map_structure(lambda leaf: tuple(leaf.shape), value)
        return shapes

    def _shape_arguments(
        self, function: Callable[..., Any], shapes: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """What `build` or `compute_output_shape` gets: one shape, or one by name for each tensor."""
        names = build_parameters(getattr(function, "__func__", function))
        by_name = {f"{name}_shape": shape for name, shape in shapes.items()}
        if len(names) != 1 and names and all(name in by_name for name in names[:1]):
            return (), {name: by_name[name] for name in names if name in by_name}
        if len(names) == 1 and names[0] in by_name:
            return (by_name[names[0]],), {}
        return tuple(shapes.values())[:1], {}

    def _maybe_build(self, arguments: dict[str, Any]) -> None:
        shapes = self._shapes(arguments)
        if type(self).build is Layer.build:
            self.built = True
            self._post_build()
            return
        args, named = self._shape_arguments(self.build, shapes)
        self.build(*args, **named)
        self.built = True
        if self._input_spec_after_build():
            first = arguments.get(self._signature.first)
            assert_input_compatibility(self.input_spec, first, self.name)

    def _input_spec_after_build(self) -> bool:
        return self.input_spec is not None

    def _after(self, arguments: dict[str, Any], outputs: Any, symbolic: bool) -> None:
        """Regularize the outputs, and hand on the mask."""
        if self.activity_regularizer is not None and not symbolic:
            for output in tree.flatten(outputs):
                if isinstance(output, Tensor) and not state.abstract:
                    loss = self.activity_regularizer(output)
                    self.add_loss(loss / max(output.shape[0], 1) if output.ndim else loss)
        inputs = arguments.get(self._signature.first) if self._signature.first else None
        if inputs is not None:
            masks = arguments.get("mask")
            self._hand_on_masks(inputs, tree.map_structure(_mask_of, inputs) if masks is None else masks, outputs)

    def _hand_on_masks(self, inputs: Any, masks: Any, outputs: Any) -> None:
        """Give the outputs the mask that belongs to them, unless `call` did."""
        some = any(mask is not None for mask in tree.flatten(masks))
        if not self.supports_masking:
            if some:
                warnings.warn(
                    f"The layer {self.name!r} (a {type(self).__name__}) got an input with a mask, but does not "
                    "support masks: layers that follow will not see it.",
                    stacklevel=5,
                )
            return
        if not some and type(self).compute_mask is Layer.compute_mask:
            return
        leaves = [leaf for leaf in tree.flatten(outputs) if isinstance(leaf, (Tensor, KerasTensor))]
        if leaves and all(leaf._keras_mask is not None for leaf in leaves):
            return
        produced = self.compute_mask(inputs, masks if some else None)
        if produced is not None:
            for leaf, mask in zip(leaves, tree.flatten(produced), strict=False):
                if mask is not None and leaf._keras_mask is None:
                    leaf._keras_mask = mask

    def compute_mask(self, inputs: Any, previous_mask: Any) -> Any:
        """The mask of the outputs: that of the inputs."""
        return previous_mask

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The shape of the outputs, from those of the inputs."""
        shapes = [*args, *kwargs.values()]
        dtype = self.compute_dtype
        tensors = [tree.map_structure_up_to(_shape_tree(s), lambda x: KerasTensor(x, dtype), s) for s in shapes]
        if not self.built:
            self.build(*args, **kwargs)
        with name_scope(self.name):
            spec = Operation.compute_output_spec(self, *tensors)
        return tree.map_structure(lambda x: x.shape, spec)

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The outputs as KerasTensors."""
        cls = type(self)
        if cls.compute_output_shape is Layer.compute_output_shape:
            return self._traced_output_spec(args, kwargs)
        shapes = self._shapes(self._signature.bind(args, kwargs))
        shape_args, named = self._shape_arguments(self.compute_output_shape, shapes)
        output_shape = self.compute_output_shape(*shape_args, **named)
        if isinstance(output_shape, list) and output_shape and _is_shape(output_shape[0]):
            return [KerasTensor(shape, self.compute_dtype) for shape in output_shape]
        if isinstance(output_shape, tuple) and output_shape and _is_shape(output_shape[0]):
            return tuple([KerasTensor(shape, self.compute_dtype) for shape in output_shape])
        if isinstance(output_shape, dict):
            return {key: KerasTensor(shape, self.compute_dtype) for key, shape in output_shape.items()}
        return KerasTensor(output_shape, self.compute_dtype)

    def _traced_output_spec(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        from kerasish.autodiff import infer_output

        def run(*inner: Any, **inner_kwargs: Any) -> Any:
            args, kwargs = tree.map_structure(self._convert, (inner, inner_kwargs))
            if self._casts:
                with autocast(self._compute_dtype):
                    return self._call_with_training(args, kwargs)
            return self._call_with_training(args, kwargs)

        return infer_output(run, args, kwargs)

    # ---------------------------------------------------------------- configs

    def get_config(self) -> dict[str, Any]:
        """The arguments to make the layer again, as values of JSON.

        A subclass that adds arguments returns `{**super().get_config(), "units": self.units}`. One that does
        not write it gets the arguments it was made with, where they can be serialized.
        """
        config: dict[str, Any] = {
            "name": self.name,
            "trainable": self.trainable,
            "dtype": dtype_policies.serialize(self._dtype_policy),
        }
        if self.activity_regularizer is not None:
            config["activity_regularizer"] = regularizers.serialize(self.activity_regularizer)
        if type(self).get_config is Layer.get_config and type(self).__init__ is not Layer.__init__:
            config.update(self._auto_config())
        return config

    def _auto_config(self) -> dict[str, Any]:
        import inspect

        args, kwargs = self._init_arguments
        signature = inspect.signature(type(self).__init__)
        try:
            bound = signature.bind(self, *args, **kwargs)
        except TypeError as error:
            raise NotImplementedError(f"The layer {type(self).__name__} needs a get_config() of its own.") from error
        given: dict[str, Any] = {}
        for name, value in list(bound.arguments.items())[1:]:
            kind = signature.parameters[name].kind
            if kind is inspect.Parameter.VAR_KEYWORD:
                given.update(value)
            elif kind is inspect.Parameter.VAR_POSITIONAL:
                raise NotImplementedError(
                    f"The layer {type(self).__name__} takes *{name}: it needs a get_config() of its own."
                )
            else:
                given[name] = value
        for key in ("name", "trainable", "dtype", "activity_regularizer"):
            given.pop(key, None)
        try:
            return {key: serialize_keras_object(value) for key, value in given.items()}
        except (TypeError, ValueError) as error:
            raise NotImplementedError(
                f"An argument of the layer {type(self).__name__} cannot be serialized, so it needs a get_config() "
                f"of its own. Received: {given}"
            ) from error

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The layer of a config."""
        from kerasish.saving.serialization_lib import deserialize_keras_object

        config = dict(config)
        if cls.get_config is Layer.get_config:
            config = {key: deserialize_keras_object(value) for key, value in config.items()}
        return cls(**config)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def _trainable_first(variables: list[Variable]) -> list[Variable]:
    return [v for v in variables if v._trainable] + [v for v in variables if not v._trainable]


def _mask_of(x: Any) -> Any:
    return getattr(x, "_keras_mask", None)


def _is_shape(value: Any) -> bool:
    return isinstance(value, (tuple, list))


def _as_shape(value: Any) -> Any:
    """Lists from JSON back into tuples: a shape, or a structure of shapes."""
    if isinstance(value, dict):
        return {key: _as_shape(member) for key, member in value.items()}
    if isinstance(value, (list, tuple)):
        if all(size is None or isinstance(size, int) for size in value):
            return tuple(value)
        return [_as_shape(member) for member in value]
    return value


def _shape_tree(shapes: Any) -> Any:
    """The structure of a structure of shapes, in which a shape is a leaf."""
    if isinstance(shapes, dict):
        return {key: _shape_tree(shape) for key, shape in shapes.items()}
    if isinstance(shapes, (list, tuple)) and shapes and isinstance(shapes[0], (list, tuple)):
        return type(shapes)([_shape_tree(shape) for shape in shapes])
    return None
