import numpy as np
import pytest

from kerasish.ops import segments
from tests.support import check_gradients


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("function", [segments.segment_sum, segments.segment_max])
@pytest.mark.parametrize("rest", [(), (2,)])
def test_segments_have_gradients(rng, function, rest):
    data, ids = rng.normal(size=(6, *rest)), [2, 0, 2, -1, 0, 9]

    def filled(x):
        return function(x, ids, 3)[::2]

    np.testing.assert_allclose(
        filled(data).numpy(),
        [getattr(data[rows], "sum" if function is segments.segment_sum else "max")(0) for rows in ([1, 4], [0, 2])],
    )
    check_gradients(filled, [data])


def test_segments_are_counted_when_their_number_is_not_given():
    assert segments.segment_sum([1.0, 2.0], [3, 0]).tolist() == [2, 0, 0, 1]


def test_bincount_counts_and_weighs(rng):
    x, weights = np.array([0, 3, 3]), rng.normal(size=3)
    assert segments.bincount(x, minlength=6).tolist() == [1, 0, 0, 2, 0, 0]
    assert segments.bincount(x).dtype == "int32"
    np.testing.assert_allclose(segments.bincount(x, weights).numpy(), np.bincount(x, weights))
    check_gradients(lambda w: segments.bincount(x, w), [weights])
    assert segments.bincount([[0, 1], [2, 2]]).tolist() == [[1, 1, 0], [0, 0, 2]]
