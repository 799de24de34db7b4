import numpy as np
import pytest

from kerasish.autodiff import KerasTensor
from kerasish.ops.conv import conv, conv_bias, conv_transpose, depthwise_conv, separable_conv
from tests.support import check_gradients


@pytest.fixture
def rng():
    return np.random.default_rng(0)


GEOMETRIES = [
    {"strides": 1, "padding": "valid"},
    {"strides": 2, "padding": "same"},
    {"strides": (2,), "padding": "valid"},
    {"dilation_rate": 2, "padding": "same"},
]


@pytest.mark.parametrize("attrs", GEOMETRIES, ids=str)
def test_the_convolution_has_first_and_second_derivatives(rng, attrs):
    arrays = [rng.normal(size=(2, 6, 2)), rng.normal(size=(3, 2, 3))]
    check_gradients(lambda x, k: conv(x, k, **attrs), arrays)


def test_grouped_convolutions_over_two_axes_have_them_too(rng):
    arrays = [rng.normal(size=(1, 4, 3, 4)), rng.normal(size=(2, 2, 2, 4))]
    check_gradients(lambda x, k: conv(x, k, strides=(2, 1), padding="same"), arrays)


@pytest.mark.parametrize("activation", ["linear", "relu", "sigmoid", "tanh"])
def test_bias_and_activation_have_them_too(rng, activation):
    arrays = [rng.normal(size=(2, 5, 2)), rng.normal(size=(2, 2, 3)), rng.normal(size=3)]
    check_gradients(lambda x, k, b: conv_bias(x, k, b, padding="causal", activation=activation), arrays)


@pytest.mark.parametrize("attrs", GEOMETRIES, ids=str)
def test_the_depthwise_convolution_has_first_and_second_derivatives(rng, attrs):
    arrays = [rng.normal(size=(2, 6, 2)), rng.normal(size=(3, 2, 2))]
    check_gradients(lambda x, k: depthwise_conv(x, k, **attrs), arrays)


@pytest.mark.parametrize("padding", ["valid", "same"])
def test_the_transposed_convolution_has_first_and_second_derivatives(rng, padding):
    arrays = [rng.normal(size=(2, 3, 2)), rng.normal(size=(3, 3, 2))]
    check_gradients(lambda x, k: conv_transpose(x, k, strides=2, padding=padding), arrays)


def test_conv_bias_is_conv_then_bias_then_activation(rng):
    x, k, b = rng.normal(size=(2, 5, 4, 4)), rng.normal(size=(2, 2, 2, 6)), rng.normal(size=6)
    attrs = {"strides": 2, "padding": "same", "data_format": "channels_last"}
    expected = np.tanh(conv(x, k, **attrs).numpy() + b)
    y = conv_bias(x, k, b, groups=2, activation="tanh", **attrs)
    np.testing.assert_allclose(y.numpy(), expected, atol=1e-12)
    first = conv_bias(x.transpose(0, 3, 1, 2), k, b, strides=2, padding="same", data_format="channels_first", groups=2)
    np.testing.assert_allclose(np.tanh(first.numpy()), expected.transpose(0, 3, 1, 2), atol=1e-12)


def test_a_causal_convolution_never_reads_ahead(rng):
    x, k = rng.normal(size=(1, 6, 1)), rng.normal(size=(3, 1, 1))
    changed = x.copy()
    changed[:, 4:] += 1
    y, z = (conv_bias(v, k, padding="causal", dilation_rate=2).numpy() for v in (x, changed))
    assert y.shape == (1, 6, 1)
    np.testing.assert_array_equal(y[:, :4], z[:, :4])
    assert np.all(y[:, 4:] != z[:, 4:])


def test_a_separable_convolution_is_a_depthwise_and_a_pointwise_one(rng):
    x, d, p = rng.normal(size=(1, 4, 4, 2)), rng.normal(size=(2, 2, 2, 3)), rng.normal(size=(1, 1, 6, 5))
    y = separable_conv(x, d, p).numpy()
    np.testing.assert_allclose(y, depthwise_conv(x, d).numpy() @ p[0, 0], atol=1e-12)


def test_inputs_take_the_dtype_of_the_kernel(rng):
    assert conv(np.ones((1, 3, 1), np.int32), np.ones((2, 1, 1), np.float16)).dtype == "float16"


def test_symbolic_shapes_are_those_of_values():
    x = KerasTensor((None, 8, None, 4))
    k = np.ones((3, 3, 4, 6), np.float32)
    assert conv(x, k, strides=2, padding="same").shape == (None, 4, None, 6)
    assert depthwise_conv(x, np.ones((3, 3, 4, 2)), padding="valid").shape == (None, 6, None, 8)
    assert conv_bias(x, k, np.ones(6, np.float32), padding="same").shape == (None, 8, None, 6)
    assert conv_transpose(x, np.ones((3, 3, 5, 4)), strides=2).shape == (None, 17, None, 5)


X, KERNEL = np.ones((1, 5, 4)), np.ones((3, 4, 6))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: conv(np.ones((5, 4)), KERNEL), r"Received: inputs\.shape=\(5, 4\)"),
        (lambda: conv(X, np.ones((3, 3, 4, 6))), r"Received: kernel\.shape=\(3, 3, 4, 6\)"),
        (lambda: conv(X, np.ones((3, 3, 6))), r"Received: channels=4, kernel\.shape=\(3, 3, 6\)"),
        (lambda: conv(X, np.ones((3, 2, 5))), r"Received: channels=4, kernel\.shape=\(3, 2, 5\)"),
        (lambda: conv(X, KERNEL, strides=0), r"Received: strides=0"),
        (lambda: conv(X, KERNEL, strides=(1, 2)), r"Received: strides=\(1, 2\)"),
        (lambda: conv(X, KERNEL, dilation_rate=1.5), r"Received: dilation_rate=1\.5"),
        (lambda: conv(X, KERNEL, padding="full"), r"'valid' or 'same'\. Received: padding='full'"),
        (lambda: conv(X, KERNEL, padding="causal"), r"Received: padding='causal'"),
        (lambda: conv(X, KERNEL, dilation_rate=3), r"would be empty.*Received: inputs\.shape=\(1, 5, 4\)"),
        (lambda: conv(X, KERNEL, data_format="last"), r"Received: data_format='last'"),
        (lambda: conv_bias(X, KERNEL, np.ones(5)), r"Received: bias\.shape=\(5,\)"),
        (lambda: conv_bias(X, KERNEL, groups=2), r"groups=2, kernel\.shape=\(3, 4, 6\)"),
        (lambda: conv_bias(X, KERNEL, activation="gelu"), r"Received: activation='gelu'"),
        (lambda: depthwise_conv(X, np.ones((3, 3, 1))), r"channels=4, kernel\.shape=\(3, 3, 1\)"),
        (lambda: conv_transpose(X, KERNEL), r"channels=4, kernel\.shape=\(3, 4, 6\)"),
        (lambda: conv_transpose(X, np.ones((3, 6, 4)), padding="causal"), r"padding='causal'"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
