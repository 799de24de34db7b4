"""Recurrent networks written out step by step: from them the backward kernels get their own derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kerasish.autodiff import GradientTape, Tensor
from kerasish.autodiff.primitive import alias
from kerasish.ops.activation import hard_sigmoid, relu, sigmoid
from kerasish.ops.choice import where
from kerasish.ops.joining import stack
from kerasish.ops.matmul import matmul
from kerasish.ops.trigonometry import tanh

ACTIVATIONS: dict[str, Callable[[Any], Any]] = {
    "tanh": tanh,
    "relu": relu,
    "sigmoid": sigmoid,
    "linear": lambda x: x,
}
"""The activations that the kernels know. Layers run other ones step by step."""
RECURRENT_ACTIVATIONS = {**ACTIVATIONS, "hard_sigmoid": hard_sigmoid}
"""Those that they know for gates."""

Step = Callable[[Tensor, tuple[Tensor, ...]], tuple[Tensor, ...]]


def _unrolled(step: Step, x: Tensor, states: tuple[Tensor, ...], mask: Any, attrs: dict[str, Any]) -> list[Tensor]:
    """The outputs and the last states, step by step; the first state is what a step puts out."""
    previous, outputs = states[0] * 0, []
    count = x.shape[1]
    for time in reversed(range(count)) if attrs["reverse"] else range(count):
        stepped = step(x[:, time], states)
        if mask is None:
            states, previous = stepped, stepped[0]
            outputs.append(previous)
            continue
        valid = mask[:, time].reshape((-1, 1))
        states = tuple([where(valid, new, old) for new, old in zip(stepped, states, strict=True)])
        previous = where(valid, stepped[0], previous * 0 if attrs["zero_output_for_mask"] else previous)
        outputs.append(previous)
    return [stack(outputs, axis=1), *states]


def _gradient_of(loop: Callable[..., list[Tensor]], inputs: tuple[Any, ...], seeds: tuple[Any, ...]) -> tuple[Any, ...]:
    """The gradient of a loop in each of its inputs, by a tape: what the backward kernels compute."""
    with GradientTape() as tape:
        copies = tuple([None if x is None else alias(x, tape) for x in inputs])
        results = loop(*copies)
    pairs = [(y, dy) for y, dy in zip(results, seeds, strict=True) if dy is not None]
    grads = iter(
        tape.gradient(
            [y for y, _ in pairs],
            [x for x in copies if x is not None],
            output_gradients=[dy for _, dy in pairs],
            unconnected_gradients="zero",
        )
    )
    return tuple([None if x is None else next(grads) for x in copies])


def simple_rnn_gradient(
    d_outputs: Any,
    d_last: Any,
    x: Any,
    h0: Any,
    kernel: Any,
    recurrent: Any,
    bias: Any,
    mask: Any,
    *rest: Any,
    **attrs: Any,
) -> tuple[Any, ...]:
    """What the kernel `simple_rnn_backward` computes, for the same inputs."""
    activation = ACTIVATIONS[attrs["activation"]]

    def loop(x: Tensor, h0: Tensor, kernel: Tensor, recurrent: Tensor, bias: Any) -> list[Tensor]:
        def step(xt: Tensor, states: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            return (activation(_plus(matmul(xt, kernel) + matmul(states[0], recurrent), bias)),)

        return _unrolled(step, x, (h0,), mask, attrs)

    return _gradient_of(loop, (x, h0, kernel, recurrent, bias), (d_outputs, d_last))


def _plus(x: Tensor, bias: Any) -> Tensor:
    return x if bias is None else x + bias


def lstm_gradient(
    d_outputs: Any,
    d_h: Any,
    d_c: Any,
    x: Any,
    h0: Any,
    c0: Any,
    kernel: Any,
    recurrent: Any,
    bias: Any,
    mask: Any,
    *rest: Any,
    **attrs: Any,
) -> tuple[Any, ...]:
    """What the kernel `lstm_backward` computes, for the same inputs."""
    activation = ACTIVATIONS[attrs["activation"]]
    gate = RECURRENT_ACTIVATIONS[attrs["recurrent_activation"]]
    units = h0.shape[1]

    def loop(x: Tensor, h0: Tensor, c0: Tensor, kernel: Tensor, recurrent: Tensor, bias: Any) -> list[Tensor]:
        def step(xt: Tensor, states: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            h, c = states
            z = _plus(matmul(xt, kernel) + matmul(h, recurrent), bias)
            c = gate(z[:, units : 2 * units]) * c + gate(z[:, :units]) * activation(z[:, 2 * units : 3 * units])
            return gate(z[:, 3 * units :]) * activation(c), c

        return _unrolled(step, x, (h0, c0), mask, attrs)

    return _gradient_of(loop, (x, h0, c0, kernel, recurrent, bias), (d_outputs, d_h, d_c))


def gru_gradient(
    d_outputs: Any,
    d_last: Any,
    x: Any,
    h0: Any,
    kernel: Any,
    recurrent: Any,
    bias: Any,
    mask: Any,
    *rest: Any,
    **attrs: Any,
) -> tuple[Any, ...]:
    """What the kernel `gru_backward` computes, for the same inputs."""
    activation = ACTIVATIONS[attrs["activation"]]
    gate = RECURRENT_ACTIVATIONS[attrs["recurrent_activation"]]
    units = h0.shape[1]

    def loop(x: Tensor, h0: Tensor, kernel: Tensor, recurrent: Tensor, bias: Any) -> list[Tensor]:
        input_bias = recurrent_bias = None
        if bias is not None:
            input_bias, recurrent_bias = (bias[0], bias[1]) if attrs["reset_after"] else (bias, None)

        def step(xt: Tensor, states: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            (h,) = states
            a = _plus(matmul(xt, kernel), input_bias)
            if attrs["reset_after"]:
                b = _plus(matmul(h, recurrent), recurrent_bias)
                r = gate(a[:, units : 2 * units] + b[:, units : 2 * units])
                inner = r * b[:, 2 * units :]
            else:
                b = matmul(h, recurrent[:, : 2 * units])
                r = gate(a[:, units : 2 * units] + b[:, units:])
                inner = matmul(r * h, recurrent[:, 2 * units :])
            z = gate(a[:, :units] + b[:, :units])
            return (z * h + (1 - z) * activation(a[:, 2 * units :] + inner),)

        return _unrolled(step, x, (h0,), mask, attrs)

    return _gradient_of(loop, (x, h0, kernel, recurrent, bias), (d_outputs, d_last))
