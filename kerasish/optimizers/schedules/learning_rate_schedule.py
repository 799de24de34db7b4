"""`LearningRateSchedule`: a learning rate that depends on the step."""

from __future__ import annotations

from typing import Any


class LearningRateSchedule:
    """The base of the schedules: `schedule(step)` is the learning rate of a step.

    >>> class Halving(LearningRateSchedule):
    ...     def __call__(self, step):
    ...         return 0.5 ** step
    ...     def get_config(self):
    ...         return {}
    >>> Halving()(2)
    0.25
    """

    def __call__(self, step: Any) -> Any:
        """The learning rate of a step, counted from 0."""
        raise NotImplementedError(f"The schedule {type(self).__name__} must override `__call__(self, step)`.")

    def get_config(self) -> dict[str, Any]:
        """The arguments to make the schedule again."""
        raise NotImplementedError(f"The schedule {type(self).__name__} must override `get_config()`.")

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """The schedule of a config."""
        return cls(**config)
