"""Primitives, and `apply`: the one place where an operation runs and is recorded."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasish import backend
from kerasish.autodiff.state import state
from kerasish.autodiff.tensor import Tensor
from kerasish.backend import K
from kerasish.backend.dtypes import FLOATS, numpy_dtype

if TYPE_CHECKING:
    from kerasish.autodiff.tape import GradientTape

_ids = itertools.count(1)
_primitives: list[Primitive] = []

Infer = Callable[..., Any]


class Primitive:
    """A kernel and its gradient.

    Args:
        kernel: The name of the kernel in the contract.
        vjp: The vector-Jacobian product, `vjp(node, *dys)`: from the gradient of each output (None where
            none arrived) the gradient of each input (None where none is wanted), written with ops. None
            for a function without a gradient, such as a comparison.
        infer: The shape rule, called like the kernel, which returns `(shape, dtype)`, or a list of such
            pairs for several outputs. By default the kernel runs on dummies without memory.
    """

    __slots__ = ("differentiable", "infer", "kernel", "name", "run", "vjp")

    def __init__(
        self,
        kernel: str,
        vjp: Callable[..., tuple[Any, ...]] | None = None,
        infer: Infer | None = None,
    ) -> None:
        self.name = kernel
        self.kernel = kernel
        self.vjp = vjp
        self.infer = infer
        self.differentiable = vjp is not None
        self.run: Callable[..., Any] = getattr(K, kernel)
        _primitives.append(self)

    def __repr__(self) -> str:
        return f"<Primitive {self.name}>"


def _rebind() -> None:
    for primitive in _primitives:
        primitive.run = getattr(K, primitive.kernel)


backend.on_change(_rebind)


class Node:
    """One recorded operation: what ran, on which inputs, and what came out."""

    __slots__ = ("attrs", "id", "inputs", "needs", "primitive", "results", "shared")

    needs: tuple[bool, ...]

    def __init__(
        self,
        primitive: Primitive | None,
        inputs: tuple[Any, ...],
        attrs: dict[str, Any],
        results: Any,
        shared: bool = False,
    ) -> None:
        self.primitive = primitive
        self.inputs = inputs
        self.attrs = attrs
        self.results = results
        self.shared = shared
        self.id = next(_ids)

    @property
    def output(self) -> Tensor:
        """The only output."""
        return Tensor(self.results, self, 0)

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        """All outputs of an operation with several."""
        return tuple(Tensor(result, self, index) for index, result in enumerate(self.results))


def leaf_node() -> Node:
    """The node of a tensor that gradients are wanted for, but that nothing computed."""
    return Node(None, (), {}, None)


_NO_ATTRS: dict[str, Any] = {}
_ON_HOST = ("numpy", "numba")


def apply(primitive: Primitive, inputs: tuple[Any, ...], attrs: dict[str, Any] = _NO_ATTRS) -> Any:
    """Run a primitive on tensors (or arrays, Python numbers, None) and record it where a tape watches.

    Returns a Tensor, or a tuple of them for a primitive with several outputs.
    """
    if state.special:
        return _apply_special(primitive, inputs, attrs)
    try:
        result = primitive.run(*[x.array if isinstance(x, Tensor) else x for x in inputs], **attrs)
    except Exception as error:
        told = backend.explained(error)
        if told is None:
            raise
        raise told from error
    return _outputs(primitive, inputs, attrs, result)


def _outputs(primitive: Primitive, inputs: tuple[Any, ...], attrs: dict[str, Any], result: Any) -> Any:
    """What a kernel gave, as tensors; with the node that lets a tape find its way back, where one watches."""
    tapes = state.tapes
    if tapes and primitive.differentiable:
        for x in inputs:
            if isinstance(x, Tensor) and x.node is not None:
                node = Node(primitive, inputs, attrs, result, len(tapes) > 1)
                if type(result) is tuple:
                    return tuple([None if a is None else Tensor(a, node, i) for i, a in enumerate(result)])
                return Tensor(result, node)
    if type(result) is tuple:
        return tuple([None if array is None else Tensor(array) for array in result])
    return Tensor(result)


def _apply_special(primitive: Primitive, inputs: tuple[Any, ...], attrs: dict[str, Any]) -> Any:
    if state.autocast is not None and primitive is not CAST:
        inputs = tuple([_autocast(x, state.autocast) for x in inputs])
    arrays = [x.array if isinstance(x, Tensor) else x for x in inputs]
    if not state.abstract:
        recorder = state.recorder
        try:
            if recorder is None:
                result = primitive.run(*arrays, **attrs)
            else:
                result = recorder.run(primitive.name, primitive.run, inputs, arrays, attrs)
        except Exception as error:
            told = backend.explained(error)
            if told is None:
                raise
            raise told from error
    elif primitive.infer is not None:
        specs = primitive.infer(*arrays, **attrs)
        if isinstance(specs, list):
            result = tuple([None if spec is None else dummy(*spec) for spec in specs])
        else:
            result = dummy(*specs)
    else:
        with np.errstate(all="ignore"):
            result = _on_dummies(primitive, arrays, attrs)
        if type(result) is tuple:
            result = tuple([None if a is None else dummy(a.shape, a.dtype) for a in result])
        else:
            result = dummy(result.shape, result.dtype)
    return _outputs(primitive, inputs, attrs, result)


@functools.cache
def _reference() -> dict[str, Callable[..., Any]]:
    return backend.kernels_of("numpy")


def _on_dummies(primitive: Primitive, arrays: list[Any], attrs: dict[str, Any]) -> Any:
    """A kernel run for the shapes of what it gives: NumPy's, since dummies lie on the host whatever the backend is."""
    if K.name in _ON_HOST:
        return primitive.run(*arrays, **attrs)
    kernel = _reference().get(primitive.kernel, primitive.run)
    attrs = {name: _stand_in(value) for name, value in attrs.items()}
    return kernel(*[_stand_in(array) for array in arrays], **attrs)


