"""CuPy, for the modules of this backend: imported after the device was found usable."""

from __future__ import annotations

from kerasish.backend.cupy._driver import problem

_found = problem()
if _found is not None:
    raise ImportError(_found)

import cupy as cp  # noqa: E402

__all__ = ["cp"]
