"""NVRTC without a GPU: what each kernel needs on an architecture."""

from __future__ import annotations

import functools
import importlib
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

ARCHITECTURES = ("75", "80", "86", "89", "90", "100", "120")
STATIC_SHARED_LIMIT = 48 * 1024

_ENTRY = re.compile(
    r"Compiling entry function '(?P<name>\w+)'.*?(?P<stores>\d+) bytes spill stores, (?P<loads>\d+) bytes spill loads"
    r".*?Used (?P<registers>\d+) registers(?P<rest>[^\n]*)",
    re.DOTALL,
)
_SHARED = re.compile(r"(\d+) bytes smem")


@dataclass(frozen=True)
class Resources:
    """What a compiled kernel takes: registers a thread, bytes that spill, bytes of static shared memory."""

    name: str
    registers: int
    spilled: int
    shared: int


@functools.cache
def _nvrtc() -> Any:
    from cuda import core

    from tests.emulator.module import headers

    return core, str(headers())


def compile_for(architecture: str, code: str, expressions: Sequence[str]) -> list[Resources]:
    """Compile instantiations of a file as CuPy does; an error of the compiler is raised with its text."""
    core, include = _nvrtc()
    options = core.ProgramOptions(
        name="kernels.cu",
        arch=f"sm_{architecture}",
        std="c++17",
        include_path=[include],
        ftz=True,
        device_as_default_execution_space=True,
        ptxas_options=["-v"],
    )
    log = io.StringIO()
    program = core.Program(code, "c++", options)
    try:
        program.compile("cubin", name_expressions=list(expressions), logs=log)
    finally:
        program.close()
    return _read(log.getvalue())


def _read(log: str) -> list[Resources]:
    found = []
    for entry in _ENTRY.finditer(log):
        shared = _SHARED.search(entry["rest"])
        spilled = int(entry["stores"]) + int(entry["loads"])
        found.append(Resources(entry["name"], int(entry["registers"]), spilled, int(shared[1]) if shared else 0))
    return found


def complaints(resources: Sequence[Resources]) -> list[str]:
    """What must not be: registers that spill, and more static shared memory than a block may have."""
    found = []
    for kernel in resources:
        if kernel.spilled:
            found.append(f"{kernel.name} spills {kernel.spilled} bytes ({kernel.registers} registers)")
        if kernel.shared > STATIC_SHARED_LIMIT:
            found.append(f"{kernel.name} has {kernel.shared} bytes of static shared memory")
    return found


@functools.cache
def instantiations() -> dict[str, tuple[str, ...]]:
    """Every instantiation that the backend declares, by file."""
    from kerasish.backend.contract import FAMILIES
    from kerasish.backend.cupy import _launch

    for family in FAMILIES:
        importlib.import_module(f"kerasish.backend.cupy.{family}")
    files: dict[str, list[str]] = {}
    for kernel in _launch.REGISTRY:
        files.setdefault(kernel.file, []).extend(kernel.expression(key) for key in kernel.combinations())
    return {file: tuple(dict.fromkeys(expressions)) for file, expressions in files.items()}
