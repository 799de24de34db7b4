"""`GRU` and `GRUCell`: the gated recurrent unit."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.autodiff import Tensor
from kerasish.layers.rnn.cell import GATE_NAMES, KERNEL_NAMES, RecurrentCell, Sequence
from kerasish.layers.rnn.cell_rnn import CellRNN, of_cell


class GRUCell(RecurrentCell):
    """One step of `GRU`.

    With `a = x @ kernel + bias[0]`, `b = h @ recurrent_kernel + bias[1]` and the recurrent activation `s`:
    `z = s(a_z + b_z)`, `r = s(a_r + b_r)`, `h' = z * h + (1 - z) * candidate`. The candidate is
    `activation(a_h + r * b_h)` with `reset_after`; otherwise it is `activation(a_h + (r * h) @ recurrent_kernel_h)`,
    and the bias has one row only.

    Args:
        units: The size of the state and of the output.
        activation: The activation, tanh by default; None for none.
        recurrent_activation: The activation of the gates.
        use_bias: Whether there is a bias.
        kernel_initializer: Initializer of the kernel, which multiplies the inputs.
        recurrent_initializer: Initializer of the recurrent kernel, which multiplies the state.
        bias_initializer: Initializer of the bias.
        kernel_regularizer: Regularizer of the kernel.
        recurrent_regularizer: Regularizer of the recurrent kernel.
        bias_regularizer: Regularizer of the bias.
        kernel_constraint: Constraint of the kernel.
        recurrent_constraint: Constraint of the recurrent kernel.
        bias_constraint: Constraint of the bias.
        dropout: The part of the input's features that is dropped in training, the same ones in all steps.
        recurrent_dropout: Likewise for the state. It keeps the layer from running all steps as one kernel.
        reset_after: Whether the reset gate acts after the recurrent product, not before it.
        seed: The seed of the dropout.
        **kwargs: The arguments of `Layer`, and `implementation` (1 draws a dropout mask for each gate).

    Raises:
        ValueError: If `units` is not a positive int.

    Source: Cho et al., 2014, arXiv:1406.1078.

    >>> from kerasish import ops
    >>> output, states = GRUCell(2)(ops.ones((1, 3)), [ops.zeros((1, 2))])
    >>> output.shape, len(states)
    ((1, 2), 1)
    """

    gates = 3

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        reset_after: bool = True,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units=units,
            activation=activation,
            recurrent_activation=recurrent_activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            seed=seed,
            **kwargs,
        )
        self.reset_after = reset_after

    def _bias_shape(self) -> tuple[int, ...]:
        return (2, 3 * self.units) if self.reset_after else (3 * self.units,)

    def call(self, inputs: Any, states: Any, training: Any = False) -> Any:
        h = states[0] if isinstance(states, (list, tuple)) else states
        dropped = self._drop("input", self.dropout, inputs, training)
        recurrent_dropped = self._drop("state", self.recurrent_dropout, h, training)
        bias, recurrent_bias = self._biases()
        a = self._product(inputs, self.kernel, dropped)
        if bias is not None:
            a = a + bias
        a_z, a_r, a_h = ops.split(a, 3, axis=-1)
        if self.reset_after:
            b = self._product(h, self.recurrent_kernel, recurrent_dropped)
            if recurrent_bias is not None:
                b = b + recurrent_bias
            b_z, b_r, b_h = ops.split(b, 3, axis=-1)
            inner = self.recurrent_activation(a_r + b_r) * b_h
        else:
            weights = ops.cast(self.recurrent_kernel, self.compute_dtype)
            masks, mask = recurrent_dropped, None
            if isinstance(masks, list):
                masks, mask = masks[:2], masks[2]
            elif masks is not None:
                mask = masks
            b_z, b_r = ops.split(self._product(h, weights[:, : 2 * self.units], masks), 2, axis=-1)
            reset = self.recurrent_activation(a_r + b_r) * h
            inner = self._product(reset, weights[:, 2 * self.units :], mask)
        z = self.recurrent_activation(a_z + b_z)
        h = z * h + (1 - z) * self.activation(a_h + inner)
        return h, [h] if isinstance(states, (list, tuple)) else h

    def _biases(self) -> tuple[Any, Any]:
        if self.bias is None or not self.reset_after:
            return self.bias, None
        b_input, b_state = ops.unstack(ops.cast(self.bias, self.compute_dtype), axis=0)
        return b_input, b_state

    @property
    def _kernel_of(self) -> type[RecurrentCell]:
        return GRUCell

    def _run_kernel(self, sequences: Tensor, states: Any, options: dict[str, Any]) -> Sequence:
        outputs, h = ops.gru(
            sequences,
            self.kernel,
            self.recurrent_kernel,
            self.bias,
            None if states is None else states[0],
            activation=KERNEL_NAMES[self.activation],
            recurrent_activation=GATE_NAMES[self.recurrent_activation],
            reset_after=self.reset_after,
            **options,
        )
        return outputs, [h]

    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "reset_after": self.reset_after}


class GRU(CellRNN):
    """The gated recurrent unit; its step is described at `GRUCell`.

    With the default activations (and ReLU, hard sigmoid or none) all steps run as one kernel.

    Args:
        units: The size of the state and of the output.
        activation: The activation, tanh by default; None for none.
        recurrent_activation: The activation of the gates.
        use_bias: Whether there is a bias.
        kernel_initializer: Initializer of the kernel, which multiplies the inputs.
        recurrent_initializer: Initializer of the recurrent kernel, which multiplies the state.
        bias_initializer: Initializer of the bias.
        kernel_regularizer: Regularizer of the kernel.
        recurrent_regularizer: Regularizer of the recurrent kernel.
        bias_regularizer: Regularizer of the bias.
        activity_regularizer: Regularizer of the outputs.
        kernel_constraint: Constraint of the kernel.
        recurrent_constraint: Constraint of the recurrent kernel.
        bias_constraint: Constraint of the bias.
        dropout: The part of the input's features that is dropped in training, the same ones in all steps.
        recurrent_dropout: Likewise for the state. It keeps the layer from running all steps as one kernel.
        seed: The seed of the dropout.
        return_sequences: Whether to return the outputs of all steps, not only of the last.
        return_state: Whether to return the last states too.
        go_backwards: Whether to start at the last step; the outputs stand in the order of processing.
        stateful: Whether the last states are the first of the next batch.
        unroll: Kept for Keras's signature.
        reset_after: Whether the reset gate acts after the recurrent product, not before it.
        use_cudnn: "auto" or False leave the choice of the computation to the layer, True refuses settings that no
            kernel knows.
        **kwargs: The arguments of `Layer`, `zero_output_for_mask` and `implementation` (1 draws a dropout mask for
            each gate).

    The inputs have the shape `(batch, time, features)`; the arguments of a call and the results are those of `RNN`.

    Raises:
        ValueError: If `units` is not a positive int.

    Source: Cho et al., 2014, arXiv:1406.1078.

    >>> from kerasish import ops
    >>> GRU(4, return_sequences=True)(ops.ones((32, 10, 8))).shape
    (32, 10, 4)
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
        seed: int | None = None,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        reset_after: bool = True,
        use_cudnn: Any = "auto",
        **kwargs: Any,
    ) -> None:
        options = {"implementation": kwargs.pop("implementation")} if "implementation" in kwargs else {}
        cell = GRUCell(
            units=units,
            activation=activation,
            recurrent_activation=recurrent_activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            reset_after=reset_after,
            seed=seed,
            dtype=kwargs.get("dtype"),
            trainable=kwargs.get("trainable", True),
            name="gru_cell",
            **options,
        )
        super().__init__(
            cell,
            activity_regularizer=activity_regularizer,
            return_sequences=return_sequences,
            return_state=return_state,
            go_backwards=go_backwards,
            stateful=stateful,
            unroll=unroll,
            use_cudnn=use_cudnn,
            **kwargs,
        )

    recurrent_activation = of_cell("recurrent_activation")
    reset_after = of_cell("reset_after")
