"""Control flow as functions: branches, loops, scans and maps, run eagerly by Python."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from typing import Any

from kerasish import tree
from kerasish.autodiff import Tensor, convert_to_tensor, op
from kerasish.autodiff.state import state


def _check_callable(name: str, argument: str, function: Any) -> None:
    if not callable(function):
        raise TypeError(f"{name}: expected {argument} to be callable. Received: {argument}={function!r}")


@op
def cond(pred: Any, true_fn: Callable[[], Any], false_fn: Callable[[], Any]) -> Any:
    """The value of one of two functions, chosen by a condition. Only the chosen one is called.

    Args:
        pred: A boolean, or a tensor of one element.
        true_fn: What to call, without arguments, if it is true.
        false_fn: What to call if it is false.

    >>> cond(True, lambda: "yes", lambda: "no")
    'yes'
    """
    _check_callable("cond", "true_fn", true_fn)
    _check_callable("cond", "false_fn", false_fn)
    if isinstance(pred, Tensor) and state.abstract:
        # The condition has no value: both branches must give the same structure.
        first, second = true_fn(), false_fn()
        tree.assert_same_structure(first, second)
        return first
    return true_fn() if bool(pred) else false_fn()


@op
def switch(index: Any, branches: Any, *operands: Any) -> Any:
    """The value of `branches[index](*operands)`; an index out of bounds is clamped to the nearest one.

    >>> switch(1, [lambda x: x + 1, lambda x: x * 10], 4)
    40
    """
    functions = list(branches)
    if not functions:
        raise ValueError("switch: expected at least one branch. Received: branches=[]")
    for function in functions:
        _check_callable("switch", "branches", function)
    position = 0 if isinstance(index, Tensor) and state.abstract else int(index)
    return functions[min(max(position, 0), len(functions) - 1)](*operands)


@op
def while_loop(
    cond: Callable[..., Any],
    body: Callable[..., Any],
    loop_vars: Any,
    maximum_iterations: int | None = None,
) -> Any:
    """Repeat `loop_vars = body(*loop_vars)` as long as `cond(*loop_vars)` is true.

    Args:
        cond: The condition, called with the loop variables.
        body: Returns the new loop variables.
        loop_vars: A list or tuple of variables, or a single one.
        maximum_iterations: Stop after so many passes in any case.

    >>> while_loop(lambda n: n < 10, lambda n: n * 3, 1)
    27
    """
    _check_callable("while_loop", "cond", cond)
    _check_callable("while_loop", "body", body)
    several = isinstance(loop_vars, (list, tuple))
    values = tuple(loop_vars) if several else (loop_vars,)
    passes = 0
    while maximum_iterations is None or passes < maximum_iterations:
        if not state.abstract and not bool(cond(*values)):
            break
        given = body(*values)
        new = tuple(given) if isinstance(given, (list, tuple)) else (given,)
        if len(new) != len(values):
            raise ValueError(
                f"while_loop: the body must return as many values as there are loop variables: expected "
                f"{len(values)}. Received: {len(new)}"
            )
        values = new
        passes += 1
        if state.abstract:
            break
    if not several:
        return values[0]
    return list(values) if isinstance(loop_vars, list) else values


@op
def fori_loop(lower: Any, upper: Any, body_fun: Callable[[Any, Any], Any], init_val: Any) -> Any:
    """Repeat `value = body_fun(i, value)` for `i` from `lower` to `upper - 1`.

    >>> fori_loop(0, 4, lambda i, total: total + i, 0)
    6
    """
    _check_callable("fori_loop", "body_fun", body_fun)
    value = init_val
    for position in range(int(lower), int(upper)):
        value = body_fun(position, value)
    return value


def _stack(results: list[Any]) -> Any:
    from kerasish.ops.joining import stack

    def joined(*leaves: Any) -> Any:
        return None if leaves[0] is None else stack(leaves, axis=0)

    return tree.map_structure(joined, *results)


def _length(name: str, xs: Any, length: int | None = None) -> int:
    sizes = {leaf.shape[0] for leaf in tree.flatten(xs) if leaf is not None}
    if length is not None:
        sizes.add(int(length))
    if len(sizes) != 1:
        raise ValueError(
            f"{name}: expected tensors with one size of the first dimension. Received: sizes={sorted(sizes)}"
        )
    return sizes.pop()


def _tensors(xs: Any) -> Any:
    return tree.map_structure(lambda leaf: None if leaf is None else convert_to_tensor(leaf), xs)


def _at(xs: Any, position: int) -> Any:
    return tree.map_structure(lambda leaf: None if leaf is None else leaf[position], xs)


@op
def scan(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Any,
    xs: Any = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int = 1,
) -> tuple[Any, Any]:
    """Carry a value over the first dimension: `carry, y = f(carry, x)` for each `x`.

    Args:
        f: Takes the carry and a slice of `xs`, returns the new carry and an output (or None).
        init: The first carry.
        xs: A tensor, or a nested structure of them, or None with a `length`.
        length: The number of passes.
        reverse: Go from the last slice to the first; the outputs stay in the order of `xs`.
        unroll: Kept for Keras's signature: the loop always runs in Python.

    Returns:
        The last carry, and the outputs stacked along a new first dimension.

    >>> carry, ys = scan(lambda c, x: (c + x, c + x), convert_to_tensor(0), convert_to_tensor([1, 2, 3]))
    >>> carry.item(), ys.tolist()
    (6, [1, 3, 6])
    """
    _check_callable("scan", "f", f)
    if xs is None and length is None:
        raise ValueError("scan: needs xs or a length. Received: xs=None, length=None")
    xs = _tensors(xs)
    count = _length("scan", xs, length)
    carry, outputs = init, []
    for position in reversed(range(count)) if reverse else range(count):
        carry, y = f(carry, _at(xs, position))
        outputs.append(y)
    if reverse:
        outputs.reverse()
    return carry, _stack(outputs) if outputs else None


@op
def map(f: Callable[[Any], Any], xs: Any) -> Any:
    """Apply a function to each slice along the first dimension, and stack the results.

    Args:
        f: Takes a slice of `xs` and returns a tensor or a nested structure of them.
        xs: A tensor, or a nested structure of them.

    >>> map(lambda x: x * x, convert_to_tensor([1, 2, 3])).tolist()
    [1, 4, 9]
    """
    _check_callable("map", "f", f)
    xs = _tensors(xs)
    count = _length("map", xs)
    if not count:
        raise ValueError("map: expected at least one slice. Received: a first dimension of size 0")
    return _stack([f(_at(xs, position)) for position in range(count)])


@op
def vectorized_map(function: Callable[[Any], Any], elements: Any) -> Any:
    """Apply a function to each slice along the first dimension, as `map` does.

    >>> vectorized_map(lambda x: x + 1, convert_to_tensor([1, 2])).tolist()
    [2, 3]
    """
    return map(function, elements)


@op
def associative_scan(f: Callable[[Any, Any], Any], elems: Any, reverse: bool = False, axis: int = 0) -> Any:
    """All running results of an associative function: `[a, f(a, b), f(f(a, b), c), ...]`.

    It combines whole halves at a time (Hillis and Steele, 1986), so that the number of calls of `f` grows
    with the logarithm of the size.

    Args:
        f: Combines two structures like `elems`, element by element along the axis.
        elems: A tensor, or a nested structure of them.
        reverse: Run from the end.
        axis: The dimension to run along.

    >>> associative_scan(lambda a, b: a + b, convert_to_tensor([1, 2, 3, 4])).tolist()
    [1, 3, 6, 10]
    """
    from kerasish.ops.flipping import flip
    from kerasish.ops.joining import concatenate

    _check_callable("associative_scan", "f", f)
    values = _tensors(elems)
    sizes = {leaf.shape[axis] for leaf in tree.flatten(values)}
    if len(sizes) != 1:
        raise ValueError(
            f"associative_scan: expected tensors with one size along the axis. Received: sizes={sorted(sizes)}"
        )
    count = sizes.pop()

    def part(start: int | None, stop: int | None) -> Any:
        def cut(leaf: Tensor) -> Tensor:
            return leaf[(builtins.slice(None),) * (axis % leaf.ndim) + (builtins.slice(start, stop),)]

        return tree.map_structure(cut, values)

    if reverse:
        values = tree.map_structure(lambda leaf: flip(leaf, axis=axis), values)
    step = 1
    while step < count:
        combined = f(part(None, count - step), part(step, None))
        head = part(None, step)
        values = tree.map_structure(lambda a, b: concatenate([a, b], axis=axis), head, combined)
        step *= 2
    if reverse:
        values = tree.map_structure(lambda leaf: flip(leaf, axis=axis), values)
    return values
