import numpy as np
import pytest

from kerasish.autodiff import GradientTape, convert_to_tensor
from kerasish.ops import pool
from tests.support import check_gradients


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("name", ["max_pool", "average_pool"])
@pytest.mark.parametrize(
    "attrs",
    [
        {"pool_size": 2},
        {"pool_size": (3, 2), "strides": 1, "padding": "same"},
        {"pool_size": 3, "strides": (1, 2), "padding": "same"},
        {"pool_size": 2, "data_format": "channels_first"},
    ],
    ids=str,
)
def test_pooling_has_first_and_second_derivatives(rng, name, attrs):
    # All elements are far enough apart for a numeric derivative not to change which is the largest.
    x = rng.permutation(2 * 4 * 5 * 3).reshape(2, 4, 5, 3) / 10 - 5.05
    check_gradients(lambda x: getattr(pool, name)(x, **attrs), [x])


def test_the_gradient_of_a_tie_goes_to_the_first_maximum_in_the_second_derivative_as_well():
    x = convert_to_tensor(np.zeros((1, 4, 1)))
    seed = convert_to_tensor(np.array([[[2.0], [3.0]]]))
    with GradientTape() as outer:
        outer.watch(seed)
        with GradientTape() as inner:
            inner.watch(x)
            y = pool.max_pool(x, 2)
        dx = inner.gradient(y, x, output_gradients=seed)
    weights = convert_to_tensor(np.array([[[5.0], [7.0], [11.0], [13.0]]]))
    assert dx.numpy().ravel().tolist() == [2.0, 0.0, 3.0, 0.0]
    assert outer.gradient(dx, seed, output_gradients=weights).numpy().ravel().tolist() == [5.0, 11.0]


def test_adaptive_pooling_has_gradients(rng):
    x = rng.permutation(2 * 5 * 7 * 2).reshape(2, 5, 7, 2) / 10
    for function in (pool.adaptive_average_pool, pool.adaptive_max_pool):
        check_gradients(lambda x, f=function: f(x, (3, 2)), [x])


def test_the_maximum_of_integers_is_an_integer():
    assert pool.max_pool(np.arange(4, dtype=np.int32).reshape(1, 4, 1), 2).dtype == "int32"


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: pool.max_pool(x[0], 2), r"Received: inputs\.shape=\(4, 2\)"),
        (lambda x: pool.max_pool(x, 5), r"would be empty.*Received: inputs\.shape=\(1, 4, 2\)"),
        (lambda x: pool.average_pool(x, (2, 2)), r"Received: pool_size=\(2, 2\)"),
        (lambda x: pool.average_pool(x, 2, padding="causal"), r"Received: padding='causal'"),
        (lambda x: pool.adaptive_max_pool(x, 0), r"Received: output_size=0"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.ones((1, 4, 2)))
