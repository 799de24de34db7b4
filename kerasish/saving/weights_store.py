"""Weights in the layout of `.weights.h5` of Keras 3: a group for each layer, at its place in the model."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from kerasish.saving.errors import LoadError, reading
from kerasish.saving.h5_safe import SafeDataset, SafeGroup, open_h5
from kerasish.saving.weights_tree import walk

if TYPE_CHECKING:
    import h5py

Array = np.ndarray[Any, Any]

_LAYERS_OF_2_13 = "_layer_checkpoint_dependencies"
# What a layer of the user's may read, whatever the size of its variables.
_FREE_ELEMENTS = 1 << 24


class _StorePlan(NamedTuple):
    owner: Any
    store: dict[str, Array]


class _StoreMismatchError(Exception):
    """What a file holds does not fit a layer."""


def write_store(file: h5py.Group, model: Any) -> None:
    """Write the weights of a model, and the state of its optimizer where it has one.

    Args:
        file: The open file, or the group for the model.
        model: The model, built.
    """
    for path, owner in walk(model):
        if path == "optimizer" and owner is model.optimizer and not owner.built:
            continue
        group = file.create_group(f"{path}/vars" if path else "vars")
        group.attrs["name"] = str(owner.name)
        for key, value in _stored(owner).items():
            if value.dtype.name == "bfloat16":
                group.create_dataset(key, data=value.view(np.dtype("V2"))).attrs["dtype"] = "bfloat16"
            else:
                group.create_dataset(key, data=value)


def is_store(root: SafeGroup) -> bool:
    """Whether a file has this layout."""
    return not root.has("layer_names") and any(name in root for name in ("layers", "vars", _LAYERS_OF_2_13))


def load_store(path: Any, model: Any, skip_mismatch: bool = False) -> None:
    """Set the weights of a model from a file in this layout, and the state of its optimizer where both have one.

    Everything is read and checked before anything is set.

    Args:
        path: The file.
        model: The model, built.
        skip_mismatch: Whether layers that the file does not fit are left as they are, with a warning.
    """
    if not model.built:
        raise ValueError(
            f"The model {model.name!r} must be built before weights are loaded into it: call it on data, or give it "
            f"an Input. Received: filepath={str(path)!r}"
        )
    with open_h5(path) as root, reading(path, "the weights"):
        plans, skipped = _plan(root, model, skip_mismatch)
        state, problem = _plan_optimizer(root, model)
        _assign(model, plans)
    for variable, value in state:
        variable.assign(value)
    if skipped:
        warnings.warn(f"{path}: some layers are left as they are: {'; '.join(skipped)}", stacklevel=4)
    if problem is not None:
        warnings.warn(
            f"{path}: the state of the optimizer {model.optimizer.name!r} is not loaded: {problem}", stacklevel=4
        )


def _stored(owner: Any) -> dict[str, Array]:
    store: dict[str, Any] = {}
    owner.save_own_variables(store)
    return {str(key): value.numpy() if hasattr(value, "numpy") else np.asarray(value) for key, value in store.items()}


def _plan(root: SafeGroup, model: Any, skip_mismatch: bool) -> tuple[list[_StorePlan], list[str]]:
    older = _LAYERS_OF_2_13 in root
    without_nested = {id(owner): path for path, owner in walk(model, nested=False)}
    plans, skipped = [], []
    for path, owner in walk(model, counted_twice=older):
        if owner is model.optimizer:
            continue
        group = _vars(root, path)
        if group is None and id(owner) in without_nested:
            group = _vars(root, without_nested[id(owner)])
        place = f"/{path}/vars" if path else "/vars"
        try:
            plans.append(_plan_layer(owner, group))
        except _StoreMismatchError as mismatch:
            if not skip_mismatch:
                raise LoadError(str(mismatch), root.file, place) from None
            skipped.append(str(mismatch))
    return plans, skipped


def _vars(root: SafeGroup, path: str) -> SafeGroup | None:
    group = root
    for part in [*path.split("/"), "vars"] if path else ["vars"]:
        name = part
        if name not in group and part == "layers":
            name = _LAYERS_OF_2_13
        if name not in group:
            return None
        group = group.group(name)
    return group


def _members(group: SafeGroup | None) -> dict[str, SafeDataset]:
    return {} if group is None else {name: group.dataset(name) for name in group.names()}


def _plan_layer(layer: Any, group: SafeGroup | None) -> _StorePlan:
    held = _members(group)
    wanted = _stored(layer)
    if _is_own(layer):
        # Such a layer alone knows what fits it.
        limit = 2 * sum(value.size for value in wanted.values()) + _FREE_ELEMENTS
        return _StorePlan(layer, {key: dataset.read(limit) for key, dataset in held.items()})
    if held.keys() != wanted.keys():
        raise _StoreMismatchError(
            f"expected {len(wanted)} variables for the layer {layer.name!r}"
            + ("" if layer.built else ", which is not built,")
            + f" named {sorted(wanted)[:20]}. Received: {len(held)}, named {sorted(held)[:20]}"
        )
    store = {}
    for key, value in wanted.items():
        if held[key].shape != value.shape:
            raise _StoreMismatchError(
                f"expected the shape {value.shape} for the variable {key} of the layer {layer.name!r}. "
                f"Received: {held[key].shape}"
            )
        if not _fits(held[key].dtype, value.dtype):
            raise _StoreMismatchError(
                f"expected {value.dtype} for the variable {key} of the layer {layer.name!r}. "
                f"Received: {held[key].dtype}"
            )
    for key, value in wanted.items():
        store[key] = _read(held[key], value)
    return _StorePlan(layer, store)


def _is_own(layer: Any) -> bool:
    return not type(layer).load_own_variables.__module__.startswith("kerasish.")


def _fits(held: np.dtype[Any], wanted: np.dtype[Any]) -> bool:
    if held.kind == "V":
        return wanted.name == "bfloat16"
    return wanted.name == "bfloat16" or bool(np.can_cast(held, wanted, "same_kind"))


def _read(dataset: SafeDataset, like: Array) -> Array:
    value = dataset.read(like.size)
    return value.view(like.dtype) if value.dtype.kind == "V" else value.astype(like.dtype, copy=False)


def _plan_optimizer(root: SafeGroup, model: Any) -> tuple[list[tuple[Any, Array]], str | None]:
    """Pairs of a variable and its value, or why there are none."""
    optimizer = model.optimizer
    held = _members(_vars(root, "optimizer"))
    if optimizer is None or not held:
        return [], None
    if not optimizer.built and len(held) > 2 and model.trainable_variables:
        optimizer.build(model.trainable_variables)
    variables = list(optimizer.variables)
    if len(held) == len(variables) - 1:
        # Those of tf.keras 2 do not hold the learning rate.
        variables = [variable for variable in variables if variable is not optimizer._learning_rate]
    if held.keys() != {str(index) for index in range(len(variables))}:
        return [], f"expected {len(variables)} variables. Received: {len(held)}"
    pairs = []
    for index, variable in enumerate(variables):
        like, dataset = variable.numpy(), held[str(index)]
        if dataset.shape != like.shape or not _fits(dataset.dtype, like.dtype):
            return [], (
                f"expected {like.dtype} of the shape {like.shape} for its variable {index}. "
                f"Received: {dataset.dtype} of the shape {dataset.shape}"
            )
        pairs.append((variable, _read(dataset, like)))
    return pairs, None


def _assign(model: Any, plans: list[_StorePlan]) -> None:
    before = [(v, v.numpy().copy()) for v in model.variables] if any(_is_own(plan.owner) for plan in plans) else []
    try:
        for plan in plans:
            plan.owner.load_own_variables(plan.store)
    except Exception:
        for variable, value in before:
            variable.assign(value)
        raise
