"""`StackedRNNCells`: several cells as one."""

from __future__ import annotations

from typing import Any

from kerasish import ops, tree
from kerasish.autodiff import Tensor
from kerasish.layers.layer import Layer
from kerasish.layers.rnn.cell import RecurrentCell
from kerasish.saving.serialization_lib import deserialize_keras_object, serialize_keras_object


def as_list(states: Any) -> list[Any]:
    """The states of a cell as a list, also where there is but one."""
    return list(states) if isinstance(states, (list, tuple)) else [states]


def call_cell(cell: Any, inputs: Any, states: Any, training: Any) -> Any:
    """One step of any cell: a layer, a callable, or an object with a `call`."""
    if isinstance(cell, Layer):
        if cell._signature.has_training:
            return cell(inputs, states, training=training)
        return cell(inputs, states)
    return cell(inputs, states) if callable(cell) else cell.call(inputs, states)


def forget_masks(cell: Any) -> None:
    """Let a cell, and the cells inside it, draw new dropout masks for the next sequence."""
    if isinstance(cell, RecurrentCell):
        cell.reset_masks()
    elif isinstance(cell, StackedRNNCells):
        for each in cell.cells:
            forget_masks(each)


def output_size(cell: Any) -> int:
    """The size of what a cell puts out: its `output_size`, else that of its first state."""
    size = getattr(cell, "output_size", None)
    return size if size is not None else tree.flatten(cell.state_size)[0]


class StackedRNNCells(Layer):
    """Cells on top of each other, each of which takes the outputs of the one before it.

    Args:
        cells: A list of cells.
        **kwargs: The arguments of `Layer`.

    Raises:
        ValueError: If a cell lacks a `call` or a `state_size`.

    >>> from kerasish import layers, ops
    >>> cells = StackedRNNCells([layers.GRUCell(3), layers.SimpleRNNCell(4)])
    >>> layers.RNN(cells)(ops.ones((2, 5, 6))).shape
    (2, 4)
    """

    def __init__(self, cells: Any, **kwargs: Any) -> None:
        for cell in cells:
            for needed in ("call", "state_size"):
                if not hasattr(cell, needed):
                    raise ValueError(f"Expected each of the stacked cells to have `{needed}`. Received: {cell!r}")
        if not cells:
            raise ValueError(f"Expected at least one cell to stack. Received: cells={cells!r}")
        super().__init__(**kwargs)
        self.cells = list(cells)

    @property
    def state_size(self) -> list[Any]:
        """The sizes of the states of each cell."""
        return [cell.state_size for cell in self.cells]

    @property
    def output_size(self) -> int:
        """The size of what the last cell puts out."""
        return output_size(self.cells[-1])

    def get_initial_state(self, batch_size: int | None = None) -> list[Any]:
        """The first states of each cell."""
        states = []
        for cell in self.cells:
            make = getattr(cell, "get_initial_state", None)
            if make is not None:
                states.append(make(batch_size=batch_size))
            else:
                size = cell.state_size
                zeros = [ops.zeros((batch_size, each), dtype=self.compute_dtype) for each in tree.flatten(size)]
                states.append(zeros[0] if isinstance(size, int) else zeros)
        return states

    def build(self, input_shape: Any) -> None:
        batch = input_shape[0]
        for cell in self.cells:
            if isinstance(cell, Layer) and not cell.built:
                cell.build(input_shape)
                cell.built = True
            input_shape = (batch, output_size(cell))

    def call(self, inputs: Any, states: Any, training: Any = False) -> Any:
        new_states = []
        for cell, state in zip(self.cells, states, strict=True):
            inputs, new = call_cell(cell, inputs, as_list(state), training)
            new = as_list(new)
            new_states.append(new if isinstance(state, (list, tuple)) else new[0])
        return inputs, new_states

    def run_sequence(
        self, sequences: Tensor, states: Any, mask: Any, training: Any, reverse: bool, zero_output_for_mask: bool
    ) -> Any:
        """All steps of one cell after the other, each by its kernel; None where a cell needs single steps."""
        if type(self).call is not StackedRNNCells.call:
            return None
        for cell in self.cells:
            if not isinstance(cell, RecurrentCell) or cell.compute_dtype != self.compute_dtype:
                return None
            if not cell.can_run_sequence(training):
                return None
        new_states = []
        for position, cell in enumerate(self.cells):
            last = position == len(self.cells) - 1
            state = None if states is None else as_list(states[position])
            sequences, new = cell.run_sequence(sequences, state, mask, training, reverse, zero_output_for_mask and last)
            nested = states is None or isinstance(states[position], (list, tuple))
            new_states.append(new if nested else new[0])
            if reverse:
                # What comes out is in the order of processing already.
                reverse, mask = False, None if mask is None else ops.flip(mask, axis=1)
        return sequences, new_states

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "cells": [serialize_keras_object(cell) for cell in self.cells]}

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        config = dict(config)
        cells = [deserialize_keras_object(cell, custom_objects, family="layers") for cell in config.pop("cells")]
        return cls(cells, **config)
