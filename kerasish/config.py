"""Global settings: the default float type, the fuzz factor, the image layout and the backend.

They start from the environment variables `KERASISH_BACKEND`, `KERASISH_FLOATX`, `KERASISH_HOME` and `KERASISH_TF32`.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from kerasish.dtype_policies import DTypePolicy

_settings: dict[str, Any] = {
    "floatx": os.environ.get("KERASISH_FLOATX", "float32"),
    "epsilon": 1e-7,
    "image_data_format": "channels_last",
    "backend": os.environ.get("KERASISH_BACKEND", "auto"),
    "tf32": os.environ.get("KERASISH_TF32", "0").lower() not in ("", "0", "false", "off", "no"),
    "interactive_logging": True,
    "safe_mode": True,
    "max_epochs": None,
    "max_steps_per_epoch": None,
}


def floatx() -> str:
    """The default float dtype of weights and of Python floats.

    >>> floatx()
    'float32'
    """
    return _settings["floatx"]


def set_floatx(value: str) -> None:
    """Set the default float dtype: "bfloat16", "float16", "float32" or "float64"."""
    if value not in ("bfloat16", "float16", "float32", "float64"):
        raise ValueError(f"Expected one of 'bfloat16', 'float16', 'float32', 'float64'. Received: value={value!r}")
    _settings["floatx"] = value


def epsilon() -> float:
    """The fuzz factor that keeps logarithms and divisions finite."""
    return _settings["epsilon"]


def set_epsilon(value: float) -> None:
    """Set the fuzz factor."""
    _settings["epsilon"] = float(value)


def image_data_format() -> str:
    """The default place of the channels: "channels_last" or "channels_first"."""
    return _settings["image_data_format"]


def set_image_data_format(data_format: str) -> None:
    """Set the default place of the channels."""
    _settings["image_data_format"] = check_data_format(data_format)


def check_data_format(data_format: str | None) -> str:
    """The data format in lower case, or the default for None; anything else is an error."""
    value = image_data_format() if data_format is None else str(data_format).lower()
    if value not in ("channels_first", "channels_last"):
        raise ValueError(
            f"data_format must be one of 'channels_first', 'channels_last'. Received: data_format={data_format!r}"
        )
    return value


def backend() -> str:
    """The name of the active backend ("numpy", "numba", "cupy", or a registered one)."""
    from kerasish.backend import active_name

    return active_name()


def set_backend(name: str) -> None:
    """Choose the backend; before the first model is built, since live weights stay where they are."""
    from kerasish.backend import activate

    activate(name)


def dtype_policy() -> DTypePolicy:
    """The dtype policy of layers that are given none.

    >>> dtype_policy().name
    'float32'
    """
    from kerasish import dtype_policies

    return dtype_policies.dtype_policy()


def set_dtype_policy(policy: Any) -> None:
    """Set the dtype policy of layers made from now on: a policy, or a name such as "mixed_float16"."""
    from kerasish import dtype_policies

    dtype_policies.set_dtype_policy(policy)


def home() -> Path:
    """The folder of the cache: `KERASISH_HOME`, or `~/.kerasish`."""
    from pathlib import Path

    return Path(os.environ.get("KERASISH_HOME") or Path.home() / ".kerasish").expanduser()


def tf32_enabled() -> bool:
    """Whether a GPU may multiply float32 matrices in TF32: faster, with 10 bits of mantissa in place of 23.

    Off by default, so that the GPU gives the numbers of the CPU. It starts from `KERASISH_TF32` (1 or 0).

    >>> tf32_enabled()
    False
    """
    return _settings["tf32"]


def enable_tf32(enabled: bool = True) -> None:
    """Let a GPU multiply float32 matrices in TF32, or forbid it; what is captured already stays as it is."""
    _settings["tf32"] = bool(enabled)


def enable_interactive_logging() -> None:
    """Show progress bars (the default)."""
    _settings["interactive_logging"] = True


def disable_interactive_logging() -> None:
    """Print one line an epoch instead of progress bars where `verbose="auto"`."""
    _settings["interactive_logging"] = False


def is_interactive_logging_enabled() -> bool:
    """Whether progress bars are shown."""
    return _settings["interactive_logging"]


def enable_unsafe_deserialization() -> None:
    """Let files run the code that they hold. Only for files whose author you trust."""
    _settings["safe_mode"] = False


def max_epochs() -> int | None:
    """An upper bound of the epochs of every `fit`, or None."""
    return _settings["max_epochs"]


def set_max_epochs(max_epochs: int | None) -> None:
    """Bound the epochs of every `fit`."""
    _settings["max_epochs"] = max_epochs


def max_steps_per_epoch() -> int | None:
    """An upper bound of the steps of every epoch, or None."""
    return _settings["max_steps_per_epoch"]


def set_max_steps_per_epoch(max_steps_per_epoch: int | None) -> None:
    """Bound the steps of every epoch."""
    _settings["max_steps_per_epoch"] = max_steps_per_epoch
