"""The stand-in for CuPy: what it computes, what it refuses, and what it finds."""

import contextlib
import ctypes
import gc
import importlib.util
import inspect
import json
import operator
import subprocess
import sys
import threading

import ml_dtypes
import numpy as np
import pytest

from tests.emulator import standin as cp
from tests.emulator.standin import cupyx, errors, faults, raw, runtime, streams, work_log

BFLOAT16 = ml_dtypes.bfloat16


@pytest.fixture(autouse=True)
def _clean():
    faults.reset()
    yield
    faults.reset()
    assert not streams._captures
    assert streams.get_current_stream() is cp.cuda.Stream.null


@pytest.fixture
def stream():
    return cp.cuda.Stream(non_blocking=True)


class Capture:
    """Capture the work of a block on a stream, from a pool of its own."""

    def __init__(self, stream, pool=None):
        self.stream = stream
        self.pool = cp.cuda.MemoryPool() if pool is None else pool
        self.graph = None

    def __enter__(self):
        self.allocator = cp.cuda.using_allocator(self.pool.malloc)
        self.allocator.__enter__()
        self.stream.__enter__()
        self.stream.begin_capture()
        return self

    def __exit__(self, kind, error, trace):
        try:
            self.graph = self.stream.end_capture()
        finally:
            self.stream.__exit__()
            self.allocator.__exit__(None, None, None)


@contextlib.contextmanager
def broken_capture(stream, error="Invalidated"):
    """A capture that cannot be ended."""
    with stream:
        stream.begin_capture()
        try:
            yield
        finally:
            with pytest.raises(runtime.CUDARuntimeError, match=error):
                stream.end_capture()


def device(values, dtype=np.float32):
    return cp.asarray(np.asarray(values, dtype))


# Its surface is CuPy's.

COLLECT = """
import importlib, inspect, json, sys, warnings
warnings.simplefilter("ignore")
import ml_dtypes, cupy
def signature(f):
    try:
        return [p.name for p in inspect.signature(f).parameters.values()]
    except (TypeError, ValueError):
        return None
found = {}
for name in json.load(sys.stdin):
    path, attribute = name.split(":")
    holder = importlib.import_module(path)
    for part in attribute.split("."):
        exists = hasattr(holder, part)
        holder = getattr(holder, part, None)
    found[name] = [exists, signature(holder)]
print(json.dumps(found))
"""


def own_names():
    for path, module in cp.MODULES.items():
        if path.startswith("cupy_backends"):
            continue
        names = getattr(module, "__all__", None)
        if names is None:
            names = [
                name
                for name, value in vars(module).items()
                if not name.startswith("_")
                and not inspect.ismodule(value)
                and getattr(value, "__module__", None) in (module.__name__, None, "tests.emulator.standin.functions")
            ]
        for name in names:
            yield f"{path}:{name}", getattr(module, name)
    for name, value in vars(cp.ndarray).items():
        if not name.startswith("_"):
            yield f"cupy:ndarray.{name}", value
    for kind in ("Stream", "Event", "Graph", "MemoryPool", "Device", "MemoryPointer"):
        for name, value in vars(getattr(cp.cuda, kind)).items():
            if not name.startswith("_"):
                yield f"cupy.cuda:{kind}.{name}", value


@pytest.mark.skipif(importlib.util.find_spec("cupy") is None, reason="needs the package cupy")
def test_every_public_name_exists_in_cupy_with_the_same_parameters():
    own = dict(own_names())
    assert len(own) > 350
    done = subprocess.run(
        [sys.executable, "-c", COLLECT], input=json.dumps(list(own)), capture_output=True, text=True, check=True
    )
    real = json.loads(done.stdout)
    assert [name for name, (exists, _) in real.items() if not exists] == []
    differing = {}
    for name, (_, parameters) in real.items():
        try:
            mine = [parameter.name for parameter in inspect.signature(own[name]).parameters.values()]
        except (TypeError, ValueError):
            continue
        if parameters is not None and mine != parameters and not inspect.isclass(own[name]):
            differing[name] = (mine, parameters)
    assert differing == {}


# Arrays.


