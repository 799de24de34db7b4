"""Which Keras wrote a config: versions differ in names, arguments and in the meaning of some of them."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

# Keys that only Keras 1 wrote into the config of a layer.
_KERAS_1 = frozenset(
    ("border_mode", "W_regularizer", "nb_filter", "inner_init", "consume_less", "input_dtype", "subsample_length")
)
_KERAS_3 = frozenset(("batch_shape", "build_config", "registered_name"))

# The minor version of Keras 3 in which regularizers of outputs became means over the batch.
_FIRST_MEAN = 14


class Origin(NamedTuple):
    """The writer of a config.

    `multi_backend` is true for the Keras of its own that ended with 2.3.1, and false for tf.keras. `sums_batches` says
    that a regularizer of outputs was summed over the batch, of which later versions take the mean. `overrides` says
    that the `training` of a call gave way to that of the model around, so that it has no meaning in files.
    """

    generation: int
    multi_backend: bool = False
    sums_batches: bool = False
    overrides: bool = False

    @classmethod
    def of(cls, version: Any, config: Any = None) -> Origin:
        """From a version such as "2.2.4" or "2.3.0-tf"; where there is none, from the config itself.

        >>> Origin.of("2.2.4").multi_backend, Origin.of("2.3.0-tf").multi_backend
        (True, False)
        """
        match = re.match(r"(\d+)\.(\d+)", version) if isinstance(version, str) else None
        if match is None:
            return _guess(config)
        major, minor = int(match[1]), int(match[2])
        if major >= 3:
            return cls(3, False, major == 3 and minor < _FIRST_MEAN, True)
        multi_backend = major <= 1 or (minor <= 3 and "tf" not in version)
        return cls(max(major, 1), multi_backend, multi_backend)


def _guess(config: Any) -> Origin:
    keys: set[str] = set()
    old_nodes = _collect(config, keys)
    if keys & _KERAS_1:
        return Origin(1, True, True)
    if isinstance(config, list) or old_nodes or "batch_input_shape" in keys:
        multi_backend = isinstance(config, list)
        return Origin(2, multi_backend, multi_backend)
    return Origin(3)


def _collect(value: Any, keys: set[str]) -> bool:
    """Gather the keys of a config; whether it has calls as Keras 1 and 2 wrote them."""
    old = False
    stack = [value]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            keys.update(key for key in value if isinstance(key, str))
            nodes = value.get("inbound_nodes")
            if isinstance(nodes, list) and nodes and isinstance(nodes[0], list):
                old = True
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
    return old


def is_modern(config: Any) -> bool:
    """Whether a config needs no translation: it says of itself that Keras 3 wrote it."""
    keys: set[str] = set()
    return not _collect(config, keys) and bool(keys & _KERAS_3) and not keys & _KERAS_1
