"""`set_random_seed`: one seed for all random numbers."""

from __future__ import annotations

import random
from typing import Any

import numpy as np

from kerasish.random import set_global_seed


def set_random_seed(seed: Any) -> None:
    """Seed Python's, NumPy's and kerasish's random numbers.

    With the same seed, the same program gives the same numbers, on the CPU and on the GPU.

    Args:
        seed: An int from 0 to 2^32 - 1.

    >>> set_random_seed(42)
    """
    if isinstance(seed, bool) or not isinstance(seed, (int, np.integer)) or not 0 <= seed < 2**32:
        raise ValueError(f"Expected seed to be an int from 0 to 2^32 - 1. Received: seed={seed!r}")
    random.seed(int(seed))
    np.random.seed(int(seed))
    set_global_seed(int(seed))
