"""Tests of the layers that are activation functions."""

import numpy as np
import pytest

from kerasish import layers
from tests.layers.support import check_layer

X = np.array([[-2.0, -0.5, 0.25, 3.0]], np.float32)


@pytest.mark.parametrize(
    ("cls", "kwargs", "expected"),
    [
        (layers.Activation, {"activation": "relu"}, [[0.0, 0.0, 0.25, 3.0]]),
        (layers.Activation, {"activation": "softmax"}, None),
        (layers.ReLU, {}, [[0.0, 0.0, 0.25, 3.0]]),
        (layers.ReLU, {"max_value": 1.0, "negative_slope": 0.5, "threshold": 0.5}, [[-1.25, -0.5, -0.125, 1.0]]),
        (layers.LeakyReLU, {"negative_slope": 0.5}, [[-1.0, -0.25, 0.25, 3.0]]),
        (layers.ELU, {"alpha": 2.0}, [[2 * np.expm1(-2), 2 * np.expm1(-0.5), 0.25, 3.0]]),
        (layers.Softmax, {}, np.exp(X) / np.exp(X).sum()),
    ],
)
def test_it_keeps_the_contract_of_layers(cls, kwargs, expected):
    check_layer(
        cls, kwargs, inputs=X, expected_output=expected, expected_weights=0, supports_masking=True, gradients=True
    )


def test_prelu_keeps_the_contract_of_layers():
    check_layer(
        layers.PReLU,
        {"alpha_initializer": "ones", "alpha_regularizer": "l2"},
        inputs=X,
        weights=[np.full(4, 0.25)],
        expected_output=[[-0.5, -0.125, 0.25, 3.0]],
        expected_trainable_weights=1,
        expected_losses=1,
        supports_masking=True,
        gradients=True,
    )


def test_prelu_shares_slopes_along_axes():
    layer = check_layer(layers.PReLU, {"shared_axes": [1, 2]}, (2, 3, 4, 5), gradients=True)
    assert layer.alpha.shape == (1, 1, 5)
    assert layers.PReLU(shared_axes=1).shared_axes == [1]
    with pytest.raises(ValueError, match="axis 3 to have size 5"):
        layer(np.ones((2, 3, 4, 6)))


def test_softmax_takes_several_axes():
    y = check_layer(layers.Softmax, {"axis": [1, 2]}, (2, 3, 4), gradients=True)(np.ones((1, 3, 4)))
    np.testing.assert_allclose(y.numpy(), np.full((1, 3, 4), 1 / 12), rtol=1e-6)


@pytest.mark.parametrize("dtype", ["float32", "float16"])
def test_softmax_gives_masked_elements_the_probability_zero(dtype):
    layer = layers.Softmax(dtype=dtype)
    for mask in (np.array([[True, False, True]]), np.array([[1.0, 0.2, 1.0]])):
        np.testing.assert_allclose(layer(np.ones((1, 3)), mask=mask).numpy(), [[0.5, 0.0, 0.5]])
    assert layer(np.ones((1, 3)), mask=np.zeros((1, 3), bool)).tolist() == [[0.0, 0.0, 0.0]]


def test_softmax_refuses_a_mask_that_does_not_broadcast():
    with pytest.raises(ValueError, match=r"broadcast.*mask.shape=\(2, 4\)"):
        layers.Softmax()(np.ones((2, 3)), mask=np.ones((2, 4), bool))


@pytest.mark.parametrize(
    ("cls", "kwargs"),
    [
        (layers.ReLU, {"max_value": -1.0}),
        (layers.ReLU, {"negative_slope": -1.0}),
        (layers.ReLU, {"negative_slope": None}),
        (layers.ReLU, {"threshold": -1.0}),
        (layers.LeakyReLU, {"negative_slope": -0.1}),
        (layers.LeakyReLU, {"negative_slope": None}),
    ],
)
def test_negative_slopes_and_limits_are_refused(cls, kwargs):
    with pytest.raises(ValueError, match=f"Received: {next(iter(kwargs))}="):
        cls(**kwargs)


def test_the_old_name_of_the_slope_still_works():
    with pytest.warns(DeprecationWarning, match="negative_slope"):
        layer = layers.LeakyReLU(alpha=0.5)
    assert layer.negative_slope == 0.5
