"""The emulated device: an H200 as far as its numbers go."""

from __future__ import annotations

from typing import Any

from . import faults, runtime
from .errors import CUDARuntimeError


class Device:
    def __init__(self, device: int | Device | None = None) -> None:
        if device is None:
            device = runtime.getDevice()
        self.id = int(device)

    def __int__(self) -> int:
        return self.id

    def __hash__(self) -> int:
        return self.id

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device) and other.id == self.id

    def __repr__(self) -> str:
        return f"<CUDA Device {self.id}>"

    def use(self) -> Device:
        runtime.setDevice(self.id)
        return self

    def __enter__(self) -> Device:
        return self.use()

    def __exit__(self, *error: Any) -> None:
        pass

    def synchronize(self) -> None:
        runtime.deviceSynchronize()

    @property
    def compute_capability(self) -> str:
        self._check()
        return "".join(map(str, faults.compute_capability))

    @property
    def attributes(self) -> dict[str, int]:
        self._check()
        return runtime._attributes()

    @property
    def mem_info(self) -> tuple[int, int]:
        self._check()
        return runtime.memGetInfo()

    @property
    def pci_bus_id(self) -> str:
        self._check()
        return "0000:00:00.0"

    def _check(self) -> None:
        faults.check_device()
        if self.id != 0:
            raise CUDARuntimeError(101)


def get_device_id() -> int:
    return runtime.getDevice()