def test_an_array_does_not_become_a_numpy_array_by_itself():
    x = device([1, 2])
    for convert in (np.asarray, np.array, lambda x: np.add(np.ones(2), x), lambda x: np.ones(2) + x):
        with pytest.raises(TypeError, match=r"Implicit conversion|Unsupported type"):
            convert(x)
    with pytest.raises(TypeError, match="Unsupported type"):
        x + np.ones(2, np.float32)
    with pytest.raises(TypeError, match="Unsupported type"):
        x + np.ones(())
    with pytest.raises(TypeError, match="Unsupported type"):
        x + [1, 2]
    with pytest.raises(TypeError, match="Unsupported type"):
        cp.where(x > 1, np.ones(2), x)
    with pytest.raises(ValueError, match="non-scalar"):
        x[...] = np.ones(2)
    with pytest.raises(TypeError):
        operator.index(cp.asarray(1))
    assert not isinstance(x, np.ndarray)


def test_results_are_arrays_of_the_device_even_without_dimensions():
    x = device([[1, 2], [3, 4]])
    for found in (x.sum(), x[0, 1], x.max(), cp.mean(x), x.argmax(), (x * 2)[1, 1], cp.allclose(x, x)):
        assert isinstance(found, cp.ndarray)
        assert found.shape == ()
    assert float(x.sum()) == 10
    assert int(x.argmax()) == 3
    assert bool(cp.allclose(x, x))
    assert x[0, 1].data.ptr == x.data.ptr + 4


def test_numpy_scalars_are_operands_and_numpy_functions_dispatch():
    x = device([1, 2])
    assert (np.float32(2) * x).get().tolist() == [2, 4]
    assert (x * np.float64(2)).dtype == np.float64
    assert (x * 2.0).dtype == np.float32
    assert isinstance(np.exp(x), cp.ndarray)
    assert isinstance(np.concatenate([x, x]), cp.ndarray)
    with pytest.raises(TypeError):
        np.kaiser(x, 1)


def half(dtype):
    return cp.ones(3, dtype)


@pytest.mark.parametrize(
    ("expression", "dtype"),
    [
        (lambda: half(BFLOAT16) * 2.0, BFLOAT16),
        (lambda: half(BFLOAT16) ** 0.5, BFLOAT16),
        (lambda: 1 - half(BFLOAT16), BFLOAT16),
        (lambda: half(BFLOAT16) + half(np.float16), np.float32),
        (lambda: half(BFLOAT16) + half(np.float32), np.float32),
        (lambda: half(BFLOAT16) * np.float32(2), np.float32),
        (lambda: half(BFLOAT16) + half(np.int32), np.float64),
        (lambda: half(BFLOAT16) * (half(np.float32) > 0), BFLOAT16),
        (lambda: cp.where(half(np.float32) > 0, half(BFLOAT16), 0.0), BFLOAT16),
        (lambda: cp.clip(half(BFLOAT16), 0, 1.0), BFLOAT16),
        (lambda: cp.maximum(half(BFLOAT16), 0.0), BFLOAT16),
        (lambda: half(BFLOAT16).sum(), BFLOAT16),
        (lambda: cupyx.special.erf(half(BFLOAT16)), BFLOAT16),
        (lambda: half(np.float16) * 2.0, np.float16),
        (lambda: half(np.int32).sum(), np.int64),
        (lambda: half(np.int32) / 2, np.float64),
        (lambda: half(np.int64) * half(np.float32), np.float64),
        (lambda: half(BFLOAT16) > 0.5, np.bool_),
        (lambda: cp.full(3, 2.0, BFLOAT16), BFLOAT16),
        (lambda: cp.concatenate([half(BFLOAT16), half(np.float32)]), np.float32),
    ],
)
def test_dtypes_promote_as_in_cupy(expression, dtype):
    assert expression().dtype == dtype


def test_sums_of_half_precision_accumulate_in_float32():
    for dtype in (np.float16, BFLOAT16):
        x = cp.full(5000, 1.0, dtype)
        assert float(x.sum()) == float(np.asarray(5000.0).astype(dtype))
        assert float(x.mean()) == 1


