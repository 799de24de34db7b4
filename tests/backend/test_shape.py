import numpy as np
import pytest

F4 = np.dtype("float32")
X = np.arange(24, dtype="float32").reshape(2, 3, 4)


def test_an_array_enters_without_a_copy(cpu_kernels):
    x = np.ones(3)
    assert cpu_kernels.asarray(x) is x
    assert cpu_kernels.to_numpy(x) is x
    assert isinstance(cpu_kernels.asarray(2.5), np.ndarray)


def test_what_has_only_dlpack_enters(kernels):
    class Foreign:
        def __dlpack__(self, **kwargs):
            return X.__dlpack__(**kwargs)

        def __dlpack_device__(self):
            return X.__dlpack_device__()

    np.testing.assert_array_equal(kernels.asarray(Foreign()), X)


def test_an_owned_copy_is_contiguous_and_apart(kernels):
    x = np.ones((2, 3)).T
    y = kernels.owned(x)
    y[0, 0] = 5
    assert y.flags.c_contiguous
    assert y.flags.writeable
    assert x[0, 0] == 1
    assert kernels.owned(np.broadcast_to(1.0, (2,))).strides == (8,)


def test_copy_into_writes_in_place_and_casts(kernels):
    y = np.zeros((2, 2), "float32")
    view = y[:]
    assert kernels.copy_into(y, np.array([1.5, 2.5])) is None
    np.testing.assert_array_equal(view, [[1.5, 2.5]] * 2)
    whole = np.zeros(2, "int32")
    kernels.copy_into(whole, np.array([1.9, -1.9]))
    np.testing.assert_array_equal(whole, [1, -1])


@pytest.mark.parametrize("dtype", ["float16", "float32", "int64", "bool"])
def test_new_arrays(kernels, dtype):
    wanted = np.dtype(dtype)
    for y, expected in (
        (kernels.zeros((2, 0), dtype=wanted), np.zeros((2, 0))),
        (kernels.ones((), dtype=wanted), np.ones(())),
        (kernels.full((2,), value=1, dtype=wanted), np.ones(2)),
        (kernels.eye(rows=2, columns=3, k=1, dtype=wanted), np.eye(2, 3, 1)),
    ):
        assert y.dtype == wanted
        assert isinstance(y, np.ndarray)
        np.testing.assert_array_equal(y, expected.astype(dtype))


def test_evenly_spaced_values(kernels):
    np.testing.assert_array_equal(kernels.arange(start=1, stop=7, step=2, dtype=F4), [1, 3, 5])
    y = kernels.linspace(np.zeros(2), np.array([1.0, 2.0]), num=3, endpoint=True, dtype=F4, axis=1)
    np.testing.assert_array_equal(y, [[0, 0.5, 1], [0, 1, 2]])
    np.testing.assert_array_equal(
        kernels.linspace(0.0, 1.0, num=4, endpoint=False, dtype=F4, axis=0), [0, 0.25, 0.5, 0.75]
    )


@pytest.mark.parametrize(
    ("kernel", "attrs", "expected"),
    [
        ("reshape", {"shape": (4, -1)}, X.reshape(4, 6)),
        ("transpose", {"axes": (2, 0, 1)}, np.transpose(X, (2, 0, 1))),
        ("transpose", {}, X.T),
        ("broadcast_to", {"shape": (5, 2, 3, 4)}, np.stack([X] * 5)),
        ("flip", {"axis": (0, 2)}, X[::-1, :, ::-1]),
        ("roll", {"shift": (1, -1), "axis": (1, 2)}, np.roll(X, (1, -1), (1, 2))),
        ("repeat", {"repeats": 2, "axis": 1}, np.repeat(X, 2, 1)),
        ("repeat", {"repeats": (1, 0, 3), "axis": 1}, np.repeat(X, (1, 0, 3), 1)),
        ("tile", {"repeats": (2, 1, 3)}, np.tile(X, (2, 1, 3))),
        ("tril", {"k": 1}, np.tril(X, 1)),
        ("triu", {"k": -1}, np.triu(X, -1)),
        ("pad", {"pad_width": ((1, 0), (0, 2), (0, 0)), "mode": "constant"}, np.pad(X, ((1, 0), (0, 2), (0, 0)))),
        (
            "pad",
            {"pad_width": ((0, 0), (1, 1), (2, 0)), "mode": "constant", "value": 7},
            np.pad(X, ((0, 0), (1, 1), (2, 0)), constant_values=7),
        ),
        (
            "pad",
            {"pad_width": ((0, 0), (2, 1), (1, 3)), "mode": "reflect"},
            np.pad(X, ((0, 0), (2, 1), (1, 3)), "reflect"),
        ),
        ("pad", {"pad_width": ((1, 1),) * 3, "mode": "edge"}, np.pad(X, 1, "edge")),
        ("pad", {"pad_width": ((1, 1),) * 3, "mode": "symmetric"}, np.pad(X, 1, "symmetric")),
    ],
)  # fmt: skip
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32"])
def test_a_rearrangement_keeps_the_dtype(kernels, kernel, attrs, expected, dtype):
    x = X.astype(dtype)
    strided = np.repeat(x, 2, -1)[..., ::2]
    for values in (x, strided):
        y = getattr(kernels, kernel)(values, **attrs)
        assert y.dtype == dtype
        np.testing.assert_array_equal(y, expected.astype(dtype))
    np.testing.assert_array_equal(strided, x)


def test_a_scalar_is_broadcast_without_memory_and_stays_read_only(cpu_kernels):
    y = cpu_kernels.broadcast_to(np.asarray(2.5, "float16"), shape=(3, 2))
    assert (y.dtype, y.shape, y.flags.writeable) == (np.dtype("float16"), (3, 2), False)
    np.testing.assert_array_equal(y, np.full((3, 2), 2.5))


def test_concatenate_and_split_are_inverse(kernels):
    parts = kernels.split(X, indices=(1, 1, 3), axis=2)
    assert [part.shape for part in parts] == [(2, 3, 1), (2, 3, 0), (2, 3, 2), (2, 3, 1)]
    np.testing.assert_array_equal(kernels.concatenate(*parts, axis=2), X)


def test_empty_arrays_are_rearranged(kernels):
    x = np.zeros((0, 3), "float32")
    assert kernels.reshape(x, shape=(3, 0)).shape == (3, 0)
    assert kernels.pad(x, pad_width=((1, 1), (0, 0)), mode="constant").shape == (2, 3)
    assert kernels.repeat(x, repeats=2, axis=1).shape == (0, 6)
    assert kernels.concatenate(x, x, axis=0).shape == (0, 3)
