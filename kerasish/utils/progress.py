"""Progress bars: `Progbar`, drawn by tqdm in terminals and notebooks, one final line elsewhere."""

from __future__ import annotations

import importlib
import importlib.util
import shutil
import sys
import threading
import time
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np


def in_notebook() -> bool:
    """Whether the program runs in the kernel of a notebook."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return type(shell).__name__ == "ZMQInteractiveShell"


def has_widgets() -> bool:
    """Whether bars can be drawn as widgets: in a notebook that has the package ipywidgets."""
    return in_notebook() and importlib.util.find_spec("ipywidgets") is not None


def is_live(stream: Any) -> bool:
    """Whether a line written to the stream can be written over: a terminal, or a notebook."""
    return in_notebook() or bool(getattr(stream, "isatty", lambda: False)())


@lru_cache(maxsize=2)
def _bar_class(widgets: bool) -> Any:
    base: Any = importlib.import_module("tqdm.auto" if widgets else "tqdm.std").tqdm

    class Bar(base):
        # tqdm's watcher redraws bars that stand still, and its default lock needs multiprocessing.
        monitor_interval = 0

    Bar.set_lock(threading.RLock())
    return Bar


def _encodes(stream: Any, text: str) -> bool:
    try:
        text.encode(getattr(stream, "encoding", None) or "utf-8")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def format_duration(seconds: float) -> str:
    """A duration as a bar shows it.

    >>> format_duration(5.2), format_duration(75), format_duration(3700)
    ('5s', '1:15', '1:01:40')
    """
    whole = int(seconds)
    if whole > 3600:
        return f"{whole // 3600}:{whole % 3600 // 60:02d}:{whole % 60:02d}"
    return f"{whole // 60}:{whole % 60:02d}" if whole > 60 else f"{seconds:.0f}s"


def format_step_time(seconds: float, unit: str = "step") -> str:
    """The time of one step.

    >>> format_step_time(0.0123), format_step_time(5e-5)
    ('12ms/step', '50us/step')
    """
    if seconds >= 1 or seconds == 0:
        return f"{seconds:.0f}s/{unit}"
    return f"{seconds * 1e3:.0f}ms/{unit}" if seconds >= 1e-3 else f"{seconds * 1e6:.0f}us/{unit}"


def format_value(value: Any) -> str:
    """A metric as a bar shows it: the mean of an array, four decimals, or four digits of a small number.

    >>> format_value(0.51234), format_value(0.0001)
    ('0.5123', '1.0000e-04')
    """
    try:
        number = float(np.mean(value))
    except (TypeError, ValueError):
        return str(value)
    return f"{number:.4f}" if not abs(number) <= 1e-3 else f"{number:.4e}"


class Progbar:
    """A progress bar on the standard output.

    Where a line cannot be written over (a file, a pipe), only the last state is written.

    Args:
        target: The number of steps, or None where it is not known.
        width: The width of the bar, in characters.
        verbose: 0 silent, 1 a bar, 2 one line at the end.
        interval: The least time between two drawings, in seconds.
        stateful_metrics: Names of values that are shown as they are; others are averaged over the steps.
        stateless_metrics: Instead: names of values that are averaged; others are shown as they are.
        unit_name: What a step is called.

    >>> bar = Progbar(target=2, verbose=0)
    >>> bar.update(1, [("loss", 0.5)])
    >>> bar.update(2, [("loss", 0.4)])
    """

    def __init__(
        self,
        target: int | None,
        width: int = 20,
        verbose: int = 1,
        interval: float = 0.05,
        stateful_metrics: Iterable[str] | None = None,
        stateless_metrics: Iterable[str] | None = None,
        unit_name: str = "step",
    ) -> None:
        if stateful_metrics is not None and stateless_metrics is not None:
            raise ValueError(
                "Give either stateful_metrics or stateless_metrics. "
                f"Received: stateful_metrics={stateful_metrics!r}, stateless_metrics={stateless_metrics!r}"
            )
        self.target = target
        self.width = width
        self.verbose = verbose
        self.interval = interval
        self.unit_name = unit_name
        self._stateful = set(stateful_metrics or ())
        self._stateless = None if stateless_metrics is None else set(stateless_metrics)
        self._values: dict[str, tuple[Any, int]] = {}
        self._seen = 0
        self._start = time.perf_counter()
        self._after_first: tuple[int, float] | None = None
        self._next_drawing = 0.0
        self._stream = sys.stdout
        self._live = verbose == 1 and is_live(self._stream)
        self._bar: Any = None

    def due(self, current: int) -> bool:
        """Whether an update at this step would be drawn. Cheap, so that values need not be read for each step."""
        now = time.perf_counter()
        if self._after_first is None:
            self._after_first = (current, now)
        return self._live and now >= self._next_drawing

    def update(
        self, current: int, values: Iterable[tuple[str, Any]] | None = None, finalize: bool | None = None
    ) -> None:
        """Show a state.

        Args:
            current: The number of steps done.
            values: Pairs of a name and the value of the last step.
            finalize: Whether it is the last state (None: when the target is reached).
        """
        if finalize is None:
            finalize = self.target is not None and current >= self.target
        drawn = self.due(current)
        for name, value in values or ():
            self._take(name, value, max(current - self._seen, 1), finalize)
        self._seen = current
        if self.verbose == 1 and (finalize or drawn):
            self._draw(current, finalize)
            self._next_drawing = time.perf_counter() + self.interval
        elif self.verbose == 2 and finalize:
            self._write(f"{self._count(current)} - {self._elapsed()} - {self._step_time(current)}{self._metrics()}\n")

    def add(self, n: int, values: Iterable[tuple[str, Any]] | None = None) -> None:
        """Show a state some steps further."""
        self.update(self._seen + n, values)

    def close(self) -> None:
        """End the line."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _take(self, name: str, value: Any, steps: int, finalize: bool) -> None:
        averaged = name in self._stateless if self._stateless is not None else name not in self._stateful
        if averaged and not finalize:
            total, count = self._values.get(name, (0.0, 0))
            self._values[name] = (total + value * steps, count + steps)
        else:
            self._values[name] = (value, 1)

    def _metrics(self) -> str:
        shown = [(name, total if count == 1 else total / count) for name, (total, count) in self._values.items()]
        return "".join(f" - {name}: {format_value(value)}" for name, value in shown)

    def _count(self, current: int) -> str:
        if not self.target:
            return f"{current:7d}/Unknown"
        return f"{current:{len(str(self.target))}d}/{self.target}"

    def _elapsed(self) -> str:
        return f"{time.perf_counter() - self._start:.0f}s"

    def _seconds_a_step(self, current: int) -> float:
        now = time.perf_counter()
        # The first step builds and warms up: where there are more, it does not count.
        if self._after_first is not None and current > self._after_first[0]:
            return (now - self._after_first[1]) / (current - self._after_first[0])
        return (now - self._start) / max(current, 1)

    def _step_time(self, current: int) -> str:
        return format_step_time(self._seconds_a_step(current), self.unit_name)

    def _draw(self, current: int, finalize: bool) -> None:
        if self.target and not finalize:
            duration = format_duration(self._seconds_a_step(current) * max(self.target - current, 0))
        else:
            duration = self._elapsed()
        text = f"{duration} {self._step_time(current)}{self._metrics()}"
        if not self._live or finalize:
            # A live bar is cut at the edge of the terminal, and a widget is not kept with a notebook: what stays is
            # a line of text, and whole.
            if self._bar is not None:
                self._bar.leave = False
                self.close()
            solid = "━" if _encodes(self._stream, "━") else "="
            bar = solid * self.width if self.target else ""
            self._write(f"{self._count(current)} {bar}{' ' if bar else ''}{text}\n")
            return
        shown = min(current, self.target) if self.target else current
        if self._bar is None:
            self._bar = self._open(shown, text)
        else:
            self._bar.n = shown
            self._bar.set_description_str(text, refresh=False)
            self._bar.refresh()
        if finalize:
            self.close()

    def _open(self, current: int, text: str) -> Any:
        widgets = has_widgets()
        count = f"{{n:{len(str(self.target))}d}}/{{total}}" if self.target else "{n:7d}/Unknown"
        bar = ("{bar}" if widgets else f"{{bar:{self.width}}}") + " " if self.target else ""
        return _bar_class(widgets)(
            desc=text,
            initial=current,
            total=self.target or None,
            file=self._stream,
            bar_format=f"{count} {bar}{{desc}}",
            ascii=" ━" if _encodes(self._stream, "━") else " =",
            mininterval=0,
            miniters=1,
            leave=True,
            ncols=None if widgets else shutil.get_terminal_size().columns,
            nrows=20,
        )

    def _write(self, text: str) -> None:
        write_text(text, self._stream)


def write_text(text: str, stream: Any = None) -> None:
    """Write to the standard output at once; nothing, where a program has none."""
    stream = sys.stdout if stream is None else stream
    if stream is not None:
        stream.write(text)
        stream.flush()
