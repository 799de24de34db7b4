"""Tests of the layers that move, repeat, crop and pad elements."""

import numpy as np
import pytest

from kerasish import layers
from tests.layers.support import check_layer

CASES = [
    (layers.Flatten, {}, (2, 3, 4), (2, 12)),
    (layers.Flatten, {"data_format": "channels_first"}, (2, 3, 4, 5), (2, 60)),
    (layers.Flatten, {}, (2, 3), (2, 3)),
    (layers.Reshape, {"target_shape": (2, 6)}, (3, 12), (3, 2, 6)),
    (layers.Reshape, {"target_shape": (-1,)}, (3, 2, 6), (3, 12)),
    (layers.Reshape, {"target_shape": (1, -1, 3)}, (3, 12), (3, 1, 4, 3)),
    (layers.Permute, {"dims": (3, 1, 2)}, (2, 3, 4, 5), (2, 5, 3, 4)),
    (layers.RepeatVector, {"n": 3}, (2, 4), (2, 3, 4)),
    (layers.Cropping1D, {"cropping": (1, 2)}, (2, 6, 3), (2, 3, 3)),
    (layers.Cropping1D, {"cropping": 1}, (2, 6, 3), (2, 4, 3)),
    (layers.Cropping2D, {}, (2, 5, 6, 3), (2, 5, 6, 3)),
    (layers.Cropping2D, {"cropping": ((1, 0), 2)}, (2, 5, 6, 3), (2, 4, 2, 3)),
    (layers.Cropping2D, {"cropping": 1, "data_format": "channels_first"}, (2, 3, 5, 6), (2, 3, 3, 4)),
    (layers.Cropping3D, {}, (2, 5, 6, 3, 2), (2, 3, 4, 1, 2)),
    (layers.Cropping3D, {"cropping": (1, 0, 1), "data_format": "channels_first"}, (1, 2, 5, 6, 3), (1, 2, 3, 6, 1)),
    (layers.ZeroPadding1D, {"padding": (1, 2)}, (2, 3, 2), (2, 6, 2)),
    (layers.ZeroPadding1D, {"padding": 2, "data_format": "channels_first"}, (2, 3, 2), (2, 3, 6)),
    (layers.ZeroPadding2D, {}, (2, 3, 4, 2), (2, 5, 6, 2)),
    (layers.ZeroPadding2D, {"padding": ((1, 0), (0, 2))}, (2, 3, 4, 2), (2, 4, 6, 2)),
    (layers.ZeroPadding3D, {"data_format": "channels_first"}, (2, 2, 3, 2, 2), (2, 2, 5, 4, 4)),
    (layers.UpSampling1D, {"size": 3}, (2, 3, 2), (2, 9, 2)),
    (layers.UpSampling2D, {}, (2, 2, 3, 2), (2, 4, 6, 2)),
    (layers.UpSampling2D, {"size": (2, 1), "interpolation": "bilinear"}, (2, 2, 3, 2), (2, 4, 3, 2)),
    (layers.UpSampling2D, {"size": 2, "data_format": "channels_first"}, (2, 2, 3, 4), (2, 2, 6, 8)),
    (layers.UpSampling3D, {"size": (1, 2, 3)}, (1, 2, 2, 2, 2), (1, 2, 4, 6, 2)),
]


@pytest.mark.parametrize(("cls", "kwargs", "input_shape", "expected_shape"), CASES)
def test_it_keeps_the_contract_of_layers(cls, kwargs, input_shape, expected_shape):
    check_layer(
        cls,
        kwargs,
        input_shape,
        expected_output_shape=expected_shape,
        expected_weights=0,
        supports_masking=False,
        gradients=np.prod(input_shape) < 40,
    )


@pytest.mark.parametrize(
    ("cls", "kwargs", "input_shape", "expected_shape"),
    [case for case in CASES if case[1].get("interpolation") is None and case[0] is not layers.UpSampling2D],
)
def test_integers_stay_integers(cls, kwargs, input_shape, expected_shape):
    y = cls(**kwargs)(np.ones(input_shape, np.int32))
    assert (y.shape, y.dtype) == (expected_shape, "int32")
    assert cls(**kwargs)(layers.Input(input_shape[1:], dtype="int32")).dtype == "int32"


