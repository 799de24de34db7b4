"""The pooling layers beyond the numbers of Keras: errors, masks, dtypes."""

from __future__ import annotations

import numpy as np
import pytest

from kerasish import Input, layers, ops

WINDOWED = [getattr(layers, f"{kind}Pooling{rank}D") for kind in ("Max", "Average") for rank in (1, 2, 3)]
GLOBAL = [getattr(layers, f"Global{kind}Pooling{rank}D") for kind in ("Max", "Average") for rank in (1, 2, 3)]
ADAPTIVE = [getattr(layers, f"Adaptive{kind}Pooling{rank}D") for kind in ("Max", "Average") for rank in (1, 2, 3)]


def image(cls, size=5):
    shape = (2, *(size,) * cls.rank, 3)
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("rank", [1, 2, 3])
def test_layers_have_their_other_names(rank):
    assert getattr(layers, f"MaxPool{rank}D") is getattr(layers, f"MaxPooling{rank}D")
    assert getattr(layers, f"AvgPool{rank}D") is getattr(layers, f"AveragePooling{rank}D")
    assert getattr(layers, f"GlobalMaxPool{rank}D") is getattr(layers, f"GlobalMaxPooling{rank}D")
    assert getattr(layers, f"GlobalAvgPool{rank}D") is getattr(layers, f"GlobalAveragePooling{rank}D")


@pytest.mark.parametrize("cls", WINDOWED + GLOBAL + ADAPTIVE)
def test_a_layer_survives_its_config_and_has_no_weights(cls):
    layer = cls(2) if cls not in GLOBAL else cls(keepdims=True)
    again = layers.deserialize(layers.serialize(layer))
    assert again.get_config() == layer.get_config()
    x = image(cls)
    np.testing.assert_array_equal(again(x).numpy(), layer(x).numpy())
    assert layer.weights == []


@pytest.mark.parametrize("cls", WINDOWED + GLOBAL + ADAPTIVE)
@pytest.mark.parametrize("dtype", ["mixed_float16", "float64"])
def test_outputs_have_the_compute_dtype_and_the_promised_shape(cls, dtype):
    layer = cls(2, dtype=dtype) if cls not in GLOBAL else cls(dtype=dtype)
    x = image(cls)
    y = layer(x)
    assert y.dtype == layer.compute_dtype
    assert y.shape == layer.compute_output_shape(x.shape)
    assert layer(x[:0]).shape == (0, *y.shape[1:])


@pytest.mark.parametrize("cls", WINDOWED + GLOBAL + ADAPTIVE)
def test_channels_first_gives_the_numbers_of_channels_last(cls):
    size = () if cls in GLOBAL else (2,)
    x = image(cls)
    last = cls(*size)(x).numpy()
    first = cls(*size, data_format="channels_first")(np.moveaxis(x, -1, 1)).numpy()
    np.testing.assert_allclose(np.moveaxis(first, 1, -1), last, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("cls", WINDOWED)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pool_size": 0}, "pool_size"),
        ({"pool_size": (2, 2, 2, 2)}, "pool_size"),
        ({"strides": 0}, "strides"),
        ({"padding": "causal"}, "padding"),
        ({"data_format": "x"}, "data_format"),
    ],
)
def test_bad_arguments_are_named_in_an_error(cls, options, message):
    with pytest.raises(ValueError, match=rf"{message}.*Received: {message}="):
        cls(**{"pool_size": 2, **options})


@pytest.mark.parametrize("cls", ADAPTIVE)
def test_a_bad_output_size_is_named_in_an_error(cls):
    with pytest.raises(ValueError, match="output_size"):
        cls(0)


@pytest.mark.parametrize("cls", WINDOWED)
def test_inputs_too_small_for_the_window_are_refused_by_name(cls):
    layer = cls(4, name="big")
    with pytest.raises(ValueError, match=r"'big' would be empty.*Received"):
        layer(image(cls, 3))
    with pytest.raises(ValueError, match=r"'big' would be empty.*Received"):
        layer.compute_output_shape((None, *(3,) * cls.rank, 1))
    assert layer(image(cls, 4)).shape == (2, *(1,) * cls.rank, 3)


@pytest.mark.parametrize("cls", WINDOWED + GLOBAL + ADAPTIVE)
def test_inputs_of_another_rank_are_refused_by_name(cls):
    layer = cls(2, name="odd") if cls not in GLOBAL else cls(name="odd")
    with pytest.raises(ValueError, match=r"'odd'.*Received"):
        layer(np.ones((2, 3), np.float32))


def test_unknown_sizes_stay_unknown():
    x = Input((None, 7, 3))
    assert layers.MaxPooling2D()(x).shape == (None, None, 3, 3)
    assert layers.AveragePooling2D(2, padding="same")(x).shape == (None, None, 4, 3)
    assert layers.GlobalAveragePooling2D(keepdims=True)(x).shape == (None, 1, 1, 3)
    assert layers.AdaptiveMaxPooling2D(4)(x).shape == (None, 4, 4, 3)


@pytest.mark.parametrize("keepdims", [False, True])
def test_the_mean_over_steps_leaves_out_what_a_mask_hides_and_ends_it(keepdims):
    x = np.array([[[1.0], [2.0], [0.0], [0.0]], [[3.0], [0.0], [0.0], [0.0]]], np.float32)
    masked = layers.Masking()(x)
    y = layers.GlobalAveragePooling1D(keepdims=keepdims)(masked)
    assert y.numpy().ravel().tolist() == [1.5, 3.0]
    assert y._keras_mask is None
    hidden = np.where(np.arange(4)[:, None] == 3, np.nan, x).astype(np.float32)
    seen = ops.convert_to_tensor(np.arange(4)[None] != np.array([[3], [3]]))
    assert np.isfinite(layers.GlobalAveragePooling1D()(hidden, mask=seen).numpy()).all()


def test_a_strides_of_none_takes_the_window():
    layer = layers.MaxPooling2D((2, 3))
    assert layer.strides == (2, 3)
    assert layer.get_config()["strides"] == (2, 3)


def test_integers_keep_their_dtype_in_the_maximum():
    assert layers.MaxPooling1D(2, dtype="int32")(np.array([[[1], [5], [2], [3]]])).numpy().ravel().tolist() == [5, 3]
