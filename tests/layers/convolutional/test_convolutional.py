"""The convolutional layers beyond the numbers of Keras: errors, extension points, dtypes."""

from __future__ import annotations

import inspect

import numpy as np
import pytest

from kerasish import GradientTape, Input, activations, layers, ops, regularizers

IMAGE = np.random.default_rng(0).normal(size=(2, 6, 5, 4)).astype(np.float32)
ALL = [
    (layers.Conv1D, (3, 2), (2, 6, 4)),
    (layers.Conv2D, (3, 2), (2, 6, 5, 4)),
    (layers.Conv3D, (3, 2), (2, 4, 4, 3, 4)),
    (layers.Conv1DTranspose, (3, 2), (2, 6, 4)),
    (layers.Conv2DTranspose, (3, 2), (2, 6, 5, 4)),
    (layers.Conv3DTranspose, (3, 2), (2, 3, 3, 2, 4)),
    (layers.DepthwiseConv1D, (2,), (2, 6, 4)),
    (layers.DepthwiseConv2D, (2,), (2, 6, 5, 4)),
    (layers.SeparableConv1D, (3, 2), (2, 6, 4)),
    (layers.SeparableConv2D, (3, 2), (2, 6, 5, 4)),
]
EVERY = pytest.mark.parametrize(("cls", "arguments", "shape"), ALL, ids=[c[0].__name__ for c in ALL])


def ones(*shape):
    return np.ones(shape, np.float32)


@pytest.mark.parametrize(
    ("alias", "cls"),
    [
        ("Convolution1D", "Conv1D"),
        ("Convolution2D", "Conv2D"),
        ("Convolution3D", "Conv3D"),
        ("Convolution1DTranspose", "Conv1DTranspose"),
        ("Convolution2DTranspose", "Conv2DTranspose"),
        ("Convolution3DTranspose", "Conv3DTranspose"),
        ("SeparableConvolution1D", "SeparableConv1D"),
        ("SeparableConvolution2D", "SeparableConv2D"),
    ],
)
def test_layers_have_their_other_names(alias, cls):
    assert getattr(layers, alias) is getattr(layers, cls)
    assert layers.ALL_OBJECTS[alias] is layers.ALL_OBJECTS[cls]


@EVERY
def test_a_layer_survives_its_config_with_regularizers_and_constraints(cls, arguments, shape):
    kernels = [name for name in inspect.signature(cls).parameters if name.endswith("_regularizer")]
    options = {name: regularizers.L2(0.5) for name in kernels if name != "activity_regularizer"}
    options["bias_constraint"] = "non_neg"
    layer = cls(*arguments, activation="swish", padding="same", **options)
    again = layers.deserialize(layers.serialize(layer))
    assert type(again) is cls
    assert again.get_config() == layer.get_config()
    x = ones(*shape)
    wanted = layer(x)
    again(x)
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(x).numpy(), wanted.numpy())
    assert len(layer.losses) == len(options) - 1
    assert layer.bias.constraint is not None


@EVERY
@pytest.mark.parametrize("dtype", ["mixed_float16", "float16", "float64"])
def test_outputs_have_the_compute_dtype_and_gradients_that_of_the_weights(cls, arguments, shape, dtype):
    layer = cls(*arguments, dtype=dtype, activation="relu", bias_initializer="ones")
    with GradientTape() as tape:
        y = layer(ones(*shape))
        loss = ops.sum(y)
    assert y.dtype == layer.compute_dtype
    for variable, gradient in zip(layer.weights, tape.gradient(loss, layer.weights), strict=True):
        assert gradient.dtype == variable.dtype == layer.variable_dtype


@EVERY
def test_an_empty_batch_goes_through(cls, arguments, shape):
    layer = cls(*arguments)
    wanted = layer(ones(*shape)).shape
    assert layer(ones(0, *shape[1:])).shape == (0, *wanted[1:])


