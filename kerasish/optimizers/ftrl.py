"""`Ftrl`: follow the regularized leader."""

from __future__ import annotations

from typing import Any, ClassVar

from kerasish.backend import K
from kerasish.optimizers.optimizer import Optimizer


class Ftrl(Optimizer):
    """FTRL, for sparse models with L1 and L2 regularization.

    McMahan et al., 2013, "Ad click prediction: a view from the trenches".

    Args:
        learning_rate: A number or a schedule.
        learning_rate_power: How the rate falls with the sum of the squares; 0 or less.
        initial_accumulator_value: What the sum begins with.
        l1_regularization_strength: L1 regularization, 0 or more.
        l2_regularization_strength: L2 regularization, 0 or more.
        l2_shrinkage_regularization_strength: L2 regularization of the gradient's step alone.
        beta: Added to the rate's divisor.
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

    >>> float(Ftrl(learning_rate=0.5).learning_rate)
    0.5
    """

    slot_groups: ClassVar[tuple[tuple[str, ...], ...]] = (("accumulator", "linear"),)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        learning_rate_power: float = -0.5,
        initial_accumulator_value: float = 0.1,
        l1_regularization_strength: float = 0.0,
        l2_regularization_strength: float = 0.0,
        l2_shrinkage_regularization_strength: float = 0.0,
        beta: float = 0.0,
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
        if learning_rate_power > 0:
            raise ValueError(f"learning_rate_power must be 0 or less. Received: {learning_rate_power=}")
        strengths = (
            l1_regularization_strength,
            l2_regularization_strength,
            l2_shrinkage_regularization_strength,
        )
        if min(strengths) < 0 or initial_accumulator_value < 0:
            raise ValueError(
                "The strengths and the initial accumulator value must be 0 or more. "
                f"Received: {strengths=}, {initial_accumulator_value=}"
            )
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
        self.learning_rate_power = learning_rate_power
        self.initial_accumulator_value = initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta

    def slot_initializer(self, slot: str) -> Any:
        """The sum begins with a constant."""
        from kerasish.initializers import Constant

        return Constant(self.initial_accumulator_value) if slot == "accumulator" else "zeros"

    def update(self, param: Any, grad: Any, slots: dict[str, Any], learning_rate: float) -> None:
        """The kernel of the update."""
        K.ftrl_update(
            param,
            grad,
            slots["accumulator"],
            slots["linear"],
            learning_rate=learning_rate,
            learning_rate_power=self.learning_rate_power,
            l1_regularization_strength=self.l1_regularization_strength,
            l2_regularization_strength=self.l2_regularization_strength,
            l2_shrinkage_regularization_strength=self.l2_shrinkage_regularization_strength,
            beta=self.beta,
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "learning_rate_power": self.learning_rate_power,
            "initial_accumulator_value": self.initial_accumulator_value,
            "l1_regularization_strength": self.l1_regularization_strength,
            "l2_regularization_strength": self.l2_regularization_strength,
            "l2_shrinkage_regularization_strength": self.l2_shrinkage_regularization_strength,
            "beta": self.beta,
        }
