from types import SimpleNamespace

import pytest

from kerasish import backend

USABLE = [name for name in ("numpy", "numba") if name in backend.available()]


@pytest.fixture(params=USABLE)
def kernels(request):
    """The kernels of one backend as attributes."""
    return SimpleNamespace(**backend.kernels_of(request.param))
