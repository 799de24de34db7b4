"""`Counting`: what an optimizer derives from the number of its steps."""

from __future__ import annotations

from typing import Any

from kerasish.autodiff import state
from kerasish.autodiff.host_values import host_value, raw
from kerasish.optimizers.state import OptimizerState


class Counting(OptimizerState):
    """The number of the update, and what is due in a step.

    On the host these are Python numbers. In a recorded step they are arrays on the device: slots that follow the host,
    or computed there where the device alone knows how many steps were made (see `LossScaleOptimizer`).
    """

    gradient_accumulation_steps: int | None
    use_ema: bool
    ema_overwrite_frequency: int | None

    @property
    def iterations(self) -> Any:
        """How many updates were made."""
        if self.gradient_accumulation_steps:
            return self._iterations // self.gradient_accumulation_steps
        return self._iterations

    def _updates(self) -> int:
        """How many updates were made, known on the host."""
        steps = self._iterations.host
        return steps // self.gradient_accumulation_steps if self.gradient_accumulation_steps else steps

    def step_number(self) -> Any:
        """The number of the update that is being made, from 1; in a recorded step an array without dimensions."""
        recorder = state.recorder
        if recorder is None:
            return self._updates() + 1
        if recorder.leads(self._iterations):
            return self._updates_on_device() + 1
        return host_value(lambda: self._updates() + 1, "int64")

    def _updates_on_device(self) -> Any:
        steps = raw(self._iterations)
        return steps // self.gradient_accumulation_steps if self.gradient_accumulation_steps else steps

    def has_step_phases(self) -> bool:
        """Whether steps differ in what they do beyond the numbers."""
        return bool(self.gradient_accumulation_steps or (self.use_ema and self.ema_overwrite_frequency))

    def step_phase(self) -> tuple[bool, bool]:
        """What a step does beyond the numbers: whether an update is due, and whether averages become the weights.

        A step that was recorded in one phase is not the step of another.
        """
        return self._update_is_due(), self._overwrite_is_due()

    def _update_is_due(self) -> bool:
        count = self.gradient_accumulation_steps
        return not count or (self._iterations.host + 1) % count == 0

    def _overwrite_is_due(self) -> bool:
        frequency = self.ema_overwrite_frequency
        return bool(self.use_ema and frequency and (self._updates() + 1) % frequency == 0)
