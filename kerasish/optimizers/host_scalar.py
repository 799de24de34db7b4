"""`HostScalar`: a scalar variable whose value is known without asking the device."""

from __future__ import annotations

from typing import Any

from kerasish.autodiff import Mirrored, state
from kerasish.autodiff.host_values import host_action, raw
from kerasish.backend import K


class HostScalar(Mirrored):
    """A scalar variable with a copy of its value on the host.

    Optimizers read the step and the learning rate at each step; waiting for the device would stop it.

    Args:
        value: The first value.
        dtype: The dtype.
        name: The name.

    >>> v = HostScalar(0.5, dtype="float32", name="rate")
    >>> _ = v.assign(0.25)
    >>> v.host, float(v)
    (0.25, 0.25)
    """

    __slots__ = ()

    def __init__(self, value: Any, dtype: Any = None, name: str | None = None) -> None:
        super().__init__(value, dtype=dtype, name=name, aggregation="only_first_replica")

    def number(self) -> Any:
        """The value for a kernel: a Python number, or in a recorded step an array without dimensions."""
        return self.host if state.recorder is None else self.array

    def advance(self) -> None:
        """Add 1."""
        recorder = state.recorder
        if recorder is None:
            self._count()
        elif recorder.leads(self):
            K.accumulate(raw(self).reshape(1), K.ones((1,), dtype=raw(self).dtype))
            self.forget_host()
        else:
            host_action(self._count, restorer=self._restorer)

    def _count(self) -> None:
        self._note()
        host = self._host
        self._host = (self._read() if host is None else host) + 1
        self._lags = True
