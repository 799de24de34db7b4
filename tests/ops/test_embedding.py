import numpy as np
import pytest

from kerasish.autodiff import KerasTensor
from kerasish.ops.embedding import embedding
from tests.support import check_gradients


def test_rows_are_picked_and_their_gradients_added_up():
    table = np.random.default_rng(0).normal(size=(4, 3))
    indices = np.array([[1, 1], [3, 0]])
    np.testing.assert_array_equal(embedding(table, indices).numpy(), table[indices])
    check_gradients(lambda t: embedding(t, indices) ** 2, [table])


def test_floats_count_as_integers_and_shapes_are_known_beforehand():
    assert embedding(np.arange(3.0), [2.0, 0.0]).tolist() == [2.0, 0.0]
    assert embedding(np.ones((4, 3), np.float32), KerasTensor((None, 5), "int32")).shape == (None, 5, 3)


def test_what_does_not_fit_is_refused_by_name():
    with pytest.raises(ValueError, match=r"Received: indices\.dtype=bool"):
        embedding(np.ones((2, 2)), [True])
    with pytest.raises(ValueError, match=r"Received: table\.shape=\(\)"):
        embedding(1.0, [0])
