"""Losses: what training makes small."""

from __future__ import annotations

from typing import Any

from kerasish.autodiff import to_snake_case
from kerasish.losses.crossentropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from kerasish.losses.divergence import KLDivergence, Poisson, kl_divergence, poisson
from kerasish.losses.focal import (
    BinaryFocalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    binary_focal_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
)
from kerasish.losses.hinges import (
    CategoricalHinge,
    Hinge,
    SquaredHinge,
    categorical_hinge,
    hinge,
    squared_hinge,
)
from kerasish.losses.loss import Loss, LossFunctionWrapper
from kerasish.losses.regression import (
    CosineSimilarity,
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    cosine_similarity,
    huber,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)
from kerasish.losses.segmentation import Dice, Tversky, dice, tversky
from kerasish.losses.similarity import Circle, circle
from kerasish.saving.serialization_lib import deserialize_keras_object, get_from_family, serialize_keras_object

CLASSES = (
    BinaryCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    CategoricalHinge,
    Circle,
    CosineSimilarity,
    Dice,
    Hinge,
    Huber,
    KLDivergence,
    LogCosh,
    LossFunctionWrapper,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    SparseCategoricalCrossentropy,
    SquaredHinge,
    Tversky,
)
FUNCTIONS = (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
    categorical_hinge,
    circle,
    cosine_similarity,
    dice,
    hinge,
    huber,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
    tversky,
)

# The last three are names of Keras 1 and 2.
_ALIASES = {
    "bce": binary_crossentropy,
    "kld": kl_divergence,
    "mae": mean_absolute_error,
    "mape": mean_absolute_percentage_error,
    "mse": mean_squared_error,
    "msle": mean_squared_logarithmic_error,
    "cosine_proximity": cosine_similarity,
    "kullback_leibler_divergence": kl_divergence,
    "logcosh": log_cosh,
}

CLASS_OF: dict[Any, type[Loss]] = {
    function: cls for cls in CLASSES for function in FUNCTIONS if function.__name__ == to_snake_case(cls.__name__)
}
"""The class of a loss that is given as a function: it computes the same in fewer steps."""

ALL_OBJECTS: dict[str, Any] = {
    **{entry.__name__: entry for entry in (*CLASSES, *FUNCTIONS)},
    **_ALIASES,
    **{name.upper(): function for name, function in _ALIASES.items() if len(name) < 5},
    "huber_loss": huber,
}
"""The names that a config may use, and what they stand for."""


def serialize(loss: Any) -> Any:
    """The config of a loss.

    >>> serialize(MeanSquaredError())["class_name"]
    'MeanSquaredError'
    """
    return serialize_keras_object(loss)


def deserialize(name: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The loss of a config; for a name, the function or the class of this name."""
    if isinstance(name, str):
        return get_from_family(name, "losses", "loss", custom_objects)
    return deserialize_keras_object(name, custom_objects, family="losses")


def get(identifier: Any) -> Any:
    """The loss of a name, a config, a class or a function; None for None.

    Raises:
        ValueError: If it is none of these.

    >>> get("mse") is mean_squared_error
    True
    """
    return get_from_family(identifier, "losses", "loss")


__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "CategoricalHinge",
    "Circle",
    "CosineSimilarity",
    "Dice",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "Tversky",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "categorical_hinge",
    "circle",
    "cosine_similarity",
    "deserialize",
    "dice",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "serialize",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    "tversky",
]
