"""Kernels compiled for the host: the same `.cu` text, through `shim/kerasish_host.h`."""

from __future__ import annotations

import ctypes
import fcntl
import functools
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

SHIM = Path(__file__).parent / "shim"
CACHE = Path(os.environ.get("KERASISH_EMULATOR_CACHE") or Path(__file__).parents[2] / ".cache" / "emulator")
FLAGS = (
    "-std=c++17", "-O1", "-g0", "-fPIC", "-shared", "-fvisibility=hidden", "-fno-gnu-unique", "-U_FORTIFY_SOURCE",
    "-fno-stack-protector", "-w", "-DKERASISH_HOST",
)  # fmt: skip


class EmulatorError(RuntimeError):
    """A kernel did what a GPU may not forgive."""


@functools.cache
def headers() -> Path:
    """The folder with `cuda_fp16.h`, from the package nvidia-cuda-runtime."""
    spec = importlib.util.find_spec("nvidia")
    for place in [] if spec is None else list(spec.submodule_search_locations or ()):
        for folder in Path(place).glob("*/include"):
            if (folder / "cuda_fp16.h").exists():
                return folder
    raise EmulatorError("The emulator needs CUDA's headers: pip install nvidia-cuda-runtime nvidia-cuda-crt.")


@functools.cache
def compiler() -> str:
    """The host compiler."""
    found = os.environ.get("CXX") or shutil.which("g++") or shutil.which("clang++")
    if not found:
        raise EmulatorError("The emulator needs a C++ compiler (g++): apt-get install g++.")
    return found


@functools.cache
def _shim() -> str:
    return (SHIM / "kerasish_host.h").read_text(encoding="utf-8")


def unit(code: str, expressions: Sequence[str]) -> str:
    """The kernels as one translation unit with a C entry for each instantiation."""
    entries = [
        f'extern "C" __attribute__((visibility("default"))) const char* kernel_{number}(void** arguments, '
        "const unsigned* grid, const unsigned* block, size_t shared) "
        f"{{ return host::launch(&{expression}, arguments, grid, block, shared); }}\n"
        for number, expression in enumerate(expressions)
    ]
    return f"{code}\n{''.join(entries)}"


def build(code: str, expressions: Sequence[str]) -> Path:
    """Compile, or find what was compiled before. Several processes may ask for the same at once."""
    text = unit(code, expressions)
    key = hashlib.sha256("\0".join((text, _shim(), *FLAGS, compiler())).encode()).hexdigest()[:32]
    target = CACHE / f"{key}.so"
    if target.exists():
        return target
    CACHE.mkdir(parents=True, exist_ok=True)
    with open(CACHE / f"{key}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            with tempfile.TemporaryDirectory(dir=CACHE) as folder:
                source, library = Path(folder, "unit.cpp"), Path(folder, "unit.so")
                source.write_text(text, encoding="utf-8")
                command = [compiler(), *FLAGS, f"-I{SHIM}", f"-I{headers()}", str(source), "-o", str(library)]
                done = subprocess.run(command, capture_output=True, text=True, check=False)
                if done.returncode:
                    raise EmulatorError(f"The host compiler refuses these kernels:\n{done.stderr[:8000]}")
                library.replace(target)
    return target


@functools.cache
def _kernels_of(code: str) -> dict[str, tuple[str, ...]]:
    """For each instantiation that the backend declares of this text: those of the same template."""
    groups: dict[str, tuple[str, ...]] = {}
    _launch: Any = sys.modules.get("kerasish.backend.cupy._launch")
    for kernel in () if _launch is None else _launch.REGISTRY:
        if _launch.source(kernel.file) == code:
            expressions = tuple(kernel.expression(key) for key in kernel.combinations())
            groups |= dict.fromkeys(expressions, expressions)
    return groups


@functools.cache
def _library(code: str, expressions: tuple[str, ...]) -> ctypes.CDLL:
    # Not CDLL, which lets other threads run: the fibers belong to the whole process.
    return ctypes.PyDLL(str(build(code, expressions)))


def load(code: str, expression: str) -> Callable[[Sequence[int], Sequence[int], Sequence[Any], int], None]:
    """An instantiation as a function of (grid, block, arguments, shared bytes).

    The arguments are ctypes objects, one for each parameter of the kernel.

    Raises:
        EmulatorError: At compilation, or from a call: a barrier that not all threads reach, a vector access that is
            not aligned, a write beyond shared memory.
    """
    group = _kernels_of(code).get(expression, (expression,))
    entry = getattr(_library(code, group), f"kernel_{group.index(expression)}")
    entry.restype = ctypes.c_char_p

    def run(grid: Sequence[int], block: Sequence[int], arguments: Sequence[Any], shared: int) -> None:
        pointers = (ctypes.c_void_p * max(1, len(arguments)))(*[ctypes.addressof(a) for a in arguments])
        sizes = [(ctypes.c_uint * 3)(*(tuple(size) + (1, 1, 1))[:3]) for size in (grid, block)]
        error = entry(pointers, *sizes, ctypes.c_size_t(shared))
        if error is not None:
            raise EmulatorError(f"{expression}: {error.decode()}")

    return run
