"""`Constraint`: what a weight is put through after each update."""

from __future__ import annotations

from typing import Any

from kerasish.autodiff import Tensor

_LEGACY_KEYS = {"m": "max_value", "name": None}


class Constraint:
    """The base of all constraints: a function from a weight to the weight that it becomes, with a config.

    >>> from kerasish import ops
    >>> class Small(Constraint):
    ...     def __call__(self, w):
    ...         return ops.clip(w, -1.0, 1.0)
    >>> Small()([3.0, -0.5]).tolist()
    [1.0, -0.5]
    """

    def __call__(self, w: Any) -> Tensor:
        """The weight that fulfils the constraint."""
        return w

    def get_config(self) -> dict[str, Any]:
        """The arguments to make the constraint again, as values of JSON."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Constraint:
        """The constraint of a config; "m" is the name that Keras 1 gave to `max_value`."""
        if cls.__module__.startswith("kerasish."):
            renamed = {_LEGACY_KEYS.get(key, key): value for key, value in config.items()}
            config = {key: value for key, value in renamed.items() if key is not None}
        return cls(**config)