@EVERY
def test_channels_first_gives_the_numbers_of_channels_last(cls, arguments, shape):
    x = np.random.default_rng(1).normal(size=shape).astype(np.float32)
    last, first = cls(*arguments), cls(*arguments, data_format="channels_first")
    last.build(shape)
    first.build((shape[0], shape[-1], *shape[1:-1]))
    first.set_weights(last.get_weights())
    y = first(np.moveaxis(x, -1, 1)).numpy()
    np.testing.assert_allclose(np.moveaxis(y, 1, -1), last(x).numpy(), rtol=1e-5, atol=1e-6)


BAD = {
    "kernel_size": (0, (1, 2, 3, 4), "3"),
    "strides": (0, 1.5),
    "dilation_rate": (-1,),
    "padding": ("full", 1),
    "data_format": ("NHWC",),
    "filters": (0, 2.5, True, None),
    "depth_multiplier": (0,),
}


@pytest.mark.parametrize(
    ("cls", "arguments", "name", "value"),
    [
        (cls, arguments, name, value)
        for cls, arguments, _ in ALL
        for name, values in BAD.items()
        if name in inspect.signature(cls).parameters
        for value in values
    ],
)
def test_bad_arguments_are_named_in_an_error(cls, arguments, name, value):
    given = dict(zip(inspect.signature(cls).parameters, arguments, strict=False)) | {name: value}
    with pytest.raises(ValueError, match=rf"{name}.*Received: {name}="):
        cls(**given)


@EVERY
def test_inputs_of_another_rank_or_without_known_channels_are_refused_by_name(cls, arguments, shape):
    with pytest.raises(ValueError, match=r"'odd'.*Received"):
        cls(*arguments, name="odd")(ones(2, 4))
    layer = cls(*arguments, name="odd")
    with pytest.raises(ValueError, match=r"'odd'.*Received"):
        layer.build((*shape[:-1], None))
    with pytest.raises(ValueError, match=r"'odd'.*Received"):
        layer.compute_output_shape((2, 3))
    assert not layer.weights
    assert not layer.built


@pytest.mark.parametrize("cls", [layers.Conv2D, layers.SeparableConv2D])
def test_inputs_too_small_for_the_window_are_refused_by_name(cls):
    layer = cls(2, 3, name="big")
    with pytest.raises(ValueError, match=r"'big' would be empty.*Received"):
        layer(ones(1, 2, 2, 3))
    assert not layer.weights
    layer(ones(1, 3, 3, 3))
    with pytest.raises(ValueError, match=r"'big' would be empty.*Received"):
        layer(ones(1, 3, 2, 3))
    with pytest.raises(ValueError, match="'big'"):
        layers.DepthwiseConv2D(3, name="big")(ones(1, 2, 2, 3))


def test_a_dilated_window_counts_with_its_holes():
    layer = layers.Conv1D(1, 3, dilation_rate=3)
    assert layer.compute_output_shape((None, 7, 2)) == (None, 1, 1)
    with pytest.raises(ValueError, match="dilation_rate"):
        layer.compute_output_shape((None, 6, 2))


def test_groups_must_divide_filters_and_channels():
    with pytest.raises(ValueError, match="Received: filters=5, groups=2"):
        layers.Conv2D(5, 3, groups=2)
    with pytest.raises(ValueError, match="multiple of its 2 groups"):
        layers.Conv2D(4, 3, groups=2)(ones(1, 4, 4, 3))
    with pytest.raises(ValueError, match="groups"):
        layers.Conv2D(4, 3, groups=0)


@pytest.mark.parametrize("cls", [layers.Conv2D, layers.Conv2DTranspose])
def test_strides_and_dilation_exclude_each_other(cls):
    with pytest.raises(ValueError, match=r"Received: strides=\(2, 2\), dilation_rate=\(1, 2\)"):
        cls(2, 3, strides=2, dilation_rate=(1, 2))


def test_output_padding_must_lie_below_the_strides():
    with pytest.raises(ValueError, match="output_padding"):
        layers.Conv1DTranspose(2, 3, strides=2, output_padding=2)


