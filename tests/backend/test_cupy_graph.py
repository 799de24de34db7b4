"""Graphs and staging of the GPU backend, on a GPU or an emulated one."""

import contextlib
import gc
import weakref

import numpy as np
import pytest

from kerasish import backend
from tests.backend.conftest import EMULATED

pytestmark = [] if EMULATED else [pytest.mark.gpu]


@pytest.fixture(autouse=True)
def _on_the_gpu():
    if backend.active_name() != "cupy":
        pytest.skip(f"records on the active backend, which must be cupy. Received: {backend.active_name()}")


@pytest.fixture
def cp():
    import cupy

    return cupy


@pytest.fixture
def recorder(cp):
    made = backend.recorder()
    with made.running():
        yield made


def test_the_backend_gives_one_recorder_and_one_stager():
    assert backend.recorder() is backend.recorder()
    assert backend.stager() is backend.stager()


def test_work_runs_on_one_stream_that_can_be_captured(cp):
    made, outside = backend.recorder(), cp.cuda.get_current_stream()
    with made.running():
        stream = cp.cuda.get_current_stream()
        assert stream != outside
        with made.running():
            assert cp.cuda.get_current_stream() == stream
    assert cp.cuda.get_current_stream() == outside
    with made.running():
        assert cp.cuda.get_current_stream() == stream
    own = cp.cuda.Stream(non_blocking=True)
    with own, made.running():
        assert cp.cuda.get_current_stream() == own


def test_a_recording_does_nothing_until_it_is_launched_and_then_each_time(cp, recorder):
    x, total = cp.ones((3,), np.float32), cp.zeros((3,), np.float32)
    recording = recorder.recording(recorder.pool())
    with recording.capture():
        total += x * 2
    for array in (x, total):
        recording.keep(array)
    assert total.get().tolist() == [0, 0, 0]
    recording.launch()
    x += 1
    recording.launch()
    assert total.get().tolist() == [6, 6, 6]


def test_slots_of_all_dtypes_hold_what_was_written_last(cp, recorder):
    recording = recorder.recording(recorder.pool())
    kinds = [
        ("float32", 0.5),
        ("float64", 1 / 3),
        ("int64", 2**40),
        ("uint64", 2**63 + 1),
        ("uint32", 7),
        ("bool", True),
    ]
    slots = [recording.slot(dtype) for dtype, _ in kinds]
    pair, write_pair = recording.slot("uint32", (2,))
    out = [cp.zeros((), dtype) for dtype, _ in kinds]
    both = cp.zeros((2,), np.uint32)
    with recording.capture():
        for target, (array, _) in zip(out, slots, strict=True):
            target[...] = array
        both[...] = pair
    for (_, write), (_, value) in zip(slots, kinds, strict=True):
        write(value)
    write_pair([3, 4])
    recording.launch()
    assert [x.get().item() for x in out] == [value for _, value in kinds]
    assert both.get().tolist() == [3, 4]
    # More launches than there are buffers of pinned memory.
    for value in range(30):
        slots[0][1](value)
        recording.launch()
    assert out[0].get().item() == 29


def test_more_slots_than_there_is_room_for_are_refused(recorder):
    recording = recorder.recording(recorder.pool())
    with pytest.raises(RuntimeError, match="has room for"):
        [recording.slot("float64") for _ in range(5000)]


def test_arrays_of_the_host_become_constants_of_a_recording(cp, recorder):
    from kerasish.backend import K

    out = cp.zeros((3,), np.float32)
    recording = recorder.recording(recorder.pool())
    recording.keep(out)
    values = np.array([1, 2, 3], np.float32)
    with recording.capture():
        K.copy_into(out, K.asarray(values) + K.asarray([10.0, 20.0, 30.0]).astype(np.float32))
    values[:] = 0
    gc.collect()
    for _ in range(2):
        recording.launch()
        assert out.get().tolist() == [11, 22, 33]


def test_what_runs_outside_a_recording_has_values_at_once(cp, recorder):
    recording = recorder.recording(recorder.pool())
    with recording.capture():
        with recording.outside():
            assert (cp.arange(3) + 1).get().tolist() == [1, 2, 3]
        cp.zeros((2,))


def test_an_error_in_a_capture_leaves_the_stream_and_the_collector_as_they_were(cp, recorder):
    stream = cp.cuda.get_current_stream()
    for mistake in (lambda: 1 / 0, lambda: cp.ones(2).get(), lambda: stream.synchronize()):
        with (
            pytest.raises(Exception, match=r"division|capturing|StreamCapture"),
            recorder.recording(recorder.pool()).capture(),
        ):
            mistake()
        assert gc.isenabled()
        assert not stream.is_capturing()
        stream.synchronize()
        assert (cp.ones(2) + 1).get().tolist() == [2, 2]


def test_a_capture_that_was_spoilt_without_an_error_is_an_error_at_its_end(cp, recorder):
    stream = cp.cuda.get_current_stream()

    def spoil():
        with contextlib.suppress(Exception):
            stream.synchronize()

    with pytest.raises(Exception, match=r"[cC]apture"), recorder.recording(recorder.pool()).capture():
        spoil()
    assert not stream.is_capturing()


