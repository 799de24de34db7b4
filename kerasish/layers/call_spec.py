"""What a layer's `call` and `build` accept, found once per class."""

from __future__ import annotations

import inspect
from typing import Any


class CallSignature:
    """The signature of a `call`: its arguments, and whether it takes `training` and masks."""

    def __init__(self, call: Any) -> None:
        parameters = list(inspect.signature(call).parameters.values())[1:]
        names = [p.name for p in parameters]
        self.parameters = parameters
        self.names = names
        self.positional = [p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        self.accepts_kwargs = any(p.kind is p.VAR_KEYWORD for p in parameters)
        self.first = self.positional[0] if self.positional else ""
        self.has_training = "training" in names
        default = next((p.default for p in parameters if p.name == "training"), None)
        self.training_default = None if default is inspect.Parameter.empty else default
        self.has_mask = "mask" in names
        # `x_mask` for an argument `x`; the mask of a first argument alone may simply be called `mask`.
        self.masks = {name: f"{name}_mask" for name in names if f"{name}_mask" in names}

    def bind(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        """The arguments by name, without defaults."""
        bound = dict(zip(self.positional, args, strict=False))
        bound.update(kwargs)
        return bound


_signatures: dict[Any, CallSignature] = {}
_build_parameters: dict[Any, list[str]] = {}


def call_signature(cls: type) -> CallSignature:
    """The signature of a class's `call`."""
    call = cls.call  # type: ignore[attr-defined]
    signature = _signatures.get(call)
    if signature is None:
        signature = _signatures[call] = CallSignature(call)
    return signature


def build_parameters(build: Any) -> list[str]:
    """The names of the arguments of a `build`."""
    names = _build_parameters.get(build)
    if names is None:
        parameters = list(inspect.signature(build).parameters.values())[1:]
        names = _build_parameters[build] = [
            p.name for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD, p.KEYWORD_ONLY)
        ]
    return names
