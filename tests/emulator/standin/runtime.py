"""`cupy.cuda.runtime`: the calls that a backend makes by itself."""

from __future__ import annotations

import ctypes
from typing import Any

from . import faults, memory, streams, work_log
from .errors import CUDARuntimeError

is_hip = False
memcpyHostToHost = 0  # noqa: N816
memcpyHostToDevice = 1  # noqa: N816
memcpyDeviceToHost = 2  # noqa: N816
memcpyDeviceToDevice = 3  # noqa: N816
memcpyDefault = 4  # noqa: N816
streamCaptureModeGlobal = 0  # noqa: N816
streamCaptureModeThreadLocal = 1  # noqa: N816
streamCaptureModeRelaxed = 2  # noqa: N816
streamCaptureStatusNone = 0  # noqa: N816
streamCaptureStatusActive = 1  # noqa: N816
streamCaptureStatusInvalidated = 2  # noqa: N816
streamDefault = 0  # noqa: N816
streamNonBlocking = 1  # noqa: N816
streamLegacy = 1  # noqa: N816
streamPerThread = 2  # noqa: N816
eventDefault = 0  # noqa: N816
eventBlockingSync = 1  # noqa: N816
eventDisableTiming = 2  # noqa: N816
memoryTypeHost = 1  # noqa: N816
memoryTypeDevice = 2  # noqa: N816

_ATTRIBUTES = {
    "cudaDevAttrMaxThreadsPerBlock": (1, 1024),
    "cudaDevAttrMaxBlockDimX": (2, 1024),
    "cudaDevAttrMaxBlockDimY": (3, 1024),
    "cudaDevAttrMaxBlockDimZ": (4, 64),
    "cudaDevAttrMaxGridDimX": (5, 2**31 - 1),
    "cudaDevAttrMaxGridDimY": (6, 65535),
    "cudaDevAttrMaxGridDimZ": (7, 65535),
    "cudaDevAttrMaxSharedMemoryPerBlock": (8, 49152),
    "cudaDevAttrWarpSize": (10, 32),
    "cudaDevAttrMaxRegistersPerBlock": (12, 65536),
    "cudaDevAttrClockRate": (13, 1980000),
    "cudaDevAttrMultiProcessorCount": (16, 132),
    "cudaDevAttrMemoryClockRate": (36, 3201000),
    "cudaDevAttrGlobalMemoryBusWidth": (37, 6144),
    "cudaDevAttrL2CacheSize": (38, 62914560),
    "cudaDevAttrMaxThreadsPerMultiProcessor": (39, 2048),
    "cudaDevAttrMaxSharedMemoryPerMultiprocessor": (81, 233472),
    "cudaDevAttrMaxRegistersPerMultiprocessor": (82, 65536),
    "cudaDevAttrCooperativeLaunch": (95, 1),
    "cudaDevAttrMaxSharedMemoryPerBlockOptin": (97, 232448),
}
_NUMBERS = {"ComputeCapabilityMajor": 75, "ComputeCapabilityMinor": 76}
globals().update({name: number for name, (number, _) in _ATTRIBUTES.items()})


def check_status(status: int) -> None:
    if status:
        raise CUDARuntimeError(status)


def getDeviceCount() -> int:  # noqa: N802
    faults.check_device()
    return 1


def getDevice() -> int:  # noqa: N802
    faults.check_device()
    return 0


def setDevice(device: int) -> None:  # noqa: N802
    faults.check_device()
    if device != 0:
        raise CUDARuntimeError(101)


def driverGetVersion() -> int:  # noqa: N802
    return 12040 if faults.driver_too_old else 0 if faults.no_device else 13000


def runtimeGetVersion() -> int:  # noqa: N802
    return 13000


def _attributes() -> dict[str, int]:
    """The attributes of the device by name, as `Device.attributes` gives them."""
    major, minor = faults.compute_capability
    known = {name.removeprefix("cudaDevAttr"): value for name, (_, value) in _ATTRIBUTES.items()}
    return {**known, "ComputeCapabilityMajor": major, "ComputeCapabilityMinor": minor}


