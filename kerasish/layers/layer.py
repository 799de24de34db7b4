"""`Layer`: state, and a `call` that computes with it. The base of all layers and of models."""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish import dtype_policies, regularizers, tree
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
from kerasish.backend.dtypes import is_float, numpy_dtype
from kerasish.layers.auto_config import auto_config
from kerasish.layers.call_spec import CallSignature, build_parameters, call_signature
from kerasish.layers.input_spec import assert_input_compatibility
from kerasish.layers.layer_state import LayerState
from kerasish.layers.shapes import as_shape, is_shape, shape_tree
from kerasish.layers.tracking import held


def _wrap_build(build: Callable[..., Any]) -> Callable[..., Any]:
    """Around `build`: the name scope of the variables, the record of the shapes, and no half of it after an error."""

    @functools.wraps(build)
    def wrapper(self: Layer, *args: Any, **kwargs: Any) -> Any:
        if self._building:
            return build(self, *args, **kwargs)
        self._building = True
        made = len(self._weights)
        try:
            with name_scope(self.name):
                result = build(self, *args, **kwargs)
        except BaseException:
            # It can be built again, and has each weight once then.
            del self._weights[made:]
            raise
        finally:
            self._building = False
        names = build_parameters(build)
        self._build_shapes = {**dict(zip(names, args, strict=False)), **kwargs}
        self.built = True
        self._post_build()
        return result

    wrapper._wrapped = True  # type: ignore[attr-defined]
    return wrapper


class Layer(LayerState):
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
            and not held(self, Layer)
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
            self.build(as_shape(config["input_shape"]))
        elif "shapes_dict" in config:
            self.build(**{key: as_shape(shape) for key, shape in config["shapes_dict"].items()})

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
        except Exception as error:
            self._note_on(error, arguments)
            raise
        finally:
            state.call_depth -= 1
            state.training, state.names = before
        if not symbolic and len(args) == 1 and isinstance(args[0], Tensor):
            self._checked_shape = args[0].array.shape[1:]
            if self._fast is None:
                self._fast = self._can_be_fast()
                self._fast_training = signature.has_training
        return outputs

    def _note_on(self, error: Exception, arguments: dict[str, Any]) -> None:
        """Say in which layer an error arose: an operation does not know who called it."""
        shapes = tree.map_structure(lambda x: tuple(x.shape) if hasattr(x, "shape") else x, arguments)
        error.add_note(f"In the layer {self.name!r} (a {type(self).__name__}). Received: {_listed(shapes)}")

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
        if self.input_spec is not None:
            first = arguments.get(self._signature.first)
            assert_input_compatibility(self.input_spec, first, self.name)

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
        tensors = [tree.map_structure_up_to(shape_tree(s), lambda x: KerasTensor(x, dtype), s) for s in shapes]
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
        if isinstance(output_shape, list) and output_shape and is_shape(output_shape[0]):
            return [KerasTensor(shape, self.compute_dtype) for shape in output_shape]
        if isinstance(output_shape, tuple) and output_shape and is_shape(output_shape[0]):
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
            config.update(auto_config(self))
        return config

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


def _mask_of(x: Any) -> Any:
    return getattr(x, "_keras_mask", None)


def _listed(arguments: dict[str, Any]) -> str:
    return ", ".join(f"{name}={str(value)[:200]}" for name, value in arguments.items() if value is not None)
