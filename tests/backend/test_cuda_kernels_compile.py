"""Every CUDA kernel, for every architecture that is supported, by NVRTC: without a GPU."""

from importlib import resources

import pytest

from tests.backend.conftest import EMULATED
from tests.backend.cuda_compiler import ARCHITECTURES, compile_for, complaints, instantiations

pytestmark = pytest.mark.skipif(not EMULATED, reason="runs with the emulated GPU")

FILES = sorted(
    entry.name
    for entry in resources.files("kerasish.backend.cupy").joinpath("kernels").iterdir()
    if entry.name.endswith(".cu")
)


def test_every_kernel_file_is_used():
    assert sorted(instantiations()) == FILES


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("file", FILES)
def test_a_file_compiles_without_spills(file, architecture):
    from kerasish.backend.cupy._launch import source

    expressions = instantiations()[file]
    found = compile_for(architecture, source(file), expressions)
    assert len(found) == len(expressions)
    assert complaints(found) == []


def test_a_kernel_whose_registers_spill_is_refused():
    code = """
    extern "C" __global__ void __launch_bounds__(1024, 2) greedy(float* x, int n) {
        float held[96];
        for (int i = 0; i < 96; ++i) held[i] = x[i * n + threadIdx.x];
        __syncthreads();
        for (int round = 0; round < n; ++round)
            for (int i = 0; i < 96; ++i) held[i] = held[i] * held[(i + 7) % 96] + x[round];
        for (int i = 0; i < 96; ++i) x[i * n + threadIdx.x] = held[i];
    }
    """
    (message,) = complaints(compile_for("90", code, ["greedy"]))
    assert "spills" in message


def test_more_static_shared_memory_than_a_block_has_is_refused():
    code = """
    template <typename T> __global__ void wide(T* x) {
        __shared__ T tile[20000];
        tile[threadIdx.x] = x[threadIdx.x];
        __syncthreads();
        x[threadIdx.x] = tile[threadIdx.x + 1];
    }
    """
    with pytest.raises(Exception, match=r"(?i)shared"):
        assert complaints(compile_for("80", code, ["wide<float>"])) == []
