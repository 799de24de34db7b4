"""Constraints: values, configs, names, errors."""

import numpy as np
import pytest

from kerasish import constraints, ops

W = np.array([[3.0, 0.3, 0.0], [-4.0, 0.4, 1.0]], np.float32)


def norms(w, axis=0):
    return np.sqrt((np.asarray(w) ** 2).sum(axis=axis))


def test_max_norm_shortens_long_vectors_only():
    w = constraints.MaxNorm(2.0)(ops.convert_to_tensor(W)).numpy()
    np.testing.assert_allclose(norms(w), [2.0, 0.5, 1.0], rtol=1e-5)
    np.testing.assert_allclose(w[:, 1:], W[:, 1:], rtol=1e-5)


def test_unit_norm_gives_vectors_the_length_1():
    np.testing.assert_allclose(norms(constraints.UnitNorm()(W)), 1.0, rtol=1e-5)
    np.testing.assert_allclose(norms(constraints.UnitNorm(axis=[0, 1])(W), (0, 1)), 1.0, rtol=1e-5)


@pytest.mark.parametrize(("rate", "expected"), [(1.0, [2.0, 0.8, 1.0]), (0.5, [3.5, 0.65, 1.0])])
def test_min_max_norm_bounds_lengths_at_its_rate(rate, expected):
    w = constraints.MinMaxNorm(0.8, 2.0, rate=rate)(W)
    np.testing.assert_allclose(norms(w), expected, rtol=1e-5)


def test_the_axis_of_the_vectors_can_be_given():
    np.testing.assert_allclose(norms(constraints.MaxNorm(1.0, axis=1)(W), 1), [1.0, 1.0], rtol=1e-5)


def test_non_neg_cuts_at_zero():
    assert constraints.NonNeg()(W).tolist() == np.maximum(W, 0).tolist()


@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_the_dtype_stays(dtype):
    for constraint in (constraints.MaxNorm(), constraints.MinMaxNorm(), constraints.UnitNorm(), constraints.NonNeg()):
        assert constraint(ops.convert_to_tensor(W, dtype)).dtype == dtype


@pytest.mark.parametrize(
    "constraint",
    [
        constraints.MaxNorm(3.0, axis=[0, 1]),
        constraints.MinMaxNorm(0.1, 3.0, 0.5, 1),
        constraints.UnitNorm(1),
        constraints.NonNeg(),
    ],
)
def test_a_config_makes_the_same_constraint(constraint):
    entry = constraints.serialize(constraint)
    again = constraints.get(entry)
    assert entry["module"] == "keras.constraints"
    assert type(again) is type(constraint)
    assert again.get_config() == constraint.get_config()


def test_names_of_all_versions_stand_for_constraints():
    for names, cls in (
        (("MaxNorm", "max_norm", "maxnorm"), constraints.MaxNorm),
        (("NonNeg", "non_neg", "nonneg"), constraints.NonNeg),
        (("UnitNorm", "unit_norm", "unitnorm"), constraints.UnitNorm),
        (("MinMaxNorm", "min_max_norm"), constraints.MinMaxNorm),
    ):
        assert all(type(constraints.get(name)) is cls for name in names)
    assert constraints.get({"class_name": "MaxNorm", "config": {"m": 4, "axis": 0}}).max_value == 4
    assert constraints.get(None) is None
    with pytest.raises(ValueError, match="Unknown constraint"):
        constraints.get("tight")


def test_a_constraint_of_the_users_own_keeps_its_argument_m():
    class Mine(constraints.Constraint):
        def __init__(self, m):
            self.m = m

    assert Mine.from_config({"m": 2}).m == 2
