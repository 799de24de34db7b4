"""Helpers around models and data."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kerasish.lazy import attach

if TYPE_CHECKING:
    from kerasish.config import (
        disable_interactive_logging,
        enable_interactive_logging,
        is_interactive_logging_enabled,
    )
    from kerasish.saving.object_registration import (
        CustomObjectScope,
        custom_object_scope,
        get_custom_objects,
        get_registered_name,
        get_registered_object,
        register_keras_serializable,
    )
    from kerasish.saving.serialization_lib import deserialize_keras_object, serialize_keras_object
    from kerasish.training.data import PyDataset, Sequence, pack_x_y_sample_weight, unpack_x_y_sample_weight
    from kerasish.utils.file_utils import get_file
    from kerasish.utils.model_visualization import model_to_dot, plot_model
    from kerasish.utils.numerical_utils import normalize, to_categorical
    from kerasish.utils.progress import Progbar
    from kerasish.utils.random_utils import set_random_seed
    from kerasish.utils.sequence_utils import pad_sequences
    from kerasish.utils.tensor_utils import clear_session, get_source_inputs, is_keras_tensor, standardize_dtype

_HOMES = {
    "config": "disable_interactive_logging enable_interactive_logging is_interactive_logging_enabled",
    "saving.object_registration": "CustomObjectScope custom_object_scope get_custom_objects get_registered_name "
    "get_registered_object register_keras_serializable",
    "saving.serialization_lib": "deserialize_keras_object serialize_keras_object",
    "training.data": "PyDataset Sequence pack_x_y_sample_weight unpack_x_y_sample_weight",
    "utils.file_utils": "get_file",
    "utils.model_visualization": "model_to_dot plot_model",
    "utils.numerical_utils": "normalize to_categorical",
    "utils.progress": "Progbar",
    "utils.random_utils": "set_random_seed",
    "utils.sequence_utils": "pad_sequences",
    "utils.tensor_utils": "clear_session get_source_inputs is_keras_tensor standardize_dtype",
}

__getattr__, __dir__ = attach(
    "kerasish.utils", {name: f"kerasish.{module}" for module, names in _HOMES.items() for name in names.split()}
)

__all__ = [
    "CustomObjectScope",
    "Progbar",
    "PyDataset",
    "Sequence",
    "clear_session",
    "custom_object_scope",
    "deserialize_keras_object",
    "disable_interactive_logging",
    "enable_interactive_logging",
    "get_custom_objects",
    "get_file",
    "get_registered_name",
    "get_registered_object",
    "get_source_inputs",
    "is_interactive_logging_enabled",
    "is_keras_tensor",
    "model_to_dot",
    "normalize",
    "pack_x_y_sample_weight",
    "pad_sequences",
    "plot_model",
    "register_keras_serializable",
    "serialize_keras_object",
    "set_random_seed",
    "standardize_dtype",
    "to_categorical",
    "unpack_x_y_sample_weight",
]