@pytest.mark.parametrize(
    ("cls", "kwargs", "shape", "expected"),
    [
        (layers.Flatten, {}, (None, None, 3), (None, None)),
        (layers.Reshape, {"target_shape": (-1, 3)}, (None, None, 6), (None, None, 3)),
        (layers.Permute, {"dims": (2, 1)}, (None, None, 3), (None, 3, None)),
        (layers.Cropping1D, {}, (None, None, 3), (None, None, 3)),
        (layers.ZeroPadding2D, {}, (None, None, 4, 3), (None, None, 6, 3)),
        (layers.UpSampling2D, {}, (None, 4, None, 3), (None, 8, None, 3)),
    ],
)
def test_unknown_sizes_stay_unknown(cls, kwargs, shape, expected):
    assert cls(**kwargs)(layers.Input(batch_shape=shape)).shape == expected


def test_both_layouts_flatten_to_the_same_vector():
    x = np.arange(24.0).reshape(2, 3, 4)
    last = layers.Flatten()(x).numpy()
    first = layers.Flatten(data_format="channels_first")(x.transpose(0, 2, 1)).numpy()
    assert np.array_equal(first, last)


def test_a_vector_of_scalars_becomes_a_column():
    assert layers.Flatten()(np.arange(3.0)).tolist() == [[0.0], [1.0], [2.0]]


def test_cropping_and_padding_undo_each_other():
    x = np.arange(40.0, dtype=np.float32).reshape(1, 5, 4, 2)
    borders = ((1, 2), (0, 3))
    padded = layers.ZeroPadding2D(borders)(x)
    assert padded.numpy().sum() == x.sum()
    assert np.array_equal(layers.Cropping2D(borders)(padded).numpy(), x)


@pytest.mark.parametrize(
    ("make", "shape", "message"),
    [
        (lambda: layers.Reshape((5,), name="r"), (2, 3), "'r' cannot reshape samples of 3"),
        (lambda: layers.Reshape((-1, 2), name="r"), (2, 3), "'r' cannot reshape samples of 3"),
        (lambda: layers.Cropping1D(3, name="c"), (2, 6, 1), "'c' takes off all of axis 1"),
        (lambda: layers.Cropping2D(3, name="c"), (2, 7, 6, 1), "'c' takes off all of axis 2"),
        (lambda: layers.Permute((2, 1), name="p"), (2, 3), "'p'.*ndim=3"),
        (lambda: layers.RepeatVector(2, name="v"), (2, 3, 4), "'v'.*ndim=2"),
    ],
)
def test_inputs_that_do_not_fit_are_refused_by_the_name_of_the_layer(make, shape, message):
    with pytest.raises(ValueError, match=message):
        make()(np.ones(shape))
    with pytest.raises(ValueError, match=message):
        make()(layers.Input(shape[1:]))


@pytest.mark.parametrize(
    "make",
    [
        lambda: layers.Reshape((-1, -1)),
        lambda: layers.Reshape((-2,)),
        lambda: layers.Permute((0, 1)),
        lambda: layers.Permute((1, 3)),
        lambda: layers.RepeatVector(0),
        lambda: layers.Cropping1D((1, 2, 3)),
        lambda: layers.Cropping2D(-1),
        lambda: layers.Cropping2D(((1, 1), (1, -1))),
        lambda: layers.Cropping3D("abc"),
        lambda: layers.ZeroPadding1D(1.5),
        lambda: layers.ZeroPadding2D((1, 2, 3)),
        lambda: layers.UpSampling1D(0),
        lambda: layers.UpSampling2D((2, 0)),
        lambda: layers.UpSampling2D(2, interpolation="magic"),
        lambda: layers.UpSampling2D(2, data_format="channels_middle"),
    ],
)
def test_wrong_arguments_are_refused(make):
    with pytest.raises(ValueError, match="Received: "):
        make()


def test_counts_must_be_ints():
    for make in (lambda: layers.RepeatVector(2.0), lambda: layers.UpSampling1D((2,))):
        with pytest.raises(TypeError, match="to be an int"):
            make()