def test_operators_and_in_place_operators():
    x = device([1, 2, 3])
    y = x
    y += 1
    y *= device([1, 0, 2])
    assert x.get().tolist() == [2, 0, 8]
    x -= 1.5
    assert x.get().tolist() == [0.5, -1.5, 6.5]
    with pytest.raises(TypeError, match="could not be coerced"):
        cp.arange(3).__iadd__(0.5)
    with pytest.raises(ValueError, match="Out shape"):
        x.__iadd__(cp.ones((2, 3), np.float32))
    assert (abs(-x) == abs(x)).get().all()
    assert (cp.arange(3) ** cp.asarray([-1, 2, 3])).get().tolist() == [0, 1, 8]
    assert (7 // cp.asarray([2, 3])).get().tolist() == [3, 2]
    assert (cp.arange(4) % 3 << 1).get().tolist() == [0, 2, 4, 0]
    assert cp.add(x, 1, out=x) is x


def test_views_share_memory_and_copies_do_not():
    x = cp.arange(12).reshape(3, 4)
    for view in (
        x.T,
        x[1:],
        x[:, ::-1],
        x[None],
        x.reshape(4, 3),
        x.ravel(),
        cp.flip(x),
        cp.moveaxis(x, 0, 1),
        x.diagonal(1),
    ):
        assert view.base is not None
        assert cp.shares_memory(view, x)
        assert not view.flags.owndata
    for copied in (x.copy(), x.T.reshape(-1), x.astype(np.int64), x[cp.asarray([0, 1])], cp.ascontiguousarray(x.T), +x):
        assert not cp.shares_memory(copied, x)
    assert cp.ascontiguousarray(x) is x
    x.diagonal()[...] = -1
    assert x.get().tolist() == [[-1, 1, 2, 3], [4, -1, 6, 7], [8, 9, -1, 11]]
    assert x.T.flags.f_contiguous
    assert not x.T.flags.c_contiguous
    assert x[1].data.ptr == x.data.ptr + 32
    assert cp.broadcast_to(x[0], (5, 4)).strides == (0, 8)
    with pytest.raises(ValueError, match="reshape"):
        x.reshape(5)


def test_an_array_can_be_made_of_a_pointer():
    x = cp.arange(8, dtype=np.float32)
    part = cp.ndarray((2, 2), np.float32, x.data + 4, strides=(8, 4))
    assert part.get().tolist() == [[1, 2], [3, 4]]
    memory = cp.cuda.UnownedMemory(x.data.ptr, x.nbytes, x)
    assert cp.ndarray((8,), np.float32, cp.cuda.MemoryPointer(memory, 0)).get().tolist() == list(range(8))
    assert x.data.ptr % 512 == 0
    assert cp.empty((0, 3)).data.ptr == 0


def test_indices_beyond_an_axis_wrap_around():
    x = device([10, 20, 30])
    assert x[cp.asarray([0, 3, -1, 5])].get().tolist() == [10, 10, 30, 30]
    assert x.take(cp.asarray([[4, -4]])).get().tolist() == [[20, 30]]
    assert cp.take_along_axis(x, cp.asarray([4]), 0).get().tolist() == [20]
    cupyx.scatter_add(x, cp.asarray([3, 0]), device([1, 1]))
    assert x.get().tolist() == [12, 20, 30]
    with pytest.raises(IndexError):
        x[3]


def test_setting_items():
    x = cp.zeros((2, 3), np.float32)
    x[0] = 1
    x[1, ::2] = device([5, 6])
    x[:, 1] = np.float32(7)
    assert x.get().tolist() == [[1, 7, 1], [5, 7, 6]]
    x[cp.asarray([1]), cp.asarray([0])] = 9
    x[x > 8] = -9
    assert x.get().tolist() == [[1, 7, 1], [-9, 7, 6]]
    x[...] = device([[[1, 2, 3]]])
    assert x.get().tolist() == [[1, 2, 3], [1, 2, 3]]
    with pytest.raises(ValueError, match="broadcast"):
        x[...] = device([1, 2])


def test_scatters_count_an_index_that_comes_twice():
    x = cp.zeros((3, 2), np.float32)
    cupyx.scatter_add(x, cp.asarray([1, 1, 2]), device([[1, 2], [3, 4], [5, 6]]))
    assert x.get().tolist() == [[0, 0], [4, 6], [5, 6]]
    cupyx.scatter_max(x, (slice(None), 0), 4.5)
    assert x.get()[:, 0].tolist() == [4.5, 4.5, 5]


def test_what_cupy_lacks_is_refused():
    with pytest.raises(ValueError, match="Unsupported dtype"):
        cp.asarray(np.array(["a"]))
    with pytest.raises(ValueError, match="Unsupported dtype"):
        cp.empty(3, object)
    with pytest.raises(ValueError, match="repeats"):
        cp.repeat(cp.arange(3), cp.arange(3))
    with pytest.raises(ValueError, match="stable"):
        cp.sort(cp.arange(3), kind="quicksort")
    with pytest.raises(TypeError, match="Wrong arguments"):
        cp.exp(cp.ones(3), where=cp.ones(3, bool))
    assert not hasattr(cp, "ldexp2")


# Memory.


def test_fresh_memory_is_not_a_number():
    for dtype in (np.float16, BFLOAT16, np.float32, np.float64):
        assert np.isnan(cp.empty(5, dtype).get().astype(np.float32)).all()
    assert cp.empty(2, np.int32).get().tolist() == [-1, -1]


@pytest.mark.parametrize("place", [-4, 20])
def test_a_write_outside_an_allocation_is_found(place):
    x = cp.zeros(5, np.float32)
    cp.check_guards()
    ctypes.c_float.from_address(x.data.ptr + place).value = 3.0
    with pytest.raises(errors.EmulatedMemoryError, match="outside an allocation of 20 bytes"):
        cp.check_guards()
    cp.check_guards()


def test_addresses_are_looked_up_within_one_allocation():
    x = cp.zeros(6, np.float32)
    cp.array_at(x.data.ptr + 4, (2, 2), np.float32, (8, 4))[...] = 5
    assert x.get().tolist() == [0, 5, 5, 5, 5, 0]
    with pytest.raises(errors.EmulatedMemoryError, match="does not lie inside"):
        cp.array_at(x.data.ptr + 4, (6,), np.float32)
    address = x.data.ptr
    del x
    with pytest.raises(errors.EmulatedMemoryError, match="No allocation"):
        cp.array_at(address, (1,), np.float32)
    with pytest.raises(errors.EmulatedMemoryError, match="does not lie inside"):
        cp.lib.stride_tricks.as_strided(cp.zeros(3), (4,), (8,))


def test_a_pool_counts_what_is_used_and_what_is_free():
    pool = cp.cuda.MemoryPool()
    with cp.cuda.using_allocator(pool.malloc):
        x, y = cp.empty(100, np.float32), cp.empty(200, np.float32)
    assert (pool.used_bytes(), pool.total_bytes(), pool.n_free_blocks()) == (512 + 1024, 512 + 1024, 0)
    del y
    assert (pool.used_bytes(), pool.free_bytes(), pool.n_free_blocks()) == (512, 1024, 1)
    with cp.cuda.using_allocator(pool.malloc):
        z = cp.empty(130)
    assert (pool.used_bytes(), pool.free_bytes()) == (512 + 1536, 1024)
    with cp.cuda.using_allocator(pool.malloc):
        again = cp.empty(128)
    assert (pool.used_bytes(), pool.free_bytes()) == (512 + 1536 + 1024, 0)
    del again
    del x, z
    pool.free_all_blocks()
    assert pool.total_bytes() == 0
    pool.set_limit(1024)
    with cp.cuda.using_allocator(pool.malloc), pytest.raises(errors.OutOfMemoryError, match="limit set to: 1,024"):
        cp.empty(257, np.float32)


def test_faults_are_injected():
    with faults.injected(out_of_memory_at=2):
        cp.empty(1)
        with pytest.raises(cp.cuda.memory.OutOfMemoryError):
            cp.empty(1)
        cp.empty(1)
    in_use = runtime.memGetInfo()[1] - runtime.memGetInfo()[0]
    with faults.injected(memory_limit=in_use + 1024), pytest.raises(MemoryError):
        cp.empty(2000)
    with faults.injected(driver_too_old=True):
        assert not cp.is_available()
        for touch in (runtime.getDeviceCount, cp.cuda.Stream, lambda: cp.empty(0), lambda: cp.asarray(1.0)):
            with pytest.raises(runtime.CUDARuntimeError, match="cudaErrorInsufficientDriver"):
                touch()
    with faults.injected(no_device=True), pytest.raises(runtime.CUDARuntimeError, match="cudaErrorNoDevice"):
        runtime.getDeviceCount()
    assert cp.cuda.is_available()
    with pytest.raises(TypeError, match="unknown faults"), faults.injected(fire=1):
        pass


def test_the_device_describes_itself():
    chip = cp.cuda.Device()
    assert chip.compute_capability == "90"
    assert chip.attributes["MultiProcessorCount"] == 132
    assert runtime.getDeviceProperties(0)["name"].startswith(b"Emulated")
    with faults.injected(compute_capability=(7, 0)):
        assert chip.compute_capability == "70"
    with chip:
        chip.synchronize()
    before = chip.mem_info[0]
    x = cp.empty(1 << 12, np.uint8)
    assert before - chip.mem_info[0] == x.nbytes


# Capture.


def test_captured_work_is_done_when_the_graph_is_launched(stream):
    x, y = device([1, 2]), cp.zeros(2, np.float32)
    with Capture(stream) as capture:
        t = cp.exp(x) + 1
        view = t[::-1]
        y[...] = view * 2
        y += x
    assert np.isnan(t.get()).all()
    assert y.get().tolist() == [0, 0]
    for values in ([1, 2], [0, 3]):
        x.set(np.asarray(values, np.float32))
        capture.graph.launch(stream)
        expected = 2 * (np.exp(x.get()) + 1)[::-1] + x.get()
        np.testing.assert_allclose(y.get(), expected, rtol=1e-6)
        np.testing.assert_allclose(view.get(), (np.exp(x.get()) + 1)[::-1], rtol=1e-6)


def test_temporaries_of_a_private_pool_live_as_long_as_the_graph(stream):
    x, y = device([1, 2]), cp.zeros(2, np.float32)
    with Capture(stream) as capture:
        y[...] = cp.sqrt(x * x + 3)
    gc.collect()
    capture.graph.launch()
    assert y.get()[0] == 2


def test_an_allocator_may_wrap_the_pool_of_a_graph(stream):
    pool, sizes = cp.cuda.MemoryPool(), []

    def malloc(size):
        sizes.append(size)
        return pool.malloc(size)

    x, y = device([1, 2]), cp.zeros(2, np.float32)
    with stream, cp.cuda.using_allocator(malloc):
        stream.begin_capture()
        y[...] = cp.sqrt(x * x + 3)
        graph = stream.end_capture()
    graph.launch()
    assert y.get()[0] == 2
    assert sizes == [8, 8, 8]


def test_a_graph_that_uses_freed_memory_says_so(stream):
    x, y = device([1, 2]), cp.zeros(2, np.float32)
    with Capture(stream) as capture:
        y[...] = x + 1
    capture.graph.launch()
    del x
    with pytest.raises(errors.EmulatedMemoryError, match="freed memory"):
        capture.graph.launch()


def test_temporaries_of_the_default_pool_are_lost(stream):
    x, y = device([1, 2]), cp.zeros(2, np.float32)
    with stream:
        stream.begin_capture()
        y[...] = cp.exp(x)
        graph = stream.end_capture()
    with pytest.raises(errors.EmulatedMemoryError, match="freed memory"):
        graph.launch()


def test_a_block_from_warm_up_does_not_live_on_with_the_graph(stream):
    pool = cp.cuda.MemoryPool()
    with cp.cuda.using_allocator(pool.malloc):
        x = cp.ones(2)
    y = cp.zeros(2)
    with Capture(stream, pool) as capture:
        y[...] = x * 2
    del x
    with pytest.raises(errors.EmulatedMemoryError, match="freed memory"):
        capture.graph.launch()


def test_emptying_the_pool_of_a_graph_breaks_it(stream):
    x, y = device([1, 2]), cp.zeros(2, np.float32)
    with Capture(stream) as capture:
        y[...] = x + 1
    capture.pool.free_all_blocks()
    with pytest.raises(errors.EmulatedMemoryError, match="freed memory"):
        capture.graph.launch()


def test_an_array_taken_from_the_pool_of_a_graph_is_overwritten_by_it(stream):
    x, y = device([1, 2]), cp.zeros(2, np.float32)
    with Capture(stream) as capture:
        y[...] = x + 1
    with cp.cuda.using_allocator(capture.pool.malloc):
        stranger = cp.empty(2, np.float32)
        assert np.isnan(stranger.get()).all()
        stranger[...] = 77
    capture.graph.launch()
    assert y.get().tolist() == [2, 3]
    assert stranger.get().tolist() == [2, 3]


REFUSED = {
    "float": lambda x: float(x.sum()),
    "bool": lambda x: bool(x.any()),
    "int": lambda x: int(x[0, 0]),
    "item": lambda x: x[0, 0].item(),
    "get": lambda x: x.get(),
    "asnumpy": cp.asnumpy,
    "tolist": lambda x: x.tolist(),
    "print": str,
    "asarray": lambda x: cp.asarray([1.0]),
    "array of a number": lambda x: cp.array(1.0),
    "set": lambda x: x.set(np.ones((2, 2), np.float32)),
    "index list": lambda x: x[[0, 1]],
    "numpy index": lambda x: x[np.asarray([0, 1])],
    "mask": lambda x: x[x > 0],
    "set by mask": lambda x: x.__setitem__(x > 0, 0),
    "nonzero": lambda x: cp.nonzero(x),
    "where": lambda x: cp.where(x > 0),
    "unique": lambda x: cp.unique(x),
    "concatenate": lambda x: cp.concatenate([x] * 9),
    "stack": lambda x: cp.stack([x] * 9),
    "memory pointer": lambda x: x.data.copy_from_device(x.data, 4),
}


@pytest.mark.parametrize("name", REFUSED)
def test_capture_refuses_copies_between_host_and_device(stream, name):
    x = cp.ones((2, 2), np.float32)
    REFUSED[name](x)
    with Capture(stream) as capture, pytest.raises(RuntimeError, match="the current stream is capturing"):
        REFUSED[name](x)
    capture.graph.launch()


@pytest.mark.parametrize(
    "product",
    [
        lambda x: x @ x,
        lambda x: cp.dot(x, x),
        lambda x: cp.matmul(x, x),
        lambda x: cp.tensordot(x, x),
        lambda x: cp.einsum("ij,jk->ik", x, x),
        lambda x: cp.linalg.inv(x),
        lambda x: cp.linalg.qr(x),
    ],
)
def test_capture_refuses_cublas_and_cusolver(stream, product):
    x = cp.eye(2, dtype=np.float32)
    product(x)
    with Capture(stream), pytest.raises(NotImplementedError, match="during stream capture"):
        product(x)


def test_capture_takes_what_is_done_on_the_device(stream):
    x = device([[3, 1], [2, 5]])
    index = cp.asarray([1, 0])

    def work():
        return [
            cp.concatenate([x] * 8),
            x[index],
            x[:, 0],
            cp.zeros_like(x),
            cp.full((2,), 3.0),
            cp.arange(5),
            cp.where(x > 2, x, 0.0),
            cp.sort(x),
            cp.argsort(x, axis=0),
            x.max(axis=1, keepdims=True),
            cp.pad(x, 1),
            cp.einsum("ij->j", x),
            cp.clip(x, 2, 4),
            x.astype(np.float16),
            cp.take_along_axis(x, index[:, None], 1),
            cp.divmod(x, 2)[1],
            x.ravel(),
            cp.linalg.norm(x),
            cp.copy(x.T),
        ]

    with Capture(stream) as capture:
        captured = work()
    capture.graph.launch()
    for found, expected in zip(captured, work()):
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found.get(), expected.get())


