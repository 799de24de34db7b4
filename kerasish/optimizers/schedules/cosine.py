"""Schedules along a cosine, with a warm-up or with restarts."""

from __future__ import annotations

import math
from typing import Any

from kerasish.optimizers.schedules.learning_rate_schedule import LearningRateSchedule


class CosineDecay(LearningRateSchedule):
    """A linear warm-up, then a fall along half a cosine.

    `rate = ((1 - alpha) * 0.5 * (1 + cos(pi * step / decay_steps)) + alpha) * peak`. Loshchilov and Hutter,
    2016, https://arxiv.org/abs/1608.03983.

    Args:
        initial_learning_rate: The rate of step 0.
        decay_steps: How many steps it falls.
        alpha: The rate at the end, as a share of the peak.
        name: A name.
        warmup_target: The peak; None: no warm-up.
        warmup_steps: How many steps it rises.

    >>> round(CosineDecay(0.1, decay_steps=10)(5), 6)
    0.05
    """

    def __init__(
        self,
        initial_learning_rate: float,
        decay_steps: int,
        alpha: float = 0.0,
        name: str = "CosineDecay",
        warmup_target: float | None = None,
        warmup_steps: int = 0,
    ) -> None:
        if decay_steps <= 0:
            raise ValueError(f"{name} needs a positive decay_steps. Received: decay_steps={decay_steps!r}")
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.alpha = alpha
        self.name = name
        self.warmup_target = warmup_target
        self.warmup_steps = warmup_steps

    def __call__(self, step: Any) -> float:
        now = float(step)
        peak = self.initial_learning_rate
        if self.warmup_target is not None:
            if now < self.warmup_steps:
                return peak + (self.warmup_target - peak) * now / self.warmup_steps
            peak = self.warmup_target
            now -= self.warmup_steps
        share = min(now, self.decay_steps) / self.decay_steps
        return peak * ((1 - self.alpha) * 0.5 * (1 + math.cos(math.pi * share)) + self.alpha)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "decay_steps": self.decay_steps,
            "alpha": self.alpha,
            "name": self.name,
            "warmup_target": self.warmup_target,
            "warmup_steps": self.warmup_steps,
        }


class CosineDecayRestarts(LearningRateSchedule):
    """Half a cosine, again and again.

    Args:
        initial_learning_rate: The rate of step 0.
        first_decay_steps: The length of the first period.
        t_mul: How much longer each period is than the one before.
        m_mul: The first rate of a period, as a share of that of the one before.
        alpha: The rate at the end of a period, as a share of the first.
        name: A name.

    >>> round(CosineDecayRestarts(0.1, first_decay_steps=10)(10), 6)
    0.1
    """

    def __init__(
        self,
        initial_learning_rate: float,
        first_decay_steps: int,
        t_mul: float = 2.0,
        m_mul: float = 1.0,
        alpha: float = 0.0,
        name: str = "SGDRDecay",
    ) -> None:
        if first_decay_steps <= 0:
            raise ValueError(f"{name} needs a positive first_decay_steps. Received: {first_decay_steps=}")
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = first_decay_steps
        self._t_mul = t_mul
        self._m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def __call__(self, step: Any) -> float:
        share = float(step) / self.first_decay_steps
        if self._t_mul == 1.0:
            period = math.floor(share)
            share -= period
        else:
            period = math.floor(math.log(1.0 - share * (1.0 - self._t_mul)) / math.log(self._t_mul))
            before = (1.0 - self._t_mul**period) / (1.0 - self._t_mul)
            share = (share - before) / self._t_mul**period
        peak = self._m_mul**period
        cosine = 0.5 * peak * (1.0 + math.cos(math.pi * share))
        return self.initial_learning_rate * ((1 - self.alpha) * cosine + self.alpha)

    def get_config(self) -> dict[str, Any]:
        return {
            "initial_learning_rate": self.initial_learning_rate,
            "first_decay_steps": self.first_decay_steps,
            "t_mul": self._t_mul,
            "m_mul": self._m_mul,
            "alpha": self.alpha,
            "name": self.name,
        }
