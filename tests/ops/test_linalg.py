import numpy as np
import pytest

from kerasish.autodiff import GradientTape, KerasTensor, convert_to_tensor
from kerasish.ops import linalg
from tests.support import check_gradients


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def regular(rng, *lead, n=3):
    return rng.normal(size=(*lead, n, n)) + 2 * n * np.eye(n)


def definite(rng, *lead, n=3):
    x = rng.normal(size=(*lead, n, n))
    return x @ np.swapaxes(x, -1, -2) + np.eye(n) * np.arange(1, n + 1)


@pytest.mark.parametrize("lead", [(), (2,)])
@pytest.mark.parametrize("name", ["inv", "det", "slogdet", "logdet"])
def test_inverse_and_determinants_are_numpys_with_gradients(rng, lead, name):
    x = regular(rng, *lead)
    expected = {"logdet": lambda a: np.linalg.slogdet(a)[1]}.get(name) or getattr(np.linalg, name)
    y = getattr(linalg, name)(x)
    for actual, wanted in zip(*(((y, expected(x))) if name == "slogdet" else ([y], [expected(x)])), strict=True):
        np.testing.assert_allclose(actual.numpy(), wanted)
    check_gradients(getattr(linalg, name), [x])


@pytest.mark.parametrize(("a", "b"), [((), (3,)), ((), (3, 2)), ((2,), (2, 3)), ((2,), (2, 3, 2))])
def test_systems_are_solved_with_gradients(rng, a, b):
    x, y = regular(rng, *a), rng.normal(size=b)
    vector = len(b) == len(a) + 1
    expected = np.linalg.solve(x, y[..., None])[..., 0] if vector else np.linalg.solve(x, y)
    np.testing.assert_allclose(linalg.solve(x, y).numpy(), expected)
    check_gradients(linalg.solve, [x, y])
    for lower in (False, True):
        triangle = np.tril(x) if lower else np.triu(x)
        expected = np.linalg.solve(triangle, y[..., None])[..., 0] if vector else np.linalg.solve(triangle, y)
        np.testing.assert_allclose(linalg.solve_triangular(x, y, lower=lower).numpy(), expected)
        check_gradients(lambda p, q, lower=lower: linalg.solve_triangular(p, q, lower=lower), [x, y])


@pytest.mark.parametrize("lead", [(), (2,)])
@pytest.mark.parametrize("upper", [False, True])
def test_cholesky_factors_have_gradients(rng, lead, upper):
    x = definite(rng, *lead)
    factor = linalg.cholesky(x, upper=upper).numpy()
    expected = np.linalg.cholesky(x)
    np.testing.assert_allclose(factor, np.swapaxes(expected, -1, -2) if upper else expected)
    check_gradients(lambda a: linalg.cholesky(a, upper=upper), [x])
    np.testing.assert_allclose(linalg.cholesky_inverse(factor, upper=upper).numpy(), np.linalg.inv(x))
    check_gradients(lambda a: linalg.cholesky_inverse(a, upper=upper), [factor])


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (2, 3, 2)])
def test_qr_rebuilds_the_matrix_and_has_gradients(rng, shape):
    x = rng.normal(size=shape)
    q, r = (factor.numpy() for factor in linalg.qr(x))
    np.testing.assert_allclose(np.matmul(q, r), x, atol=1e-12)
    gram = np.matmul(np.swapaxes(q, -1, -2), q)
    np.testing.assert_allclose(gram, np.broadcast_to(np.eye(q.shape[-1]), gram.shape), atol=1e-12)
    check_gradients(linalg.qr, [x])


def test_complete_qr_has_all_columns_but_no_gradient(rng):
    x = convert_to_tensor(rng.normal(size=(4, 2)))
    with GradientTape() as tape:
        tape.watch(x)
        q, r = linalg.qr(x, mode="complete")
    assert (q.shape, r.shape) == ((4, 4), (4, 2))
    with pytest.raises(NotImplementedError, match="qr"):
        tape.gradient(r, x)
    with pytest.raises(ValueError, match="Received: mode='raw'"):
        linalg.qr(x, mode="raw")


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (2, 3, 2)])
def test_singular_values_and_projections_have_gradients(rng, shape):
    x = rng.normal(size=shape)
    np.testing.assert_allclose(linalg.svd(x, compute_uv=False).numpy(), np.linalg.svd(x, compute_uv=False))
    check_gradients(lambda a: linalg.svd(a, compute_uv=False), [x])

    def independent_of_signs(a):
        u, s, vh = linalg.svd(a, full_matrices=False)
        return u * u, s, vh * vh, linalg.matmul(u, vh)

    check_gradients(independent_of_signs, [x])


def test_full_vectors_of_a_tall_matrix_refuse_a_gradient(rng):
    x = convert_to_tensor(rng.normal(size=(3, 2)))
    with GradientTape(persistent=True) as tape:
        tape.watch(x)
        u, s, vh = linalg.svd(x)
    assert (u.shape, s.shape, vh.shape) == ((3, 3), (2,), (2, 2))
    assert tape.gradient(s, x).shape == (3, 2)
    with pytest.raises(NotImplementedError, match="full_matrices=False"):
        tape.gradient(u, x)


@pytest.mark.parametrize("lead", [(), (2,)])
def test_eigenvalues_and_eigenvectors_have_gradients(rng, lead):
    x = definite(rng, *lead)
    values, vectors = (part.numpy() for part in linalg.eigh(x))
    np.testing.assert_allclose(values, np.linalg.eigvalsh(x))
    np.testing.assert_allclose(np.matmul(x, vectors), vectors * values[..., None, :], atol=1e-10)

    def independent_of_signs(a):
        values, vectors = linalg.eigh(a)
        return values, vectors * vectors

    check_gradients(independent_of_signs, [x])