def test_synchronizing_invalidates_a_capture(stream):
    for wait in (stream.synchronize, cp.cuda.Device().synchronize, lambda: stream.done):
        stream.begin_capture()
        with stream, pytest.raises(runtime.CUDARuntimeError, match="cudaErrorStreamCaptureUnsupported"):
            wait()
        with pytest.raises(RuntimeError, match="invalidated"):
            stream.is_capturing()
        with stream, pytest.raises(runtime.CUDARuntimeError, match="cudaErrorStreamCaptureInvalidated"):
            cp.zeros(3)
        with pytest.raises(runtime.CUDARuntimeError, match="cudaErrorStreamCaptureInvalidated"):
            stream.end_capture()
        assert not stream.is_capturing()


def test_the_default_stream_cannot_capture():
    with pytest.raises(RuntimeError, match="default"):
        cp.cuda.Stream.null.begin_capture()
    with pytest.raises(runtime.CUDARuntimeError, match="IllegalState"):
        cp.cuda.Stream(non_blocking=True).end_capture()


def test_the_legacy_stream_and_a_blocking_capture_do_not_go_together():
    blocking = cp.cuda.Stream()
    blocking.begin_capture()
    with pytest.raises(runtime.CUDARuntimeError, match="StreamCaptureImplicit"):
        cp.zeros(2)
    with pytest.raises(runtime.CUDARuntimeError, match="Invalidated"):
        blocking.end_capture()


