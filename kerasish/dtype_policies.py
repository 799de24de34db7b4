"""Dtype policies: in which dtype a layer keeps its weights, and in which it computes."""

from __future__ import annotations

from typing import Any

from kerasish import config as _config
from kerasish.backend.dtypes import ALLOWED, is_float, standardize_dtype

_MIXED = {"mixed_float16": "float16", "mixed_bfloat16": "bfloat16"}


class DTypePolicy:
    """How a layer uses dtypes.

    Args:
        name: A dtype ("float32": weights and computations both), or "mixed_float16" / "mixed_bfloat16"
            (weights in float32, computations in half precision). The default float when None.

    >>> DTypePolicy("mixed_float16").compute_dtype
    'float16'
    """

    def __init__(self, name: str | None = None) -> None:
        if name is None:
            name = _config.floatx()
        if not isinstance(name, str) or (name not in _MIXED and name not in ALLOWED):
            raise ValueError(
                f"Expected the name of a dtype policy: a dtype, or one of {sorted(_MIXED)}. Received: name={name!r}"
            )
        self._name = name
        self._compute_dtype = _MIXED.get(name, name)
        self._variable_dtype = "float32" if name in _MIXED else name

    @property
    def name(self) -> str:
        """The policy's name."""
        return self._name

    @property
    def compute_dtype(self) -> str:
        """The dtype of the computations and of the outputs."""
        return self._compute_dtype

    @property
    def variable_dtype(self) -> str:
        """The dtype of the weights."""
        return self._variable_dtype

    @property
    def quantization_mode(self) -> None:
        """None: the policy does not quantize."""
        return None

    def convert_input(self, x: Any, autocast: bool, dtype: str) -> Any:
        """The input cast to the dtype, where it is a float and autocasting is on."""
        if autocast and is_float(standardize_dtype(x.dtype)) and standardize_dtype(x.dtype) != dtype:
            return x.astype(dtype)
        return x

    def get_config(self) -> dict[str, Any]:
        """The arguments to make it again."""
        return {"name": self._name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> DTypePolicy:
        """The policy of a config."""
        return cls(**config)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, DTypePolicy) and other.name == self.name

    def __hash__(self) -> int:
        return hash(self._name)

    def __repr__(self) -> str:
        return f'<DTypePolicy "{self._name}">'


FloatDTypePolicy = DTypePolicy

_global: dict[str, DTypePolicy | None] = {"policy": None}


def dtype_policy() -> DTypePolicy:
    """The policy of layers that are given none."""
    return _global["policy"] or DTypePolicy(_config.floatx())


def set_dtype_policy(policy: Any) -> None:
    """Set the policy of layers made from now on. None goes back to the default float."""
    _global["policy"] = None if policy is None else get(policy)


def get(identifier: Any) -> DTypePolicy:
    """A policy from a policy, a name, a dtype, a config, or None (the global one)."""
    if identifier is None:
        return dtype_policy()
    if isinstance(identifier, DTypePolicy):
        return identifier
    if isinstance(identifier, dict):
        config = identifier.get("config")
        if identifier.get("class_name") in ("DTypePolicy", "FloatDTypePolicy", "Policy") and isinstance(config, dict):
            return DTypePolicy(config.get("name"))
        raise ValueError(f"Cannot interpret this dtype policy. Received: {identifier!r}")
    if isinstance(identifier, str):
        return DTypePolicy(identifier)
    try:
        return DTypePolicy(standardize_dtype(identifier))
    except ValueError:
        raise ValueError(f"Cannot interpret this dtype policy. Received: {identifier!r}") from None


def serialize(dtype_policy: DTypePolicy) -> dict[str, Any]:
    """The policy as Keras writes it into files."""
    return {
        "module": "keras",
        "class_name": "DTypePolicy",
        "config": dtype_policy.get_config(),
        "registered_name": None,
    }


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> DTypePolicy:
    """The policy that a config describes."""
    return get(config)
