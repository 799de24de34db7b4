"""Where each layer of a model lies in a `.weights.h5` file: the tree of attributes of Keras 3."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator
from typing import Any

from kerasish.autodiff import to_snake_case

_CONTAINERS = (list, tuple, dict)


def walk(model: Any, *, nested: bool = True, counted_twice: bool = False) -> Iterator[tuple[str, Any]]:
    """The places and the layers of a model, the model itself first, each layer once, and its optimizer at the end.

    A layer in an attribute lies at the name of the attribute, one in a list or dict at the class's name in snake
    case below that of the attribute. Names decide the order, those with an underscore last; the layers of a
    Sequential or functional model come before all attributes.

    Args:
        model: The model.
        nested: Whether lists in lists are looked into, as Keras does from 3.15 on.
        counted_twice: Whether layers with weights count twice in the names of their class, as in tf.keras 2.13.

    >>> import kerasish
    >>> model = kerasish.Sequential([kerasish.Input((2,)), kerasish.layers.Dense(1), kerasish.layers.Dense(1)])
    >>> [path for path, _ in walk(model)]
    ['', 'layers/dense', 'layers/dense_1']
    """
    yield from _Walk(nested, counted_twice).layer(model, "")
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None:
        yield "optimizer", optimizer


class _Walk:
    def __init__(self, nested: bool, counted_twice: bool) -> None:
        self._nested = nested
        self._counted_twice = counted_twice
        # The layers are kept, for the identity of one that is gone may be given to another.
        self._seen: dict[int, Any] = {}

    def layer(self, layer: Any, path: str) -> Iterator[tuple[str, Any]]:
        from kerasish.layers.layer import Layer

        if id(layer) in self._seen:
            return
        self._seen[id(layer)] = layer
        yield path, layer
        for name, value in _attributes(layer):
            inner = f"{path}/{name}" if path else name
            if isinstance(value, Layer):
                yield from self.layer(value, inner)
            elif isinstance(value, _CONTAINERS):
                yield from self._container(value, inner, set())

    def _container(self, container: Any, path: str, visited: set[int]) -> Iterator[tuple[str, Any]]:
        from kerasish.layers.layer import Layer

        if id(container) in visited:
            return
        visited.add(id(container))
        used: dict[str, int] = {}
        for member in list(container.values() if isinstance(container, dict) else container):
            if isinstance(member, Layer):
                name = _unique(to_snake_case(type(member).__name__), used)
                if self._counted_twice and member.weights:
                    _unique(to_snake_case(type(member).__name__), used)
                yield from self.layer(member, f"{path}/{name}")
            elif self._nested and isinstance(member, _CONTAINERS):
                yield from self._container(member, f"{path}/{_unique('container', used)}", visited)


def _unique(name: str, used: dict[str, int]) -> str:
    count = used.get(name, 0)
    used[name] = count + 1
    return f"{name}_{count}" if count else name


def _attributes(layer: Any) -> Iterator[tuple[str, Any]]:
    from kerasish.models.model import Model
    from kerasish.models.sequential import Sequential

    is_model = isinstance(layer, Model)
    if isinstance(layer, Sequential):
        yield "layers", layer.layers
    elif is_model and layer._graph is not None:
        yield "layers", layer._graph_layers
    skipped = _names_of_base(is_model)
    for name in sorted(dir(layer), key=lambda name: f"~{name}" if name.startswith("_") else name):
        if name.startswith("__") or name in skipped:
            continue
        if name not in vars(layer) and callable(inspect.getattr_static(layer, name, None)):
            continue
        try:
            value = getattr(layer, name)
        except Exception:  # Properties of users may raise anything while the model is not in use.
            continue
        yield name, value


@functools.cache
def _names_of_base(is_model: bool) -> frozenset[str]:
    from kerasish.layers.layer import Layer
    from kerasish.models.model import Model

    if is_model:
        return frozenset({*dir(Model(name="names")), "_stack"} - {"layers"})
    return frozenset(dir(Layer(name="names")))
