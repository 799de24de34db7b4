"""`SimpleRNN` and `SimpleRNNCell`: the state is the last output."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.autodiff import Tensor
from kerasish.layers.rnn.cell import KERNEL_NAMES, RecurrentCell, Sequence
from kerasish.layers.rnn.cell_rnn import CellRNN


class SimpleRNNCell(RecurrentCell):
    """One step of `SimpleRNN`: `activation(x @ kernel + h @ recurrent_kernel + bias)`.

    Args:
        units: The size of the state and of the output.
        activation: The activation, tanh by default; None for none.
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
        seed: The seed of the dropout.
        **kwargs: The arguments of `Layer`.

    Raises:
        ValueError: If `units` is not a positive int.

    >>> from kerasish import ops
    >>> cell = SimpleRNNCell(2)
    >>> output, states = cell(ops.ones((1, 3)), [ops.zeros((1, 2))])
    >>> output.shape
    (1, 2)
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
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
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units=units,
            activation=activation,
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

    def call(self, sequence: Any, states: Any, training: Any = False) -> Any:
        previous = states[0] if isinstance(states, (list, tuple)) else states
        dropped = self._drop("input", self.dropout, sequence, training)
        recurrent_dropped = self._drop("state", self.recurrent_dropout, previous, training)
        output = self._product(sequence, self.kernel, dropped)
        if self.bias is not None:
            output = output + self.bias
        output = self.activation(output + self._product(previous, self.recurrent_kernel, recurrent_dropped))
        return output, [output] if isinstance(states, (list, tuple)) else output

    @property
    def _kernel_of(self) -> type[RecurrentCell]:
        return SimpleRNNCell

    def _run_kernel(self, sequences: Tensor, states: Any, options: dict[str, Any]) -> Sequence:
        outputs, h = ops.simple_rnn(
            sequences,
            self.kernel,
            self.recurrent_kernel,
            self.bias,
            None if states is None else states[0],
            activation=KERNEL_NAMES[self.activation],
            **options,
        )
        return outputs, [h]


class SimpleRNN(CellRNN):
    """The fully connected recurrent layer, whose output is its state.

    `h_t = activation(x_t @ kernel + h_(t-1) @ recurrent_kernel + bias)`. With tanh, ReLU, sigmoid or no activation, all
    steps run as one kernel.

    Args:
        units: The size of the state and of the output.
        activation: The activation, tanh by default; None for none.
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
        return_sequences: Whether to return the outputs of all steps, not only of the last.
        return_state: Whether to return the last states too.
        go_backwards: Whether to start at the last step; the outputs stand in the order of processing.
        stateful: Whether the last states are the first of the next batch.
        unroll: Kept for Keras's signature.
        seed: The seed of the dropout.
        **kwargs: The arguments of `Layer`, `zero_output_for_mask` and `implementation` (1 draws a dropout mask for
            each gate).

    The inputs have the shape `(batch, time, features)`; the arguments of a call and the results are those of `RNN`.

    Raises:
        ValueError: If `units` is not a positive int.

    >>> from kerasish import ops
    >>> SimpleRNN(4)(ops.ones((32, 10, 8))).shape
    (32, 4)
    """

    def __init__(
        self,
        units: int,
        activation: Any = "tanh",
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
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        options = {"implementation": kwargs.pop("implementation")} if "implementation" in kwargs else {}
        cell = SimpleRNNCell(
            units=units,
            activation=activation,
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
            dtype=kwargs.get("dtype"),
            trainable=kwargs.get("trainable", True),
            name="simple_rnn_cell",
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
            **kwargs,
        )
