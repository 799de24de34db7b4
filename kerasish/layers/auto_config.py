"""`auto_config`: a config from the arguments that a layer was made with."""

from __future__ import annotations

import inspect
from typing import Any

from kerasish.saving.serialization_lib import serialize_keras_object


def auto_config(layer: Any) -> dict[str, Any]:
    """The arguments that a layer was made with, for one that writes no `get_config` of its own.

    Raises:
        NotImplementedError: If an argument cannot be written.
    """
    args, kwargs = layer._init_arguments
    signature = inspect.signature(type(layer).__init__)
    try:
        bound = signature.bind(layer, *args, **kwargs)
    except TypeError as error:
        raise NotImplementedError(f"The layer {type(layer).__name__} needs a get_config() of its own.") from error
    given: dict[str, Any] = {}
    for name, value in list(bound.arguments.items())[1:]:
        kind = signature.parameters[name].kind
        if kind is inspect.Parameter.VAR_KEYWORD:
            given.update(value)
        elif kind is inspect.Parameter.VAR_POSITIONAL:
            raise NotImplementedError(
                f"The layer {type(layer).__name__} takes *{name}: it needs a get_config() of its own."
            )
        else:
            given[name] = value
    for key in ("name", "trainable", "dtype", "activity_regularizer"):
        given.pop(key, None)
    try:
        return {key: serialize_keras_object(value) for key, value in given.items()}
    except (TypeError, ValueError) as error:
        raise NotImplementedError(
            f"An argument of the layer {type(layer).__name__} cannot be serialized, so it needs a get_config() "
            f"of its own. Received: {given}"
        ) from error
