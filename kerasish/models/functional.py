"""`Functional`: a model made from the inputs and outputs of a graph of layers."""

from __future__ import annotations

from typing import Any

from kerasish.models.model import Model


class Functional(Model):
    """What `Model(inputs, outputs)` makes.

    Args:
        inputs: The KerasTensors where data enters.
        outputs: The KerasTensors that the model gives.
        name: The model's name.
    """

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None, **kwargs: Any) -> None:
        super().__init__(inputs=inputs, outputs=outputs, name=name, **kwargs)

    def get_config(self) -> dict[str, Any]:
        """The layers and how they are connected, as values of JSON."""
        from kerasish.models.functional_config import functional_config

        return functional_config(self)

    @classmethod
    def from_config(cls, config: dict[str, Any], custom_objects: dict[str, Any] | None = None) -> Any:
        """The model of a config, by this Keras version or an earlier one."""
        from kerasish.models.functional_config import functional_from_config

        return functional_from_config(cls, config, custom_objects)
