"""Rows by index on the GPU, and sums of rows that are the same in each run."""

from __future__ import annotations

import ml_dtypes
import numpy as np
import pytest

FLOATS = ["float16", "float32", "float64", ml_dtypes.bfloat16]


@pytest.mark.parametrize("dtype", [*FLOATS, "int8", "int64", "bool", "complex64", "complex128"])
@pytest.mark.parametrize("row_shape", [(), (1,), (3,), (8,), (2, 16)], ids=str)
def test_rows_of_any_dtype_and_width_are_gathered(cupy_kernels, dtype, row_shape):
    table = (np.random.default_rng(0).normal(size=(11, *row_shape)) * 9).astype(dtype)
    indices = np.random.default_rng(1).integers(0, 11, (5, 7))
    got = cupy_kernels.gather(table, indices)
    assert got.dtype == table.dtype
    assert got.tobytes() == table[indices].tobytes()


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "uint16", "int32", "uint32", "int64", "uint64"])
def test_indices_may_have_any_integer_dtype(cupy_kernels, dtype):
    table = np.arange(12.0).reshape(4, 3)
    indices = np.array([3, 0, 3, 1], dtype)
    np.testing.assert_array_equal(cupy_kernels.gather(table, indices), table[[3, 0, 3, 1]])
    total = cupy_kernels.scatter_add(np.ones((4, 2)), indices, rows=4)
    np.testing.assert_array_equal(total, [[1, 1], [1, 1], [0, 0], [2, 2]])


def test_negative_indices_count_from_the_end_and_others_touch_nothing(cupy_kernels):
    table = np.arange(1.0, 13.0).reshape(4, 3)
    indices = np.array([-1, 4, -5, 2])
    got = cupy_kernels.gather(table, indices)
    np.testing.assert_array_equal(got, [table[3], np.zeros(3), np.zeros(3), table[2]])
    total = cupy_kernels.scatter_add(got + 1, indices, rows=4)
    np.testing.assert_array_equal(total, [np.zeros(3), np.zeros(3), table[2] + 1, table[3] + 1])


def test_a_table_without_rows_gives_zeros(cupy_kernels):
    np.testing.assert_array_equal(cupy_kernels.gather(np.ones((0, 3)), np.array([0, 1])), np.zeros((2, 3)))
    assert cupy_kernels.gather(np.ones((3, 0)), np.array([0, 1])).shape == (2, 0)


def test_tables_that_are_not_aligned_are_gathered(cupy_kernels, monkeypatch):
    import cupy

    from kerasish.backend.cupy import embedding

    monkeypatch.setattr(embedding, "_MOST_BLOCKS", 1)
    memory = np.arange(4001, dtype="float32")
    got = cupy_kernels.gather(cupy.asarray(memory)[1:].reshape(500, 8), np.arange(499, -1, -1))
    np.testing.assert_array_equal(got, memory[1:].reshape(500, 8)[::-1])


def summed(ids, rows, count):
    wide = {"f": "float64", "V": "float64", "c": "complex128"}.get(rows.dtype.kind, "int64")
    total = np.zeros((count, rows.shape[1]), wide)
    inside = (ids >= 0) & (ids < count)
    np.add.at(total, ids[inside], rows[inside].astype(wide))
    return total


def add_rows(ids, rows, count):
    import cupy

    from kerasish.backend.cupy._scatter import add_rows

    return cupy.asnumpy(add_rows(cupy.asarray(ids), cupy.asarray(rows), count))


