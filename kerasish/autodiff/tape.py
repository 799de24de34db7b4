"""`GradientTape`: reverse-mode automatic differentiation of what runs inside it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from operator import attrgetter
from types import TracebackType
from typing import Any

import numpy as np

from kerasish import tree
from kerasish.autodiff.primitive import Node, _ids, leaf_node
from kerasish.autodiff.state import no_recording, state
from kerasish.autodiff.tensor import Tensor, convert_to_tensor
from kerasish.autodiff.variable import Variable
from kerasish.backend import K
from kerasish.backend.dtypes import FLOATS


class GradientTape:
    """Records operations, and differentiates them backwards.

    Trainable variables are watched by themselves; `watch` adds other tensors. Tapes nest: a gradient taken
    inside another tape is differentiated by it again.

    Args:
        persistent: Whether `gradient` may be called more than once.
        watch_accessed_variables: Whether trainable variables are watched without being asked for.

    >>> from kerasish.autodiff import GradientTape, convert_to_tensor
    >>> x = convert_to_tensor(3.0)
    >>> with GradientTape() as tape:
    ...     tape.watch(x)
    ...     y = x * x
    >>> float(tape.gradient(y, x))
    6.0
    """

    def __init__(self, persistent: bool = False, watch_accessed_variables: bool = True) -> None:
        self._persistent = persistent
        self._watch_variables = watch_accessed_variables
        self._watched: dict[int, Any] = {}
        self._start = 0
        self._used = False

    def __enter__(self) -> GradientTape:
        if self in state.tapes:
            raise ValueError("This tape is recording already.")
        if not self._start:
            self._start = next(_ids)
        state.tapes = (*state.tapes, self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        state.tapes = tuple([tape for tape in state.tapes if tape is not self])

    def watch(self, tensor: Any) -> None:
        """Follow a tensor, or a nested structure of them, that no operation inside the tape produced."""
        for leaf in tree.flatten(tensor):
            if not isinstance(leaf, Tensor):
                raise ValueError(f"Expected a Tensor to watch. Received: {leaf!r} (of type {type(leaf).__name__})")
            if leaf.dtype not in FLOATS:
                raise ValueError(f"Only floating-point tensors have gradients. Received: dtype={leaf.dtype}")
            if leaf.node is None:
                leaf.node = leaf_node()
            self._watched[id(leaf.node)] = leaf

    @contextmanager
    def stop_recording(self) -> Iterator[None]:
        """Operations inside are not recorded by this tape or any other."""
        with no_recording():
            yield

    def reset(self) -> None:
        """Forget what was recorded and watched."""
        self._watched.clear()
        self._used = False
        self._start = next(_ids)

    def gradient(
        self,
        target: Any,
        sources: Any,
        output_gradients: Any = None,
        unconnected_gradients: str = "none",
    ) -> Any:
        """The gradient of the sum of the targets with respect to each source.

        Args:
            target: A tensor, or a nested structure of them.
            sources: Tensors or variables, nested as one likes; the result has the same structure.
            output_gradients: The gradient that arrives at each target (ones by default).
            unconnected_gradients: "none" or "zero": what a source that no target depends on gets.
        """
        if unconnected_gradients not in ("none", "zero"):
            raise ValueError(
                "unconnected_gradients must be 'none' or 'zero'. "
                f"Received: unconnected_gradients={unconnected_gradients!r}"
            )
        if self._used and not self._persistent:
            raise RuntimeError("A tape that is not persistent gives its gradient once: use persistent=True.")
        self._used = True
        targets = [target] if isinstance(target, Tensor) else [convert_to_tensor(t) for t in tree.flatten(target)]
        seeds = [None] * len(targets) if output_gradients is None else tree.flatten(output_gradients)
        plain = type(sources) is list and all(isinstance(source, Tensor) for source in sources)
        flat_sources = sources if plain else tree.flatten(sources)
        if not plain:
            for source in flat_sources:
                if not isinstance(source, Tensor):
                    raise ValueError(f"Expected sources to be tensors or variables. Received: {source!r}")
        if self in state.tapes and not self._persistent:
            # What runs from here on is for the tapes around this one only.
            before = state.tapes
            state.tapes = before[: before.index(self)]
            try:
                results = self._backward(targets, seeds, flat_sources)
            finally:
                state.tapes = before
        else:
            results = self._backward(targets, seeds, flat_sources)
        if unconnected_gradients == "zero":
            results = [
                Tensor(K.zeros(s.shape, dtype=s.array.dtype)) if grad is None else grad
                for s, grad in zip(flat_sources, results, strict=True)
            ]
        if plain:
            return results
        return tree.pack_sequence_as(sources, results) if tree.is_nested(sources) else results[0]

    def _wanted(self, sources: list[Tensor]) -> set[Node]:
        """The nodes of the sources that this tape follows."""
        wanted: set[Node] = set()
        for source in sources:
            node = source.node
            if node is None:
                continue
            recorded = node.primitive is not None and node.id >= self._start
            variable = self._watch_variables and isinstance(source, Variable)
            if recorded or variable or id(node) in self._watched:
                wanted.add(node)
        return wanted

    def _backward(self, targets: list[Tensor], seeds: list[Any], sources: list[Tensor]) -> list[Any]:
        wanted = self._wanted(sources)
        order = self._between(targets, wanted)
        # What has arrived at each node so far: a tensor, or for a node with several outputs a list.
        grads: dict[Node, Any] = {}
        for target, seed in zip(targets, seeds, strict=True):
            if target.node is not None:
                if seed is None:
                    seed = Tensor(K.ones(target.shape, dtype=target.array.dtype))
                _arrive(grads, target, convert_to_tensor(seed))
        release = not self._persistent
        for node in order:
            arrived = grads.get(node) if node in wanted else grads.pop(node, None)
            if arrived is None:
                continue
            inputs = node.inputs
            vjp = node.primitive.vjp  # type: ignore[union-attr]
            dxs = vjp(node, *arrived) if type(arrived) is list else vjp(node, arrived)  # type: ignore[misc]
            for x, needed, dx in zip(inputs, node.needs, dxs, strict=True):
                if needed and dx is not None:
                    to = x.node
                    if type(to.results) is tuple:
                        _arrive(grads, x, dx)
                    elif to in grads:
                        grads[to] = grads[to] + dx
                    else:
                        grads[to] = dx
            if release and not node.shared:
                node.inputs = _RELEASED
                node.results = None
        results = []
        for source in sources:
            held = grads.get(source.node) if source.node in wanted else None
            results.append(held[source.index] if type(held) is list else held)
        return results

    def _between(self, targets: list[Tensor], wanted: set[Node]) -> list[Node]:
        """The nodes between the targets and the sources, latest first, with `needs` filled in."""
        found: set[Node] = set()
        order: list[Node] = []
        stack = [target.node for target in targets if target.node is not None]
        start = self._start
        while stack:
            node = stack.pop()
            if node in found:
                continue
            found.add(node)
            if node.id < start or node.primitive is None:
                continue
            if node.inputs is _RELEASED:
                raise RuntimeError(
                    f"The recording of {node.primitive.name!r} was used up by an earlier gradient: "
                    "use GradientTape(persistent=True)."
                )
            order.append(node)
            for x in node.inputs:
                if isinstance(x, Tensor):
                    before = x.node
                    if before is not None and before not in found:
                        stack.append(before)
        order.sort(key=_by_id)
        active = wanted & found
        between = []
        for node in order:
            needs = tuple([isinstance(x, Tensor) and x.node in active for x in node.inputs])
            if True in needs:
                node.needs = needs
                active.add(node)
                between.append(node)
        between.reverse()
        return between

    def jacobian(self, target: Any, sources: Any, unconnected_gradients: str = "none") -> Any:
        """The derivative of every element of the target by every element of each source.

        The tape must be persistent. Shape of each result: `target.shape + source.shape`.
        """
        if not self._persistent:
            raise RuntimeError("A Jacobian takes one gradient per element: use GradientTape(persistent=True).")
        target = convert_to_tensor(target)
        flat = tree.flatten(sources)
        rows: list[list[Any]] = [[] for _ in flat]
        for position in range(target.size):
            seed = np.zeros(target.size, target.array.dtype)
            seed[position] = 1
            one = Tensor(K.asarray(seed.reshape(target.shape)))
            for row, grad in zip(rows, self.gradient(target, flat, one, unconnected_gradients), strict=True):
                row.append(grad)
        from kerasish.autodiff.tensor import _operators

        results = [
            None
            if any(grad is None for grad in row)
            else _operators["reshape"](_operators["stack"](row), target.shape + source.shape)
            for row, source in zip(rows, flat, strict=True)
        ]
        return tree.pack_sequence_as(sources, results) if tree.is_nested(sources) else results[0]


_RELEASED: tuple[Any, ...] = ("released",)


_by_id = attrgetter("id")


def _arrive(grads: dict[Node, Any], x: Tensor, dx: Tensor) -> None:
    """Add a gradient to what has arrived at one output of a node."""
    node = x.node
    assert node is not None
    if type(node.results) is not tuple:
        grads[node] = grads[node] + dx if node in grads else dx
        return
    slots = grads.get(node)
    if slots is None:
        slots = grads[node] = [None] * len(node.results)
    slots[x.index] = dx if slots[x.index] is None else slots[x.index] + dx
