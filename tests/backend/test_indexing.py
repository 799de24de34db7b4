import numpy as np
import pytest

DTYPES = ["float16", "float32", "float64"]
FULL = slice(None)
KEYS = [
    (0,),
    (-1, 2),
    (slice(0, 3, 2), FULL),
    (slice(None, None, -1),),
    (Ellipsis, 1),
    (None, 1, Ellipsis, None),
    (slice(2, 2),),
    (np.array([0, 2, 0, -1]),),
    (np.array([[0, 1], [1, 1]]), Ellipsis),
    (FULL, np.array([3, 3, -1])),
    (np.array([0, 0, 2]), np.array([1, 1, -1])),
    (Ellipsis, np.array([0, 0]), np.array([1, 1])),
    (np.array([0, 1]), FULL, 1),
    (np.array(1),),
    (np.array([], np.int64),),
    (np.array([True, False, True]),),
    (np.array([[True, False, True, True]] * 3),),
]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def added(shape, ids, values):
    """Row by row, in float64."""
    out = np.zeros(shape)
    for index, value in zip(ids, values, strict=True):
        out[index] += value
    return out


@pytest.mark.parametrize("key", KEYS, ids=str)
@pytest.mark.parametrize("dtype", DTYPES)
def test_scatter_item_is_the_adjoint_of_get_item(kernels, rng, key, dtype):
    x = rng.integers(-4, 5, (3, 4, 2)).astype(dtype)
    y = kernels.get_item(x, key=key)
    np.testing.assert_array_equal(y, x[key])
    dy = rng.integers(-4, 5, y.shape).astype(dtype)
    dx = kernels.scatter_item(dy, key=key, shape=x.shape)
    assert dx.dtype == dtype
    expected = np.zeros(x.shape)
    np.add.at(expected, key, dy.astype(float))
    np.testing.assert_array_equal(dx, expected)


def test_get_item_copies_when_asked_to(cpu_kernels):
    x = np.arange(3.0)
    assert np.shares_memory(cpu_kernels.get_item(x, key=(slice(1, 3),)), x)
    y = cpu_kernels.get_item(x, key=(slice(1, 3),), copy=True)
    x[:] = 9
    assert y.tolist() == [1, 2]
    assert isinstance(cpu_kernels.get_item(x, key=(0,)), np.ndarray)


def test_set_item_replaces_a_part_of_a_copy(kernels):
    x = np.zeros((2, 3))
    y = kernels.set_item(x, np.ones((2, 1)), key=(FULL, slice(1, 2)))
    assert y.tolist() == [[0, 1, 0], [0, 1, 0]]
    assert not x.any()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("indices", [np.array(1), np.array([1, 1, -1, 0]), np.array([[0, 1], [1, 1]], np.uint8)])
def test_take_backward_adds_what_was_taken_twice(kernels, rng, dtype, axis, indices):
    x = rng.integers(-4, 5, (3, 4, 2)).astype(dtype)
    y = kernels.take(x, indices, axis=axis)
    np.testing.assert_array_equal(y, np.take(x, indices, axis=axis))
    dy = rng.integers(-4, 5, y.shape).astype(dtype)
    dx = kernels.take_backward(dy, indices, axis=axis, shape=x.shape)
    expected = np.zeros(x.shape)
    for position in np.ndindex(*indices.shape):
        rows = np.moveaxis(expected, axis, 0)
        span = axis % 3
        rows[indices[position]] += dy[(FULL,) * span + position]
    assert dx.dtype == dtype
    np.testing.assert_array_equal(dx, expected)


def test_take_refuses_what_is_out_of_bounds(cpu_kernels):
    with pytest.raises(IndexError):
        cpu_kernels.take(np.zeros(3), np.array([3]), axis=0)
    with pytest.raises(IndexError):
        cpu_kernels.scatter_nd(np.array([[0, 3]]), np.ones(1), shape=(2, 3))


def test_half_precision_sums_of_duplicates_are_taken_in_single(kernels):
    dy = np.full((4096, 2), 1.0, np.float16)
    summed = kernels.take_backward(dy, np.zeros(4096, np.int32), axis=0, shape=(2, 2))
    assert summed.tolist() == [[4096, 4096], [0, 0]]


@pytest.mark.parametrize("axis", [0, 1, -1])
@pytest.mark.parametrize("dtype", DTYPES)
def test_scatter_along_axis_is_the_adjoint_of_take_along_axis(kernels, rng, axis, dtype):
    x = rng.integers(-4, 5, (3, 4)).astype(dtype)
    indices = rng.integers(-3, 3, (5, 4) if axis == 0 else (3, 5))
    y = kernels.take_along_axis(x, indices, axis=axis)
    dy = rng.integers(-4, 5, y.shape).astype(dtype)
    dx = kernels.scatter_along_axis(dy, indices, axis=axis, shape=x.shape)
    expected = np.zeros(x.shape)
    for i, j in np.ndindex(*y.shape):
        source = (indices[i, j], j) if axis == 0 else (i, indices[i, j])
        assert y[i, j] == x[source]
        expected[source] += dy[i, j]
    assert dx.dtype == dtype
    np.testing.assert_array_equal(dx, expected)


def test_scatter_along_axis_broadcasts_the_indices(kernels, rng):
    dy = rng.normal(size=(3, 2))
    dx = kernels.scatter_along_axis(dy, np.array([[1, 1]]), axis=1, shape=(3, 4))
    np.testing.assert_allclose(dx[:, 1], dy.sum(1))
    assert not dx[:, [0, 2, 3]].any()