def ids_of(kind, n, count):
    rng = np.random.default_rng(n)
    if kind == "spread":
        return rng.integers(0, count, n)
    if kind == "one":
        return np.full(n, count // 2)
    # Half of them padding, as in a batch of sentences.
    return np.where(rng.random(n) < 0.5, 0, rng.integers(0, count, n))


@pytest.mark.parametrize("kind", ["spread", "one", "padded"])
@pytest.mark.parametrize("n", [1, 31, 33, 1024, 1025, 4097, 9001])
@pytest.mark.parametrize("count", [1, 256, 70_000])
def test_rows_add_up_whether_few_or_many_share_an_id(cupy_kernels, kind, n, count):
    ids = ids_of(kind, n, count)
    rows = np.random.default_rng(0).integers(-8, 8, (n, 4)).astype("float32")
    np.testing.assert_array_equal(add_rows(ids, rows, count), summed(ids, rows, count))


@pytest.mark.parametrize("dtype", [*FLOATS, "int32", "int64", "int8", "uint16", "complex64", "complex128"])
@pytest.mark.parametrize("width", [1, 3, 8])
def test_rows_of_every_dtype_add_up(cupy_kernels, dtype, width):
    ids = ids_of("padded", 300, 9)
    rows = np.random.default_rng(0).integers(0, 3, (300, width)).astype(dtype)
    if np.dtype(dtype).kind == "c":
        rows = rows * np.dtype(dtype).type(1 - 2j)
    expected = summed(ids, rows, 9).astype(dtype)
    got = add_rows(ids, rows, 9)
    assert got.dtype == rows.dtype
    np.testing.assert_array_equal(got, expected)


def test_ids_outside_are_left_out_and_sums_of_half_precision_are_rounded_once(cupy_kernels):
    ids = np.array([5, -1, 2, 2**31, 2, 3, -7, 5])
    rows = np.ones((8, 2), "float16")
    np.testing.assert_array_equal(add_rows(ids, rows, 5), summed(ids, rows, 5))
    small = np.full((4000, 1), 0.1, "float16")
    expected = np.float32(small.astype("float64").sum())
    np.testing.assert_allclose(add_rows(np.zeros(4000, "int32"), small, 1), [[expected]], rtol=1e-3)


def test_a_sum_is_the_same_in_each_run(cupy_kernels):
    ids = ids_of("padded", 5000, 40)
    rows = np.random.default_rng(0).normal(size=(5000, 3)).astype("float32")
    first = add_rows(ids, rows, 40)
    assert add_rows(ids, rows, 40).tobytes() == first.tobytes()
    np.testing.assert_allclose(first, summed(ids, rows, 40), rtol=1e-4, atol=1e-3)


def test_rows_that_are_not_aligned_or_not_contiguous_add_up(cupy_kernels):
    import cupy

    from kerasish.backend.cupy._scatter import add_rows as on_device

    memory = cupy.asarray(np.arange(81, dtype="float32"))
    ids = np.array([1, 0, 1, 1, 0] * 2)
    for rows in (memory[1:].reshape(10, 8), memory[:80].reshape(8, 10).T):
        got = cupy.asnumpy(on_device(cupy.asarray(np.repeat(ids, 2))[::2], rows, 2))
        np.testing.assert_array_equal(got, summed(ids, cupy.asnumpy(rows), 2))


def test_both_sorts_are_stable(cupy_kernels):
    import cupy

    from kerasish.backend.cupy._scatter import _sorted

    for n, count in ((700, 40), (1024, 3), (4097, 3), (6000, 300), (5000, 2**31)):
        keys = np.random.default_rng(n).integers(0, count + 1, n).astype("uint32")
        arranged, order = (cupy.asnumpy(a) for a in _sorted(cupy.asarray(keys), count))
        expected = np.argsort(keys, kind="stable")
        np.testing.assert_array_equal(order, expected)
        np.testing.assert_array_equal(arranged, keys[expected])


def test_nothing_to_add_gives_zeros(cupy_kernels):
    assert not add_rows(np.zeros(0, "int64"), np.zeros((0, 3)), 4).any()
    assert add_rows(np.zeros(2, "int64"), np.zeros((2, 0)), 4).shape == (4, 0)
    assert add_rows(np.zeros(2, "int64"), np.zeros((2, 3)), 0).shape == (0, 3)


def test_more_ids_than_can_be_sorted_are_refused(cupy_kernels):
    with pytest.raises(ValueError, match=r"count=4294967295"):
        add_rows(np.zeros(1, "int64"), np.ones((1, 1)), 2**32 - 1)
