import io
import os
import pickle
import zipfile

import numpy as np
import pytest

from kerasish.datasets import restricted_pickle
from kerasish.datasets.restricted_pickle import load_pickle, load_ragged_npz

RAGGED = np.array([[1, 2, 3], [4], []], dtype=object)


def loads(contents, **kwargs):
    return load_pickle("the/file", io.BytesIO(contents), **kwargs)


class Calls:
    """An object whose pickle calls a function when it is read."""

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


@pytest.mark.parametrize("protocol", [3, 4])
@pytest.mark.parametrize("dtype", ["uint8", "int64", ">i4", "float32", "bool"])
def test_arrays_of_numbers_are_read(protocol, dtype):
    array = np.arange(12).reshape(3, 4).astype(dtype)
    for given in (array, np.asfortranarray(array), array[:0]):
        found = loads(pickle.dumps({"a": given}, protocol))["a"]
        np.testing.assert_array_equal(found, given, strict=True)
        assert found.flags.writeable


def test_arrays_of_lists_and_of_arrays_are_read():
    found = loads(pickle.dumps(RAGGED, 4))
    assert found.dtype == object
    assert found.tolist() == [[1, 2, 3], [4], []]
    nested = np.empty(2, dtype=object)
    nested[:] = [np.arange(3), np.arange(1)]
    assert [row.tolist() for row in loads(pickle.dumps(nested, 4))] == [[0, 1, 2], [0]]


def test_plain_lists_numbers_and_strings_are_read():
    value = {"a": [1, 2.5, "x", b"y", None, True], "b": (1, 2)}
    assert loads(pickle.dumps(value, 4)) == value


@pytest.mark.parametrize(
    "call",
    [
        Calls(os.system, "true"),
        Calls(eval, "1"),
        Calls(getattr, "a", "upper"),
        Calls(np.load, "x"),
        Calls(bytearray, 10),
    ],
)
def test_a_pickle_that_calls_anything_else_is_refused_and_not_run(call, monkeypatch):
    called = []
    monkeypatch.setattr(os, "system", called.append)
    with pytest.raises(ValueError, match=r"the/file .*it asks for"):
        loads(pickle.dumps([call], 4))
    assert called == []


def with_state(state):
    """The pickle of an array whose size and contents are chosen freely."""

    class Array:
        def __reduce__(self):
            return np.empty(0).__reduce__()[0], (np.ndarray, (0,), b"b"), state

    return pickle.dumps(Array(), 4)


@pytest.mark.parametrize(
    "state",
    [
        (1, (1000,), np.dtype("O"), False, [1]),
        (1, (0,), np.dtype("O"), False, [1]),
        (1, (-1,), np.dtype("O"), False, [1]),
        (1, (1,), np.dtype("O"), False, "a"),
        (1, (10**12,), np.dtype("u1"), False, b"abc"),
        (1, (3,), np.dtype("u1"), False, "abc"),
        (1, (1,), np.dtype("M8[s]"), False, bytes(8)),
        (1, (1,), np.dtype([("a", "u1")]), False, bytes(1)),
        (1, (1,), None, False, bytes(1)),
        (1, 1, np.dtype("u1"), False, bytes(1)),
        (1,),
    ],
)
def test_arrays_whose_contents_do_not_fill_their_shape_are_refused(state):
    with pytest.raises(ValueError, match="the/file"):
        loads(with_state(state))


def test_a_free_state_that_fits_is_an_array():
    assert loads(with_state((1, (2,), np.dtype("O"), False, [1, [2]]))).tolist() == [1, [2]]


def test_a_pickle_cannot_change_the_records_it_is_read_with():
    # GLOBAL numpy dtype, then BUILD with a state: an attempt to set attributes of the class itself.
    contents = b"cnumpy\ndtype\n(N}X\x05\x00\x00\x00dtypeK\x01stb."
    with pytest.raises(ValueError, match="the/file"):
        loads(contents)
    assert loads(pickle.dumps(np.arange(3), 4)).tolist() == [0, 1, 2]


def test_damaged_pickles_are_refused():
    contents = pickle.dumps(RAGGED, 4)
    for size in range(len(contents)):
        with pytest.raises(ValueError, match="the/file"):
            loads(contents[:size])


def test_files_of_ragged_arrays_are_read(tmp_path):
    path = str(tmp_path / "a.npz")
    np.savez(path, x=RAGGED, y=np.array([1, 0, 1]))
    x, y = load_ragged_npz(path, ("x", "y"))
    assert x.tolist() == RAGGED.tolist()
    assert y.tolist() == [1, 0, 1]


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_of_the_array_format_is_read(tmp_path, version):
    path = str(tmp_path / "a.npz")
    stream = io.BytesIO()
    np.lib.format.write_array(stream, RAGGED, version)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", stream.getvalue())
    assert load_ragged_npz(path, ("x",))[0].tolist() == RAGGED.tolist()


def write_member(path, contents):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x.npy", contents)


def test_files_of_anything_else_are_refused(tmp_path, monkeypatch):
    path = tmp_path / "a.npz"
    evil = np.array([Calls(os.system, "true")], dtype=object)
    np.savez(path, x=RAGGED, evil=evil)
    monkeypatch.setattr(os, "system", lambda command: pytest.fail("a command was run"))
    with pytest.raises(ValueError, match=r"a\.npz .*it asks for"):
        load_ragged_npz(str(path), ("evil",))
    with pytest.raises(ValueError, match=r"a\.npz"):
        load_ragged_npz(str(path), ("absent",))
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match=r"a\.npz"):
        load_ragged_npz(str(path), ("x",))
    header = io.BytesIO()
    np.lib.format.write_array(header, RAGGED)
    for contents in (b"", b"\x93NUMPY", header.getvalue()[:60], header.getvalue()[:-10]):
        write_member(path, contents)
        with pytest.raises(ValueError, match=r"a\.npz"):
            load_ragged_npz(str(path), ("x",))


def test_the_announced_shape_is_the_shape(tmp_path):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, RAGGED)
    write_member(tmp_path / "a.npz", stream.getvalue().replace(b"(3,)", b"(4,)"))
    with pytest.raises(ValueError, match="announced"):
        load_ragged_npz(str(tmp_path / "a.npz"), ("x",))


def test_an_array_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    np.savez_compressed(tmp_path / "a.npz", x=np.zeros(1000))
    monkeypatch.setattr(restricted_pickle, "MAX_BYTES", 1000)
    with pytest.raises(ValueError, match="bytes"):
        load_ragged_npz(str(tmp_path / "a.npz"), ("x",))
