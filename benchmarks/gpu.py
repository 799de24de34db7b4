"""Kernels and training steps on a GPU, beside the ceilings of the device and beside PyTorch and JAX.

    python benchmarks/gpu.py [--quick] [--part kernels|models] [--output FILE]

Kernels are held against a device-to-device copy and a square matrix product, measured in the same run. Whole training
steps are timed in turns with PyTorch (eager and `torch.compile`) and JAX (`jit`), where these are installed, on
the same device; the ratios say how many times longer than kerasish they take. Nothing here uses a network.
"""

from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import importlib.util
import os
import platform
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
KERNELS_UNTIL, COMPILE_UNTIL, MODELS_UNTIL = 180.0, 300.0, 400.0
"""Seconds from the start after which no further kernel is measured, `torch.compile` left out, no model begun."""


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small arrays and few steps: does it run?")
    parser.add_argument("--part", choices=("kernels", "models"), help="one part alone")
    parser.add_argument("--output", type=Path, help="also write the tables to this file")
    options = parser.parse_args(arguments)
    lines: list[str] = []

    def say(line: str = "") -> None:
        print(line, flush=True)
        lines.append(line)

    begin = time.perf_counter()
    os.environ.setdefault("KERASISH_BACKEND", "cupy")
    import cupy

    import kerasish.backend  # noqa: F401  (its error says what is missing)

    describe(cupy, say)
    try:
        if options.part in (None, "kernels"):
            kernels(cupy, say, options.quick, begin)
        if options.part in (None, "models"):
            models(say, options.quick, begin)
    finally:
        say(f"\n{time.perf_counter() - begin:.0f} s in all")
        if options.output:
            options.output.write_text("\n".join(lines) + "\n", encoding="utf-8")


def describe(cupy: Any, say: Callable[..., None]) -> None:
    """What was measured, where and when."""
    properties = cupy.cuda.runtime.getDeviceProperties(0)
    say(f"{properties['name'].decode()}, driver API {cupy.cuda.runtime.driverGetVersion()}, {datetime.date.today()}")
    names = ("kerasish", "cupy-cuda13x", "cupy-cuda12x", "numpy", "torch", "jax", "nvidia-cublas", "nvidia-cudnn-cu13")
    versions = [f"{name} {version}" for name in names if (version := _version(name))]
    say(f"Python {platform.python_version()}, {', '.join(versions)}")


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def kernels(cupy: Any, say: Callable[..., None], quick: bool, begin: float) -> None:
    """Each kernel beside the ceiling that it is bound by."""
    from benchmarks.gpu_parts import clock
    from benchmarks.gpu_parts.kernels import TINY, Extent, cases, ceilings

    def seconds(function: Callable[[], object]) -> float:
        return clock.device_seconds(cupy, function, 0.001 if quick else 0.15)

    reached = ceilings(cupy, seconds, 32 if quick else 8192)
    say(f"\nceilings: copy {reached['copy'] / 1e12:.2f} TB/s (bytes read and written)")
    for kind in ("float32", "tf32", "float16", "bfloat16"):
        say(f"          product {kind} {reached[kind] / 1e12:.1f} TFLOP/s")
    say(f"\n{'kernel':<56}{'us':>10}{'reached':>16}{'of ceiling':>12}")
    for case in cases(cupy, TINY if quick else Extent()):
        if time.perf_counter() - begin > KERNELS_UNTIL:
            say(f"{case.name:<56} not measured, nor what follows: out of time")
            break
        took = seconds(case.run)
        if case.moved:
            rate, ceiling, unit = case.moved / took, reached["copy"], "TB/s"
        else:
            rate, ceiling, unit = case.computed / took, reached[case.kind], "TFLOP/s"
        say(f"{case.name:<56}{took * 1e6:>10.1f}{rate / 1e12:>9.2f} {unit:<7}{rate / ceiling:>11.0%}")


def models(say: Callable[..., None], quick: bool, begin: float) -> None:
    """Training steps in turns with the peers."""
    from benchmarks.gpu_parts import clock
    from benchmarks.gpu_parts.models import QUICK, SETTINGS, contestant

    peers = _peers()
    header = f"\n{'training step':<34}{'kerasish us':>12}" + "".join(f"{name:>18}" for name in peers)
    say(f"{header}  its own step is")
    for setting in QUICK if quick else SETTINGS:
        passed = time.perf_counter() - begin
        if passed > MODELS_UNTIL:
            say(f"{setting!s:<34} not measured: out of time")
            continue
        own = contestant(setting)
        contestants, cells, notes = {"kerasish": own}, {}, []
        for name, make in peers.items():
            if "compile" in name and passed > COMPILE_UNTIL:
                cells[name] = "out of time"
                continue
            try:
                peer = make(setting)
                peer.seconds(3)
            except Exception as error:  # a peer that cannot run this is named, and the others are measured
                cells[name] = type(error).__name__
                notes.append(f"{name}: {next(iter(str(error).splitlines()), '')[:160]}")
                continue
            if peer.parameters == own.parameters:
                contestants[name] = peer
            else:
                cells[name] = "another model"
                notes.append(f"{name}: {peer.parameters} parameters where kerasish has {own.parameters}")
        times = clock.in_turns(contestants, 0.01 if quick else 1.0)
        cells |= {name: f"{times[name] / times['kerasish']:.2f}x" for name in contestants}
        columns = "".join(f"{cells[name]:>18}" for name in peers)
        say(f"{setting!s:<34}{times['kerasish'] * 1e6:>12.0f}{columns}  {own.note}")
        for note in notes:
            say(f"    {note}")


def _peers() -> dict[str, Callable[[Any], Any]]:
    peers: dict[str, Callable[[Any], Any]] = {}
    if importlib.util.find_spec("torch"):
        from benchmarks.gpu_parts import torch_peer

        peers["torch eager"] = lambda setting: torch_peer.contestant(setting, compiled=False)
        peers["torch.compile"] = lambda setting: torch_peer.contestant(setting, compiled=True)
    if importlib.util.find_spec("jax"):
        from benchmarks.gpu_parts import jax_peer

        peers["jax jit"] = jax_peer.contestant
    return peers


if __name__ == "__main__":
    main()
