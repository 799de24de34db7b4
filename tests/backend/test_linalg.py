import numpy as np
import pytest
import scipy.linalg

TOLERANCE = {"float16": 2e-2, "float32": 1e-4, "float64": 1e-10}
EINSUMS = [
    ("abc,cde->abde", (2, 3, 4), (4, 5, 6)),
    ("aecd,abcd->acbe", (2, 3, 4, 5), (2, 6, 4, 5)),
    ("acbe,aecd->abcd", (2, 4, 6, 3), (2, 3, 4, 5)),
    ("abcd,cde->abe", (2, 3, 4, 5), (4, 5, 6)),
    ("abc,bd->acd", (2, 3, 4), (3, 5)),
    ("a,b->ab", (3,), (4,)),
    ("a,b->ba", (3,), (4,)),
    ("ab,ab->", (3, 4), (3, 4)),
    ("ab,ab->a", (3, 4), (3, 4)),
    ("ab,ab->ba", (3, 4), (3, 4)),
    ("ab,a->ab", (3, 4), (3,)),
    ("ab,bc->ca", (0, 3), (3, 4)),
    ("ab,bc->ac", (2, 0), (0, 4)),
    (",a->a", (), (3,)),
]


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def close(actual, expected, dtype):
    assert actual.dtype == dtype
    assert actual.shape == np.shape(expected)
    np.testing.assert_allclose(actual.astype(float), expected, rtol=TOLERANCE[str(dtype)], atol=TOLERANCE[str(dtype)])


def definite(rng, shape, dtype):
    x = rng.normal(size=shape)
    return (x @ np.swapaxes(x, -1, -2) + shape[-1] * np.eye(shape[-1])).astype(dtype)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("transpose_a", [False, True])
@pytest.mark.parametrize("transpose_b", [False, True])
@pytest.mark.parametrize(
    ("lead_a", "lead_b"), [((), ()), ((2,), ()), ((2, 3), ()), ((2,), (2,)), ((2, 1), (3,)), ((), (2,)), ((0,), ())]
)
def test_matmul_broadcasts_and_transposes(kernels, rng, dtype, transpose_a, transpose_b, lead_a, lead_b):
    a = rng.normal(size=(*lead_a, *((4, 3) if transpose_a else (3, 4)))).astype(dtype)
    b = rng.normal(size=(*lead_b, *((5, 4) if transpose_b else (4, 5)))).astype(dtype)
    wide_a, wide_b = a.astype(float), b.astype(float)
    wide_a = np.swapaxes(wide_a, -1, -2) if transpose_a else wide_a
    wide_b = np.swapaxes(wide_b, -1, -2) if transpose_b else wide_b
    y = kernels.matmul(a, b, transpose_a=transpose_a, transpose_b=transpose_b)
    close(y, np.einsum("...ik,...kj->...ij", wide_a, wide_b), dtype)


@pytest.mark.parametrize("sizes", [(0, 3, 4), (3, 0, 4), (3, 4, 0), (1, 1, 1)])
def test_matmul_takes_empty_operands(kernels, sizes):
    m, k, n = sizes
    for lead in ((), (2,)):
        y = kernels.matmul(np.ones((*lead, m, k)), np.ones((k, n)))
        np.testing.assert_array_equal(y, np.full((*lead, m, n), float(k)))


def test_matmul_takes_strided_operands_and_integers(kernels, rng):
    a, b = rng.integers(0, 9, (6, 8))[::2, ::2], rng.integers(0, 9, (5, 4)).T
    np.testing.assert_array_equal(kernels.matmul(a, b), np.einsum("ik,kj->ij", a, b))


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("lead", [(5,), (2, 3), (0,), (2, 1, 3)])
def test_contract_leading_sums_outer_products(kernels, rng, dtype, lead):
    x, y = rng.normal(size=(*lead, 3)).astype(dtype), rng.normal(size=(*lead, 4)).astype(dtype)
    products = x.astype(float)[..., :, None] * y.astype(float)[..., None, :]
    close(kernels.contract_leading(x, y), products.sum(axis=tuple(range(len(lead)))), dtype)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(("subscripts", "shape_a", "shape_b"), EINSUMS)
def test_einsum_of_two_operands_is_numpys(kernels, rng, dtype, subscripts, shape_a, shape_b):
    a, b = rng.normal(size=shape_a).astype(dtype), rng.normal(size=shape_b).astype(dtype)
    close(kernels.einsum(a, b, subscripts=subscripts), np.einsum(subscripts, a.astype(float), b.astype(float)), dtype)


