"""Calls of functions of `kerasish.ops` as nodes of a model: to entries of a config and back."""

from __future__ import annotations

import inspect
from typing import Any

from kerasish.autodiff.operation import REGISTRY, FunctionOperation
from kerasish.saving.op_table import BY_CLASS, BY_FUNCTION, OpEntry


def _parameters(function: Any) -> list[inspect.Parameter]:
    return list(inspect.signature(function).parameters.values())


# Functions that have two names, by the one that their class has in files.
_ALIASES = {"abs": "absolute", "conj": "conjugate"}


def known_op(operation: FunctionOperation) -> OpEntry | None:
    """How Keras writes a function, where it has a class for it."""
    name = operation.function.__name__
    return BY_FUNCTION.get(_ALIASES.get(name, name))


def op_entry(operation: FunctionOperation) -> dict[str, Any]:
    """The entry of a function in a config, as Keras writes its class for that function.

    Keras keeps the settings of an operation (such as an axis) in its config, and so once for all its calls.
    """
    name = operation.function.__name__
    known = known_op(operation)
    if known is None:
        return {
            "module": "kerasish.ops",
            "class_name": "FunctionOperation",
            "config": {"name": operation.name, "function": name},
            "registered_name": "FunctionOperation",
        }
    settings: dict[str, Any] = {}
    if operation._inbound_nodes:
        node = operation._inbound_nodes[0]
        given, _ = split_arguments(operation, node.args, node.kwargs)
        settings = given
    return {
        "module": known.module,
        "class_name": known.class_name,
        "config": {"name": operation.name, **settings},
        "registered_name": known.class_name,
    }


def split_arguments(
    operation: FunctionOperation, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[dict[str, Any], list[Any]]:
    """The arguments of a call, parted into the settings of the operation and the arguments of the node."""
    known = known_op(operation)
    if known is None:
        return {}, list(args)
    parameters = _parameters(operation.function)
    names = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
    variadic = next((p.name for p in parameters if p.kind is p.VAR_POSITIONAL), None)
    given = dict(zip(names, args, strict=False))
    rest = list(args[len(names) :]) if variadic else []
    given.update(kwargs)
    defaults = {p.name: p.default for p in parameters if p.default is not p.empty}
    settings = {key: given.pop(key, defaults.get(key)) for key in known.config_keys if key in given or key in defaults}
    order = [p.name for p in parameters if p.name not in known.config_keys and p.name != variadic]
    last = max((order.index(key) for key in given if key in order), default=-1)
    call = [given.get(key, defaults.get(key)) for key in order[: last + 1]]
    return settings, [*call, *rest]


def is_op_entry(entry: dict[str, Any]) -> bool:
    """Whether an entry of a config is a function: by its module, or, where files have none, by its bare config."""
    module, class_name, config = entry.get("module"), entry.get("class_name"), entry.get("config")
    if isinstance(module, str):
        return module.startswith(("keras.src.ops.", "kerasish.ops"))
    known = BY_CLASS.get(class_name) if isinstance(class_name, str) else None
    return (
        known is not None
        and isinstance(config, dict)
        and "trainable" not in config
        and "dtype" not in _layerish(config)
    )


def _layerish(config: dict[str, Any]) -> tuple[str, ...]:
    return ("dtype",) if isinstance(config.get("dtype"), dict) else ()


def op_from_entry(entry: dict[str, Any]) -> tuple[FunctionOperation, dict[str, Any]]:
    """The operation of an entry, and its settings, which every call of it takes as keyword arguments."""
    class_name, config = entry.get("class_name"), dict(entry.get("config") or {})
    name = config.pop("name", None)
    if class_name == "FunctionOperation":
        function_name = config.pop("function", None)
    else:
        known = BY_CLASS.get(class_name)  # type: ignore[arg-type]
        function_name = None if known is None else known.function
    import kerasish.ops  # noqa: F401  fills the registry

    function = REGISTRY.get(function_name) if isinstance(function_name, str) else None
    if function is None:
        raise ValueError(
            f"The operation {class_name!r} is not one that a model may call: expected one of kerasish.ops. "
            f"Received: class_name={class_name!r}"
        )
    accepted = {p.name: p for p in _parameters(function)}
    settings: dict[str, Any] = {}
    for key, value in config.items():
        if key in accepted:
            settings[key] = tuple(value) if isinstance(value, list) and key != "indices_or_sections" else value
        elif value not in (None, False):
            raise ValueError(f"The operation {function_name!r} has no setting {key!r}. Received: {key}={value!r}")
    operation = FunctionOperation(function, name=name)
    return operation, settings


def call_op(operation: FunctionOperation, settings: dict[str, Any], args: list[Any], kwargs: dict[str, Any]) -> Any:
    """Call an operation of a config on tensors, with its settings."""
    names = [p.name for p in _parameters(operation.function)]
    function_name = operation.function.__name__
    if function_name == "get_item" and len(args) > 1 and isinstance(args[1], list):
        args = [args[0], tuple(args[1]), *args[2:]]
    if not settings:
        return operation.symbolic_call(*args, **kwargs)
    variadic = any(p.kind is p.VAR_POSITIONAL for p in _parameters(operation.function))
    if variadic:
        leading = [settings.pop(name) for name in list(names) if name in settings and names.index(name) == 0]
        return operation.symbolic_call(*leading, *args, **settings, **kwargs)
    free = [name for name in names if name not in settings]
    return operation.symbolic_call(**dict(zip(free, args, strict=False)), **settings, **kwargs)
