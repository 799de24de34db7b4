"""Regularizers: values, gradients, configs, names, errors."""

import numpy as np
import pytest

from kerasish import ops, regularizers
from kerasish.autodiff import GradientTape, Variable

X = np.array([[1.0, -2.0, 0.5], [0.0, 3.0, -1.0]], np.float32)


@pytest.mark.parametrize(
    ("regularizer", "expected"),
    [
        (regularizers.L1(0.1), 0.1 * abs(X).sum()),
        (regularizers.L2(0.1), 0.1 * (X**2).sum()),
        (regularizers.L1L2(0.1, 0.2), 0.1 * abs(X).sum() + 0.2 * (X**2).sum()),
        (regularizers.L1L2(l1=0.3), 0.3 * abs(X).sum()),
        (regularizers.L1L2(l2=0.3), 0.3 * (X**2).sum()),
        (regularizers.L1L2(), 0.0),
        (regularizers.get("l1"), 0.01 * abs(X).sum()),
        (regularizers.get("l2"), 0.01 * (X**2).sum()),
    ],
)
def test_the_penalty_is_that_of_the_formula(regularizer, expected):
    penalty = regularizer(ops.convert_to_tensor(X))
    assert penalty.shape == ()
    assert penalty.dtype == "float32"
    assert float(penalty) == pytest.approx(expected, rel=1e-6)


def test_the_penalty_has_a_gradient():
    w = Variable(X)
    with GradientTape() as tape:
        penalty = regularizers.L1L2(0.1, 0.2)(w)
    np.testing.assert_allclose(tape.gradient(penalty, w).numpy(), 0.1 * np.sign(X) + 0.4 * X, rtol=1e-6)


def test_a_half_precision_weight_keeps_its_dtype():
    assert regularizers.L2(0.1)(ops.convert_to_tensor(X, "float16")).dtype == "float16"


@pytest.mark.parametrize("mode", ["rows", "columns"])
def test_the_orthogonal_penalty_is_the_mean_absolute_cosine(mode):
    matrix = X if mode == "rows" else X.T
    unit = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
    cosines = [abs(unit[i] @ unit[j]) for i in range(len(unit)) for j in range(i)]
    value = regularizers.OrthogonalRegularizer(0.5, mode)(ops.convert_to_tensor(X))
    assert float(value) == pytest.approx(0.5 * np.mean(cosines), rel=1e-5)


def test_the_orthogonal_penalty_takes_matrices_only():
    with pytest.raises(ValueError, match=r"expected rank 2. Received: shape=\(3,\)"):
        regularizers.OrthogonalRegularizer()(ops.zeros((3,)))
    with pytest.raises(ValueError, match="mode must be"):
        regularizers.OrthogonalRegularizer(mode="diagonal")


@pytest.mark.parametrize("value", [-1.0, float("inf"), float("nan"), "0.1", [0.1, 0.2]])
def test_a_factor_that_is_no_finite_positive_number_is_refused(value):
    with pytest.raises(ValueError, match=r"l2 must be a finite number of at least 0. Received: l2="):
        regularizers.L2(value)


@pytest.mark.parametrize(
    "regularizer",
    [
        regularizers.L1(0.3),
        regularizers.L2(0.3),
        regularizers.L1L2(0.3, 0.4),
        regularizers.OrthogonalRegularizer(0.3, "columns"),
    ],
)
def test_a_config_makes_the_same_regularizer(regularizer):
    entry = regularizers.serialize(regularizer)
    again = regularizers.get(entry)
    assert entry["module"] == "keras.regularizers"
    assert type(again) is type(regularizer)
    assert again.get_config() == regularizer.get_config()


@pytest.mark.parametrize(
    ("entry", "expected"),
    [
        ({"class_name": "L2", "config": {"l": 0.3}}, {"l2": 0.3}),
        ({"class_name": "L1", "config": {"l": 0.3}}, {"l1": 0.3}),
        ({"class_name": "L1L2", "config": {"name": "L1L2", "l1": 0.0, "l2": 0.3}}, {"l1": 0.0, "l2": 0.3}),
        ({"class_name": "L2", "config": {"l2": np.float32(0.5)}}, {"l2": 0.5}),
    ],
)
def test_configs_of_older_versions_are_read(entry, expected):
    assert regularizers.get(entry).get_config() == expected


def test_names_and_functions_are_regularizers_and_others_are_not():
    assert regularizers.get(None) is None
    assert isinstance(regularizers.get("l1_l2"), regularizers.L1L2)
    assert isinstance(regularizers.get("orthogonal_regularizer"), regularizers.OrthogonalRegularizer)
    assert regularizers.l2 is regularizers.L2
    assert regularizers.get(abs) is abs
    with pytest.raises(ValueError, match=r"Unknown regularizer .* 'l3'"):
        regularizers.get("l3")


def test_a_regularizer_without_a_config_says_so():
    class Mine(regularizers.Regularizer):
        pass

    with pytest.raises(NotImplementedError, match="Mine"):
        Mine().get_config()
