"""Trainings on a GPU, from `compile` to accuracy; in few steps, so that an emulated GPU can do them too."""

import numpy as np
import pytest

from kerasish import config, datasets, layers, losses, models, optimizers, utils
from tests.backend.conftest import EMULATED

pytestmark = [] if EMULATED else [pytest.mark.gpu]


@pytest.fixture
def policy():
    """A function that sets the dtype policy for this test."""
    yield config.set_dtype_policy
    config.set_dtype_policy("float32")


def _convolutional(**compiled):
    utils.set_random_seed(5)
    model = models.Sequential(
        [
            layers.Input((8, 8, 2)),
            layers.Conv2D(8, 3, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dropout(0.25),
            layers.Dense(3, dtype="float32"),
        ]
    )
    model.compile(optimizers.Adam(0.01), losses.SparseCategoricalCrossentropy(from_logits=True), **compiled)
    return model


def _sequential(**compiled):
    utils.set_random_seed(6)
    inputs = layers.Input((5,), dtype="int32")
    x = layers.Embedding(7, 8)(inputs)
    x = layers.LSTM(8, return_sequences=True)(x)
    x = layers.Add()([x, layers.MultiHeadAttention(2, 4)(x, x)])
    x = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(x))
    model = models.Model(inputs, layers.Dense(3, dtype="float32")(x))
    model.compile(optimizers.Adam(0.01), losses.SparseCategoricalCrossentropy(from_logits=True), **compiled)
    return model


def _data(build, samples=32):
    """Classes that can be told from the inputs."""
    rng = np.random.default_rng(1)
    y = rng.integers(0, 3, samples).astype("int32")
    if build is _sequential:
        return (rng.integers(0, 2, (samples, 5)) + 2 * y[:, None]).astype("int32"), y
    return (rng.normal(size=(samples, 8, 8, 2)) + y[:, None, None, None]).astype("float32"), y


BUILDERS = pytest.mark.parametrize("build", [_convolutional, _sequential])


@BUILDERS
def test_recorded_steps_train_as_those_that_run_as_written(build):
    x, y = _data(build)
    fits, models_ = [], []
    for eager in (False, True):
        model = build(run_eagerly=eager)
        fits.append(model.fit(x, y, batch_size=8, epochs=2, shuffle=False, verbose=0).history["loss"])
        models_.append(model)
    recorded, eager = models_
    # The batches of both epochs have one shape: one recording, made in the third of the eight steps.
    assert recorded.train_function.recordings == 1
    assert not hasattr(eager.train_function, "recordings")
    np.testing.assert_allclose(*fits, rtol=1e-5)
    for one, other in zip(recorded.get_weights(), eager.get_weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(recorded.evaluate(x, y, verbose=0), eager.evaluate(x, y, verbose=0), rtol=1e-5)
    np.testing.assert_allclose(recorded.predict(x, verbose=0), eager.predict(x, verbose=0), rtol=1e-4, atol=1e-5)


@BUILDERS
@pytest.mark.parametrize("name", ["mixed_float16", "mixed_bfloat16"])
def test_mixed_precision_follows_single_precision(policy, build, name):
    x, y = _data(build)
    single = build().fit(x, y, batch_size=8, epochs=3, shuffle=False, verbose=0).history["loss"]
    policy(name)
    model = build()
    if name == "mixed_float16":
        # From its usual scale on, the first steps would overflow and be left out.
        scaled = optimizers.LossScaleOptimizer(optimizers.Adam(0.01), initial_scale=256.0)
        model.compile(scaled, losses.SparseCategoricalCrossentropy(from_logits=True))
    mixed = model.fit(x, y, batch_size=8, epochs=3, shuffle=False, verbose=0).history["loss"]
    assert {v.dtype for v in model.trainable_variables} == {"float32"}
    assert model.train_function.recordings == 1
    np.testing.assert_allclose(mixed, single, rtol=0.1)
    assert mixed[-1] < 0.95 * mixed[0]


def _perceptron():
    return models.Sequential(
        [layers.Input((8, 8, 1)), layers.Flatten(), layers.Dense(64, activation="relu"), layers.Dense(10)]
    )


def _network():
    return models.Sequential(
        [
            layers.Input((8, 8, 1)),
            layers.Conv2D(16, 3, activation="relu"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10),
        ]
    )


@pytest.mark.parametrize(
    "build",
    [
        _perceptron,
        pytest.param(_network, marks=pytest.mark.skipif(EMULATED, reason="takes minutes on an emulated GPU")),
    ],
)
def test_digits_are_recognized(build):
    utils.set_random_seed(7)
    (x_train, y_train), (x_test, y_test) = datasets.digits.load_data()
    x_train, x_test = (x[..., None].astype("float32") / 16 for x in (x_train, x_test))
    model = build()
    model.compile(optimizers.Adam(0.005), losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    model.fit(x_train, y_train, batch_size=64, epochs=8, verbose=0)
    assert model.evaluate(x_test, y_test, verbose=0, return_dict=True)["accuracy"] > 0.93
