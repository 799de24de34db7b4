"""`LSTM` and `LSTMCell`: long short-term memory."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.autodiff import Tensor
from kerasish.layers.rnn.cell import GATE_NAMES, KERNEL_NAMES, RecurrentCell, Sequence
from kerasish.layers.rnn.cell_rnn import CellRNN, of_cell


class LSTMCell(RecurrentCell):
    """One step of `LSTM`.

    With `i, f, g, o = x @ kernel + h @ recurrent_kernel + bias` and the recurrent activation `s`:
    `c' = s(f) * c + s(i) * activation(g)` and `h' = s(o) * activation(c')`. The states are `[h, c]`.

    Args:
        units: The size of the state and of the output.
        activation: The activation, tanh by default; None for none.
        recurrent_activation: The activation of the gates.
        use_bias: Whether there is a bias.
        kernel_initializer: Initializer of the kernel, which multiplies the inputs.
        recurrent_initializer: Initializer of the recurrent kernel, which multiplies the state.
        bias_initializer: Initializer of the bias.
        unit_forget_bias: Whether the bias of the forget gate starts at one.
        kernel_regularizer: Regularizer of the kernel.
        recurrent_regularizer: Regularizer of the recurrent kernel.
        bias_regularizer: Regularizer of the bias.
        kernel_constraint: Constraint of the kernel.
        recurrent_constraint: Constraint of the recurrent kernel.
        bias_constraint: Constraint of the bias.
        dropout: The part of the input's features that is dropped in training, the same ones in all steps.
        recurrent_dropout: Likewise for the state. It keeps the layer from running all steps as one kernel.
        seed: The seed of the dropout.
        **kwargs: The arguments of `Layer`, and `implementation` (1 draws a dropout mask for each gate).

    Raises:
        ValueError: If `units` is not a positive int.

    Source: Hochreiter and Schmidhuber, 1997, "Long short-term memory".

    >>> from kerasish import ops
    >>> output, states = LSTMCell(2)(ops.ones((1, 3)), [ops.zeros((1, 2)), ops.zeros((1, 2))])
    >>> output.shape, len(states)
    ((1, 2), 2)
    """

    gates = 4

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
        recurrent_activation: Any = "sigmoid",
        use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform",
        recurrent_initializer: Any = "orthogonal",
        bias_initializer: Any = "zeros",
        unit_forget_bias: bool = True,
        kernel_regularizer: Any = None,
        recurrent_regularizer: Any = None,
        bias_regularizer: Any = None,
        kernel_constraint: Any = None,
        recurrent_constraint: Any = None,
        bias_constraint: Any = None,
        dropout: float = 0.0,
        recurrent_dropout: float = 0.0,
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
        self.unit_forget_bias = unit_forget_bias
        self.state_size = [self.units, self.units]

    def _bias_start(self) -> Any:
        return self._forget_bias if self.unit_forget_bias else self.bias_initializer

    def _forget_bias(self, shape: Any, dtype: Any = None) -> Tensor:
        """The initial bias with ones for the forget gate."""
        start = self.bias_initializer
        ones = ops.ones((self.units,), dtype=dtype)
        return ops.concatenate([start((self.units,), dtype=dtype), ones, start((2 * self.units,), dtype=dtype)])

    def call(self, inputs: Any, states: Any, training: Any = False) -> Any:
        h, c = states
        dropped = self._drop("input", self.dropout, inputs, training)
        recurrent_dropped = self._drop("state", self.recurrent_dropout, h, training)
        z = self._product(inputs, self.kernel, dropped) + self._product(h, self.recurrent_kernel, recurrent_dropped)
        if self.bias is not None:
            z = z + self.bias
        i, f, g, o = ops.split(z, 4, axis=-1)
        c = self.recurrent_activation(f) * c + self.recurrent_activation(i) * self.activation(g)
        h = self.recurrent_activation(o) * self.activation(c)
        return h, [h, c]

    @property
    def _kernel_of(self) -> type[RecurrentCell]:
        return LSTMCell

    def _run_kernel(self, sequences: Tensor, states: Any, options: dict[str, Any]) -> Sequence:
        outputs, h, c = ops.lstm(
            sequences,
            self.kernel,
            self.recurrent_kernel,
            self.bias,
            states,
            activation=KERNEL_NAMES[self.activation],
            recurrent_activation=GATE_NAMES[self.recurrent_activation],
            **options,
        )
        return outputs, [h, c]

    def settings(self) -> dict[str, Any]:
        return {**super().settings(), "unit_forget_bias": self.unit_forget_bias}


class LSTM(CellRNN):
    """Long short-term memory; its step is described at `LSTMCell`.

    With the default activations (and ReLU, hard sigmoid or none) all steps run as one kernel.

    Args:
        units: The size of the state and of the output.
        activation: The activation, tanh by default; None for none.
        recurrent_activation: The activation of the gates.
        use_bias: Whether there is a bias.
        kernel_initializer: Initializer of the kernel, which multiplies the inputs.
        recurrent_initializer: Initializer of the recurrent kernel, which multiplies the state.
        bias_initializer: Initializer of the bias.
        unit_forget_bias: Whether the bias of the forget gate starts at one.
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
        use_cudnn: "auto" or False leave the choice of the computation to the layer, True refuses settings that no
            kernel knows.
        **kwargs: The arguments of `Layer`, `zero_output_for_mask` and `implementation` (1 draws a dropout mask for
            each gate).

    The inputs have the shape `(batch, time, features)`; the arguments of a call and the results are those of `RNN`.

    Raises:
        ValueError: If `units` is not a positive int.

    Source: Hochreiter and Schmidhuber, 1997, "Long short-term memory".

    >>> from kerasish import ops
    >>> outputs, h, c = LSTM(4, return_sequences=True, return_state=True)(ops.ones((32, 10, 8)))
    >>> outputs.shape, h.shape, c.shape
    ((32, 10, 4), (32, 4), (32, 4))
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
        unit_forget_bias: bool = True,
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
        use_cudnn: Any = "auto",
        **kwargs: Any,
    ) -> None:
        options = {"implementation": kwargs.pop("implementation")} if "implementation" in kwargs else {}
        cell = LSTMCell(
            units=units,
            activation=activation,
            recurrent_activation=recurrent_activation,
            use_bias=use_bias,
            kernel_initializer=kernel_initializer,
            recurrent_initializer=recurrent_initializer,
            bias_initializer=bias_initializer,
            unit_forget_bias=unit_forget_bias,
            kernel_regularizer=kernel_regularizer,
            recurrent_regularizer=recurrent_regularizer,
            bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint,
            recurrent_constraint=recurrent_constraint,
            bias_constraint=bias_constraint,
            dropout=dropout,
            recurrent_dropout=recurrent_dropout,
            seed=seed,
            dtype=kwargs.get("dtype"),
            trainable=kwargs.get("trainable", True),
            name="lstm_cell",
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
    unit_forget_bias = of_cell("unit_forget_bias")
