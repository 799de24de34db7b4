"""`Bidirectional`: a recurrent layer run forwards and backwards."""

from __future__ import annotations

from typing import Any

from kerasish import ops, tree
from kerasish.autodiff import KerasTensor
from kerasish.layers.layer import Layer
from kerasish.saving.serialization_lib import deserialize_keras_object, serialize_keras_object

_MODES = ("sum", "mul", "ave", "concat", None)


class Bidirectional(Layer):
    """Runs a recurrent layer over a sequence, and a second one over the sequence from its end, and joins the outputs.

    Args:
        layer: The recurrent layer (`LSTM`, `GRU`, `RNN`, …), or another layer with `go_backwards`, `return_sequences`,
            `return_state` and `stateful`. A copy of it runs forwards.
        merge_mode: How the outputs are joined: "concat", "sum", "mul", "ave", or None for a pair.
        weights: The initial weights: those of the forward layer, then those of the backward layer.
        backward_layer: The layer that runs backwards; by default a copy of `layer` with `go_backwards` reversed to
            true.
        **kwargs: The arguments of `Layer`.

    Call arguments are those of `RNN`; `initial_state` holds the states of the forward layer, then those of the
    backward layer.

    Raises:
        ValueError: If an argument is none of these, or the two layers do not go together.

    Source: Schuster and Paliwal, 1997, "Bidirectional recurrent neural networks".

    >>> from kerasish import layers, ops
    >>> layer = Bidirectional(layers.LSTM(4, return_sequences=True))
    >>> layer(ops.ones((2, 5, 3))).shape
    (2, 5, 8)
    """

    def __init__(
        self,
        layer: Any,
        merge_mode: str | None = "concat",
        weights: Any = None,
        backward_layer: Any = None,
        **kwargs: Any,
    ) -> None:
        for argument, value in (("layer", layer), ("backward_layer", backward_layer)):
            if not isinstance(value, Layer) and not (value is None and argument == "backward_layer"):
                raise ValueError(
                    f"Expected {argument} of a Bidirectional to be a layer. "
                    f"Received: {argument}={value!r} (of type {type(value).__name__})"
                )
        if merge_mode not in _MODES:
            raise ValueError(f"Expected merge_mode to be one of {_MODES}. Received: merge_mode={merge_mode!r}")
        super().__init__(**kwargs)
        self.forward_layer: Any = _copy(layer, "forward_")
        if backward_layer is None:
            backward_layer = _copy(layer, "backward_", go_backwards=True)
        self.backward_layer: Any = backward_layer
        self._check_pair()
        for each in (self.forward_layer, self.backward_layer):
            if hasattr(layer, "use_cudnn"):
                each.use_cudnn = layer.use_cudnn
            if getattr(each, "zero_output_for_mask", None) is not None:
                # Else a masked step would repeat the output of another step in each direction.
                each.zero_output_for_mask = each.return_sequences
        self.merge_mode = merge_mode
        self.stateful = layer.stateful
        self.return_sequences = layer.return_sequences
        self.return_state = layer.return_state
        self.supports_masking = True
        self.input_spec = layer.input_spec
        self._first_weights = None if weights is None else list(weights)

    def _check_pair(self) -> None:
        forward, backward = self.forward_layer, self.backward_layer
        if forward.go_backwards == backward.go_backwards:
            raise ValueError(
                f"The two layers inside the Bidirectional {self.name!r} must differ in go_backwards. "
                f"Received: layer.go_backwards={forward.go_backwards}, "
                f"backward_layer.go_backwards={backward.go_backwards}"
            )
        for name in ("stateful", "return_sequences", "return_state"):
            if getattr(forward, name) != getattr(backward, name):
                raise ValueError(
                    f"The two layers inside the Bidirectional {self.name!r} must agree in {name}. "
                    f"Received: layer.{name}={getattr(forward, name)}, backward_layer.{name}={getattr(backward, name)}"
                )

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        for layer in (self.forward_layer, self.backward_layer):
            if not layer.built:
                layer.build(sequences_shape)
                layer.built = True
        if self._first_weights is not None:
            half = len(self._first_weights) // 2
            self.forward_layer.set_weights(self._first_weights[:half])
            self.backward_layer.set_weights(self._first_weights[half:])
            self._first_weights = None

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: Any = None) -> Any:
        forward, backward = self.forward_layer, self.backward_layer
        states: tuple[Any, Any] = (None, None)
        if initial_state is not None:
            half = len(initial_state) // 2
            states = initial_state[:half], initial_state[half:]
        results = []
        for layer, state in ((forward, states[0]), (backward, states[1])):
            options: dict[str, Any] = {}
            if state is not None:
                options["initial_state"] = state
            if mask is not None and layer._signature.has_mask:
                options["mask"] = mask
            if layer._signature.has_training:
                options["training"] = training
            results.append(layer(sequences, **options))
        y, y_back = results
        last: tuple[Any, ...] = ()
        if self.return_state:
            last = (*y[1:], *y_back[1:])
            y, y_back = y[0], y_back[0]
        # The layers inside may have been given another dtype.
        y, y_back = ops.cast(y, self.compute_dtype), ops.cast(y_back, self.compute_dtype)
        if self.return_sequences:
            y_back = ops.flip(y_back, axis=1)
        if self.merge_mode is None:
            return (y, y_back, *last)
        output = self._merge(y, y_back)
        return (output, *last) if self.return_state else output

    def _merge(self, y: Any, y_back: Any) -> Any:
        if self.merge_mode == "concat":
            return ops.concatenate([y, y_back], axis=-1)
        if self.merge_mode == "mul":
            return y * y_back
        return y + y_back if self.merge_mode == "sum" else (y + y_back) / 2

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:
        shape = self.forward_layer.compute_output_shape(sequences_shape)
        states: tuple[Any, ...] = ()
        if self.return_state:
            shape, *rest = shape
            states = (*rest, *rest)
        if self.merge_mode is None:
            return (shape, shape, *states)
        if self.merge_mode == "concat":
            shape = (*shape[:-1], shape[-1] * 2)
        return (shape, *states) if self.return_state else shape

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        shapes = self._shapes(self._signature.bind(args, kwargs))
        shape = self.compute_output_shape(shapes[self._signature.first])

        def spec(shape: Any) -> Any:
            if shape and isinstance(shape[0], (list, tuple)):
                return type(shape)([spec(each) for each in shape])
            return KerasTensor(shape, self.compute_dtype)

        return spec(shape)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        mask = tree.flatten(previous_mask)[0] if self.return_sequences else None
        # States, which may follow, carry no mask.
        return (mask, mask) if self.merge_mode is None else (mask,)

    @property
    def states(self) -> Any:
        """The states that the two layers keep, or None."""
        if self.forward_layer.states and self.backward_layer.states:
            return (*self.forward_layer.states, *self.backward_layer.states)
        return None

    def reset_state(self) -> None:
        """Set the states of both layers to zero."""
        if not self.stateful:
            raise AttributeError(f"The layer {self.name!r} is not stateful: it keeps no states to reset.")
        self.forward_layer.reset_state()
        self.backward_layer.reset_state()

    def reset_states(self) -> None:
        """Set the states of both layers to zero."""
        self.reset_state()

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "merge_mode": self.merge_mode,
            "layer": serialize_keras_object(self.forward_layer),
            "backward_layer": serialize_keras_object(self.backward_layer),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        config = dict(config)
        for key in ("layer", "backward_layer"):
            if config.get(key) is not None:
                config[key] = deserialize_keras_object(_unbuilt(config[key]), custom_objects, family="layers")
        return cls(**config)


def _unbuilt(config: Any) -> Any:
    """The config of a layer without its shapes: it is built inside the wrapper, whose name its weights carry."""
    return {key: value for key, value in config.items() if key != "build_config"}


def _copy(layer: Layer, prefix: str, **changes: Any) -> Any:
    """A new layer with the settings of another, and a prefix to its name."""
    config = _unbuilt(serialize_keras_object(layer))
    name = prefix + layer.name.removeprefix(prefix)
    config["config"] = {**config["config"], "name": name, **changes}
    return deserialize_keras_object(config, {type(layer).__name__: type(layer)}, family="layers")
