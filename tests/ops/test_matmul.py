import numpy as np
import pytest

from kerasish.autodiff import GradientTape, KerasTensor, convert_to_tensor
from kerasish.ops.matmul import MATMUL, apply, einsum, matmul
from tests.support import check_gradients


@pytest.fixture
def rng():
    return np.random.default_rng(0)


MATMULS = [
    ((2, 3), (3, 4)),
    ((3,), (3, 4)),
    ((2, 3), (3,)),
    ((3,), (3,)),
    ((2, 2, 3), (3, 2)),
    ((2, 3), (2, 3, 2)),
    ((2, 1, 2, 3), (3, 3, 2)),
    ((3,), (2, 3, 2)),
    ((2, 2, 3), (3,)),
]


@pytest.mark.parametrize(("a", "b"), MATMULS)
def test_matmul_is_numpys_with_first_and_second_derivatives(rng, a, b):
    x, y = rng.normal(size=a), rng.normal(size=b)
    np.testing.assert_allclose(matmul(x, y).numpy(), np.matmul(x, y))
    check_gradients(matmul, [x, y])


@pytest.mark.parametrize("transpose_a", [False, True])
@pytest.mark.parametrize("transpose_b", [False, True])
@pytest.mark.parametrize(("lead_a", "lead_b"), [((), ()), ((2,), ()), ((2,), (2,)), ((), (2,))])
def test_transposed_products_have_gradients(rng, transpose_a, transpose_b, lead_a, lead_b):
    a = rng.normal(size=(*lead_a, *((3, 2) if transpose_a else (2, 3))))
    b = rng.normal(size=(*lead_b, *((2, 3) if transpose_b else (3, 2))))
    attrs = {"transpose_a": transpose_a, "transpose_b": transpose_b}
    check_gradients(lambda x, y: apply(MATMUL, (x, y), attrs), [a, b])


def test_a_tensor_times_itself_gets_both_gradients(rng):
    x = convert_to_tensor(rng.normal(size=(3, 3)))
    with GradientTape() as tape:
        tape.watch(x)
        y = matmul(x, x)
    ones = np.ones((3, 3))
    np.testing.assert_allclose(tape.gradient(y, x).numpy(), ones @ x.numpy().T + x.numpy().T @ ones)


def test_matmul_of_bytes_is_int32_and_of_mixed_floats_the_wider():
    assert matmul(np.full((1, 2), 100, np.int8), np.full((2, 1), 100, np.int8)).tolist() == [[20000]]
    assert matmul(np.ones((1, 1), np.float32), np.ones((1, 1), np.int32)).dtype == "float32"


def test_matmul_refuses_sizes_that_differ():
    with pytest.raises(ValueError, match=r"Received: x1\.shape=\(2, 3\)"):
        matmul(np.ones((2, 3)), np.ones((2, 3)))
    with pytest.raises(ValueError, match="at least one dimension"):
        matmul(1.0, [1.0])


def test_symbolic_products_have_shapes():
    x = KerasTensor((None, 4, 3))
    assert matmul(x, np.ones((3, 5), np.float32)).shape == (None, 4, 5)
    assert einsum("...ij,jk->...ik", x, np.ones((3, 5), np.float32)).shape == (None, 4, 5)


EINSUMS = [
    ("ij,jk->ik", [(2, 3), (3, 2)]),
    ("ij,jk", [(2, 3), (3, 2)]),
    ("abc,cde->abde", [(2, 2, 3), (3, 2, 2)]),
    ("aecd,abcd->acbe", [(2, 3, 2, 2), (2, 2, 2, 2)]),
    ("acbe,aecd->abcd", [(2, 2, 2, 3), (2, 3, 2, 2)]),
    ("...ij,jk->...ik", [(2, 2, 3), (3, 2)]),
    ("...ij,...jk->...ik", [(2, 1, 2, 3), (3, 3, 2)]),
    ("ii->i", [(3, 3)]),
    ("ii", [(3, 3)]),
    ("ij->", [(2, 3)]),
    ("ij->ji", [(2, 3)]),
    ("ijj,j->i", [(2, 3, 3), (3,)]),
    ("ij,kj->k", [(2, 3), (2, 3)]),
    ("ij,jk,kl->il", [(2, 3), (3, 2), (2, 3)]),
    ("i,i,i->", [(3,), (3,), (3,)]),
    ("ij,k,jl,m->im", [(2, 3), (2,), (3, 2), (2,)]),
    (" i j , j -> i ", [(2, 3), (3,)]),
    ("ij,ij->ij", [(1, 3), (2, 1)]),
    ("b...,b...->b...", [(2, 3, 2), (2, 3, 2)]),
]


@pytest.mark.parametrize(("subscripts", "shapes"), EINSUMS)
def test_einsum_is_numpys_with_gradients(rng, subscripts, shapes):
    arrays = [rng.normal(size=shape) for shape in shapes]
    y = einsum(subscripts, *arrays)
    np.testing.assert_allclose(y.numpy(), np.einsum(subscripts, *arrays), atol=1e-12)
    check_gradients(lambda *xs: einsum(subscripts, *xs), arrays)


@pytest.mark.parametrize(
    ("subscripts", "shapes"),
    [("ij,jk->ik", [(2, 3), (4, 2)]), ("ij->i", [(2,)]), ("ij->k", [(2, 3)]), ("ij,jk->ik", [(2, 3)])],
)
def test_einsum_names_what_does_not_fit(subscripts, shapes):
    with pytest.raises(ValueError, match="Received"):
        einsum(subscripts, *[np.ones(shape) for shape in shapes])
