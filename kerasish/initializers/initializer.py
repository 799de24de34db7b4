"""`Initializer`: what gives a weight its first value."""

from __future__ import annotations

from typing import Any

from kerasish.autodiff import Tensor

_LEGACY_KEYS = ("dtype", "name", "verify_shape", "partition_info")


class Initializer:
    """The base of all initializers: a function from a shape and a dtype to a tensor, with a config.

    A subclass writes `__call__`, and `get_config` when its `__init__` takes arguments.

    >>> from kerasish import ops
    >>> class Twos(Initializer):
    ...     def __call__(self, shape, dtype=None, **kwargs):
    ...         return ops.full(shape, 2, dtype=dtype)
    >>> Twos()((2,), dtype="int32").tolist()
    [2, 2]
    """

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        """A tensor of this shape and dtype (by default the default float)."""
        raise NotImplementedError(f"The initializer {type(self).__name__} needs a method __call__(shape, dtype).")

    def get_config(self) -> dict[str, Any]:
        """The arguments to make the initializer again, as values of JSON."""
        return {}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Initializer:
        """The initializer of a config; the "dtype" that Keras 1 and 2 wrote beside the arguments is dropped."""
        if cls.__module__.startswith("kerasish."):
            config = {key: value for key, value in config.items() if key not in _LEGACY_KEYS}
        return cls(**config)

    def clone(self) -> Initializer:
        """Another initializer with the same arguments."""
        return type(self).from_config(self.get_config())

    def __repr__(self) -> str:
        arguments = ", ".join(f"{key}={value!r}" for key, value in self.get_config().items())
        return f"<{type(self).__name__}({arguments})>"
