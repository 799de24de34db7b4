"""`SeedState`: the seed and the counter of a generator."""

from __future__ import annotations

from typing import Any

from kerasish.autodiff import Mirrored, state
from kerasish.autodiff.host_values import frozen_changed, host_action, host_value

LIMIT = 2**32


class SeedState(Mirrored):
    """A variable `[seed, counter]` of dtype uint32; draws count on the host, without the device.

    Args:
        value: The pair.
        dtype: uint32.
        name: The name.

    >>> held = SeedState([7, 0])
    >>> held.draw(), held.draw(), held.tolist()
    ((7, 0), (7, 1), [7, 2])
    """

    __slots__ = ()

    def __init__(self, value: Any, dtype: Any = "uint32", name: str | None = None) -> None:
        super().__init__(value, dtype=dtype, name=name, autocast=False)

    def draw(self) -> tuple[int, Any]:
        """The seed and the counter for one draw; the counter then grows by one.

        In an abstract run it stays. In a recorded step, where the seed is fixed, the counter is a slot.
        """
        recorder = state.recorder
        if recorder is None:
            seed, counter = self._read()
            if not state.abstract:
                self._count()
            return seed, counter
        seed = recorder.fix(self._seed)
        if state.abstract:
            return seed, 0
        counter = host_value(self._counter, "int64")
        self.count()
        return seed, counter

    def count(self) -> None:
        """Let the counter grow by one."""
        host_action(self._count, restorer=self._restorer)

    def _seed(self) -> int:
        return self._read()[0]

    def _counter(self) -> int:
        return self._read()[1]

    def _count(self) -> None:
        self._note()
        seed, counter = self._read()
        self._host = [seed, (counter + 1) % LIMIT]
        self._lags = True

    def assign(self, value: Any) -> Any:
        """Set the seed and the counter, in place."""
        super().assign(value)
        frozen_changed()
        return self
