"""Schedules: errors, and schedules of one's own. Their values are compared with Keras's in `test_golden_values.py`."""

from __future__ import annotations

from typing import Any

import pytest

from kerasish.autodiff import convert_to_tensor
from kerasish.optimizers import SGD, schedules


@pytest.mark.parametrize("name", ["ExponentialDecay", "InverseTimeDecay", "PolynomialDecay", "CosineDecay"])
@pytest.mark.parametrize("steps", [0, -3])
def test_decay_takes_some_steps(name: str, steps: int) -> None:
    more: dict[str, Any] = {"decay_rate": 0.5} if name in ("ExponentialDecay", "InverseTimeDecay") else {}
    with pytest.raises(ValueError, match=f"{name} needs a positive decay_steps. Received: decay_steps={steps}"):
        getattr(schedules, name)(0.1, decay_steps=steps, **more)


def test_restarts_and_boundaries_are_checked() -> None:
    with pytest.raises(ValueError, match="first_decay_steps"):
        schedules.CosineDecayRestarts(0.1, first_decay_steps=0)
    with pytest.raises(ValueError, match="Received: 2 boundaries and 2 values"):
        schedules.PiecewiseConstantDecay([1, 2], [0.1, 0.2])


def test_steps_may_be_tensors() -> None:
    schedule = schedules.PiecewiseConstantDecay([10], [1.0, 0.5])
    assert schedule(convert_to_tensor(10)) == 1.0
    assert schedule(convert_to_tensor(11)) == 0.5


def test_a_schedule_of_ones_own_is_found_among_custom_objects() -> None:
    class Constant(schedules.LearningRateSchedule):
        def __init__(self, rate: float) -> None:
            self.rate = rate

        def __call__(self, step: Any) -> float:
            return self.rate

        def get_config(self) -> dict[str, Any]:
            return {"rate": self.rate}

    config = SGD(Constant(0.25)).get_config()
    again = SGD.from_config(config, custom_objects={"Constant": Constant})
    assert float(again.learning_rate) == 0.25


def test_a_schedule_must_say_what_it_does() -> None:
    base = schedules.LearningRateSchedule()
    with pytest.raises(NotImplementedError, match="__call__"):
        base(0)
    with pytest.raises(NotImplementedError, match="get_config"):
        base.get_config()