@pytest.mark.parametrize("depth", [1, 2, 3])
@pytest.mark.parametrize("dtype", [*DTYPES, "int32"])
def test_scatter_nd_adds_and_gather_nd_picks(kernels, rng, depth, dtype):
    shape = (3, 4, 2)
    indices = np.stack([rng.integers(-size, size, 7) for size in shape[:depth]], axis=1)
    values = rng.integers(-4, 5, (7, *shape[depth:])).astype(dtype)
    y = kernels.scatter_nd(indices, values, shape=shape)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, added(shape, [tuple(i) for i in indices], values))
    np.testing.assert_array_equal(kernels.gather_nd(y, indices), [y[tuple(i)] for i in indices])


@pytest.mark.parametrize(
    ("reduction", "expected"),
    [
        (None, [5.0, 1, 7, 3]),
        ("add", [4.0 + 5 + 0, 1, 2 + 7, 3]),
        ("mul", [0.0, 1, 14, 3]),
        ("max", [5.0, 1, 7, 3]),
        ("min", [0.0, 1, 2, 3]),
    ],
)
@pytest.mark.parametrize("dtype", DTYPES)
def test_scatter_update_combines_as_the_reduction_says(kernels, reduction, expected, dtype):
    x = np.arange(4).astype(dtype)
    indices, updates = np.array([[0], [-2], [0]]), np.array([4, 7, 5], dtype)
    y = kernels.scatter_update(x, indices, updates, reduction=reduction)
    assert y.dtype == dtype
    assert y.tolist() == expected
    assert x.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("shape", [(3,), (2, 3), (), (0,)])
def test_one_hot_marks_the_class_and_nothing_outside(kernels, shape):
    indices = np.array([2, -1, 5, 0, 1, 4])[: int(np.prod(shape))].reshape(shape)
    y = kernels.one_hot(indices, depth=3, dtype=np.dtype("float16"))
    assert y.dtype == np.float16
    np.testing.assert_array_equal(y, indices[..., None] == np.arange(3))


@pytest.mark.parametrize("axis", [0, 1])
def test_sort_and_argsort_agree_and_keep_ties_in_order(kernels, rng, axis):
    x = rng.integers(0, 4, (6, 5))
    order = kernels.argsort(x, axis=axis)
    assert order.dtype == np.int32
    np.testing.assert_array_equal(np.take_along_axis(x, order, axis=axis), kernels.sort(x, axis=axis))
    assert (np.diff(kernels.sort(x, axis=axis), axis=axis) >= 0).all()
    tied = kernels.argsort(np.array([1, 0, 1, 0]), axis=0)
    assert tied.tolist() == [1, 3, 0, 2]


@pytest.mark.parametrize("k", [0, 1, 3, 12, 40])
@pytest.mark.parametrize("dtype", ["float16", "float32", "int32", "uint8"])
def test_top_k_is_descending_with_the_lower_index_first(kernels, rng, k, dtype):
    x = rng.integers(0, 12, (2, 3, 40)).astype(dtype)
    values, indices = kernels.top_k(x, k=k)
    order = np.lexsort((np.broadcast_to(np.arange(40), x.shape), -x.astype(int)), axis=-1)[..., :k]
    assert indices.dtype == np.int32
    assert values.dtype == dtype
    np.testing.assert_array_equal(indices, order)
    np.testing.assert_array_equal(values, np.take_along_axis(x, order, axis=-1))


def test_top_k_finds_the_lowest_values_too(kernels):
    x = np.full((1, 20), -np.inf, np.float32)
    x[0, 7] = 1
    assert kernels.top_k(x, k=3)[1].tolist() == [[7, 0, 1]]


@pytest.mark.parametrize("side", ["left", "right"])
def test_searchsorted_counts_what_lies_below(kernels, side):
    sequence, values = np.array([1.0, 3, 3, 5]), np.array([[0.0, 1], [3, 9]])
    positions = kernels.searchsorted(sequence, values, side=side)
    below = sequence < values[..., None] if side == "left" else sequence <= values[..., None]
    assert positions.dtype == np.int32
    np.testing.assert_array_equal(positions, below.sum(-1))


@pytest.mark.parametrize("dtype", [*DTYPES, "int32"])
@pytest.mark.parametrize("rest", [(), (2,), (2, 3)])
def test_segments_are_summed_and_maximised(kernels, rng, dtype, rest):
    ids = np.array([2, 0, 2, -1, 7, 0, 4])
    data = rng.integers(-9, 9, (7, *rest)).astype(dtype)
    sums = kernels.segment_sum(data, ids, num_segments=5)
    largest = kernels.segment_max(data, ids, num_segments=5)
    lowest = -np.inf if np.dtype(dtype).kind == "f" else np.iinfo(dtype).min
    assert sums.dtype == largest.dtype == dtype
    for segment in range(5):
        rows = data[ids == segment].astype(float)
        np.testing.assert_array_equal(sums[segment], rows.sum(0))
        np.testing.assert_array_equal(largest[segment], rows.max(0) if len(rows) else np.full(rest, lowest))


def test_segments_of_nothing_are_empty(kernels):
    empty = np.zeros((0, 2), np.float32)
    ids = np.zeros(0, np.int64)
    assert kernels.segment_sum(empty, ids, num_segments=2).tolist() == [[0, 0], [0, 0]]
    assert kernels.segment_max(empty, ids, num_segments=1).tolist() == [[-np.inf, -np.inf]]
