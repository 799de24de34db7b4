"""Objects to configs and back: `serialize_keras_object`, `deserialize_keras_object`.

A config may name only what stands on an allow-list: the public classes and functions of kerasish, of the kind
that the place asks for (a layer, an initializer, …), and the custom objects that the user made known.
"""

from __future__ import annotations

import importlib
import inspect
import types
from collections.abc import Callable
from typing import Any

import numpy as np

from kerasish.saving.object_registration import (
    CustomObjectScope,
    SafeModeScope,
    get_registered_name,
    get_registered_object,
    in_safe_mode,
)

# The modules whose objects a config may name, and the name of the dict in each that lists them.
_FAMILIES = (
    "layers",
    "models",
    "optimizers",
    "optimizers.schedules",
    "losses",
    "metrics",
    "initializers",
    "regularizers",
    "constraints",
    "activations",
    "random",
)
_PUBLIC_MODULES = {
    "Sequential": "keras",
    "Model": "keras",
    "Functional": "keras.src.models.functional",
    "DTypePolicy": "keras",
    "SeedGenerator": "keras.random",
}


def _builtins(family: str) -> dict[str, Any]:
    return importlib.import_module(f"kerasish.{family}").ALL_OBJECTS


def public_module(cls: type) -> str | None:
    """The module that Keras exports a class from ("keras.layers"), or None for a class of the user's own."""
    home = cls.__module__
    if not home.startswith("kerasish."):
        return None
    if cls.__name__ in _PUBLIC_MODULES:
        return _PUBLIC_MODULES[cls.__name__]
    family = home.split(".")[1]
    if ".schedules" in home:
        family = "optimizers.schedules"
    return f"keras.{family}"


def serialize_keras_object(obj: Any) -> Any:
    """A value of JSON that `deserialize_keras_object` turns into an equal object.

    Lists, dicts, tuples, numbers and strings stay what they are (NumPy arrays and slices are marked).
    Objects with `get_config()` become `{"module", "class_name", "config", "registered_name"}`.
    """
    if obj is None or isinstance(obj, (str, bool, int, float)):
        return obj
    if isinstance(obj, bytes):
        return {"class_name": "__bytes__", "config": {"value": obj.decode("utf-8")}}
    if isinstance(obj, (list, tuple)):
        values = [serialize_keras_object(value) for value in obj]
        # In JSON a tuple becomes a list, as in the files of Keras.
        return tuple(values) if isinstance(obj, tuple) else values
    if isinstance(obj, dict):
        return {key: serialize_keras_object(value) for key, value in obj.items()}
    if isinstance(obj, np.generic):
        return obj.item()
    if isinstance(obj, np.ndarray):
        return {"class_name": "__numpy__", "config": {"value": obj.tolist(), "dtype": obj.dtype.name}}
    if obj is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(obj, slice):
        bounds = {"start": obj.start, "stop": obj.stop, "step": obj.step}
        return {"class_name": "__slice__", "config": serialize_keras_object(bounds)}
    if isinstance(obj, np.dtype):
        return obj.name
    from kerasish.autodiff import KerasTensor, Tensor

    if isinstance(obj, KerasTensor):
        history = None
        if obj._keras_history is not None:
            history = [obj._keras_history.operation.name, *obj._keras_history[1:]]
        return {
            "class_name": "__keras_tensor__",
            "config": {"shape": list(obj.shape), "dtype": obj.dtype, "keras_history": history},
        }
    if isinstance(obj, Tensor):
        return {"class_name": "__tensor__", "config": {"value": obj.tolist(), "dtype": obj.dtype}}
    if isinstance(obj, types.FunctionType) and obj.__name__ == "<lambda>":
        raise ValueError(
            "A lambda cannot be written to a config: give it a name with `def` and register it with "
            "@kerasish.saving.register_keras_serializable(). "
            f"Received: {obj!r} of {obj.__module__}"
        )
    if inspect.isclass(obj) or isinstance(obj, (types.FunctionType, types.BuiltinFunctionType)):
        return {
            "module": None if not obj.__module__.startswith("kerasish.") else obj.__module__,
            "class_name": "class" if inspect.isclass(obj) else "function",
            "config": obj.__name__,
            "registered_name": get_registered_name(obj),
        }
    if not hasattr(obj, "get_config"):
        raise TypeError(f"Cannot serialize an object without get_config(). Received: {obj!r}")
    return serialize_with_config(obj, obj.get_config())


def serialize_with_config(obj: Any, config: dict[str, Any]) -> dict[str, Any]:
    """The entry of an object whose config is known."""
    cls = type(obj)
    module = public_module(cls)
    name = get_registered_name(cls)
    entry: dict[str, Any] = {
        "module": module,
        "class_name": cls.__name__,
        "config": {key: serialize_keras_object(value) for key, value in config.items()},
        "registered_name": None if _is_exported(module) and name == cls.__name__ else name,
    }
    if hasattr(obj, "get_build_config") and getattr(obj, "built", False):
        build_config = obj.get_build_config()
        if build_config is not None:
            entry["build_config"] = serialize_keras_object(build_config)
    if hasattr(obj, "get_compile_config"):
        entry["compile_config"] = serialize_keras_object(obj.get_compile_config() or {})
    return entry


def _is_exported(module: str | None) -> bool:
    """Whether Keras exports the classes of a module, so that the module and the class's name suffice."""
    return module is not None and not module.startswith("keras.src")


