"""What a thread is doing: which tapes record, whether values are abstract, which dtype variables take."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from kerasish.autodiff.host_values import Recorder
    from kerasish.autodiff.journal import Journal
    from kerasish.autodiff.tape import GradientTape


class State(threading.local):
    """The state of one thread. `special` is true when `apply` must look beyond the tapes."""

    def __init__(self) -> None:
        self.tapes: tuple[GradientTape, ...] = ()
        self.abstract: bool = False
        self.autocast: str | None = None
        self.special: bool = False
        self.training: bool | None = None
        self.call_depth: int = 0
        self.names: tuple[str, ...] = ()
        self.losses: list[Any] | None = None
        self.variable_budget: int | None = None
        self.recorder: Recorder | None = None
        self.aside: bool = False
        self.journal: Journal | None = None


state = State()


@contextmanager
def abstract_mode() -> Iterator[None]:
    """Operations find shapes and dtypes instead of values, and variables keep what they hold."""
    before = state.abstract, state.special, state.tapes
    state.abstract, state.special, state.tapes = True, True, ()
    try:
        yield
    finally:
        state.abstract, state.special, state.tapes = before


@contextmanager
def autocast(dtype: str | None) -> Iterator[None]:
    """Floating-point variables enter operations in this dtype (None: in their own)."""
    before = state.autocast, state.special
    state.autocast = dtype
    state.special = state.abstract or dtype is not None or state.recorder is not None
    try:
        yield
    finally:
        state.autocast, state.special = before


@contextmanager
def training_scope(training: bool | None) -> Iterator[None]:
    """The value of `training` that layers called inside take when they are given none."""
    before = state.training
    state.training = training
    try:
        yield
    finally:
        state.training = before


@contextmanager
def no_recording() -> Iterator[None]:
    """Operations inside are not recorded by any tape."""
    before = state.tapes
    state.tapes = ()
    try:
        yield
    finally:
        state.tapes = before


@contextmanager
def name_scope(name: str) -> Iterator[None]:
    """Variables created inside carry this name in their path."""
    before = state.names
    state.names = (*before, name)
    try:
        yield
    finally:
        state.names = before


def current_path() -> str:
    """The names of the open scopes, joined by "/"."""
    return "/".join(state.names)
