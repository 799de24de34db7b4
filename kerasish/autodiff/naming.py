"""Names that are given when none is: "dense", "dense_1", "dense_2", …"""

from __future__ import annotations

import re
import threading
from collections import defaultdict

_counts: defaultdict[str, int] = defaultdict(int)
_lock = threading.Lock()


def to_snake_case(name: str) -> str:
    """A class's name in snake case, as Keras writes it in layer names and files.

    >>> to_snake_case("ReLU"), to_snake_case("Conv2D"), to_snake_case("LayerNormalization")
    ('re_lu', 'conv2d', 'layer_normalization')
    """
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()


def auto_name(prefix: str) -> str:
    """The next free name with this prefix.

    >>> reset_names()
    >>> auto_name("dense"), auto_name("dense")
    ('dense', 'dense_1')
    """
    prefix = to_snake_case(prefix)
    with _lock:
        count = _counts[prefix]
        _counts[prefix] = count + 1
    return f"{prefix}_{count}" if count else prefix


def reset_names() -> None:
    """Start the numbering afresh."""
    with _lock:
        _counts.clear()
