"""`Dense`: every unit sees every input."""

from __future__ import annotations

from typing import Any

from kerasish import activations, constraints, initializers, ops, regularizers
from kerasish.autodiff import Tensor
from kerasish.layers.core.lora import LoRA
from kerasish.layers.core.quantization import refuse_quantization
from kerasish.layers.input_spec import InputSpec

_FUSED = {
    activations.linear: "linear",
    activations.relu: "relu",
    activations.sigmoid: "sigmoid",
    activations.tanh: "tanh",
}


class Dense(LoRA):
    """A fully connected layer: `activation(inputs @ kernel + bias)`.

    Args:
        units: The number of outputs of each sample.
        activation: An activation function or its name; None for none.
        use_bias: Whether there is a bias.
        kernel_initializer: Initializer of the kernel.
        bias_initializer: Initializer of the bias.
        kernel_regularizer: Regularizer of the kernel.
        bias_regularizer: Regularizer of the bias.
        activity_regularizer: Regularizer of the outputs.
        kernel_constraint: Constraint of the kernel.
        bias_constraint: Constraint of the bias.
        lora_rank: The rank of a low-rank adaptation of the kernel; None for none.
        lora_alpha: The scale of the adaptation is `lora_alpha / lora_rank`.
        quantization_config: Must be None: quantization is not supported.

    Inputs have the shape `(batch, ..., d)`, outputs `(batch, ..., units)`; the kernel has the shape `(d, units)`.

    Raises:
        ValueError: If `units` is not a positive int.

    >>> from kerasish import ops
    >>> layer = Dense(2, kernel_initializer="ones", activation="relu")
    >>> layer(ops.array([[1.0, 2.0], [-3.0, 1.0]])).tolist()
    [[3.0, 3.0], [0.0, 0.0]]
    """

    def __init__(
        self,
        units: int,
        activation: Any = None,
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        if isinstance(units, bool) or not hasattr(units, "__index__") or units.__index__() <= 0:
            raise ValueError(f"Expected units of a Dense layer to be a positive int. Received: units={units!r}")
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        refuse_quantization(self, quantization_config)
        self.units = units.__index__()
        self.activation = activations.get(activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self._init_lora(lora_rank, lora_alpha)
        self.bias: Any = None
        self.input_spec = InputSpec(min_ndim=2)
        self.supports_masking = True

    def build(self, input_shape: Any) -> None:
        self._kernel = self.add_weight(
            name="kernel",
            shape=(input_shape[-1], self.units),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        if self.use_bias:
            self.bias = self.add_weight(
                name="bias",
                shape=(self.units,),
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self.input_spec = InputSpec(min_ndim=2, axes={-1: input_shape[-1]})
        self._build_lora()

    def call(self, inputs: Any) -> Tensor:
        kernel = self._adapted() if self.lora_enabled else self._kernel
        fused = _FUSED.get(self.activation)
        if fused is not None:
            return ops.dense(inputs, kernel, self.bias, fused)
        return self.activation(ops.dense(inputs, kernel, self.bias))

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.units)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "activation": activations.serialize(self.activation),
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
            "quantization_config": None,
            **self._lora_config(),
        }
