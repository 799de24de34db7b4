"""Tests of the layers that make one tensor of several."""

import numpy as np
import pytest

from kerasish import layers
from kerasish.autodiff import convert_to_tensor
from tests.layers.support import check_layer

A = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]], np.float32)
B = np.array([[3.0, -1.0, 2.0], [0.5, 1.0, 8.0]], np.float32)


@pytest.mark.parametrize(
    ("cls", "function", "expected"),
    [
        (layers.Add, layers.add, A + B),
        (layers.Subtract, layers.subtract, A - B),
        (layers.Multiply, layers.multiply, A * B),
        (layers.Average, layers.average, (A + B) / 2),
        (layers.Maximum, layers.maximum, np.maximum(A, B)),
        (layers.Minimum, layers.minimum, np.minimum(A, B)),
    ],
)
def test_arithmetic_keeps_the_contract_of_layers(cls, function, expected):
    check_layer(
        cls, {}, inputs=[A, B], expected_output=expected, expected_weights=0, supports_masking=True, gradients=True
    )
    np.testing.assert_allclose(function([A, B]).numpy(), expected)
    assert function([layers.Input((3,)), layers.Input((3,))]).shape == (None, 3)


@pytest.mark.parametrize(
    ("cls", "expected"),
    [(layers.Add, A + B + 1), (layers.Multiply, A * B), (layers.Average, (A + B + 1) / 3)],
)
def test_several_tensors_are_merged(cls, expected):
    np.testing.assert_allclose(cls()([A, B, np.ones_like(A)]).numpy(), expected, rtol=1e-6)


def test_shapes_broadcast_and_fewer_axes_are_filled_up_after_the_batch():
    for shapes, expected in (([(2, 3), (2, 1)], (2, 3)), ([(2, 3, 4), (2, 4)], (2, 3, 4))):
        layer = check_layer(layers.Add, {}, shapes, expected_output_shape=expected)
        assert layer.compute_output_shape([(None, *shape[1:]) for shape in shapes]) == (None, *expected[1:])
    x, y = np.ones((2, 3, 4)), np.arange(8.0).reshape(2, 4)
    np.testing.assert_allclose(layers.Add()([x, y]).numpy(), x + y[:, None, :])


@pytest.mark.parametrize("axis", [-1, 1, 2])
def test_concatenate_keeps_the_contract_of_layers(axis):
    shapes = [(2, 3, 4), (2, 3, 4)]
    check_layer(
        layers.Concatenate,
        {"axis": axis},
        shapes,
        expected_output_shape=(2, 6, 4) if axis == 1 else (2, 3, 8),
        supports_masking=True,
        gradients=True,
    )


def test_concatenate_joins_different_sizes_along_its_axis_only():
    np.testing.assert_allclose(layers.concatenate([A, B[:, :1]]).numpy(), np.concatenate([A, B[:, :1]], 1))
    layer = layers.Concatenate(name="join")
    assert layer.compute_output_shape([(None, 3), (None, None)]) == (None, None)
    with pytest.raises(ValueError, match="'join' must have the same sizes apart from axis -1"):
        layer([np.ones((2, 3, 4)), np.ones((2, 2, 4))])
    with pytest.raises(ValueError, match="one number of dimensions"):
        layers.Concatenate()([np.ones((2, 3, 4)), np.ones((2, 4))])


@pytest.mark.parametrize(
    ("axes", "shapes", "expected", "equation"),
    [
        (1, [(2, 3), (2, 3)], (2, 1), "ab,ab->a"),
        (-1, [(2, 3), (2, 3)], (2, 1), "ab,ab->a"),
        ((1, 2), [(2, 3, 4), (2, 5, 3)], (2, 4, 5), "abc,adb->acd"),
        ((2, 1), [(2, 3, 4), (2, 4)], (2, 3), "abc,ac->ab"),
        ((-1, -2), [(2, 3, 4), (2, 4, 5)], (2, 3, 5), "abc,acd->abd"),
    ],
)
def test_dot_keeps_the_contract_of_layers(axes, shapes, expected, equation):
    layer = check_layer(layers.Dot, {"axes": axes}, shapes, expected_output_shape=expected, gradients=True)
    x, y = (np.random.default_rng(0).normal(size=shape) for shape in shapes)
    np.testing.assert_allclose(layer([x, y]).numpy(), np.einsum(equation, x, y).reshape(expected), rtol=1e-4, atol=1e-5)


