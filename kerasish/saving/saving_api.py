"""Loading and saving of models and weights: what kind of file it is, and who reads or writes it."""

from __future__ import annotations

import os
import zipfile
from typing import Any

from kerasish.saving import bounded_json
from kerasish.saving.atomic import atomic_path
from kerasish.saving.errors import LoadError, MissingFileError, reading
from kerasish.saving.h5_reader import is_layered, load_model_h5, load_weights_h5, model_from_entry
from kerasish.saving.h5_safe import is_h5, open_h5
from kerasish.saving.h5_writer import KERAS_VERSION, write_model, write_weights
from kerasish.saving.legacy_config import Origin
from kerasish.saving.object_registration import CustomObjectScope, SafeModeScope
from kerasish.saving.variable_budget import variable_budget
from kerasish.saving.weights_store import is_store, load_store, write_store

_H5 = (".h5", ".hdf5")
_STORE = (".weights.h5", ".weights.hdf5")
# Enough for the largest architecture without a file of weights to compare with.
_JSON_ELEMENTS = 1 << 30


def save_model(model: Any, filepath: Any, overwrite: bool = True, zipped: bool | None = None, **kwargs: Any) -> None:
    """Write a model into an HDF5 file: architecture, weights, what it was compiled with, and the optimizer's state.

    The file appears as a whole, or not at all.

    Args:
        model: The model.
        filepath: The file, which ends in `.h5` or `.hdf5`.
        overwrite: Whether a file that is there already is replaced.
        zipped: Of use for `.keras` files only, which this version does not write.
        include_optimizer: Whether the compilation and the optimizer's state are written.
        save_format: "h5", as one wrote for Keras 2.
    """
    include_optimizer = kwargs.pop("include_optimizer", True)
    save_format = kwargs.pop("save_format", None)
    if kwargs:
        raise ValueError(f"Arguments not recognized by `save_model`. Received: {sorted(kwargs)}")
    path = os.fspath(filepath)
    chosen = str(save_format).lower() if save_format is not None else None
    if chosen not in (None, "h5", "hdf5", "keras"):
        raise ValueError(f"Expected save_format to be 'h5'. Received: save_format={save_format!r}")
    if not _is_h5_name(path) and chosen not in ("h5", "hdf5"):
        kind = "`.keras` files are" if path.endswith(".keras") or chosen == "keras" else "this kind of file is"
        raise ValueError(
            f"Models are saved as HDF5 files, whose names end in '.h5' or '.hdf5'; {kind} not written by this version. "
            f"Received: filepath={path!r}"
        )
    if zipped is not None:
        raise ValueError(f"`zipped` is for `.keras` files only. Received: zipped={zipped!r}, filepath={path!r}")
    _check_overwrite(path, overwrite)
    with atomic_path(path) as temporary:
        _write(temporary, lambda file: write_model(file, model, include_optimizer=include_optimizer))


def save_weights(model: Any, filepath: Any, overwrite: bool = True, max_shard_size: float | None = None) -> None:
    """Write the weights of a model into an HDF5 file.

    A file that ends in `.weights.h5` gets the layout of Keras 3, with the state of the optimizer; another one a group
    for each layer, as by tf.keras.

    Args:
        model: The model, built.
        filepath: The file, which ends in `.weights.h5`, `.h5` or `.hdf5`.
        overwrite: Whether a file that is there already is replaced.
        max_shard_size: Must be None: files are not split.
    """
    path = os.fspath(filepath)
    if max_shard_size is not None:
        raise ValueError(f"Weights are written into one file. Received: max_shard_size={max_shard_size!r}")
    if not _is_h5_name(path):
        raise ValueError(
            "Weights are saved as HDF5 files, whose names end in '.weights.h5', '.h5' or '.hdf5'. "
            f"Received: filepath={path!r}"
        )
    if not model.built:
        raise ValueError(
            f"The model {model.name!r} has no weights yet: build it, or call it on data, before they are saved. "
            f"Received: filepath={path!r}"
        )
    _check_overwrite(path, overwrite)
    write = write_store if path.lower().endswith(_STORE) else write_weights
    with atomic_path(path) as temporary:
        _write(temporary, lambda file: write(file, model))


