import numpy as np
import pytest

from kerasish import ops
from kerasish.autodiff import GradientTape, Variable, convert_to_tensor, custom_gradient, stop_gradient


@custom_gradient
def tripled(x, scale=1.0):
    return x * scale, lambda dy: dy * 3.0


def test_the_gradient_is_the_given_one():
    v = Variable([1.0, 2.0])
    with GradientTape() as tape:
        y = tripled(v, scale=2.0) * 5.0
    assert y.tolist() == [10.0, 20.0]
    assert tape.gradient(y, v).tolist() == [15.0, 15.0]
    assert tripled(np.ones(2)).tolist() == [1.0, 1.0]


def test_several_inputs_and_outputs():
    @custom_gradient
    def both(a, b):
        return (a + b, a * b), lambda d_sum, d_product: (d_sum, d_product * 7.0)

    a, b = Variable([2.0]), Variable([3.0])
    with GradientTape(persistent=True) as tape:
        total, product = both(a, b)
    assert [g.tolist() for g in tape.gradient([total, product], [a, b])] == [[1.0], [7.0]]
    assert [g.tolist() for g in tape.gradient(total, [a, b])] == [[1.0], [0.0]]


def test_it_can_be_differentiated_again():
    @custom_gradient
    def log1pexp(x):
        e = ops.exp(x)
        return ops.log(1 + e), lambda upstream: upstream * (1 - 1 / (1 + e))

    x = convert_to_tensor(np.array([0.5]))
    with GradientTape() as outer:
        outer.watch(x)
        with GradientTape() as inner:
            inner.watch(x)
            y = log1pexp(x)
        dy = inner.gradient(y, x)
    s = 1 / (1 + np.exp(-0.5))
    np.testing.assert_allclose(dy.numpy(), [s])
    np.testing.assert_allclose(outer.gradient(dy, x).numpy(), [s * (1 - s)])


def test_a_wrong_number_of_gradients_is_refused():
    @custom_gradient
    def wrong(a, b):
        return a + b, lambda dy: dy

    a = Variable([1.0])
    with GradientTape() as tape:
        y = wrong(a, a)
    with pytest.raises(ValueError, match=r"each of its 2 tensor inputs\. Received: 1 gradients"):
        tape.gradient(y, a)


def test_no_gradient_passes_a_stop():
    v = Variable([2.0])
    with GradientTape() as tape:
        y = v * stop_gradient(v)
    assert tape.gradient(y, v).tolist() == [2.0]
