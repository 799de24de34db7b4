"""`RNN`: a cell run over the steps of a sequence."""

from __future__ import annotations

from typing import Any

from kerasish import ops, tree
from kerasish.autodiff import KerasTensor, Tensor, Variable
from kerasish.layers.layer import Layer
from kerasish.layers.rnn.stacked_rnn_cells import StackedRNNCells, as_list, call_cell, forget_masks
from kerasish.saving.serialization_lib import deserialize_keras_object, serialize_keras_object


class _States:
    """Holds the variables of a stateful layer, which are no weights: they are neither counted nor saved."""

    def __init__(self, variables: Any) -> None:
        self.variables = variables


class RNN(Layer):
    """Runs a cell over the time axis, each step with the states that the one before it left.

    A cell has `call(inputs_at_t, states_at_t)`, which returns `(outputs_at_t, states_at_t_plus_1)`, a `state_size` (an
    int, or a list of ints for several states), and may have an `output_size` and a
    `get_initial_state(batch_size)`.

    Args:
        cell: A cell, or a list of cells, each of which takes the outputs of the one before it.
        return_sequences: Whether to return the outputs of all steps, not only of the last.
        return_state: Whether to return the last states too.
        go_backwards: Whether to start at the last step; the outputs stand in the order of processing.
        stateful: Whether the last states are the first of the next batch.
        unroll: Kept for Keras's signature.
        zero_output_for_mask: Whether masked steps put out zeros, not the output before them.
        **kwargs: The arguments of `Layer`.

    Call arguments:
        sequences: `(batch, time, ...)`.
        initial_state: The first states: a list of tensors `(batch, state_size)`; by default zeros.
        mask: Booleans, `(batch, time)`; a step that is false changes nothing.
        training: Whether dropout is active.

    Returns the outputs, `(batch, time, output_size)` or `(batch, output_size)`, followed by the states if they are
    asked for.

    Raises:
        ValueError: If the cell lacks what a cell must have.

    >>> from kerasish import layers, ops
    >>> rnn = RNN([layers.LSTMCell(3), layers.LSTMCell(4)], return_sequences=True)
    >>> rnn(ops.ones((2, 5, 6))).shape
    (2, 5, 4)
    """

    def __init__(
        self,
        cell: Any,
        return_sequences: bool = False,
        return_state: bool = False,
        go_backwards: bool = False,
        stateful: bool = False,
        unroll: bool = False,
        zero_output_for_mask: bool = False,
        **kwargs: Any,
    ) -> None:
        if isinstance(cell, (list, tuple)):
            cell = StackedRNNCells(list(cell))
        if not callable(getattr(cell, "call", None)):
            raise ValueError(f"Expected the cell of an RNN to have a `call` method. Received: cell={cell!r}")
        size = getattr(cell, "state_size", None)
        if not isinstance(size, (int, list, tuple)) or isinstance(size, bool):
            raise ValueError(
                "Expected the cell of an RNN to have a `state_size`: an int, or a list of ints. "
                f"Received: cell={cell!r}, state_size={size!r}"
            )
        super().__init__(**kwargs)
        self.cell = cell
        self.return_sequences = return_sequences
        self.return_state = return_state
        self.go_backwards = go_backwards
        self.stateful = stateful
        self.unroll = unroll
        self.zero_output_for_mask = zero_output_for_mask
        self.supports_masking = True
        self.single_state = isinstance(size, int)
        self.state_size = [size] if isinstance(size, int) else list(size)
        self._held = _States(None)

    # ---------------------------------------------------------------- shapes

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:
        batch, length = sequences_shape[:2]
        size = getattr(self.cell, "output_size", None)
        if size is None:
            size = tree.flatten(self.state_size)[0]
        output = (batch, length, size) if self.return_sequences else (batch, size)
        if not self.return_state:
            return output
        return output, *[
            (batch, size) if isinstance(size, int) else [(batch, each) for each in size] for size in self.state_size
        ]

    def compute_output_spec(self, *args: Any, **kwargs: Any) -> Any:
        shapes = self._shapes(self._signature.bind(args, kwargs))
        output = self.compute_output_shape(shapes[self._signature.first])
        if not self.return_state:
            return KerasTensor(output, self.compute_dtype)

        def spec(shape: Any) -> Any:
            if isinstance(shape, list):
                return [spec(each) for each in shape]
            return KerasTensor(shape, self.compute_dtype)

        return tuple([spec(shape) for shape in output])

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        mask = tree.flatten(previous_mask)[0] if self.return_sequences else None
        return [mask, *[None for _ in self.state_size]] if self.return_state else mask

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        if isinstance(self.cell, Layer) and not self.cell.built:
            self.cell.build((sequences_shape[0], *sequences_shape[2:]))
            self.cell.built = True
        if self.stateful and self.states is None:
            self._create_states(sequences_shape)
        elif self.stateful:
            self.reset_state()

    # ---------------------------------------------------------------- states

    def _create_states(self, shape: Any) -> None:
        batch = shape[0]
        if batch is None:
            raise ValueError(
                f"The stateful layer {self.name!r} needs a fixed batch size: give `batch_shape` or `batch_size` to "
                f"the Input. Received: sequences_shape={tuple(shape)}"
            )
        initial = self.get_initial_state(batch)

        # Through an initializer, so that the values are real where the layer is built by a trace.
        def variable(position: int, like: Tensor) -> Variable:
            return Variable(
                lambda shape, dtype: tree.flatten(self.get_initial_state(batch))[position],
                shape=like.shape,
                dtype=self.variable_dtype,
                trainable=False,
                name="rnn_state",
            )

        flat = [variable(position, like) for position, like in enumerate(tree.flatten(initial))]
        self._held.variables = tree.pack_sequence_as(initial, flat)

    @property
    def states(self) -> Any:
        """The states that a stateful layer keeps, or None."""
        return self._held.variables

    def get_initial_state(self, batch_size: int) -> list[Any]:
        """The first states where none are given: those of the cell, or zeros."""
        make = getattr(self.cell, "get_initial_state", None)
        if make is not None:
            return as_list(make(batch_size=batch_size))
        dtype = getattr(self.cell, "compute_dtype", self.compute_dtype)
        return tree.map_structure(lambda size: ops.zeros((batch_size, size), dtype=dtype), list(self.state_size))

    def reset_state(self) -> None:
        """Set the states of a stateful layer to zero."""
        for variable in tree.flatten(self.states) if self.states is not None else ():
            variable.assign(ops.zeros_like(variable))

    def reset_states(self) -> None:
        """Set the states of a stateful layer to zero."""
        self.reset_state()

    def _first_states(self, sequences: Tensor, initial_state: Any) -> Any:
        """The states to start from, None standing for zeros."""
        if self.stateful and self.states is not None:
            expected = tree.flatten(self.states)[0].shape[0]
            if sequences.shape[0] != expected:
                raise ValueError(
                    f"The stateful layer {self.name!r} keeps states for batches of {expected}. "
                    f"Received: sequences.shape={tuple(sequences.shape)}"
                )
            if initial_state is None:
                # The variables are assigned before a gradient is taken, so the computation gets copies.
                return tree.map_structure(lambda v: ops.copy(self._cast(v)), self.states)
        if initial_state is None:
            return None
        initial_state = list(as_list(initial_state))
        if len(initial_state) != len(self.state_size):
            raise ValueError(
                f"The layer {self.name!r} has {len(self.state_size)} states. "
                f"Received: initial_state with {len(initial_state)}"
            )
        return tree.map_structure(self._cast, initial_state)

    def _cast(self, x: Any) -> Tensor:
        return ops.cast(x, self.compute_dtype)

    # ---------------------------------------------------------------- calls

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: Any = False) -> Any:
        states = self._first_states(sequences, initial_state)
        mask = tree.flatten(mask)[0]
        if mask is not None and len(mask.shape) == 3:
            mask = ops.any(mask, axis=-1)
        try:
            last, outputs, states = self.inner_loop(sequences, states, mask, training)
        finally:
            forget_masks(self.cell)
        last, outputs, states = tree.map_structure(self._in_compute_dtype, (last, outputs, states))
        if self.stateful and self.states is not None:
            for variable, value in zip(tree.flatten(self.states), tree.flatten(states), strict=True):
                variable.assign(value)
        output = outputs if self.return_sequences else last
        return (output, *states) if self.return_state else output

    def _in_compute_dtype(self, x: Any) -> Any:
        return x if x is None or x.dtype == self.compute_dtype else ops.cast(x, self.compute_dtype)

    def inner_loop(self, sequences: Tensor, initial_state: Any, mask: Any, training: Any = False) -> Any:
        """The last output, the outputs of all steps (None where only the last is needed), and the last states."""
        run = getattr(self.cell, "run_sequence", None)
        if run is not None and self.cell.compute_dtype == self.compute_dtype:
            found = run(sequences, initial_state, mask, training, self.go_backwards, self.zero_output_for_mask)
            if found is not None:
                outputs, states = found
                return self._last_output(outputs, states, initial_state, mask)
        return self._step_by_step(sequences, initial_state, mask, training)

    def _last_output(self, outputs: Tensor, states: Any, initial_state: Any, mask: Any) -> Any:
        """The outputs of a kernel with the last one, which is a state in all cells that have kernels."""
        if self.return_sequences:
            return None, outputs, states
        if mask is not None and (self.zero_output_for_mask or initial_state is not None):
            return outputs[:, -1], None, states
        last = states[-1] if isinstance(self.cell, StackedRNNCells) else states
        return as_list(last)[0], None, states

    def _step_by_step(self, sequences: Tensor, states: Any, mask: Any, training: Any) -> Any:
        if states is None:
            states = self.get_initial_state(sequences.shape[0])
        steps = list(ops.unstack(sequences, axis=1))
        masks = [None] * len(steps) if mask is None else list(ops.unstack(ops.cast(mask, "bool"), axis=1))
        if not steps:
            raise ValueError(
                f"The layer {self.name!r} needs at least one step. Received: sequences.shape={tuple(sequences.shape)}"
            )
        if self.go_backwards:
            steps.reverse()
            masks.reverse()
        outputs: list[Tensor] = []
        for x, valid in zip(steps, masks, strict=True):
            output, new_states = call_cell(self.cell, x, states, training)
            new_states = as_list(new_states)
            if valid is not None:
                kept = ops.zeros_like(output) if self.zero_output_for_mask or not outputs else outputs[-1]
                output = _choose(valid, output, kept)
                chosen = [
                    _choose(valid, new, old)
                    for new, old in zip(tree.flatten(new_states), tree.flatten(states), strict=True)
                ]
                new_states = tree.pack_sequence_as(new_states, chosen)
            states = new_states
            outputs.append(output)
        return outputs[-1], ops.stack(outputs, axis=1) if self.return_sequences else None, states

    # ---------------------------------------------------------------- configs

    def _own_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "return_sequences": self.return_sequences,
            "return_state": self.return_state,
            "go_backwards": self.go_backwards,
            "stateful": self.stateful,
            "unroll": self.unroll,
            "zero_output_for_mask": self.zero_output_for_mask,
        }

    def get_config(self) -> dict[str, Any]:
        return {**self._own_config(), "cell": serialize_keras_object(self.cell)}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        config = dict(config)
        return cls(deserialize_keras_object(config.pop("cell"), custom_objects, family="layers"), **config)


def _choose(valid: Tensor, new: Tensor, old: Tensor) -> Tensor:
    """`new` for the samples that are valid, `old` for the others."""
    return ops.where(ops.reshape(valid, (-1, *[1] * (new.ndim - 1))), new, old)
