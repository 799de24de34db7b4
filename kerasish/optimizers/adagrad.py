"""`Adagrad`: gradients divided by the root of the sum of their squares."""

from __future__ import annotations

from typing import Any, ClassVar

from kerasish.backend import K
from kerasish.optimizers.optimizer import Optimizer


class Adagrad(Optimizer):
    """Adagrad: gradients divided by the root of the sum of their squares so far.

    `a += g^2`, `w -= learning_rate * g / sqrt(a + epsilon)`. Duchi et al., JMLR 12, 2011.

    Args:
        learning_rate: A number or a schedule.
        initial_accumulator_value: What the sum begins with.
        epsilon: Keeps divisions finite.
        weight_decay: Decoupled weight decay.
        clipnorm: The greatest norm of the gradient of one variable.
        clipvalue: The greatest absolute value of an element of a gradient.
        global_clipnorm: The greatest norm of all gradients together.
        use_ema: Whether moving averages of the variables are kept.
        ema_momentum: The momentum of these averages.
        ema_overwrite_frequency: After how many steps the variables are set to their averages.
        loss_scale_factor: A factor on the loss that is taken off the gradients again.
        gradient_accumulation_steps: How many gradients are averaged into one update.
        name: The optimizer's name.

    >>> float(Adagrad(learning_rate=0.5).learning_rate)
    0.5
    """

    slot_groups: ClassVar[tuple[tuple[str, ...], ...]] = (("accumulator",),)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            learning_rate=learning_rate,
            weight_decay=weight_decay,
            clipnorm=clipnorm,
            clipvalue=clipvalue,
            global_clipnorm=global_clipnorm,
            use_ema=use_ema,
            ema_momentum=ema_momentum,
            ema_overwrite_frequency=ema_overwrite_frequency,
            loss_scale_factor=loss_scale_factor,
            gradient_accumulation_steps=gradient_accumulation_steps,
            name=name,
            **kwargs,
        )
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = epsilon

    def slot_initializer(self, slot: str) -> Any:
        """The sum begins with a constant."""
        from kerasish.initializers import Constant

        return Constant(self.initial_accumulator_value)

    def update(self, param: Any, grad: Any, slots: dict[str, Any], learning_rate: float) -> None:
        """The kernel of the update."""
        K.adagrad_update(param, grad, slots["accumulator"], learning_rate=learning_rate, epsilon=self.epsilon)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "initial_accumulator_value": self.initial_accumulator_value,
            "epsilon": self.epsilon,
        }
