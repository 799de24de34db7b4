"""The normalization layers beyond the numbers of Keras: modes, masks, errors, dtypes."""

from __future__ import annotations

import numpy as np
import pytest

from kerasish import GradientTape, Input, layers, ops, regularizers

X = np.random.default_rng(0).normal(3.0, 2.0, size=(6, 5, 4)).astype(np.float32)
ALL = [
    (layers.BatchNormalization, {}),
    (layers.BatchNormalization, {"renorm": True}),
    (layers.LayerNormalization, {}),
    (layers.GroupNormalization, {"groups": 2}),
    (layers.RMSNormalization, {}),
    (layers.UnitNormalization, {}),
]
EVERY = pytest.mark.parametrize(("cls", "arguments"), ALL, ids=[f"{c.__name__}-{a}" for c, a in ALL])


@EVERY
def test_a_layer_survives_its_config(cls, arguments):
    layer = cls(**arguments)
    fresh = layers.deserialize(layers.serialize(layer))
    assert fresh.get_config() == layer.get_config()
    wanted = layer(X, training=True)
    again = layers.deserialize(layers.serialize(layer))
    assert again.get_config() == layer.get_config()
    np.testing.assert_array_equal(again(X, training=True).numpy(), wanted.numpy())


@EVERY
@pytest.mark.parametrize("dtype", ["mixed_float16", "float16", "float64"])
@pytest.mark.parametrize("training", [True, False])
def test_outputs_have_the_compute_dtype_and_stay_finite_for_large_values(cls, arguments, dtype, training):
    layer = cls(**arguments, dtype=dtype)
    with GradientTape() as tape:
        y = layer(X * 1e3, training=training)
        loss = ops.sum(ops.cast(y, "float32") * 1e-3)
    assert y.dtype == layer.compute_dtype
    assert y.shape == X.shape == layer.compute_output_shape(X.shape)
    assert np.isfinite(y.numpy()).all()
    variables = layer.trainable_variables
    for variable, gradient in zip(variables, tape.gradient(loss, variables), strict=True):
        assert gradient.dtype == variable.dtype == layer.variable_dtype


@EVERY
def test_an_empty_batch_goes_through(cls, arguments):
    assert cls(**arguments)(X[:0]).shape == (0, 5, 4)


@EVERY
def test_an_axis_outside_the_inputs_is_refused_by_name(cls, arguments):
    layer = cls(**arguments, axis=3, name="odd")
    with pytest.raises(ValueError, match=r"'odd' is out of bounds.*Received: axis="):
        layer.compute_output_shape(X.shape)
    with pytest.raises(ValueError, match=r"'odd'.*Received"):
        layer(X)
    assert not layer.weights


@pytest.mark.parametrize(("cls", "arguments"), ALL[:-1])
def test_an_axis_of_unknown_size_is_refused_by_name(cls, arguments):
    layer = cls(**arguments, name="odd")
    with pytest.raises(ValueError, match=r"'odd' must know.*Received"):
        layer(Input((5, None)))
    assert not layer.weights


@pytest.mark.parametrize("cls", [layers.LayerNormalization, layers.RMSNormalization, layers.UnitNormalization])
def test_an_axis_that_is_no_int_is_refused(cls):
    with pytest.raises(TypeError, match=r"axis.*Received: axis='last'"):
        cls(axis="last")
    with pytest.raises(ValueError, match=r"layer 'odd' must be different.*Received: axis="):
        cls(axis=[1, -2], name="odd")(X)


def test_batch_normalization_in_training_gives_mean_zero_and_variance_one():
    y = layers.BatchNormalization(epsilon=1e-7)(X, training=True).numpy()
    np.testing.assert_allclose(y.mean((0, 1)), 0, atol=1e-5)
    np.testing.assert_allclose(y.var((0, 1)), 1, atol=1e-4)


