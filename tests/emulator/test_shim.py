"""The emulated block: it runs what is right, and does not forgive what a GPU may or may not forgive."""

import ctypes
from importlib import resources

import numpy as np
import pytest

from tests.emulator.module import EmulatorError, load

COMMON = resources.files("kerasish.backend.cupy").joinpath("kernels", "common.cuh").read_text(encoding="utf-8")


def run(body, *arrays, grid=1, block=64, shared=0, parameters="float* x, float* y", template=""):
    code = f"{COMMON}\n{template}__global__ void probe({parameters}) {{\n{body}\n}}\n"
    arguments = [ctypes.c_void_p(array.ctypes.data) for array in arrays]
    load(code, "probe")((grid,), (block,), arguments, shared)


def floats(count):
    return np.arange(count, dtype="float32"), np.full(count, np.nan, "float32")


REVERSED = """
    SHARED(float, tile, 64);
    tile[threadIdx.x] = x[threadIdx.x];
    {barrier}
    y[threadIdx.x] = tile[63 - threadIdx.x];
"""


def test_threads_exchange_values_over_a_barrier():
    x, y = floats(64)
    run(REVERSED.format(barrier="__syncthreads();"), x, y)
    np.testing.assert_array_equal(y, x[::-1])


def test_a_missing_barrier_shows_as_nan():
    x, y = floats(64)
    run(REVERSED.format(barrier=""), x, y)
    assert np.isnan(y).any()


def test_a_missing_barrier_between_neighbours_shows_in_both_directions():
    for neighbour in ("(threadIdx.x + 1) % 64", "(threadIdx.x + 63) % 64"):
        x, y = floats(64)
        run(f"SHARED(float, tile, 64); tile[threadIdx.x] = x[threadIdx.x]; y[threadIdx.x] = tile[{neighbour}];", x, y)
        assert np.isnan(y).any()


def test_memory_that_is_overwritten_before_all_have_read_it_shows():
    x, y = floats(64)
    body = """
        SHARED(float, tile, 64);
        float total = 0;
        for (int round = 0; round < 3; ++round) {
            tile[threadIdx.x] = x[threadIdx.x] + 100 * round;
            __syncthreads();
            total += tile[(threadIdx.x + 7) % 64];
            BARRIER
        }
        y[threadIdx.x] = total;
    """
    expected = 3 * np.roll(x, -7) + 300
    run(body.replace("BARRIER", "__syncthreads();"), x, y)
    np.testing.assert_array_equal(y, expected)
    run(body.replace("BARRIER", ""), x, y)
    assert (y != expected).any()


def test_shared_memory_is_fresh_in_every_block():
    x, y = floats(2)
    body = """
        SHARED(float, tile, 64);
        if (blockIdx.x == 0) tile[threadIdx.x] = 1;
        __syncthreads();
        if (threadIdx.x == 0) y[blockIdx.x] = tile[5];
    """
    run(body, x, y, grid=2)
    assert y[0] == 1
    assert np.isnan(y[1])


def test_a_barrier_that_some_threads_leave_out_is_an_error():
    x, y = floats(64)
    with pytest.raises(EmulatorError, match="barrier that not all threads reach"):
        run("if (threadIdx.x < 40) __syncthreads(); y[threadIdx.x] = 1;", x, y)
    with pytest.raises(EmulatorError, match="have returned"):
        run("if (threadIdx.x == 3) return; __syncthreads(); y[threadIdx.x] = 1;", x, y)


def test_after_an_error_the_next_launch_runs():
    x, y = floats(64)
    with pytest.raises(EmulatorError):
        run("if (threadIdx.x < 40) __syncthreads(); y[threadIdx.x] = 1;", x, y)
    run(REVERSED.format(barrier="__syncthreads();"), x, y)
    np.testing.assert_array_equal(y, x[::-1])


def test_a_write_beyond_shared_memory_is_an_error():
    x, y = floats(64)
    with pytest.raises(EmulatorError, match="beyond an array in shared memory"):
        run("SHARED(float, tile, 64); tile[threadIdx.x + 1] = 1;", x, y)
    with pytest.raises(EmulatorError, match="beyond the dynamic shared memory"):
        run("DYNAMIC_SHARED(float, tile); tile[threadIdx.x + 1] = 1;", x, y, shared=256)
    with pytest.raises(EmulatorError, match="launch gave none"):
        run("DYNAMIC_SHARED(float, tile); tile[threadIdx.x] = 1;", x, y)


