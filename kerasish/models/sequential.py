"""`Sequential`: a plain stack of layers."""

from __future__ import annotations

from typing import Any

from kerasish.autodiff import KerasTensor
from kerasish.layers.core.input_layer import Input, InputLayer
from kerasish.layers.layer import Layer
from kerasish.models.model import Model


class Sequential(Model):
    """Layers that are called one after the other.

    The weights are made at once where the shape of the input is known (an `Input` first, or `input_shape=` on
    the first layer), else on the first data.

    Args:
        layers: Layers to begin with.
        trainable: Whether the weights are trained.
        name: The model's name.

    >>> from kerasish import layers
    >>> model = Sequential([layers.Input((4,)), layers.Dense(3, activation="relu"), layers.Dense(1)])
    >>> model.output_shape
    (None, 1)
    """

    # The layers know best which sizes they take: the lengths of sequences may change.
    _checks_sizes = False

    def __init__(self, layers: Any = None, trainable: bool = True, name: str | None = None) -> None:
        super().__init__(trainable=trainable, name=name)
        self._stack: list[Layer] = []
        if layers is not None:
            for layer in layers if isinstance(layers, (list, tuple)) else [layers]:
                self.add(layer, rebuild=False)
            self._rebuild()

    def add(self, layer: Any, rebuild: bool = True) -> None:
        """Put a layer on top."""
        if isinstance(layer, KerasTensor) and layer._keras_history is not None:
            layer = layer._keras_history.operation
        if not isinstance(layer, Layer):
            raise ValueError(
                f"Only layers can be added to the Sequential model {self.name!r}. "
                f"Received: {layer!r} (of type {type(layer).__name__})"
            )
        if any(layer.name == other.name for other in self._stack):
            raise ValueError(
                f"All layers of the Sequential model {self.name!r} need names of their own. "
                f"Received: {layer.name!r} twice"
            )
        if layer is self or self in layer._flatten_layers():
            raise ValueError(f"The Sequential model {self.name!r} cannot hold itself. Received: {layer!r}")
        if isinstance(layer, InputLayer) and self._stack:
            raise ValueError(
                f"The Sequential model {self.name!r} has layers already, so an input cannot be added. "
                f"Received: {layer.name!r}"
            )
        if not self._stack and not isinstance(layer, InputLayer):
            shape = getattr(layer, "_input_shape_arg", None)
            if shape is not None:
                self._stack.append(_input_for(layer, shape))
            elif isinstance(layer, Model) and layer._graph is not None and len(layer.inputs) == 1:
                given = layer.inputs[0]
                self._stack.append(InputLayer(batch_shape=given.shape, dtype=given.dtype))
        self._stack.append(layer)
        self._forget_graph()
        if rebuild:
            self._rebuild()

    def pop(self, rebuild: bool = True) -> Layer:
        """Take the top layer off and return it."""
        if not self.layers:
            raise ValueError(f"The Sequential model {self.name!r} has no layers to pop. Received: layers=[]")
        layer = self._stack.pop()
        self._forget_graph()
        if rebuild:
            self._rebuild()
        return layer

    def _forget_graph(self) -> None:
        self._graph = None
        self._graph_layers = []
        self.built = False
        self._fast = None
        self._checked_shape = None

    def _rebuild(self) -> None:
        if self._stack and isinstance(self._stack[0], InputLayer):
            self.build(self._stack[0].batch_shape)

    def build(self, input_shape: Any = None) -> None:
        """Create the weights for inputs of this shape (with the batch)."""
        if self._graph is not None or not self.layers:
            return
        if input_shape is None:
            raise ValueError(
                f"The Sequential model {self.name!r} needs an input shape to be built. Received: input_shape=None"
            )
        if isinstance(self._stack[0], InputLayer):
            inputs = self._stack[0].output
        else:
            shape = (input_shape,) if isinstance(input_shape, int) else tuple(input_shape)
            dtype = self._first_dtype()
            inputs = Input(batch_shape=(None, *shape[1:]), dtype=dtype)
        x: Any = inputs
        for layer in self.layers:
            x = layer(x)
        # Only now: a shape that did not fit must not stay.
        if not isinstance(self._stack[0], InputLayer):
            self._stack.insert(0, inputs._keras_history.operation)
        self._set_graph(inputs, x)

    def _first_dtype(self) -> str:
        return self._stack[0].input_dtype

    def call(self, inputs: Any, training: bool | None = None, mask: Any = None) -> Any:
        """The layers, one after the other."""
        if self._graph is not None:
            return super().call(inputs, training=training, mask=mask)
        x = inputs
        if mask is not None:
            x._keras_mask = mask
        for layer in self.layers:
            x = layer(x)
        return x

    @property
    def layers(self) -> list[Layer]:
        """The layers, without the input."""
        stack = self._stack
        return stack[1:] if stack and isinstance(stack[0], InputLayer) else list(stack)

    @property
    def _layers(self) -> list[Layer]:
        return list(self._stack)

    def get_config(self) -> dict[str, Any]:
        """The layers, as values of JSON."""
        from kerasish.models.sequential_config import sequential_config

        return sequential_config(self)

    @classmethod
    def from_config(cls, config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
        """The model of a config, by this Keras version or an earlier one."""
        from kerasish.models.sequential_config import sequential_from_config

        return sequential_from_config(cls, config, custom_objects)


Sequential._own_calls = (Model.call, Sequential.call)


def _input_for(layer: Layer, shape: Any) -> InputLayer:
    return InputLayer(batch_shape=shape, dtype=layer.input_dtype, name=f"{layer.name}_input")