def test_moving_statistics_follow_the_batches_with_the_biased_variance():
    layer = layers.BatchNormalization(momentum=0.9)
    mean, variance = np.zeros(4), np.ones(4)
    for step in range(5):
        batch = X * (step + 1)
        layer(batch, training=True)
        mean = 0.9 * mean + 0.1 * batch.mean((0, 1))
        variance = 0.9 * variance + 0.1 * batch.var((0, 1))
    np.testing.assert_allclose(layer.moving_mean.numpy(), mean, rtol=1e-5)
    np.testing.assert_allclose(layer.moving_variance.numpy(), variance, rtol=1e-5)
    wanted = (X - mean) / np.sqrt(variance + 1e-3)
    np.testing.assert_allclose(layer(X).numpy(), wanted, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("renorm", [False, True])
def test_a_frozen_layer_normalizes_as_in_inference_and_keeps_its_statistics(renorm):
    layer = layers.BatchNormalization(renorm=renorm)
    layer(X, training=True)
    layer.trainable = False
    before = layer.get_weights()
    np.testing.assert_array_equal(layer(X, training=True).numpy(), layer(X, training=False).numpy())
    for old, new in zip(before, layer.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    layer.trainable = True
    layer(X, training=True)
    assert not np.array_equal(layer.moving_mean.numpy(), before[2])


def test_a_mask_leaves_hidden_steps_out_of_the_moments():
    mask = np.zeros((6, 5), np.bool_)
    mask[:, :3] = True
    wild = np.where(mask[..., None], X, 1e6).astype(np.float32)
    masked, short = layers.BatchNormalization(), layers.BatchNormalization()
    y = masked(wild, training=True, mask=ops.convert_to_tensor(mask))
    wanted = short(X[:, :3], training=True)
    np.testing.assert_allclose(y.numpy()[:, :3], wanted.numpy(), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(masked.moving_variance.numpy(), short.moving_variance.numpy(), rtol=1e-5)
    with pytest.raises(ValueError, match=r"one dimension less.*Received: mask.shape"):
        masked(X, training=True, mask=ops.ones((6,), "bool"))


@pytest.mark.parametrize("cls", [layers.BatchNormalization, layers.LayerNormalization, layers.UnitNormalization])
def test_a_mask_is_taken_from_the_inputs_and_handed_on(cls):
    x = X.copy()
    x[:, 3:] = 0.0
    masked = layers.Masking()(x)
    y = cls()(masked, training=True)
    np.testing.assert_array_equal(y._keras_mask.numpy(), masked._keras_mask.numpy())


def test_batch_normalization_refuses_what_it_cannot_do():
    with pytest.raises(ValueError, match="synchronized"):
        layers.BatchNormalization(synchronized=True)
    with pytest.raises(ValueError, match=r"Received: axis='last'"):
        layers.BatchNormalization(axis="last")
    with pytest.raises(ValueError, match="among"):
        layers.BatchNormalization(renorm=True, renorm_clipping={"max": 1.0})
    for clipping in ({"rmin": 2.0, "rmax": 1.0}, {"dmax": -1.0}):
        with pytest.raises(ValueError, match="rmin <= rmax"):
            layers.BatchNormalization(renorm=True, renorm_clipping=clipping)
    layer = layers.BatchNormalization(name="bn")
    layer(X)
    with pytest.raises(ValueError, match="'bn'"):
        layer(X[..., :2])


def test_batch_normalization_takes_the_axis_list_of_older_files():
    assert layers.BatchNormalization(axis=[3]).axis == 3


def test_the_corrections_of_renormalization_are_constants_to_the_gradient():
    layer = layers.BatchNormalization(renorm=True, epsilon=0.0)
    with GradientTape() as tape:
        x = ops.convert_to_tensor(X)
        tape.watch(x)
        y = layer(x, training=True)
        loss = ops.sum(y)
    np.testing.assert_allclose(y.numpy(), X, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(tape.gradient(loss, x).numpy(), np.zeros_like(X), atol=1e-3)


def test_group_normalization_checks_its_groups():
    for groups in (0, -2, 1.5, True):
        with pytest.raises(ValueError, match="Received: groups="):
            layers.GroupNormalization(groups=groups)
    for groups in (3, 8):
        with pytest.raises(ValueError, match=r"'gn' to divide.*Received: groups="):
            layers.GroupNormalization(groups=groups, name="gn")(X)


def test_one_group_normalizes_samples_and_a_group_a_channel_normalizes_instances():
    y = layers.GroupNormalization(groups=1, epsilon=1e-7)(X).numpy()
    np.testing.assert_allclose(y.mean((1, 2)), 0, atol=1e-5)
    y = layers.GroupNormalization(groups=-1, epsilon=1e-7)(X).numpy()
    np.testing.assert_allclose(y.mean(1), 0, atol=1e-5)
    np.testing.assert_allclose(y.var(1), 1, atol=1e-4)


def test_weights_along_mixed_axes_keep_the_order_in_which_keras_holds_them():
    layer = layers.LayerNormalization(axis=[1, -1])
    wanted = layers.LayerNormalization(axis=[1, 2])(X).numpy()
    np.testing.assert_allclose(layer(X).numpy(), wanted, rtol=1e-5, atol=1e-6)
    assert layer.gamma.shape == (4, 5)
    rms = layers.RMSNormalization(axis=[1, -1])
    assert rms(X).shape == X.shape
    assert rms.scale.shape == (4, 5)


def test_the_deprecated_rms_scaling_divides_by_the_standard_deviation_with_a_warning():
    with pytest.warns(UserWarning, match="RMSNormalization"):
        layer = layers.LayerNormalization(rms_scaling=True, epsilon=0.1)
    y = layer(X).numpy()
    np.testing.assert_allclose(y, X / np.sqrt(X.var(-1, keepdims=True) + 0.1), rtol=1e-4)
    assert [v.name for v in layer.weights] == ["gamma"]


@pytest.mark.parametrize(("cls", "arguments"), ALL[:4])
def test_weights_are_not_cast_to_half_precision_before_they_are_used(cls, arguments):
    layer = cls(**arguments, dtype="mixed_float16")
    layer(X)
    assert layer.weights
    assert not any(variable.autocast for variable in layer.weights)


def test_regularizers_and_constraints_reach_the_weights():
    layer = layers.LayerNormalization(gamma_regularizer=regularizers.L2(0.5), beta_constraint="non_neg")
    layer(X)
    assert float(layer.losses[0]) == pytest.approx(0.5 * 4)
    assert layer.beta.constraint is not None


def test_unit_normalization_keeps_zeros():
    assert layers.UnitNormalization()(np.zeros((2, 3), np.float32)).numpy().tolist() == [[0.0] * 3] * 2


@pytest.mark.parametrize("inner", [layers.Dense(3), layers.Conv1D(3, 2)], ids=["dense", "conv"])
def test_spectral_normalization_brings_the_largest_singular_value_to_one(inner):
    layer = layers.SpectralNormalization(type(inner).from_config(inner.get_config()), power_iterations=20)
    layer(X)
    before = layer.layer.kernel.numpy()
    layer(X)
    np.testing.assert_array_equal(layer.layer.kernel.numpy(), before)
    layer(X, training=True)
    matrix = layer.layer.kernel.numpy().reshape(-1, 3)
    assert np.linalg.svd(matrix, compute_uv=False)[0] == pytest.approx(1.0, rel=1e-3)
    assert [v.name for v in layer.non_trainable_weights] == ["vector_u"]
    again = layers.deserialize(layers.serialize(layer))
    assert again.get_config() == layer.get_config()
    assert layer.compute_output_shape((None, 5, 4)) == layer.layer.compute_output_shape((None, 5, 4))


def test_spectral_normalization_goes_on_with_its_vector_from_step_to_step():
    layer = layers.SpectralNormalization(layers.Dense(3), power_iterations=1)
    for _ in range(40):
        layer(X, training=True)
    singular = np.linalg.svd(layer.layer.kernel.numpy(), compute_uv=False)
    assert singular[0] == pytest.approx(1.0, rel=1e-3)


def test_spectral_normalization_leaves_a_kernel_of_zeros():
    layer = layers.SpectralNormalization(layers.Dense(3, kernel_initializer="zeros"))
    layer(X)
    before = layer.vector_u.numpy()
    y = layer(X, training=True)
    np.testing.assert_array_equal(layer.vector_u.numpy(), before)
    assert not y.numpy().any()


def test_spectral_normalization_refuses_layers_without_a_kernel_and_no_iterations():
    with pytest.raises(ValueError, match="power_iterations"):
        layers.SpectralNormalization(layers.Dense(3), power_iterations=0)
    with pytest.raises(ValueError, match="`kernel` or `embeddings`"):
        layers.SpectralNormalization(layers.Flatten())(X)