def test_a_vector_access_must_be_aligned():
    x, y = floats(64)
    run("if (threadIdx.x < 16) store_vec(y + 4 * threadIdx.x, load_vec<4>(x + 4 * threadIdx.x));", x, y)
    np.testing.assert_array_equal(y, x)
    with pytest.raises(EmulatorError, match="not aligned"):
        run("if (threadIdx.x < 15) store_vec(y + 4 * threadIdx.x, load_vec<4>(x + 4 * threadIdx.x + 1));", x, y)


def test_lanes_of_a_warp_exchange_values():
    x, y = floats(64)
    run("y[threadIdx.x] = __shfl_xor_sync(0xffffffffu, x[threadIdx.x], 1);", x, y)
    np.testing.assert_array_equal(y, x.reshape(-1, 2)[:, ::-1].ravel())
    run("y[threadIdx.x] = __shfl_down_sync(0xffffffffu, x[threadIdx.x], 4);", x, y)
    lanes = np.arange(32)
    np.testing.assert_array_equal(y[:32], np.where(lanes + 4 < 32, lanes + 4, lanes))
    run("y[threadIdx.x] = __shfl_up_sync(0xffffffffu, x[threadIdx.x], 4);", x, y)
    np.testing.assert_array_equal(y[:32], np.where(lanes >= 4, lanes - 4, lanes))
    run("y[threadIdx.x] = __shfl_sync(0xffffffffu, x[threadIdx.x], 3);", x, y)
    np.testing.assert_array_equal(y, np.repeat([3, 35], 32))
    run("y[threadIdx.x] = __popc(__ballot_sync(0xffffffffu, threadIdx.x % 3 == 0));", x, y)
    np.testing.assert_array_equal(y, np.repeat([11, 11], 32))


def test_a_shuffle_within_a_part_of_a_warp_stays_there():
    x, y = floats(64)
    run("y[threadIdx.x] = __shfl_xor_sync(0xffffffffu, x[threadIdx.x], 3, 8);", x, y)
    np.testing.assert_array_equal(y, np.arange(64) ^ 3)
    run("y[threadIdx.x] = __shfl_sync(0xffffffffu, x[threadIdx.x], 2, 8);", x, y)
    np.testing.assert_array_equal(y, np.arange(64) // 8 * 8 + 2)


def test_half_a_warp_may_work_alone():
    x, y = floats(64)
    run("if ((threadIdx.x & 31) < 16) y[threadIdx.x] = __shfl_xor_sync(0xffffu, x[threadIdx.x], 1);", x, y)
    np.testing.assert_array_equal(y[:16], np.arange(16) ^ 1)


def test_a_warp_operation_that_a_lane_misses_is_an_error():
    x, y = floats(64)
    with pytest.raises(EmulatorError, match="barrier that not all threads reach"):
        run("if (threadIdx.x != 7) y[threadIdx.x] = __shfl_xor_sync(0xffffffffu, x[threadIdx.x], 1);", x, y)
    with pytest.raises(EmulatorError, match="leaves out the calling lane"):
        run("y[threadIdx.x] = __shfl_xor_sync(0xffffu, x[threadIdx.x], 1);", x, y)


def test_reductions_reach_every_thread():
    for block in (32, 96, 1024):
        x, y = floats(block)
        run("y[threadIdx.x] = block_sum(x[threadIdx.x]) + block_max(x[threadIdx.x]);", x, y, block=block)
        np.testing.assert_allclose(y, x.sum() + x.max())


def test_a_maximum_keeps_nan():
    x, y = floats(64)
    x[17] = np.nan
    run("y[threadIdx.x] = block_max(x[threadIdx.x]);", x, y)
    assert np.isnan(y).all()


def test_atomics_add_up():
    x, y = floats(64)
    y[0] = 0
    run("atomicAdd(y, x[threadIdx.x]);", x, y, grid=3)
    assert y[0] == 3 * x.sum()


def test_what_does_not_compile_is_an_error():
    x, y = floats(64)
    with pytest.raises(EmulatorError, match="host compiler refuses"):
        run("this is no C++;", x, y)
