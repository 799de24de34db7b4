"""`CellRNN`: the base of the recurrent layers that make their cell themselves."""

from __future__ import annotations

from typing import Any

from kerasish import regularizers
from kerasish.layers.input_spec import InputSpec
from kerasish.layers.rnn.cell import RecurrentCell
from kerasish.layers.rnn.rnn import RNN


def of_cell(name: str) -> Any:
    """A property that reads an attribute of the layer's cell."""
    return property(lambda self: getattr(self.cell, name), doc=f"The `{name}` of the cell.")


class CellRNN(RNN):
    """The base of `SimpleRNN`, `GRU` and `LSTM`.

    Args:
        cell: The cell.
        use_cudnn: Whether all steps must run as one kernel: "auto" and False leave the choice to the layer, True
            refuses settings that no kernel knows.
        **kwargs: The arguments of `RNN`.
    """

    cell: RecurrentCell

    def __init__(self, cell: RecurrentCell, use_cudnn: Any = "auto", **kwargs: Any) -> None:
        if use_cudnn not in ("auto", True, False):
            raise ValueError(f"Expected use_cudnn to be 'auto', True or False. Received: use_cudnn={use_cudnn!r}")
        super().__init__(cell, **kwargs)
        self.input_spec = InputSpec(ndim=3)
        self.use_cudnn = use_cudnn

    units = of_cell("units")
    activation = of_cell("activation")
    use_bias = of_cell("use_bias")
    kernel_initializer = of_cell("kernel_initializer")
    recurrent_initializer = of_cell("recurrent_initializer")
    bias_initializer = of_cell("bias_initializer")
    kernel_regularizer = of_cell("kernel_regularizer")
    recurrent_regularizer = of_cell("recurrent_regularizer")
    bias_regularizer = of_cell("bias_regularizer")
    kernel_constraint = of_cell("kernel_constraint")
    recurrent_constraint = of_cell("recurrent_constraint")
    bias_constraint = of_cell("bias_constraint")
    dropout = of_cell("dropout")
    recurrent_dropout = of_cell("recurrent_dropout")
    seed = of_cell("seed")

    def inner_loop(self, sequences: Any, initial_state: Any, mask: Any, training: Any = False) -> Any:
        if self.use_cudnn is True and not self.cell.can_run_sequence(training):
            raise ValueError(
                f"No kernel runs the whole sequence with the settings of the layer {self.name!r} (its activations or "
                "its dropout): use_cudnn='auto' computes them step by step. Received: use_cudnn=True"
            )
        return super().inner_loop(sequences, initial_state, mask, training)

    def get_config(self) -> dict[str, Any]:
        return {
            **self._own_config(),
            **self.cell.settings(),
            "activity_regularizer": regularizers.serialize(self.activity_regularizer),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        return cls(**config)
