"""The state of an optimizer from a file: each version of Keras named and ordered the slots in its own way."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from kerasish.saving.h5_safe import SafeDataset, SafeGroup
from kerasish.saving.h5_weights import LayerPlan
from kerasish.saving.legacy_config import Origin
from kerasish.saving.legacy_config.nadam import NadamOfKeras2
from kerasish.saving.weight_layouts import convert

Array = np.ndarray[Any, Any]

# Names of slots in files, by the name of the slot here.
_SLOTS: dict[str, dict[str, str]] = {
    "SGD": {"momentum": "momentum", "m": "momentum", "moment": "momentum"},
    "RMSprop": {
        "velocity": "velocity",
        "rms": "velocity",
        "accumulator": "velocity",
        "momentum": "momentum",
        "mg": "average_gradient",
        "average_gradient": "average_gradient",
    },
    "Adagrad": {"accumulator": "accumulator"},
    "Adadelta": {
        "accum_grad": "accumulated_grad",
        "accumulated_grad": "accumulated_grad",
        "accumulator": "accumulated_grad",
        "accum_var": "accumulated_delta_var",
        "accumulated_delta_var": "accumulated_delta_var",
        "delta_accumulator": "accumulated_delta_var",
    },
    "Adamax": {"m": "momentum", "momentum": "momentum", "u": "norm", "v": "norm", "norm": "norm"},
    "Ftrl": {"accumulator": "accumulator", "linear": "linear"},
}
_ADAM = {
    "m": "momentum",
    "momentum": "momentum",
    "v": "velocity",
    "velocity": "velocity",
    "vhat": "velocity_hat",
    "velocity_hat": "velocity_hat",
}
# The slots that the oldest files, which have no names for them, hold one after the other.
_UNNAMED = {
    "SGD": ("momentum",),
    "RMSprop": ("velocity",),
    "Adagrad": ("accumulator",),
    "Adadelta": ("accumulated_grad", "accumulated_delta_var"),
    "Adam": ("momentum", "velocity", "velocity_hat"),
    "Adamax": ("momentum", "norm"),
    "Nadam": ("momentum", "velocity"),
}


class StateMismatchError(Exception):
    """The state in a file is not that of the optimizer."""


def plan_state(optimizer: Any, group: SafeGroup, plans: Sequence[LayerPlan], origin: Origin) -> list[tuple[Any, Array]]:
    """Pairs of a variable of the optimizer and its value. Nothing is set.

    Args:
        optimizer: The optimizer, built on the model's trainable variables.
        group: The group of the file.
        plans: How the weights of the file were matched.
        origin: Who wrote the file.
    """
    names = group.strings("weight_names")
    datasets = [group.dataset(name) for name in names]
    pairs = _same_order(optimizer, datasets, origin)
    if pairs is None:
        pairs = _by_slot(optimizer, names, datasets, plans, origin)
    return [(variable, np.asarray(value).astype(variable.numpy().dtype)) for variable, value in pairs]


def _same_order(optimizer: Any, datasets: list[SafeDataset], origin: Origin) -> list[tuple[Any, Array]] | None:
    """Keras 3 has the variables of kerasish, in their order."""
    variables = optimizer.variables
    if origin.generation < 3:
        return None
    shapes = [tuple(variable.shape) for variable in variables]
    if [dataset.shape for dataset in datasets] != shapes:
        raise StateMismatchError(
            f"expected {len(shapes)} arrays, of the shapes {shapes[:10]}. "
            f"Received: {len(datasets)}, of the shapes {[dataset.shape for dataset in datasets][:10]}"
        )
    return [(variable, dataset.read()) for variable, dataset in zip(variables, datasets, strict=True)]


def _by_slot(
    optimizer: Any, names: list[str], datasets: list[SafeDataset], plans: Sequence[LayerPlan], origin: Origin
) -> list[tuple[Any, Array]]:
    kind = type(optimizer).__name__.removesuffix("OfKeras2")
    owners = _stored_trainables(plans, optimizer, origin)
    pairs: list[tuple[Any, Array]] = []
    slots: dict[str, list[SafeDataset]] = {}
    loose: list[SafeDataset] = []
    for name, dataset in zip(names, datasets, strict=True):
        last = name.removesuffix(":0").split("/")
        if last[-1] in ("iteration", "iterations", "iter") and dataset.shape == ():
            pairs.append((optimizer._iterations, dataset.read()))
        elif last[-1] == "learning_rate" and dataset.shape == ():
            pairs.append((optimizer._learning_rate, dataset.read()))
        elif last[-1] in ("momentum_cache", "_momentum_cache") and dataset.shape == ():
            pairs.append((optimizer._u_product, dataset.read()))
        elif (slot := _slot_name(kind, last)) is not None:
            slots.setdefault(slot, []).append(dataset)
        else:
            loose.append(dataset)
    if loose and not slots:
        slots, iterations = _unnamed(kind, loose, len(owners))
        if iterations is not None:
            pairs.append((optimizer._iterations, iterations.read()))
    elif loose:
        raise StateMismatchError(f"expected the slots of {kind}. Received: {[d.where for d in loose][:10]}")
    wanted = [slot for group in optimizer.slot_names() for slot in group]
    for slot in [*wanted, *(["average"] if optimizer.use_ema else [])]:
        held = slots.get(slot)
        if held is None:
            if kind == "SGD":
                continue
            raise StateMismatchError(f"expected the slot {slot!r} of {kind}. Received: {sorted(slots)}")
        pairs.extend(_slot_values(optimizer, slot, held, owners, plans, origin))
    return [*pairs, *_product_of_momenta(optimizer, pairs)]


def _product_of_momenta(optimizer: Any, pairs: list[tuple[Any, Array]]) -> list[tuple[Any, Array]]:
    """What the Nadam of Keras 2 left out of its files follows from the number of its steps."""
    if not isinstance(optimizer, NadamOfKeras2) or any(variable is optimizer._u_product for variable, _ in pairs):
        return []
    steps = next((int(value) for variable, value in pairs if variable is optimizer._iterations), 0)
    return [(optimizer._u_product, np.asarray(optimizer.product_until(steps), np.float32))]


def _slot_name(kind: str, path: list[str]) -> str | None:
    known = {**_SLOTS.get(kind, _ADAM), "average": "average"}
    # Keras 2.3: training/Adam/m_0_1; tf.keras 2.11: Adam/m/dense/kernel; before it: Adam/dense/kernel/m.
    match = re.fullmatch(r"([a-z_]+?)_\d+(?:_\d+)?", path[-1])
    if match and path[0] == "training" and match[1] in known:
        return known[match[1]]
    if path[-1] in known and len(path) > 2:
        return known[path[-1]]
    if len(path) > 2 and path[1] in known:
        return known[path[1]]
    return None


def _unnamed(
    kind: str, datasets: list[SafeDataset], count: int
) -> tuple[dict[str, list[SafeDataset]], SafeDataset | None]:
    iterations = None
    slots = _UNNAMED.get(kind)
    if slots is None or not count:
        raise StateMismatchError(f"the slots of {kind} in this file have no names")
    if len(datasets) % count == 1 and datasets[0].shape == ():
        iterations, datasets = datasets[0], datasets[1:]
    if len(datasets) % count or not 1 <= len(datasets) // count <= len(slots):
        raise StateMismatchError(f"expected a multiple of {count} slots. Received: {len(datasets)}")
    parts = {slot: datasets[i * count : (i + 1) * count] for i, slot in enumerate(slots[: len(datasets) // count])}
    return parts, iterations


def _stored_trainables(plans: Sequence[LayerPlan], optimizer: Any, origin: Origin) -> list[tuple[int, int]]:
    """The arrays of the file that were trained, in the order of the slots: which plan, and which array of it."""
    trained = {id(variable) for variable in optimizer._trainable_variables}
    found: list[tuple[int, int]] = []
    for number, plan in enumerate(plans):
        for position in range(len(plan.stored.datasets)):
            if _is_trained(plan, position, trained, origin):
                found.append((number, position))
    if origin.generation == 1:
        # Keras 1 sorted them by name.
        found.sort(key=lambda place: plans[place[0]].stored.weight_names[place[1]])
    return found


def _is_trained(plan: LayerPlan, position: int, trained: set[int], origin: Origin) -> bool:
    if len(plan.stored.datasets) == len(plan.variables):
        return id(plan.variables[position]) in trained
    # One weight of today was several arrays: all of them were trained, or none.
    return any(id(variable) in trained for variable in plan.variables)


def _slot_values(
    optimizer: Any,
    slot: str,
    held: list[SafeDataset],
    owners: list[tuple[int, int]],
    plans: Sequence[LayerPlan],
    origin: Origin,
) -> list[tuple[Any, Array]]:
    targets = {id(v): s for v, s in zip(optimizer._trainable_variables, optimizer_slots(optimizer, slot), strict=True)}
    if slot == "velocity_hat" and all(dataset.shape == (1,) for dataset in held):
        raise StateMismatchError("the greatest mean squares of AMSGrad are not in the file")
    if len(held) != len(owners):
        raise StateMismatchError(f"expected {len(owners)} arrays for the slot {slot!r}. Received: {len(held)}")
    if origin.generation == 2 and all(len(p.stored.datasets) == len(p.variables) for p in plans):
        return _in_variable_order(optimizer, slot, held, targets)
    parts: dict[int, dict[int, SafeDataset]] = {}
    for (number, position), dataset in zip(owners, held, strict=True):
        parts.setdefault(number, {})[position] = dataset
    values: list[tuple[Any, Array]] = []
    for number, members in parts.items():
        plan = plans[number]
        arrays = []
        for position, stored in enumerate(plan.stored.datasets):
            member = members.get(position)
            if member is not None and member.shape != stored.shape:
                raise StateMismatchError(f"expected the shape {stored.shape} for a slot. Received: {member.shape}")
            arrays.append(np.zeros(stored.shape, np.float32) if member is None else member.read())
        converted = convert(plan.layer, arrays, [tuple(v.shape) for v in plan.variables], origin)
        for variable, value in zip(plan.variables, converted, strict=True):
            if id(variable) in targets:
                values.append((targets[id(variable)], value))
    return values


def _in_variable_order(
    optimizer: Any, slot: str, held: list[SafeDataset], targets: dict[int, Any]
) -> list[tuple[Any, Array]]:
    pairs = []
    for variable, dataset in zip(optimizer._trainable_variables, held, strict=True):
        if dataset.shape != tuple(variable.shape):
            raise StateMismatchError(
                f"expected the shape {tuple(variable.shape)} for the slot {slot!r} of {variable.path!r}. "
                f"Received: {dataset.shape}"
            )
        pairs.append((targets[id(variable)], dataset.read()))
    return pairs


def optimizer_slots(optimizer: Any, slot: str) -> list[Any]:
    """The variables of one slot, in the order of the trained variables."""
    names = [f"{variable.path.replace('/', '_')}_{slot}" for variable in optimizer._trainable_variables]
    made: dict[str, list[Any]] = {}
    for variable in optimizer.variables:
        made.setdefault(variable.name, []).append(variable)
    return [made[name].pop(0) for name in names]
