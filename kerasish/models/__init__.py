"""Models: `Model`, `Sequential`, and how they are cloned and loaded."""

from typing import TYPE_CHECKING

from kerasish.lazy import attach
from kerasish.models.cloning import clone_model
from kerasish.models.functional import Functional
from kerasish.models.model import Model
from kerasish.models.sequential import Sequential

if TYPE_CHECKING:
    from kerasish.saving.saving_api import load_model, model_from_json, save_model

ALL_OBJECTS = {"Model": Model, "Functional": Functional, "Sequential": Sequential}

# Reading and writing files is loaded by the first file.
__getattr__, __dir__ = attach(
    "kerasish.models", dict.fromkeys(("load_model", "model_from_json", "save_model"), "kerasish.saving.saving_api")
)

__all__ = [
    "ALL_OBJECTS",
    "Functional",
    "Model",
    "Sequential",
    "clone_model",
    "load_model",
    "model_from_json",
    "save_model",
]
