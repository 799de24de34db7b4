"""`Adadelta`: steps as large as the recent ones, per unit of gradient."""

from __future__ import annotations

from typing import Any, ClassVar

from kerasish.backend import K
from kerasish.optimizers.optimizer import Optimizer


class Adadelta(Optimizer):
    """Adadelta: steps scaled by the ratio of the recent steps to the recent gradients.

    `a = rho * a + (1 - rho) * g^2`, `d = sqrt(s + epsilon) / sqrt(a + epsilon) * g`,
    `s = rho * s + (1 - rho) * d^2`, `w -= learning_rate * d`. Zeiler, 2012, https://arxiv.org/abs/1212.5701.

    Args:
        learning_rate: A number or a schedule.
        rho: The decay of both means.
        epsilon: Keeps divisions finite, and starts the first step.
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

    >>> float(Adadelta(learning_rate=0.5).learning_rate)
    0.5
    """

    slot_groups: ClassVar[tuple[tuple[str, ...], ...]] = (("accumulated_grad", "accumulated_delta_var"),)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        rho: float = 0.95,
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
        self.rho = rho
        self.epsilon = epsilon

    def update(self, param: Any, grad: Any, slots: dict[str, Any], learning_rate: float) -> None:
        """The kernel of the update."""
        K.adadelta_update(
            param,
            grad,
            slots["accumulated_grad"],
            slots["accumulated_delta_var"],
            learning_rate=learning_rate,
            rho=self.rho,
            epsilon=self.epsilon,
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "rho": self.rho,
            "epsilon": self.epsilon,
        }