def test_memory_from_before_stays_with_a_recording_and_its_own_is_not_held_twice(cp, recorder):
    x = cp.arange(4, dtype=np.float32)
    out = cp.zeros((4,), np.float32)
    recording = recorder.recording(recorder.pool())
    recording.keep(x)
    recording.keep(out)
    recording.keep(out[1:])
    recording.keep("no array")
    with recording.capture():
        y = x * 2
        recording.keep(y)
        out[...] = y
    assert len(recording._kept) == 2
    del x, y
    gc.collect()
    recording.launch()
    assert out.get().tolist() == [0, 2, 4, 6]


def test_the_memory_of_graphs_goes_back_when_the_last_of_them_goes(cp, recorder):
    pool = recorder.pool()
    inner, gone = weakref.ref(pool), recorder.recording(pool)
    del pool
    with gone.capture():
        cp.zeros((1000,))
    assert inner() is not None
    del gone
    gc.collect()
    assert inner() is None


# ---------------------------------------------------------------- staging


def _epochs(x, y, batch=4, epochs=2, **arguments):
    from kerasish.training.data import EpochIterator

    iterator = EpochIterator(x, y, batch_size=batch, **arguments)
    iterator.shuffle_seed = 3
    with backend.recorder().running():
        return [[tuple(a.numpy() for a in data) for _, data in iterator.epoch(e)] for e in range(epochs)], iterator


def _same(first, second):
    for one, other in zip(first, second, strict=True):
        for a, b in zip(one, other, strict=True):
            for u, v in zip(a, b, strict=True):
                np.testing.assert_array_equal(u, v)


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    return rng.standard_normal((18, 3)), rng.integers(0, 9, 18).astype(np.uint8)


@pytest.mark.parametrize("shuffle", [False, True, "batch"])
def test_data_on_the_device_and_staged_data_give_the_batches_of_the_host(data, shuffle, monkeypatch):
    from kerasish.backend.cupy import _staging
    from kerasish.training.data.leaves import ArrayLeaf, DeviceLeaf
    from kerasish.training.data.sources import permutation, plan

    resident, iterator = _epochs(*data, shuffle=shuffle)
    assert all(isinstance(leaf, DeviceLeaf) for leaf in iterator._source._leaves)
    monkeypatch.setattr(_staging, "RESIDENT_LIMIT", 0)
    staged, iterator = _epochs(*data, shuffle=shuffle)
    assert all(isinstance(leaf, ArrayLeaf) for leaf in iterator._source._leaves)
    _same(resident, staged)
    x, y = data[0].astype(np.float32), data[1]
    for epoch, batches in enumerate(staged):
        rows = np.arange(18)
        if shuffle is True:
            rows = permutation(3, plan(epoch, 5, None)[0], 18)
        elif shuffle == "batch":
            numbers = permutation(3, plan(epoch, 5, None)[0], 5)
            rows = np.concatenate([np.arange(n * 4, min(n * 4 + 4, 18)) for n in numbers])
        np.testing.assert_array_equal(np.concatenate([a for a, _ in batches]), x[rows])
        np.testing.assert_array_equal(np.concatenate([b for _, b in batches]), y[rows])


def test_data_is_kept_on_the_device_up_to_a_share_of_its_memory(monkeypatch, cp):
    from kerasish.backend.cupy import _staging

    stager = backend.stager()
    assert stager.fits(1000)
    monkeypatch.setattr(_staging, "RESIDENT_LIMIT", 999)
    assert not stager.fits(1000)
    assert stager.fits(999)
    monkeypatch.setattr(_staging, "RESIDENT_LIMIT", 2**62)
    assert not stager.fits(cp.cuda.Device().mem_info[0])


def test_mapped_arrays_are_staged_and_not_kept(tmp_path, data):
    from kerasish.training.data.leaves import ArrayLeaf

    np.save(tmp_path / "x.npy", data[0])
    found, iterator = _epochs(np.load(tmp_path / "x.npy", mmap_mode="r"), data[1], epochs=1)
    assert isinstance(iterator._source._leaves[0], ArrayLeaf)
    np.testing.assert_array_equal(np.concatenate([a for a, _ in found[0]]), data[0].astype(np.float32))


@pytest.mark.parametrize("together", [1, 3])
def test_the_arrays_of_a_batch_stay_until_the_steps_have_read_them(recorder, together):
    stager = backend.stager()

    def batches():
        for number in range(10):
            yield stager.upload(np.full((5,), number, np.float32))

    alive = []
    for number, batch in enumerate(stager.staged(batches(), together)):
        alive.append(weakref.ref(batch))
        assert batch.get().tolist() == [number] * 5
        del batch
        # As many as are taken together, and the ones before them, which may still be computing.
        assert [ref() is not None for ref in alive[-together - 1 :]] == [True] * min(together + 1, len(alive))
        assert sum(ref() is not None for ref in alive) <= together + 1


def test_an_iterator_that_is_left_early_is_closed(recorder):
    closed = []

    def batches():
        try:
            while True:
                yield backend.stager().upload(np.zeros(2))
        finally:
            closed.append(1)

    staged = backend.stager().staged(batches(), 1)
    next(staged)
    staged.close()
    assert closed == [1]


def test_an_error_of_the_data_comes_through_and_leaves_uploads_plain(recorder):
    def batches():
        yield backend.stager().upload(np.zeros(2))
        raise ZeroDivisionError

    staged = backend.stager().staged(batches(), 1)
    next(staged)
    with pytest.raises(ZeroDivisionError):
        next(staged)
    assert backend.stager().upload(np.ones(2)).get().tolist() == [1, 1]
