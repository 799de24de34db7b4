"""Models as HDF5 files, in the layout of Keras: byte for byte what Keras 3 reads."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from kerasish import config
from kerasish.saving.compile_config import training_config
from kerasish.saving.serialization_lib import serialize_keras_object
from kerasish.version import __version__

if TYPE_CHECKING:
    import h5py

# The version of Keras whose layout is written.
KERAS_VERSION = "3.15.1"
# Attributes live in the header of their object, which HDF5 bounds.
_HEADER_LIMIT = 64512
_REFERENCE = 16


def write_model(file: h5py.File, model: Any, include_optimizer: bool = True) -> None:
    """Write a model: architecture, weights, and what it was compiled with.

    Args:
        file: The open file.
        model: The model.
        include_optimizer: Whether the optimizer's state is written, and what `compile` was given.
    """
    entry = {"class_name": type(model).__name__, "config": _plain_config(model)}
    compiled = training_config(model) if include_optimizer else None
    texts = {"model_config": _json(entry)}
    if compiled is not None:
        texts["training_config"] = _json(compiled)
    file.attrs["keras_version"] = KERAS_VERSION
    file.attrs["backend"] = _backend_name()
    file.attrs["kerasish_version"] = __version__
    for key, text in texts.items():
        file.attrs[key] = text
    write_weights(file.create_group("model_weights"), model)
    if compiled is not None and model.optimizer is not None:
        variables = model.optimizer.variables
        if variables:
            _write_variables(file.create_group("optimizer_weights"), variables)


def write_weights(group: h5py.Group, model: Any) -> None:
    """Write the weights of a model's layers, a group for each.

    Args:
        group: Where they go: the root of a file of weights, or `model_weights` in that of a model.
        model: The model.
    """
    layers = model.layers
    names = [layer.name for layer in layers]
    _check_names(model, names)
    write_names(group, "layer_names", names)
    group.attrs["backend"] = _backend_name().encode("utf-8")
    group.attrs["keras_version"] = KERAS_VERSION.encode("utf-8")
    for layer in sorted(layers, key=lambda layer: layer.name):
        _write_variables(group.create_group(layer.name), layer_weights(layer))
    _write_variables(group.create_group("top_level_model_weights"), top_level_weights(model))


def layer_weights(layer: Any) -> list[Any]:
    """The weights of a layer in the order of files: the trainable ones first."""
    return [*layer.trainable_weights, *layer.non_trainable_weights]


def top_level_weights(model: Any) -> list[Any]:
    """The weights that a model holds itself, outside its layers."""
    inside = {id(v) for layer in model.layers for v in layer.weights}
    own = [v for v in model._own_variables() if id(v) not in inside]
    return [v for v in own if v._trainable] + [v for v in own if not v._trainable]


def write_names(group: h5py.Group, name: str, values: Sequence[str]) -> None:
    """Write a list of strings as an attribute, or as several where one would not fit into a header.

    Args:
        group: The group that gets the attribute.
        name: Its name; parts of a long list are `name0`, `name1`, …
        values: The strings.
    """
    data = [value.encode("utf-8") for value in values]
    width = max((len(value) for value in data), default=0)
    if width > _HEADER_LIMIT:
        raise ValueError(f"A name is too long for an HDF5 file: at most {_HEADER_LIMIT} bytes. Received: {width} bytes")
    if max(_REFERENCE, width) * len(data) <= _HEADER_LIMIT:
        group.attrs[name] = data
        return
    # A numpy array of fixed width is stored in the header itself.
    per_part = max(_HEADER_LIMIT // max(_REFERENCE, width), 1)
    for part, start in enumerate(range(0, len(data), per_part)):
        group.attrs[f"{name}{part}"] = np.asarray(data[start : start + per_part])


def _check_names(model: Any, names: list[str]) -> None:
    unfit = [name for name in names if name in ("", ".", "..", "top_level_model_weights") or "/" in name]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if unfit or repeated:
        raise ValueError(
            f"The layers of the model {model.name!r} need names of their own to be saved, without '/' and other than "
            f"'top_level_model_weights'. Received: {unfit or repeated}"
        )


def _write_variables(group: h5py.Group, variables: Sequence[Any]) -> None:
    names: list[str] = []
    for variable in variables:
        names.append(_unused(str(variable.path), names))
    write_names(group, "weight_names", names)
    for name, variable in zip(names, variables, strict=True):
        value = variable.numpy()
        if value.dtype.name == "bfloat16":
            value = value.view(np.dtype("V2"))
        dataset = group.create_dataset(name, value.shape, dtype=value.dtype)
        if value.size:
            dataset[()] = value


def _unused(name: str, taken: list[str]) -> str:
    # A name that lies below another would need a dataset to be a group.
    unique, count = name, 0
    while any(unique == other or unique.startswith(f"{other}/") or other.startswith(f"{unique}/") for other in taken):
        count += 1
        unique = f"{name}_{count}"
    return unique


def _backend_name() -> str:
    name = config.backend() if hasattr(config, "backend") else "numpy"
    return "numpy" if name in ("auto", "cupy", "numba", "numpy") else str(name)


def _json(value: Any) -> bytes:
    return json.dumps(value).encode("utf-8")


def _plain_config(model: Any) -> Any:
    return _plain_layers(serialize_keras_object(model)["config"])


def _plain_layers(config: Any) -> Any:
    """The config of a model with its layers as HDF5 files hold them: no more than class and config.

    Calls of functions keep their module, without which readers take them for the layers of the same name.
    """
    if not isinstance(config, dict) or not isinstance(config.get("layers"), list):
        return config
    entries = []
    for entry in config["layers"]:
        is_op = isinstance(entry.get("module"), str) and ".ops" in entry["module"]
        kept = ("module", "class_name", "config", "registered_name") if is_op else ("class_name", "config")
        plain = {key: entry[key] for key in (*kept, "name", "inbound_nodes") if key in entry}
        if not is_op:
            plain["class_name"] = entry.get("registered_name") or entry["class_name"]
            if entry["class_name"] in ("Functional", "Sequential"):
                plain["class_name"] = entry["class_name"]
                plain["config"] = _plain_layers(entry["config"])
        entries.append(plain)
    return {**config, "layers": entries}
