"""`EinsumDense`: a dense layer along any axes."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from kerasish import activations, constraints, initializers, ops, regularizers
from kerasish.autodiff import Tensor
from kerasish.layers.core.lora import LoRA
from kerasish.layers.core.quantization import refuse_quantization
from kerasish.layers.input_spec import InputSpec


class EinsumDense(LoRA):
    """A dense layer whose sum is written as an einsum: `activation(einsum(equation, inputs, kernel) + bias)`.

    Args:
        equation: Such as "ab,bc->ac", "...ab,bc->...ac" or "ab...,bc->ac...".
        output_shape: The shape of the output without the batch and without the axes that "..." stands for; a None
            stands for a size that the input has too.
        activation: An activation function or its name; None for none.
        bias_axes: The letters of the axes of the output that the bias has; None for no bias.
        kernel_initializer: Initializer of the kernel.
        bias_initializer: Initializer of the bias.
        kernel_regularizer: Regularizer of the kernel.
        bias_regularizer: Regularizer of the bias.
        kernel_constraint: Constraint of the kernel.
        bias_constraint: Constraint of the bias.
        lora_rank: The rank of a low-rank adaptation of the kernel; None for none.
        lora_alpha: The scale of the adaptation is `lora_alpha / lora_rank`.
        gptq_unpacked_column_size: Must be None: quantization is not supported.
        quantization_config: Must be None.

    Raises:
        ValueError: If the equation cannot be understood, or does not fit the shapes.

    >>> from kerasish import ops
    >>> layer = EinsumDense("abc,cd->abd", output_shape=(None, 64), bias_axes="d")
    >>> layer(ops.ones((2, 32, 128))).shape
    (2, 32, 64)
    """

    def __init__(
        self,
        equation: str,
        output_shape: Any,
        activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        bias_constraint: Any = None,
        lora_rank: int | None = None,
        lora_alpha: float | None = None,
        gptq_unpacked_column_size: Any = None,
        quantization_config: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        refuse_quantization(self, quantization_config)
        refuse_quantization(self, gptq_unpacked_column_size)
        self.equation = equation
        self.partial_output_shape = (output_shape,) if isinstance(output_shape, int) else tuple(output_shape)
        self.bias_axes = bias_axes
        self.activation = activations.get(activation)
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self._init_lora(lora_rank, lora_alpha)
        self.bias: Any = None

    def build(self, input_shape: Any) -> None:
        plan = self._plan(input_shape)
        self._kernel = self.add_weight(
            name="kernel",
            shape=plan.kernel_shape,
            initializer=self._initializer_for(plan),
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        if plan.bias_shape is not None:
            self.bias = self.add_weight(
                name="bias",
                shape=plan.bias_shape,
                initializer=self.bias_initializer,
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )
        self.input_spec = InputSpec(ndim=len(input_shape))
        self._build_lora()

    def _plan(self, input_shape: Any) -> _Plan:
        return plan_einsum(self.name, self.equation, self.bias_axes, tuple(input_shape), self.partial_output_shape)

    def _initializer_for(self, plan: _Plan) -> Any:
        """An initializer that scales with the fans learns which axes of the kernel are inputs."""
        initializer = self.kernel_initializer
        if not isinstance(initializer, initializers.VarianceScaling):
            return initializer
        if initializer.input_axes is not None and initializer.output_axes is not None:
            return initializer
        config = {**initializer.get_config(), "input_axes": plan.input_axes, "output_axes": plan.output_axes}
        return type(initializer).from_config({**config, "seed": initializer.seed})

    def call(self, inputs: Any) -> Tensor:
        x = ops.einsum(self.equation, inputs, self.kernel)
        if self.bias is not None:
            x = ops.add(x, self.bias)
        return x if self.activation is activations.linear else self.activation(x)

    def compute_output_shape(self, input_shape: Any) -> tuple[int | None, ...]:
        return self._plan(input_shape).output_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "output_shape": self.partial_output_shape,
            "equation": self.equation,
            "activation": activations.serialize(self.activation),
            "bias_axes": self.bias_axes,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
            "quantization_config": None,
            **self._lora_config(),
        }


class _Plan(NamedTuple):
    kernel_shape: tuple[int | None, ...]
    bias_shape: tuple[int | None, ...] | None
    output_shape: tuple[int | None, ...]
    input_axes: list[int]
    output_axes: list[int]


_FORMS = (
    re.compile(r"(?P<left>)(?P<x>[a-zA-Z]+)(?P<right>),(?P<w>[a-zA-Z]+)->(?P<y>[a-zA-Z]+)"),
    re.compile(r"(?P<left>\.\.\.)(?P<x>[a-zA-Z]+)(?P<right>),(?P<w>[a-zA-Z]+)->\.\.\.(?P<y>[a-zA-Z]+)"),
    re.compile(r"(?P<left>)(?P<x>[a-zA-Z]{2,})(?P<right>\.\.\.),(?P<w>[a-zA-Z]+)->(?P<y>[a-zA-Z]+)\.\.\."),
)


def plan_einsum(
    name: str,
    equation: str,
    bias_axes: str | None,
    input_shape: tuple[int | None, ...],
    partial_output_shape: tuple[int | None, ...],
) -> _Plan:
    """The shapes of the kernel, the bias and the output that belong to an equation.

    >>> plan = plan_einsum("dense", "...x,xy->...y", "y", (None, 7, 3), (4,))
    >>> plan.kernel_shape, plan.bias_shape, plan.output_shape
    ((3, 4), (4,), (None, 7, 4))
    """
    match = next((m for m in (form.fullmatch(equation.replace(" ", "")) for form in _FORMS) if m), None)
    if match is None:
        raise ValueError(
            f'The equation of the layer {name!r} must look like "ab,bc->ac", "...ab,bc->...ac" or '
            f'"ab...,bc->ac...". Received: equation={equation!r}'
        )
    x, w, y = match["x"], match["w"], match["y"]
    elided = len(input_shape) - len(x)
    if elided < 0 or (elided and not match["left"] and not match["right"]):
        raise ValueError(
            f"The equation {equation!r} of the layer {name!r} does not fit the number of dimensions of the input. "
            f"Received: input_shape={input_shape}"
        )
    # Sizes by letter, and the axes that the dots stand for as they come.
    if match["left"]:
        own = input_shape[elided:]
        output = (*input_shape[: max(elided, 1)], *partial_output_shape)
        letters_output = output[elided:]
    else:
        own = input_shape[: len(x)]
        output = (input_shape[0], *partial_output_shape, *(input_shape[len(x) :]))
        letters_output = output[: len(output) - elided]
    if len(letters_output) != len(y):
        raise ValueError(
            f"The output of {equation!r}, in the layer {name!r}, has the axes {y!r}, the first of which is the batch "
            f"unless dots stand there. Received: output_shape={partial_output_shape}"
        )
    inputs, outputs = dict(zip(x, own, strict=True)), dict(zip(y, letters_output, strict=True))
    for letter in x:
        if letter in outputs and outputs[letter] not in (None, inputs[letter]):
            raise ValueError(
                f"The axis {letter!r} of {equation!r}, in the layer {name!r}, has one size in the input and another in "
                f"the output. Received: input_shape={input_shape}, output_shape={partial_output_shape}"
            )
    for letter in y:
        if letter not in inputs and letter not in w:
            raise ValueError(
                f"The axis {letter!r} of the output stands neither in the input nor in the kernel, in the layer "
                f"{name!r}. Received: equation={equation!r}"
            )
    for letter in w:
        if letter not in inputs and letter not in outputs:
            raise ValueError(
                f"The axis {letter!r} of the kernel stands neither in the input nor in the output, in the layer "
                f"{name!r}. Received: equation={equation!r}"
            )
    missing = [letter for letter in bias_axes or "" if letter not in y]
    if missing:
        raise ValueError(
            f"The axes {missing} of the bias are not among those of the output {y!r}, in the layer {name!r}. "
            f"Received: bias_axes={bias_axes!r}"
        )
    bias_shape = None
    if bias_axes:
        tail = y[min(y.index(letter) for letter in bias_axes) :]
        bias_shape = tuple([outputs[letter] if letter in bias_axes else 1 for letter in tail])
        bias_shape += (1,) * (elided if match["right"] else 0)
    full = tuple([inputs.get(letter) if n is None else n for n, letter in zip(letters_output, y, strict=True)])
    return _Plan(
        tuple([outputs[letter] if letter in outputs else inputs[letter] for letter in w]),
        bias_shape,
        (*output[: len(output) - len(y)], *full) if match["left"] else (*full, *output[len(y) :]),
        [position for position, letter in enumerate(w) if letter not in outputs],
        [position for position, letter in enumerate(w) if letter in outputs],
    )
