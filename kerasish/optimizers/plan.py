"""`Plan`: where in the buffers the gradients of certain variables go, found once and used in every step."""

from __future__ import annotations

from collections.abc import Set
from typing import Any, NamedTuple

from kerasish.autodiff import Variable
from kerasish.optimizers.arena import Arena


class Stretch(NamedTuple):
    """A stretch of an arena: views of its buffers."""

    param: Any
    gradient: Any
    slots: dict[str, Any]


class Plan:
    """Where the gradients of some variables go, and what is updated with them.

    Args:
        variables: The variables that gradients come for, in the order of the gradients.
        places: Of each one, the arena and its index there; (None, -1) where the gradient is its new value.
        undecayed: Ids of the variables that weight decay leaves alone.
    """

    def __init__(
        self,
        variables: list[Variable],
        places: list[tuple[Arena | None, int]],
        undecayed: Set[int] = frozenset(),
    ) -> None:
        self.key = tuple([id(v) for v in variables])
        self.variables = variables
        self.views = [None if arena is None else arena.gradient_views[index] for arena, index in places]
        self.targets = [(view, v.shape, v) for view, v in zip(self.views, variables, strict=True)]
        self.updated = [v for v, (arena, _) in zip(variables, places, strict=True) if arena is not None]
        self.gradients = [view for view in self.views if view is not None]
        self.flat_gradients = [view.reshape(-1) for view in self.gradients]
        self.arenas = list({id(arena): arena for arena, _ in places if arena is not None}.values())
        self.stretches = [
            Stretch(
                arena.buffer[start:stop],
                arena.gradient[start:stop],
                {name: buffer[start:stop] for name, buffer in arena.slots.items()},
            )
            for arena, start, stop in _runs(places)
        ]
        decayed = [place for v, place in zip(variables, places, strict=True) if id(v) not in undecayed]
        self.decayed = [arena.buffer[start:stop] for arena, start, stop in _runs(decayed)]


def _runs(places: list[tuple[Arena | None, int]]) -> list[tuple[Arena, int, int]]:
    indices: dict[int, tuple[Arena, list[int]]] = {}
    for arena, index in places:
        if arena is not None:
            indices.setdefault(id(arena), (arena, []))[1].append(index)
    return [(arena, start, stop) for arena, held in indices.values() for start, stop in arena.runs(held)]
