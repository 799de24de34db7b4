"""`Arena`: the variables of one dtype in one contiguous buffer, with buffers for gradients and slots beside it."""

from __future__ import annotations

from typing import Any

from kerasish.autodiff import Variable
from kerasish.backend import K

# Variables begin at multiples of this many elements, so that vector loads of any of them are aligned.
_ALIGNMENT = 16


class Arena:
    """One buffer for the variables of one dtype: each variable is a view of it.

    One kernel call then updates a whole model, and a global norm is one reduction. The elements between
    variables are zero and stay zero.

    Args:
        variables: The variables, all of one dtype.

    Attributes:
        buffer: The values.
        gradient: The gradients, in the same places.
        slots: The other buffers, by name.
    """

    def __init__(self, variables: list[Variable]) -> None:
        self.variables = variables
        self.dtype = variables[0].array.dtype
        self.spans: list[tuple[int, int]] = []
        position = 0
        for variable in variables:
            self.spans.append((position, position + variable.size))
            position += -(-variable.size // _ALIGNMENT) * _ALIGNMENT
        self.size = position
        self.buffer = self.new_buffer()
        self.views = self._views(self.buffer)
        self.gradient = self.new_buffer()
        self.gradient_views = self._views(self.gradient)
        self.slots: dict[str, Any] = {}
        self.slot_variables: dict[str, list[Variable]] = {}
        for variable, view in zip(variables, self.views, strict=True):
            variable.bind(view)

    def new_buffer(self) -> Any:
        """A buffer of zeros of the arena's size and dtype."""
        return K.owned(K.zeros((self.size,), dtype=self.dtype))

    def _views(self, buffer: Any) -> list[Any]:
        return [
            buffer[start:stop].reshape(variable.array.shape)
            for variable, (start, stop) in zip(self.variables, self.spans, strict=True)
        ]

    def add_slot(self, name: str, variables: list[Variable]) -> None:
        """Put one slot variable for each variable into a buffer of their own."""
        buffer = self.new_buffer()
        for variable, view in zip(variables, self._views(buffer), strict=True):
            variable.bind(view)
        self.slots[name] = buffer
        self.slot_variables[name] = variables

    def hold(self) -> None:
        """Take back variables whose memory has moved elsewhere, such as into another optimizer's arena."""
        for variable, view in zip(self.variables, self.views, strict=True):
            if variable.array is not view:
                variable.bind(view)

    def runs(self, positions: list[int]) -> list[tuple[int, int]]:
        """The stretches of the buffer that cover these variables: few, where neighbours are asked for."""
        if len(positions) == len(self.variables):
            return [(0, self.size)]
        stretches: list[tuple[int, int]] = []
        following = -1
        for position in sorted(positions):
            start, stop = self.spans[position]
            if position == following:
                stretches[-1] = (stretches[-1][0], stop)
            else:
                stretches.append((start, stop))
            following = position + 1
        return stretches

    def __reduce__(self) -> Any:
        # A copy of an arena makes views of its own: copied arrays would not share memory.
        return _restore, (self.variables, self.slot_variables)


def _restore(variables: list[Variable], slots: dict[str, list[Variable]]) -> Arena:
    arena = Arena(variables)
    for name, members in slots.items():
        arena.add_slot(name, members)
    return arena
