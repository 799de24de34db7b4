import numpy as np
import pytest

from kerasish import ops
from kerasish.autodiff import Variable
from tests.support import check_gradients, check_symbolic

RNG = np.random.default_rng(0)
A = RNG.uniform(0.3, 2.0, (3, 4))
B = RNG.uniform(0.4, 1.9, (4,))
C = RNG.uniform(0.4, 1.9, (3, 1))


def test_equal_operands_share_the_gradient_of_an_extremum():
    from kerasish.autodiff import GradientTape

    a, b = Variable([1.0, 2.0]), Variable([1.0, 3.0])
    with GradientTape() as tape:
        y = ops.maximum(a, b)
    da, db = tape.gradient(y, [a, b])
    assert (da.tolist(), db.tolist()) == ([0.5, 0.0], [0.5, 1.0])


@pytest.mark.parametrize(
    ("function", "inputs"),
    [
        (lambda x, y: ops.where(A > 1, x, y), [A, B]),
        (lambda x: ops.where(A > 1, x, 0.0), [C]),
        (lambda x: ops.clip(x, 0.8, 1.5), [A]),
        (lambda x, low, high: ops.clip(x, low, high), [A, B * 0.5, B]),
        (lambda x: ops.heaviside(x, 0.5) * x, [A - 1]),
        (lambda x: ops.ldexp(x, np.array([1, -2, 3, 0])), [A]),
    ],
    ids=["where", "where_number", "clip", "clip_tensors", "heaviside", "ldexp"],
)
def test_gradients_of_choices(function, inputs):
    check_gradients(function, inputs)
    check_symbolic(function, inputs, batch=False)


def test_choices():
    assert ops.where([True, False], [1, 2], [3, 4]).tolist() == [1, 4]
    assert ops.where([1, 0], 1.5, 2).tolist() == [1.5, 2.0]
    assert [x.tolist() for x in ops.where([0, 3, 0, 1])] == [[1, 3]]
    with pytest.raises(ValueError, match="both x1 and x2"):
        ops.where([True], 1)
    assert ops.clip([True, False], 0, 1).dtype == "int32"
    assert ops.divide_no_nan([1.0, 2.0], [0.0, 4.0]).tolist() == [0.0, 0.5]
    assert ops.fmax([np.nan, 1.0, np.nan], [2.0, np.nan, np.nan]).tolist()[:2] == [2.0, 1.0]
    assert ops.fmod([-7.0, 7.0], [3.0, -3.0]).tolist() == [-1.0, 1.0]
    assert ops.hypot(3e30, 4e30).item() == pytest.approx(5e30)
    assert ops.heaviside([-1.0, 0.0, 1.0], 0.5).tolist() == [0.0, 0.5, 1.0]
