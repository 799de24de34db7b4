"""`HostScalar`: a scalar variable whose value is known without asking the device."""

from __future__ import annotations

from typing import Any

from kerasish.autodiff import Variable
from kerasish.backend import K


class HostScalar(Variable):
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

    __slots__ = ("_flat", "_one", "host")

    def __init__(self, value: Any, dtype: Any = None, name: str | None = None) -> None:
        super().__init__(value, dtype=dtype, trainable=False, aggregation="only_first_replica", name=name)
        self._take()

    def _take(self) -> None:
        self.host = K.to_numpy(self.array).item()
        self._flat = self.array.reshape(1)
        self._one = K.ones((1,), dtype=self.array.dtype)

    def assign(self, value: Any) -> HostScalar:
        """Set the value, in place."""
        super().assign(value)
        self.host = K.to_numpy(self.array).item()
        return self

    def advance(self) -> None:
        """Add 1."""
        K.accumulate(self._flat, self._one)
        self.host += 1

    def bind(self, array: Any) -> None:
        """Move the value into another array."""
        super().bind(array)
        self._take()

    def __float__(self) -> float:
        return float(self.host)

    def __int__(self) -> int:
        return int(self.host)

    def __deepcopy__(self, memo: dict[int, Any]) -> HostScalar:
        copy = _restore(self.host, self.dtype, self.name, self.path)
        memo[id(self)] = copy
        return copy

    def __reduce__(self) -> Any:
        return _restore, (self.host, self.dtype, self.name, self.path)


def _restore(value: Any, dtype: str, name: str, path: str) -> HostScalar:
    scalar = HostScalar(value, dtype=dtype, name=name)
    scalar.path = path
    return scalar
