import numpy as np
import pytest

from kerasish.autodiff import KerasTensor
from kerasish.ops import products
from tests.support import check_gradients


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize(
    ("name", "shapes", "kwargs"),
    [
        ("tensordot", [(2, 3, 2), (3, 2, 2)], {}),
        ("tensordot", [(2, 3), (3, 2)], {"axes": 1}),
        ("tensordot", [(2,), (3,)], {"axes": 0}),
        ("tensordot", [(2, 3, 2), (2, 3)], {"axes": ([1, 2], [1, 0])}),
        ("dot", [(3,), (3,)], {}),
        ("dot", [(2, 3), (3, 2)], {}),
        ("dot", [(2, 2, 3), (2, 3, 2)], {}),
        ("dot", [(2, 3), (3,)], {}),
        ("dot", [(), (3,)], {}),
        ("inner", [(2, 3), (2, 3)], {}),
        ("inner", [(3,), ()], {}),
        ("outer", [(2,), (3,)], {}),
        ("outer", [(2, 2), (3,)], {}),
        ("vdot", [(2, 3), (3, 2)], {}),
        ("kron", [(2, 2), (3,)], {}),
        ("kron", [(2,), (2, 1, 2)], {}),
        ("cross", [(2, 3), (3,)], {}),
        ("cross", [(2, 2), (2, 2)], {}),
        ("cross", [(2, 3), (2, 2)], {}),
        ("cross", [(2, 2), (2, 3)], {}),
        ("cross", [(3, 2), (3, 2)], {"axis": 0}),
        ("cross", [(3, 2), (2, 3)], {"axisa": 0, "axisc": 0}),
        ("trace", [(3, 4)], {"offset": 1}),
        ("trace", [(3, 2, 3)], {"axis1": 0, "axis2": 2}),
        ("diagonal", [(3, 4)], {"offset": -1}),
        ("diagonal", [(3, 2, 3)], {"axis1": 2, "axis2": 0}),
        ("diagonal", [(2, 2)], {"offset": 5}),
        ("diag", [(3,)], {}),
        ("diag", [(2,)], {"k": -2}),
        ("diag", [(3, 4)], {"k": 1}),
        ("diagflat", [(2, 2)], {"k": 1}),
    ],
)
@pytest.mark.filterwarnings("ignore:Arrays of 2-dimensional vectors:DeprecationWarning")
def test_products_are_numpys_with_gradients(rng, name, shapes, kwargs):
    arrays = [rng.normal(size=shape) for shape in shapes]
    function = getattr(products, name)
    if name == "cross" and 2 in (arrays[0].shape[-1], arrays[1].shape[-1]) and not kwargs:
        padded = [np.concatenate([a, np.zeros((*a.shape[:-1], 3 - a.shape[-1]))], -1) for a in arrays]
        expected = np.cross(*padded)
        if arrays[0].shape[-1] == arrays[1].shape[-1]:
            expected = expected[..., 2]
    elif name == "vdot":
        expected = np.sum(arrays[0].ravel() * arrays[1].ravel())
    else:
        expected = getattr(np, name)(*arrays, **kwargs)
    np.testing.assert_allclose(function(*arrays, **kwargs).numpy(), expected, atol=1e-12)
    check_gradients(lambda *xs: function(*xs, **kwargs), arrays)


def test_products_name_what_does_not_fit():
    with pytest.raises(ValueError, match=r"tensordot.*Received"):
        products.tensordot(np.ones((2, 3)), np.ones((2, 3)), axes=1)
    with pytest.raises(ValueError, match=r"cross.*Received"):
        products.cross(np.ones(4), np.ones(4))
    with pytest.raises(ValueError, match=r"diagonal.*Received"):
        products.diagonal(np.ones(4))
    with pytest.raises(ValueError, match=r"diag.*Received"):
        products.diag(np.ones((1, 1, 1)))


def test_symbolic_products_have_shapes():
    assert products.dot(KerasTensor((None, 4, 3)), np.ones((3, 5), np.float32)).shape == (None, 4, 5)
