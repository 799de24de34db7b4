"""Models: `Model`, `Sequential`, and how they are cloned and loaded."""

from kerasish.models.cloning import clone_model
from kerasish.models.functional import Functional
from kerasish.models.model import Model
from kerasish.models.sequential import Sequential
from kerasish.saving.saving_api import load_model, model_from_json, save_model

ALL_OBJECTS = {"Model": Model, "Functional": Functional, "Sequential": Sequential}

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