def test_normalized_dot_is_the_cosine():
    np.testing.assert_allclose(layers.dot([A, 2 * A], axes=1, normalize=True).numpy(), [[1.0], [1.0]], rtol=1e-6)
    check_layer(layers.Dot, {"axes": 1, "normalize": True}, [(2, 3), (2, 3)], gradients=True)


def test_wrong_axes_are_refused():
    with pytest.raises(TypeError, match="int or a pair"):
        layers.Dot(axes="1")
    with pytest.raises(ValueError, match="int or a pair"):
        layers.Dot(axes=(1, 2, 3))
    with pytest.raises(ValueError, match="other than the batch"):
        layers.Dot(axes=0)([A, B])
    with pytest.raises(ValueError, match="3 is not 2"):
        layers.Dot(axes=1)([A, B[:, :2]])
    with pytest.raises(ValueError, match="two inputs"):
        layers.Dot(axes=1)([A, B, A])


@pytest.mark.parametrize("cls", [layers.Add, layers.Concatenate, layers.Subtract])
def test_a_single_tensor_is_refused_by_the_name_of_the_layer(cls):
    with pytest.raises(ValueError, match="'m' takes a list of inputs"):
        cls(name="m")(A)
    with pytest.raises(ValueError, match="'m' takes a list of inputs"):
        cls(name="m")(layers.Input((3,)))


def test_shapes_that_do_not_broadcast_are_refused():
    with pytest.raises(ValueError, match="do not broadcast"):
        layers.Add()([A, B[:, :2]])
    with pytest.raises(ValueError, match="one batch size"):
        layers.Add()([A, B[:1]])
    with pytest.raises(ValueError, match="two inputs"):
        layers.Subtract()([A, B, A])


def masked(values, mask):
    tensor = convert_to_tensor(np.asarray(values, np.float32))
    tensor._keras_mask = convert_to_tensor(np.asarray(mask))
    return tensor


X = [[[1.0], [2.0], [3.0]]]
Y = [[[5.0], [1.0], [7.0]]]


def test_a_step_stays_when_one_of_the_masks_keeps_it():
    first, second = masked(X, [[True, False, False]]), masked(Y, [[True, True, False]])
    for cls in (layers.Add, layers.Average, layers.Subtract, layers.Multiply, layers.Maximum, layers.Concatenate):
        assert cls()([first, second])._keras_mask.tolist() == [[True, True, False]], cls


def test_without_a_mask_of_each_there_is_none():
    for cls in (layers.Add, layers.Maximum, layers.Multiply):
        assert cls()([masked(X, [[True, False, False]]), np.array(Y)])._keras_mask is None


def test_concatenate_keeps_all_steps_of_a_tensor_without_a_mask():
    y = layers.Concatenate(axis=1)([masked(X, [[True, False, False]]), np.array(Y, np.float32)])
    assert y._keras_mask.tolist() == [[True, False, False, True, True, True]]


def test_masked_steps_do_not_count_in_products_and_extrema():
    first, second = masked(X, [[True, False, False]]), masked(Y, [[True, True, False]])
    assert layers.Multiply()([first, second]).tolist() == [[[5.0], [1.0], [0.0]]]
    assert layers.Maximum()([first, second]).numpy()[0, :2].tolist() == [[5.0], [1.0]]
    assert layers.Minimum()([first, second]).numpy()[0, :2].tolist() == [[1.0], [1.0]]
