"""Tests of the layers that add noise or penalties."""

import numpy as np
import pytest

from kerasish import layers, random
from tests.layers.support import check_layer

ONES = np.ones((40, 50), np.float32)


@pytest.mark.parametrize(
    ("cls", "kwargs", "input_shape"),
    [
        (layers.Dropout, {"rate": 0.3}, (2, 3)),
        (layers.Dropout, {"rate": 0.3, "noise_shape": (None, 1), "seed": 3}, (2, 3)),
        (layers.SpatialDropout1D, {"rate": 0.3}, (2, 3, 4)),
        (layers.SpatialDropout2D, {"rate": 0.3}, (2, 3, 4, 5)),
        (layers.SpatialDropout2D, {"rate": 0.3, "data_format": "channels_first"}, (2, 3, 4, 5)),
        (layers.SpatialDropout3D, {"rate": 0.3}, (2, 3, 4, 5, 2)),
        (layers.GaussianDropout, {"rate": 0.3}, (2, 3)),
        (layers.GaussianNoise, {"stddev": 0.3}, (2, 3)),
        (layers.AlphaDropout, {"rate": 0.3}, (2, 3)),
    ],
)
def test_noise_keeps_the_contract_of_layers(cls, kwargs, input_shape):
    x = np.random.default_rng(0).normal(size=input_shape).astype(np.float32)
    layer = check_layer(
        cls,
        kwargs,
        inputs=x,
        expected_output=x,
        expected_weights=0,
        expected_seed_generators=1,
        supports_masking=True,
    )
    assert not np.allclose(layer(x, training=True).numpy(), x)


@pytest.mark.parametrize("cls", [layers.Dropout, layers.GaussianDropout, layers.GaussianNoise, layers.AlphaDropout])
def test_without_noise_there_is_no_random_stream(cls):
    layer = check_layer(cls, {"stddev" if cls is layers.GaussianNoise else "rate": 0}, (2, 3))
    assert layer(ONES, training=True).numpy().tolist() == ONES.tolist()


@pytest.mark.parametrize("cls", [layers.Dropout, layers.GaussianDropout, layers.GaussianNoise, layers.AlphaDropout])
@pytest.mark.parametrize("value", [-0.1, 1.5, None, "0.5"])
def test_rates_outside_0_and_1_are_refused(cls, value):
    with pytest.raises(ValueError, match="between 0 and 1"):
        cls(value)


def test_each_call_drops_other_elements_and_scales_the_rest():
    layer = layers.Dropout(0.25, seed=1)
    first, second = layer(ONES, training=True).numpy(), layer(ONES, training=True).numpy()
    assert not np.array_equal(first, second)
    np.testing.assert_allclose(sorted(set(first.ravel())), [0.0, 4 / 3], rtol=1e-6)
    assert (first == 0).mean() == pytest.approx(0.25, abs=0.03)


def test_the_same_seed_drops_the_same_elements():
    a, b = layers.Dropout(0.5, seed=5), layers.Dropout(0.5, seed=5)
    for _ in range(2):
        assert np.array_equal(a(ONES, training=True).numpy(), b(ONES, training=True).numpy())


def test_at_rate_one_everything_is_dropped():
    assert not layers.Dropout(1.0)(ONES, training=True).numpy().any()


def test_a_noise_shape_drops_along_whole_axes():
    y = layers.Dropout(0.5, noise_shape=(None, 1), seed=2)(ONES, training=True).numpy()
    assert all(len(set(row)) == 1 for row in y)
    assert len(set(y[:, 0])) == 2


@pytest.mark.parametrize("noise_shape", ["ab", 3, (1, 2.5), (0, 1), (-1, 1), (True, 1)])
def test_a_wrong_noise_shape_is_refused(noise_shape):
    with pytest.raises(ValueError, match="Received: noise_shape="):
        layers.Dropout(0.5, noise_shape=noise_shape)


@pytest.mark.parametrize(
    ("cls", "kwargs", "shape", "axes"),
    [
        (layers.SpatialDropout1D, {}, (2, 5, 30), (1,)),
        (layers.SpatialDropout2D, {}, (2, 3, 4, 30), (1, 2)),
        (layers.SpatialDropout2D, {"data_format": "channels_first"}, (2, 30, 3, 4), (2, 3)),
        (layers.SpatialDropout3D, {}, (2, 3, 4, 2, 30), (1, 2, 3)),
        (layers.SpatialDropout3D, {"data_format": "channels_first"}, (2, 30, 3, 4, 2), (2, 3, 4)),
    ],
)
def test_spatial_dropout_drops_whole_feature_maps(cls, kwargs, shape, axes):
    y = cls(0.5, seed=1, **kwargs)(np.ones(shape, np.float32), training=True).numpy()
    assert (y.max(axis=axes) == y.min(axis=axes)).all()
    assert set(y.ravel()) == {0.0, 2.0}


def test_the_wrong_rank_is_refused():
    with pytest.raises(ValueError, match="ndim=4"):
        layers.SpatialDropout2D(0.5)(np.ones((2, 3, 4)))


def test_gaussian_noise_has_the_asked_mean_and_deviation():
    noise = layers.GaussianNoise(0.5, seed=1)(ONES, training=True).numpy() - 1
    assert noise.mean() == pytest.approx(0, abs=0.04)
    assert noise.std() == pytest.approx(0.5, abs=0.03)
    factor = layers.GaussianDropout(0.2, seed=1)(ONES, training=True).numpy()
    assert factor.mean() == pytest.approx(1, abs=0.04)
    assert factor.std() == pytest.approx(0.5, abs=0.03)


def test_gaussian_dropout_cannot_drop_all():
    with pytest.raises(ValueError, match="below 1"):
        layers.GaussianDropout(1.0)


def test_alpha_dropout_keeps_mean_and_variance():
    x = random.normal((200, 200), seed=3)
    y = layers.AlphaDropout(0.4, seed=1)(x, training=True).numpy()
    assert y.mean() == pytest.approx(0, abs=0.02)
    assert y.std() == pytest.approx(1, abs=0.02)


def test_alpha_dropout_takes_a_noise_shape():
    y = layers.AlphaDropout(0.5, noise_shape=(None, 1), seed=1)(ONES, training=True).numpy()
    assert all(len(set(row)) == 1 for row in y)


def test_activity_regularization_keeps_the_contract_of_layers():
    layer = check_layer(
        layers.ActivityRegularization,
        {"l1": 0.5, "l2": 0.25},
        inputs=np.array([[1.0, -2.0], [0.0, 2.0]], np.float32),
        expected_output=[[1.0, -2.0], [0.0, 2.0]],
        expected_losses=1,
        supports_masking=True,
    )
    layer(np.array([[1.0, -2.0], [0.0, 2.0]], np.float32))
    assert [float(loss) for loss in layer.losses] == [(0.5 * 5 + 0.25 * 9) / 2]
    assert "activity_regularizer" not in layer.get_config()


def test_the_config_of_spatial_dropout_holds_the_arguments_that_keras_takes():
    assert set(layers.SpatialDropout1D(0.5).get_config()) == {"rate", "seed", "name", "dtype"}
    assert set(layers.SpatialDropout2D(0.5).get_config()) == {"rate", "seed", "name", "dtype", "data_format"}


def test_a_keras_config_of_spatial_dropout_is_read():
    config = {"rate": 0.5, "seed": None, "name": "s", "dtype": "float32", "trainable": True}
    assert layers.SpatialDropout1D.from_config(config).rate == 0.5
