"""Weights in the layouts of old files: the converted weights compute what the old layer computed."""

from __future__ import annotations

import numpy as np
import pytest

import kerasish
from kerasish import layers
from kerasish.saving.legacy_config import Origin
from kerasish.saving.weight_layouts import convert, stored_count

RNG = np.random.default_rng(3)
KERAS_1, KERAS_2 = Origin(1, True, True), Origin(2, True, True)


def built(layer, shape):
    layer.build(shape)
    return layer, [tuple(v.shape) for v in layer.weights]


def draw(*shape):
    return RNG.normal(size=shape).astype("float32")


def test_the_gates_of_keras_1_are_joined_in_todays_order():
    layer, shapes = built(layers.LSTM(2), (None, None, 3))
    gates = {g: (draw(3, 2), draw(2, 2), draw(2)) for g in "icfo"}
    kernel, recurrent, bias = convert(layer, [a for g in "icfo" for a in gates[g]], shapes, KERAS_1)
    for position, gate in enumerate("ifco"):
        part = slice(2 * position, 2 * position + 2)
        assert np.array_equal(kernel[:, part], gates[gate][0])
        assert np.array_equal(recurrent[:, part], gates[gate][1])
        assert np.array_equal(bias[part], gates[gate][2])
    assert stored_count(layer, 3, KERAS_1) == 12
    assert stored_count(layer, 3, KERAS_2) == 3


def test_the_gates_of_a_gru_of_keras_1():
    layer, shapes = built(layers.GRU(2, reset_after=False), (None, None, 3))
    gates = [(draw(3, 2), draw(2, 2), draw(2)) for _ in "zrh"]
    kernel, _, bias = convert(layer, [a for g in gates for a in g], shapes, KERAS_1)
    assert np.array_equal(kernel, np.concatenate([g[0] for g in gates], axis=1))
    assert np.array_equal(bias, np.concatenate([g[2] for g in gates]))


@pytest.mark.parametrize(
    ("layer", "shape", "stored", "axes"),
    [
        (layers.Conv2D(5, (2, 3), data_format="channels_first"), (None, 4, 8, 8), (5, 4, 2, 3), (2, 3, 1, 0)),
        (layers.Conv2DTranspose(5, (2, 3)), (None, 8, 8, 4), (2, 3, 4, 5), (0, 1, 3, 2)),
        (
            layers.Conv3D(5, (2, 3, 1), data_format="channels_first"),
            (None, 4, 8, 8, 8),
            (5, 4, 2, 3, 1),
            (2, 3, 4, 1, 0),
        ),
    ],
)
def test_kernels_of_keras_1_are_turned(layer, shape, stored, axes):
    layer, shapes = built(layer, shape)
    kernel, bias = draw(*stored), draw(5)
    got, same = convert(layer, [kernel, bias], shapes, KERAS_1)
    assert got.shape == shapes[0]
    assert np.array_equal(got, kernel.transpose(axes))
    assert same is bias


@pytest.mark.parametrize("filters_first", [False, True])
def test_one_dimensional_kernels_of_keras_1(filters_first):
    layer, shapes = built(layers.Conv1D(5, 3), (None, 8, 4))
    wanted = draw(3, 4, 5)
    stored = wanted.transpose(2, 1, 0)[..., None] if filters_first else wanted[:, None]
    assert np.array_equal(convert(layer, [stored, draw(5)], shapes, KERAS_1)[0], wanted)


def test_kernels_of_theano_are_turned_whatever_the_version():
    layer, shapes = built(layers.Conv2D(5, (2, 3)), (None, 8, 8, 4))
    wanted = draw(2, 3, 4, 5)
    stored = wanted.transpose(2, 3, 1, 0)
    assert np.array_equal(convert(layer, [stored, draw(5)], shapes, KERAS_2)[0], stored.transpose(3, 2, 0, 1))


def test_cudnn_weights_of_an_lstm():
    layer, shapes = built(layers.LSTM(2), (None, None, 3))
    stored = [draw(3, 8), draw(2, 8), draw(16)]
    kernel, recurrent, bias = convert(layer, stored, shapes, KERAS_2)
    for gate in range(4):
        part = slice(2 * gate, 2 * gate + 2)
        # Each gate is stored as the transpose, in the order of C.
        assert np.array_equal(kernel[:, part].T.reshape(3, 2), stored[0][:, part])
        assert np.array_equal(recurrent[:, part].T, stored[1][:, part])
    np.testing.assert_allclose(bias, stored[2][:8] + stored[2][8:])


def test_cudnn_weights_of_a_gru():
    layer, shapes = built(layers.GRU(2, reset_after=True), (None, None, 3))
    stored = [draw(3, 6), draw(2, 6), draw(12)]
    _, recurrent, bias = convert(layer, stored, shapes, KERAS_2)
    assert np.array_equal(recurrent[:, :2].T, stored[1][:, :2])
    assert np.array_equal(bias, stored[2].reshape(2, 6))


def test_wrappers_convert_what_is_inside_them():
    layer, shapes = built(layers.Bidirectional(layers.LSTM(2)), (None, None, 3))
    forward = [a for _ in range(4) for a in (draw(3, 2), draw(2, 2), draw(2))]
    backward = [a for _ in range(4) for a in (draw(3, 2), draw(2, 2), draw(2))]
    got = convert(layer, forward + backward, shapes, KERAS_1)
    assert [a.shape for a in got] == shapes
    assert np.array_equal(got[3][:, :2], backward[0])
    assert stored_count(layer, 6, KERAS_1) == 24


def test_a_model_inside_a_model_is_converted_layer_by_layer():
    inner = kerasish.Sequential(
        [kerasish.Input((None, 3)), layers.LSTM(2), layers.BatchNormalization(), layers.Dense(1)]
    )
    shapes = [tuple(v.shape) for v in (*inner.trainable_weights, *inner.non_trainable_weights)]
    gates = [a for _ in range(4) for a in (draw(3, 2), draw(2, 2), draw(2))]
    rest = [draw(2), draw(2), draw(2, 1), draw(1), draw(2), draw(2)]
    got = convert(inner, gates + rest, shapes, KERAS_1)
    assert [a.shape for a in got] == shapes
    assert np.array_equal(got[3], rest[0])