def test_other_streams_work_on_at_once_but_not_on_memory_of_the_capture(stream):
    x = cp.zeros(2)
    other = cp.cuda.Stream(non_blocking=True)
    pool = cp.cuda.MemoryPool()
    with broken_capture(stream), cp.cuda.using_allocator(pool.malloc):
        inside = x + 1
        with other:
            x += 5
        with other, pytest.raises(runtime.CUDARuntimeError, match="Isolation"):
            inside + 1
    assert x.get().tolist() == [5, 5]


def test_a_stream_joins_a_capture_through_events(stream):
    other = cp.cuda.Stream(non_blocking=True)
    x, y = cp.zeros(2), cp.zeros(2)
    with Capture(stream) as capture:
        x += 1
        other.wait_event(stream.record())
        with other:
            y[...] = x * 2
        stream.wait_event(other.record())
        y += 1
    assert y.get().tolist() == [0, 0]
    capture.graph.launch()
    assert y.get().tolist() == [3, 3]
    with broken_capture(stream, "Unjoined"):
        other.wait_event(stream.record())
    event = cp.cuda.Stream.null.record()
    with broken_capture(stream), pytest.raises(runtime.CUDARuntimeError, match="Isolation"):
        stream.wait_event(event)


def test_copies_by_address_are_captured(stream):
    pinned = cupyx.zeros_pinned(4, np.float32)
    x, y = cp.zeros(4, np.float32), cp.zeros(4, np.float32)
    with Capture(stream) as capture:
        runtime.memcpyAsync(x.data.ptr, pinned.ctypes.data, 16, runtime.memcpyHostToDevice, stream.ptr)
        runtime.memcpyAsync(y.data.ptr + 4, x.data.ptr, 12, runtime.memcpyDeviceToDevice, stream.ptr)
        runtime.memsetAsync(y.data.ptr, 0, 4, stream.ptr)
    pinned[...] = [1, 2, 3, 4]
    capture.graph.launch()
    assert y.get().tolist() == [0, 1, 2, 3]
    pageable = np.zeros(4, np.float32)
    with broken_capture(stream), pytest.raises(runtime.CUDARuntimeError, match="Unsupported"):
        runtime.memcpyAsync(x.data.ptr, pageable.ctypes.data, 16, 1, stream.ptr)
    with pytest.raises(errors.EmulatedMemoryError, match="No allocation"):
        runtime.memcpyAsync(x.data.ptr + 4, y.data.ptr, 16, 3, 0)


