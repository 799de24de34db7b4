"""The reference backend and the CPU default: BLAS and NumPy only."""

import importlib
import importlib.util

from kerasish.backend.contract import FAMILIES

for _family in FAMILIES:
    if importlib.util.find_spec(f"kerasish.backend.numpy.{_family}"):
        importlib.import_module(f"kerasish.backend.numpy.{_family}")
