"""`Nadam`: Adam with Nesterov momentum."""

from __future__ import annotations

from typing import Any, ClassVar

from kerasish.autodiff import name_scope, state
from kerasish.autodiff.host_values import raw
from kerasish.backend import K
from kerasish.optimizers.host_scalar import HostScalar
from kerasish.optimizers.optimizer import Optimizer
from kerasish.optimizers.state import whole_build


class Nadam(Optimizer):
    """Nadam: Adam with Nesterov momentum, whose momentum grows over the first steps.

    With `u_t = beta_1 * (1 - 0.5 * 0.96^t)`, the mean is taken as after the next step. Dozat, 2016.

    Args:
        learning_rate: A number or a schedule.
        beta_1: The decay of the mean of the gradients.
        beta_2: The decay of the mean of their squares.
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

    >>> float(Nadam(learning_rate=0.5).learning_rate)
    0.5
    """

    slot_groups: ClassVar[tuple[tuple[str, ...], ...]] = (("momentum", "velocity"),)

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
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
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    @whole_build
    def build(self, variables: Any) -> None:
        """Make the state: the slots, and the product of the momenta so far."""
        if self.built:
            return
        variables = list(variables)
        super().build(variables)
        with name_scope(self.name):
            self._u_product = HostScalar(1.0, dtype=variables[0].dtype if variables else None)

    def begin_update(self) -> None:
        """Take the momentum of this step into the product."""
        product = self._u_product
        if state.recorder is None or not state.recorder.leads(product):
            product.renew(lambda: product.host * self._momentum_at(self._updates() + 1))
        else:
            held = raw(product)
            K.copy_into(held, K.cast(held * self._momentum_at(self.step_number()), dtype=held.dtype))
            product.forget_host()

    def _momentum_at(self, step: Any) -> Any:
        return self.beta_1 * (1.0 - 0.5 * 0.96**step)

    def update(self, param: Any, grad: Any, slots: dict[str, Any], learning_rate: float) -> None:
        """The kernel of the update."""
        K.nadam_update(
            param,
            grad,
            slots["momentum"],
            slots["velocity"],
            learning_rate=learning_rate,
            beta_1=self.beta_1,
            beta_2=self.beta_2,
            epsilon=self.epsilon,
            step=self.step_number(),
            u_product=self._u_product.number(),
        )

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
