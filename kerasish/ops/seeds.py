"""Seeds: generators that count their draws, the global one, and what a `seed=` argument stands for."""

from __future__ import annotations

import random as python_random
import threading
from typing import Any

import numpy as np

from kerasish.autodiff import Tensor, auto_name, name_scope, state
from kerasish.autodiff.host_values import frozen_changed, host_value
from kerasish.backend import K
from kerasish.ops.seed_state import LIMIT, SeedState


def _check_seed(seed: Any, name: str = "seed") -> int:
    if isinstance(seed, (bool, np.bool_)) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < LIMIT:
        raise ValueError(f"Expected {name} to be an integer in [0, 2**32). Received: {name}={seed!r}")
    return int(seed)


class SeedGenerator:
    """A seed and a counter that each random draw moves on.

    Args:
        seed: The seed, an integer in [0, 2**32), or None for one drawn by `make_default_seed`.
        name: A name, by default "seed_generator", numbered.

    Attributes:
        state: A variable `[seed, counter]` of dtype uint32 that is not trained. Saving and restoring it
            resumes the sequence exactly.

    >>> from kerasish.random import uniform
    >>> generator = SeedGenerator(seed=1)
    >>> first = uniform((2,), seed=generator)
    >>> second = uniform((2,), seed=generator)
    >>> first.tolist() == uniform((2,), seed=1).tolist(), first.tolist() == second.tolist()
    (True, False)
    """

    def __init__(self, seed: int | None = None, name: str | None = None, **kwargs: Any) -> None:
        kwargs.pop("backend", None)
        if kwargs:
            raise ValueError(f"SeedGenerator takes no such arguments. Received: {sorted(kwargs)}")
        self.name = name if name is not None else auto_name("SeedGenerator")
        self._initial_seed = seed
        value = make_default_seed() if seed is None else _check_seed(seed)
        with name_scope(self.name):
            self.state = SeedState(np.array([value, 0], np.uint32), name="seed_generator_state")

    @property
    def seed(self) -> int | None:
        """The seed that was given, or None."""
        return self._initial_seed

    def next(self, ordered: bool = True) -> Tensor:
        """The pair `[seed, counter]` for one draw; the counter then grows by one.

        Inside an abstract run, which only finds shapes, the counter stays.

        >>> generator = SeedGenerator(seed=7)
        >>> generator.next().tolist(), generator.next().tolist()
        ([7, 0], [7, 1])
        """
        return draw_seed(self)

    def get_config(self) -> dict[str, Any]:
        """The arguments that make such a generator."""
        return {"seed": self._initial_seed}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> SeedGenerator:
        """A generator from its arguments."""
        return cls(**config)

    def __repr__(self) -> str:
        return f"<SeedGenerator name={self.name}, seed={self._initial_seed}>"


_default_seeds = python_random.Random()
_global: list[SeedGenerator] = []
_lock = threading.Lock()


def make_default_seed() -> int:
    """A seed for where none is given: different each time, but repeatable after `set_global_seed`.

    >>> set_global_seed(3)
    >>> first = make_default_seed()
    >>> set_global_seed(3)
    >>> first == make_default_seed()
    True
    """
    return _default_seeds.randint(1, 10**9)


def set_global_seed(seed: int) -> None:
    """Restart the global seed generator and the sequence of default seeds."""
    seed = _check_seed(seed)
    with _lock:
        _default_seeds.seed(seed)
        frozen_changed()
        _global[:] = [SeedGenerator(seed, name="global_seed_generator")]


def global_seed_generator() -> SeedGenerator:
    """The generator of the functions that are called without a seed."""
    recorder = state.recorder
    if recorder is not None:
        return recorder.fix(_the_global)
    return _the_global()


def _the_global() -> SeedGenerator:
    with _lock:
        if not _global:
            _global.append(SeedGenerator(make_default_seed(), name="global_seed_generator"))
        return _global[0]


def seed_and_counter(seed: Any) -> tuple[int, Any]:
    """The pair `(seed, counter)` of one draw; a generator moves on.

    Both are Python numbers; in a recorded step the counter of a generator is an array without dimensions.
    """
    if isinstance(seed, SeedGenerator):
        return seed.state.draw()
    if seed is None:
        return global_seed_generator().state.draw()
    if isinstance(seed, (int, np.integer)):
        return _check_seed(seed), 0
    if isinstance(seed, (Tensor, np.ndarray)) and seed.shape == (2,):
        first, second = np.asarray(seed).tolist()
        return int(first), int(second)
    raise ValueError(
        f"Expected seed to be an integer, a SeedGenerator, or None. Received: seed={seed!r} "
        f"(of type {type(seed).__name__})"
    )


def draw_seed(seed: Any) -> Tensor:
    """The pair `[seed, counter]` that a function called with this seed uses.

    >>> draw_seed(5).tolist()
    [5, 0]
    """
    if state.recorder is None or not (seed is None or isinstance(seed, SeedGenerator)):
        return Tensor(K.asarray(np.array(seed_and_counter(seed), np.uint32)))
    held = (global_seed_generator() if seed is None else seed).state
    pair = host_value(held._read, "uint32", (2,))
    held.count()
    return Tensor(pair)