def test_eig_and_lu_factor_rebuild_the_matrix(rng):
    x = rng.normal(size=(3, 3))
    values, vectors = linalg.eig(x)
    np.testing.assert_allclose(x @ vectors.numpy(), vectors.numpy() * values.numpy(), atol=1e-10)
    packed, pivots = linalg.lu_factor(x)
    rows = np.arange(3)
    for row, other in enumerate(pivots.tolist()):
        rows[[row, other]] = rows[[other, row]]
    lower, upper = np.tril(packed, -1) + np.eye(3), np.triu(packed)
    np.testing.assert_allclose(lower @ upper, x[rows])


@pytest.mark.parametrize("shape", [(3, 2), (2, 3), (2, 3, 3)])
def test_the_pseudoinverse_is_numpys_with_gradients(rng, shape):
    x = rng.normal(size=shape)
    np.testing.assert_allclose(linalg.pinv(x).numpy(), np.linalg.pinv(x), atol=1e-10)
    check_gradients(linalg.pinv, [x])


def test_least_squares_and_rank(rng):
    a, b = rng.normal(size=(5, 2)), rng.normal(size=(5, 3))
    np.testing.assert_allclose(linalg.lstsq(a, b).numpy(), np.linalg.lstsq(a, b, rcond=None)[0])
    check_gradients(linalg.lstsq, [a, b[:, 0]])
    low = np.outer([1.0, 2, 3], [1.0, 1])
    assert linalg.matrix_rank(np.stack([low, low * 0, np.eye(3)[:, :2]])).tolist() == [1, 0, 2]


@pytest.mark.parametrize(
    ("shape", "ord", "axis"),
    [
        ((3,), None, None),
        ((2, 3), None, None),
        ((2, 3, 2), None, None),
        ((2, 3, 2), None, (0, 2)),
        ((4,), 2, None),
        ((4,), 1, None),
        ((4,), 3, None),
        ((4,), np.inf, None),
        ((4,), -np.inf, None),
        ((4,), 0, None),
        ((2, 3), 2, 1),
        ((2, 3), 1, -1),
        ((3, 2), "fro", None),
        ((3, 2), "nuc", None),
        ((3, 2), 1, None),
        ((3, 2), -1, None),
        ((3, 2), 2, None),
        ((3, 2), -2, None),
        ((3, 2), np.inf, None),
        ((2, 3, 2), -np.inf, (2, 0)),
    ],
)
@pytest.mark.parametrize("keepdims", [False, True])
def test_norms_are_numpys_with_gradients(rng, shape, ord, axis, keepdims):
    x = rng.normal(size=shape)
    flat = axis is None and ord is None
    expected = np.linalg.norm(x.ravel() if flat else x, ord=ord, axis=axis, keepdims=keepdims and not flat)
    if flat and keepdims:
        expected = np.reshape(expected, (1,) * x.ndim)
    y = linalg.norm(x, ord=ord, axis=axis, keepdims=keepdims)
    np.testing.assert_allclose(y.numpy(), expected)
    assert y.shape == np.shape(expected)
    check_gradients(lambda a: linalg.norm(a, ord=ord, axis=axis, keepdims=keepdims), [x])


def test_integers_become_floats():
    assert linalg.norm([3, 4]).dtype == "float32"
    assert linalg.inv([[2]]).tolist() == [[0.5]]


def test_symbolic_decompositions_have_shapes():
    x = KerasTensor((None, 4, 3))
    u, s, vh = linalg.svd(x)
    assert (u.shape, s.shape, vh.shape) == ((None, 4, 4), (None, 3), (None, 3, 3))
    q, r = linalg.qr(x)
    assert (q.shape, r.shape) == ((None, 4, 3), (None, 3, 3))
    assert linalg.det(KerasTensor((None, 3, 3))).shape == (None,)


@pytest.mark.parametrize("name", ["inv", "det", "cholesky", "eigh", "eig", "lu_factor", "slogdet"])
def test_matrices_that_are_not_square_are_refused_by_name(name):
    with pytest.raises(ValueError, match=f"{name}: expected square matrices.*Received"):
        getattr(linalg, name)(np.ones((2, 3)))


def test_norm_and_solve_name_what_does_not_fit():
    with pytest.raises(ValueError, match=r"norm.*Received"):
        linalg.norm(np.ones((2, 2)), ord=7)
    with pytest.raises(ValueError, match=r"norm.*Received"):
        linalg.norm(np.ones((2, 2, 2)), ord=2)
    with pytest.raises(ValueError, match=r"solve.*Received"):
        linalg.solve(np.eye(3), np.ones(2))


def test_jvp_is_the_derivative_along_a_direction(rng):
    a, b, da, db = (rng.normal(size=(3, 3)) for _ in range(4))
    value, derivative = linalg.jvp(linalg.matmul, (a, b), (da, db))
    np.testing.assert_allclose(value.numpy(), a @ b)
    np.testing.assert_allclose(derivative.numpy(), da @ b + a @ db)
    (first, second), slopes, note = linalg.jvp(lambda x: ((x * x, x @ x), "note"), [a], [da], has_aux=True)
    np.testing.assert_allclose(slopes[0].numpy(), 2 * a * da)
    np.testing.assert_allclose(slopes[1].numpy(), a @ da + da @ a)
    assert (first.shape, second.shape, note) == ((3, 3), (3, 3), "note")
    with pytest.raises(ValueError, match=r"jvp.*Received"):
        linalg.jvp(linalg.inv, (a,), (da[0],))
    with pytest.raises(ValueError, match=r"jvp.*Received"):
        linalg.jvp(linalg.inv, (a,), ())
