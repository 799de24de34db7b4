"""Products on a GPU that cuBLASLt does not make, and those of bfloat16."""

import numpy as np
import pytest

ml_dtypes = pytest.importorskip("ml_dtypes")
INTEGERS = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("dtype", INTEGERS)
@pytest.mark.parametrize(
    "shapes",
    [
        ((3, 4), (4, 5)),
        ((17, 35), (35, 18)),
        ((2, 1, 3, 20), (4, 20, 2)),
        ((1, 1), (1, 1)),
        ((3, 4), (2, 4, 5)),
        ((2, 3, 4), (4, 5)),
    ],
)
def test_integers_are_multiplied_modulo_their_size(cupy_kernels, rng, dtype, shapes):
    limits = np.iinfo(dtype)
    a, b = (rng.integers(limits.min, limits.max, shape, dtype, endpoint=True) for shape in shapes)
    with np.errstate(all="ignore"):
        expected = np.matmul(a, b)
    y = cupy_kernels.matmul(a, b)
    assert y.dtype == dtype
    np.testing.assert_array_equal(y, expected)


@pytest.mark.parametrize("shapes", [((3, 4), (4, 5)), ((2, 20, 20), (20, 17)), ((3, 0), (0, 2)), ((0, 3), (3, 2))])
def test_booleans_are_joined_by_and_and_or(cupy_kernels, rng, shapes):
    a, b = (rng.random(shape) < 0.3 for shape in shapes)
    y = cupy_kernels.matmul(a, b)
    assert y.dtype == bool
    np.testing.assert_array_equal(y, np.matmul(a, b))


def test_many_small_matrices_of_integers_are_multiplied(cupy_kernels, rng):
    a, b = rng.integers(0, 9, (70, 40, 2)), rng.integers(0, 9, (70, 2, 3))
    np.testing.assert_array_equal(cupy_kernels.matmul(a, b), np.matmul(a, b))


@pytest.mark.parametrize(
    ("subscripts", "shape_a", "shape_b"),
    [("abc,cde->abde", (2, 3, 4), (4, 5, 6)), ("aecd,abcd->acbe", (2, 3, 4, 5), (2, 6, 4, 5)),
     ("ab,ab->", (3, 4), (3, 4)),
     ("a,b->ba", (3,), (4,)), ("abc,bd->acd", (2, 3, 4), (3, 5))],
)  # fmt: skip
def test_einsum_takes_bfloat16_and_integers(cupy_kernels, rng, subscripts, shape_a, shape_b):
    a, b = rng.integers(-4, 5, shape_a), rng.integers(-4, 5, shape_b)
    expected = np.einsum(subscripts, a, b)
    for dtype in (np.dtype(ml_dtypes.bfloat16), np.dtype(np.int32)):
        y = cupy_kernels.einsum(a.astype(dtype), b.astype(dtype), subscripts=subscripts)
        assert y.dtype == dtype
        np.testing.assert_array_equal(y.astype(int), expected)


def test_einsum_of_one_operand_is_a_transpose(cupy_kernels, rng):
    x = rng.normal(size=(2, 3, 4))
    np.testing.assert_array_equal(cupy_kernels.einsum(x, subscripts="abc->cab"), x.transpose(2, 0, 1))


@pytest.mark.parametrize("lead", [(), (2,)])
def test_a_matrix_that_has_no_inverse_or_root_is_an_error(cupy_kernels, lead):
    singular = np.broadcast_to(np.array([[1.0, 2.0], [2.0, 4.0]]), (*lead, 2, 2)).copy()
    with pytest.raises(np.linalg.LinAlgError):
        cupy_kernels.inv(singular)
    with pytest.raises(np.linalg.LinAlgError):
        cupy_kernels.solve(singular, np.ones((*lead, 2, 1)))
    with pytest.raises(np.linalg.LinAlgError):
        cupy_kernels.cholesky(-np.broadcast_to(np.eye(3), (*lead, 3, 3)))


def test_numbers_that_are_not_finite_pass_through_a_solution_for_batches(cupy_kernels):
    x = cupy_kernels.solve(np.broadcast_to(np.eye(2), (2, 2, 2)).copy(), np.full((2, 2, 1), np.inf))
    assert not np.isfinite(x).any()
    unknown = cupy_kernels.solve(np.full((2, 2, 2), np.nan), np.ones((2, 2, 1)))
    assert np.isnan(unknown).all()


@pytest.mark.parametrize("dtype", ["complex64", "complex128"])
def test_complex_matrices_are_multiplied(cupy_kernels, rng, dtype):
    a, b = ((rng.normal(size=s) + 1j * rng.normal(size=s)).astype(dtype) for s in ((2, 3, 4), (4, 5)))
    y = cupy_kernels.matmul(a, b)
    assert y.dtype == dtype
    np.testing.assert_allclose(y, a @ b, rtol=1e-5)


def test_different_dtypes_meet_as_everywhere(cupy_kernels):
    a, b = np.ones((2, 3), np.int64), np.full((3, 2), 0.5, np.float32)
    y = cupy_kernels.matmul(a, b)
    assert y.dtype == np.float32
    np.testing.assert_array_equal(y, np.full((2, 2), 1.5))
    assert cupy_kernels.matmul(a.astype(np.int8), a.T).dtype == np.int64
