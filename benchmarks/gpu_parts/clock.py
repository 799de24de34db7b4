"""Timing on a GPU: events around many launches, and rounds of several contestants in turns."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any


def device_seconds(cupy: Any, function: Callable[[], object], budget: float = 0.15) -> float:
    """Seconds of one call on the device: the median of rounds between two events, after a warm-up."""
    for _ in range(3):
        function()
    cupy.cuda.Device().synchronize()
    once = _between_events(cupy, function, 1)
    calls = max(1, min(200, int(budget / 5 / max(once, 1e-6))))
    return statistics.median(_between_events(cupy, function, calls) for _ in range(5))


def _between_events(cupy: Any, function: Callable[[], object], calls: int) -> float:
    begin, end = cupy.cuda.Event(), cupy.cuda.Event()
    begin.record()
    for _ in range(calls):
        function()
    end.record()
    end.synchronize()
    return cupy.cuda.get_elapsed_time(begin, end) / 1000 / calls


class Contestant:
    """A training step to be timed.

    Args:
        step: Queues one step.
        wait: Returns when all steps are done.
        around: A context that all steps of a round run in.
        parameters: How many numbers are trained.
        loss: The loss of the latest steps.
        note: What there is to say about how it runs.
    """

    def __init__(
        self,
        step: Callable[[], object],
        wait: Callable[[], object],
        around: Callable[[], AbstractContextManager[Any]] = nullcontext,
        *,
        parameters: int,
        loss: Callable[[], float],
        note: str = "",
    ) -> None:
        self.step = step
        self.wait = wait
        self.around = around
        self.parameters = parameters
        self.loss = loss
        self.note = note

    def seconds(self, steps: int) -> float:
        """Wall-clock seconds a step, over a number of steps."""
        with self.around():
            self.wait()
            begin = time.perf_counter()
            for _ in range(steps):
                self.step()
            self.wait()
            return (time.perf_counter() - begin) / steps


def in_turns(contestants: Mapping[str, Contestant], budget: float = 1.5, rounds: int = 5) -> dict[str, float]:
    """Median seconds a step of each, from rounds in which they take turns."""
    steps = {}
    for name, contestant in contestants.items():
        contestant.seconds(5)
        steps[name] = max(3, min(300, int(budget / rounds / max(contestant.seconds(3), 1e-6))))
    times: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(rounds):
        for name, contestant in contestants.items():
            times[name].append(contestant.seconds(steps[name]))
    return {name: statistics.median(values) for name, values in times.items()}
