"""The types that the contract is written in."""

from __future__ import annotations

from typing import Any, TypeAlias

Array: TypeAlias = Any
"""An array of the active backend: `numpy.ndarray` on the CPU, `cupy.ndarray` on the GPU."""

Padding: TypeAlias = tuple[tuple[int, int], ...]
"""How many elements are added before and after, one pair for each spatial dimension."""

Scalar: TypeAlias = Any
"""A Python number or a 0-d array (a device scalar on the GPU)."""
