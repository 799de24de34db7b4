"""Initializers without chance: zeros, ones, a constant, the identity matrix."""

from __future__ import annotations

from typing import Any

from kerasish import ops
from kerasish.autodiff import Tensor
from kerasish.backend.dtypes import standardize_dtype
from kerasish.initializers.initializer import Initializer
from kerasish.saving.serialization_lib import deserialize_keras_object, serialize_keras_object


class Constant(Initializer):
    """The same value everywhere.

    Args:
        value: A number, or an array that is broadcast to the shape.

    >>> Constant(3.0)((2,)).tolist()
    [3.0, 3.0]
    """

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        """A tensor of this shape, filled with the value."""
        dtype = standardize_dtype(dtype)
        return ops.broadcast_to(ops.cast(self.value, dtype), tuple(shape))

    def get_config(self) -> dict[str, Any]:
        """The argument."""
        return {"value": serialize_keras_object(self.value)}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Constant:
        """The initializer of a config."""
        return cls(deserialize_keras_object(config.get("value", 0.0)))


class Zeros(Initializer):
    """Zeros.

    >>> Zeros()((2,)).tolist()
    [0.0, 0.0]
    """

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        """Zeros of this shape."""
        return ops.zeros(tuple(shape), dtype=standardize_dtype(dtype))


class Ones(Initializer):
    """Ones.

    >>> Ones()((2,), dtype="int32").tolist()
    [1, 1]
    """

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        """Ones of this shape."""
        return ops.ones(tuple(shape), dtype=standardize_dtype(dtype))


class Identity(Initializer):
    """`gain` times the identity matrix; for matrices only.

    Args:
        gain: The value on the diagonal.

    >>> Identity(gain=2.0)((2, 3)).tolist()
    [[2.0, 0.0, 0.0], [0.0, 2.0, 0.0]]
    """

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Any, dtype: Any = None, **kwargs: Any) -> Tensor:
        """The scaled identity matrix of this shape.

        Raises:
            ValueError: If the shape is not that of a matrix.
        """
        if len(shape) != 2:
            raise ValueError(f"Identity initializes matrices: expected a shape of rank 2. Received: shape={shape}")
        return ops.eye(shape[0], shape[1], dtype=standardize_dtype(dtype)) * self.gain

    def get_config(self) -> dict[str, Any]:
        """The argument."""
        return {"gain": self.gain}