def _stand_in(value: Any) -> Any:
    """For an array of the device a dummy, or its values where they decide on a shape, as those of a mask do."""
    if isinstance(value, tuple):
        return tuple([_stand_in(member) for member in value])
    if isinstance(value, (np.ndarray, np.generic)) or not hasattr(value, "shape"):
        return value
    return K.to_numpy(value) if value.dtype == np.bool_ else dummy(value.shape, value.dtype)


def _autocast(x: Any, dtype: str) -> Any:
    if getattr(x, "autocast", False) and x.dtype != dtype and x.dtype in FLOATS:
        return apply(CAST, (x,), {"dtype": numpy_dtype(dtype)})
    return x


def dummy(shape: tuple[int, ...], dtype: Any) -> Any:
    """An array of zeros of any shape that holds one element in memory."""
    return np.broadcast_to(np.zeros((), dtype), shape)


def _cast_vjp(node: Node, dy: Tensor) -> tuple[Tensor | None]:
    (x,) = node.inputs
    return (apply(CAST, (dy,), {"dtype": x.array.dtype}) if x.dtype in FLOATS else None,)


IDENTITY = Primitive("identity", vjp=lambda node, dy: (dy,), infer=lambda x: (x.shape, x.dtype))


def alias(x: Tensor, tape: GradientTape) -> Tensor:
    """The same values under a node of their own, watched by a tape."""
    tape.watch(x)
    copy = apply(IDENTITY, (x,))
    tape.watch(copy)
    return copy


CAST = Primitive("cast", vjp=_cast_vjp, infer=lambda x, *, dtype: (x.shape, dtype))


def fused(
    kernel: str,
    backward: str,
    vjp: Callable[..., tuple[Any, ...]],
    composite: Callable[..., Any] | None = None,
    infer: Infer | None = None,
    backward_infer: Infer | None = None,
) -> tuple[Primitive, Primitive]:
    """A coarse kernel and its backward kernel, as a pair of primitives.

    Args:
        kernel: The forward kernel.
        backward: The backward kernel.
        vjp: The gradient of the forward kernel; it applies the second of the returned primitives.
        composite: `composite(*inputs, **attrs)`, what the backward kernel computes, written with ops: the
            derivative of the backward kernel is found by replaying it. Without it, a second derivative
            is refused by name.
        infer: The shape rule of the forward kernel.
        backward_infer: The shape rule of the backward kernel.
    """

    def backward_vjp(node: Node, *dys: Any) -> tuple[Any, ...]:
        if composite is None:
            raise NotImplementedError(
                f"The gradient of {kernel!r} cannot be differentiated again: {backward!r} is a fused kernel "
                "without a second derivative."
            )
        from kerasish.autodiff.tape import GradientTape

        with GradientTape() as tape:
            # Each input gets a node of its own, so that one tensor given twice is told apart.
            inputs = [alias(x, tape) if needed else x for x, needed in zip(node.inputs, node.needs, strict=True)]
            results = composite(*inputs, **node.attrs)
        results = results if isinstance(results, tuple) else (results,)
        pairs = [(y, dy) for y, dy in zip(results, dys, strict=True) if y is not None and dy is not None]
        grads = tape.gradient(
            [y for y, _ in pairs],
            [x for x, needed in zip(inputs, node.needs, strict=True) if needed],
            output_gradients=[dy for _, dy in pairs],
        )
        remaining = iter(grads)
        return tuple([next(remaining) if needed else None for needed in node.needs])

    forward_primitive = Primitive(kernel, vjp, infer)
    return forward_primitive, Primitive(backward, backward_vjp, backward_infer)
