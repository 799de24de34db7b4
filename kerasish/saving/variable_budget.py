"""A bound on the variables that a config may ask for, so that a small file cannot fill the memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kerasish.autodiff import state

# What models may have beyond the weights in their file: states of recurrent layers, counters, and the like.
_ALLOWANCE = 1 << 24


@contextmanager
def variable_budget(elements: int) -> Iterator[None]:
    """Inside, variables may have so many elements in all, doubled, and a fixed allowance.

    Args:
        elements: How many numbers the file has.
    """
    before = state.variable_budget
    state.variable_budget = 2 * elements + _ALLOWANCE
    try:
        yield
    finally:
        state.variable_budget = before
