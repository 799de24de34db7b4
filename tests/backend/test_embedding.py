from __future__ import annotations

import numpy as np
import pytest

DTYPES = ["float16", "float32", "float64"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("index_shape", [(), (0,), (1,), (4, 3)])
@pytest.mark.parametrize("row_shape", [(), (1,), (5,), (2, 3)])
def test_gather_and_scatter_add_match_a_loop(kernels, row_shape, index_shape, dtype):
    rng = np.random.default_rng(0)
    table = rng.normal(size=(6, *row_shape)).astype(dtype)
    indices = rng.integers(0, 6, index_shape).astype("int32")
    rows = kernels.gather(table, indices)
    assert isinstance(rows, np.ndarray)
    assert rows.dtype == dtype
    assert rows.shape == index_shape + row_shape
    updates = rng.normal(size=rows.shape).astype(dtype)
    expected = np.zeros(table.shape)
    for position in np.ndindex(index_shape):
        np.testing.assert_array_equal(rows[position], table[indices[position]])
        expected[indices[position]] += updates[position]
    total = kernels.scatter_add(updates, indices, rows=6)
    assert total.dtype == dtype
    np.testing.assert_allclose(total, expected, atol=4e-3 if dtype == "float16" else 1e-6)


def test_half_precision_updates_are_summed_in_single_precision(kernels):
    total = kernels.scatter_add(np.ones((4096, 2), "float16"), np.zeros(4096, "int64"), rows=1)
    np.testing.assert_array_equal(total, [[4096, 4096]])


def test_strided_tables_indices_and_updates_are_accepted(kernels):
    table = np.arange(24.0).reshape(4, 6).T[::2]
    indices = np.array([0, 9, 2, 9, 2, 9])[::2]
    np.testing.assert_array_equal(kernels.gather(table, indices), table[[0, 2, 2]])
    total = kernels.scatter_add(table, indices, rows=3)
    np.testing.assert_array_equal(total, [table[0], np.zeros(4), table[1] + table[2]])


def test_an_index_past_the_end_is_an_error(cpu_kernels):
    with pytest.raises(IndexError):
        cpu_kernels.gather(np.ones((3, 2)), np.array([3]))
    with pytest.raises(IndexError, match="3 rows"):
        cpu_kernels.scatter_add(np.ones((1, 2)), np.array([3]), rows=3)
