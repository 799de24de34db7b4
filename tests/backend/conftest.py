import os
from types import SimpleNamespace

import pytest

from kerasish import backend
from tests.backend.devices import on_device

EMULATED = os.environ.get("KERASISH_TEST_DEVICE") == "emulated"


def _on_the_cpu():
    return ["numpy"] + [name for name in ("numba",) if name in backend.available()]


def _parameters():
    # On an emulated GPU only the GPU's backend is of interest: the others are tested without it.
    return [pytest.param("cupy")] if EMULATED else [*_on_the_cpu(), pytest.param("cupy", marks=pytest.mark.gpu)]


def _kernels(name):
    if name == "cupy":
        return SimpleNamespace(
            **{kernel: on_device(kernel, function) for kernel, function in backend.kernels_of(name).items()}
        )
    return SimpleNamespace(**backend.kernels_of(name))


@pytest.fixture(params=_parameters())
def kernels(request):
    """The kernels of one backend as attributes; those of a GPU take and give NumPy arrays."""
    return _kernels(request.param)


@pytest.fixture(params=_on_the_cpu())
def cpu_kernels(request):
    """The kernels of a backend whose arrays are NumPy's own."""
    return _kernels(request.param)


@pytest.fixture(params=[pytest.param("cupy", marks=() if EMULATED else pytest.mark.gpu)])
def cupy_kernels(request):
    """The kernels of the GPU, emulated or real, with NumPy arrays as arguments and results."""
    return _kernels(request.param)
