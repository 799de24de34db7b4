import numpy as np
import pytest

from kerasish.autodiff import KerasTensor
from kerasish.ops import normalization
from kerasish.ops.moments import moments
from tests.support import check_gradients


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize(("axis", "sizes"), [(-1, (4,)), (1, (3,)), ((1, 2), (3, 4))])
def test_layer_and_rms_normalization_have_first_and_second_derivatives(rng, axis, sizes):
    x, gamma, beta = rng.normal(size=(2, 3, 4)), rng.normal(size=sizes), rng.normal(size=sizes)
    attrs = {"axis": axis, "epsilon": 1e-2}
    check_gradients(lambda *a: normalization.layer_normalization(*a, **attrs), [x, gamma, beta])
    check_gradients(lambda a: normalization.layer_normalization(a, **attrs), [x])
    check_gradients(lambda *a: normalization.rms_normalization(*a, **attrs), [x, gamma])
    check_gradients(lambda a: normalization.rms_normalization(a, **attrs), [x])


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_batch_normalization_in_training_has_first_and_second_derivatives(rng, axis):
    x = rng.normal(size=(4, 3, 2))
    gamma, beta = rng.normal(size=(2, x.shape[axis]))
    check_gradients(
        lambda *a: normalization.batch_normalization_train(*a, axis=axis, epsilon=1e-2)[0], [x, gamma, beta]
    )


def test_the_moments_that_batch_normalization_gives_have_gradients_too(rng):
    def weighted(x, gamma):
        y, mean, variance = normalization.batch_normalization_train(x, gamma, epsilon=1e-2)
        return y * y + 3 * mean - 2 * variance * mean

    check_gradients(weighted, [rng.normal(size=(5, 2)), rng.normal(size=2)])


def test_training_normalizes_by_the_moments_of_the_batch(rng):
    x = rng.normal(size=(2, 3, 4)) * 3 + 1
    y, mean, variance = normalization.batch_normalization_train(x, axis=1, epsilon=0.0)
    np.testing.assert_allclose(mean.numpy(), x.mean((0, 2)))
    np.testing.assert_allclose(variance.numpy(), x.var((0, 2)))
    given = normalization.batch_normalization(x, mean, variance, axis=1, epsilon=0.0)
    np.testing.assert_allclose(y.numpy(), given.numpy())
    np.testing.assert_allclose(y.numpy().var((0, 2)), 1)


def test_given_moments_normalize_with_gradients_for_all_vectors(rng):
    vectors = [rng.normal(size=3) for _ in range(2)]
    arrays = [rng.normal(size=(2, 3)), rng.normal(size=3), rng.random(3) + 1, *vectors]
    check_gradients(
        lambda x, mean, variance, offset, scale: normalization.batch_normalization(
            x, mean, variance, -1, offset, scale
        ),
        arrays,
    )
    x, mean, variance, offset, scale = arrays
    y = normalization.batch_normalization(x, mean, variance, -1, offset, scale, epsilon=0.1)
    np.testing.assert_allclose(y.numpy(), (x - mean) / np.sqrt(variance + 0.1) * scale + offset)


def test_moments_and_norms_have_gradients(rng):
    x = rng.normal(size=(3, 4))
    check_gradients(lambda a: moments(a, 0)[1], [x])
    for order in (1, 2, 3):
        check_gradients(lambda a, order=order: normalization.normalize(a, order=order), [x])


def test_half_precision_is_reduced_in_single_precision():
    x = np.full((1, 4096), 60.0, np.float16)
    mean, variance = moments(x, 1)
    assert (mean.dtype, mean.item(), variance.item()) == ("float16", 60.0, 0.0)
    y, mean, _ = normalization.batch_normalization_train(x.T)
    assert (y.dtype, mean.dtype, mean.item()) == ("float16", "float32", 60.0)
    assert normalization.layer_normalization(x).dtype == "float16"


def test_symbolic_shapes_are_those_of_values():
    x = KerasTensor((None, 5, 3))
    y, mean, variance = normalization.batch_normalization_train(x)
    assert (y.shape, mean.shape, variance.shape) == ((None, 5, 3), (3,), (3,))
    assert normalization.layer_normalization(x, np.ones(3), np.ones(3)).shape == (None, 5, 3)
    assert normalization.rms_normalization(x).shape == (None, 5, 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: normalization.layer_normalization(x, np.ones(3)), r"Received: gamma\.shape=\(3,\)"),
        (lambda x: normalization.layer_normalization(x, axis=2), r"Received: axis=2, x\.shape=\(3, 4\)"),
        (lambda x: normalization.rms_normalization(x, axis=(1, -1)), r"Received: axis=\(1, -1\)"),
        (lambda x: normalization.batch_normalization_train(x, axis=5), r"Received: axis=5"),
        (lambda x: normalization.batch_normalization(x, np.ones(2), np.ones(4), 1), r"mean\.shape=\(2,\)"),
        (lambda x: normalization.normalize(x, order=0.5), r"Received: order=0\.5"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call(np.ones((3, 4)))
