"""Put the emulated GPU in the place of the real one, in this process."""

from __future__ import annotations

import importlib.machinery
import sys


def install() -> None:
    """Let `import cupy` give the stand-in, and cuBLASLt be the one that computes with NumPy.

    Raises:
        RuntimeError: CuPy is imported already.
    """
    from tests.emulator import standin

    present = sys.modules.get("cupy")
    if present is standin:
        return
    if present is not None:
        raise RuntimeError("The emulated GPU cannot take the place of CuPy: it is imported already.")
    for name, module in standin.MODULES.items():
        if getattr(module, "__spec__", None) is None:
            # `importlib.util.find_spec` asks for it.
            module.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=True)
        sys.modules[name] = module
    from kerasish.backend.cupy import _cublaslt
    from tests.emulator import cublaslt

    _cublaslt.load_library = cublaslt.load_library