def resolve(
    class_name: Any,
    family: str | None = None,
    registered_name: Any = None,
    custom_objects: dict[str, Any] | None = None,
) -> Any:
    """The class or function that a config names, from the custom objects or the allow-list.

    Args:
        class_name: The name in the config.
        family: The kind that the place asks for ("layers", "initializers", …); None tries them all.
        registered_name: The name under which the writer registered it.
        custom_objects: Objects that the user made known for this call.
    """
    for name in (registered_name, class_name):
        if isinstance(name, str):
            found = get_registered_object(name, custom_objects)
            if found is not None:
                return found
    if isinstance(class_name, str):
        for place in (family,) if family is not None else _FAMILIES:
            found = _builtins(place).get(class_name)
            if found is not None:
                return found
    kind = "object" if family is None else f"{family.split('.')[-1].rstrip('s')} (of kerasish.{family})"
    raise ValueError(
        f"Unknown {kind} {class_name!r}: it is neither part of kerasish nor among the custom objects. If it is "
        "your own, pass it in `custom_objects`, or register it with "
        f"@kerasish.saving.register_keras_serializable(). Received: class_name={class_name!r}, "
        f"registered_name={registered_name!r}"
    )


def deserialize_keras_object(
    config: Any,
    custom_objects: dict[str, Any] | None = None,
    safe_mode: bool = True,
    family: str | None = None,
    **kwargs: Any,
) -> Any:
    """The object that a config describes.

    Args:
        config: What `serialize_keras_object` gave (configs by Keras are the same).
        custom_objects: Classes and functions by name, for this call.
        safe_mode: Whether to refuse code that the config holds (lambdas).
        family: The kind of object that is expected, such as "layers"; others are refused.
    """
    if kwargs:
        raise TypeError(f"Unexpected keyword arguments. Received: {sorted(kwargs)}")
    if custom_objects:
        with CustomObjectScope(custom_objects):
            return deserialize_keras_object(config, None, safe_mode, family)
    if config is None or isinstance(config, (str, bool, int, float)):
        return config
    if isinstance(config, (list, tuple)):
        return type(config)([deserialize_keras_object(value, None, safe_mode, family) for value in config])
    if not isinstance(config, dict):
        raise TypeError(f"Cannot interpret this config. Received: {config!r}")
    class_name = config.get("class_name")
    if "class_name" not in config or ("config" not in config and class_name != "__tuple__"):
        return {key: deserialize_keras_object(value, None, safe_mode, family) for key, value in config.items()}
    inner = config.get("config")
    special = _SPECIAL.get(class_name) if isinstance(class_name, str) else None
    if special is not None:
        return special(config, safe_mode)
    if class_name in ("function", "class"):
        return resolve(inner, family, config.get("registered_name"))
    if class_name == "DTypePolicy":
        from kerasish import dtype_policies

        return dtype_policies.get(config)
    cls = resolve(class_name, family, config.get("registered_name"))
    if not hasattr(cls, "from_config"):
        if callable(cls) and not inspect.isclass(cls):
            return cls
        raise TypeError(f"{class_name!r} cannot be made from a config: it has no from_config(). Received: {cls!r}")
    if not isinstance(inner, dict):
        raise TypeError(f"Expected the config of {class_name!r} to be a dict. Received: config={inner!r}")
    with SafeModeScope(safe_mode and in_safe_mode()):
        instance = cls.from_config(dict(inner))
    build_config = config.get("build_config")
    if build_config and hasattr(instance, "build_from_config") and not getattr(instance, "built", True):
        instance.build_from_config(deserialize_keras_object(build_config, None, safe_mode))
    if config.get("compile_config") and hasattr(instance, "compile_from_config"):
        instance.compile_from_config(config["compile_config"])
    return instance


def _numpy(config: dict[str, Any], safe_mode: bool) -> Any:
    return np.array(config["config"]["value"], dtype=_plain_dtype(config["config"].get("dtype")))


def _tensor(config: dict[str, Any], safe_mode: bool) -> Any:
    from kerasish.autodiff import convert_to_tensor

    return convert_to_tensor(_numpy(config, safe_mode))


def _plain_dtype(name: Any) -> Any:
    from kerasish.backend.dtypes import numpy_dtype

    return numpy_dtype(name)


def _slice(config: dict[str, Any], safe_mode: bool) -> slice:
    bounds = config["config"]
    parts = [deserialize_keras_object(bounds.get(key), None, safe_mode) for key in ("start", "stop", "step")]
    return slice(*parts)


def _refuse_lambda(config: dict[str, Any], safe_mode: bool) -> Any:
    raise ValueError(
        "The config holds the byte code of a Python lambda, which kerasish does not run: byte code from a file can "
        "do anything, and fits one Python version only. Write the function with `def` and pass it in "
        "`custom_objects`."
    )


_SPECIAL: dict[str, Callable[[dict[str, Any], bool], Any]] = {
    "__tuple__": lambda c, safe: tuple(deserialize_keras_object(c.get("items", []), None, safe)),
    "__bytes__": lambda c, safe: c["config"]["value"].encode("utf-8"),
    "__numpy__": _numpy,
    "__tensor__": _tensor,
    "__slice__": _slice,
    "__ellipsis__": lambda c, safe: Ellipsis,
    "__lambda__": _refuse_lambda,
}


def get_from_family(identifier: Any, family: str, kind: str, custom_objects: dict[str, Any] | None = None) -> Any:
    """What the `get` of a family returns: None, an object or function, a name, or a config, made into an object.

    A class found by name is instantiated; a function is returned as it is.
    """
    if identifier is None:
        return None
    if isinstance(identifier, dict):
        return deserialize_keras_object(identifier, custom_objects, family=family)
    if isinstance(identifier, str):
        found = resolve(identifier, family, custom_objects=custom_objects)
        return found() if inspect.isclass(found) else found
    if inspect.isclass(identifier):
        return identifier()
    if callable(identifier) or hasattr(identifier, "get_config"):
        return identifier
    raise ValueError(
        f"Cannot interpret this {kind}: expected a name, a config, an object or a function. Received: {identifier!r}"
    )
