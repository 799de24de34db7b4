"""Checks that tests of operations share: gradients against numeric differentiation, symbolic against eager."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from kerasish import tree
from kerasish.autodiff import GradientTape, KerasTensor, Tensor, convert_to_tensor

STEP = 1e-5

# On an emulated GPU an evaluation takes long: of large arguments, some elements are checked, and all of them together.
SAMPLED = 4 if os.environ.get("KERASISH_TEST_DEVICE") == "emulated" else None


def _is_float(x: Any) -> bool:
    return isinstance(x, np.ndarray) and x.dtype == np.float64


def _outputs(function: Callable[..., Any], inputs: Sequence[Any]) -> list[Tensor]:
    flat = tree.flatten(function(*inputs))
    return [y for y in flat if isinstance(y, Tensor) and y.dtype == "float64"]


def _slope(scalar: Callable[[list[Any]], float], inputs: Sequence[Any], index: int, move: np.ndarray) -> float:
    """The central difference along a direction of one argument."""
    values = []
    for step in (STEP, -STEP):
        moved = np.asarray(inputs[index] + step * move)
        values.append(scalar([*inputs[:index], moved, *inputs[index + 1 :]]))
    return (values[0] - values[1]) / (2 * STEP)


def _compare(
    scalar: Callable[[list[Any]], float],
    inputs: Sequence[Any],
    index: int,
    grad: np.ndarray,
    rtol: float,
    atol: float,
    what: str,
) -> None:
    """Compare a gradient with central differences, element by element."""
    positions = list(np.ndindex(grad.shape))
    if SAMPLED is not None and len(positions) > 2 * SAMPLED:
        rng = np.random.default_rng(len(positions))
        positions = [positions[i] for i in rng.choice(len(positions), SAMPLED, replace=False)]
        direction = rng.choice([-1.0, 1.0], grad.shape)
        expected = _slope(scalar, inputs, index, direction)
        scale = np.sqrt(grad.size)
        np.testing.assert_allclose(np.sum(grad * direction), expected, rtol * scale, atol * scale, err_msg=what)
    for position in positions:
        move = np.zeros_like(inputs[index])
        move[position] = 1.0
        expected = _slope(scalar, inputs, index, move)
        np.testing.assert_allclose(grad[position], expected, rtol, atol, err_msg=f"{what} at {position}")


def _gradients(function: Callable[..., Any], inputs: Sequence[Any], cotangents: list[Any]) -> list[Any]:
    """The gradients of the float inputs, as tensors (zeros where nothing depends on one)."""
    tensors = [convert_to_tensor(x) if _is_float(x) else x for x in inputs]
    sources = [x for x, given in zip(tensors, inputs, strict=True) if _is_float(given)]
    with GradientTape() as tape:
        tape.watch(sources)
        outputs = _outputs(function, tensors)
    return tape.gradient(outputs, sources, output_gradients=cotangents, unconnected_gradients="zero")


def check_gradients(
    function: Callable[..., Any],
    inputs: Sequence[Any],
    *,
    second: bool = True,
    rtol: float = 1e-5,
    atol: float = 1e-6,
) -> None:
    """Compare the gradients of a function, and their own gradients, with central differences in float64.

    Args:
        function: A function of tensors that returns a tensor or a structure of them.
        inputs: Its arguments. Gradients are taken by the float64 arrays; the others are handed on.
        second: Whether second derivatives are checked.
        rtol: The relative tolerance.
        atol: The absolute tolerance.
    """
    rng = np.random.default_rng(7)
    inputs = [
        np.asarray(x, np.float64) if isinstance(x, (np.ndarray, np.float64)) and x.dtype.kind == "f" else x
        for x in inputs
    ]
    floats = [index for index, x in enumerate(inputs) if _is_float(x)]
    assert floats, "no float64 input to differentiate by"
    values = _outputs(function, [convert_to_tensor(x) if _is_float(x) else x for x in inputs])
    assert values, "no float64 output to differentiate"
    cotangents = [convert_to_tensor(np.asarray(rng.normal(size=y.shape))) for y in values]

    def scalar(arrays: list[Any]) -> float:
        outputs = _outputs(function, [convert_to_tensor(x) if _is_float(x) else x for x in arrays])
        return sum(float(np.sum(y.numpy() * dy.numpy())) for y, dy in zip(outputs, cotangents, strict=True))

    grads = _gradients(function, inputs, cotangents)
    for index, grad in zip(floats, grads, strict=True):
        assert grad.shape == inputs[index].shape
        assert grad.dtype == "float64"
        _compare(scalar, inputs, index, grad.numpy(), rtol, atol, f"gradient of argument {index}")
    if not second:
        return
    weights = [np.asarray(rng.normal(size=inputs[index].shape)) for index in floats]

    def slope(arrays: list[Any]) -> float:
        first = _gradients(function, arrays, cotangents)
        return sum(float(np.sum(g.numpy() * w)) for g, w in zip(first, weights, strict=True))

    tensors = [convert_to_tensor(x) if _is_float(x) else x for x in inputs]
    sources = [tensors[index] for index in floats]
    with GradientTape() as outer:
        outer.watch(sources)
        with GradientTape() as inner:
            inner.watch(sources)
            outputs = _outputs(function, tensors)
        first = inner.gradient(outputs, sources, output_gradients=cotangents, unconnected_gradients="zero")
    again = outer.gradient(
        first, sources, output_gradients=[convert_to_tensor(w) for w in weights], unconnected_gradients="zero"
    )
    for index, grad in zip(floats, again, strict=True):
        _compare(slope, inputs, index, grad.numpy(), rtol * 10, atol * 10, f"second derivative, argument {index}")


def check_symbolic(function: Callable[..., Any], inputs: Sequence[Any], *, batch: bool = True) -> None:
    """Compare the shapes and dtypes that a function gives for KerasTensors with those of its values.

    Args:
        function: A function of tensors.
        inputs: Its arguments; NumPy arrays become KerasTensors.
        batch: Whether to leave the first dimension of the arrays open too, where they agree on it.
    """
    eager = tree.flatten(function(*[convert_to_tensor(x) if isinstance(x, np.ndarray) else x for x in inputs]))
    arrays = [x for x in inputs if isinstance(x, np.ndarray)]
    firsts = {x.shape[0] for x in arrays if x.ndim and x.ndim == max(a.ndim for a in arrays)}
    variants = [False, True] if batch and len(firsts) == 1 else [False]
    for unknown in variants:

        def symbol(x: Any, unknown: bool = unknown) -> Any:
            if not isinstance(x, np.ndarray):
                return x
            shape = (None, *x.shape[1:]) if unknown and x.ndim and x.shape[0] in firsts else x.shape
            return KerasTensor(shape, x.dtype)

        symbolic = tree.flatten(function(*[symbol(x) for x in inputs]))
        assert len(symbolic) == len(eager)
        for found, expected in zip(symbolic, eager, strict=True):
            assert isinstance(found, KerasTensor)
            assert found.dtype == expected.dtype
            assert len(found.shape) == len(expected.shape)
            for size, wanted in zip(found.shape, expected.shape, strict=True):
                assert size == wanted or (unknown and size is None), (found.shape, expected.shape)