def test_only_the_plain_convolution_over_one_axis_is_causal():
    x = np.zeros((1, 6, 1), np.float32)
    x[0, 3] = 1.0
    y = layers.Conv1D(1, 3, padding="causal", kernel_initializer="ones")(x)
    assert y.numpy().ravel().tolist() == [0, 0, 0, 1, 1, 1]
    for cls in (layers.Conv2D, layers.SeparableConv2D, layers.Conv2DTranspose):
        with pytest.raises(ValueError, match="causal"):
            cls(2, 3, padding="causal")
    with pytest.raises(ValueError, match="causal"):
        layers.DepthwiseConv1D(2, padding="causal")


@pytest.mark.parametrize("activation", ["linear", "relu", "sigmoid", "tanh", "gelu", layers.ReLU(max_value=1.0)])
def test_the_activation_inside_the_kernel_is_the_one_outside(activation):
    plain, active = layers.Conv2D(3, 2), layers.Conv2D(3, 2, activation=activation)
    active.build(IMAGE.shape)
    y = plain(IMAGE)
    active.set_weights(plain.get_weights())
    wanted = activations.get(activation)(y).numpy()
    np.testing.assert_allclose(active(IMAGE).numpy(), wanted, rtol=1e-5, atol=1e-6)


def test_a_subclass_may_change_the_kernel_in_convolution_op():
    class Standardized(layers.Conv2D):
        def convolution_op(self, inputs, kernel):
            return super().convolution_op(inputs, kernel * 2.0)

    plain = layers.Conv2D(3, 2, activation="relu", use_bias=False)
    double = Standardized(3, 2, activation="relu", bias_initializer="ones")
    y = plain(IMAGE)
    double.build(IMAGE.shape)
    double.set_weights([*plain.get_weights(), np.zeros(3)])
    np.testing.assert_allclose(double(IMAGE).numpy(), 2 * y.numpy(), rtol=1e-5, atol=1e-6)
    double.bias.assign([100.0, 0.0, 0.0])
    assert double(IMAGE).numpy()[..., 0].min() > 50


def test_low_rank_adaptation_trains_two_matrices_instead_of_the_kernel():
    layer = layers.Conv2D(3, 2, lora_rank=2, lora_alpha=4)
    plain = layers.Conv2D(3, 2)
    y = layer(IMAGE)
    assert [v.name for v in layer.trainable_weights] == ["bias", "lora_kernel_a", "lora_kernel_b"]
    plain.build(IMAGE.shape)
    plain.set_weights([layer._kernel.numpy(), layer.bias.numpy()])
    np.testing.assert_allclose(y.numpy(), plain(IMAGE).numpy(), rtol=1e-5, atol=1e-6)
    layer.lora_kernel_b.assign(ones(2, 3))
    store: dict = {}
    layer.save_own_variables(store)
    plain.load_own_variables(store)
    np.testing.assert_allclose(layer(IMAGE).numpy(), plain(IMAGE).numpy(), rtol=1e-4, atol=1e-5)
    assert layer.get_config()["lora_rank"] == 2
    assert "lora_rank" not in plain.get_config()


def test_the_activity_regularizer_sees_the_outputs():
    layer = layers.Conv2D(3, 2, activity_regularizer=regularizers.L1(0.1))
    y = layer(IMAGE)
    assert float(layer.losses[0]) == pytest.approx(0.1 * np.abs(y.numpy()).sum() / 2, rel=1e-4)
    assert layers.deserialize(layers.serialize(layer)).activity_regularizer.l1 == pytest.approx(0.1)


def test_layers_work_on_symbolic_inputs_of_unknown_size():
    x = Input((None, 32, 3))
    assert layers.Conv2D(4, 3, strides=2, padding="same")(x).shape == (None, None, 16, 4)
    assert layers.Conv2DTranspose(4, 3, strides=2)(x).shape == (None, None, 65, 4)
    assert layers.DepthwiseConv2D(3, depth_multiplier=2)(x).shape == (None, None, 30, 6)


def test_a_call_after_build_takes_the_short_way():
    layer = layers.Conv2D(3, 2)
    layer(IMAGE)
    assert layer._fast
    assert layer(ops.convert_to_tensor(IMAGE)).shape == (2, 5, 4, 3)