def load_model(
    filepath: Any, custom_objects: dict[str, Any] | None = None, compile: bool = True, safe_mode: bool = True
) -> Any:
    """The model of a file by kerasish, Keras 1.2 to 3 or tf.keras.

    Args:
        filepath: The file. What it is, is found from its content.
        custom_objects: Classes and functions of your own, by the names in the file.
        compile: Whether the model is compiled as it was, with the state of its optimizer.
        safe_mode: Whether code in the file is refused.
    """
    path = os.fspath(filepath)
    _check_there(path)
    if is_h5(path):
        with open_h5(path) as root:
            layered = is_layered(root)
        if not layered:
            raise LoadError(
                "the file holds no model, but weights in the layout of '.weights.h5', which load_weights() of a model "
                "reads",
                path,
            )
        return load_model_h5(path, custom_objects, compile=compile, safe_mode=safe_mode)
    if zipfile.is_zipfile(path):
        raise LoadError("this is a `.keras` file, which this version does not read: save the model as '.h5'", path)
    raise LoadError("expected an HDF5 file of a model; this is none, or it is damaged", path)


def load_weights(model: Any, filepath: Any, skip_mismatch: bool = False, by_name: bool = False, **kwargs: Any) -> None:
    """Set the weights of a model from a file of weights, or of a model. A file that does not fit changes nothing.

    Args:
        model: The model, built.
        filepath: The file.
        skip_mismatch: Whether layers whose shapes differ are left as they are, with a warning.
        by_name: Whether layers are matched by name instead of by order.
    """
    if kwargs:
        raise ValueError(f"Arguments not recognized by `load_weights`. Received: {sorted(kwargs)}")
    path = os.fspath(filepath)
    _check_there(path)
    if is_h5(path):
        with open_h5(path) as root:
            layered, stored = is_layered(root), is_store(root)
        if layered:
            load_weights_h5(path, model, by_name=by_name, skip_mismatch=skip_mismatch)
            return
        if not stored:
            raise LoadError("the file holds no weights: expected the groups or attributes of a layout of Keras", path)
        if by_name:
            raise ValueError(
                "`by_name` is for files with a group for each layer: in the layout of '.weights.h5' layers have no "
                f"names. Received: by_name=True, filepath={path!r}"
            )
        load_store(path, model, skip_mismatch=skip_mismatch)
        return
    if zipfile.is_zipfile(path):
        raise LoadError("this is a `.keras` file, which this version does not read: save the weights as '.h5'", path)
    raise LoadError("expected an HDF5 file of weights; this is none, or it is damaged", path)


def model_from_json(json_string: str, custom_objects: dict[str, Any] | None = None) -> Any:
    """The model of `to_json()`, by kerasish or any Keras from 1.2 on.

    Args:
        json_string: The text.
        custom_objects: Classes and functions of your own, by the names in the text.
    """
    entry = bounded_json.loads(json_string, "<json>")
    if not isinstance(entry, dict) or "class_name" not in entry:
        raise ValueError(f"Expected the JSON of a model: an object with a class_name. Received: {json_string[:200]!r}")
    origin = Origin.of(entry.get("keras_version"), entry.get("config"))
    entry = {key: value for key, value in entry.items() if key not in ("keras_version", "backend")}
    with (
        reading("<json>", "the model"),
        SafeModeScope(True),
        CustomObjectScope(custom_objects),
        variable_budget(_JSON_ELEMENTS),
    ):
        return model_from_entry(entry, origin)


def _is_h5_name(path: str) -> bool:
    return path.lower().endswith(_H5)


def _check_there(path: str) -> None:
    if not os.path.exists(path):
        raise MissingFileError(f"there is no such file. Received: filepath={path!r}", path)
    if os.path.isdir(path):
        raise LoadError("expected a file. Received: a folder", path)


def _check_overwrite(path: str, overwrite: bool) -> None:
    if not overwrite and os.path.exists(path):
        raise FileExistsError(f"The file is there already, and overwrite=False. Received: filepath={path!r}")


def _write(path: Any, write: Any) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        write(file)


__all__ = ["KERAS_VERSION", "load_model", "load_weights", "model_from_json", "save_model", "save_weights"]