def test_einsum_of_one_operand_transposes(kernels, rng):
    x = rng.normal(size=(2, 3, 4))
    np.testing.assert_array_equal(kernels.einsum(x, subscripts="abc->cab"), x.transpose(2, 0, 1))


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("lead", [(), (2,), (0,), (2, 3)])
def test_inverses_determinants_and_solutions(kernels, rng, dtype, lead):
    x = (rng.normal(size=(*lead, 3, 3)) + 3 * np.eye(3)).astype(dtype)
    b = rng.normal(size=(*lead, 3, 2)).astype(dtype)
    wide = x.astype(float)
    identity = np.broadcast_to(np.eye(3), x.shape)
    close(np.matmul(kernels.inv(x).astype(float), wide).astype(dtype), identity, dtype)
    solved = kernels.solve(x, b)
    close(np.matmul(wide, solved.astype(float)).astype(dtype), b.astype(float), dtype)
    determinant = (
        wide[..., 0, 0] * (wide[..., 1, 1] * wide[..., 2, 2] - wide[..., 1, 2] * wide[..., 2, 1])
        - wide[..., 0, 1] * (wide[..., 1, 0] * wide[..., 2, 2] - wide[..., 1, 2] * wide[..., 2, 0])
        + wide[..., 0, 2] * (wide[..., 1, 0] * wide[..., 2, 1] - wide[..., 1, 1] * wide[..., 2, 0])
    )
    close(kernels.det(x), determinant, dtype)
    sign, logarithm = kernels.slogdet(x)
    close(sign, np.sign(determinant), dtype)
    close(logarithm, np.log(abs(determinant)), dtype)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("lower", [True, False])
def test_solve_triangular_looks_at_one_triangle_only(kernels, rng, dtype, lower):
    a = (rng.normal(size=(3, 3)) + 3 * np.eye(3)).astype(dtype)
    b = rng.normal(size=(3, 2)).astype(dtype)
    expected = scipy.linalg.solve_triangular(a.astype(float), b.astype(float), lower=lower)
    close(kernels.solve_triangular(a, b, lower=lower), expected, dtype)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("lead", [(), (2,), (0,)])
def test_cholesky_and_eigh_rebuild_the_matrix(kernels, rng, dtype, lead):
    x = definite(rng, (*lead, 3, 3), dtype)
    factor = kernels.cholesky(x).astype(float)
    np.testing.assert_array_equal(factor, np.tril(factor))
    close(np.matmul(factor, np.swapaxes(factor, -1, -2)).astype(dtype), x.astype(float), dtype)
    values, vectors = kernels.eigh(x)
    assert values.dtype == vectors.dtype == dtype
    assert (np.diff(values) >= 0).all()
    rebuilt = np.matmul(vectors.astype(float) * values.astype(float)[..., None, :], np.swapaxes(vectors, -1, -2))
    np.testing.assert_allclose(rebuilt, x.astype(float), atol=10 * TOLERANCE[dtype])


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("shape", [(4, 3), (3, 4), (2, 3, 3), (0, 3, 2)])
def test_qr_and_svd_rebuild_the_matrix(kernels, rng, dtype, shape):
    x = rng.normal(size=shape).astype(dtype)
    m, n = shape[-2:]
    for mode, k in (("reduced", min(m, n)), ("complete", m)):
        q, r = kernels.qr(x, mode=mode)
        assert q.shape == (*shape[:-1], k)
        assert r.shape == (*shape[:-2], k, n)
        close(np.matmul(q.astype(float), r.astype(float)).astype(dtype), x.astype(float), dtype)
    for full in (False, True):
        u, s, vh = kernels.svd(x, full_matrices=full)
        k = min(m, n)
        assert u.shape == (*shape[:-2], m, m if full else k)
        assert vh.shape == (*shape[:-2], n if full else k, n)
        rebuilt = np.matmul(u[..., :k].astype(float) * s.astype(float)[..., None, :], vh[..., :k, :].astype(float))
        close(rebuilt.astype(dtype), x.astype(float), dtype)


def test_eig_gives_complex_pairs(kernels, rng):
    x = rng.normal(size=(2, 3, 3)).astype(np.float32)
    values, vectors = kernels.eig(x)
    assert values.dtype == vectors.dtype == np.complex64
    np.testing.assert_allclose(np.matmul(x, vectors), vectors * values[:, None, :], atol=1e-5)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_lu_factor_agrees_with_lapack(kernels, rng, dtype):
    x = rng.normal(size=(4, 5, 5)).astype(dtype)
    packed, pivots = kernels.lu_factor(x)
    assert pivots.dtype == np.int32
    for matrix, lu, rows in zip(x, packed, pivots, strict=True):
        expected, expected_rows = scipy.linalg.lu_factor(matrix.astype(float))
        np.testing.assert_array_equal(rows, expected_rows)
        close(lu, expected, dtype)
    empty, none = kernels.lu_factor(np.ones((0, 3, 3)))
    assert empty.shape == (0, 3, 3)
    assert none.shape == (0, 3)
