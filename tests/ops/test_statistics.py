import warnings

import numpy as np
import pytest

from kerasish import ops
from tests.support import check_gradients, check_symbolic

RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 3, 4))
HOLES = X.copy()
HOLES[0, 1, 2] = HOLES[1, 0] = np.nan
AXES = (None, 0, -1, (0, 2))


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("name", ["var", "std", "logsumexp"])
def test_values_gradients_and_symbols(name, axis, keepdims):
    references = {"var": np.var, "std": np.std, "logsumexp": lambda x, **k: np.log(np.sum(np.exp(x), **k))}

    def function(x):
        return getattr(ops, name)(x, axis=axis, keepdims=keepdims)

    np.testing.assert_allclose(function(X).numpy(), references[name](X, axis=axis, keepdims=keepdims), 1e-12)
    check_gradients(function, [X[:, :2, :3].copy()])
    check_symbolic(function, [X])


def test_logsumexp_does_not_overflow():
    assert ops.logsumexp([1000.0, 1000.0]).item() == pytest.approx(1000 + np.log(2))
    assert ops.logsumexp([-np.inf, -np.inf]).item() == -np.inf
    assert ops.logsumexp([np.inf, 1.0]).item() == np.inf
    assert ops.logsumexp(np.zeros((0,))).item() == -np.inf


def test_half_precision_is_computed_in_single_precision():
    x = np.array([400.0, -400.0], "float16")
    assert ops.std(x).dtype == ops.var(x).dtype == ops.logsumexp(x).dtype == "float16"
    assert np.isinf(ops.var(x).item())
    assert ops.var(np.array([200.0, -200.0], "float16")).item() == 40000


def test_weighted_means():
    weights = np.array([1.0, 2.0, 3.0, 0.0])
    np.testing.assert_allclose(ops.average(X, -1, weights).numpy(), np.average(X, -1, weights))
    np.testing.assert_allclose(ops.average(X, 1).numpy(), X.mean(1))
    np.testing.assert_allclose(ops.average(X, None, X**2).numpy(), np.average(X, None, X**2))
    check_gradients(lambda x, w: ops.average(x, -1, w), [X, weights + 0.5])
    with pytest.raises(ValueError, match="expected weights of the shape of x"):
        ops.average(X, 0, weights)


def test_moments_are_the_mean_and_the_variance():
    mean, variance = ops.moments(X, [0, 1])
    np.testing.assert_allclose(mean.numpy(), X.mean((0, 1)))
    np.testing.assert_allclose(variance.numpy(), X.var((0, 1)))


@pytest.mark.parametrize("axis", AXES)
@pytest.mark.parametrize("name", ["nansum", "nanprod", "nanmean", "nanvar", "nanstd", "nanmax", "nanmin"])
def test_reductions_that_pass_over_nan(name, axis):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = getattr(np, name)(HOLES, axis=axis)
    np.testing.assert_allclose(getattr(ops, name)(HOLES, axis=axis).numpy(), expected, 1e-9)
    check_symbolic(lambda x: getattr(ops, name)(x, axis=axis), [HOLES])


@pytest.mark.parametrize("axis", [None, 0, 2])
def test_running_forms_that_pass_over_nan(axis):
    for name in ("nancumsum", "nancumprod"):
        np.testing.assert_allclose(getattr(ops, name)(HOLES, axis).numpy(), getattr(np, name)(HOLES, axis))


def test_positions_that_pass_over_nan():
    x = [[np.nan, 1.0, 3.0], [np.nan, np.nan, np.nan]]
    assert ops.nanargmax(x, axis=1).tolist() == [2, -1]
    assert ops.nanargmin(x, axis=1).tolist() == [1, -1]
    assert ops.nanargmax([1, 2]).item() == 1


def test_gradients_pass_over_nan():
    x = HOLES[:, :, :2].copy()
    from kerasish.autodiff import GradientTape, convert_to_tensor

    source = convert_to_tensor(x)
    with GradientTape() as tape:
        tape.watch(source)
        y = ops.nansum(source)
    np.testing.assert_array_equal(tape.gradient(y, source).numpy(), ~np.isnan(x))
