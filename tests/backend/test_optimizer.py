from __future__ import annotations

import numpy as np
import pytest

from tests.backend.optimizer_rules import ADAM, CASES, FTRL, follow, u_product


@pytest.mark.parametrize("case", CASES)
class TestUpdates:
    @pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
    def test_five_steps_follow_the_formula(self, kernels, case, dtype):
        follow(kernels, case, dtype)

    def test_scalars_may_be_0_d_arrays(self, kernels, case):
        follow(kernels, case, "float32", wrap=lambda v: np.asarray(v, "float64"))

    @pytest.mark.parametrize("size", [0, 1, 40])
    def test_any_length_is_updated(self, kernels, case, size):
        follow(kernels, case, "float64", size)
        follow(kernels, case, "float16", size, steps=2)

    def test_non_contiguous_buffers_are_updated(self, kernels, case):
        follow(kernels, case, "float32", make=lambda a: np.repeat(a, 2)[::2])


DTYPES = pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])


@DTYPES
def test_weight_decay_subtracts_a_share(kernels, dtype):
    p = np.array([1, -2, 0], dtype)
    kernels.weight_decay_update(p, rate=np.asarray(0.25))
    assert p.dtype == dtype
    assert p.tolist() == [0.75, -1.5, 0]


def test_small_weight_decay_keeps_its_digits_over_many_steps(kernels):
    p = np.linspace(1, 2, 4001, dtype="float32")
    before = p.astype("float64")
    for _ in range(50):
        kernels.weight_decay_update(p, rate=1e-5)
    assert np.mean(1 - p / before) == pytest.approx(1 - (1 - 1e-5) ** 50, rel=1e-2)


@DTYPES
def test_moving_average_moves_towards_the_value(kernels, dtype):
    average, value = np.array([1, 2], dtype), np.array([3, -2], dtype)
    kernels.ema_update(average, value, momentum=0.75)
    assert average.tolist() == [1.5, 1.0]
    assert value.tolist() == [3, -2]


@DTYPES
def test_accumulate_scale_and_clip_work_in_place(kernels, dtype):
    buffer, grad = np.array([1, -2, 3], dtype), np.array([1, 1, 1], dtype)
    kernels.accumulate(buffer, grad)
    assert buffer.tolist() == [2, -1, 4]
    kernels.scale(buffer, factor=np.asarray(0.5))
    assert buffer.tolist() == [1, -0.5, 2]
    kernels.clip_values(buffer, limit=np.asarray(0.75))
    assert buffer.tolist() == [0.75, -0.5, 0.75]
    assert buffer.dtype == dtype
    assert grad.tolist() == [1, 1, 1]


def test_clipping_keeps_nan_and_bounds_infinity(kernels):
    buffer = np.array([np.nan, np.inf, -np.inf], "float32")
    kernels.clip_values(buffer, limit=2.0)
    np.testing.assert_array_equal(buffer, [np.nan, 2, -2])


@DTYPES
@pytest.mark.parametrize("shape", [(0,), (), (1,), (7, 3), (300_000,)])
def test_sum_of_squares_is_accurate_for_any_shape(kernels, dtype, shape):
    x = np.random.default_rng(2).normal(size=shape).astype(dtype)
    total = kernels.sum_squares(x)
    assert isinstance(total, np.ndarray)
    assert total.shape == ()
    assert total.dtype == ("float64" if dtype == "float64" else "float32")
    np.testing.assert_allclose(total, np.sum(x.astype("float64") ** 2), rtol=2e-6)


def test_sum_of_squares_reads_non_contiguous_arrays(kernels):
    assert kernels.sum_squares(np.arange(6.0).reshape(2, 3).T[::2]) == 0 + 9 + 4 + 25


def test_overflowing_gradients_give_infinities_without_a_warning(kernels):
    param, grad, m, v = (
        np.zeros(3, "float32"),
        np.full(3, 1e30, "float32"),
        np.zeros(3, "f4"),
        np.zeros(3, "f4"),
    )
    kernels.adam_update(param, grad, m, v, None, **ADAM, step=1)
    assert np.isinf(v).all()
    assert np.isinf(kernels.sum_squares(grad))


def test_zero_learning_rate_leaves_parameters_where_they_are(kernels):
    for beta_1 in (0.9, 0.0):
        param, grad, m, v = (np.full(3, x) for x in (1.0, 2.0, 0.0, 0.0))
        attrs = ADAM | {"learning_rate": 0.0, "beta_1": beta_1}
        kernels.nadam_update(param, grad, m, v, **attrs, step=1, u_product=u_product(1, beta_1))
        assert param.tolist() == [1, 1, 1]
        assert m[0] == pytest.approx(2 * (1 - beta_1))


def test_ftrl_refuses_a_learning_rate_of_zero_before_changing_anything(kernels):
    arrays = [np.ones(2) for _ in range(4)]
    with pytest.raises(ValueError, match=r"Received: learning_rate=0\.0"):
        kernels.ftrl_update(*arrays, **(FTRL | {"learning_rate": 0.0}), learning_rate_power=-0.5)
    assert all((a == 1).all() for a in arrays)