def test_a_strict_capture_cannot_grow_the_pool(stream):
    with stream, cp.cuda.using_allocator(cp.cuda.MemoryPool().malloc):
        stream.begin_capture(runtime.streamCaptureModeGlobal)
        with pytest.raises(runtime.CUDARuntimeError, match="Unsupported"):
            cp.empty(4)
        with pytest.raises(runtime.CUDARuntimeError, match="Invalidated"):
            stream.end_capture()


def test_work_of_libraries_is_captured_too(stream):
    x, y = device([1, 2, 3]), cp.zeros(3, np.float32)
    source, target = x.data.ptr, y.data.ptr

    def double():
        cp.array_at(target, (3,), np.float32)[...] = 2 * cp.array_at(source, (3,), np.float32)

    with Capture(stream) as capture:
        cp.submit(double, reads=[x], writes=[(target, 12)], stream=stream.ptr)
    assert y.get().tolist() == [0, 0, 0]
    capture.graph.launch()
    assert y.get().tolist() == [2, 4, 6]
    x += 1
    cp.submit(double, reads=[x], writes=[y])
    assert y.get().tolist() == [4, 6, 8]

    def stray():
        ctypes.c_float.from_address(target + 12).value = 1

    with pytest.raises(errors.EmulatedMemoryError, match="outside"):
        cp.submit(stray, writes=[y])
    del x
    with pytest.raises(errors.EmulatedMemoryError, match="freed"):
        capture.graph.launch()


