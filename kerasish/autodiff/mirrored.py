"""`Mirrored`: a small variable whose value the host knows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish.autodiff.host_values import host_action, raw, set_raw
from kerasish.autodiff.state import state
from kerasish.autodiff.tensor import Tensor
from kerasish.autodiff.variable import Variable
from kerasish.backend import K
from kerasish.backend.dtypes import dtype_name


class Mirrored(Variable):
    """A small variable with a copy of its value on the host, which is read without waiting for the device.

    The host's copy leads: the device's follows when something reads it. A tensor that is assigned, and a recorded step
    that calls `lead_on_device`, leave the value on the device alone, and the host reads it when it is next asked.

    Args:
        value: The first value.
        dtype: The dtype.
        name: The name.

    Attributes:
        host: The value: a Python number, or a list of them.

    >>> v = Mirrored([3, 4], dtype="int32", name="pair")
    >>> v.set_host([5, 6])
    >>> v.host, v.tolist()
    ([5, 6], [5, 6])
    """

    __slots__ = ("_host", "_lags")

    def __init__(self, value: Any, dtype: Any = None, name: str | None = None, **kwargs: Any) -> None:
        self._host: Any = None
        self._lags = False
        super().__init__(value, dtype=dtype, trainable=False, name=name, **kwargs)

    @property
    def array(self) -> Any:
        """The array on the device; in a recorded step, a slot with the value of the host."""
        recorder = state.recorder
        if recorder is not None and not recorder.leads(self):
            held = raw(self)
            return recorder.value(self._read, held.dtype, held.shape)
        if state.aside:
            # Beside a recording, the variable's own memory is out of step.
            return K.asarray(np.asarray(self.host, raw(self).dtype))
        self._flush()
        return raw(self)

    @array.setter
    def array(self, array: Any) -> None:
        set_raw(self, array)
        self._host, self._lags = None, False

    @property
    def shape(self) -> tuple[int, ...]:
        """The size of each dimension."""
        return raw(self).shape

    @property
    def dtype(self) -> str:
        """The name of the dtype."""
        return dtype_name(raw(self).dtype)

    @property
    def ndim(self) -> int:
        """The number of dimensions."""
        return raw(self).ndim

    @property
    def size(self) -> int:
        """The number of elements."""
        return raw(self).size

    @property
    def host(self) -> Any:
        """The value on the host."""
        if state.recorder is not None:
            state.recorder.refuse(f"the value of {self.path!r} is read on the host")
        host = self._host
        return self._read() if host is None else host

    def _read(self) -> Any:
        if self._host is None:
            self._host = K.to_numpy(raw(self)).tolist()
        return self._host

    def _flush(self) -> None:
        if self._lags:
            K.copy_into(raw(self), K.asarray(np.asarray(self._host, raw(self).dtype)))
            self._lags = False

    def settle(self) -> None:
        """Let the host and the device both know the value."""
        self._read()
        self._flush()

    def _forget(self) -> None:
        self._host, self._lags = None, False

    def _restorer(self) -> Callable[[], None]:
        """A function that takes back what happens to the value from now on."""
        host, lags = self._host, self._lags

        def restore() -> None:
            self._host, self._lags = host, lags

        return restore

    def _known(self) -> Callable[[], None]:
        """A function that brings back the value, which the host knows."""
        host = self._read()

        def restore() -> None:
            self._host, self._lags = host, True

        return restore

    def _copied(self) -> Callable[[], None]:
        host, before = self._host, None if self._host is not None else K.owned(raw(self))

        def restore() -> None:
            self._host, self._lags = host, host is not None
            if before is not None:
                K.copy_into(raw(self), before)

        return restore

    def _note(self) -> None:
        """Before the host changes the value."""
        if state.journal is not None:
            state.journal.note(self, self._known)

    def set_host(self, value: Any) -> None:
        """Set the value to a number (or a list of them) that the host knows; the device's copy follows."""
        self._note()
        self._host = np.asarray(value).astype(raw(self).dtype).tolist()
        self._lags = True

    def assign(self, value: Any) -> Any:
        """Set the value, in place."""
        if isinstance(value, Tensor) or not isinstance(value, (int, float, np.generic)) or self.ndim:
            if state.recorder is not None and not state.abstract:
                return self._assign_on_device(value)
            super().assign(value)
            if not state.abstract:
                self._host = None
        elif not state.abstract:
            host_action(lambda: self.set_host(value), restorer=self._restorer)
        return self

    def _assign_on_device(self, value: Any) -> Any:
        recorder = state.recorder
        assert recorder is not None
        recorder.lead(self)
        super().assign(value)
        self.forget_host()
        return self

    def lead_on_device(self) -> None:
        """In a recorded step: from here on the value is computed on the device, and the host knows it no more."""
        recorder = state.recorder
        assert recorder is not None
        if recorder.lead(self):
            host_action(self._flush)

    def forget_host(self) -> None:
        """In a recorded step: the device has changed the value, and the host reads it when it is next asked."""
        host_action(self._forget, restorer=self._restorer)

    def renew(self, function: Callable[[], Any]) -> None:
        """Set the value to that of a function of the host, in a recorded step in each replay anew."""
        host_action(lambda: self.set_host(function()), restorer=self._restorer)

    def __float__(self) -> float:
        return float(self.host)

    def __int__(self) -> int:
        return int(self.host)

    def __deepcopy__(self, memo: dict[int, Any]) -> Mirrored:
        restore, arguments = self.__reduce__()
        copy = restore(*arguments)
        memo[id(self)] = copy
        return copy

    def __reduce__(self) -> Any:
        return _restore, (type(self), self.host, self.dtype, self.name, self.path)


def _restore(cls: Any, value: Any, dtype: str, name: str, path: str) -> Mirrored:
    variable = cls(value, dtype=dtype, name=name)
    variable.path = path
    return variable
