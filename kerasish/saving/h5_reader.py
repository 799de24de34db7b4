"""Models from HDF5 files by Keras 1.2 to 3, tf.keras and kerasish."""

from __future__ import annotations

import warnings
from typing import Any

from kerasish.saving import bounded_json
from kerasish.saving.compile_config import compile_from_training_config
from kerasish.saving.errors import LoadError, reading
from kerasish.saving.h5_safe import SafeGroup, open_h5
from kerasish.saving.h5_weights import LayerPlan, assign, plan_weights, weights_group
from kerasish.saving.layer_entries import operation_from_entry
from kerasish.saving.legacy_config import Origin, upgrade_model_entry
from kerasish.saving.object_registration import CustomObjectScope, SafeModeScope
from kerasish.saving.optimizer_state import StateMismatchError, plan_state
from kerasish.saving.variable_budget import variable_budget


def load_model_h5(
    path: Any, custom_objects: dict[str, Any] | None = None, compile: bool = True, safe_mode: bool = True
) -> Any:
    """The model of an HDF5 file.

    Args:
        path: The file.
        custom_objects: Classes and functions by name.
        compile: Whether the model is compiled as it was, with the state of its optimizer.
        safe_mode: Whether byte code in the file is refused.
    """
    with open_h5(path) as root, SafeModeScope(safe_mode), CustomObjectScope(custom_objects):
        entry = bounded_json.loads(_required(root, "model_config"), root.file, "model_config")
        origin = Origin.of(root.text("keras_version"), entry)
        if root.has("kerasish_version"):
            origin = Origin(3)
        group = root.group("model_weights")
        with reading(path, "the model"), variable_budget(_elements(group)):
            model = model_from_entry(entry, origin)
        if not model.built and group.strings("layer_names") and any(_has_weights(group)):
            raise LoadError(
                "the file does not tell the shape of the model's input: build a model of this architecture, and use "
                "load_weights()",
                root.file,
                "model_config",
            )
        with reading(path, "the weights"):
            plans = plan_weights(model, group, origin, prefer_names=True)
            assign(plans)
        if compile:
            _compile(model, root, plans, origin)
        return model


def model_from_entry(entry: Any, origin: Origin) -> Any:
    """The model that an entry `{"class_name", "config"}` of any Keras describes.

    Args:
        entry: The entry.
        origin: Who wrote it.
    """
    from kerasish.models.model import Model

    model, _ = operation_from_entry(upgrade_model_entry(entry, origin))
    if not isinstance(model, Model):
        raise ValueError(f"Expected the config of a model. Received: class_name={entry.get('class_name')!r}")
    return model


def load_weights_h5(path: Any, model: Any, by_name: bool = False, skip_mismatch: bool = False) -> None:
    """Set the weights of a model from an HDF5 file of weights, or of a model.

    Everything is read and checked before anything is set.

    Args:
        path: The file.
        model: The model, built.
        by_name: Whether layers are matched by name instead of by order.
        skip_mismatch: Whether layers whose shapes differ are left as they are.
    """
    if not model.built:
        raise ValueError(
            f"The model {model.name!r} must be built before weights are loaded into it: call it on data, or give it "
            f"an Input. Received: filepath={str(path)!r}"
        )
    with open_h5(path) as root:
        group = weights_group(root)
        version = group.text("keras_version") or root.text("keras_version")
        with reading(path, "the weights"):
            # The oldest files of weights say no version.
            origin = Origin.of(version) if version else Origin(1, True, True)
            plans = plan_weights(model, group, origin, by_name=by_name, skip_mismatch=skip_mismatch)
        assign(plans)


def is_layered(root: SafeGroup) -> bool:
    """Whether a file has the layout that is read here: a group for each layer, named in an attribute."""
    return any(root.has(name) for name in ("layer_names", "layer_names0", "nb_layers", "model_config")) or (
        "model_weights" in root
    )


def _required(root: SafeGroup, name: str) -> str:
    text = root.text(name)
    if text is None:
        raise LoadError(
            f"the file holds no model: its attribute {name!r} is missing. A file of weights is read by "
            "load_weights() of a model",
            root.file,
        )
    return text


def _has_weights(group: SafeGroup) -> Any:
    for name in group.strings("layer_names"):
        yield bool(group.group(name).strings("weight_names"))


def _elements(group: SafeGroup) -> int:
    """How many numbers the file has for weights: a model that needs many more is not the file's."""
    total = 0
    for name in group.strings("layer_names"):
        layer = group.group(name)
        total += sum(layer.dataset(weight).size for weight in layer.strings("weight_names"))
    return total


def _compile(model: Any, root: SafeGroup, plans: list[LayerPlan], origin: Origin) -> None:
    text = root.text("training_config")
    if text is None:
        return
    config = bounded_json.loads(text, root.file, "training_config")
    with reading(root.file, "the training config"):
        compile_from_training_config(model, config, origin)
        optimizer = model.optimizer
        variables = model.trainable_variables
        if variables:
            optimizer.build(variables)
        if "optimizer_weights" not in root or not variables:
            return
        group = root.group("optimizer_weights")
        try:
            pairs = plan_state(optimizer, group, plans, origin)
        except StateMismatchError as mismatch:
            warnings.warn(
                f"{root.file}: the state of the optimizer {type(optimizer).__name__} could not be restored, and begins "
                f"afresh: {mismatch}",
                stacklevel=4,
            )
            return
        for variable, value in pairs:
            variable.assign(value)
