"""The budget table of docs/architecture.md, measured.

    python benchmarks/overhead.py

Each line is the median of several rounds; overheads are differences of two timings that were taken in turns.
"""

from __future__ import annotations

import gc
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable

# Small arrays gain nothing from a second BLAS thread, and its spinning disturbs the timings.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np

ALLOWED = {"kerasish", "numpy", "h5py", "tqdm"}


def per_call(function: Callable[[], object], calls: int = 2000, rounds: int = 15) -> float:
    """Microseconds per call: the median of the rounds."""
    function()
    return statistics.median(_round(function, calls) for _ in range(rounds))


def _round(function: Callable[[], object], calls: int) -> float:
    begin = time.perf_counter()
    for _ in range(calls):
        function()
    return (time.perf_counter() - begin) / calls * 1e6


def difference(more: Callable[[], object], less: Callable[[], object], calls: int = 2000, rounds: int = 25) -> float:
    """Microseconds that one call costs more than another, from rounds in turns."""
    more(), less()
    return statistics.median(_round(more, calls) - _round(less, calls) for _ in range(rounds))


EVERYTHING = "import kerasish, kerasish.layers, kerasish.models, kerasish.optimizers, kerasish.callbacks"


def import_seconds(statement: str, rounds: int = 9) -> tuple[float, list[str]]:
    """Seconds of an import statement beyond a bare interpreter; and the packages that it loads."""
    environment = {**os.environ, "KERASISH_BACKEND": "numpy"}

    def run(code: str) -> float:
        begin = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], check=True, env=environment)
        return time.perf_counter() - begin

    run(statement)
    seconds = statistics.median(run(statement) - run("pass") for _ in range(rounds))
    listing = (
        f"import sys; before = set(sys.modules); {statement}; "
        "print(*sorted({m.split('.')[0] for m in set(sys.modules) - before} - set(sys.stdlib_module_names)))"
    )
    command = [sys.executable, "-c", listing]
    modules = subprocess.run(command, check=True, env=environment, capture_output=True, text=True)
    # Cython leaves modules of its own behind in extensions that are built with it.
    return seconds, [name for name in modules.stdout.split() if "cython" not in name]


def apply_overhead() -> float:
    """What recording costs over the bare kernel: `x * y` on a tape against `np.multiply`."""
    from kerasish.autodiff import GradientTape, Variable, convert_to_tensor
    from kerasish.autodiff.primitive import apply
    from kerasish.ops.arithmetic import MULTIPLY

    a = np.ones((8, 8), np.float32)
    x, y = Variable(a), convert_to_tensor(a)
    with GradientTape():
        return difference(lambda: apply(MULTIPLY, (x, y)), lambda: np.multiply(a, a))


def layer_overhead() -> float:
    """What `Layer.__call__` costs over the layer's `call`, on a built layer."""
    from kerasish import layers
    from kerasish.autodiff import convert_to_tensor

    layer = layers.Dense(64, activation="relu")
    x = convert_to_tensor(np.ones((32, 20), np.float32))
    layer(x)
    return difference(lambda: layer(x), lambda: layer.call(x))


def small_mlp():
    """The small MLP of the budget, with data."""
    from kerasish import Sequential, layers

    model = Sequential(
        [
            layers.Input((20,)),
            layers.Dense(64, activation="relu"),
            layers.Dense(64, activation="relu"),
            layers.Dense(1),
        ]
    )
    model.compile("adam", "mse")
    generator = np.random.default_rng(0)
    x = generator.normal(size=(32 * 200, 20)).astype("float32")
    y = generator.normal(size=(32 * 200, 1)).astype("float32")
    return model, x, y


def fit_step() -> tuple[float, float]:
    """Microseconds of a whole step of `fit`, and of what the loop adds to forward, backward and update."""
    from kerasish.autodiff import GradientTape, convert_to_tensor

    model, x, y = small_mlp()
    bx, by = convert_to_tensor(x[:32]), convert_to_tensor(y[:32])
    model.fit(x, y, batch_size=32, epochs=1, verbose=0)
    variables = model.trainable_variables
    loss_of = model._compile_loss

    def bare() -> None:
        with GradientTape() as tape:
            loss = loss_of(by, model(bx, training=True))
        model.optimizer.apply(tape.gradient(loss, variables), variables)

    steps = len(x) // 32
    whole, parts = [], []
    for _ in range(11):
        begin = time.perf_counter()
        model.fit(x, y, batch_size=32, epochs=5, verbose=0)
        middle = time.perf_counter()
        for _ in range(5 * steps):
            bare()
        end = time.perf_counter()
        whole.append((middle - begin) / (5 * steps) * 1e6)
        parts.append((end - middle) / (5 * steps) * 1e6)
    return statistics.median(whole), statistics.median(w - p for w, p in zip(whole, parts, strict=True))


def memory_growth(steps: int = 10_000) -> float:
    """KiB that the process grows by over many steps of training, after a warm-up."""
    model, x, y = small_mlp()
    epochs = steps * 32 // len(x)
    model.fit(x, y, batch_size=32, epochs=10, verbose=0)
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    model.fit(x, y, batch_size=32, epochs=epochs, verbose=0)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before


def main() -> None:
    """Measure and print the table."""
    alone, _ = import_seconds("import kerasish")
    numpy_alone, _ = import_seconds("import numpy")
    seconds, modules = import_seconds(EVERYTHING)
    step, loop = fit_step()
    rows = [
        ("import kerasish", f"{alone:.3f} s", "0.20 s", alone <= 0.20),
        (f"… with layers, models, … (NumPy: {numpy_alone:.3f} s)", f"{seconds:.3f} s", "0.20 s", seconds <= 0.20),
        ("it imports nothing beyond numpy, h5py, tqdm", " ".join(modules), "", set(modules) <= ALLOWED),
        ("apply over the bare kernel, recording", f"{(value := apply_overhead()):.2f} us", "2 us", value <= 2),
        ("Layer.__call__ on a built layer", f"{(value := layer_overhead()):.2f} us", "3 us", value <= 3),
        ("fit loop beyond forward/backward/update", f"{loop:.1f} us", "15 us", loop <= 15),
        ("small MLP, whole fit step", f"{step:.1f} us", "100 us", step <= 100),
        ("memory growth over 10,000 steps", f"{(value := memory_growth()):.0f} KiB", "0", value <= 64),
    ]
    from kerasish import config

    versions = f"Python {platform.python_version()}, NumPy {np.__version__}"
    print(f"{versions}, backend {config.backend()}, {platform.machine()}")
    for name, measured, budget, met in rows:
        print(f"{name:<46} {measured:>24}   budget {budget or '-':<8} {'met' if met else 'MISSED'}")


if __name__ == "__main__":
    main()
