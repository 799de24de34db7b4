import numpy as np
import pytest

from kerasish.autodiff import KerasTensor
from kerasish.ops import crossentropy
from tests.support import check_gradients


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.mark.parametrize("from_logits", [True, False])
def test_all_of_them_have_first_and_second_derivatives_in_both_arguments(rng, from_logits):
    targets, output = rng.random((3, 4)) + 0.1, rng.random((3, 4)) * 0.8 + 0.1
    for function in (crossentropy.categorical_crossentropy, crossentropy.binary_crossentropy):
        check_gradients(lambda t, o, f=function: f(t, o, from_logits), [targets, output])
    classes = np.array([0, 3, 1])
    check_gradients(lambda o: crossentropy.sparse_categorical_crossentropy(classes, o, from_logits), [output])


def test_the_gradient_with_respect_to_the_logits_of_another_axis(rng):
    targets, output = rng.random((3, 4)), rng.normal(size=(3, 4))
    check_gradients(lambda o: crossentropy.categorical_crossentropy(targets, o, True, axis=0), [output])
    y = crossentropy.sparse_categorical_crossentropy([0, 1, 2, 0], output, True, axis=0)
    z = crossentropy.categorical_crossentropy(np.eye(3)[[0, 1, 2, 0]].T, output, True, axis=0)
    np.testing.assert_allclose(y.numpy(), z.numpy())


def test_a_class_that_does_not_exist_has_neither_loss_nor_gradient():
    output = np.array([[1.0, 2.0], [3.0, 4.0]])
    y = crossentropy.sparse_categorical_crossentropy([-1, 1], output, True)
    assert y.numpy()[0] == 0
    assert y.numpy()[1] > 0
    check_gradients(lambda o: crossentropy.sparse_categorical_crossentropy([-1, 1], o, True), [output])


def test_integer_targets_take_the_dtype_of_the_output():
    y = crossentropy.binary_crossentropy(np.array([0, 1]), np.array([0.5, 0.5], np.float32))
    assert y.dtype == "float32"
    np.testing.assert_allclose(y.numpy(), np.log(2), rtol=1e-6)
    assert crossentropy.categorical_crossentropy([[0, 1]], np.ones((1, 2), np.float16)).dtype == "float16"


def test_symbolic_shapes_are_those_of_values():
    x = KerasTensor((None, 5, 3))
    assert crossentropy.categorical_crossentropy(x, x).shape == (None, 5)
    assert crossentropy.sparse_categorical_crossentropy(KerasTensor((None, 5), "int32"), x).shape == (None, 5)
    assert crossentropy.binary_crossentropy(x, x).shape == (None, 5, 3)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: crossentropy.categorical_crossentropy([[1.0]], [[1.0, 0.0]]), r"target\.shape=\(1, 1\)"),
        (lambda: crossentropy.categorical_crossentropy(1.0, 1.0), r"output\.shape=\(\)"),
        (lambda: crossentropy.categorical_crossentropy([1.0], [1.0], axis=1), r"Received: axis=1"),
        (lambda: crossentropy.sparse_categorical_crossentropy([1, 2], [[1.0, 0.0]]), r"target\.shape=\(2,\)"),
        (lambda: crossentropy.sparse_categorical_crossentropy(1, 1.0), r"output\.shape=\(\)"),
        (lambda: crossentropy.binary_crossentropy([1.0], [[1.0]]), r"output\.shape=\(1, 1\)"),
    ],
)
def test_what_does_not_fit_is_refused_by_name(call, message):
    with pytest.raises(ValueError, match=message):
        call()
