"""`SGD`: gradient descent, with momentum."""

from __future__ import annotations

from typing import Any

from kerasish.backend import K
from kerasish.optimizers.optimizer import Optimizer


class SGD(Optimizer):
    """Gradient descent, plain, with momentum, or with Nesterov momentum.

    `v = momentum * v - learning_rate * g`, then `w += v`, or with Nesterov momentum
    `w += momentum * v - learning_rate * g`.

    Args:
        learning_rate: A number or a schedule.
        momentum: The share of the last step that is made again, from 0 to 1.
        nesterov: Whether the gradient is taken as if after that step.
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

    >>> float(SGD(learning_rate=0.5).learning_rate)
    0.5
    """

    def __init__(
        self,
        learning_rate: Any = 0.01,
        momentum: float = 0.0,
        nesterov: bool = False,
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
        if not isinstance(momentum, (int, float)) or not 0 <= momentum <= 1:
            raise ValueError(f"momentum must lie between 0 and 1. Received: momentum={momentum!r}")
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
        self.momentum = momentum
        self.nesterov = nesterov

    def slot_names(self) -> tuple[tuple[str, ...], ...]:
        """Momentum, where there is any."""
        return (("momentum",),) if self.momentum else ()

    def update(self, param: Any, grad: Any, slots: dict[str, Any], learning_rate: float) -> None:
        """The kernel of the update."""
        K.sgd_update(
            param,
            grad,
            slots.get("momentum"),
            learning_rate=learning_rate,
            momentum=self.momentum,
            nesterov=self.nesterov,
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "momentum": self.momentum,
            "nesterov": self.nesterov,
        }
