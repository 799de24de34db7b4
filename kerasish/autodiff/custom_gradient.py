"""`custom_gradient`: a function whose gradient is given by hand; `stop_gradient`."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from kerasish import tree
from kerasish.autodiff.primitive import Node, Primitive
from kerasish.autodiff.state import state
from kerasish.autodiff.tensor import Tensor, convert_to_tensor


class CustomPrimitive(Primitive):
    """The primitive of one call of a function with its own gradient."""

    __slots__ = ()

    def __init__(self, name: str, vjp: Callable[..., tuple[Any, ...]]) -> None:
        self.name = name
        self.kernel = ""
        self.vjp = vjp
        self.infer = None
        self.differentiable = True


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """Give a function a gradient of one's own.

    The function returns its value and a function from the gradients of its outputs to those of its inputs.

    >>> from kerasish import ops
    >>> @custom_gradient
    ... def log1pexp(x):
    ...     e = ops.exp(x)
    ...     return ops.log(1 + e), lambda upstream: upstream * (1 - 1 / (1 + e))
    """

    @functools.wraps(f)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        inputs = tuple([convert_to_tensor(x) if _array_like(x) else x for x in args])
        outputs, grad_function = f(*inputs, **kwargs)
        if not any(isinstance(x, Tensor) and x.node is not None for x in inputs) or not state.tapes:
            return outputs
        flat = [convert_to_tensor(y) for y in tree.flatten(outputs)]
        tensors = [position for position, x in enumerate(inputs) if isinstance(x, Tensor)]

        def vjp(node: Node, *dys: Any) -> tuple[Any, ...]:
            filled = [Tensor(y.array * 0) if dy is None else dy for y, dy in zip(flat, dys, strict=True)]
            grads = tree.flatten(grad_function(*filled))
            if len(grads) != len(tensors):
                raise ValueError(
                    f"The gradient function of {f.__name__!r} must return one gradient for each of its "
                    f"{len(tensors)} tensor inputs. Received: {len(grads)} gradients"
                )
            result: list[Any] = [None] * len(inputs)
            for position, grad in zip(tensors, grads, strict=True):
                result[position] = None if grad is None else convert_to_tensor(grad)
            return tuple(result)

        node = Node(CustomPrimitive(f.__name__, vjp), inputs, {}, tuple([y.array for y in flat]))
        node.shared = len(state.tapes) > 1
        recorded = [Tensor(y.array, node, index) for index, y in enumerate(flat)]
        return tree.pack_sequence_as(outputs, recorded) if tree.is_nested(outputs) else recorded[0]

    return wrapper


def _array_like(x: Any) -> bool:
    return isinstance(x, Tensor) or (hasattr(x, "__array__") and not isinstance(x, type))


def stop_gradient(variable: Any) -> Tensor:
    """The same values, through which no gradient flows.

    >>> stop_gradient(3.0).item()
    3.0
    """
    return Tensor(convert_to_tensor(variable).array)
