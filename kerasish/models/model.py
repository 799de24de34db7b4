"""`Model`: a layer that is trained, saved and loaded."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from kerasish import tree
from kerasish.autodiff import KerasTensor, Operation, Tensor, infer_output, standardize_shape, state
from kerasish.layers.core.input_layer import InputLayer
from kerasish.layers.layer import Layer
from kerasish.models.graph import Graph
from kerasish.training.trainer import Trainer


class Model(Trainer, Layer):
    """A layer with `fit`, `evaluate`, `predict` and `save`.

    Made in one of two ways: from the inputs and outputs of a graph of layers, or by subclassing, with layers
    made in `__init__` and used in `call(inputs, training=None)`.

    Args:
        inputs: The KerasTensors, from `Input()`, where data enters: one, or a list or dict of them.
        outputs: The KerasTensors that the model gives.
        name: The model's name.
        trainable: Whether its weights are trained.

    >>> from kerasish import layers
    >>> inputs = layers.Input(shape=(4,))
    >>> model = Model(inputs, layers.Dense(2)(inputs))
    >>> model.count_params()
    10
    """

    _checks_sizes = True
    # The `call`s that only run the graph.
    _own_calls: tuple[Any, ...] = ()

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if cls is Model and _is_functional(args, kwargs):
            from kerasish.models.functional import Functional

            return Functional.__new__(Functional, *args, **kwargs)
        return super().__new__(cls, *args, **kwargs)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        Trainer.__init__(self)
        self._graph: Graph | None = None
        self._graph_layers: list[Layer] = []
        if _is_functional(args, kwargs):
            arguments = dict(zip(("inputs", "outputs", "name"), args, strict=False))
            arguments.update(kwargs)
            inputs, outputs = arguments.pop("inputs"), arguments.pop("outputs")
            Layer.__init__(self, **arguments)
            self._set_graph(inputs, outputs)
        else:
            if args:
                raise ValueError(
                    f"{type(self).__name__} takes its inputs and outputs together, or none of both. "
                    f"Received: {len(args)} positional argument(s)"
                )
            Layer.__init__(self, **kwargs)

    # ---------------------------------------------------------------- graph

    def _set_graph(self, inputs: Any, outputs: Any) -> None:
        for leaf in tree.flatten(inputs):
            if not isinstance(leaf, KerasTensor):
                raise ValueError(f"Expected the inputs of a model to be KerasTensors from Input(). Received: {leaf!r}")
        flat = tree.flatten(inputs)
        if len({id(x) for x in flat}) != len(flat):
            raise ValueError(f"Each input may be given once. Received: inputs={inputs!r}")
        for leaf in tree.flatten(outputs):
            if not isinstance(leaf, KerasTensor):
                raise ValueError(
                    f"Expected the outputs of a model to be KerasTensors that layers gave. Received: {leaf!r}"
                )
        for name, leaves in (("inputs", flat), ("outputs", tree.flatten(outputs))):
            if not leaves:
                raise ValueError(f"A model needs {name}: expected at least one KerasTensor. Received: {name}=[]")
        inputs, outputs = _with_input_layers(inputs, outputs)
        self._graph = Graph(inputs, outputs)
        self._inputs_structure = inputs
        self._outputs_structure = outputs
        self._graph_layers = [operation for operation in self._graph.operations if isinstance(operation, Layer)]
        self._check_names()
        self.built = True
        self._post_build()

    def _check_names(self) -> None:
        assert self._graph is not None
        names = [operation.name for operation in self._graph.operations]
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ValueError(f"The names of the layers of a model must be unique. Received: {repeated} repeatedly")

    @property
    def operations(self) -> list[Operation]:
        """The layers and operations of the graph."""
        return list(self._require_graph("operations").operations)

    def _require_graph(self, what: str) -> Graph:
        if self._graph is None:
            raise AttributeError(
                f"The model {self.name!r} has no {what}: it was not made from a graph of layers"
                + ("." if self.built else ", or it is not built yet: call it on data first.")
            )
        return self._graph

    @property
    def inputs(self) -> list[KerasTensor]:
        """The KerasTensors where data enters."""
        return self._require_graph("inputs").inputs

    @property
    def outputs(self) -> list[KerasTensor]:
        """The KerasTensors that the model gives."""
        return self._require_graph("outputs").outputs

    @property
    def input(self) -> Any:
        """The inputs, in the structure in which they were given."""
        self._require_graph("input")
        return self._inputs_structure

    @property
    def output(self) -> Any:
        """The outputs, in the structure in which they were given."""
        self._require_graph("output")
        return self._outputs_structure

    @property
    def input_shape(self) -> Any:
        """The shapes of the inputs."""
        return tree.map_structure(lambda x: x.shape, self.input)

    @property
    def output_shape(self) -> Any:
        """The shapes of the outputs."""
        return tree.map_structure(lambda x: x.shape, self.output)

    @property
    def input_names(self) -> list[str]:
        """The names of the inputs' layers."""
        return [x._keras_history.operation.name for x in self.inputs if x._keras_history]

    @property
    def output_names(self) -> list[str]:
        """The names of the operations that give the outputs, made unique."""
        names: list[str] = []
        for x in self.outputs:
            name = x._keras_history.operation.name if x._keras_history else x.name
            count = sum(other == name or other.startswith(f"{name}_") for other in names) if name in names else 0
            names.append(f"{name}_{count}" if count else name)
        return names

    # ---------------------------------------------------------------- layers

    @property
    def layers(self) -> list[Layer]:
        """The layers, without those inside them."""
        return self._layers

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """A layer of the model by its name, or by its place in `layers`."""
        if (name is None) == (index is None):
            raise ValueError(f"Give either a name or an index. Received: {name=}, {index=}")
        layers = self.layers
        if index is not None:
            if not -len(layers) <= index < len(layers):
                raise ValueError(f"The model {self.name!r} has {len(layers)} layers. Received: index={index}")
            return layers[index]
        for layer in layers:
            if layer.name == name:
                return layer
        raise ValueError(
            f"The model {self.name!r} has no layer of this name: it has {[layer.name for layer in layers]}. "
            f"Received: name={name!r}"
        )

    def build(self, *shapes: Any, **named_shapes: Any) -> None:
        """Create the weights of all layers, by running `call` on the shapes of the inputs alone."""
        if self._graph is not None or self.built:
            return
        if not shapes and not named_shapes:
            raise ValueError(f"The model {self.name!r} needs the shapes of its inputs to be built. Received: none")

        def symbol(shape: Any) -> Any:
            if isinstance(shape, dict):
                return {key: symbol(member) for key, member in shape.items()}
            if isinstance(shape, (list, tuple)) and shape and isinstance(shape[0], (list, tuple)):
                return type(shape)([symbol(member) for member in shape])
            return KerasTensor(standardize_shape(shape), self.compute_dtype)

        args = tuple([symbol(shape) for shape in shapes])
        kwargs = {key.removesuffix("_shape"): symbol(shape) for key, shape in named_shapes.items()}
        infer_output(self.call, args, kwargs)
        self.built = True

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """Compute the outputs; written by subclasses, or given by the graph."""
        if self._graph is None:
            raise NotImplementedError(
                f"The model {type(self).__name__} has no `call` method, and was not made from inputs and outputs."
            )
        flat = self._standardize(inputs)
        if mask is not None:
            for x, m in zip(flat, tree.flatten(mask), strict=True):
                if m is not None:
                    x._keras_mask = m
        outputs = self._graph.run(flat)
        if not tree.is_nested(self._outputs_structure):
            return outputs[0]
        return tree.pack_sequence_as(self._outputs_structure, outputs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._fast and len(args) == 1 and (not kwargs or (len(kwargs) == 1 and "training" in kwargs)):
            x = args[0]
            if (
                isinstance(x, Tensor)
                and not state.special
                and x.array.dtype is self._array_dtype
                and x.array.shape[1:] == self._checked_shape
                and x._keras_mask is None
            ):
                return self._fast_call(x, kwargs)
        return super().__call__(*args, **kwargs)

    def _can_be_fast(self) -> bool:
        """Whether one tensor like those before may go straight into the graph."""
        graph = self._graph
        return (
            graph is not None
            and type(self).call in self._own_calls
            and type(self).__call__ is Model.__call__
            and self.activity_regularizer is None
            and not self._casts
            and len(graph.inputs) == 1
            and not tree.is_nested(self._inputs_structure)
            and not tree.is_nested(self._outputs_structure)
            and graph.inputs[0].dtype == self.compute_dtype
            and len(self._checked_shape) == len(graph.inputs[0].shape) - 1
            and all(a in (None, b) for a, b in zip(graph.inputs[0].shape[1:], self._checked_shape, strict=True))
        )

    def _fast_call(self, x: Tensor, kwargs: dict[str, Any]) -> Any:
        training = state.training
        if not state.call_depth:
            self._clear_losses()
        state.call_depth += 1
        if kwargs and kwargs["training"] is not None:
            state.training = kwargs["training"]
        try:
            return self._graph.run([x])[0]  # type: ignore[union-attr]
        finally:
            state.call_depth -= 1
            state.training = training

    def _hand_on_masks(self, inputs: Any, masks: Any, outputs: Any) -> None:
        """The layers of a graph have handed on the masks themselves."""
        if self._graph is None:
            super()._hand_on_masks(inputs, masks, outputs)

    def _standardize(self, inputs: Any) -> list[Any]:
        """The inputs as a flat list in the order of the graph's, with ranks and dtypes that fit."""
        structure = self._inputs_structure
        if isinstance(structure, dict) and isinstance(inputs, dict):
            missing = [key for key in structure if key not in inputs]
            if missing:
                raise ValueError(f"The model {self.name!r} lacks the inputs {missing}. Received: {list(inputs)}")
            flat = tree.flatten({key: inputs[key] for key in structure})
        elif isinstance(inputs, dict) and self._names_cover(inputs):
            flat = [inputs[name] for name in self.input_names]
        else:
            flat = tree.flatten(inputs)
        graph = self._require_graph("inputs")
        if len(flat) != len(graph.inputs):
            raise ValueError(
                f"The model {self.name!r} expects {len(graph.inputs)} input(s): {self.input_names}. "
                f"Received: {len(flat)} input(s), of shapes {[getattr(x, 'shape', None) for x in flat]}"
            )
        names = self.input_names
        return [self._fit_input(x, wanted, name) for x, wanted, name in zip(flat, graph.inputs, names, strict=True)]

    def _names_cover(self, inputs: dict[str, Any]) -> bool:
        return all(name in inputs for name in self.input_names)

    def _fit_input(self, x: Any, wanted: KerasTensor, name: str) -> Any:
        if x is None:
            return None
        shape, expected = tuple(x.shape), wanted.shape
        if len(shape) == len(expected) - 1 and expected[-1] == 1:
            from kerasish import ops

            x = ops.expand_dims(x, -1)
        elif len(shape) == len(expected) + 1 and shape[-1] == 1:
            from kerasish import ops

            x = ops.squeeze(x, -1)
        shape = tuple(x.shape)
        fits = len(shape) == len(expected) and (
            not self._checks_sizes
            or all(a is None or b is None or a == b for a, b in zip(shape[1:], expected[1:], strict=True))
        )
        if not fits:
            raise ValueError(
                f"The input {name!r} of the model {self.name!r} does not fit: expected shape={expected}. "
                f"Received: shape={shape}"
            )
        if x.dtype != wanted.dtype:
            from kerasish import ops

            mask = x._keras_mask
            x = ops.cast(x, wanted.dtype)
            x._keras_mask = mask
        return x

    def _convert(self, value: Any) -> Any:
        """Inputs of a graph are cast to the dtypes of its Input()s, not to the model's."""
        if self._graph is None:
            return super()._convert(value)
        before, self.autocast = self.autocast, False
        try:
            return super()._convert(value)
        finally:
            self.autocast = before

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        """The outputs as KerasTensors."""
        return self._traced_output_spec(args, kwargs)

    # ---------------------------------------------------------------- reports and files

    def summary(
        self,
        line_length: int | None = None,
        positions: Any = None,
        print_fn: Callable[[str], Any] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Any = None,
    ) -> None:
        """Print the layers, their output shapes and their numbers of weights."""
        from kerasish.utils.summary_utils import print_summary

        print_summary(
            self,
            line_length=line_length,
            positions=positions,
            print_fn=print_fn,
            expand_nested=expand_nested,
            show_trainable=show_trainable,
            layer_range=layer_range,
        )

    def save(self, filepath: Any, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any) -> None:
        """Write the model into a file: architecture, weights, and what `compile` was given."""
        from kerasish.saving import saving_api

        saving_api.save_model(self, filepath, overwrite=overwrite, zipped=zipped, **kwargs)

    def save_weights(self, filepath: Any, overwrite: bool = True, max_shard_size: float | None = None) -> None:
        """Write the weights alone into a file."""
        from kerasish.saving import saving_api

        saving_api.save_weights(self, filepath, overwrite=overwrite, max_shard_size=max_shard_size)

    def load_weights(self, filepath: Any, skip_mismatch: bool = False, **kwargs: Any) -> None:
        """Take the weights from a file. Everything is checked before anything is set.

        Args:
            filepath: The file.
            skip_mismatch: Whether to leave out weights whose shapes differ, with a warning.
            by_name: Whether layers are matched by name instead of by order.
        """
        from kerasish.saving import saving_api

        saving_api.load_weights(self, filepath, skip_mismatch=skip_mismatch, **kwargs)

    def to_json(self, **kwargs: Any) -> str:
        """The architecture as a string of JSON, which `model_from_json` reads."""
        from kerasish.saving.serialization_lib import serialize_keras_object

        return json.dumps(serialize_keras_object(self), **kwargs)

    def get_compile_config(self) -> dict[str, Any] | None:
        """What `compile` was given, as values of JSON."""
        from kerasish.saving.compile_config import get_compile_config

        return get_compile_config(self)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compile with what `get_compile_config` gave."""
        from kerasish.saving.compile_config import compile_from_config

        compile_from_config(self, config)


Model._own_calls = (Model.call,)


def _is_functional(args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    return len(args) >= 2 or (len(args) == 1 and "outputs" in kwargs) or ("inputs" in kwargs and "outputs" in kwargs)


def _with_input_layers(inputs: Any, outputs: Any) -> tuple[Any, Any]:
    """Tensors in the middle of a graph may be inputs: they get an Input() of their own, and a copy of the calls."""
    from kerasish.autodiff import node_of

    flat = tree.flatten(inputs)
    for x in flat:
        if x._keras_history is None:
            raise ValueError(f"Expected the inputs of a model to come from Input() or a layer. Received: {x!r}")
    if all(isinstance(node_of(x).operation, InputLayer) for x in flat):
        return inputs, outputs
    replaced: dict[int, KerasTensor] = {}
    for x in flat:
        if isinstance(node_of(x).operation, InputLayer):
            replaced[id(x)] = x
        else:
            name = f"{node_of(x).operation.name}_input"
            replaced[id(x)] = InputLayer(batch_shape=x.shape, dtype=x.dtype, name=name).output
    for node in Graph(inputs, outputs).nodes:
        if all(id(y) in replaced for y in node.outputs):
            continue
        args, kwargs = tree.map_structure(
            lambda x: replaced.get(id(x), x) if isinstance(x, KerasTensor) else x, (node.args, node.kwargs)
        )
        results = tree.flatten(node.operation(*args, **kwargs))
        for old, new in zip(node.outputs, results, strict=True):
            replaced[id(old)] = new
    swap = lambda x: replaced[id(x)]  # noqa: E731
    return tree.map_structure(swap, inputs), tree.map_structure(swap, outputs)
