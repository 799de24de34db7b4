"""`AdamW`: Adam with decoupled weight decay."""

from __future__ import annotations

from typing import Any

from kerasish.optimizers.adam import Adam


class AdamW(Adam):
    """Adam with weight decay that does not pass through the means.

    Before Adam's step, `w -= learning_rate * weight_decay * w`. Loshchilov and Hutter, 2017,
    https://arxiv.org/abs/1711.05101.

    Args:
        learning_rate: A number or a schedule.
        weight_decay: The weight decay.
        **kwargs: The arguments of `Adam`.

    >>> AdamW().weight_decay
    0.004
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        weight_decay: float = 0.004,
        *args: Any,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        names = (
            "beta_1",
            "beta_2",
            "epsilon",
            "amsgrad",
            "clipnorm",
            "clipvalue",
            "global_clipnorm",
            "use_ema",
        )
        kwargs.update(zip(names, args, strict=False))
        super().__init__(learning_rate, weight_decay=weight_decay, name=name, **kwargs)
        if self.weight_decay is None:
            raise ValueError("AdamW needs a weight_decay. Received: weight_decay=None")
