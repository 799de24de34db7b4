"""Weights from HDF5 files: which array goes into which variable, found and checked before anything is set."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from kerasish.saving.errors import LoadError
from kerasish.saving.h5_safe import SafeDataset, SafeGroup
from kerasish.saving.h5_writer import layer_weights, top_level_weights
from kerasish.saving.legacy_config import Origin, clean_name
from kerasish.saving.weight_layouts import convert

Array = np.ndarray[Any, Any]


class StoredLayer(NamedTuple):
    """What a file holds for one layer: the names of its arrays, and the arrays, not read yet."""

    name: str
    weight_names: list[str]
    datasets: list[SafeDataset]
    group: SafeGroup


class LayerPlan(NamedTuple):
    """Where the arrays of a stored layer go."""

    layer: Any
    stored: StoredLayer
    variables: list[Any]
    values: list[Array]


def weights_group(root: SafeGroup) -> SafeGroup:
    """The group with the weights: of a file of weights its root, of a file of a model `model_weights`."""
    if not (root.has("layer_names") or root.has("layer_names0")) and "model_weights" in root:
        return root.group("model_weights")
    return root


def stored_layers(group: SafeGroup) -> list[StoredLayer]:
    """The layers of a file, in its order."""
    if not (group.has("layer_names") or group.has("layer_names0")) and group.has("nb_layers"):
        names = sorted((n for n in group.names() if n.startswith("layer_")), key=_layer_number)
        return [_oldest(name, group.group(name)) for name in names]
    names = group.strings("layer_names")
    if len(set(names)) != len(names):
        raise LoadError("expected the names of the layers to be unique", group.file, group.where)
    return [_stored(name, group.group(name)) for name in names]


def _layer_number(name: str) -> int:
    digits = name.removeprefix("layer_")
    return int(digits) if digits.isdigit() and len(digits) < 10 else 1 << 30


def _oldest(name: str, group: SafeGroup) -> StoredLayer:
    names = sorted((n for n in group.names() if n.startswith("param_")), key=lambda n: (len(n), n))
    return StoredLayer(name, names, [group.dataset(n) for n in names], group)


def _stored(name: str, group: SafeGroup) -> StoredLayer:
    names = group.strings("weight_names")
    if len(set(names)) != len(names):
        raise LoadError("expected the names of the weights to be unique", group.file, group.where)
    return StoredLayer(name, names, [group.dataset(n) for n in names], group)


def plan_weights(
    model: Any,
    group: SafeGroup,
    origin: Origin,
    *,
    by_name: bool = False,
    prefer_names: bool = False,
    skip_mismatch: bool = False,
) -> list[LayerPlan]:
    """Match the layers of a file with those of a model and read their arrays. Nothing is set.

    Args:
        model: The model, built.
        group: The group of the weights.
        origin: Who wrote the file.
        by_name: Whether only layers of the same name are matched, the others left as they are.
        prefer_names: Whether names decide where they fit one to one, as in the file of the model itself.
        skip_mismatch: Whether layers whose shapes differ are left out, with a warning.
    """
    stored = stored_layers(group)
    if by_name:
        pairs = _by_name(model, stored)
    else:
        pairs = _in_order(model, [layer for layer in stored if layer.weight_names], group, prefer_names)
    plans = []
    for layer, held in pairs:
        plan = _plan(layer, held, layer_weights(layer), origin, skip_mismatch)
        if plan is not None:
            plans.append(plan)
    top = top_level_weights(model)
    if "top_level_model_weights" in group:
        held = _stored("top_level_model_weights", group.group("top_level_model_weights"))
        if held.weight_names or top:
            plan = _plan(model, held, top, origin, skip_mismatch)
            if plan is not None:
                plans.append(plan)
    return plans


def assign(plans: Sequence[LayerPlan]) -> None:
    """Set the variables of checked plans."""
    for plan in plans:
        for variable, value in zip(plan.variables, plan.values, strict=True):
            variable.assign(value)


def _in_order(
    model: Any, stored: list[StoredLayer], group: SafeGroup, prefer_names: bool
) -> list[tuple[Any, StoredLayer]]:
    layers = [layer for layer in model.layers if layer_weights(layer)]
    if prefer_names:
        by_name = {clean_name(held.name): held for held in stored}
        if len(by_name) == len(stored) == len(layers) and all(layer.name in by_name for layer in layers):
            return [(layer, by_name[layer.name]) for layer in layers]
    if len(layers) != len(stored):
        raise LoadError(
            f"expected the weights of {len(layers)} layers, which the model has: "
            f"{[layer.name for layer in layers][:20]}. "
            f"Received: {len(stored)} layers with weights: {[held.name for held in stored][:20]}",
            group.file,
            group.where,
        )
    return list(zip(layers, stored, strict=True))


def _by_name(model: Any, stored: list[StoredLayer]) -> list[tuple[Any, StoredLayer]]:
    by_name: dict[str, list[Any]] = {}
    for layer in model.layers:
        by_name.setdefault(layer.name, []).append(layer)
    return [(layer, held) for held in stored for layer in by_name.get(clean_name(held.name), ())]


def _plan(
    layer: Any, stored: StoredLayer, variables: list[Any], origin: Origin, skip_mismatch: bool
) -> LayerPlan | None:
    try:
        return _checked_plan(layer, stored, variables, origin)
    except _MismatchError as mismatch:
        if not skip_mismatch:
            raise LoadError(str(mismatch), stored.group.file, stored.group.where) from None
        warnings.warn(f"The layer {layer.name!r} is left as it is: {mismatch}", stacklevel=5)
        return None


class _MismatchError(Exception):
    """The arrays of a file do not fit a layer."""


def _checked_plan(layer: Any, stored: StoredLayer, variables: list[Any], origin: Origin) -> LayerPlan:
    shapes = [tuple(variable.shape) for variable in variables]
    held = [dataset.shape for dataset in stored.datasets]
    direct = held == shapes
    # Twice the size: the biases of cuDNN are two.
    budget = 2 * sum(variable.size for variable in variables) + 64
    if not direct and sum(dataset.size for dataset in stored.datasets) > budget:
        raise _MismatchError(_differs(layer, shapes, held))
    order = _by_suffix(stored.weight_names, variables, stored.datasets) if direct or _same_set(held, shapes) else None
    if order is not None:
        variables = [variables[position] for position in order]
        shapes = [shapes[position] for position in order]
    values = [dataset.read(budget) for dataset in stored.datasets]
    try:
        values = convert(layer, values, shapes, origin)
    except (ValueError, IndexError, TypeError) as error:
        raise _MismatchError(_differs(layer, shapes, held)) from error
    if [value.shape for value in values] != shapes:
        raise _MismatchError(_differs(layer, shapes, held))
    cast = [_cast(value, variable, stored) for value, variable in zip(values, variables, strict=True)]
    return LayerPlan(layer, stored, variables, cast)


def _differs(layer: Any, shapes: Any, held: Any) -> str:
    return f"expected arrays of the shapes {shapes[:20]} for the layer {layer.name!r}. Received: {held[:20]}"


def _same_set(held: list[tuple[int, ...]], shapes: list[tuple[int, ...]]) -> bool:
    return sorted(held) == sorted(shapes)


def _by_suffix(names: list[str], variables: list[Any], datasets: list[SafeDataset]) -> list[int] | None:
    """The variables in the order of the file's names, where the ends of their paths fit one to one.

    Files list trainable weights first, so that freezing a layer inside another changes their order.
    """
    if len(names) < 2:
        return None
    ends = [tuple(name.removesuffix(":0").split("/")) for name in names]
    paths = [tuple(variable.path.split("/")) for variable in variables]
    chosen: list[int] = []
    for end, dataset in zip(ends, datasets, strict=True):
        scores = [_common_end(end, path) for path in paths]
        best = max(scores)
        if best < 2 or scores.count(best) != 1:
            return None
        position = scores.index(best)
        if position in chosen or tuple(variables[position].shape) != dataset.shape:
            return None
        chosen.append(position)
    return chosen


def _common_end(a: tuple[str, ...], b: tuple[str, ...]) -> int:
    count = 0
    for x, y in zip(reversed(a), reversed(b), strict=False):
        if x != y:
            break
        count += 1
    return count


def _cast(value: Array, variable: Any, stored: StoredLayer) -> Array:
    """The value in the dtype of its variable: numbers into numbers, and bfloat16 where both have it."""
    from kerasish.backend.dtypes import numpy_dtype

    wanted = numpy_dtype(variable.dtype)
    if value.dtype == np.dtype("V2"):
        if variable.dtype != "bfloat16":
            raise LoadError(
                f"expected {variable.dtype} for {variable.path!r}. Received: 2 opaque bytes an element",
                stored.group.file,
                stored.group.where,
            )
        return value.view(wanted)
    return value.astype(wanted, copy=False)
