"""What the built-in recurrent cells share: weights, dropout masks, and runs over whole sequences."""

from __future__ import annotations

from typing import Any

from kerasish import activations, constraints, initializers, ops, random, regularizers
from kerasish.autodiff import Tensor
from kerasish.layers.layer import Layer
from kerasish.random import SeedGenerator

KERNEL_NAMES = {
    activations.tanh: "tanh",
    activations.sigmoid: "sigmoid",
    activations.relu: "relu",
    activations.linear: "linear",
}
"""The activations that the sequence kernels know, and what they call them."""
GATE_NAMES = {**KERNEL_NAMES, activations.hard_sigmoid: "hard_sigmoid"}
"""Those that they know for gates."""

Sequence = tuple[Tensor, list[Tensor]]
"""The outputs `(batch, time, units)` and the last states."""


def positive_int(layer: str, name: str, value: Any) -> int:
    """The value as an int, or an error that names the kind of layer and the argument."""
    if isinstance(value, bool) or not hasattr(value, "__index__") or value.__index__() <= 0:
        raise ValueError(f"Expected {name} of a {layer} to be a positive int. Received: {name}={value!r}")
    return value.__index__()


class RecurrentCell(Layer):
    """The base of `SimpleRNNCell`, `GRUCell` and `LSTMCell`: one step of a recurrent network.

    A subclass sets `gates`, the number of blocks of `units` columns in its kernels, and writes `call` and
    `_run_kernel`.

    Args:
        units: The size of the state and of the output.
        activation: The activation.
        use_bias: Whether there is a bias.
        kernel_initializer: Initializer of the kernel, which multiplies the input.
        recurrent_initializer: Initializer of the recurrent kernel, which multiplies the state.
        bias_initializer: Initializer of the bias.
        kernel_regularizer: Regularizer of the kernel.
        recurrent_regularizer: Regularizer of the recurrent kernel.
        bias_regularizer: Regularizer of the bias.
        kernel_constraint: Constraint of the kernel.
        recurrent_constraint: Constraint of the recurrent kernel.
        bias_constraint: Constraint of the bias.
        dropout: The part of the input's features that is dropped in training, the same ones in all steps.
        recurrent_dropout: Likewise for the state.
        seed: The seed of the dropout.
        recurrent_activation: The activation of the gates, for cells that have gates.
        implementation: 1 for a dropout mask of its own for each gate, 2 for one mask.
        **kwargs: The arguments of `Layer`.
    """

    gates = 1
    bias: Any

    def __init__(
        self,
        units: int,
        activation: Any,
        use_bias: bool,
        kernel_initializer: Any,
        recurrent_initializer: Any,
        bias_initializer: Any,
        kernel_regularizer: Any,
        recurrent_regularizer: Any,
        bias_regularizer: Any,
        kernel_constraint: Any,
        recurrent_constraint: Any,
        bias_constraint: Any,
        dropout: float,
        recurrent_dropout: float,
        seed: int | None,
        recurrent_activation: Any = None,
        implementation: int = 2,
        **kwargs: Any,
    ) -> None:
        units = positive_int(type(self).__name__, "units", units)
        super().__init__(**kwargs)
        self.units = units
        self.activation = activations.get(activation)
        self.recurrent_activation = activations.get(recurrent_activation)
        self.use_bias = use_bias
        self.kernel_initializer = initializers.get(kernel_initializer)
        self.recurrent_initializer = initializers.get(recurrent_initializer)
        self.bias_initializer = initializers.get(bias_initializer)
        self.kernel_regularizer = regularizers.get(kernel_regularizer)
        self.recurrent_regularizer = regularizers.get(recurrent_regularizer)
        self.bias_regularizer = regularizers.get(bias_regularizer)
        self.kernel_constraint = constraints.get(kernel_constraint)
        self.recurrent_constraint = constraints.get(recurrent_constraint)
        self.bias_constraint = constraints.get(bias_constraint)
        self.dropout = min(1.0, max(0.0, dropout))
        self.recurrent_dropout = min(1.0, max(0.0, recurrent_dropout))
        self.implementation = 1 if self.recurrent_dropout else implementation
        self.seed = seed
        self.seed_generator = SeedGenerator(seed)
        self.state_size: Any = self.units
        self.output_size = self.units
        self._masks: dict[str, Any] = {}

    def build(self, input_shape: Any) -> None:
        self.kernel = self.add_weight(
            shape=(input_shape[-1], self.gates * self.units),
            name="kernel",
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=self.kernel_constraint,
        )
        self.recurrent_kernel = self.add_weight(
            shape=(self.units, self.gates * self.units),
            name="recurrent_kernel",
            initializer=self.recurrent_initializer,
            regularizer=self.recurrent_regularizer,
            constraint=self.recurrent_constraint,
        )
        self.bias = None
        if self.use_bias:
            self.bias = self.add_weight(
                shape=self._bias_shape(),
                name="bias",
                initializer=self._bias_start(),
                regularizer=self.bias_regularizer,
                constraint=self.bias_constraint,
            )

    def _bias_shape(self) -> tuple[int, ...]:
        return (self.gates * self.units,)

    def _bias_start(self) -> Any:
        return self.bias_initializer

    def get_initial_state(self, batch_size: int | None = None) -> list[Tensor]:
        """Zeros, `(batch_size, units)`, for each state."""
        sizes = self.state_size if isinstance(self.state_size, list) else [self.state_size]
        return [ops.zeros((batch_size, size), dtype=self.compute_dtype) for size in sizes]

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        # Tracing must not leave masks without values behind.
        try:
            return super().compute_output_spec(*args, **kwargs)
        finally:
            self.reset_masks()

    # ---------------------------------------------------------------- dropout

    def _drop(self, which: str, rate: float, x: Tensor, training: Any) -> Any:
        """The mask that `x` is multiplied by in all steps: one, a list with one for each gate, or None."""
        if not training or not 0 < rate < 1:
            return None
        masks = self._masks.get(which)
        if masks is None or (masks[0] if isinstance(masks, list) else masks).shape != x.shape:
            count = self.gates if self.implementation == 1 and self.gates > 1 else 0
            ones = ops.ones_like(x)
            drawn = [random.dropout(ones, rate, seed=self.seed_generator) for _ in range(count or 1)]
            masks = self._masks[which] = drawn if count else drawn[0]
        return masks

    def get_dropout_mask(self, step_input: Tensor) -> Any:
        """The mask of the input, drawn on the first call and kept until `reset_dropout_mask`."""
        return self._drop("input", self.dropout, step_input, True)

    def get_recurrent_dropout_mask(self, step_input: Tensor) -> Any:
        """The mask of the state, drawn on the first call and kept until `reset_recurrent_dropout_mask`."""
        return self._drop("state", self.recurrent_dropout, step_input, True)

    def reset_dropout_mask(self) -> None:
        """Forget the mask of the input."""
        self._masks.pop("input", None)

    def reset_recurrent_dropout_mask(self) -> None:
        """Forget the mask of the state."""
        self._masks.pop("state", None)

    def reset_masks(self) -> None:
        """Forget both masks, at the end of a sequence."""
        self._masks.clear()

    def _product(self, x: Tensor, weight: Any, masks: Any) -> Tensor:
        """`x @ weight` with the masks on `x`: one for all columns, or one for each gate."""
        if masks is None:
            return ops.matmul(x, weight)
        if not isinstance(masks, list):
            return ops.matmul(x * masks, weight)
        blocks = ops.split(ops.cast(weight, self.compute_dtype), len(masks), axis=1)
        return ops.concatenate([ops.matmul(x * m, block) for m, block in zip(masks, blocks, strict=True)], axis=-1)

    # ---------------------------------------------------------------- whole sequences

    def run_sequence(
        self, sequences: Tensor, states: Any, mask: Any, training: Any, reverse: bool, zero_output_for_mask: bool
    ) -> Sequence | None:
        """All steps by one kernel, or None where only the loop over `call` computes what is asked for.

        Args:
            sequences: `(batch, time, features)`.
            states: The first states; None for zeros.
            mask: `(batch, time)`, or None.
            training: Whether dropout is active.
            reverse: Whether to start at the last step.
            zero_output_for_mask: Whether the outputs of masked steps are zero.
        """
        if not self.can_run_sequence(training) or len(sequences.shape) != 3:
            return None
        if training and 0 < self.dropout < 1:
            sequences = random.dropout(sequences, self.dropout, (None, 1, None), self.seed_generator)
        options = {"mask": mask, "reverse": reverse, "zero_output_for_mask": zero_output_for_mask}
        return self._run_kernel(sequences, states, options)

    def can_run_sequence(self, training: Any) -> bool:
        """Whether the kernel computes what a loop over `call` would."""
        if self.activation not in KERNEL_NAMES or (self.gates > 1 and self.recurrent_activation not in GATE_NAMES):
            return False
        if type(self).call is not self._kernel_of.call:
            return False
        if not training or not max(self.dropout, self.recurrent_dropout) > 0:
            return True
        one_mask = self.implementation != 1 or self.gates == 1 or not 0 < self.dropout < 1
        return one_mask and not 0 < self.recurrent_dropout < 1

    @property
    def _kernel_of(self) -> type[RecurrentCell]:
        """The class whose `call` the kernel stands for; a subclass may have changed it."""
        raise NotImplementedError

    def _run_kernel(self, sequences: Tensor, states: Any, options: dict[str, Any]) -> Sequence:
        raise NotImplementedError

    # ---------------------------------------------------------------- configs

    def settings(self) -> dict[str, Any]:
        """The cell's own arguments, as values of JSON."""
        gated = {} if self.gates == 1 else {"recurrent_activation": activations.serialize(self.recurrent_activation)}
        return {
            "units": self.units,
            "activation": activations.serialize(self.activation),
            **gated,
            "use_bias": self.use_bias,
            "kernel_initializer": initializers.serialize(self.kernel_initializer),
            "recurrent_initializer": initializers.serialize(self.recurrent_initializer),
            "bias_initializer": initializers.serialize(self.bias_initializer),
            "kernel_regularizer": regularizers.serialize(self.kernel_regularizer),
            "recurrent_regularizer": regularizers.serialize(self.recurrent_regularizer),
            "bias_regularizer": regularizers.serialize(self.bias_regularizer),
            "kernel_constraint": constraints.serialize(self.kernel_constraint),
            "recurrent_constraint": constraints.serialize(self.recurrent_constraint),
            "bias_constraint": constraints.serialize(self.bias_constraint),
            "dropout": self.dropout,
            "recurrent_dropout": self.recurrent_dropout,
            "seed": self.seed,
        }

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), **self.settings()}