def test_current_streams_belong_to_threads(stream):
    seen = []
    with stream:
        thread = threading.Thread(target=lambda: seen.append(streams.get_current_stream()))
        thread.start()
        thread.join()
        assert streams.get_current_stream() is stream
    assert seen == [cp.cuda.Stream.null]


def test_events_measure_time():
    start, end = cp.cuda.Event(), cp.cuda.Event()
    start.record()
    end.record()
    end.synchronize()
    assert cp.cuda.get_elapsed_time(start, end) >= 0
    with pytest.raises(runtime.CUDARuntimeError):
        cp.cuda.get_elapsed_time(cp.cuda.Event(disable_timing=True), end)


# Kernels.


@pytest.fixture
def kernel(monkeypatch):
    """A kernel "shift(float* x, long long n, float by)" that adds, and writes one element too many if `n` says so."""
    calls = []

    def load(code, expression):
        def run(grid, block, values, shared):
            calls.append((grid, block, [type(value) for value in values], shared))
            if len(values) == 3:
                pointer, count, by = values
                for i in range(count.value):
                    ctypes.c_float.from_address(pointer.value + 4 * i).value += by.value

        return run

    monkeypatch.setattr(raw, "load", load)
    module = cp.RawModule(code="...", options=("-std=c++17",), name_expressions=["shift<float>"])
    function = module.get_function("shift<float>")
    function.calls = calls
    return function


def test_a_kernel_gets_addresses_and_numbers(kernel):
    x = device([1, 2, 3])
    kernel((1,), (32,), (x, np.int64(3), np.float32(0.5)))
    assert x.get().tolist() == [1.5, 2.5, 3.5]
    kernel((1, 2), (32, 1, 1), (x.data, 2, 1.5, True, np.float16(1), np.uint8(3)), shared_mem=64)
    assert kernel.calls[0][:2] == ((1, 1, 1), (32, 1, 1))
    types = kernel.calls[1][2]
    assert types[:4] == [ctypes.c_void_p, ctypes.c_int64, ctypes.c_double, ctypes.c_bool]
    assert [ctypes.sizeof(kind) for kind in types[4:]] == [2, 1]
    assert kernel.calls[1][3] == 64


