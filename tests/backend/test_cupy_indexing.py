"""Picking and putting on the GPU: indices out of bounds, duplicates, long rows, and what can be captured."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

from kerasish import backend
from tests.backend.capturing import Graph

BF16 = np.dtype(ml_dtypes.bfloat16)
NUMPY = backend.kernels_of("numpy")
FULL = slice(None)
DTYPES = ["float16", BF16, "float32", "float64", "int8", "uint64", "bool", "complex64", "complex128"]
KEYS = [
    (0, FULL, np.array([1, 0])),
    (FULL, 0, np.array([1, 0])),
    (np.array([1, 0, 1]), 1, FULL),
    (np.array([1, 0]), FULL, np.array([[3], [0]])),
    (np.array([1, 0]), None, np.array([2, 2])),
    (None, FULL, np.array([[1], [2]]), np.array([0, 3])),
    (slice(None, None, -1), np.array([2, 0]), slice(1, 3)),
    (Ellipsis, np.array([True, False, True, True])),
    (np.array([[True, False, True], [False, True, False]]), np.array([1, 0, 3])),
    (FULL, np.zeros((3, 4), bool)),
    (np.array(True),),
    (np.array(False), 1),
    (FULL, np.array([], np.int32), 0),
    (slice(1, 1), np.array([0, 1])),
    (np.array([0, 1], np.uint8), FULL, slice(None, None, 2)),
]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture
def cp(cupy_kernels):
    return pytest.importorskip("cupy")


@pytest.fixture
def indexing(cupy_kernels):
    from kerasish.backend.cupy import indexing

    return indexing


@pytest.mark.parametrize("key", KEYS, ids=str)
@pytest.mark.parametrize("dtype", ["float32", BF16], ids=str)
def test_keys_mean_what_they_mean_to_numpy(cupy_kernels, rng, key, dtype):
    x = rng.integers(-4, 5, (2, 3, 4)).astype(dtype)
    for values in (x, x.transpose(0, 2, 1).copy().transpose(0, 2, 1)):
        y = cupy_kernels.get_item(values, key=key)
        np.testing.assert_array_equal(y, values[key])
        assert y.dtype == dtype
    dy = rng.integers(-4, 5, y.shape).astype(dtype)
    expected = np.zeros(x.shape)
    np.add.at(expected, key, dy.astype(float))
    np.testing.assert_array_equal(cupy_kernels.scatter_item(dy, key=key, shape=x.shape).astype(float), expected)
    expected = x.copy()
    expected[key] = dy
    np.testing.assert_array_equal(cupy_kernels.set_item(x, dy, key=key), expected)


def test_updates_of_a_key_broadcast_and_the_last_duplicate_stays(cupy_kernels):
    x = np.zeros((4, 3))
    y = cupy_kernels.set_item(x, np.array([[1.0], [2], [3]]), key=(np.array([2, 0, 2]),))
    assert y.tolist() == [[2] * 3, [0] * 3, [3] * 3, [0] * 3]
    assert cupy_kernels.set_item(x[0], np.ones((1, 1, 2)), key=(slice(1, 3),)).tolist() == [0, 1, 1]
    many = np.arange(3000.0)
    y = cupy_kernels.set_item(np.zeros(2), many, key=(np.arange(3000) % 2,))
    assert y.tolist() == [2998, 2999]
    y = cupy_kernels.scatter_update(np.zeros((2, 2)), (np.arange(3000) % 2)[:, None], many[:, None] + [0.0, 0.5])
    assert y.tolist() == [[2998, 2998.5], [2999, 2999.5]]


def test_host_arrays_and_lists_in_a_key_are_uploaded(cp, indexing):
    x = cp.arange(6.0).reshape(2, 3)
    assert indexing.get_item(x, key=(np.array([1, 0]), [2, 2])).tolist() == [5, 2]
    assert indexing.get_item(x, key=([True, False],)).tolist() == [[0, 1, 2]]
    assert indexing.get_item(x, key=([],)).shape == (0, 3)


@pytest.mark.parametrize("key", [(2,), (0, -4), (0, 0, 0), (Ellipsis, Ellipsis), (np.array([True] * 3),),
                                 (np.array([0, 1]), np.array([0, 1, 2])), (np.array([0.5]),)], ids=str)  # fmt: skip
def test_a_key_that_does_not_fit_is_an_index_error(cupy_kernels, key):
    with pytest.raises(IndexError):
        cupy_kernels.get_item(np.zeros((2, 3)), key=key)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("width", [1, 3, 8, 64])
def test_rows_are_taken_whatever_their_width(cupy_kernels, rng, dtype, width):
    x = rng.integers(0, 2, (5, 40, width)).astype(dtype)
    indices = rng.integers(-40, 40, (7, 11))
    for axis in (0, 1):
        for index_dtype in ("int64", "int32", "int16"):
            picked = (indices % x.shape[axis]).astype(index_dtype)
            y = cupy_kernels.take(x, picked, axis=axis)
            np.testing.assert_array_equal(y, np.take(x, picked, axis))
    np.testing.assert_array_equal(cupy_kernels.take(x, indices, axis=-2), np.take(x, indices, -2))


@pytest.mark.parametrize("dtype", ["float16", BF16, "float32", "float64", "complex64"], ids=str)
def test_what_is_picked_out_of_bounds_is_nan(cupy_kernels, dtype):
    x = np.arange(1, 7).reshape(3, 2).astype(dtype)
    far = np.array([3, -4, 1, 2**31 - 1])
    for y in (
        cupy_kernels.take(x, far, axis=0),
        cupy_kernels.get_item(x, key=(far,)),
        cupy_kernels.gather_nd(x, far[:, None]),
        cupy_kernels.take_along_axis(x, np.stack([far, far], 1), axis=0),
    ):
        assert np.isnan(y[[0, 1, 3]].astype("complex128")).all()
        np.testing.assert_array_equal(y[2], x[1])


def test_integers_picked_out_of_bounds_stand_out(cupy_kernels):
    far = np.array([5, 0])
    for dtype, mark in (("int8", -128), ("int64", -(2**63)), ("uint16", 65535), ("bool", True)):
        assert cupy_kernels.take(np.zeros(2, dtype), far, axis=0).tolist() == [mark, 0]


def test_what_is_put_out_of_bounds_is_left_out(cupy_kernels):
    x, ones = np.zeros((2, 3)), np.ones(4)
    far = np.array([[0, 3], [2, 0], [1, -1], [-3, 1]])
    wanted = [[0, 0, 0], [0, 0, 1]]
    assert cupy_kernels.scatter_nd(far, ones, shape=(2, 3)).tolist() == wanted
    for reduction in (None, "add", "max"):
        assert cupy_kernels.scatter_update(x, far, ones, reduction=reduction).tolist() == wanted
    key = tuple(far.T)
    assert cupy_kernels.set_item(x, ones, key=key).tolist() == wanted
    assert cupy_kernels.scatter_item(ones, key=key, shape=(2, 3)).tolist() == wanted
    assert cupy_kernels.take_backward(ones, np.array([0, 2, -3, -1]), axis=0, shape=(2,)).tolist() == [1, 1]


def test_nothing_can_be_taken_where_there_is_nothing(cupy_kernels):
    with pytest.raises(IndexError, match=r"x\.shape=\(0, 2\)"):
        cupy_kernels.take(np.zeros((0, 2)), np.array([0]), axis=0)
    with pytest.raises(IndexError, match="without elements"):
        cupy_kernels.take_along_axis(np.zeros((0, 2)), np.zeros((1, 2), int), axis=0)
    assert cupy_kernels.take(np.zeros((0, 2)), np.array([], int), axis=0).shape == (0, 2)
    with pytest.raises(np.exceptions.AxisError):
        cupy_kernels.take(np.zeros(2), np.array([0]), axis=1)
    with pytest.raises(ValueError, match="as many dimensions"):
        cupy_kernels.take_along_axis(np.zeros((2, 2)), np.array([0]), axis=0)
    with pytest.raises(IndexError, match="leading dimensions"):
        cupy_kernels.gather_nd(np.zeros(2), np.zeros((1, 2), int))


@pytest.mark.parametrize(
    "shapes", [((3, 4, 2), (3, 5, 2), 1), ((3, 4), (1, 6), 1), ((1, 4), (3, 6), 1), ((5,), (9,), 0)]
)
@pytest.mark.parametrize("dtype", ["float32", BF16, "complex128"], ids=str)
def test_elements_are_taken_along_an_axis(cupy_kernels, rng, shapes, dtype):
    shape, index_shape, axis = shapes
    x = rng.integers(0, 9, shape).astype(dtype)
    indices = rng.integers(-shape[axis], shape[axis], index_shape)
    y = cupy_kernels.take_along_axis(x, indices, axis=axis)
    np.testing.assert_array_equal(y, np.take_along_axis(x, indices, axis))


# Rows shorter than a chunk of the sort, filling one, and of several.
@pytest.mark.parametrize("shape", [(1,), (5, 3), (40, 60), (2, 2048), (3, 4100)])
@pytest.mark.parametrize("dtype", ["float16", BF16, "float32", "float64", "int8", "int64", "uint64", "bool"], ids=str)
def test_sorts_of_any_length_are_stable(cupy_kernels, rng, shape, dtype):
    x = rng.integers(0, 50, shape).astype(dtype)
    order = cupy_kernels.argsort(x, axis=-1)
    np.testing.assert_array_equal(order, np.argsort(x, axis=-1, kind="stable"))
    assert order.dtype == np.int32
    y = cupy_kernels.sort(x, axis=0)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, np.sort(x, axis=0))


@pytest.mark.parametrize("dtype", ["float16", BF16, "float32", "float64"], ids=str)
def test_nan_is_sorted_last_and_zeros_are_equal(cupy_kernels, dtype):
    tiny = float(ml_dtypes.finfo(dtype).smallest_subnormal)
    x = np.array([np.nan, 0.0, -np.inf, -0.0, np.inf, -1, tiny, -tiny, -np.nan, 2]).astype(dtype)
    wanted = [2, 5, 7, 1, 3, 6, 9, 4, 0, 8]
    assert cupy_kernels.argsort(x, axis=0).tolist() == wanted
    assert np.isnan(cupy_kernels.sort(x, axis=0).astype(float)[-2:]).all()
    for k in (5, 10):
        # NaN counts as the largest, as in a sort.
        assert cupy_kernels.top_k(x, k=k)[1].tolist() == [0, 8, 4, 9, 6, 1, 3, 7, 5, 2][:k]


def test_the_extremes_of_whole_numbers_are_sorted(cupy_kernels):
    for dtype in ("int64", "uint64", "int8"):
        limits = np.iinfo(dtype)
        x = np.array([limits.max, 0, limits.min, 1, limits.max], dtype)
        np.testing.assert_array_equal(cupy_kernels.argsort(x, axis=0), np.argsort(x, kind="stable"))
        assert cupy_kernels.top_k(x, k=5)[1].tolist() == [0, 4, 3, 1, 2]


@pytest.mark.parametrize("k", [1, 16, 17, 300, 5000])
def test_the_largest_of_long_rows(cupy_kernels, rng, k):
    x = rng.integers(0, 900, (2, 5000)).astype("float32")
    values, indices = cupy_kernels.top_k(x, k=k)
    order = np.argsort(-x, axis=-1, kind="stable")[:, :k]
    np.testing.assert_array_equal(indices, order)
    np.testing.assert_array_equal(values, np.take_along_axis(x, order, -1))
    assert indices.dtype == np.int32


def test_more_than_there_is_cannot_be_the_largest(cupy_kernels):
    with pytest.raises(ValueError, match="k=4"):
        cupy_kernels.top_k(np.zeros((2, 3)), k=4)
    with pytest.raises(TypeError, match="complex64"):
        cupy_kernels.sort(np.zeros(2, "complex64"), axis=0)


@pytest.mark.parametrize("reduction", ["add", "mul", "max", "min"])
@pytest.mark.parametrize("dtype", ["float16", BF16, "float32", "float64", "int8", "uint64"], ids=str)
def test_updates_combine_in_every_dtype(cupy_kernels, rng, reduction, dtype):
    x = rng.integers(1, 4, (6, 5)).astype(dtype)
    indices = rng.integers(0, 6, (12, 1))
    # Twos at most: the products of duplicates stay exact.
    updates = rng.integers(1, 3, (12, 5)).astype(dtype)
    y = cupy_kernels.scatter_update(x, indices, updates, reduction=reduction)
    wanted = x.astype("float64")
    {"add": np.add, "mul": np.multiply, "max": np.maximum, "min": np.minimum}[reduction].at(
        wanted, indices[:, 0], updates.astype("float64")
    )
    assert y.dtype == dtype
    np.testing.assert_array_equal(y.astype("float64"), wanted.astype(dtype).astype("float64"))


def test_nan_wins_an_extremum_of_updates(cupy_kernels):
    x = np.zeros((3, 2), "float32")
    updates = np.array([[1, np.nan], [np.nan, 1], [2, 2]], "float32")
    y = cupy_kernels.scatter_update(x, np.array([[1], [1], [0]]), updates, reduction="max")
    np.testing.assert_array_equal(y, [[2, 2], [np.nan] * 2, [0, 0]])
    with pytest.raises(ValueError, match="reduction='sum'"):
        cupy_kernels.scatter_update(x, np.array([[1]]), updates[:1], reduction="sum")


@pytest.mark.parametrize("dtype", [BF16, "float32", "int16", "bool"], ids=str)
def test_segments_of_many_rows(cupy_kernels, rng, dtype):
    ids = rng.integers(-1, 9, 5000)
    data = rng.integers(0, 2, (5000, 3)).astype(dtype)
    largest = cupy_kernels.segment_max(data, ids, num_segments=10)
    assert largest.dtype == dtype
    low = -np.inf if np.dtype(dtype).kind in "fV" else 0 if dtype == "bool" else np.iinfo(dtype).min
    wanted = [data[ids == segment].astype(float).max(0, initial=low) for segment in range(10)]
    np.testing.assert_array_equal(largest.astype(float), wanted)
    if dtype != "bool":
        sums = [data[ids == segment].astype(float).sum(0) for segment in range(10)]
        np.testing.assert_allclose(cupy_kernels.segment_sum(data, ids, num_segments=10).astype(float), sums, 4e-3)


def test_a_search_takes_half_precision_and_other_dtypes(cupy_kernels):
    sequence = np.array([1.0, 3, 3, 5])
    for dtype in (BF16, "float16"):
        assert cupy_kernels.searchsorted(
            sequence.astype(dtype), np.array([3, 6]).astype(dtype), side="left"
        ).tolist() == [1, 4]
    assert cupy_kernels.searchsorted(np.array([1, 2**53 + 1]), np.array([2.5]), side="right").tolist() == [1]
    assert cupy_kernels.searchsorted(sequence[:0], sequence, side="left").tolist() == [0] * 4
    with pytest.raises(ValueError, match="side"):
        cupy_kernels.searchsorted(sequence, sequence, side="middle")


def test_one_hot_in_bfloat16_of_small_integers(cupy_kernels):
    y = cupy_kernels.one_hot(np.array([0, 255, 7], np.uint8), depth=300, dtype=BF16)
    assert y.dtype == BF16
    assert y.argmax(1).tolist() == [0, 255, 7]
    assert y.astype(float).sum() == 3


IDS = np.array([[2, 0], [0, 1], [2, 0], [-1, 2]])
CAPTURED = {
    "get_item": lambda k, x, i, key: k.get_item(x, key=(key, slice(None), i[:, 1])),
    "scatter_item": lambda k, x, i, key: k.scatter_item(x[:, :1], key=(i[:3, 0], slice(1, 2)), shape=(3, 4)),
    "set_item": lambda k, x, i, key: k.set_item(x, x[:1, :1], key=(i[:, 0], 1)),
    "take": lambda k, x, i, key: k.take(x, i, axis=1),
    "take_backward": lambda k, x, i, key: k.take_backward(x[:, :2], i[:3], axis=0, shape=(3,)),
    "take_along_axis": lambda k, x, i, key: k.take_along_axis(x, i[:3], axis=1),
    "scatter_along_axis": lambda k, x, i, key: k.scatter_along_axis(x[:, :2], i[:3], axis=1, shape=(3, 3)),
    "gather_nd": lambda k, x, i, key: k.gather_nd(x, i),
    "scatter_nd": lambda k, x, i, key: k.scatter_nd(i[:3], x[:, 0], shape=(3, 3)),
    "scatter_update": lambda k, x, i, key: k.scatter_update(x, i[:3], x[:, 1], reduction="max"),
    "one_hot": lambda k, x, i, key: k.one_hot(i, depth=3, dtype=x.dtype),
    "sort": lambda k, x, i, key: k.sort(x, axis=0),
    "top_k": lambda k, x, i, key: k.top_k(x, k=2),
    "searchsorted": lambda k, x, i, key: k.searchsorted(i[1], x, side="left"),
    "segment_max": lambda k, x, i, key: k.segment_max(x, i[:3, 0], num_segments=3),
}


@pytest.mark.parametrize("name", CAPTURED)
def test_device_indices_are_captured(cp, indexing, rng, name):
    values = rng.normal(size=(3, 4)).astype("float32")
    x, ids = cp.zeros((3, 4), np.float32), cp.zeros((4, 2), np.int64)
    function = CAPTURED[name]
    key = None if name == "get_item" else 0
    graph = Graph(
        lambda: function(indexing, x, ids, key) if key is not None else indexing.get_item(x, key=(ids[:, 0],))
    )
    x.set(values)
    ids.set(IDS)
    got = graph.replay()
    reference = type("Indexing", (), {k: staticmethod(f) for k, f in NUMPY.items()})
    wanted = function(reference, values, IDS, key) if key is not None else values[IDS[:, 0]]
    for mine, numpys in zip(*[value if isinstance(value, tuple) else (value,) for value in (got, wanted)], strict=True):
        np.testing.assert_allclose(mine, numpys, 1e-6)