def deviceGetAttribute(attrib: int, device: int) -> int:  # noqa: N802
    setDevice(device)
    numbers = {number: name.removeprefix("cudaDevAttr") for name, (number, _) in _ATTRIBUTES.items()}
    numbers.update({number: name for name, number in _NUMBERS.items()})
    if attrib not in numbers:
        raise CUDARuntimeError(1)
    return _attributes()[numbers[attrib]]


def getDeviceProperties(device: int) -> dict[str, Any]:  # noqa: N802
    setDevice(device)
    major, minor = faults.compute_capability
    return {
        "name": b"Emulated NVIDIA H200",
        "totalGlobalMem": memory.TOTAL_MEMORY,
        "sharedMemPerBlock": 49152,
        "sharedMemPerBlockOptin": 232448,
        "sharedMemPerMultiprocessor": 233472,
        "regsPerBlock": 65536,
        "regsPerMultiprocessor": 65536,
        "warpSize": 32,
        "maxThreadsPerBlock": 1024,
        "maxThreadsPerMultiProcessor": 2048,
        "maxThreadsDim": (1024, 1024, 64),
        "maxGridSize": (2**31 - 1, 65535, 65535),
        "multiProcessorCount": 132,
        "l2CacheSize": 62914560,
        "memoryBusWidth": 6144,
        "major": major,
        "minor": minor,
        "unifiedAddressing": 1,
        "concurrentKernels": 1,
        "asyncEngineCount": 3,
    }


def memGetInfo() -> tuple[int, int]:  # noqa: N802
    faults.check_device()
    return memory.TOTAL_MEMORY - memory.bytes_in_use(), memory.TOTAL_MEMORY


def deviceSynchronize() -> None:  # noqa: N802
    faults.check_device()
    if streams._captures:
        for capture in streams._captures:
            capture.invalid = True
        raise CUDARuntimeError(900)
    work_log.count("synchronizations")


def streamSynchronize(stream: int) -> None:  # noqa: N802
    streams.stream_of(stream).synchronize()


def streamQuery(stream: int) -> None:  # noqa: N802
    _ = streams.stream_of(stream).done


def streamIsCapturing(stream: int) -> bool:  # noqa: N802
    return streams.stream_of(stream).is_capturing()


_DIRECTIONS = {1: "host_to_device", 2: "device_to_host", 3: "device_to_device"}


def memcpyAsync(dst: int, src: int, size: int, kind: int, stream: int) -> None:  # noqa: N802
    if kind == memcpyDefault:
        kind = memory.is_device(dst) + 2 * memory.is_device(src)
    if not size:
        return
    queue = streams.stream_of(stream)
    sides = []
    for address, on_device in ((dst, kind in (1, 3)), (src, kind in (2, 3))):
        if on_device:
            sides.append(streams._range((address, size)))
        elif queue._capture is not None and not memory.is_pinned(address, size):
            queue._capture.invalid = True
            raise CUDARuntimeError(900)
    # Page-locked memory that died would be copied from all the same on a GPU; here it is kept.
    keep = [memory.pinned_owner(address) for address in (dst, src)]

    def step(*views: Any, keep: Any = keep) -> None:
        ctypes.memmove(dst, src, size)

    streams.issue(step, sides, queue, _DIRECTIONS.get(kind, "operations"))


def memcpy(dst: int, src: int, size: int, kind: int) -> None:
    streams.refuse_copy(streams.Stream.null)
    memcpyAsync(dst, src, size, kind, 0)
    work_log.count("synchronizations")


def memsetAsync(ptr: int, value: int, size: int, stream: int) -> None:  # noqa: N802
    if size:

        def step(view: Any) -> None:
            view[...] = value & 0xFF

        streams.issue(step, [streams._range((ptr, size))], streams.stream_of(stream))


def memset(ptr: int, value: int, size: int) -> None:
    memsetAsync(ptr, value, size, 0)