def test_a_kernel_that_writes_past_the_end_is_caught(kernel):
    x = device([1, 2, 3])
    with pytest.raises(errors.EmulatedMemoryError, match="0 bytes past its end"):
        kernel((1,), (32,), (x, np.int64(4), np.float32(1)))


@pytest.mark.parametrize("bad", [None, np.ones(3), "x", [1]])
def test_a_kernel_refuses_other_arguments(kernel, bad):
    with pytest.raises(TypeError, match="Unsupported type"):
        kernel((1,), (1,), (bad,))


@pytest.mark.parametrize(
    ("grid", "block", "shared"),
    [
        ((0,), (32,), 0),
        ((1, 65536), (32,), 0),
        ((2**31,), (32,), 0),
        ((1,), (1025,), 0),
        ((1,), (32, 33), 0),
        ((1,), (1, 1, 65), 0),
        ((1,), (32,), 49153),
    ],
)
def test_a_launch_that_the_device_cannot_do_is_refused(kernel, grid, block, shared):
    with pytest.raises(cp.cuda.driver.CUDADriverError, match="CUDA_ERROR_INVALID_VALUE"):
        kernel(grid, block, (), shared_mem=shared)


def test_grids_are_tuples_of_integers(kernel):
    with pytest.raises(TypeError):
        kernel(1, (32,), ())
    with pytest.raises(TypeError):
        kernel((1.0,), (32,), ())


def test_more_shared_memory_has_to_be_asked_for(kernel):
    kernel.max_dynamic_shared_size_bytes = 100_000
    kernel((1,), (32,), (), shared_mem=100_000)
    with pytest.raises(cp.cuda.driver.CUDADriverError, match="INVALID_VALUE"):
        kernel.max_dynamic_shared_size_bytes = 300_000


def test_kernels_are_captured(kernel, stream):
    x = device([1, 2, 3])
    with Capture(stream) as capture:
        kernel((1,), (32,), (x, np.int64(3), np.float32(1)))
    assert kernel.calls == []
    assert x.get().tolist() == [1, 2, 3]
    capture.graph.launch()
    capture.graph.launch()
    assert x.get().tolist() == [3, 4, 5]
    other = cp.cuda.Stream(non_blocking=True)
    kernel((1,), (32,), (x, np.int64(3), np.float32(1)), stream=other)
    assert x.get().tolist() == [4, 5, 6]


def test_a_launch_can_fail(kernel):
    with faults.injected(launch_failure_at=2):
        kernel((1,), (1,), ())
        with pytest.raises(cp.cuda.driver.CUDADriverError, match="LAUNCH_FAILED"):
            kernel((1,), (1,), ())
        kernel((1,), (1,), ())


def test_only_named_instantiations_are_found(kernel):
    module = cp.RawModule(code="...", name_expressions=["f<float>"])
    with pytest.raises(cp.cuda.driver.CUDADriverError, match="NOT_FOUND"):
        module.get_function("f<double>")


# What was done.


def test_the_work_log_counts(kernel, stream):
    x = device([1, 2, 3])
    work_log.reset()
    x + 1
    kernel((1,), (32,), (x, np.int64(3), np.float32(1)))
    cp.asarray([1])
    float(x.sum())
    stream.synchronize()
    counts = work_log.snapshot()
    assert counts["kernel_launches"] == 1
    assert counts["host_to_device"] == 1
    assert counts["device_to_host"] == 1
    assert counts["synchronizations"] == 2
    assert counts["operations"] == 2
    with Capture(stream) as capture:
        x += 1
        kernel((1,), (32,), (x, np.int64(3), np.float32(1)))
    work_log.reset()
    capture.graph.launch()
    assert {name: n for name, n in work_log.snapshot().items() if n} == {
        "graph_launches": 1,
        "operations": 1,
        "kernel_launches": 1,
    }


def test_pinned_memory_is_host_memory():
    block = cp.cuda.alloc_pinned_memory(64)
    host = np.frombuffer(block, np.float32, 4).reshape(2, 2)
    host[...] = 2
    x = cp.asarray(host)
    assert x.get().tolist() == [[2, 2], [2, 2]]
    assert block.ptr == host.ctypes.data
    out = cupyx.empty_pinned((2, 2), np.float32)
    assert x.get(out=out, blocking=False) is out
    assert out.tolist() == [[2, 2], [2, 2]]
